"""Static units: their formula written out again, and their slope against autograd and finite differences."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.neurons.base import StaticNeuron
from bioplaus.neurons.rectified import Clip, HardSigmoid, LeakyRelu, LeakyReluConfig, Relu
from bioplaus.neurons.smooth import Elu, EluConfig, Identity, Sigmoid, Softplus, SoftplusConfig, Tanh
from bioplaus.neurons.threshold import Sign, SignConfig, Step, StepConfig

#: unit, its formula for one number, the same unit in torch, kinks
GRADED: dict[str, tuple[StaticNeuron, Callable[[float], float], Callable[[Tensor], Tensor], tuple[float, ...]]] = {
    "identity": (Identity(), lambda z: z, lambda z: z * 1, ()),
    "relu": (Relu(), lambda z: max(z, 0.0), F.relu, (0.0,)),
    "leaky_relu": (LeakyRelu(), lambda z: z if z > 0 else 0.01 * z, F.leaky_relu, (0.0,)),
    "leaky_relu leak=0.2": (
        LeakyRelu(LeakyReluConfig(leak=0.2)),
        lambda z: z if z > 0 else 0.2 * z,
        lambda z: F.leaky_relu(z, 0.2),
        (0.0,),
    ),
    "elu": (Elu(), lambda z: z if z > 0 else math.exp(z) - 1, F.elu, ()),
    "elu alpha=0.5": (
        Elu(EluConfig(alpha=0.5)),
        lambda z: z if z > 0 else 0.5 * (math.exp(z) - 1),
        lambda z: F.elu(z, 0.5),
        (0.0,),
    ),
    "tanh": (Tanh(), math.tanh, torch.tanh, ()),
    "sigmoid": (Sigmoid(), lambda z: 1 / (1 + math.exp(-z)), torch.sigmoid, ()),
    "softplus": (Softplus(), lambda z: math.log1p(math.exp(z)), F.softplus, ()),
    "softplus beta=3": (
        Softplus(SoftplusConfig(beta=3.0)),
        lambda z: math.log1p(math.exp(3 * z)) / 3,
        lambda z: F.softplus(z, 3.0),
        (),
    ),
    "clip": (Clip(), lambda z: min(max(z, 0.0), 1.0), lambda z: z.clamp(0, 1), (0.0, 1.0)),
    "hard_sigmoid": (HardSigmoid(), lambda z: min(max(z / 6 + 0.5, 0.0), 1.0), F.hardsigmoid, (-3.0, 3.0)),
}
STEP = 1e-5


def grid(kinks: tuple[float, ...] = ()) -> Tensor:
    """Currents on [-4, 4], shape ``[1, n, 1]``, none within two difference steps of a kink."""
    z = torch.linspace(-4, 4, 161, dtype=torch.float64)
    for kink in kinks:
        z = z[(z - kink).abs() > 2 * STEP]
    return z.view(1, -1, 1)


@pytest.mark.parametrize("name", GRADED)
def test_value_follows_the_formula(name: str) -> None:
    unit, formula, _, _ = GRADED[name]
    z = grid()
    expected = torch.tensor([formula(v) for v in z.flatten().tolist()], dtype=torch.float64).view_as(z)
    # 1e-9: torch's softplus is linear above beta z = 20, off by exp(-20) at most
    torch.testing.assert_close(unit.forward(z)[0], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", GRADED)
def test_pull_is_error_times_central_difference(name: str) -> None:
    unit, formula, _, kinks = GRADED[name]
    z = grid(kinks)
    error = torch.linspace(-2, 3, z.numel(), dtype=torch.float64).view_as(z)
    slope = [(formula(v + STEP) - formula(v - STEP)) / (2 * STEP) for v in z.flatten().tolist()]
    pulled = unit.pull(unit.forward(z)[1], error)
    torch.testing.assert_close(pulled, error * torch.tensor(slope).double().view_as(z), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", GRADED)
def test_pull_is_autograd_also_at_the_kinks(name: str) -> None:
    unit, _, twin, kinks = GRADED[name]
    z = torch.cat((grid().flatten(), torch.tensor([0.0, *kinks], dtype=torch.float64))).view(1, -1, 1)
    error = torch.linspace(-2, 3, z.numel(), dtype=torch.float64).view_as(z)
    leaf = z.clone().requires_grad_()
    (expected,) = torch.autograd.grad(twin(leaf), leaf, error)
    torch.testing.assert_close(unit.pull(unit.forward(z)[1], error), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [*GRADED, "step", "sign"])
def test_pull_keeps_current_out_and_error(name: str) -> None:
    unit = GRADED[name][0] if name in GRADED else {"step": Step(), "sign": Sign()}[name]
    z = grid()
    kept, error = z.clone(), torch.ones_like(z)
    out, cache = unit.forward(z)
    out_before = out.clone()
    unit.pull(cache, error)
    assert torch.equal(z, kept) and torch.equal(out, out_before) and torch.equal(error, torch.ones_like(z))


@pytest.mark.parametrize(("unit", "low"), [(Step(), 0.0), (Sign(), -1.0)])
def test_binary_values_with_silence_at_exactly_zero(unit: StaticNeuron, low: float) -> None:
    tiny = 5e-324  # the smallest positive number still fires
    z = torch.tensor([[-4.0, -1e-12, -0.0, 0.0, tiny, 1e-12, 4.0]], dtype=torch.float64)
    out = unit.forward(z)[0]
    assert out.tolist() == [[low, low, low, low, 1.0, 1.0, 1.0]] and out.dtype == z.dtype


@pytest.mark.parametrize("unit", [Step(), Sign()])
def test_straight_through_slope_is_one_on_the_closed_window(unit: StaticNeuron) -> None:
    outside = 1 + 2**-52
    z = torch.tensor([[-4.0, -outside, -1.0, -0.3, 0.0, 0.3, 1.0, outside, 4.0]], dtype=torch.float64)
    error = torch.full_like(z, -2.5)
    assert unit.pull(unit.forward(z)[1], error).tolist() == [[0, 0, -2.5, -2.5, -2.5, -2.5, -2.5, 0, 0]]


@pytest.mark.parametrize("unit", [Step(StepConfig(slope="zero")), Sign(SignConfig(slope="zero"))])
def test_true_slope_of_binary_units_is_zero(unit: StaticNeuron) -> None:
    z = grid()
    assert not unit.pull(unit.forward(z)[1], torch.ones_like(z)).any()


@pytest.mark.parametrize("name", GRADED)
def test_autograd_through_the_unit_is_that_of_its_twin(name: str) -> None:
    """Values are bit for bit those without a graph, and the slope is the formula's, also at 0 where both branches of elu meet."""
    unit, _, twin, kinks = GRADED[name]
    z = torch.cat((grid(kinks).flatten(), torch.zeros(0 if 0.0 in kinks else 1).double())).view(1, -1, 1)
    leaf, other = z.clone().requires_grad_(), z.clone().requires_grad_()
    with torch.enable_grad():
        out = unit.forward(leaf)[0]
    assert torch.equal(out.detach(), unit.forward(z)[0])
    found, expected = torch.autograd.grad(out.sum(), leaf)[0], torch.autograd.grad(twin(other).sum(), other)[0]
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
