"""Every registered neuron model: shapes, linearity and truth of `pull`, and nothing kept between calls."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from conformance_kit import components
from torch import Tensor

from bioplaus import registry
from bioplaus.neurons.base import Neuron, StaticNeuron

MODELS = dict(components(registry.NEURONS))
SHAPE = (2, 3, 4, 5)  # replicas, time or channels, batch, units: fits models with and without a time axis
STEP = 1e-6

every = pytest.mark.parametrize("name", MODELS)


def draw(seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return 2 * torch.randn(*SHAPE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def tensors(cache: Any) -> list[Tensor]:
    if isinstance(cache, Tensor):
        return [cache]
    return [t for part in cache for t in tensors(part)] if isinstance(cache, (tuple, list)) else []


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shape_and_precision_are_kept(name: str, dtype: torch.dtype) -> None:
    neuron: Neuron = MODELS[name]()
    current = draw(0, dtype)
    out, cache = neuron.forward(current)
    back = neuron.pull(cache, draw(1, dtype))
    for value in (out, back):
        assert value.shape == SHAPE and value.dtype == dtype and value.device == current.device
        assert torch.isfinite(value).all()


@every
def test_extreme_currents_stay_finite(name: str) -> None:
    neuron: Neuron = MODELS[name]()
    current = torch.tensor([-1e4, -100.0, -30.0, -0.0, 0.0, 30.0, 100.0, 1e4]).expand(1, 1, 1, -1).contiguous()
    out, cache = neuron.forward(current)
    assert torch.isfinite(out).all() and torch.isfinite(neuron.pull(cache, torch.ones_like(current))).all()


@every
def test_pull_is_linear_in_the_error(name: str) -> None:
    neuron: Neuron = MODELS[name]()
    _, cache = neuron.forward(draw(0))
    one, two = draw(1), draw(2)
    mixed = neuron.pull(cache, 1.5 * one - 0.25 * two)
    torch.testing.assert_close(mixed, 1.5 * neuron.pull(cache, one) - 0.25 * neuron.pull(cache, two), rtol=1e-12, atol=1e-12)
    assert not neuron.pull(cache, torch.zeros(SHAPE, dtype=torch.float64)).any()


@every
def test_pull_is_the_slope_where_there_is_one(name: str) -> None:
    """Central differences along single currents; at a kink, where the two one-sided slopes differ, a slope is a convention."""
    neuron: Neuron = MODELS[name]()
    current, error = draw(3), draw(4)
    if not isinstance(neuron, StaticNeuron):
        pytest.skip("activity depends on more than the present current")
    up, down, out = (neuron.forward(current + shift)[0] for shift in (STEP, -STEP, 0.0))
    if len(out.unique()) <= 2:
        pytest.skip("binary: its true slope is zero, and the one it hands out is a convention")
    smooth = ((up - out) - (out - down)).abs() < 1e-3 * STEP
    assert smooth.double().mean() > 0.95
    pulled = neuron.pull(neuron.forward(current)[1], error)
    expected = error * (up - down) / (2 * STEP)
    torch.testing.assert_close(pulled[smooth], expected[smooth], rtol=1e-6, atol=1e-7)


@every
def test_a_pull_knows_its_own_call_only(name: str) -> None:
    neuron: Neuron = MODELS[name]()
    current, error = draw(0), draw(1)
    given = current.clone(), error.clone()
    out, cache = neuron.forward(current)
    kept = [t.clone() for t in tensors(cache)]
    back = neuron.pull(cache, error).clone()
    first = out.clone()
    neuron.pull(neuron.forward(draw(5))[1], draw(6))
    assert torch.equal(neuron.pull(cache, error), back)
    assert torch.equal(neuron.forward(current)[0], first)
    assert torch.equal(current, given[0]) and torch.equal(error, given[1])
    assert all(torch.equal(a, b) for a, b in zip(tensors(cache), kept))
    assert vars(neuron).keys() == {"config"}


@every
def test_replicas_and_samples_do_not_mix(name: str) -> None:
    neuron: Neuron = MODELS[name]()
    current, error = draw(0), draw(1)
    out, cache = neuron.forward(current)
    back = neuron.pull(cache, error)
    other, wrong = current.clone(), error.clone()
    other[1], wrong[1] = draw(7)[1], draw(8)[1]
    other[:, :, 2], wrong[:, :, 2] = draw(9)[:, :, 2], draw(9)[:, :, 2]
    moved, cache = neuron.forward(other)
    kept = [0, 1, 3]
    assert torch.equal(moved[0][:, kept], out[0][:, kept])
    assert torch.equal(neuron.pull(cache, wrong)[0][:, kept], back[0][:, kept])
