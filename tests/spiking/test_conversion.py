"""Conversion: the rate of one unit in closed form, scaling that changes no ReLU network, a plain loop over time, refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.feed import Feed
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.base import Neuron
from bioplaus.neurons.integrate_fire import IntegrateFire
from bioplaus.neurons.lif import Lif
from bioplaus.neurons.rectified import Relu
from bioplaus.neurons.smooth import Identity, Tanh
from bioplaus.spiking import conversion
from bioplaus.spiking.conversion import Converted, accuracy_over_time, convert, scales


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def mlp(hidden: list[int], inputs: int = 5, neuron: Neuron | None = None, **config: Any) -> Network:
    return Mlp.build(MlpConfig(hidden=hidden, **{"bias": True, **config}), (inputs,), (3,), neuron or Relu())


def arrays(network: Network, replicas: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Random weights, and running means with variances above 0."""
    params = {key: draw(replicas, *leaf.shape, seed=i) / math.sqrt(leaf.fan_in) for i, (key, leaf) in enumerate(network.leaves.items())}
    buffers = {key: draw(replicas, *leaf.shape, seed=90 + i) for i, (key, leaf) in enumerate(network.buffers.items())}
    return params, {key: value.square() + 0.1 if key.endswith("variance") else value for key, value in buffers.items()}


def feed(x: Tensor, y: Tensor | None = None) -> Feed:
    return Feed(x, torch.zeros(len(x), dtype=torch.int64) if y is None else y)


Arrays = dict[str, Tensor]


def made(network: Network, params: Arrays, buffers: Arrays, data: Feed, balance: str = "max", steps: int = 16) -> Converted:
    return convert(network, params, buffers, data, IntegrateFire(steps=steps), Identity(), balance)


def test_rate_of_one_unit() -> None:
    """floor(a T) / T: currents in units of the largest activation, which is 2; a = .25, .375, 1 and, from below 0, none."""
    network = mlp([1], inputs=1, bias=False)
    params = {"forward/0/weight": torch.full((1, 1, 1), 4.0), "forward/1/weight": torch.ones(1, 3, 1)}
    x = torch.tensor([[0.125], [0.1875], [0.5], [-0.25]])
    for steps, spikes in ((16, 4 + 6 + 16), (7, 1 + 2 + 7)):
        found = made(network, params, {}, feed(x), steps=steps)
        assert found.scales[0].item() == 2 and found.params["spiking/0/weight"].item() == 2
        _, rates = accuracy_over_time(found, feed(x), steps)
        assert rates.item() == pytest.approx(spikes / (4 * steps), rel=1e-6)


def test_largest_activation_and_its_percentile() -> None:
    network = mlp([2, 3])
    params, _ = arrays(network, 2)
    x = draw(1300, 5, seed=7)
    largest, robust = (scales(network, params, {}, feed(x), balance) for balance in ("max", "robust"))
    for r in range(2):
        h = x.numpy()
        for layer in range(3):
            z = np.maximum(h @ params[f"forward/{layer}/weight"][r].numpy().T + params[f"forward/{layer}/bias"][r].numpy(), 0)
            assert largest[layer][r].item() == pytest.approx(z.max(), rel=1e-12)
            # of n numbers the share .999 lies below the one of rank .001 n from the top; chunks of 500, 500, 300
            tops = [np.sort(part.ravel())[-max(1, round(0.001 * part.size))] for part in (z[:500], z[500:1000], z[1000:])]
            assert robust[layer][r].item() == pytest.approx(np.dot(tops, (500, 500, 300)) / 1300, rel=1e-12)
            h = z


NETS = {
    "mlp": lambda: mlp([7, 6]),
    "without biases": lambda: mlp([7], bias=False),
    "norm with gains": lambda: mlp([7, 6], norm="batch"),
    "norm without": lambda: mlp([7], norm="batch_fixed"),
    "convolution": lambda: Cnn5.build(Cnn5Config(channels=[4, 3], bias=True, norm="batch"), (2, 8, 8), (3,), Relu()),
}


@pytest.mark.parametrize("balance", ["max", "robust"])
@pytest.mark.parametrize("name", NETS)
def test_scaling_changes_no_network_of_relu_units(name: str, balance: str) -> None:
    """ReLU and pooling commute with positive factors: every layer is what it was over its own scale, the norm folded in."""
    network = NETS[name]()
    params, buffers = arrays(network, 2)
    data = feed(0.7 * draw(40, *network.in_shape, seed=5))
    found = made(network, params, buffers, data, balance)
    twins = [
        Layer(one.name, one.connection, old.neuron, bias=True, before=one.before, after=one.after)
        for one, old in zip(found.network.layers, network.layers)
    ]
    batch = next(data.chunks(40)).x
    was, now = network.forward(params, batch, buffers), Network("spiking", network.in_shape, twins).forward(found.params, batch, {})
    for old, new, lam in zip(was.traces, now.traces, found.scales):
        torch.testing.assert_close(new.out, old.out / lam.view(-1, *[1] * (old.out.dim() - 1)), rtol=1e-9, atol=1e-9)
        if balance == "max" and old is not was.traces[-1]:
            assert new.current.amax() == pytest.approx(1.0)


@pytest.mark.parametrize("work", [1e9, 300])
def test_accuracy_at_every_step_beside_a_plain_loop(work: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "WORK", work)
    network, steps, samples = mlp([6, 5]), 9, 23
    params, _ = arrays(network, 2)
    data = feed(draw(samples, 5, seed=3), torch.arange(samples) % 3)
    found = made(network, params, {}, data, steps=steps)
    accuracy, rates = accuracy_over_time(found, data, steps)
    for r in range(2):
        w = [found.params[f"spiking/{i}/weight"][r] for i in range(3)]
        b = [found.params[f"spiking/{i}/bias"][r] for i in range(3)]
        v = [torch.zeros(samples, 6).double(), torch.zeros(samples, 5).double()]
        total, fired = torch.zeros(samples, 3).double(), [0.0, 0.0]
        for t in range(steps):
            s = data.x
            for i in range(2):
                v[i] += s @ w[i].T + b[i]
                s = (v[i] >= 1).double()
                v[i] -= s
                fired[i] += float(s.mean()) / steps
            total += s @ w[2].T + b[2]
            assert accuracy[r, t].item() == (total.argmax(1) == data.y).double().mean().item()
        assert rates[r].tolist() == pytest.approx(fired, abs=1e-12)


def test_a_network_without_hidden_layers_says_the_same_at_every_step() -> None:
    network = mlp([])
    params, _ = arrays(network, 2)
    data = feed(draw(20, 5), torch.arange(20) % 3)
    accuracy, rates = accuracy_over_time(made(network, params, {}, data), data, 4)
    out = network.forward(params, data.x.unsqueeze(0), {}).out
    exact = (out.argmax(-1) == data.y).double().mean(1)
    assert torch.equal(accuracy, exact.unsqueeze(1).expand(2, 4)) and rates.shape == (2, 0)


REFUSED = {
    "tanh": (lambda: mlp([4], neuron=Tanh()), "only networks of relu units can be converted"),
    "spiking": (lambda: mlp([4], neuron=Lif()), "this one has lif"),
    "spiking alone": (lambda: mlp([], neuron=Lif()), "this one has lif"),
    "norm": (lambda: mlp([4], norm="batch", norm_place="input"), "network.norm_place=current"),
    "dendrites": (lambda: mlp([], dendrites=True), "dendrites"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_converted(name: str) -> None:
    build, says = REFUSED[name]
    with pytest.raises(ConfigError, match=says):
        made(build(), {}, {}, feed(draw(3, 5)))


def test_other_balances_and_no_samples_are_refused() -> None:
    network = mlp([4])
    params, _ = arrays(network, 1)
    with pytest.raises(ConfigError, match="balance=mean is not known; choose robust or max"):
        made(network, params, {}, feed(draw(3, 5)), "mean")
    with pytest.raises(ConfigError, match="no training samples"):
        made(network, params, {}, feed(draw(0, 5)))
