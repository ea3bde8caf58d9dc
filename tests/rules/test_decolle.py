"""DECOLLE: each change is the gradient of a local loss at one step, and is there before the layer above has run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from rule_kit import learn
from spiking_kit import STEPS, Watched, atan, held_at_the_end, inputs, model_of, network, spike
from torch import Tensor

from bioplaus.engines.loop import learn_batch
from bioplaus.errors import ConfigError
from bioplaus.network import Network
from bioplaus.neurons import surrogates
from bioplaus.rules.decolle import Decolle, DecolleConfig
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World, view

WIDTHS = (6, 8, 7, 3)
BETA = 0.9


def decolle(**settings: Any) -> Decolle:
    return Decolle(DecolleConfig(**settings))


def asked(model: Model, world: World, batch: Batch) -> list[tuple[str, dict[str, Tensor]]]:
    """All that is wanted, in order, nothing of it written: (layer, changes)."""
    with torch.no_grad():
        found, _ = learn(model.rule, view(model, world, batch, Clock()))
    return [(wanted.group, {key: change.dense() for key, change in wanted.changes.items()}) for wanted in found]


def local_loss(loss: str, read: Tensor, y: Tensor) -> Tensor:
    hot = F.one_hot(y.expand(read.shape[0], -1), 3).double()
    found = F.smooth_l1_loss(read, hot, reduction="none") if loss == "smooth_l1" else (read - hot).square()
    return found.mean((1, 2)).sum()


def output_loss(membrane: Tensor, y: Tensor) -> Tensor:
    hot = F.one_hot(y.expand(membrane.shape[0], -1), 3).double()
    return -(membrane.log_softmax(-1) * hot).sum(-1).mean(1).sum()


def lif(net: Network, world: World, batch: Batch, loss: str) -> list[dict[str, Tensor]]:
    """Autograd per layer and step; the membrane of LIF units with the whole past of a layer in the graph, its inputs as given."""
    found, layers = [], net.layers
    params = {key: value.clone().requires_grad_() for key, value in world.params.items()}
    states: list[Any] = [(0.0, 0.0)] * len(layers)
    for t in range(STEPS):
        pre = batch.x[:, :, t]
        for i, layer in enumerate(layers):
            u, z = states[i]
            u = BETA * u + pre.detach() @ params[layer.weight].mT + params[layer.bias].unsqueeze(1) - z  # type: ignore[index]
            spikes = spike(u - 1, atan(u - 1))
            states[i] = u, spikes.detach()
            pre = spikes
            read = spikes @ params[f"readout/{i}/weight"].mT if i < 2 else u
            cost = local_loss(loss, read, batch.y) if i < 2 else output_loss(u, batch.y)
            leaves = [layer.weight, layer.bias]
            gradients = torch.autograd.grad(cost, [params[key] for key in leaves], retain_graph=True)  # type: ignore[index]
            found.append({key: -g for key, g in zip(leaves, gradients)})
    return found  # type: ignore[return-value]


def srm(net: Network, world: World, batch: Batch, loss: str) -> list[dict[str, Tensor]]:
    """Autograd per layer and step; the published equations, with weights behind the filters: U = W P + R."""
    c, found = net.layers[0].neuron.config, []
    params = {key: value.clone().requires_grad_() for key, value in world.params.items()}
    zero: Any = torch.zeros((), dtype=torch.float64)
    states = [(zero, zero, zero, zero)] * len(net.layers)
    for t in range(STEPS):
        pre = batch.x[:, :, t]
        for i, layer in enumerate(net.layers):
            q, p, r, s = states[i]
            q, p = c.beta * q + (1 - c.beta) * pre.detach(), c.alpha * p + (1 - c.alpha) * q
            r = c.alpha_r * r - (1 - c.alpha_r) * c.weight_r * s
            drive = p.expand_as(pre) @ params[layer.weight].mT
            u = drive + r if i < 2 else drive
            spikes = spike(u, surrogates.derivative("fast_sigmoid", u.detach(), k=10.0))
            states[i] = q, p, r, spikes.detach()
            pre = spikes
            cost = local_loss(loss, spikes @ params[f"readout/{i}/weight"].mT, batch.y) if i < 2 else output_loss(u, batch.y)
            found.append({layer.weight: -torch.autograd.grad(cost, params[layer.weight])[0]})
    return found


CASES = {
    "lif": (lif, {"beta": BETA}, True),
    "srm": (srm, {"alpha": 0.8, "beta": 0.6, "readout": "leaky"}, False),
}


@pytest.mark.parametrize("loss", ["smooth_l1", "mse"])
@pytest.mark.parametrize("neuron", CASES)
def test_changes_are_gradients_of_local_losses(neuron: str, loss: str) -> None:
    oracle, settings, bias = CASES[neuron]
    net = network(neuron, WIDTHS, bias=bias, **settings)
    model, world = model_of(decolle(loss=loss, readout_scale=6.0), net)
    batch = inputs()
    found, exact = asked(model, world, batch), oracle(net, world, batch, loss)
    assert len(found) == len(exact) == 3 * STEPS
    assert [group for group, _ in found[:3]] == ["forward/0", "forward/1", "forward/2"]
    for i in range(3):
        assert max(value.abs().max() for one in exact[i::3] for value in one.values()) > 1e-3, "the test would not see it"
    for (_, wanted), right in zip(found, exact):
        assert wanted.keys() == right.keys()
        for key, value in right.items():
            assert (wanted[key] - value).abs().max() < 1e-12, key


def test_metrics_sum_up_the_losses() -> None:
    net = network("lif", WIDTHS, beta=BETA)
    model, world = model_of(decolle(loss="mse"), net)
    batch = inputs()
    with torch.no_grad():
        _, learned = learn(model.rule, view(model, world, batch, Clock()))
        membrane = model.rule.predict(view(model, world, batch, Clock()))
    assert torch.allclose(learned.metrics["loss"], model.task.loss(membrane, batch.y))
    assert (learned.metrics["local_loss"] > 0).all()


@torch.no_grad()
def test_a_layer_changes_before_the_layer_above_has_run() -> None:
    net = network("lif", WIDTHS, beta=BETA)
    model, world = model_of(decolle(), net)
    sent: list[int] = []
    for i, layer in enumerate(net.layers):
        real = layer.connection.send

        def send(w: Tensor, pre: Tensor, i: int = i, real: Any = real) -> Tensor:
            sent.append(i)
            return real(w, pre)

        layer.connection.send = send  # type: ignore[method-assign]
    for n, wanted in enumerate(model.rule.learn(view(model, world, inputs(), Clock()))):
        assert wanted.group == f"forward/{n % 3}"
        assert sent == [k % 3 for k in range(n + 1)]


def test_lower_layers_read_no_weight_of_upper_ones() -> None:
    net = network("lif", WIDTHS, beta=BETA)
    model, world = model_of(decolle(), net)
    one = asked(model, world, inputs())
    for key in ("forward/1/weight", "forward/2/weight", "readout/1/weight"):
        world.params[key] = torch.randn_like(world.params[key])
    other = asked(model, world, inputs())
    for n in range(0, 3 * STEPS, 3):
        assert all(torch.equal(one[n][1][key], other[n][1][key]) for key in one[n][1])
    assert any(not torch.equal(one[n][1]["forward/1/weight"], other[n][1]["forward/1/weight"]) for n in range(1, 3 * STEPS, 3))


def test_a_step_uses_nothing_of_later_steps_and_burn_in_changes_nothing() -> None:
    net, batch = network("lif", WIDTHS, beta=BETA), inputs()
    whole = asked(*model_of(decolle(), net), batch)
    part = asked(*model_of(decolle(), net), replace(batch, x=batch.x[:, :, :7]))
    late = asked(*model_of(decolle(burn_in=4), net), batch)
    assert (len(part), len(late)) == (3 * 7, 3 * (STEPS - 4))
    for one, other in (*zip(whole, part), *zip(whole[12:], late)):
        assert all(torch.equal(one[1][key], other[1][key]) for key in one[1])
    assert len(asked(*model_of(decolle(burn_in=99), net), batch)) == 3, "the last step is always learned from"


def test_a_cell_that_never_fires_keeps_its_synapses() -> None:
    net = network("lif", WIDTHS, beta=BETA)
    model, world = model_of(decolle(), net)
    world.params["forward/0/bias"][:, 2] = -50
    batch = inputs()
    batch.x[..., 4] = 0
    for _, wanted in asked(model, world, batch):
        for key, column in (("forward/0/weight", 4), ("forward/1/weight", 2)):
            assert key not in wanted or not wanted[key][..., column].any()


@torch.no_grad()
def test_changes_are_written_within_a_sample_and_readouts_stay() -> None:
    """The second step is that of weights which hold the first one."""
    net, batch = network("lif", WIDTHS, beta=BETA, steps=2), inputs(steps=None)
    model, world = model_of(decolle(lr=0.5), net)
    start = {key: value.clone() for key, value in world.params.items()}
    _, first = asked(model, world, batch)[0]
    learn_batch(model, world, batch, Clock())
    # by hand: the membrane of step 2 takes the new weights for the new current alone
    moved, bias = (start[key] + 0.5 * first[key] for key in ("forward/0/weight", "forward/0/bias"))
    x = batch.x[:, :, 0]
    u = x @ start["forward/0/weight"].mT + start["forward/0/bias"].unsqueeze(1)
    z = (u > 1).double()
    u = BETA * u + x @ moved.mT + bias.unsqueeze(1) - z
    spikes = (u > 1).double()
    off = spikes @ start["readout/0/weight"].mT - F.one_hot(batch.y.expand(2, -1), 3)
    post = -(off.clamp(-1, 1) / off[0].numel()) @ start["readout/0/weight"] * atan(u - 1)
    second = post.mT @ ((1 + BETA) * x)
    assert torch.allclose(world.params["forward/0/weight"], moved + 0.5 * second, rtol=1e-10, atol=1e-12)
    assert all(torch.equal(world.params[key], start[key]) for key in start if key.startswith("readout"))


def test_readouts_are_drawn_with_the_spread_that_is_asked_for() -> None:
    _, world = model_of(decolle(readout_scale=2.0), network("lif", (6, 400, 300, 20)))
    for i, cells in ((0, 400), (1, 300)):
        bound = 2.0 / cells**0.5
        drawn = world.params[f"readout/{i}/weight"]
        assert drawn.shape[1:] == (20, cells) and 0.98 * bound < drawn.abs().max() <= bound


def test_memory_does_not_grow_with_time() -> None:
    def most(steps: int) -> int:
        net = network("lif", (6, 40, 3), steps=steps, beta=BETA)
        return held_at_the_end(*model_of(decolle(), net, task=Watched(3, net.layers[0].neuron.config)), inputs(steps=None))

    assert most(32) <= most(8) + 100


def test_what_it_cannot_do_is_refused_in_a_line() -> None:
    with pytest.raises(ConfigError, match="neuron.reset"):
        decolle().build(network("lif", reset="zero"))
    with pytest.raises(ConfigError, match="neuron.loss=count"):
        asked(*model_of(decolle(), network("lif", loss="count")), inputs())
