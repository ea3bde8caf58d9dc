"""Standardisation over the batch: values against numpy, the error through it against automatic differentiation, running means."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.neurons.smooth import Tanh
from bioplaus.operations import Scope
from bioplaus.rules.standardise import Standardise, with_standard
from bioplaus.streams import Streams


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(5,), (3, 2, 4)])
def test_values_and_error_per_unit(shape: tuple[int, ...]) -> None:
    standard, x, error = Standardise("s", shape, running=False), randn(2, 6, *shape), randn(2, 6, *shape, seed=1)
    y, cache = standard.forward(Scope({}), x)
    axes = tuple(axis for axis in range(x.dim() - 1) if axis != 1)
    for r in range(2):
        own = x[r].numpy()
        expected = (own - own.mean(axes, keepdims=True)) / (own.std(axes, ddof=1, keepdims=True) + 1e-12)
        np.testing.assert_allclose(y[r].numpy(), expected, rtol=1e-12, atol=1e-13)
    leaf = x.clone().requires_grad_()
    (grad,) = torch.autograd.grad(standard.forward(Scope({}), leaf)[0], leaf, error)
    torch.testing.assert_close(standard.pull(cache, error), grad, rtol=1e-10, atol=1e-12)


def test_running_means_are_those_of_the_batches_and_are_used_outside_training() -> None:
    standard, x = Standardise("s", (4,)), 2 + 3 * randn(1, 8, 4)
    buffers = {key: leaf.draw(key, Streams((0,), dtype=torch.float64)) for key, leaf in standard.buffers.items()}
    scope = Scope({}, buffers, train=True)
    standard.forward(scope, x)
    torch.testing.assert_close(scope.running["s/mean"], 0.1 * x.mean(1))
    torch.testing.assert_close(scope.running["s/variance"], 0.9 + 0.1 * x.var(1))
    settled = {"s/mean": x.mean(1), "s/variance": x.var(1)}
    one = Scope({}, settled)
    y, cache = standard.forward(one, x[:, :1])  # one sample, asked about alone
    torch.testing.assert_close(y, standard.forward(Scope({}, settled, train=True), x)[0][:, :1])
    assert not one.running
    torch.testing.assert_close(standard.pull(cache, torch.ones_like(y)), 1 / x.std(1, keepdim=True))


def test_what_does_not_vary_gives_nothing_and_takes_no_error() -> None:
    standard = Standardise("s", (2,), running=False)
    for x in (randn(1, 1, 2), torch.zeros(1, 5, 2, dtype=torch.float64)):
        y, cache = standard.forward(Scope({}), x)
        assert not y.any() and not standard.pull(cache, randn(*x.shape, seed=1)).any()
    kept = Standardise("s", (2,))
    scope = Scope({}, {key: leaf.draw(key, Streams((0,))) for key, leaf in kept.buffers.items()}, train=True)
    kept.forward(scope, torch.ones(1, 1, 2))
    assert not scope.running  # a single value says nothing about a spread


def test_a_layer_standardises_after_its_pool_and_keeps_its_buffers() -> None:
    plain = Cnn5.build(Cnn5Config(channels=[3]), (2, 8, 8), (4,), Tanh()).layers[0]
    layer = with_standard(plain, running=True)
    assert layer.out_shape == (3, 4, 4) and not plain.buffers and set(layer.leaves) == set(plain.leaves)
    assert {key: leaf.shape for key, leaf in layer.buffers.items()} == {
        "forward/0/standard/mean": (3,),
        "forward/0/standard/variance": (3,),
    }
    streams = Streams((0,), dtype=torch.float64)
    params, buffers = ({k: leaf.draw(k, streams) for k, leaf in part.items()} for part in (layer.leaves, layer.buffers))
    out = layer.forward(Scope(params, buffers, train=True), randn(1, 5, 2, 8, 8)).out
    torch.testing.assert_close(out.var((1, 3, 4)), torch.ones(1, 3, dtype=torch.float64))
