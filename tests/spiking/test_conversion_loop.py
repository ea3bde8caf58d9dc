"""A converted network beside a plain loop over time, however its samples are cut; two refusals."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.feed import Feed
from bioplaus.network import Network
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.base import Neuron
from bioplaus.neurons.integrate_fire import IntegrateFire
from bioplaus.neurons.lif import Lif
from bioplaus.neurons.rectified import Relu
from bioplaus.neurons.smooth import Identity
from bioplaus.spiking import conversion
from bioplaus.spiking.conversion import Converted, accuracy_over_time, convert


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


@pytest.mark.parametrize("hidden", [[4], []])
def test_networks_that_spike_already_are_refused(hidden: list[int]) -> None:
    with pytest.raises(ConfigError, match="this one has lif; train with neuron=relu"):
        made(mlp(hidden, neuron=Lif()), {}, {}, feed(draw(3, 5)))


def test_no_samples_no_scales() -> None:
    network = mlp([4])
    with pytest.raises(ConfigError, match="no training samples"):
        made(network, arrays(network, 1)[0], {}, feed(draw(0, 5)))
