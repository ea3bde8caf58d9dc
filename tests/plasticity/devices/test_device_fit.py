"""Fits: parameters that made the data are found again, and the model that made them comes first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from device_steps import exponential_curve, repeated

from bioplaus.errors import ConfigError
from bioplaus.plasticity.devices.constant_step import ConstantStep
from bioplaus.plasticity.devices.exp_step import ExpStep
from bioplaus.plasticity.devices.exponential import nonlinearity_to_a
from bioplaus.plasticity.devices.fitting import _independent, fit, fit_all, predicted
from bioplaus.plasticity.devices.linear_step import LinearStep
from bioplaus.plasticity.devices.one_sided import OneSided
from bioplaus.plasticity.devices.pow_step import PowStep
from bioplaus.plasticity.devices.pulse_file import PulseData
from bioplaus.plasticity.devices.soft_bounds import SoftBounds

LOW, HIGH = 2e-6, 1.2e-5


def data_of(up: Any, down: Any, low: float = LOW, high: float = HIGH) -> PulseData:
    """Return normalised branches as measurements, depression from its first pulse on."""
    siemens = [low + np.asarray(one, dtype=float) * (high - low) for one in (up, down)]
    return PulseData(np.arange(len(up), dtype=float), siemens[0], np.arange(1.0, len(down) + 1), siemens[1])


def exponential_data(nl_up: float, nl_down: float, up: int = 40, down: int = 55) -> PulseData:
    a = nonlinearity_to_a(nl_up), nonlinearity_to_a(nl_down)
    falling = [exponential_curve(down - p, down, a[1]) for p in range(1, down + 1)]
    return data_of([exponential_curve(p, up, a[0]) for p in range(up + 1)], falling)


def incremental_data(device: Any, start: float, up: int, down: int) -> PulseData:
    rising = [repeated(device, start, n) for n in range(up + 1)]
    falling = [repeated(device, rising[-1], -n) for n in range(1, down + 1)]
    return data_of(*(np.array([(w - device.w_min) / device.span for w in one]) for one in (rising, falling)))


@pytest.mark.parametrize(("nl_up", "nl_down"), [(2.4, -4.88), (0.5, -0.5), (1.75, 1.46), (6.0, -8.0)])
def test_exponential(nl_up: float, nl_down: float) -> None:
    found = fit(exponential_data(nl_up, nl_down), "exponential")
    d = found.device.values()
    assert (d["nl_up"], d["nl_down"]) == pytest.approx((nl_up, nl_down), abs=1e-4)
    assert (d["g_min"], d["g_max"]) == pytest.approx((LOW, HIGH), rel=1e-4)
    assert (d["pulses_up"], d["pulses_down"]) == (40, 55) and found.relative < 1e-6
    assert found.rmse == pytest.approx(found.relative * (HIGH - LOW), rel=1e-3)


INCREMENTAL = [
    (ConstantStep(dw_min=0.05, up_down=0.2), -1.0, 40, 50, ("dw_min", "up_down")),
    (LinearStep(dw_min=0.06, up_down=-0.1, gamma_up=0.5, gamma_down=0.8), -1.0, 60, 90, ("dw_min", "up_down", "gamma_up", "gamma_down")),
    (SoftBounds(dw_min=0.1, up_down=0.3), -0.9, 40, 50, ("dw_min", "up_down")),
    (PowStep(dw_min=0.15, up_down=0.3, gamma_up=1.6, gamma_down=2.2), -0.95, 40, 50, ("dw_min", "up_down", "gamma_up", "gamma_down")),
    (ExpStep(dw_min=0.02, a=-1, gamma_up=2, gamma_down=1.5, A_up=-1, A_down=-2), -1.0, 60, 60, ("gamma_up", "gamma_down", "A_up", "A_down")),
]


@pytest.mark.parametrize(("device", "start", "up", "down", "keys"), INCREMENTAL, ids=lambda x: getattr(x, "model", ""))
def test_incremental(device: Any, start: float, up: int, down: int, keys: tuple[str, ...]) -> None:
    data = incremental_data(device, start, up, down)
    found = fit(data, device.model)
    assert found.relative < 1e-5
    assert [found.device.values()[key] for key in keys] == pytest.approx([device.values()[key] for key in keys], rel=0.01)
    assert found.device.weight(found.start) == pytest.approx(start, abs=0.01)


@pytest.mark.parametrize(
    ("data", "model"),
    [
        (exponential_data(2.4, -4.88), "exponential"),
        (exponential_data(1.75, 1.46), "exponential"),
        (data_of(np.linspace(0, 1, 31), np.linspace(1, 0, 26)[1:]), "linear"),
        (incremental_data(ConstantStep(dw_min=0.11, up_down=0.2), -1.0, 30, 33), "constant_step"),
        (incremental_data(SoftBounds(dw_min=0.1), -0.85, 30, 28), "soft_bounds"),
        (incremental_data(PowStep(dw_min=0.15, gamma_up=1.6, gamma_down=2.2), -0.95, 40, 50), "pow_step"),
        (incremental_data(OneSided(dw_min=0.01, a=-1, gamma_up=2.5, A_up=-27, w_min=0, w_max=2), 0.0, 72, 4), "one_sided"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_the_model_behind_the_data_comes_first(data: PulseData, model: str) -> None:
    ranked = fit_all(data)
    assert ranked[0].model == model and ranked[0].relative < 1e-5
    assert len({one.model for one in ranked}) == 8
    assert [one.bic for one in ranked] == sorted(one.bic for one in ranked)


def test_noise_is_estimated() -> None:
    """Increments of noisy curves: a walk away from the model, 2 % of the range per pulse."""
    random = np.random.default_rng(0)
    up = np.linspace(0.2, 0.8, 301) + np.cumsum(0.02 * random.standard_normal(301))
    down = up[-1] - np.linspace(0, 0.6, 301)[1:] + np.cumsum(0.02 * random.standard_normal(300))
    data = data_of(up, down)
    width = HIGH - LOW
    for model in ("exponential", "linear"):
        found = fit(data, model).device
        span = found.g_max - found.g_min
        assert found.cycle_noise * span / width == pytest.approx(0.02, rel=0.1)
    stepped = fit(data, "constant_step").device
    assert stepped.noise == "additive"
    assert stepped.cycle_noise * stepped.dw_min / stepped.span * (stepped.g_max - stepped.g_min) / width == pytest.approx(0.02, rel=0.1)


def test_measurements_far_apart() -> None:
    a = nonlinearity_to_a(3.0)
    at = np.array([0.0, 5, 20, 60])
    rising = np.array([exponential_curve(p, 60, a) for p in at])
    data = PulseData(at, LOW + rising * (HIGH - LOW), at[1:], LOW + (1 - rising[1:]) * (HIGH - LOW))
    found = fit(data, "exponential").device
    assert (found.nl_up, found.nl_down, found.pulses_up) == pytest.approx((3.0, -3.0, 60), abs=1e-4)


def test_conductances_stay_positive() -> None:
    for model in ("exponential", "linear", "soft_bounds", "pow_step"):
        found = fit(data_of(np.linspace(0, 1, 9) ** 2, np.linspace(1, 0, 9)[1:] ** 2, low=0.0), model)
        assert found.device.g_min >= -1e-20


def test_compiled_loops_are_the_plain_ones() -> None:
    device = ExpStep(dw_min=0.02, a=-0.5, b=-0.5, A_up=-1.18, A_down=-0.08)
    data = PulseData(np.array([0.0, 3, 10]), np.zeros(3), np.array([1.0, 4]), np.zeros(2))
    up, down = predicted(device, 0.1, data)
    weights = [repeated(device, -0.8, n) for n in (0, 3, 10)]
    assert device.weight(up) == pytest.approx(weights, abs=1e-12)
    assert device.weight(down) == pytest.approx([repeated(device, weights[-1], -n) for n in (1, 4)], abs=1e-12)


def test_residuals_that_resemble_their_neighbours_count_less() -> None:
    random = np.random.default_rng(1)
    white = random.standard_normal(4000)
    assert _independent([white[:2000], white[2000:]]) == pytest.approx(4000, rel=0.1)
    red = np.zeros(4000)
    for i in range(1, 4000):
        red[i] = 0.8 * red[i - 1] + white[i]
    assert _independent([red]) == pytest.approx(4000 * 0.2 / 1.8, rel=0.15)
    assert _independent([np.zeros(10)]) == 10


def test_an_unknown_model() -> None:
    with pytest.raises(ConfigError, match="did you mean 'exponential'"):
        fit(exponential_data(1, -1), "exponental")


def test_the_criterion_by_hand() -> None:
    found = fit(exponential_data(2.4, -4.88), "linear")
    n = 41 + 55
    assert found.bic == pytest.approx(n * math.log(found.relative**2) + 2 * math.log(n))
