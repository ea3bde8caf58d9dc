"""The cycle of phases: when they end, what is kept, dropped and tried again; replicas on their own, runs resumed, bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from perforated_kit import Drive, data, make, mlp, network_arrays, same

from bioplaus import checkpoint
from bioplaus.errors import ConfigError
from bioplaus.evaluation import predict
from bioplaus.pack import Pack
from bioplaus.plasticity.adaptive import Adam
from bioplaus.plasticity.sgd import Sgd
from bioplaus.rules.perforated import Perforated
from bioplaus.rules.perforated_settings import PerforatedConfig
from bioplaus.rules.perforated_state import DENDRITES, DONE, NEURONS
from bioplaus.world import World, new_world

#: epochs of a neuron and of a dendrite phase in the kit
N = P = 3


# -- the loop


def scored(losses: list[float], **keys: Any) -> tuple[list[int], list[int]]:
    """Return phase and K after each boundary of a run whose validation losses are given, one per epoch."""
    run = Drive(make((0,), **{"p_epochs": 1, "switch_mode": "history", "keep_cycles": False, **keys}), data(), epochs=100)
    run.start()
    phases, K = [], []
    for epoch, loss in enumerate(losses):
        run.world.step = epoch + 1
        scores = {"loss": torch.tensor([loss], dtype=torch.float64), "accuracy": torch.tensor([1 - loss], dtype=torch.float64)}
        run.pack.boundary("epoch", run.pack.clock(1, 100), scores, run.feeds)
        phases.append(int(run.world.state["phase"]))
        K.append(int(run.world.state["K"]))
    return phases, K


def test_both_thresholds_have_to_be_beaten() -> None:
    """0.0005 down from 1 is less than the relative 0.001; from 0.01 it passes that, and fails the absolute one where that is 0.001."""
    n = 0
    phases, _ = scored([1.0, 0.9995, 0.9995], n_epochs_to_switch=2)
    assert phases == [n, n, DENDRITES]
    phases, _ = scored([1.0, 0.998, 0.998, 0.998], n_epochs_to_switch=2)
    assert phases == [n, n, n, DENDRITES]
    phases, _ = scored([0.01, 0.0095, 0.0095], n_epochs_to_switch=2, improvement_threshold_raw=1e-3)
    assert phases == [n, n, DENDRITES]


def test_accuracy_may_be_the_score() -> None:
    phases, _ = scored([0.5, 0.4, 0.4, 0.4], n_epochs_to_switch=2, score="accuracy")
    assert phases == [NEURONS, NEURONS, NEURONS, DENDRITES]


def test_history_is_averaged_and_counts_from_after_the_switch() -> None:
    # averages over two epochs: 1, .75, .625, .5625: improving although the scores stand still
    phases, _ = scored([1.0, 0.5, 0.5, 0.5], n_epochs_to_switch=1, history_lookback=2)
    assert phases == [NEURONS] * 4
    phases, _ = scored([1.0, 1.0, 1.0, 1.0, 1.0], n_epochs_to_switch=1, initial_history_after_switches=3)
    assert phases == [NEURONS] * 3 + [DENDRITES, NEURONS]


def test_switch_modes() -> None:
    assert scored([1.0] * 4, switch_mode="fixed", fixed_switch_num=3)[0] == [NEURONS, NEURONS, DENDRITES, NEURONS]
    assert scored([1.0, 0.9, 0.8, 0.7], switch_mode="every_epoch", p_epochs=None)[0] == [DENDRITES, NEURONS, DENDRITES, NEURONS]
    assert scored([1.0] * 30, switch_mode="none")[0] == [NEURONS] * 30
    assert scored([1.0, 0.9, 0.8, 0.7], n_epochs_max=2, n_epochs_to_switch=9)[0] == [NEURONS, DENDRITES, NEURONS, NEURONS]


def test_dendrites_that_do_not_help_are_dropped_and_tried_again_then_the_run_ends() -> None:
    """max + 1 attempts in all; K goes back to what it was."""
    phases, K = scored([1.0] * 20, n_epochs_to_switch=1, max_dendrite_tries=2)
    done = phases.index(DONE)
    assert phases[done:] == [DONE] * (20 - done) and K[-1] == 0
    assert phases[:done].count(DENDRITES) == 3 and max(K) == 1


def test_dropped_dendrites_leave_the_network_as_it_was() -> None:
    run = Drive(make((0,), keep_cycles=False, max_dendrite_tries=0, fixed_switch_num=3, p_epochs=3), data(), epochs=99)
    run.go(N)
    kept = {key: value.clone() for key, value in network_arrays(run.world).items()}
    out = predict(run.model, run.world, next(run.feed.chunks(24)))
    run.go(P)
    assert int(run.world.state["K"]) == 1
    for _ in range(N):  # scores that are worse than any before
        run.pack.evaluate = lambda feeds: {"loss": torch.tensor([9.0]), "accuracy": torch.tensor([0.0])}  # type: ignore[method-assign]
        run.go(1)
    assert int(run.world.state["phase"]) == DONE and int(run.world.state["K"]) == 0
    for key, value in kept.items():
        if "/dendrites/" not in key:
            assert torch.equal(run.world.params[key], value), key
    assert torch.equal(predict(run.model, run.world, next(run.feed.chunks(24))), out)


def test_the_best_network_of_the_phase_is_loaded_before_dendrites_grow() -> None:
    run = Drive(make((0,), switch_mode="history", n_epochs_to_switch=2), data(), epochs=99).start()
    losses = iter([3.0, 1.0, 2.0, 2.0])
    run.pack.evaluate = lambda feeds: {"loss": torch.tensor([next(losses)]), "accuracy": torch.tensor([0.5])}  # type: ignore[method-assign]
    run.go(4)
    assert int(run.world.state["phase"]) == DENDRITES
    for key, value in network_arrays(run.world).items():
        assert torch.equal(value, run.before[2].params[key])
    assert not torch.equal(run.before[4].params["forward/0/weight"], run.before[2].params["forward/0/weight"])


def test_optimisers_start_anew_at_a_restructuring() -> None:
    run = Drive(make((0,)), data()).go(N + P)
    moments = {key: value for key, value in run.world.moments.items() if key.startswith("forward|")}
    assert moments and all(bool((value == 0).all()) for value in moments.values())
    assert int(run.world.counts["forward"]) == 0
    assert any(bool((value != 0).any()) for key, value in run.before[N].moments.items() if key.startswith("forward|"))
    for key, value in moments.items():
        assert value.shape == run.world.params[key.partition("|")[2].partition(":")[0]].shape


def test_a_dendrite_phase_ends_when_no_candidate_improves_or_at_the_length_of_the_first_neuron_phase() -> None:
    run = Drive(make((0,), p_epochs=None, p_epochs_to_switch=2, lr_dendrites=0.0), data()).go(N + 3)
    # rate 0: the first measurement is an improvement, two more are none
    assert [int(run.after[e].state["phase"]) for e in range(N, N + 4)] == [DENDRITES] * 3 + [NEURONS]
    run = Drive(make((0,), p_epochs=99, cap_at_n=True), data()).go(2 * N)
    assert [int(run.after[e].state["phase"]) for e in range(N, 2 * N + 1)] == [DENDRITES] * N + [NEURONS]


# -- replicas and resuming

HISTORY: dict[str, Any] = {
    "switch_mode": "history", "n_epochs_to_switch": 2, "n_epochs_max": 8, "p_epochs": None, "p_epochs_to_switch": 2, "lr": 0.3,
}  # fmt: skip


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("keep", [True, False])
def test_each_replica_goes_its_own_way_as_its_single_run_does(norm: str, keep: bool) -> None:
    keys = {**HISTORY, "keep_cycles": keep}
    # under a norm a bias has a gradient of rounding errors alone, of which adam makes steps
    seeds, plasticity = (2, 9, 4), Adam() if norm == "none" else Sgd()
    both = Drive(make(seeds, mlp(norm=norm), plasticity, **keys), data(), 8, 60).go(40)
    courses = {tuple(int(both.after[e].state["phase"][r]) for e in range(1, 41)) for r in range(3)}
    assert len(courses) > 1, "all replicas switch at one time: the test says nothing"
    for r, seed in enumerate(seeds):
        single = Drive(make((seed,), mlp(norm=norm), plasticity, **keys), data(), 8, 60).go(40)
        for name in ("phase", "K", "cycle", "since", "stale", "tries"):
            assert int(single.world.state[name]) == int(both.world.state[name][r]), name
        k = int(single.world.state["K"])
        for key, value in network_arrays(single.world).items():
            mine = both.world.params[key][r : r + 1]
            if "/dendrites/" in key:
                mine, value = (a[:, :k, :k] if key.endswith("/q") else a[:, :k] for a in (mine, value))
            torch.testing.assert_close(mine, value, rtol=0, atol=1e-9, msg=lambda text, key=key: f"{key}: {text}")


@pytest.mark.parametrize("at", [2, N, N + 1, N + P, N + P + 1])
@pytest.mark.parametrize("keys", [{}, HISTORY, {"stats": "running"}], ids=["fixed", "history", "running"])
def test_a_run_resumed_across_a_restructuring_is_the_uninterrupted_one(at: int, keys: dict[str, Any], tmp_path: Path) -> None:
    whole = Drive(make((0, 1), **keys), data(), 8, 40).go(14)
    first = Drive(make((0, 1), **keys), data(), 8, 40).go(at)
    checkpoint.save(tmp_path / "last", first.world.arrays(), {"step": first.world.step})
    arrays, state = checkpoint.load(tmp_path / "last")
    model = make((0, 1), **keys)
    second = Drive(model, data(), 8, 40, pack=Pack.fresh(model), began=True)
    second.pack.world = World.from_arrays(arrays, state["step"])
    same(second.world, first.world)
    same(second.go(14 - at).world, whole.world)


# -- bad input


def test_no_eligible_layer() -> None:
    with pytest.raises(ConfigError, match="no layer of the network can grow dendrites.*no hidden layer"):
        Perforated(PerforatedConfig(where="hidden")).build(mlp((5, 3)))


@pytest.mark.parametrize("source", ["ep", "ff", "oja", "stdp", "perforated", "nobody"])
def test_sources_without_an_error_per_neuron(source: str) -> None:
    with pytest.raises(ConfigError, match="rule.error_source="):
        run = Drive(make((0,), error_source=source), data())
        run.go(1)


def test_a_source_that_is_silent_at_hidden_layers() -> None:
    with pytest.raises(ConfigError, match="no error for each neuron of forward/0.*rule.where"):
        Drive(make((0,), error_source="top"), data()).go(1)
    Drive(make((0,), error_source="top", where="output"), data()).go(N + P + 1)


@pytest.mark.parametrize(
    ("keys", "match"),
    [
        ({"switch_mode": "fixed", "fixed_switch_num": 40}, "rule.fixed_switch_num=40 can never fire in epochs=40"),
        ({"switch_mode": "history", "n_epochs_to_switch": 50}, "rule.n_epochs_to_switch=50 can never fire in epochs=40"),
    ],
)
def test_a_switch_that_can_never_fire(keys: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        Drive(make((0,), **keys), data(), epochs=40).go(1)


def test_more_dendrites_than_memory_allows() -> None:
    with pytest.raises(ConfigError, match=r"rule.max_dendrites=1000000 would take about .* GiB, and .* GiB are free"):
        new_world(make((0,), max_dendrites=1_000_000))


def test_history_needs_validation() -> None:
    run = Drive(make((0,), switch_mode="history"), data()).start()
    with pytest.raises(ConfigError, match="needs a validation set"):
        run.pack.boundary("epoch", run.pack.clock(1, 40), {}, run.feeds)
    run = Drive(make((0,)), data()).start()  # a fixed number of epochs needs none
    for step in range(1, N + P + 1):
        run.world.step = step
        run.pack.boundary("epoch", run.pack.clock(1, 40), {}, run.feeds)
    assert int(run.world.state["K"]) == 1
