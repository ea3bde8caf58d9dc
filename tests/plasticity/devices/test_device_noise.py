"""Noise from cycle to cycle, between devices, of reading and of writing: sizes, seeds, and where it is not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from bioplaus.plasticity.devices import get
from bioplaus.plasticity.devices.constant_step import ConstantStep
from bioplaus.plasticity.devices.exp_step import ExpStep
from bioplaus.plasticity.devices.exponential import Exponential
from bioplaus.plasticity.devices.linear import Linear
from bioplaus.plasticity.devices.linear_step import LinearStep
from bioplaus.plasticity.devices.soft_bounds import SoftBounds
from bioplaus.streams import Streams

MANY = 40_000


def normal(seed: int = 0, size: int = MANY) -> Any:
    random = np.random.default_rng(seed)
    return lambda name: random.standard_normal(size)


def test_counted_noise_grows_with_the_root_of_the_pulses() -> None:
    """n pulses, k times, from the middle of a line: variance sigma^2 |n| k."""
    device = Linear(pulses_up=1e6, pulses_down=1e6, cycle_noise=0.01)
    noise, g = normal(), np.full(MANY, 0.5)
    for n in (4, -4, 4):
        g = device.pulsed(g, n, noise)
    assert g.std() == pytest.approx(0.01 * math.sqrt(4 * 3), rel=0.02)
    assert g.mean() == pytest.approx(0.5, abs=5e-4)


def test_no_pulse_no_noise() -> None:
    g = np.full(6, 0.5)
    for device in (Exponential(cycle_noise=0.1), ConstantStep(dw_min=0.1, cycle_noise=1)):
        found = device.pulsed(g, np.array([0, 0, 0, 1, -1, 2]), normal(size=6))
        assert np.all(found[:3] == 0.5) and np.all(found[3:] != 0.5)


def test_noise_is_clipped_and_absolute() -> None:
    device = Exponential(nl_up=6, cycle_noise=0.2)
    found = device.pulsed(np.full(MANY, 0.999), 1, normal())
    assert found.max() == 1.0 and np.mean(found == 1.0) == pytest.approx(0.5, abs=0.02)
    assert (1 - found[found < 1]).std() == pytest.approx(0.2 * math.sqrt(1 - 2 / math.pi), rel=0.03), "half a normal law"


@pytest.mark.parametrize("law", ["multiplicative", "additive"])
def test_incremental_noise_belongs_to_each_pulse(law: str) -> None:
    device = LinearStep(dw_min=0.002, gamma_up=0.8, gamma_down=0.4, cycle_noise=0.5, noise=law)
    start = 0.9
    step = 0.002 * (1 - 0.8 * 0.8)  # at w = 0.8
    found = device.weight(device.pulsed(np.full(MANY, start), 1, normal()))
    assert found.mean() == pytest.approx(0.8 + step, abs=2e-5)
    assert found.std() == pytest.approx(0.5 * (step if law == "multiplicative" else 0.002), rel=0.02)
    ten = device.weight(device.pulsed(np.full(MANY, start), 9, normal(1)))
    assert ten.std() == pytest.approx(3 * found.std(), rel=0.03)


@pytest.mark.parametrize("law", ["multiplicative", "additive"])
@pytest.mark.parametrize("n", [7, -25])
def test_noise_of_pulses_at_once_is_that_of_one_after_the_other(law: str, n: int) -> None:
    """Against pulses walked one by one here, in the formulas of the model: mean, variance and skewness of where they lead."""
    slope = {"dw_min": 0.01, "gamma_up": 0.9, "gamma_down": 0.7}
    device = LinearStep(cycle_noise=2.0, noise=law, **slope)
    assert device.at_once
    random, w = np.random.default_rng(5), np.full(MANY, 0.1)
    for _ in range(abs(n)):
        step = 0.01 * (1 - 0.9 * w) if n > 0 else 0.01 * (1 + 0.7 * w)
        w = w + np.sign(n) * step + (step if law == "multiplicative" else 0.01) * 2.0 * random.standard_normal(MANY)
    found = device.weight(device.pulsed(np.full(MANY, 0.55), n, normal(2)))
    assert found.mean() == pytest.approx(w.mean(), abs=4 * w.std() / math.sqrt(MANY))
    assert found.std() == pytest.approx(w.std(), rel=0.02)
    skewness = np.mean(((w - w.mean()) / w.std()) ** 3)
    assert abs(skewness) < 0.3, "what the Gaussian leaves out"


def test_coarse_or_curved_steps_have_noise_one_by_one() -> None:
    assert not get("reram_array_hfo2").at_once and not get("reram_es").at_once and not get("pcm").at_once
    assert all(get(name).at_once for name in ("idealized", "gokmen_vlasov", "ecram", "ecram_mo", "capacitor", "reram_sb"))


def test_extended_noise_of_exponential_steps() -> None:
    device = ExpStep(dw_min=0.01, A_up=0, A_down=0, cycle_noise=0.6, noise_floor=0.042, noise_slope=0.108, w_min=0, w_max=2)
    found = device.weight(device.pulsed(np.full(MANY, 0.5), 1, normal()))
    assert found.std() == pytest.approx(0.6 * (0.01 + 0.042 + 0.108 * 1.0), rel=0.02)


def test_a_reset_has_no_noise() -> None:
    device = get("pcm")
    found = device.pulsed(np.full(100, 0.6), np.array([-1, 1] * 50), normal(size=100))
    assert np.all(found[::2] == 0) and len(set(found[1::2].tolist())) == 50


def test_reading_is_proportional_to_the_conductance() -> None:
    device = get("ag_asi", read_noise=0.1)
    found = device.siemens(device.read(np.full(MANY, 0.3), normal()))
    mean = device.siemens(0.3)
    assert found.std() == pytest.approx(0.1 * mean, rel=0.02) and found.mean() == pytest.approx(mean, rel=2e-3)
    assert device.read(0.3) == 0.3 and get("ag_asi").read(0.3, normal()) == 0.3


def test_write_noise_and_leak() -> None:
    device = get("reram_sb")
    seen = device.weight(device.seen(np.full(MANY, 0.5), normal()))
    assert seen.std() == pytest.approx(56 * 0.002, rel=0.02) and device.seen(0.5) == 0.5
    capacitor = get("capacitor")
    assert capacitor.weight(capacitor.leaked(1.0, 1e6)) == pytest.approx(math.exp(-1))
    assert get("ecram").leaked(0.3, 1e6) == 0.3


def test_labels_differ_between_devices() -> None:
    device = Exponential(nl_up=2, nl_down=-3, nl_spread=0.5, pulses_up=50)
    own = device.draw(Streams((3,), dtype=torch.float64), (2000,))
    assert set(own) == {"up_a", "up_b", "down_a", "down_b"} and own["up_a"].shape == (1, 2000)
    label = 2 + 0.5 * Streams((3,), dtype=torch.float64).normal("device/nl_up", (2000,))[0, 7].item()
    single = Exponential(nl_up=label, pulses_up=50)
    one = {key: value[:, 7:8] for key, value in own.items()}
    assert device.pulse(torch.tensor([[0.2]], dtype=torch.float64), 5, one).item() == pytest.approx(single.pulse(0.2, 5), abs=1e-12)


def test_ranges_differ_between_devices() -> None:
    device = Exponential(g_min=2e-9, g_max=1e-8, g_min_spread=0.2, g_max_spread=0.1, nl_up=3)
    own = device.own(normal())
    assert device.siemens(own["high"]).std() == pytest.approx(1e-9, rel=0.02)
    assert device.siemens(own["low"]).std() == pytest.approx(0.4e-9, rel=0.02)
    assert np.all(own["low"] < own["high"])
    full = device.pulse(own["low"], device.pulses_up, own)
    assert full == pytest.approx(own["high"], abs=1e-12), "P pulses lead from one end of the own range to the other"


def test_incremental_devices_differ() -> None:
    device = SoftBounds(dw_min=0.02, dw_spread=0.3, up_down_spread=0.05, w_min_spread=0.1, w_max_spread=0.2)
    own = device.own(normal())
    low, high = device.weight(own["low"]), device.weight(own["high"])
    assert (low.mean(), low.std(), high.std()) == pytest.approx((-1, 0.1, 0.2), rel=0.03)
    step = device.span * (own["up_a"] + own["up_b"] * device.zero)
    assert step.mean() == pytest.approx(0.02, rel=0.02) and step.std() == pytest.approx(0.02 * math.hypot(0.3, 0.05), rel=0.05)
    end = device.pulse(np.full(MANY, device.zero), 300_000, own)
    assert end == pytest.approx(own["high"], abs=1e-4), "each to its own bound"
    imbalance = (step - device.span * (own["down_a"] + own["down_b"] * device.zero)) / 2
    assert imbalance.std() == pytest.approx(0.02 * 0.05 * math.hypot(1, 0.3), rel=0.05)


def test_lognormal_steps() -> None:
    device = get("reram_array_hfo2", up_down_spread=0, w_min_spread=0, w_max_spread=0)
    own = device.own(normal())
    step = np.log(device.span * (own["up_a"] + own["up_b"] * device.zero))
    assert (step.mean(), step.std()) == pytest.approx((math.log(0.4622), 0.7125), rel=0.02)


def test_large_spreads_stay_devices() -> None:
    """Every draw keeps its bounds apart and its steps towards them, and no pulse leaves them."""
    for name in ("reram_array_hfo2", "reram_array_om", "reram_es", "idealized"):
        device = get(name, up_down_spread=0.5, w_max_spread=0.8)
        own, noise = device.own(normal(2, 5000)), normal(3, 5000)
        assert np.all(own["low"] < own["high"])
        g = device.pulsed(np.full(5000, 0.5), np.tile([3, -3], 2500), noise, own)
        assert np.all(np.isfinite(g)) and np.all(own["low"] <= g) and np.all(g <= own["high"])
        up, down = device.pulse(own["low"], 1, own), device.pulse(own["high"], -1, own)
        assert np.all(up >= own["low"]) and np.all(down <= own["high"])


def test_overshooting_pulses_of_own_devices_end_at_the_bound() -> None:
    """Arrays of constants: a step that would go beyond the bound, beside one that does not, and a straight line."""
    device = Exponential()
    own = {"up_a": np.array([1.5, 0.5, 0.1]), "up_b": np.array([-1.5, -0.5, 0.0])}
    assert device.pulse(np.array([0.2, 0.2, 0.2]), np.array([2, 2, 3]), own) == pytest.approx([1, 0.8, 0.5])
    assert device.pulse(np.array([0.2, 0.2, 0.2]), np.array([0, 0, 0]), own) == pytest.approx([0.2, 0.2, 0.2])


def test_draws_belong_to_seed_and_name() -> None:
    device = get("reram_sb")
    both, single = device.draw(Streams((5, 6)), (4,), "w0"), device.draw(Streams((6,)), (4,), "w0")
    assert all(torch.equal(both[key][1:], single[key]) for key in both)
    assert not torch.equal(both["up_a"], device.draw(Streams((5, 6)), (4,), "w1")["up_a"])
    assert device.draw(Streams((5,)), (4,), "w0")["up_a"].dtype == torch.float32
    assert get("ag_asi").draw(Streams((5,)), (4,)) == {}
