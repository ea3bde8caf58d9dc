"""Phases, installation and what stays as it is; replicas on their own; runs resumed; what a run says and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from cascor_kit import CLASSES, PHASE, drive, errors, make, net, targets, xor
from driving import command
from perforated_kit import same

from bioplaus import checkpoint
from bioplaus.api import simulate
from bioplaus.evaluation import evaluate, predict
from bioplaus.neurons.smooth import Sigmoid, Tanh
from bioplaus.pack import Pack
from bioplaus.rules.cascor_growth import CANDIDATES, DONE, OUTPUTS
from bioplaus.selection import Best
from bioplaus.world import World

UNITS = ("forward/0/weight", "forward/0/bias", "forward/0/chain")
CYCLE = 2 * PHASE


def phases(run, epochs: int) -> list[int]:
    """Phase after each boundary."""
    run.go(epochs)
    return [int(run.after[e].state["phase"]) for e in sorted(run.after)]


def test_phases_take_turns() -> None:
    found = phases(drive(make()), 2 * CYCLE)
    assert found == [OUTPUTS, CANDIDATES, CANDIDATES, OUTPUTS] * 2


@pytest.mark.parametrize(("patience", "longest", "length"), [(1, 99, 2), (3, 99, 4), (9, 5, 6)])
def test_a_phase_ends_after_so_many_epochs_without_improvement_or_at_its_longest(patience: int, longest: int, length: int) -> None:
    """The first epoch always counts as one that improved; the last one is a look alone."""
    found = phases(drive(make(output_patience=patience, phase_epochs=longest)), length + 1)
    assert found == [OUTPUTS] * (length - 1) + [CANDIDATES] * 2
    run = drive(make(candidate_patience=patience, phase_epochs=longest))
    assert phases(run, PHASE + length) == [OUTPUTS] + [CANDIDATES] * length + [OUTPUTS]


@pytest.mark.parametrize(("share", "ends"), [(0.1, 2), (1e-12, 99)])
def test_an_improvement_is_a_share_of_the_last_one_that_counted(share: float, ends: int) -> None:
    """Small plain steps bring the error down by some percent each: enough for a share of nothing, not for a tenth."""
    from bioplaus.plasticity.sgd import Sgd

    run = drive(make(plasticity=Sgd(), lr=0.1, output_improvement=share))
    squares = [float(evaluate(run.model, run.go(epochs).world, run.feed)["loss"]) for epochs in (0, 1)]
    run.go(1)
    assert 0.9 * squares[0] < squares[1] < squares[0]
    assert [int(run.after[e].state["phase"]) for e in (1, 2)] == ([OUTPUTS, CANDIDATES] if ends == 2 else [OUTPUTS, OUTPUTS])


def test_installing_leaves_the_function_as_it_is() -> None:
    run = drive(make()).go(2 * CYCLE)
    for epoch in (CYCLE, 2 * CYCLE):
        x = run.seen().batch
        one, two = (predict(run.model, world, x) for world in (run.before[epoch], run.after[epoch]))
        torch.testing.assert_close(one, two, rtol=0, atol=1e-15)
        K = epoch // CYCLE
        assert run.after[epoch].params["forward/1/weight"].shape == (1, CLASSES, 4 + K)
        assert not run.after[epoch].params["forward/1/weight"][..., -1].any()


def test_the_best_candidate_is_installed_as_it_was_measured() -> None:
    """Of the pool as it stood in the last look, which writes nothing; the choice recomputed in NumPy."""
    from cascor_kit import score

    run = drive(make(pool=5, seeds=(0, 1, 2))).go(2 * CYCLE)
    last, before, after = run.after[2 * CYCLE - 1], run.before[2 * CYCLE], run.after[2 * CYCLE]
    chosen = set()
    for r in range(3):
        params = {k: v.numpy() for k, v in last.params.items()}
        h, z, _ = net(params, run.feed.x.numpy(), r)
        e = errors(z, targets(run.feed.y.numpy(), CLASSES))
        V, c, q = (params[f"forward/0/candidates/{key}"][r] for key in ("in", "bias", "chain"))
        best = int(np.argmax([score(V[p], c[p], q[p], run.feed.x.numpy(), h, e) for p in range(5)]))
        chosen.add(best)
        assert torch.equal(after.params["forward/0/weight"][r, 1], last.params["forward/0/candidates/in"][r, best])
        assert torch.equal(after.params["forward/0/chain"][r, 1, :1], last.params["forward/0/candidates/chain"][r, best])
    assert len(chosen) > 1
    for key in last.params:
        assert torch.equal(last.params[key], before.params[key])


def test_what_is_frozen_stays_bit_for_bit() -> None:
    run = drive(make()).go(3 * CYCLE)
    for epoch in range(CYCLE + 1, 3 * CYCLE + 1):
        old, new = run.after[epoch - 1].params, run.before[epoch].params
        for key in UNITS:
            assert torch.equal(old[key], new[key])
        moved = {key for key in old if not torch.equal(old[key], new[key])}
        growing = int(run.after[epoch - 1].state["phase"]) == CANDIDATES
        assert all(key.startswith("forward/0/candidates/" if growing else "forward/1/") for key in moved)
        assert bool(moved) == (epoch % PHASE == 1)  # the last look of a phase writes nothing
    first = {key: run.after[CYCLE].params[key][:, :1] for key in UNITS}
    for key, value in first.items():
        later = run.world.params[key][:, :1]
        assert torch.equal(later[..., :1] if key.endswith("chain") else later, value)


def test_candidates_are_drawn_anew_and_optimisers_forget() -> None:
    run = drive(make()).go(CYCLE)
    before, after = run.before[CYCLE], run.after[CYCLE]
    fresh = after.params["forward/0/candidates/in"]
    assert not torch.isclose(before.params["forward/0/candidates/in"], fresh).any() and fresh.abs().max() <= 1
    assert after.params["forward/0/candidates/chain"].shape == (1, 3, 1) and after.params["forward/0/candidates/chain"].all()
    assert all(not value.any() for value in after.moments.values()) and any(bool(value.any()) for value in before.moments.values())
    assert after.moments["forward|forward/1/weight:step"].shape == (1, CLASSES, 5)
    assert [int(after.counts[group]) for group in ("forward", "candidates")] == [0, 0]


def behind(world: World) -> bool:
    """Whether outputs of some replica have been learning beside units that only other replicas have."""
    s = world.state
    return bool(((s["K"] < s["K"].max()) & (s["phase"] == OUTPUTS) & (s["age"] > 2)).any())


@pytest.mark.parametrize("neuron", [Sigmoid(), Tanh()])
def test_each_replica_goes_its_own_way_as_its_single_run_does(neuron) -> None:
    """Real patience, so that replicas turn at times of their own; a unit that another replica has got is none of theirs."""
    keys = {
        "neuron": neuron, "output_patience": 2, "output_improvement": 0.05, "candidate_patience": 2, "candidate_improvement": 0.05,
    }  # fmt: skip
    seeds = (3, 4, 5, 6, 7, 8)
    tried = drive(make(seeds, **keys)).go(100)
    epochs = max(epoch for epoch, world in tried.after.items() if behind(world))
    pack = drive(make(seeds, **keys)).go(epochs)
    K = pack.world.state["K"].tolist()
    assert epochs > 40 and max(K) > 1
    for r, seed in enumerate(seeds):
        alone = drive(make((seed,), **keys)).go(epochs)
        assert alone.world.state["K"].tolist() == K[r : r + 1]
        assert alone.world.state["phase"].tolist() == pack.world.state["phase"].tolist()[r : r + 1]
        for key, value in alone.world.params.items():
            mine = pack.world.params[key][r][tuple(slice(0, n) for n in value.shape[1:])]
            torch.testing.assert_close(mine, value[0], rtol=1e-9, atol=1e-12)
            more = pack.world.params[key][r].clone()
            more[tuple(slice(0, n) for n in value.shape[1:])] = 0
            assert not more.any(), key
        close = evaluate(pack.model, pack.pack.best.into(pack.world), pack.feed)["loss"][r]
        torch.testing.assert_close(close, evaluate(alone.model, alone.pack.best.into(alone.world), alone.feed)["loss"][0])


@pytest.mark.parametrize("at", [PHASE + 1, CYCLE, CYCLE + 1, 2 * CYCLE - 1])
def test_a_run_resumed_across_growth_is_the_uninterrupted_one(at: int, tmp_path: Path) -> None:
    whole = drive(make((0, 1))).go(3 * CYCLE)
    part = drive(make((0, 1))).go(at)
    checkpoint.save(tmp_path / "world", part.world.arrays(), {"step": part.world.step})
    arrays, state = checkpoint.load(tmp_path / "world")
    world = World.from_arrays(arrays, state["step"])
    model = make((0, 1))
    again = drive(model, pack=Pack(model, world, Best(world)), began=True).go(3 * CYCLE - at)
    same(again.world, whole.world)


def test_a_task_that_is_solved_ends_the_run_and_nothing_is_written_any_more() -> None:
    keys = {"output_patience": 12, "output_improvement": 0.01, "candidate_patience": 12, "candidate_improvement": 0.03, "pool": 8}
    run = drive(make((0,), inputs=2, classes=2, **keys), xor())
    while not run.model.rule.finished(run.world.state):
        run.go(1)
    assert bool(run.world.state["solved"]) and int(run.world.state["phase"]) == DONE and int(run.world.state["K"]) >= 1
    out = net({k: v.numpy() for k, v in run.world.params.items()}, run.feed.x.numpy())[2]
    assert np.abs(out - targets(run.feed.y.numpy(), 2)).max() < 0.4
    epoch = run.world.step
    earlier = net({k: v.numpy() for k, v in run.after[epoch - 2].params.items()}, run.feed.x.numpy())[2]
    assert np.abs(earlier - targets(run.feed.y.numpy(), 2)).max() >= 0.4
    before = run.world.copy()
    run.go(3)
    assert all(torch.equal(before.params[key], run.world.params[key]) for key in before.params)
    assert int(run.world.state["epochs"]) == epoch


def test_a_run_with_all_units_that_is_stuck_ends_unsolved() -> None:
    run = drive(make(max_units=1)).go(CYCLE + PHASE)
    assert int(run.world.state["phase"]) == DONE and not bool(run.world.state["solved"]) and int(run.world.state["K"]) == 1


def test_stages_are_the_networks_at_the_ends_of_the_outputs_phases() -> None:
    run = drive(make((0, 1))).go(2 * CYCLE + PHASE)
    stages = run.model.rule.stages(run.seen())
    assert len(stages) == 3
    for k, arrays in enumerate(stages):
        then = run.after[k * CYCLE + PHASE]
        out = predict(run.model, run.world.with_arrays(arrays), run.seen().batch)
        torch.testing.assert_close(out, predict(run.model, then, run.seen().batch), rtol=0, atol=1e-14)


# -- runs


def test_parity_of_three_bits_is_solved_and_told(tmp_path: Path) -> None:
    found = command("simulate", "rule=cascor", "data=parity", "data.n=3", "seeds=3", f"run.root={tmp_path}", "run.figures=false", "--json")
    assert found.code == 0, found.err
    summary = json.loads(found.out)
    assert [one["seed"] for one in summary["units"]] == [0, 1, 2] and all(one["solved"] for one in summary["units"])
    assert summary["solved"] == 3 and summary["cascor_warning"] == "" and summary["test_accuracy"]["mean"] == 1
    for one in summary["units"]:
        K = one["units"]
        assert one["parameters"] == 2 * (3 + K + 1) + K * 4 + K * (K - 1) // 2 and K >= 1
    assert [one["units"] for one in summary["stages"]] == list(range(max(one["units"] for one in summary["units"]) + 1))
    assert summary["stages"][0]["seeds"] == 3 and summary["stages"][0]["train_accuracy"] == pytest.approx(0.5, abs=0.26)
    assert [v for v in summary["stages"][-1]["values"]["train_accuracy"] if v is not None] == [1.0] * summary["stages"][-1]["seeds"]


def test_a_run_that_does_not_solve_says_so(tmp_path: Path) -> None:
    keys = {"rule": "cascor", "data": "xor", "run.root": str(tmp_path), "run.figures": False}
    stuck = simulate({**keys, "rule.max_units": 0}).summary
    assert "NOT SOLVED: seed 0 stopped at rule.max_units=0" in stuck["cascor_warning"] and stuck["units"][0]["solved"] is False
    late = simulate({**keys, "epochs": 5, "seeds": 2}).summary
    assert "NOT SOLVED: seeds 0, 1 ran out of epochs in the outputs' phase" in late["cascor_warning"] and late["solved"] == 0
    assert "\n" not in late["cascor_warning"]


def test_digits_with_ten_outputs(tmp_path: Path) -> None:
    """A unit brings the squared error of outputs that are stuck further down; images are flattened on the way in."""
    keys = {"rule": "cascor", "data": "digits", "rule.max_units": 1, "rule.output_improvement": 0.03, "epochs": 500}
    summary = simulate({**keys, "run.root": str(tmp_path), "run.figures": False}).summary
    assert summary["test_accuracy"]["mean"] > 0.9 and summary["units"][0]["units"] == 1
    assert summary["stages"][-1]["train_loss"] < summary["stages"][0]["train_loss"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("batch_size=100",), "rule=cascor learns from the whole training set at once, and this run has 2 updates an epoch"),
        (("network=mlp", "network.hidden=[4]"), "network=mlp, which is for classification (hidden layers are what it grows by itself"),
        (("neuron=lif",), "network=cascade"),
        (("rule.tolerance=0.6",), "rule.tolerance"),
        (("network.hidden=[4]",), "network.hidden"),
    ],
)
def test_bad_input_is_refused_in_one_line(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    found = command("simulate", "rule=cascor", "data=two_spirals", f"run.root={tmp_path}", *words)
    assert found.code != 0 and says in found.err and found.err.strip().splitlines()[-1].startswith("bioplaus: "), found.err
    assert len([line for line in found.err.splitlines() if "seeds" not in line]) == 1


def test_the_audit_measures_the_growing_units() -> None:
    from bioplaus.audit import card_of

    card = card_of(rule="cascor")
    units, outputs = card.per_layer
    assert units.learns and outputs.learns and units.waits == "for the top" and units.signals == ("output error",)
    assert not card.weight_transport and not card.backward_locking and card.update_locking and not card.differs
    assert units.reads_forward == outputs.reads_forward == () and not units.reads_neighbours


def test_parameters_are_those_of_the_selected_network() -> None:
    """Validation may select fewer units than were grown: m (n + K + 1) + K (n + 1) + K (K - 1)/2 of the K that its outputs hear."""
    result = simulate({"rule": "cascor", "data": "digits", "seeds": 2, "run.save": False})
    summary, sizes = result.summary, []
    for seed, chosen, grown in zip(summary["seeds"], summary["selected_units"], summary["units"]):
        heard = (result.parameters(seed)["forward/1/weight"][:, 64:] != 0).any(0)
        assert chosen == heard.sum() and chosen <= grown["units"]
        sizes.append(10 * (64 + chosen + 1) + chosen * 65 + chosen * (chosen - 1) // 2)
    assert summary["parameters"] == round(sum(sizes) / 2)
    assert ("not of the last network" in summary["report"]) == (summary["selected_units"] != [one["units"] for one in summary["units"]])
