"""The two directions written down again in plain torch, for autograd: what the rules of shared synapses are compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus import registry
from bioplaus.network import Network
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.networks.strided import Strided, StridedConfig
from bioplaus.view import Batch
from bioplaus.world import World

F64 = torch.float64
Arrays = Mapping[str, Tensor]


def dense(hidden: list[int], neuron: str = "sigmoid", pixels: int = 6, **config: object) -> Network:
    """A perceptron of 3 classes, with biases."""
    unit = registry.NEURONS.get(neuron)()
    return Mlp.build(MlpConfig(**{"hidden": hidden, "bias": True, **config}), (pixels,), (3,), unit)  # type: ignore[arg-type]


def strided(neuron: str = "tanh", side: int = 7, **config: object) -> Network:
    """Two convolutions, the second with stride 2 on an odd side, then dense layers; with biases."""
    small = {"channels": [3, 4], "kernels": [3, 4], "strides": [1, 2], "hidden": [5], "bias": True}
    unit = registry.NEURONS.get(neuron)()
    return Strided.build(StridedConfig(**{**small, **config}), (2, side, side), (3,), unit)  # type: ignore[arg-type]


def pixels(shape: tuple[int, ...], samples: int = 8, seed: int = 5) -> Batch:
    """Inputs in [0, 1] with classes, the last class less often than the others."""
    g = torch.Generator().manual_seed(seed)
    return Batch(torch.rand(1, samples, *shape, generator=g, dtype=F64), torch.tensor([[0, 1, 2, 0, 1, 0, 1, 0][:samples]]))


def with_biases(world: World, seed: int = 9) -> World:
    """Give biases, gains and shifts values that are not those they start from."""
    g = torch.Generator().manual_seed(seed)
    for key, value in world.params.items():
        if not key.endswith("/weight"):
            value += 0.3 * torch.randn(value.shape, generator=g, dtype=value.dtype)
    return world


def scores(params: Arrays, x: Tensor, f: Callable[[Tensor], Tensor], layers: int) -> Tensor:
    """Upwards through dense layers of one replica, ``x [B, n]``."""
    for i in range(layers):
        x = F.linear(x, params[f"forward/{i}/weight"][0], params[f"forward/{i}/bias"][0])
        x = f(x) if i < layers - 1 else x
    return x


def logits(params: Arrays, code: Tensor, f: Callable[[Tensor], Tensor], layers: int) -> Tensor:
    """Downwards through the same weights, the generator's own biases, ``code [B, K]``."""
    for i in range(layers):
        code = code @ params[f"forward/{layers - 1 - i}/weight"][0] + params[f"generator/{i}/bias"][0]
        code = f(code) if i < layers - 1 else code
    return code


def strided_logits(params: Arrays, code: Tensor, f: Callable[[Tensor], Tensor], network: Network) -> Tensor:
    """Downwards through the network of `strided`: the adjoint of a padded convolution is torch's transposed one, cut to the image."""
    convs = [layer.connection for layer in network.layers[:2]]
    g = f(code @ params["forward/3/weight"][0] + params["generator/0/bias"][0])
    g = f(g @ params["forward/2/weight"][0] + params["generator/1/bias"][0]).unflatten(1, convs[1].out_shape)
    for i, conv in enumerate(reversed(convs)):
        left, right, top, bottom = conv.padding  # type: ignore[attr-defined]
        height, width = (side + more for side, more in zip(conv.in_shape[1:], (top + bottom, left + right)))
        stride, kernel = conv.stride, conv.kernel  # type: ignore[attr-defined]
        extra = [side - ((n - 1) * stride + kernel) for side, n in zip((height, width), conv.out_shape[1:])]
        wide = F.conv_transpose2d(g, params[f"forward/{1 - i}/weight"][0], stride=stride, output_padding=extra)
        g = wide[..., top : height - bottom, left : width - right] + params[f"generator/{2 + i}/bias"][0].view(-1, 1, 1)
        g = f(g) if i == 0 else g
    return g


def gradients(params: Arrays, loss: Callable[[Arrays], Tensor]) -> dict[str, Tensor]:
    """Minus the gradient of a loss in every array it depends on."""
    leaves = {key: value.detach().clone().requires_grad_(True) for key, value in params.items()}
    loss(leaves).backward()
    return {key: -value.grad for key, value in leaves.items() if value.grad is not None}
