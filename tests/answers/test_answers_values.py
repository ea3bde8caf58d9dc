"""What --json promises: the keys, and the published or tabulated numbers under them."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from asking import asked
from driving import ROOT

from bioplaus.registry import THEORIES

MULTITASKING = {
    "K", "d", "T", "rho", "m", "n", "free_energy", "hessian_eigenvalues", "example_eigenvalues", "verdict", "stable", "iterations", "residual",
    "learning", "law", "M", "r", "monte_carlo",
}  # fmt: skip
MONTE_CARLO = {
    "N", "m", "m_se", "n", "n_se", "energy", "energy_se", "sweeps", "burn_in", "samples", "picks", "seconds", "form",
}  # fmt: skip


def test_multitasking_storing() -> None:
    found = asked("multitasking", "K=3", "d=0.5", "T=0.1")
    assert set(found) == MULTITASKING and found["monte_carlo"] is None and found["M"] is None
    assert found["m"] == pytest.approx([0.9991675, 0.49913781, 0.24908461], abs=6e-8) and found["n"] == pytest.approx(found["m"], abs=1e-12)
    assert found["free_energy"] == pytest.approx(-0.33693764, abs=6e-9)
    assert found["hessian_eigenvalues"] == pytest.approx([0.87733144, 0.94427416, 0.99442821], abs=6e-9)
    assert found["stable"] is True and found["verdict"] == "stable" and found["residual"] < 1e-12 and found["iterations"] > 0


def test_multitasking_learnt() -> None:
    found = asked("multitasking", "K=2", "d=0.3", "T=0.1", "M=40", "r=0.3", "learning=unsupervised")
    assert found["m"] == pytest.approx([0.84977719, 0.40192535], abs=6e-9)
    assert found["n"] == pytest.approx([0.76543853, 0.37215125], abs=6e-9)
    assert found["rho"] == pytest.approx(0.252778, abs=6e-7) and (found["M"], found["r"], found["law"]) == (40, 0.3, "binomial")
    assert found["hessian_eigenvalues"] == pytest.approx([0.29663, 0.99175], abs=6e-6)
    assert found["example_eigenvalues"] == pytest.approx([0.88104, 0.86103], abs=6e-6)


def test_multitasking_gaussian_law() -> None:
    found = asked("multitasking", "K=1", "d=0", "M=5", "r=0.5", "learning=supervised", "law=gaussian")
    assert found["m"] == pytest.approx([math.erf(math.sqrt(5 * 0.25 / 0.75 / 2))]) and found["law"] == "gaussian"  # erf(1/sqrt(2 rho))


def test_multitasking_free_neurons_are_null() -> None:
    found = asked("multitasking", "K=2", "d=0.3", "start=parallel")  # opposite entries leave neurons without field at T = 0
    assert found["hessian_eigenvalues"][0] is None and found["verdict"] == "unstable" and found["stable"] is False


def test_multitasking_simulated() -> None:
    found = asked("multitasking", "K=2", "d=0.3", "mc.N=1500", "mc.sweeps=7", "mc.burn_in=3", "mc.samples=3", "seed=4", "threads=1")
    mc = found["monte_carlo"]
    assert set(mc) == MONTE_CARLO and (mc["N"], mc["sweeps"], mc["burn_in"], mc["samples"]) == (1500, 7, 3, 3)
    assert mc["picks"] == 3 * 1500 * 10 and mc["seconds"] > 0
    assert mc["m"] == pytest.approx([1, 0.3], abs=4 / 1500**0.5 / 0.7) and all(0 < one < 0.1 for one in mc["m_se"])
    one = asked("multitasking", "K=2", "d=0.3", "mc.N=1500", "mc.sweeps=7", "mc.burn_in=3", "mc.samples=1", "seed=5")["monte_carlo"]
    assert one["m_se"] is None and one["n_se"] is None
    assert asked("multitasking", "K=2", "mc.N=1500", "mc.samples=0")["monte_carlo"] is None


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("alpha=0.1 T=0", {"m": 0.997999, "C": 0.020858, "R": 1.043059}),
        ("alpha=0.13", {"m": 0.987212, "C": 0.090728, "R": 1.209519}),
        ("alpha=0.05 T=0.3", {"m": 0.991165, "q": 0.982961, "R": 1.10491}),
        ("alpha=0.08 T=0.5", {"m": 0, "q": 0.617615, "R": 11.16174}),
    ],
)
def test_hopfield_tables(words: str, values: dict[str, float]) -> None:
    found = asked("hopfield", *words.split())
    assert {key: found[key] for key in values} == pytest.approx(values, abs=6e-6)
    assert found["phase"] == ("retrieval" if found["m"] else "spin glass")
    assert found["x"] == found["m"] and found["V"] == pytest.approx(found["alpha"] * found["R"]) and found["residual"] < 1e-9


def test_hopfield_lines() -> None:
    found = asked("hopfield", "alpha=0.05", "T=0")
    assert found["capacity"] == pytest.approx(0.1379055665, abs=1e-10)
    assert found["retrieval_temperature"] == pytest.approx(0.542255, abs=6e-7)
    assert found["spin_glass_temperature"] == pytest.approx(1 + 0.05**0.5)
    assert found["ground_state_crossing"] == pytest.approx(0.051, abs=1e-3)  # Amit, Gutfreund & Sompolinsky 1987
    assert found["spin_glass"]["free_energy"] == pytest.approx(-1 / np.pi - (0.1 / np.pi) ** 0.5)
    assert found["free_energy"] < found["spin_glass"]["free_energy"] and found["monte_carlo"] is None
    warm = asked("hopfield", "alpha=0.1", "T=0.3")
    assert warm["ground_state_crossing"] is None and 0.1 < warm["capacity"] < 0.138 and warm["retrieval_temperature"] > 0.3
    beyond = asked("hopfield", "alpha=0.2")
    assert beyond["retrieval_temperature"] == 0 and beyond["free_energy"] == beyond["spin_glass"]["free_energy"]


def test_hopfield_without_load() -> None:
    still = asked("hopfield", "alpha=0", "T=0.5")
    assert still["m"] == pytest.approx(0.9575040241, abs=1e-10) and still["V"] == 0  # Curie-Weiss
    hot = asked("hopfield", "alpha=0", "T=1.5")
    assert hot["phase"] == "paramagnet" and hot["capacity"] == 0 and hot["free_energy"] == pytest.approx(-1.5 * np.log(2))
    assert asked("hopfield", "alpha=0", "T=0")["spin_glass"]["R"] is None, "infinite"


@pytest.mark.parametrize(("learning", "m", "x"), [("supervised", 0.97749, 0.95048), ("unsupervised", 0.97367, 0.94832)])
def test_hopfield_learnt(learning: str, m: float, x: float) -> None:
    found = asked("hopfield", "alpha=0.05", "T=0.1", "M=20", "r=0.6", f"learning={learning}")
    assert (found["m"], found["x"]) == pytest.approx((m, x), abs=6e-6) and found["rho"] == pytest.approx(0.64 / 20 / 0.36)
    for key in ("R", "free_energy", "retrieval_temperature", "spin_glass_temperature", "ground_state_crossing", "spin_glass"):
        assert found[key] is None
    capacity = asked("hopfield", "M=100", "r=0.3", f"learning={learning}", "law=gaussian")["capacity"]
    assert capacity == pytest.approx({"supervised": 0.07103, "unsupervised": 0.05262}[learning], abs=6e-6)


@pytest.mark.parametrize(("gamma", "m"), [(0.01, 0.999955), (0.02, 0.995613), (0.03, 0.966857), (0.04, 0)])
def test_dense_table(gamma: float, m: float) -> None:
    found = asked("dense", "P=4", f"gamma={gamma}")
    assert set(found) == {"P", "gamma", "T", "learning", "law", "M", "r", "m", "x", "q", "phase", "residual", "capacity"}
    assert found["m"] == found["x"] == pytest.approx(m, abs=6e-7) and found["q"] == 1
    assert found["capacity"] == pytest.approx(0.03297669, abs=6e-9)
    assert asked("dense", "P=3", "gamma=0", "T=5")["phase"] == "paramagnet"


def test_curie_weiss() -> None:
    found = asked("curie_weiss", "T=0.8")
    assert set(found) == {"T", "h", "N", "magnetisation", "free_energy", "susceptibility", "finite_size", "monte_carlo"}
    assert found["magnetisation"] == pytest.approx(0.7104117835, abs=1e-10) and found["finite_size"] is None
    softness = 1 - 0.7104117835**2
    assert found["susceptibility"] == pytest.approx(softness / (0.8 - softness), rel=1e-8)
    assert asked("curie_weiss", "T=1", "h=0.1")["magnetisation"] == pytest.approx(0.6118115549, abs=1e-10)
    critical = asked("curie_weiss", "T=1", "N=50")
    assert critical["susceptibility"] is None and critical["N"] == 50
    assert critical["finite_size"] == pytest.approx({"abs_m": 0.3406627351, "m_squared": 0.1604870021}, abs=6e-11)


def test_settings_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every setting of a simulation reaches it, under its own name."""
    from bioplaus.theory import monte_carlo as module

    seen: dict[str, Any] = {}
    real = module.monte_carlo

    def spying(*args: Any, **kwargs: Any) -> Any:
        seen.update(kwargs, args=args)
        return real(*args, **kwargs)

    monkeypatch.setattr(module, "monte_carlo", spying)
    words = ["K=2", "d=0.2", "T=0.3", "M=3", "r=0.8", "learning=supervised", "start=pure", "normalise=false"]
    asked("multitasking", *words, "mc.N=40", "mc.sweeps=4", "mc.burn_in=2", "mc.samples=2", "seed=9", "threads=1")
    assert seen == {
        "args": (2, 0.2, 0.3, 40), "M": 3, "r": 0.8, "learning": "supervised", "start": "pure", "normalise": False, "sweeps": 4, "burn_in": 2,
        "samples": 2, "seed": 9, "threads": 1,
    }  # fmt: skip


@pytest.mark.parametrize("theory", THEORIES.names())
def test_documented_keys_are_all_there_are(theory: str) -> None:
    line = next(line for line in (ROOT / "docs" / "theory.md").read_text().splitlines() if line.startswith(f"| {theory} |"))
    found = asked(theory)
    nested = {key: set(inner.split(", ")) for key, inner in re.findall(r"(\w+) {([^}]*)}", line)}
    keys = re.sub(r" {[^}]*}", "", line.split("`")[1]).split(", ")
    assert set(keys) == set(found) and len(set(keys)) == len(keys)
    assert all(set(found[key]) == inner for key, inner in nested.items() if found[key] is not None)
