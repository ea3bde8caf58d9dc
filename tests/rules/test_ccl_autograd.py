"""Counter-current learning against autograd of an independent implementation: perceptrons, convolutions, autoencoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import ccl_reference
import pytest
import torch
import torch.nn.functional as F
from ccl_reference import LayerCall, PairLoss, chain, dense, losses, normalised, raw, unit, wanted
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.network import Network
from bioplaus.networks.autoencoder import Autoencoder, AutoencoderConfig
from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.base import Neuron
from bioplaus.neurons.rectified import Relu
from bioplaus.neurons.smooth import Elu, Tanh
from bioplaus.rules import pairs
from bioplaus.rules.ccl import CounterCurrent, CounterCurrentConfig
from bioplaus.tasks import Classification, Regression

REPLICAS, WIDTHS, BATCH, CLASSES = 2, (6, 5, 7, 4, 3), 9, 3
LOSSES: dict[str, tuple[dict[str, object], PairLoss]] = {
    "raw": ({"loss": "raw", "lambda_cross": 0.3}, raw(0.3)),
    "cross": ({"loss": "normalised", "lambda_cross": 0.7, "lambda_self": 0.0}, normalised(0.7, 0.0)),
    "self": ({"loss": "normalised", "lambda_cross": 0.7, "lambda_self": 0.4}, normalised(0.7, 0.4)),
}
NEURONS: dict[str, tuple[Callable[[], Neuron], LayerCall]] = {"elu": (Elu, F.elu), "tanh": (Tanh, torch.tanh), "relu": (Relu, F.relu)}


def draw(networks: Mapping[str, Network], scale: float = 1.0) -> dict[str, Tensor]:
    """Return weights of every leaf, normal with variance scale / fan-in, replicas apart."""
    generator = torch.Generator().manual_seed(7)
    params = {}
    for network in networks.values():
        for key, leaf in network.leaves.items():
            value = torch.randn(REPLICAS, *leaf.shape, dtype=torch.float64, generator=generator)
            params[key] = value * scale / leaf.fan_in**0.5
    return params


def samples(*shape: int, replicas: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(8)
    x = torch.randn(replicas, BATCH, *shape, dtype=torch.float64, generator=generator)
    return x, torch.randint(CLASSES, (replicas, BATCH), generator=generator)


def gradients(found: Sequence[Tensor], leaves: Mapping[str, Tensor]) -> dict[str, Tensor]:
    values = torch.autograd.grad(torch.stack(list(found)).sum(), list(leaves.values()))
    return dict(zip(leaves, values))


def perceptron(leaves: Mapping[str, Tensor], network: str, phi: LayerCall = F.elu) -> list[LayerCall]:
    weights = [value for key, value in leaves.items() if key.startswith(network)]
    return [dense(w, last=i == len(weights) - 1, phi=phi) for i, w in enumerate(weights)]


def replica(params: Mapping[str, Tensor], r: int) -> dict[str, Tensor]:
    return {key: value[r].clone().requires_grad_() for key, value in params.items()}


def agree(changes: Mapping[str, Tensor], r: int, expected: Mapping[str, Tensor]) -> None:
    """Compare within a share of the largest entry."""
    assert changes.keys() == expected.keys()
    for key, gradient in expected.items():
        torch.testing.assert_close(-changes[key][r], gradient, rtol=0, atol=1e-11 * gradient.abs().max().item())


@pytest.fixture(autouse=True)
def exact_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the 1e-8 beside a norm vanish: the rule takes the slope of r / (|r| + e) to be that of r / |r|, divided by |r| + e."""
    for module in (pairs, ccl_reference):
        monkeypatch.setattr(module, "EPS", 1e-200)


@pytest.mark.parametrize("shared", [True, False], ids=["shared batch", "own batches"])
@pytest.mark.parametrize("flooding", [0.0, 0.6])
@pytest.mark.parametrize("loss", LOSSES)
def test_perceptron(loss: str, flooding: float, shared: bool) -> None:
    config, pair = LOSSES[loss]
    rule = CounterCurrent(CounterCurrentConfig(flooding=flooding, **config))
    networks = rule.build(Mlp.build(MlpConfig(hidden=list(WIDTHS[1:-1])), WIDTHS[:1], (CLASSES,), Elu()))
    params = draw(networks, 1.5)
    x, y = samples(WIDTHS[0], replicas=1 if shared else REPLICAS)
    changes, metrics = wanted(rule, networks, params, x, y, Classification(CLASSES))
    for r in range(REPLICAS):
        leaves, mine = replica(params, r), 0 if shared else r
        up, down = perceptron(leaves, "forward"), perceptron(leaves, "feedback")
        found = losses(up, down, x[mine], y[mine], CLASSES, pair, flooding)
        agree(changes, r, gradients(found, leaves))
        torch.testing.assert_close(metrics["loss"][r], found[-1])
        torch.testing.assert_close(metrics["pair_loss"][r], torch.stack(found[1:-1]).sum())
        near = 1 - chain(up, x[mine])[-1].softmax(-1).gather(1, y[mine][:, None]) < 0.6
        assert 0 < near.sum() < BATCH, "flooding has to leave some samples and take others"


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("neuron", NEURONS)
def test_neurons(neuron: str, loss: str) -> None:
    """Both networks have the neuron asked for, and its slope."""
    (made, phi), (config, pair) = NEURONS[neuron], LOSSES[loss]
    rule = CounterCurrent(CounterCurrentConfig(**config))
    networks = rule.build(Mlp.build(MlpConfig(hidden=list(WIDTHS[1:-1])), WIDTHS[:1], (CLASSES,), made()))
    params = draw(networks, 1.5)
    x, y = samples(WIDTHS[0])
    changes, metrics = wanted(rule, networks, params, x, y, Classification(CLASSES))
    for r in range(REPLICAS):
        leaves = replica(params, r)
        found = losses(perceptron(leaves, "forward", phi), perceptron(leaves, "feedback", phi), x[0], y[0], CLASSES, pair)
        agree(changes, r, gradients(found, leaves))
        torch.testing.assert_close(metrics["pair_loss"][r], torch.stack(found[1:-1]).sum())


@pytest.mark.parametrize("own", [0.0, 0.5])
def test_rows_of_zeros_get_no_error(own: float) -> None:
    rule = CounterCurrent(CounterCurrentConfig(loss="normalised", lambda_cross=1.0, lambda_self=own))
    networks = rule.build(Mlp.build(MlpConfig(hidden=list(WIDTHS[1:-1])), WIDTHS[:1], (CLASSES,), Elu()))
    params = draw(networks)
    x, y = samples(WIDTHS[0])
    x[:, 2] = 0  # this sample is silent in every layer, and so is the code of class 1
    params["feedback/0/weight"][:, :, 1] = 0
    changes, _ = wanted(rule, networks, params, x, y, Classification(CLASSES))
    assert torch.count_nonzero(changes["feedback/0/weight"][:, :, 1]) == 0
    for r in range(REPLICAS):
        leaves = replica(params, r)
        found = losses(
            perceptron(leaves, "forward"), perceptron(leaves, "feedback"), x[0], y[0], CLASSES, normalised(1.0, own)
        )
        agree(changes, r, gradients(found, leaves))


def convolution(leaves: Mapping[str, Tensor], name: str) -> LayerCall:
    return lambda x: F.conv2d(x, leaves[f"{name}/weight"], leaves.get(f"{name}/bias"), padding=1)


def double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


def pooled(leaves: Mapping[str, Tensor]) -> tuple[list[LayerCall], list[LayerCall]]:
    """Two blocks of conv-ELU-pool and a read-out; its mirror of upsample-conv-ELU."""
    full = {name: leaves[f"{name}/weight"] for name in ("forward/2", "feedback/0")}
    shift = {name: leaves.get(f"{name}/bias", torch.zeros(())) for name in full}
    c = {name: convolution(leaves, name) for name in ("forward/0", "forward/1", "feedback/1", "feedback/2")}
    up: list[LayerCall] = [
        lambda x: F.max_pool2d(F.elu(c["forward/0"](x)), 2),
        lambda x: F.max_pool2d(F.elu(c["forward/1"](x)), 2),
        lambda x: x.flatten(1) @ full["forward/2"].T + shift["forward/2"],
    ]
    down: list[LayerCall] = [
        lambda b: F.elu(b @ full["feedback/0"].T + shift["feedback/0"]),
        lambda b: F.elu(c["feedback/1"](double(b.unflatten(1, (5, 2, 2))))),
        lambda b: c["feedback/2"](double(b)),
    ]
    return up, down


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
def test_pooled_convolutions(loss: str, bias: bool) -> None:
    config, pair = LOSSES[loss]
    rule = CounterCurrent(CounterCurrentConfig(**config))
    networks = rule.build(Cnn5.build(Cnn5Config(channels=[4, 5], bias=bias), (2, 8, 8), (CLASSES,), Elu()))
    params = draw(networks)
    x, y = samples(2, 8, 8)
    changes, metrics = wanted(rule, networks, params, x, y, Classification(CLASSES))
    for r in range(REPLICAS):
        leaves = replica(params, r)
        found = losses(*pooled(leaves), x[0], y[0], CLASSES, pair)
        agree(changes, r, gradients(found, leaves))
        torch.testing.assert_close(metrics["pair_loss"][r], torch.stack(found[1:-1]).sum())


def autoencoder(leaves: Mapping[str, Tensor]) -> tuple[list[LayerCall], list[LayerCall]]:
    """Two convolutions of stride 2, two of upsampling; conv -> batch norm -> ReLU, the last bare; the mirror is of the same plan."""

    def net(name: str) -> list[LayerCall]:
        w = [leaves[f"{name}/{i}/weight"] for i in range(4)]

        def normal(z: Tensor) -> Tensor:
            return F.relu(F.batch_norm(z, None, None, training=True))

        return [
            lambda x: normal(F.conv2d(x, w[0], stride=2, padding=1)),
            lambda x: normal(F.conv2d(x, w[1], stride=2, padding=1)),
            lambda x: normal(F.conv2d(double(x), w[2], padding=1)),
            lambda x: F.conv2d(double(x), w[3], padding=1),
        ]

    return net("forward"), net("feedback")


def unit_maps(x: Tensor) -> Tensor:
    flat = x.flatten(2)
    return unit(flat - flat.mean(-1, keepdim=True))


def test_autoencoder() -> None:
    rule = CounterCurrent(CounterCurrentConfig(loss="maps"))
    networks = rule.build(Autoencoder.build(AutoencoderConfig(channels=[4, 6]), (3, 8, 8), (3, 8, 8), Relu()))
    params = draw(networks)
    buffers = {key: torch.ones(1, *leaf.shape) for net in networks.values() for key, leaf in net.buffers.items()}
    x, _ = samples(3, 8, 8)
    changes, metrics = wanted(rule, networks, params, x, x, Regression(), buffers)
    for r in range(REPLICAS):
        leaves = replica(params, r)
        up, down = autoencoder(leaves)
        a, b = chain(up, x[0]), chain(down, x[0])[::-1]
        found = []
        for level in range(len(a)):
            height = a[level].shape[2]
            found.append(height * F.mse_loss(a[level], b[level]))
            if 0 < level < len(a) - 1:
                found[level] = found[level] + height * F.mse_loss(unit_maps(a[level]), unit_maps(b[level]))
        agree(changes, r, gradients(found, leaves))
        torch.testing.assert_close(metrics["loss"][r], F.mse_loss(a[-1], x[0]))
        torch.testing.assert_close(metrics["pair_loss"][r], torch.stack(found[1:-1]).sum())


def test_maps_loss_is_for_samples_that_are_their_own_target() -> None:
    rule = CounterCurrent(CounterCurrentConfig(loss="maps"))
    networks = rule.build(Mlp.build(MlpConfig(hidden=[4]), (6,), (CLASSES,), Elu()))
    x, y = samples(6)
    with pytest.raises(ConfigError, match=r"rule\.loss=maps .* network=autoencoder"):
        wanted(rule, networks, draw(networks), x, y, Classification(CLASSES))
