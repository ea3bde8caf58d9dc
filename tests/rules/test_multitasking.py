"""Hebbian multitasking: what is stored against sums by hand, recall against theory, and who needs what."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from driving import command
from numpy.typing import NDArray

from bioplaus import load, simulate
from bioplaus.api import Result
from bioplaus.errors import ConfigError

QUIET: dict[str, Any] = {"rule": "multitasking", "run.save": False, "run.figures": False, "N": 60, "burn_in": 2, "sweeps": 2}
NOISY: dict[str, Any] = {**QUIET, "M": 7, "r": 0.6, "batch_size": 5}


def run(**keys: Any) -> Result:
    return simulate({**QUIET, **keys})


def examples(result: Result, seed: int = 0) -> NDArray[Any]:
    """Training examples of one seed, ``[K, M, N]``, in float64."""
    splits = result.simulator.splits
    return splits.train_x[seed].reshape(splits.classes, -1, splits.train_x.shape[-1]).astype(np.float64)


def stored(result: Result) -> NDArray[Any]:
    return result.parameters()["forward/0/weight"]


def test_memory_cells_hold_the_sums_of_their_examples() -> None:
    result = simulate({**NOISY, "learning": "supervised", "seeds": 3})
    for seed in range(3):
        assert np.array_equal(stored(result)[seed], examples(result, seed).sum(1))
    state = result.simulator.packs[0].world.state["seen"]
    assert (state == 7).all()


def test_pairwise_synapses_hold_the_sum_of_products_without_self_synapses() -> None:
    result = simulate({**NOISY, "learning": "unsupervised"})
    eta = examples(result).reshape(-1, 60)
    expected = sum(np.outer(one, one) for one in eta)
    np.fill_diagonal(expected, 0)
    assert np.array_equal(stored(result)[0], expected)
    own = simulate({**NOISY, "learning": "unsupervised", "network.autapses": True})
    assert np.array_equal(np.diagonal(stored(own)[0]), (eta**2).sum(0))


@pytest.mark.parametrize("learning", ["supervised", "unsupervised"])
def test_one_at_a_time_is_all_at_once_in_any_order(learning: str) -> None:
    weights = [stored(simulate({**NOISY, "learning": learning, "batch_size": size})) for size in (1, 4, 21)]
    assert np.array_equal(weights[0], weights[1]) and np.array_equal(weights[0], weights[2])


def test_a_synapse_knows_its_own_two_cells_only() -> None:
    """A third cell's activity changes no synapse between two others."""
    from bioplaus.connections import RecurrentConnection

    x = torch.sign(torch.randn(1, 9, 8, generator=torch.Generator().manual_seed(0)))
    other = x.clone()
    other[..., 5] *= -1
    before, after = (RecurrentConnection(8).correlate(one, one)[0] for one in (x, other))
    kept = [i for i in range(8) if i != 5]
    assert torch.equal(before[kept][:, kept], after[kept][:, kept]) and not torch.equal(before, after)
    assert torch.equal(before, before.T)


def couplings(result: Result, g: float) -> NDArray[Any]:
    """J of the paper from the examples themselves, with the self term."""
    splits = result.simulator.splits
    eta, N = examples(result), splits.train_x.shape[-1]
    _, M, _ = eta.shape
    r = splits.patterns.r
    R = r**2 + (1 - r**2) / M
    if result.config["rule"]["learning"] == "unsupervised":
        flat = eta.reshape(-1, N)
        return g / (N * R * M) * flat.T @ flat
    mean = eta.mean(1)
    return g / (N * R) * mean.T @ mean


@pytest.mark.parametrize(("learning", "normalise"), [("supervised", True), ("supervised", False), ("unsupervised", True)])
def test_the_network_relaxes_in_the_energy_of_the_paper(learning: str, normalise: bool) -> None:
    result = simulate({**NOISY, "learning": learning, "normalise": normalise, "d": 0.4, "dtype": "float64"})
    pack = result.simulator.packs[0]
    from bioplaus.world import view

    batch = next(result.simulator.feeds.test.chunks(3))
    seen = view(pack.model, pack.world, batch, pack.clock(1, 1))
    memories = pack.model.rule.memories(seen, pack.world.state)
    w = memories.weight[0].numpy()
    J = w if memories.coupling is None else memories.coupling / 60 * w.T @ w
    expected = couplings(result, 1 / 0.6 if normalise else 1.0)
    off = ~np.eye(60, dtype=bool)
    np.testing.assert_allclose(J[off], expected[off], rtol=1e-12, atol=1e-15)


def test_several_patterns_are_recalled_at_once_as_theory_says() -> None:
    found = run(N=4000, K=3, d=0.5, T=0.1, seeds=8, burn_in=60, sweeps=60).summary
    assert found["retrieved"] == [True] * 3
    published = [0.9991675, 0.49913781, 0.24908461]
    assert found["theory"]["m"] == pytest.approx(published, abs=1e-6)
    for mean, se, theory in zip(found["overlaps"], found["overlaps_se"], published):
        assert abs(mean - theory) * 0.5 < max(4 * se * 0.5, 4 / np.sqrt(4000))
    assert found["energy"] == pytest.approx(-0.5 / 2 * sum(m**2 for m in published), abs=0.02)  # -(g/2)(1-d)^2 sum, g = 2
    assert found["loss_and_energy"]["correlation"] == pytest.approx(1, abs=1e-12)


def test_loss_is_energy_up_to_a_constant_along_the_way() -> None:
    """Slope 2/(g N) in bare units: H = (g N / 2)(sum L+L- - const), so per neuron sum L+L- rises by 2/g."""
    found = run(N=500, d=0.3, T=0.3).summary["loss_and_energy"]
    assert found["slope"] == pytest.approx(2 * 0.7, rel=1e-9) and found["correlation"] == pytest.approx(1, abs=1e-12)


def test_only_what_comes_after_the_burn_in_counts() -> None:
    """Without noise the state stands still after some sweeps, so that its overlaps are whole numbers over N (1 - d)."""
    found = run(N=500, K=2, d=0.3, start="pure", burn_in=20, sweeps=5).summary["overlaps_per_seed"][0]
    whole = np.array(found) * 500 * 0.7
    np.testing.assert_allclose(whole, np.rint(whole), atol=1e-9)
    assert found[1] > 0.2  # it came from the blanks of pattern 1: a pure cue has none of it


def test_a_replica_is_the_single_run_of_its_seed() -> None:
    together, alone = run(seeds=3, T=0.2).summary, run(seed=2, T=0.2).summary
    assert together["overlaps_per_seed"][2] == alone["overlaps_per_seed"][0]
    assert together["overlaps_per_seed"][0] != together["overlaps_per_seed"][1]
    packed = run(seeds=3, T=0.2, **{"run.pack": "2"}).summary
    assert packed["overlaps_per_seed"] == together["overlaps_per_seed"]


def test_pictures_are_recalled_in_one_state(tmp_path: Any) -> None:
    result = simulate({**QUIET, "N": None, "images": "digits", "K": 3, "start": "parallel", "run.save": True, "run.root": str(tmp_path)})
    assert result.summary["overlaps"] == pytest.approx([1.0] * 3, abs=0.06)  # bands of 21 or 22 of 64 pixels, over the nominal third
    assert result.summary["theory"] is None and "pictures" in result.summary["theory_note"]
    again = load(result.run_dir or "")
    assert {p.name for p in again.plot(tmp_path)} >= {"recall.png", "recalled_images.png"}
    xi = again.simulator.splits.patterns.xi[0]
    assert ((xi != 0).sum(0) == 1).all()


def test_what_it_prints_and_its_json() -> None:
    words = ["simulate", "rule=multitasking", "K=3", "d=0.3", "N=2000", "run.save=false", "seeds=2"]
    shown = command(*words)
    assert shown.code == 0 and "recall from a hierarchical cue: N=2000, K=3, d=0.3, T=0" in shown.out
    found = json.loads(command(*words, "--json").out)
    assert len(found["overlaps"]) == len(found["retrieved"]) == 3 and found["theory"]["m"] == pytest.approx([1, 0.3, 0.09])
    assert found["energy"] == pytest.approx(-0.7 / 2 * (1 + 0.09 + 0.0081), abs=0.02)


BAD = {
    "K=0": "K=0",
    "d=1": "d=1",
    "r=0": "r=0",
    "r=1.5": "r=1.5",
    "M=0": "M=0",
    "T=-1": "T=-1",
    "N=4": "too small",
    "M=5 r=0.5": "learning=supervised",
    "learning=unsupervised network=memory": "network=recurrent",
    "learning=supervised network=recurrent": "network=memory",
    "network=mlp": "network=memory",
    "neuron=relu": "neuron=ising",
    "data=digits": "data=patterns",
    "images=digits N=60": "as many neurons as pixels",
    "images=digits K=11": "at most 10",
    "data.validation=0.2": "data.validation",
}


@pytest.mark.parametrize("words", BAD)
def test_bad_input_is_one_line(words: str) -> None:
    given = [] if words.startswith(("N=", "images", "data=")) else ["N=60"]
    answer = command("simulate", "rule=multitasking", *given, "run.save=false", *words.split())
    assert answer.code == 2 and answer.out == ""
    lines = [line for line in answer.err.splitlines() if line.startswith("bioplaus:")]
    assert len(lines) == 1 and BAD[words] in lines[0], answer.err


def test_other_rules_do_not_recall() -> None:
    with pytest.raises(ConfigError, match="rule=bp cannot run on network=memory"):
        simulate({"rule": "bp", "data": "patterns", "network": "memory", "run.save": False})


def test_other_rules_classify_examples_of_patterns() -> None:
    """Examples are data like others: a linear readout tells from which pattern a fresh one comes."""
    keys = {"N": 400, "K": 3, "M": 30, "r": 0.6, "d": 0.2}
    result = simulate({"rule": "bp", "data": "patterns", "network.hidden": [], "epochs": 3, "run.save": False, "seeds": 2,
                       **{f"data.{key}": value for key, value in keys.items()}})  # fmt: skip
    assert result.summary["test_accuracy"]["mean"] == 1.0
