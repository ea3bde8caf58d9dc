"""Phases, freezing, locality, switches, replicas of their own pace, resumed runs: the cycle of perforated dendrites on small networks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from perforated_kit import Drive, data, make, mlp, network_arrays

from bioplaus import registry
from bioplaus.connections import Conv2dConnection, DenseConnection
from bioplaus.evaluation import predict
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.neurons.smooth import Identity, Tanh
from bioplaus.norm import BatchNorm
from bioplaus.operations import Flatten, MaxPool
from bioplaus.rules.perforated import Perforated
from bioplaus.rules.perforated_state import DENDRITES, NEURONS, dendrites_of
from bioplaus.world import Model

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


@pytest.mark.parametrize("size", [24, 8], ids=["one batch", "three batches"])
def test_a_candidate_that_has_passed_its_best_is_installed_as_it_was_there(size: int) -> None:
    """A rate so high that sigmoids saturate and covariances fall: S of what is installed is the largest of any epoch, by its definition."""
    run = Drive(make((0, 1), lr_dendrites=3.0, p_epochs=6), data(), size).go(N + 6)
    fell = False
    for name in dendrites_of(run.seen()):
        course = [run.after[e].state[f"{name}/top/S"] for e in range(N + 1, N + 7)]
        heard = run.model.rule.heard(run.seen())[name]  # type: ignore[attr-defined]
        d, e = heard.older[0], heard.error
        S = ((d - d.mean(1, keepdim=True)) * (e - e.mean(1, keepdim=True))).mean(1).abs() / e.std(1, correction=0)
        torch.testing.assert_close(S, course[-1].amax(1), rtol=1e-8, atol=1e-12)
        fell |= bool((course[-1] == course[-2]).any())
    assert fell, "every candidate was at its best at the end: the test says nothing"


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
