"""Active dendrites: an independent loop over samples, units and segments; autograd; who may change; packs; what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from rule_kit import drained, model_of, step
from torch import Tensor

from bioplaus import api, config, registry
from bioplaus.context_layer import ContextLayer, ContextTrace, Leading
from bioplaus.errors import ConfigError
from bioplaus.network import Network
from bioplaus.networks.active_dendrites import ActiveDendrites, ActiveDendritesConfig
from bioplaus.operations import Scope
from bioplaus.passes import to_input
from bioplaus.rules.bp import Backprop
from bioplaus.rules.dfa import DirectFeedback
from bioplaus.rules.fa import FeedbackAlignment
from bioplaus.rules.kp import KolenPollack
from bioplaus.streams import Streams
from bioplaus.view import Batch

N, C, K = 6, 3, 3


def make(neuron: str = "identity", **own: Any) -> Network:
    """6 features and 3 values of context, hidden 8 and 5 units with 4 segments."""
    given = ActiveDendritesConfig(**{"features": N, "hidden": [8, 5], "segments": 4, "winners": 0.4, "bias": True, **own})
    return ActiveDendrites.build(given, (N + C,), (K,), registry.NEURONS.get(neuron)())


def batch_of(samples: int = 9, replicas: int = 1) -> Batch:
    g = torch.Generator().manual_seed(2)
    x = torch.randn(replicas, samples, N + C, generator=g, dtype=torch.float64)
    return Batch(x, torch.randint(K, (replicas, samples), generator=g))


def drawn(network: Network, seeds: tuple[int, ...] = (0, 1)) -> dict[str, Tensor]:
    params = network.draw(Streams(seeds, dtype=torch.float64))[0]
    return {key: value + 0.2 if key.endswith("bias") else value for key, value in params.items()}


def one_sample(params: dict[str, Tensor], r: int, sample: Tensor, phi: Any, winners: tuple[int, ...]) -> tuple[Tensor, list[Any]]:
    """The network of one replica and one sample, written out unit by unit; also who won and which segment was chosen."""
    x, c, seen = sample[:N], sample[N:], []
    for i, k in enumerate(winners):
        w, b, u = (params[f"forward/{i}/{leaf}"][r] for leaf in ("weight", "bias", "segments"))
        values, chosen = [], []
        for unit in range(len(w)):
            answers = [torch.stack([u[unit, j, d] * c[d] for d in range(C)]).sum() for j in range(u.shape[1])]
            best = max(range(len(answers)), key=lambda j: abs(float(answers[j].detach())))
            chosen.append(best)
            values.append(phi((w[unit] @ x + b[unit]) / (1 + torch.exp(-answers[best]))))
        won = sorted(range(len(values)), key=lambda unit: -float(values[unit].detach()))[:k]
        x = torch.stack([value if unit in won else value * 0 for unit, value in enumerate(values)])
        seen.append((set(won), chosen))
    last = len(winners)
    return params[f"forward/{last}/weight"][r] @ x + params[f"forward/{last}/bias"][r], seen


PHI = {"identity": lambda a: a, "tanh": torch.tanh, "relu": torch.relu}


@pytest.mark.parametrize("neuron", PHI)
def test_the_network_is_that_of_a_loop_over_units_and_segments(neuron: str) -> None:
    network, batch = make(neuron), batch_of()
    params = drawn(network)
    run = network.forward(params, batch.x)
    for r in range(2):
        for s in range(9):
            out, seen = one_sample(params, r, batch.x[0, s], PHI[neuron], (3, 2))
            torch.testing.assert_close(run.out[r, s], out, rtol=0, atol=1e-12)
            for i, (won, chosen) in enumerate(seen):
                trace = run.traces[i]
                assert isinstance(trace, ContextTrace)
                assert trace.chosen[r, s].tolist() == chosen
                if neuron != "relu":  # dead units tie at 0
                    assert set(trace.winners[r, s].nonzero().flatten().tolist()) == won


@pytest.mark.parametrize("neuron", ["identity", "tanh"])
def test_changes_are_the_gradient_of_that_loop(neuron: str) -> None:
    """Backpropagation against autograd through the loop, to 1e-12 in double precision: weights, biases and every segment."""
    network, batch = make(neuron), batch_of()
    model, world = model_of(Backprop(), network, (0, 1))
    wanted, _ = drained(model, world, batch)
    for r in range(2):
        leaves = {key: world.params[key].clone().requires_grad_() for key in network.leaves}
        outs = torch.stack([one_sample(leaves, r, x, PHI[neuron], (3, 2))[0] for x in batch.x[0]])
        F.cross_entropy(outs, batch.y[0]).backward()
        for key, leaf in leaves.items():
            assert leaf.grad is not None
            torch.testing.assert_close(wanted[key][r], -leaf.grad[r], rtol=0, atol=1e-12, msg=key)


def test_only_winners_and_their_chosen_segments_change() -> None:
    """One sample: the changed segments are those that were chosen, of units that won, and no others; so are the changed rows of weights."""
    network, batch = make("tanh"), batch_of(1)
    model, world = model_of(Backprop(), network, (0,))
    wanted, _ = drained(model, world, batch)
    _, seen = one_sample(world.params, 0, batch.x[0, 0], torch.tanh, (3, 2))
    for i, (won, chosen) in enumerate(seen):
        segments = wanted[f"forward/{i}/segments"][0].abs().sum(-1)
        assert {(int(unit), int(j)) for unit, j in segments.nonzero()} == {(unit, chosen[unit]) for unit in won}
        rows = wanted[f"forward/{i}/weight"][0].abs().sum(-1)
        assert set(rows.nonzero().flatten().tolist()) == won


@pytest.mark.parametrize(("share", "count"), [(0.25, 5), (0.05, 1), (0.001, 1), (1.0, 20), (0.12, 2), (0.13, 3)])
def test_the_number_of_winners_is_exact(share: float, count: int) -> None:
    """``max(1, round(share m))`` units, ties included, win in every sample."""
    network = make("identity", hidden=[20], winners=share)
    params = drawn(network)
    for x in (batch_of(30).x, torch.zeros(1, 4, N + C, dtype=torch.float64)):
        trace = network.forward({**params, "forward/0/bias": torch.zeros(2, 20, dtype=torch.float64)}, x).traces[0]
        assert isinstance(trace, ContextTrace)
        assert (trace.winners.sum(-1) == count).all()
        assert ((trace.out[..., :20] != 0).sum(-1) <= count).all()


def test_the_context_gates_and_is_passed_on_unchanged() -> None:
    """Without context every gate is 1/2; a strong one of segments towards it opens all gates, against it shuts them."""
    layer = make("identity", winners=1.0).layers[0]
    params = drawn(make("identity"))
    x = batch_of().x.clone()
    x[..., N:] = 0
    half = layer.forward(Scope(params), x)
    z = x[..., :N] @ params["forward/0/weight"].mT + params["forward/0/bias"].unsqueeze(1)
    torch.testing.assert_close(half.out[..., :8], z / 2, rtol=0, atol=1e-13)
    x[..., N:] = 1
    for sign, gate in ((1, 1.0), (-1, 0.0)):
        strong = {**params, "forward/0/segments": torch.full((2, 8, 4, C), 20.0 * sign, dtype=torch.float64)}
        out = layer.forward(Scope(strong), x).out
        torch.testing.assert_close(out[..., :8], z * gate, rtol=0, atol=1e-12)
        assert torch.equal(out[..., 8:], x[..., N:].expand(2, -1, -1))


def test_errors_at_the_input_are_those_of_the_features() -> None:
    """Against autograd with the context held: what is sent down stands at the features; the context hears nothing."""
    network, batch = make("tanh"), batch_of(replicas=2)
    params = drawn(network)
    x = batch.x.clone().requires_grad_()
    task = ActiveDendrites.make_task(ActiveDendritesConfig(), K)
    task.loss(network.forward(params, torch.cat([x[..., :N], batch.x[..., N:]], -1)).out, batch.y).sum().backward()
    run = network.forward(params, batch.x)
    sent = to_input(network, params, run, task.error(run.out, batch.y))
    assert x.grad is not None
    torch.testing.assert_close(sent, -x.grad, rtol=0, atol=1e-12)
    assert (sent[..., N:] == 0).all() and sent[..., :N].abs().max() > 0


@pytest.mark.parametrize("rule", [Backprop, FeedbackAlignment, DirectFeedback, KolenPollack])
def test_a_pack_is_its_single_runs_and_the_loss_falls(rule: type) -> None:
    """Replica r of a pack is the single run of its seed, to rounding, and learns by rules that have other matrices on the way down."""
    batch = batch_of(40)
    batch = Batch(batch.x, (batch.x[..., 0] + batch.x[..., N] > 0).long())
    losses, arrays = [], []
    for seeds in ((0, 1, 2), (1,)):
        model, world = model_of(rule(rule.Config(lr=0.3)), make("tanh"), seeds)  # type: ignore[attr-defined]
        losses.append([step(model, world, batch).metrics["loss"] for _ in range(120)])
        arrays.append(world.params)
    for key, value in arrays[0].items():
        torch.testing.assert_close(value[1:2], arrays[1][key], rtol=1e-9, atol=1e-11)
    assert (losses[0][-1] < 0.6 * losses[0][0]).all()


def test_feedback_alignment_with_the_forward_weights_is_backprop() -> None:
    batch = batch_of()
    (fa, world), (bp, other) = model_of(FeedbackAlignment(), make("tanh"), (0, 1)), model_of(Backprop(), make("tanh"), (0, 1))
    for key in fa.networks["backward"].leaves:
        world.params[key].copy_(world.params[key.replace("backward", "forward")])
    a, b = drained(fa, world, batch)[0], drained(bp, other, batch)[0]
    for key, value in b.items():
        torch.testing.assert_close(a[key], value, rtol=0, atol=1e-14)


def test_parameters_are_as_many_as_the_formula_says() -> None:
    """``m (n + 1) + m J C`` for a gated layer, ``K (m + 1)`` for the last one."""
    network = make("tanh")
    total = sum(math.prod(leaf.shape) for leaf in network.leaves.values())
    assert total == 8 * (6 + 1) + 8 * 4 * 3 + 5 * (8 + 1) + 5 * 4 * 3 + 3 * (5 + 1)
    assert isinstance(network.layers[0], ContextLayer) and isinstance(network.layers[2].before[0], Leading)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="64 inputs, and samples of shape .64,. leave no context.*permuted_digits"):
        ActiveDendrites.build(ActiveDendritesConfig(), (64,), (10,), registry.NEURONS.get("identity")())
    with pytest.raises(ConfigError, match="leave no context"):
        api.simulate({"data": "digits", "network": "active_dendrites", "rule": "bp", "epochs": 1})
    with pytest.raises(ConfigError, match="cannot run on network=active_dendrites, which is for classification in context"):
        api.simulate({"data": "permuted_digits", "network": "active_dendrites", "rule": "pc", "epochs": 1})
    with pytest.raises(ConfigError, match="network.winners=0"):
        config.resolve({"network": "active_dendrites", "network.winners": 0.0})
