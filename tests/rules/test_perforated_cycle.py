"""Phases, freezing, locality, switches, replicas of their own pace, resumed runs: the cycle of perforated dendrites on small networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from perforated_kit import Drive, data, make, mlp, network_arrays, same

from bioplaus import checkpoint, registry
from bioplaus.connections import Conv2dConnection, DenseConnection
from bioplaus.errors import ConfigError
from bioplaus.evaluation import predict
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.neurons.smooth import Identity, Tanh
from bioplaus.norm import BatchNorm
from bioplaus.operations import Flatten, MaxPool
from bioplaus.pack import Pack
from bioplaus.plasticity.adaptive import Adam
from bioplaus.plasticity.sgd import Sgd
from bioplaus.rules.perforated import Perforated
from bioplaus.rules.perforated_settings import PerforatedConfig
from bioplaus.rules.perforated_state import DENDRITES, DONE, NEURONS, dendrites_of
from bioplaus.world import Model, World, new_world

#: epochs of a neuron and of a dendrite phase in the kit
N = P = 3


def conv() -> Network:
    first = Conv2dConnection((2, 6, 6), 3)
    one = Layer("forward/0", first, Tanh(), bias=True, norm=BatchNorm("forward/0/norm", first.out_shape), after=[MaxPool(2)])
    two = Layer("forward/1", DenseConnection((27,), (3,)), Identity(), bias=True, before=[Flatten(one.out_shape)])
    return Network("forward", (2, 6, 6), [one, two])


def in_dendrite_phase(network: Network | None = None, shape: tuple[int, ...] = (5,), **keys: Any) -> Drive:
    """A run that has one dendrite and grows the second."""
    run = Drive(make((0, 1), network, **keys), data(shape)).go(2 * N + P)
    assert run.world.state["phase"].tolist() == [DENDRITES] * 2 and run.world.state["K"].tolist() == [1, 1]
    return run


@pytest.mark.parametrize("source", ["bp", "fa", "dfa", "ccl"])
def test_c1_a_candidate_hears_its_own_neuron_alone(source: str) -> None:
    """Another error at one neuron leaves the changes of all other candidates as they are, bit for bit."""
    run = in_dendrite_phase(error_source=source)
    rule = run.model.rule
    assert isinstance(rule, Perforated)
    seen = run.seen()
    heard = rule.heard(seen)
    growing = torch.ones(2, dtype=torch.bool)
    plain, _ = rule._growth(seen, heard, growing)
    name = "forward/1"
    error = heard[name].error.clone()
    error[:, :, 2] += torch.randn(24, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    moved, _ = rule._growth(seen, {**heard, name: replace(heard[name], error=error)}, growing)
    for key, change in plain.items():
        mine, other = change.dense(), moved[key].dense()
        axis = 3 if key.endswith("/q") else 2
        for i in range(mine.shape[axis]):
            here = torch.equal(mine.select(axis, i), other.select(axis, i))
            assert here == (not (name in key and i == 2)), (key, i)


def test_c2_the_error_sent_below_is_that_of_the_weights_alone() -> None:
    """With any u and V the change of the layer below is what a network without dendrites there wants for the same error."""
    run = in_dendrite_phase()
    layers = run.model.networks["forward"].layers
    seen = run.seen()
    traces = layers[0].forward, run.model.networks["forward"].forward(seen.params, seen.batch.x, seen.buffers, train=True).traces
    error = torch.randn(traces[1][-1].out.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    params = {key: 5 * value if key.endswith("/u") else value for key, value in seen.params.items()}
    traces_now = run.model.networks["forward"].forward(params, seen.batch.x, seen.buffers, train=True).traces
    at_current, _ = layers[-1].wanted(traces_now[-1], error)
    below, _ = layers[-1].give_back(traces_now[-1], at_current, params[layers[-1].weight])
    assert torch.equal(below, at_current @ params[layers[-1].weight])


@pytest.mark.parametrize(("make_network", "shape"), [(mlp, (5,)), (conv, (2, 6, 6))], ids=["dense", "conv"])
def test_c3_what_is_frozen_does_not_move_by_a_bit(make_network: Any, shape: tuple[int, ...]) -> None:
    run = Drive(make((0, 1), make_network()), data(shape), 24).go(3 * N + 2 * P)
    grown = list(dendrites_of(run.seen()).values())
    inner = {key for one in grown for key in one.inner}
    batch = next(run.feed.chunks(24))
    neuron = dendrite = 0
    for epoch in range(2, 3 * N + 2 * P + 1):
        before, after = run.after[epoch - 1], run.before[epoch]
        assert int(before.state["phase"][0]) == int(before.state["phase"][1])
        if int(before.state["phase"][0]) == NEURONS:
            neuron += 1
            assert all(torch.equal(before.params[key], after.params[key]) for key in inner)
            assert any(not torch.equal(value, after.params[key]) for key, value in network_arrays(before).items())
            if int(before.state["K"][0]):
                assert all(not torch.equal(before.params[one.u], after.params[one.u]) for one in grown)
        elif int(before.state["phase"][0]) == DENDRITES:
            dendrite += 1
            assert all(torch.equal(value, after.params[key]) for key, value in network_arrays(before).items())
            assert all(torch.equal(value, after.buffers[key]) for key, value in before.buffers.items())
            assert all(not torch.equal(before.params[one.candidate(one.v)], after.params[one.candidate(one.v)]) for one in grown)
            assert torch.equal(predict(run.model, before, batch), predict(run.model, after, batch))
    assert neuron >= 2 * N and dendrite == 2 * P


def test_c4_a_dendrite_reaches_its_own_neuron_alone() -> None:
    run = in_dendrite_phase()
    layer = run.model.networks["forward"].layers[1]
    assert layer.dendrites is not None
    current = torch.randn(2, 7, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    outputs = [torch.randn(2, 7, 4, generator=torch.Generator().manual_seed(4), dtype=torch.float64).requires_grad_()]
    z = layer.dendrites.add(run.world.params, current, outputs)
    for j in range(4):
        (grad,) = torch.autograd.grad(z[..., j].sum(), outputs, retain_graph=True)
        assert (grad.abs().sum((0, 1)) > 0).tolist() == [i == j for i in range(4)]


def test_c5_phases_of_layers_do_not_wait_for_each_other() -> None:
    """Candidates of a layer follow the same errors whether or not the other layer grows any."""
    both, one = in_dendrite_phase(), in_dendrite_phase()
    for world in (one.world,):
        world.params["forward/2/dendrites/candidate/V"].mul_(3)
    both.go(1)
    one.go(1)
    for leaf in ("V", "c", "q"):
        key = f"forward/0/dendrites/candidate/{leaf}"
        assert torch.equal(both.before[10].params[key], one.before[10].params[key])


def test_t8_without_a_switch_it_is_the_wrapped_rule_bit_for_bit() -> None:
    for source in ("bp", "fa", "dfa", "usf", "ccl", "kp"):
        run = Drive(make((0, 1), error_source=source, switch_mode="none"), data(), 8).go(4)
        rule = registry.RULES.get(source)(registry.RULES.get(source).Config(lr=0.02))
        networks = rule.build(mlp())
        groups = rule.groups(networks)
        rates = {name: torch.full((2,), float(g.rate), dtype=torch.float64) for name, g in groups.items() if not g.frozen}
        plain = Model(rule, networks, groups, rates, run.model.plasticity, run.model.task, run.model.streams)
        bare = Drive(plain, data(), 8).go(4)
        assert all(torch.equal(value, run.world.params[key]) for key, value in bare.world.params.items()), source
        assert int(run.world.state["K"].max()) == 0


def test_the_first_change_of_u_goes_against_the_covariance() -> None:
    """dL/du = mean E d: with C > 0 and centred E, u falls."""
    run = in_dendrite_phase(u_init="zero")
    run.go(P)
    world = run.after[2 * (N + P)]
    for name in dendrites_of(run.seen()):
        C = torch.gather(world.state[f"{name}/top/C"], 1, world.state[f"{name}/top/S"].argmax(1, keepdim=True)).squeeze(1)
        heard = run.model.rule.heard(run.seen(world))[name]  # type: ignore[attr-defined]
        slope = (heard.error * heard.older[1]).mean(1)
        centred = slope - heard.error.mean(1) * heard.older[1].mean(1)
        assert torch.allclose(centred, C, rtol=1e-8, atol=1e-12)


def test_newton_weight_of_a_new_dendrite() -> None:
    run = in_dendrite_phase(u_init="ols", u_step=0.5).go(P)
    world = run.after[2 * (N + P)]
    for name, one in dendrites_of(run.seen()).items():
        heard = run.model.rule.heard(run.seen(run.before[2 * (N + P)]))[name]  # type: ignore[attr-defined]
        d = run.model.networks["forward"].forward(world.params, next(run.feed.chunks(24)).x).traces[int(name[-1])].dendrites
        assert d is not None
        last = d.outputs[1]
        # hidden layers of the grown network see other inputs than the frozen one did, since u is no longer 0 below
        if name == "forward/0":
            cov = ((last - last.mean(1, keepdim=True)) * (heard.error - heard.error.mean(1, keepdim=True))).mean(1)
            torch.testing.assert_close(world.params[one.u][:, 1], -0.5 * cov / last.var(1, correction=0), rtol=1e-6, atol=1e-9)


def test_each_neuron_gets_the_best_of_its_own_pool_at_its_best() -> None:
    run = Drive(make((0, 1), pool=4, lr_dendrites=0.4), data()).go(N + P)
    state = run.before[N + P].state
    followed = run.after[N + P].state
    for name, one in dendrites_of(run.seen()).items():
        best = followed[f"{name}/top/S"]
        which = best.argmax(1)
        assert len(which.unique()) > 1
        pool = followed[f"top/{one.v}"]
        for r in range(2):
            for i in range(best.shape[2]):
                assert torch.equal(run.world.params[one.v][r, 0, i], pool[r, which[r, i], i])
        assert bool((best >= state[f"{name}/top/S"]).all())
        # the covariance of what was installed is that which was noted
        heard = run.model.rule.heard(run.seen())[name]  # type: ignore[attr-defined]
        d, e = heard.older[0], heard.error
        C = ((d - d.mean(1, keepdim=True)) * (e - e.mean(1, keepdim=True))).mean(1)
        torch.testing.assert_close(C.abs() / e.std(1, correction=0), best.amax(1), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("keys", [{}, {"stats": "running", "stats_momentum": 0.0}], ids=["exact", "memoryless"])
def test_running_statistics_without_memory_are_exact_on_full_batches(keys: dict[str, Any]) -> None:
    exact = Drive(make((0, 1)), data()).go(N + P)
    other = Drive(make((0, 1), **keys), data()).go(N + P)
    for key, value in exact.world.params.items():
        torch.testing.assert_close(value, other.world.params[key], rtol=1e-10, atol=1e-12)


def test_small_batches_follow_the_statistics_of_the_whole_set() -> None:
    run = Drive(make((0, 1)), data(), 8, 60).go(N + 1)
    for name, one in dendrites_of(run.seen()).items():
        heard = run.model.rule.heard(run.seen())[name]  # type: ignore[attr-defined]
        x, V, c = heard.pre, run.world.params[one.candidate(one.v)][:, 0], run.world.params[one.candidate(one.c)][:, 0]
        d, e = torch.sigmoid(x @ V.mT + c.unsqueeze(1)), heard.error
        C = ((d - d.mean(1, keepdim=True)) * (e - e.mean(1, keepdim=True))).mean(1)
        torch.testing.assert_close(run.world.state[f"{name}/cov"][:, 0], C, rtol=1e-9, atol=1e-13)
        torch.testing.assert_close(run.world.state[f"{name}/mean_e"], e.mean(1), rtol=1e-9, atol=1e-13)


def test_covariance_grows_in_a_dendrite_phase() -> None:
    run = Drive(make((0, 1), p_epochs=40, fixed_switch_num=10), data(), epochs=200).go(10)
    run.go(1)
    first = {name: run.world.state[f"{name}/top/S"].mean() for name in dendrites_of(run.seen())}
    run.go(38)
    assert all(run.world.state[f"{name}/top/S"].mean() > 1.3 * value for name, value in first.items())


# -- modes


def test_modes_differ_only_where_they_should() -> None:
    runs = {mode: Drive(make((0,), mode=mode), data()).go(2 * N) for mode in ("pb", "gd", "random", "continued")}
    for mode, run in runs.items():
        for epoch in range(1, N):
            assert all(torch.equal(v, run.after[epoch].params[k]) for k, v in network_arrays(runs["pb"].after[epoch]).items()), mode
    v = "forward/0/dendrites/V"
    assert runs["random"].world.params[v].shape[1] == runs["gd"].world.params[v].shape[1] == 2
    assert runs["continued"].world.params[v].shape[1] == 0
    start, end = runs["random"].after[N], runs["random"].before[2 * N]
    assert torch.equal(start.params[v], end.params[v])
    assert not torch.equal(start.params["forward/0/dendrites/u"], end.params["forward/0/dendrites/u"])
    assert not torch.equal(runs["gd"].after[N].params[v], runs["gd"].before[2 * N].params[v])


@pytest.mark.parametrize(
    ("make_network", "shape"), [(mlp, (5,)), (lambda: mlp(norm="batch"), (5,)), (conv, (2, 6, 6))], ids=["mlp", "norm", "conv"]
)
def test_gd_is_the_gradient_of_the_loss_in_all_arrays(make_network: Any, shape: tuple[int, ...]) -> None:
    """Autograd through the whole network, dendrites, chain and norms included."""
    run = Drive(make((0,), make_network(), mode="gd", max_dendrites=2), data(shape)).go(3 * N)
    world = run.world.copy()
    for i, (key, value) in enumerate(sorted(world.params.items())):
        if key.endswith("/u"):
            value.copy_(torch.randn(value.shape, generator=torch.Generator().manual_seed(i), dtype=torch.float64))
    seen = run.seen(world)
    wanted = next(iter(run.model.rule.learn(seen)))
    leaves = {key: value.clone().requires_grad_() for key, value in world.params.items() if key in wanted.changes}
    assert {key.rpartition("/")[2] for key in leaves} >= {"V", "c", "q", "u", "weight", "bias"}
    network = run.model.networks["forward"]
    out = network.forward({**world.params, **leaves}, seen.batch.x, seen.buffers, train=True).out
    grads = torch.autograd.grad(run.model.task.loss(out, seen.batch.y).sum(), list(leaves.values()), allow_unused=True, materialize_grads=True)
    for key, grad in zip(leaves, grads):
        torch.testing.assert_close(wanted.changes[key].dense(), -grad, rtol=1e-8, atol=1e-11, msg=lambda text, key=key: f"{key}: {text}")


def test_without_perforation_neurons_follow_the_true_gradient_and_with_it_they_do_not() -> None:
    for perforated in (True, False):
        run = Drive(make((0,), perforated=perforated), data()).go(2 * N + P)
        seen = run.seen(run.before[2 * N + P])
        wanted = next(iter(run.model.rule.learn(seen)))
        leaves = {key: seen.params[key].clone().requires_grad_() for key in ("forward/0/weight", "forward/2/dendrites/u")}
        out = run.model.networks["forward"].forward({**seen.params, **leaves}, seen.batch.x).out
        grads = torch.autograd.grad(run.model.task.loss(out, seen.batch.y).sum(), list(leaves.values()))
        low, high = (torch.allclose(wanted.changes[key].dense(), -grad, rtol=1e-8, atol=1e-12) for key, grad in zip(leaves, grads))
        assert high and low == (not perforated)


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
