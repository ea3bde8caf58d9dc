"""Perforated dendrites: exact values by hand, what a candidate may know, what stays fixed in which phase, and runs that grow."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from driving import command
from torch import Tensor

from bioplaus import api
from bioplaus.connections import DenseConnection
from bioplaus.dendrites import Dendrites
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.neurons.base import StaticNeuron
from bioplaus.neurons.smooth import Identity, Sigmoid, Tanh
from bioplaus.passes import downward
from bioplaus.rules.perforated_candidates import Moments, Sides, ascent

X = torch.tensor([[-1.0, 0], [0, 1], [1, 0.5], [0.5, -1]], dtype=torch.float64)
ERROR = torch.tensor([0.2, -0.4, 0.1, 0.3], dtype=torch.float64)
PLAIN: dict[str, Any] = {"network.hidden": [4], "run.save": False, "run.figures": False, "probes": []}
SMALL: dict[str, Any] = {"rule": "perforated", "rule.controls": False, **PLAIN}


def candidates(neuron: StaticNeuron, m: int = 1, seed: int | None = None) -> tuple[Dendrites, dict[str, Tensor]]:
    """One candidate for each of m neurons with two inputs: the one worked out by hand, or random ones."""
    one = Dendrites("d", DenseConnection((2,), (m,)), neuron=neuron, pool=1)
    v = torch.tensor([0.5, -0.25], dtype=torch.float64).view(1, 1, 1, 2).expand(1, 1, m, 2)
    if seed is not None:
        v = torch.randn(1, 1, m, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return one, {"d/candidate/V": v, "d/candidate/c": torch.full_like(v[..., 0], 0.1), "d/candidate/q": v.new_zeros(1, 1, 0, m)}


def followed(one: Dendrites, arrays: dict[str, Tensor], error: Tensor, *, normalise: bool = False) -> tuple[Moments, dict[str, Tensor]]:
    sides = Sides(X[None], [], error.view(1, 4, -1), (error.numel() // 4,))
    m = Moments(one, arrays)
    m.add(sides)
    return m, ascent(one, arrays, sides, m.covariance, m.mean_e, m.var_e.sqrt() if normalise else None)


@pytest.mark.parametrize(
    ("neuron", "covariance", "slope", "bias", "rho"),
    [
        (Sigmoid(), 0.011070670792583576, (0.00109488, -0.04078883), -0.0017034421320791474, 0.40139796904878045),
        (Tanh(), 0.04159495758600112, (0.00020575, -0.14945215), -0.02339077171869415, 0.3989340990965213),
    ],
    ids=["sigmoid", "tanh"],
)
def test_covariance_and_its_slope_by_hand(neuron: Any, covariance: float, slope: tuple[float, float], bias: float, rho: float) -> None:
    m, found = followed(*candidates(neuron), ERROR)
    assert float(m.covariance) == pytest.approx(covariance, abs=1e-14)
    assert found["d/candidate/V"].flatten().tolist() == pytest.approx(slope, abs=1e-8)
    assert float(found["d/candidate/c"]) == pytest.approx(bias, abs=1e-12)
    assert float(m.covariance / (m.var_d * m.var_e).sqrt()) == pytest.approx(rho, abs=1e-12)


def test_shift_scale_and_sign_of_the_error() -> None:
    base, slope = followed(*candidates(Sigmoid()), ERROR)
    for error, factor in ((ERROR + 3, 1), (2.5 * ERROR, 2.5), (-ERROR, -1)):
        m, found = followed(*candidates(Sigmoid()), error)
        assert float(m.covariance) == pytest.approx(factor * float(base.covariance), rel=1e-10)
        for key in ("d/candidate/V", "d/candidate/c"):
            torch.testing.assert_close(found[key], slope[key] * abs(factor), rtol=1e-10, atol=1e-13)
    scaled = followed(*candidates(Sigmoid()), 2.5 * ERROR, normalise=True)[1]
    torch.testing.assert_close(scaled["d/candidate/V"], followed(*candidates(Sigmoid()), ERROR, normalise=True)[1]["d/candidate/V"])


def test_a_candidate_knows_its_own_neurons_error_alone() -> None:
    one, arrays = candidates(Sigmoid(), 2, seed=1)
    errors = torch.stack([ERROR, ERROR.flip(0)], 1)
    other = errors.clone()
    other[:, 1] = torch.tensor([5.0, -1.0, 0.5, 2.0], dtype=torch.float64)
    before, after = followed(one, arrays, errors)[1], followed(one, arrays, other)[1]
    for key in ("d/candidate/V", "d/candidate/c"):
        assert torch.equal(before[key][0, 0, 0], after[key][0, 0, 0]) and not torch.equal(before[key][0, 0, 1], after[key][0, 0, 1])


@pytest.mark.parametrize(("perforated", "first"), [(True, 1.704523854427555), (False, 1.0982740262252806)])
def test_errors_stop_at_perforated_dendrites_by_hand(perforated: bool, first: float) -> None:
    """h = tanh(w1), z = w2 h + u sigmoid(v h), L = (z - 1)^2 / 2 with w1 = .5, w2 = 2, u = 3, v = -1.

    dL/dw1 = (z - 1) (w2 [+ u s (1 - s) v]) (1 - h^2), s = sigmoid(v h); in brackets what only dendrites that are not perforated add.
    """
    layers = [Layer(f"n/{i}", DenseConnection((1,), (1,)), neuron) for i, neuron in enumerate((Tanh(), Identity()))]
    layers[1].dendrites = Dendrites("n/1/dendrites", layers[1].connection, perforated=perforated)
    numbers = {"n/0/weight": 0.5, "n/1/weight": 2.0}
    params = {key: torch.full((1, 1, 1), value, dtype=torch.float64) for key, value in numbers.items()}
    params |= {"n/1/dendrites/V": torch.full((1, 1, 1, 1), -1.0, dtype=torch.float64), "n/1/dendrites/u": torch.full((1, 1, 1), 3.0).double()}
    params |= {"n/1/dendrites/c": torch.zeros(1, 1, 1).double(), "n/1/dendrites/q": torch.zeros(1, 1, 1, 1).double()}
    network = Network("n", (1,), layers)
    run = network.forward(params, torch.ones(1, 1, 1, dtype=torch.float64), {}, train=True)
    z = float(run.out)
    assert z == pytest.approx(2.083685401443838, abs=1e-13)
    changes = downward(network, params, run, 1 - run.out)
    slopes = {key: -float(change.dense()) for key, change in changes.items()}
    assert slopes["n/1/weight"] == pytest.approx(0.5007896170793991, abs=1e-13)
    assert slopes["n/1/dendrites/u"] == pytest.approx(0.41882673886251093, abs=1e-13)
    assert slopes["n/0/weight"] == pytest.approx(first, abs=1e-12)
    assert not {"n/1/dendrites/V", "n/1/dendrites/c", "n/1/dendrites/q"} & slopes.keys()


def test_size_of_dendrites() -> None:
    """A network 64-4-10 has 310, 634, 972, 1,324 numbers with 0 to 3 dendrites per neuron."""
    layers = [Dendrites("a", DenseConnection((64,), (4,))), Dendrites("b", DenseConnection((4,), (10,)))]
    assert [310 + sum(one.size(k) for one in layers) for k in range(4)] == [310, 634, 972, 1324]


def test_without_a_switch_it_is_the_rule_that_it_wraps() -> None:
    keys = {"data": "digits", "data.limit": 300, "data.standardise": "none", "network.bias": True, "neuron": "tanh", "epochs": 3, "seeds": 2}
    keys |= {"plasticity": "sgd", "plasticity.clip": "none", "rule.lr": 0.1, "batch_size": 32}
    own = api.simulate({**SMALL, **keys, "rule.switch_mode": "none", "data.split": "random"})
    plain = api.simulate({"rule": "bp", **keys, **PLAIN})
    a, b = (one.simulator.packs[0].world.params for one in (own, plain))
    assert set(b) <= a.keys()
    for key, value in b.items():
        assert torch.equal(value, a[key]), key


def test_xor_needs_one_dendrite() -> None:
    """One neuron cannot: its best loss is ln 2. With one dendrite every seed solves it, at a correlation near 1/sqrt(3)."""
    found = api.simulate({**SMALL, "data": "xor", "network.hidden": [], "seeds": 5, "rule.max_dendrites": 1, "epochs": 1700}).summary["cycles"]
    assert found[0]["dendrites"] == 0 and found[0]["train_loss"] == pytest.approx(math.log(2), abs=1e-3) and found[0]["train_accuracy"] < 0.8
    assert found[1]["dendrites"] == 1 and found[1]["train_accuracy"] == 1.0
    assert found[1]["rho"][0] == pytest.approx(1 / math.sqrt(3), abs=0.02)


def test_controls_stand_beside_a_run(tmp_path: Path) -> None:
    keys = {"data": "digits", "epochs": 60, "rule.n_epochs_max": 15, "rule.p_epochs": 5, "rule.max_dendrites": 1, "seeds": 2}
    found = api.simulate({"rule": "perforated", **keys, "run.figures": False, "run.root": str(tmp_path)}).summary
    assert set(found["controls"]) == {"continued", "random", "gd", "no_perforation", "width_matched"}
    assert all(len(one["accuracy"]["ci95"]) == 2 for one in found["controls"].values())
    assert [cycle["parameters"] for cycle in found["cycles"]] == [310, 634]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["rule.where=hidden", "network.hidden=[]"], "no layer of the network can grow dendrites"),
        (["rule.n_epochs_to_switch=50", "epochs=3"], "can never fire"),
        (["rule.error_source=ff"], "has no error for each neuron"),
        (["rule.error_source=nothing"], "is not a rule that can be wrapped"),
    ],
)
def test_bad_input(words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = command("simulate", "rule=perforated", "data=digits", "data.limit=200", *words)
    assert answer.code != 0 and says in answer.err and sum("bioplaus:" in line for line in answer.err.splitlines()) == 1
