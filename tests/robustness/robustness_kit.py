"""Networks with weights written by hand, as an attack meets them, and the same in plain PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bioplaus import config
from bioplaus.build import build_model
from bioplaus.data.base import DataConfig, Raw
from bioplaus.data.splitting import split
from bioplaus.robustness.heads import head_of
from bioplaus.robustness.measure import Part
from bioplaus.robustness.pixels import Pixels
from bioplaus.robustness.victim import Victim, route_of, with_precision
from bioplaus.world import new_world

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Made:
    """Weights ``[R, post, pre]`` and biases ``[R, post]`` by layer, and the victims built of them in double and single precision."""

    weights: list[Tensor]
    biases: list[Tensor]
    victim: Victim
    single: Victim

    def part(self, x: Tensor, y: Tensor) -> Part:
        return Part(self.victim, self.single, x, y, "")


def made(
    weights: Sequence[Any],
    biases: Sequence[Any] | None = None,
    shape: tuple[int, ...] | None = None,
    neuron: str = "tanh",
    mean: tuple[float, ...] = (0.0,),
    std: tuple[float, ...] = (1.0,),
) -> Made:
    """Build a dense network of given weights, replica axis in front, as a run builds it."""
    ws = [torch.as_tensor(w, dtype=torch.float64) for w in weights]
    bs = [torch.zeros(w.shape[:2]).double() if biases is None else torch.as_tensor(biases[i], dtype=torch.float64) for i, w in enumerate(ws)]
    shape, classes, replicas = shape or (ws[0].shape[-1],), ws[-1].shape[1], len(ws[0])
    keys = {"rule": "bp", "network": "mlp", "network.hidden": [w.shape[1] for w in ws[:-1]], "network.bias": True, "network.norm": "none"}
    settings = config.resolve({**keys, "neuron": neuron, "data": "synthetic", "dtype": "float64", "seeds": replicas}, locate=False)
    y = np.arange(4 * classes) % classes
    pixels = np.random.default_rng(0).random((len(y), *shape)).astype(np.float32)
    splits = split(Raw(pixels, y, pixels, y, classes, shape, mean=mean, std=std), DataConfig("toy", validation=0.1))
    model = build_model(settings, splits, range(replicas), CPU)
    world = new_world(model)
    for layer, w, b in zip(model.networks["forward"].layers, ws, bs):
        world.params[layer.weight], world.params[layer.bias] = w.clone(), b.clone()
    head, scale = head_of(model.task), Pixels.of(splits, CPU)
    assert head is not None
    victims = []
    for dtype in (torch.float64, torch.float32):
        own, cast = with_precision(model, world, dtype)
        route, _ = route_of(own, cast, scale, None, head, torch.zeros(1, 1, *shape, dtype=dtype))
        victims.append(Victim(own, cast, scale, None, head, route, dtype))
    return Made(ws, bs, *victims)


def in_torch(net: Made, replica: int, neuron: type[nn.Module] = nn.Tanh) -> nn.Sequential:
    """Return one replica as anybody would write it, inputs as they are."""
    parts: list[nn.Module] = [nn.Flatten()]
    for w, b in zip(net.weights, net.biases):
        linear = nn.Linear(*w.shape[:0:-1], dtype=torch.float64)
        linear.weight.data, linear.bias.data = w[replica], b[replica]
        parts += [linear, neuron()]
    return nn.Sequential(*parts[:-1]).eval()


def random_net(draw: np.random.Generator, sizes: Sequence[int], replicas: int = 2, scale: float = 1.0, **more: Any) -> Made:
    """Return a network of normal weights."""
    pairs = list(zip(sizes[1:], sizes[:-1]))
    weights = [scale * draw.standard_normal((replicas, post, pre)) for post, pre in pairs]
    return made(weights, [0.1 * draw.standard_normal((replicas, post)) for post, _ in pairs], **more)


def answered(net: Made, images: int, draw: np.random.Generator, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return images ``[R, N, *shape]`` of single precision and, as their labels, what the network answers, so that all are right."""
    x = torch.from_numpy(draw.random((images, *shape), dtype=np.float32)).double()[None]
    return x.expand(net.victim.replicas, *x.shape[1:]).clone(), net.victim.predicted(x)
