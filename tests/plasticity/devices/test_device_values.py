"""Numbers of published devices: curves, steps, symmetry points, counts of pulses."""

from __future__ import annotations

import numpy as np
import pytest

from bioplaus.errors import ConfigError
from bioplaus.plasticity.devices import get
from bioplaus.plasticity.devices.exponential import Exponential, nonlinearity_to_a
from bioplaus.plasticity.devices.soft_bounds import SoftBounds


def test_ag_asi_potentiation() -> None:
    device = get("ag_asi")
    assert [device.siemens(device.pulse(0.0, n)) for n in (1, 10, 49, 97)] == pytest.approx(
        [3.912971e-9, 1.070903e-8, 2.911122e-8, 3.8462e-8], rel=2e-7
    )
    assert [device.pulse(0.0, n) for n in (1, 10, 49, 97)] == pytest.approx([0.023628, 0.215688, 0.735742, 1], abs=6e-7)
    assert 97 * nonlinearity_to_a(2.40) == pytest.approx(48.420576, abs=1e-6)


def test_ag_asi_depression() -> None:
    device = get("ag_asi")
    assert [device.siemens(device.pulse(1.0, -n)) for n in (1, 10, 50, 100)] == pytest.approx(
        [3.672702e-8, 2.446025e-8, 5.770559e-9, 3.0769e-9], rel=2e-7
    )
    assert [device.pulse(1.0, -n) for n in (1, 10, 50, 100)] == pytest.approx([0.950969, 0.604304, 0.076124, 0], abs=6e-7)
    assert 100 * nonlinearity_to_a(-4.88) == pytest.approx(-20.030343, abs=1e-6)


def test_up_and_down_is_not_where_it_began() -> None:
    device = get("ag_asi")
    up = device.pulse(0.5, 1)
    assert (up, device.pulse(up, -1)) == pytest.approx((0.513407, 0.488072), abs=6e-7)


def test_epiram_is_symmetric() -> None:
    device = get("epiram")
    assert [device.pulse(0.0, n) for n in (1, 16, 32)] == pytest.approx([0.018871, 0.288338, 0.549443], abs=6e-7)
    assert [device.pulse(1.0, -n) for n in (1, 16, 32)] == pytest.approx([0.981129, 0.711662, 0.450557], abs=6e-7)
    assert device.symmetry_point() == pytest.approx(0.5, abs=1e-12)
    assert (device.up_step(0.5), device.down_step(0.5)) == pytest.approx((0.0157805, 0.0157805), abs=6e-8)


def test_a_positive_label_of_depression_is_slow_first() -> None:
    device = get("hzo_fefet")
    assert [device.pulse(1.0, -n) for n in (1, 8, 16)] == pytest.approx([0.983321, 0.847675, 0.643171], abs=6e-7)
    abrupt = get("hzo_fefet", nl_down=-1.46)
    assert abrupt.pulse(1.0, -8) < 0.7 < device.pulse(1.0, -8)


def test_soft_bounds() -> None:
    device = SoftBounds(dw_min=0.1)
    assert [device.weight(device.pulse(0.0, n)) for n in (1, 10, 20)] == pytest.approx([-0.8, 0.302643, 0.756847], abs=6e-7)
    g = 0.0
    for _ in range(400):
        g = device.pulse(device.pulse(g, 1), -1)
    assert (device.weight(g), device.weight(device.pulse(g, 1))) == pytest.approx((-1 / 19, 1 / 19), abs=1e-12)


@pytest.mark.parametrize(("r_min", "r_max"), [(-0.6, 0.9), (-1.5, 0.2), (-1.0, 1.0)])
def test_soft_bounds_from_a_curve(r_min: float, r_max: float) -> None:
    device = SoftBounds.from_curve(r_min, r_max, 0.001, 2000, cycle_noise=0.1)
    scale, p = (r_max - r_min) / (1 - np.exp(-2.0)), np.array([0, 1, 500, 2000])
    assert device.weight(device.pulse(np.zeros(4), p)) == pytest.approx(r_min + scale * (1 - np.exp(-0.001 * p)), abs=1e-12)
    assert device.weight(device.pulse(np.ones(4), -p)) == pytest.approx(r_min + scale * np.exp(-0.001 * p), abs=1e-12)
    assert device.cycle_noise == 0.1
    for wrong in ((0.1, 0.9, 0.1, 5), (-1, -0.5, 0.1, 5), (-1, 1, 0, 5)):
        with pytest.raises(ConfigError, match="r_min < 0 < r_max"):
            SoftBounds.from_curve(*wrong)


def test_ecram() -> None:
    device = get("ecram")
    steps = [device.span * device.up_step(g) for g in (device.zero, 1.0)] + [device.span * device.down_step(0.0)]
    assert steps == pytest.approx([0.002, 0.0017694, 0.000983], abs=1e-9)
    assert device.levels == (1021, 1019)
    assert device.weight(device.symmetry_point()) == pytest.approx(0, abs=1e-12)


def test_pcm() -> None:
    device = get("pcm")
    weights = [device.weight(device.pulse(0.0, n)) for n in (1, 5, 10, 20, 50)]
    assert weights == pytest.approx([0.282350, 0.681657, 0.924401, 1.217360, 1.729690], abs=6e-7)
    assert device.levels == (72, 1) and device.pulse(0.0, 71) < 1 and device.pulse(0.0, 72) == 1
    assert device.pulse(0.7, -1) == 0 and device.symmetry_point() is None and device.one_sided


def test_reram_es() -> None:
    device = get("reram_es")
    up = [device.up_step(g) * device.span / device.dw_min for g in (0.0, 0.5, 1.0)]
    down = [device.down_step(g) * device.span / device.dw_min / 0.740641 for g in (0.0, 0.5, 1.0)]
    assert up == pytest.approx([2.184450, 1.097226, 1.007981], abs=6e-7)
    assert down == pytest.approx([1.081404, 1.991704, 13.081425], abs=6e-7)
    assert device.weight(device.symmetry_point()) == pytest.approx(-0.217230, abs=6e-7)
    assert device.levels == (1252, 1002)


def test_a_label_of_zero_is_a_straight_line() -> None:
    device = Exponential(nl_up=0, nl_down=0, pulses_up=50, pulses_down=40)
    g = np.linspace(0.1, 0.9, 9)
    assert device.up_step(g) == pytest.approx(np.full(9, 1 / 50), abs=1e-15)
    assert device.down_step(g) == pytest.approx(np.full(9, 1 / 40), abs=1e-15)
    nearly = Exponential(nl_up=1e-7, nl_down=-1e-7, pulses_up=50, pulses_down=40)
    assert nearly.up_step(g) == pytest.approx(np.full(9, 1 / 50), abs=1e-8)


def test_a_pair_fades_by_the_same_factor_whatever_is_written_to_both() -> None:
    """k pulses on two devices multiply their difference by exp(-u k/P), exactly, while neither is clipped."""
    device = get("ag_asi")
    g = np.array([0.6, 0.1])
    u = 1 / nonlinearity_to_a(2.4)
    for k in (1, 5, 20):
        after = device.pulse(g, k)
        assert after[0] - after[1] == pytest.approx(0.5 * np.exp(-u * k / 97), rel=1e-12)
    assert np.diff(get("ag_asi", nl_up=0).pulse(g, 20))[0] == pytest.approx(-0.5, rel=1e-12)


def test_on_off_ratios() -> None:
    ratios = {name: get(name).on_off for name in ("ag_asi", "epiram", "hzo_fefet", "taox_hfox", "pcmo", "alox_hfo2", "gst_pcm")}
    expected = {"ag_asi": 12.5, "epiram": 50.2, "hzo_fefet": 45, "taox_hfox": 10, "pcmo": 6.84, "alox_hfo2": 4.43, "gst_pcm": 19.8}
    assert ratios == pytest.approx(expected, rel=1e-4)
    assert get("ag_asi", g_min=0).on_off == np.inf and get("ecram").on_off is None
    assert 1 / get("epiram").g_max == pytest.approx(81e3) and 1 / get("gst_pcm").g_max == pytest.approx(4.71e3)
