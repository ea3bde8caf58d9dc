"""Monte Carlo beside theory: within errors of it, and the same numbers whenever the same is asked."""

from __future__ import annotations

import math
from typing import Any

import pytest
from asking import asked


def without_clock(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != "seconds"}


def test_hopfield_stored() -> None:
    found = asked("hopfield", "alpha=0.08", "mc.N=1000", "mc.sweeps=20", "mc.burn_in=20")
    mc = found["monte_carlo"]
    assert (mc["N"], mc["K"], mc["samples"], mc["picks"]) == (1000, 80, 16, 16 * 1000 * 40)
    assert abs(mc["m"] - found["m"]) < max(4 * mc["m_se"], 4 / math.sqrt(1000)) and 0 < mc["m_se"] < 0.01
    assert mc["x"] == mc["m"] and mc["x_se"] == mc["m_se"]
    assert mc["energy"] + 0.08 / 2 == pytest.approx(found["free_energy"], abs=0.01)  # self terms out; at T = 0 both are the energy


def test_hopfield_learnt_measures_the_overlap_with_what_was_learnt() -> None:
    words = ("alpha=0.02", "T=0.2", "M=60", "r=0.3", "learning=supervised")
    found = asked("hopfield", *words, "mc.N=1200", "mc.samples=6", "mc.sweeps=40", "mc.burn_in=40")
    mc = found["monte_carlo"]
    assert mc["K"] == 24 and mc["m"] == pytest.approx(0.94525, abs=4 / math.sqrt(1200))
    assert mc["x"] / mc["m"] == pytest.approx(0.91334 / 0.94525, abs=0.015)  # of the spec's table; n/m would be 0.894


def test_hopfield_of_few_patterns_is_the_ferromagnet() -> None:
    found = asked("hopfield", "alpha=0", "T=0.5", "mc.N=2000", "mc.samples=4")["monte_carlo"]
    assert found["K"] == 1 and found["m"] == pytest.approx(0.9575040241, abs=0.01)


def test_curie_weiss_by_the_exact_average() -> None:
    found = asked("curie_weiss", "T=1", "mc.N=50", "mc.sweeps=6000", "seed=3")
    mc, exact = found["monte_carlo"], found["finite_size"]
    assert found["N"] == 50 and exact["m_squared"] == pytest.approx(0.1604870021, abs=6e-11)
    for key in ("abs_m", "m_squared"):
        assert abs(mc[key] - exact[key]) < 4 * mc[f"{key}_se"] < 0.05 * exact[key]
    assert mc["m_squared"] > mc["abs_m"] ** 2
    assert mc["picks"] == 16 * 50 * 6100 and asked("curie_weiss", "mc.N=50", "mc.samples=1")["monte_carlo"]["abs_m_se"] is None


@pytest.mark.parametrize(
    "words", ["hopfield alpha=0.05 T=0.4 mc.N=300", "curie_weiss T=0.9 mc.N=300", "multitasking T=0.2 mc.N=300"], ids=lambda w: w.split()[0]
)
def test_seed_and_nothing_else_decides(words: str) -> None:
    theory, *rest = [*words.split(), "mc.samples=3", "mc.sweeps=9", "mc.burn_in=1"]
    first = without_clock(asked(theory, *rest, "threads=1")["monte_carlo"])
    assert without_clock(asked(theory, *rest, "threads=2")["monte_carlo"]) == first
    assert without_clock(asked(theory, *rest, "seed=7")["monte_carlo"]) != first
