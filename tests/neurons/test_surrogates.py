"""Surrogate derivatives: published values, and what every one of them must be."""

from __future__ import annotations

import math

import pytest
import torch

from bioplaus.errors import ConfigError
from bioplaus.neurons.lif import Lif
from bioplaus.neurons.surrogates import DEFAULTS, SURROGATES, derivative

VALUES = [
    ("fast_sigmoid", {}, 0.0, 1.0),
    ("fast_sigmoid", {}, 0.04, 0.25),
    ("fast_sigmoid", {}, 1.0, 0.00147929),
    ("fast_sigmoid", {"k": 10.0}, 0.04, 0.510204),
    ("atan", {}, 0.0, 1.0),
    ("atan", {}, 0.04, 0.984454),
    ("atan", {}, 1.0, 0.0919997),
    ("sigmoid", {}, 0.0, 6.25),
    ("sigmoid", {}, 0.1, 1.752593),
    ("triangular", {}, 0.5, 0.15),
    ("triangular", {"gamma": 0.3, "threshold": 0.03}, 0.0, 10.0),
    ("triangular", {}, 1.5, 0.0),
    ("boxcar", {}, 0.5, 1.0),
    ("boxcar", {"w": 0.25}, 0.2, 2.0),
    ("boxcar", {}, 0.51, 0.0),
    ("gaussian", {"s": 0.5}, 0.5, 0.4839414490382867),  # twice the standard normal density at 1
    ("straight_through", {}, 7.0, 1.0),
]


@pytest.mark.parametrize(("name", "parameters", "x", "value"), VALUES)
def test_published_values_on_both_sides(name: str, parameters: dict[str, float], x: float, value: float) -> None:
    found = derivative(name, torch.tensor([-x, x], dtype=torch.float64), **parameters)
    assert found.tolist() == pytest.approx([value, value], rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", SURROGATES)
def test_even_finite_positive_and_largest_at_the_threshold(name: str, dtype: torch.dtype) -> None:
    x = torch.cat([torch.linspace(-100, 100, 2001), torch.linspace(-2, 2, 401)]).to(dtype)
    found = derivative(name, x)
    assert found.dtype == dtype and found.shape == x.shape and torch.isfinite(found).all()
    assert torch.equal(found, derivative(name, -x))
    assert (found >= 0).all() and found.max() <= derivative(name, torch.zeros(1, dtype=dtype))


@pytest.mark.parametrize("name", [name for name in SURROGATES if name not in ("straight_through", "triangular")])
def test_it_is_the_slope_of_a_step_of_height_one(name: str) -> None:
    """Area 1 below the curve, but for the fast sigmoid, whose primitive x / (1 + k |x|) goes from -1/k to 1/k."""
    x = torch.linspace(-50, 50, 2_000_001, dtype=torch.float64)
    area = float(torch.trapezoid(derivative(name, x), x))
    assert area == pytest.approx(2 / 25 if name == "fast_sigmoid" else 1.0, rel=0.01)


@pytest.mark.parametrize("name", SURROGATES)
def test_compiled_and_torch_surrogates_agree(name: str) -> None:
    """Units that forget at once (beta = 0) show the surrogate alone."""
    unit = Lif(beta=0.0, surrogate=name, threshold=0.7, steps=1)
    current = torch.linspace(-3, 4, 701, dtype=torch.float64).view(1, 1, 1, -1)
    out, cache = unit.forward(current)
    given = {"threshold": 0.7} if name == "triangular" else {}
    torch.testing.assert_close(unit.pull(cache, torch.ones_like(out)), derivative(name, current - 0.7, **given), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("name", "given", "words"), [
    ("relu", {}, "surrogate=relu is not known; choose one of fast_sigmoid"),
    ("atan", {"k": 3.0}, "surrogate atan has no parameter k; it has alpha"),
    ("straight_through", {"k": 3.0}, "has no parameter k; it has none"),
    ("atan", {"alpha": 0.0}, "alpha=0.0 must be a finite number > 0"),
    ("gaussian", {"s": math.inf}, "s=inf must be a finite number > 0"),
])  # fmt: skip
def test_bad_surrogates_are_refused_in_one_line(name: str, given: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        derivative(name, torch.zeros(1), **given)
    assert "\n" not in str(caught.value)


def test_first_parameter_is_the_slope_setting() -> None:
    unit = Lif(beta=0.0, surrogate="fast_sigmoid", slope=10.0, steps=1)
    out, cache = unit.forward(torch.full((1, 1, 1, 1), 1.04, dtype=torch.float64))
    assert float(unit.pull(cache, torch.ones_like(out))) == pytest.approx(0.510204, rel=1e-6)
    assert all(next(iter(known), "") in ("k", "alpha", "gamma", "w", "s", "") for known in DEFAULTS.values())
