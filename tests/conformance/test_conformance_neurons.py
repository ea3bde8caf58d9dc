"""Every registered neuron model: shapes, linearity and truth of `pull`, and nothing kept between calls."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from plain_units import PLAIN
from torch import Tensor

from bioplaus import registry
from bioplaus.errors import ConfigError
from bioplaus.neurons.base import Neuron, StaticNeuron
from bioplaus.testing.kit import components

MODELS = dict(components(registry.NEURONS))
SHAPE = (2, 3, 30, 5)  # replicas, samples, time or channels, units: fits models with and without a time axis
STEP = 1e-6
#: model -> why it has no `pull`
NO_GRADIENT = {"hodgkin_huxley": "nothing in it is a threshold"}

every = pytest.mark.parametrize("name", MODELS)
spiking = pytest.mark.parametrize("name", [name for name in MODELS if MODELS[name].spiking])
pulling = pytest.mark.parametrize("name", [name for name in MODELS if name not in NO_GRADIENT])


def draw(seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return 2 * torch.randn(*SHAPE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def tensors(cache: Any) -> list[Tensor]:
    if isinstance(cache, Tensor):
        return [cache]
    parts = cache if isinstance(cache, (tuple, list)) else vars(cache).values() if hasattr(cache, "__dataclass_fields__") else ()
    return [t for part in parts for t in tensors(part)]


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shape_and_precision_are_kept(name: str, dtype: torch.dtype) -> None:
    neuron: Neuron = MODELS[name]()
    current = draw(0, dtype)
    out, cache = neuron.forward(current)
    back = [] if name in NO_GRADIENT else [neuron.pull(cache, draw(1, dtype))]
    for value in (out, *back):
        assert value.shape == SHAPE and value.dtype == dtype and value.device == current.device
        assert torch.isfinite(value).all()


@every
def test_extreme_currents_stay_finite(name: str) -> None:
    """As they are; for spiking models constant, and with one such step among weaker ones."""
    neuron: Neuron = MODELS[name]()
    current = torch.tensor([-1e4, -100.0, -30.0, -0.0, 0.0, 30.0, 100.0, 1e4]).expand(1, 1, 1, -1).contiguous()
    series = current * torch.tensor([0.01, 1.0, -0.01, 0.0, 0.02]).view(1, 1, 5, 1)
    for given in (current, series) if neuron.spiking else (current,):
        for unit in (neuron, neuron.readout()) if neuron.spiking else (neuron,):
            out, cache = unit.forward(given)
            assert torch.isfinite(out).all()
            if unit is not neuron or name not in NO_GRADIENT:
                assert torch.isfinite(unit.pull(cache, torch.ones_like(out))).all()


@pulling
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


@spiking
def test_pull_of_spikes_is_autograd_through_the_surrogate(name: str) -> None:
    """Beside a loop in torch, at default settings; whoever has no gradient says so in one line."""
    neuron: Neuron = MODELS[name]()
    current = draw(3).requires_grad_()
    out, cache = neuron.forward(current.detach())
    if name in NO_GRADIENT:
        with pytest.raises(ConfigError, match=f"neuron={name} has no gradient: {NO_GRADIENT[name]}") as caught:
            neuron.pull(cache, draw(4))
        assert "\n" not in str(caught.value)
        return
    spikes, _ = PLAIN[name](current)
    assert torch.equal(out, spikes.detach()) and 0.02 < out.mean() < 0.9
    expected = torch.autograd.grad(spikes, current, draw(4))[0]
    torch.testing.assert_close(neuron.pull(cache, draw(4)), expected, rtol=1e-9, atol=1e-10)


@spiking
def test_what_comes_later_changes_nothing_before(name: str) -> None:
    neuron: Neuron = MODELS[name]()
    current = draw(0)
    later = current.clone()
    later[:, :, 20:] += 1
    out, moved = neuron.forward(current)[0], neuron.forward(later)[0]
    assert torch.equal(out[:, :, :20], moved[:, :, :20])
    if name not in NO_GRADIENT:  # fifteen steps of 0.05 ms are no time for a spike
        assert not torch.equal(out, moved)


@spiking
def test_a_current_of_one_step_is_a_constant_one(name: str) -> None:
    """Same activity as with the step repeated; its error is the sum over steps."""
    neuron: Neuron = MODELS[name](steps=40)
    current = draw(0)[:, :, :1].abs()
    repeated = current.expand(-1, -1, 40, -1).contiguous()
    out, cache = neuron.forward(current)
    assert torch.equal(out, neuron.forward(repeated)[0])
    if name not in NO_GRADIENT:
        error = torch.cat([draw(1), draw(2)[:, :, :10]], 2)
        expected = neuron.pull(neuron.forward(repeated)[1], error).sum(2, keepdim=True)
        torch.testing.assert_close(neuron.pull(cache, error), expected, rtol=1e-12, atol=1e-12)


@every
def test_a_pull_knows_its_own_call_only(name: str) -> None:
    neuron: Neuron = MODELS[name]()
    current, error = draw(0), draw(1)
    given = current.clone(), error.clone()
    out, cache = neuron.forward(current)
    kept, first = [t.clone() for t in tensors(cache)], out.clone()
    if name not in NO_GRADIENT:
        back = neuron.pull(cache, error).clone()
        neuron.pull(neuron.forward(draw(5))[1], draw(6))
        assert torch.equal(neuron.pull(cache, error), back)
    assert torch.equal(neuron.forward(current)[0], first)
    assert torch.equal(current, given[0]) and torch.equal(error, given[1])
    assert kept and all(torch.equal(a, b) for a, b in zip(tensors(cache), kept))
    assert vars(neuron).keys() == {"config"}


@every
def test_replicas_and_samples_do_not_mix(name: str) -> None:
    neuron: Neuron = MODELS[name]()
    current, error = draw(0), draw(1)
    out, cache = neuron.forward(current)
    other, wrong = current.clone(), error.clone()
    other[1], wrong[1] = draw(7)[1], draw(8)[1]
    other[:, 2], wrong[:, 2] = draw(9)[:, 2], draw(9)[:, 2]
    moved, moved_cache = neuron.forward(other)
    kept = [0, 1]
    assert torch.equal(moved[0][kept], out[0][kept])
    if name not in NO_GRADIENT:
        assert torch.equal(neuron.pull(moved_cache, wrong)[0][kept], neuron.pull(cache, error)[0][kept])
