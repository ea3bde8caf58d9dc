"""Labels and curve constants: published pairs, the label measured on the curve itself, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

from bioplaus.errors import ConfigError
from bioplaus.plasticity.devices.exponential import a_to_nonlinearity, beta_to_nonlinearity, nonlinearity_to_a
from bioplaus.plasticity.devices.nonlinearity import distance

TABLE = {0.5: 2.519877, 1: 1.251653, 2: 0.609035, 2.40: 0.499181, 4: 0.269089, 4.88: 0.200303, 6: 0.135619, 9: 0.022810}


def measured(u: float) -> float:
    """Return the largest distance at right angles between curve and line, over 0.07, on a fine grid."""
    x = np.linspace(0, 1, 400_001)
    y = -np.expm1(-u * x) / -np.expm1(-u)
    off = y - x
    return float(off[np.argmax(np.abs(off))]) / np.sqrt(2) / 0.07


@pytest.mark.parametrize(("label", "a"), TABLE.items())
def test_published_pairs(label: float, a: float) -> None:
    assert nonlinearity_to_a(label) == pytest.approx(a, abs=6e-7)
    assert nonlinearity_to_a(-label) == -nonlinearity_to_a(label)
    assert a_to_nonlinearity(nonlinearity_to_a(label)) == pytest.approx(label, abs=1e-10)


def test_published_distances() -> None:
    assert [distance(u) for u in (1.0, 2.0)] == pytest.approx([0.1233016, 0.2372373], abs=6e-8)
    assert [beta_to_nonlinearity(u) for u in (1.0, 2.0, 5.0)] == pytest.approx([1.2455339, 2.3964589, 4.8845312], abs=6e-8)


@pytest.mark.parametrize("u", [0.001, 0.0299, 0.0301, 0.3, 3.0, 30.0, -2.0, -40.0])
def test_the_label_is_what_one_measures_on_the_curve(u: float) -> None:
    assert a_to_nonlinearity(1 / u) == pytest.approx(measured(u), rel=1e-6)


@pytest.mark.parametrize("label", [1e-12, 1e-6, 1e-3, 0.01, 0.037, 0.3, 3.3, 9.9, 10.05, 10.09])
def test_there_and_back(label: float) -> None:
    assert a_to_nonlinearity(nonlinearity_to_a(label)) == pytest.approx(label, rel=1e-9)


def test_small_labels_are_a_power_law() -> None:
    assert nonlinearity_to_a(1e-5) == pytest.approx(1.26269 / 1e-5, rel=1e-5)
    assert nonlinearity_to_a(0) == np.inf and a_to_nonlinearity(np.inf) == 0


def test_arrays_are_as_their_elements() -> None:
    labels = np.array([[0.0, -3.0], [9.5, 1e-8]])
    found = nonlinearity_to_a(labels)
    assert found.shape == (2, 2)
    assert found.tolist() == [[nonlinearity_to_a(float(one)) for one in row] for row in labels]


@pytest.mark.parametrize("label", [10.10, -10.10, 11.0, np.nan, np.inf])
def test_labels_that_no_curve_has(label: float) -> None:
    with pytest.raises(ConfigError, match=r"no device.*-10\.1 < NL < 10\.1"):
        nonlinearity_to_a(label)
    with pytest.raises(ConfigError, match=r"no device"):
        nonlinearity_to_a(np.array([1.0, label]))


@pytest.mark.parametrize("a", [0.0, np.nan])
def test_an_a_without_a_curve(a: float) -> None:
    with pytest.raises(ConfigError, match="other than 0"):
        a_to_nonlinearity(a)
