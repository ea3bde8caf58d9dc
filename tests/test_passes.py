"""The shared downward pass: backpropagation against autograd, other matrices against written-out products."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from bioplaus.connections import Conv2dConnection, DenseConnection
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.networks.autoencoder import Autoencoder, AutoencoderConfig
from bioplaus.networks.convolutional import Cnn5, Cnn5Config, Lenet, LenetConfig
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.rectified import Relu
from bioplaus.neurons.smooth import Identity, Sigmoid, Softplus, Tanh
from bioplaus.operations import Flatten, MaxPool, Upsample
from bioplaus.passes import downward
from bioplaus.streams import Streams
from bioplaus.tasks import Classification, Regression, Task


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def mlp(**config: object) -> Network:
    return Mlp.build(MlpConfig(hidden=[6, 5, 4], **config), (7,), (3,), Tanh())  # type: ignore[arg-type]


def cnn(**config: object) -> Network:
    return Cnn5.build(Cnn5Config(channels=[3, 4], **config), (2, 6, 7), (3,), Softplus())  # type: ignore[arg-type]


def autoencoder(**config: object) -> Network:
    return Autoencoder.build(AutoencoderConfig(channels=[3, 4], **config), (2, 8, 8), (2, 8, 8), Tanh())  # type: ignore[arg-type]


def strided() -> Network:
    shapes = [
        Layer("forward/0", Conv2dConnection((1, 14, 13), 3, kernel=5, stride=2), Sigmoid(), bias=True),
        Layer("forward/1", Conv2dConnection((3, 14, 14), 2, stride=3), Relu(), before=[Upsample(2)], after=[MaxPool(2)]),
        Layer("forward/2", DenseConnection((8,), (3,)), Identity(), bias=True, before=[Flatten((2, 2, 2))]),
    ]
    return Network("forward", (1, 14, 13), shapes)


CASES: dict[str, Callable[[], Network]] = {
    "mlp": mlp,
    "one layer": lambda: Mlp.build(MlpConfig(hidden=[], bias=True), (7,), (3,), Tanh()),
    "mlp, bias and norm of the current": lambda: mlp(bias=True, norm="batch"),
    "mlp, norm of the input": lambda: mlp(norm="batch", norm_place="input"),
    "mlp, fixed norm": lambda: mlp(norm="batch_fixed", norm_place="input"),
    "cnn": cnn,
    "cnn, bias and norm of the current": lambda: cnn(bias=True, norm="batch"),
    "cnn, norm of the input": lambda: cnn(norm="batch", norm_place="input"),
    "lenet": lambda: Lenet.build(LenetConfig(channels=[2, 3], hidden=[5, 4]), (1, 28, 28), (3,), Tanh()),
    "autoencoder": lambda: autoencoder(init="normal"),
    "autoencoder, norm of the input": lambda: autoencoder(norm="batch", norm_place="input", bias=True),
    "strides": strided,
}


def randomised(network: Network, replicas: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Arrays of which none is zero or one, so that every bias, gain and shift matters."""
    params, buffers = network.draw(Streams(tuple(range(replicas)), dtype=torch.float64))
    return {key: value + 0.3 * randn(*value.shape, seed=i) for i, (key, value) in enumerate(params.items())}, buffers


def batch(network: Network, replicas: int) -> tuple[Task, Tensor, Tensor]:
    """Task, samples and targets."""
    x = randn(replicas, 4, *network.in_shape, seed=100)
    if len(network.out_shape) == 3:
        return Regression(), x, randn(replicas, 4, *network.out_shape, seed=101)
    y = torch.randint(3, (replicas, 4), generator=torch.Generator().manual_seed(102))
    return Classification(3), x, y


@pytest.mark.parametrize(("replicas", "x_replicas"), [(1, 1), (3, 3), (3, 1)])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("train", [True, False])
def test_backpropagation_is_autograd(name: str, replicas: int, x_replicas: int, train: bool) -> None:
    network = CASES[name]()
    params, buffers = randomised(network, replicas)
    task, x, y = batch(network, x_replicas)
    kept = {key: value.clone() for key, value in params.items()}
    run = network.forward(params, x, buffers, train=train)
    changes = downward(network, params, run, task.error(run.out, y))
    leaves = {key: value.clone().requires_grad_() for key, value in params.items()}
    loss = task.loss(network.forward(leaves, x, buffers, train=train).out, y)
    # the losses of replicas do not mix: the gradient of their sum is each one's own
    grads = torch.autograd.grad(loss.sum(), list(leaves.values()))
    assert set(changes) == set(leaves)
    for key, grad in zip(leaves, grads):
        assert grad.abs().max() > 1e-9 or key.endswith("bias")  # a bias before a norm has no gradient
        torch.testing.assert_close(changes[key].dense(), -grad, rtol=1e-9, atol=1e-12)
    assert all(torch.equal(value, kept[key]) for key, value in params.items())


@pytest.mark.parametrize("replicas", [1, 3])
def test_other_matrices_take_the_error_down(replicas: int) -> None:
    """Feedback alignment on 7-6-5-4-3 written out: ``D_l = (D_{l+1} F_{l+1}) (1 - h_l^2)``."""
    network = mlp()
    params, _ = randomised(network, replicas)
    feedback = {layer.weight: randn(*params[layer.weight].shape, seed=50 + i) for i, layer in enumerate(network.layers)}
    task, x, y = batch(network, replicas)
    run = network.forward(params, x)
    changes = downward(network, params, run, task.error(run.out, y), lambda layer: feedback[layer.weight])
    for r in range(replicas):
        h = [x[r]]
        for i in range(4):
            z = h[-1] @ params[f"forward/{i}/weight"][r].T
            h.append(torch.tanh(z) if i < 3 else z)
        d = (torch.eye(3).double()[y[r]] - torch.softmax(h[4], -1)) / 4
        for i in (3, 2, 1, 0):
            torch.testing.assert_close(changes[f"forward/{i}/weight"].dense()[r], d.T @ h[i], rtol=1e-10, atol=1e-12)
            d = (d @ feedback[f"forward/{i}/weight"][r]) * (1 - h[i] ** 2)


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        ({}, [3, 2, 1]),
        ({"norm": "batch"}, [3, 2, 1]),
        ({"norm": "batch_fixed", "norm_place": "input"}, [3, 2, 1]),
        ({"norm": "batch", "norm_place": "input"}, [3, 2, 1, 0]),
    ],
)
def test_first_layer_sends_down_only_to_a_learned_norm_before_it(config: dict[str, str], asked: list[int]) -> None:
    network = mlp(**config)
    params, buffers = randomised(network, 1)
    task, x, y = batch(network, 1)
    run = network.forward(params, x, buffers, train=True)
    seen: list[int] = []

    def feedback(layer: Layer) -> Tensor:
        seen.append(network.layers.index(layer))
        return params[layer.weight]

    downward(network, params, run, task.error(run.out, y), feedback)
    assert seen == asked


def test_no_error_passes_a_dendrite() -> None:
    """Autograd through a network whose dendrites read a detached copy of the layer's input gives every change."""
    network = mlp(bias=True, dendrites=True)
    params, _ = randomised(network, 1)
    for i, layer in enumerate(network.layers):
        post, pre = layer.connection.weight_shape
        shapes = {"V": (1, 2, post, pre), "c": (1, 2, post), "q": (1, 2, 2, post), "u": (1, 2, post)}
        params |= {f"{layer.name}/dendrites/{leaf}": randn(*shape, seed=i) for leaf, shape in shapes.items()}
    task, x, y = batch(network, 1)
    run = network.forward(params, x)
    changes = downward(network, params, run, task.error(run.out, y))
    leaves = {key: value[0].clone().requires_grad_() for key, value in params.items()}
    h = x[0]
    for i in range(4):
        w, b, v, c, q, u = (
            leaves[f"forward/{i}/{leaf}"]
            for leaf in ("weight", "bias", *(f"dendrites/{name}" for name in ("V", "c", "q", "u")))
        )
        still = h.detach()
        first = torch.sigmoid(still @ v[0].T + c[0]).detach()
        second = torch.sigmoid(still @ v[1].T + c[1] + q[1, 0] * first).detach()
        z = h @ w.T + b + u[0] * first + u[1] * second
        h = torch.tanh(z) if i < 3 else z
    torch.testing.assert_close(run.out[0], h.detach(), rtol=1e-12, atol=1e-12)
    taught = [key for key in leaves if not key.endswith(("/V", "/c", "/q"))]
    assert set(changes) == set(taught)
    for key, grad in zip(taught, torch.autograd.grad(task.loss(h[None], y).sum(), [leaves[key] for key in taught])):
        torch.testing.assert_close(changes[key].dense()[0], -grad, rtol=1e-10, atol=1e-12)
