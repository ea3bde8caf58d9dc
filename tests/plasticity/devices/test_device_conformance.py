"""What every registered device keeps."""

from __future__ import annotations

import numpy as np
import pytest

from bioplaus import registry
from bioplaus.plasticity import devices

NAMES = registry.DEVICES.names()
G = np.linspace(0, 1, 41)


def test_the_presets_are_there() -> None:
    expected = (
        "ag_asi epiram hzo_fefet taox_hfox pcmo alox_hfo2 gst_pcm reram_es reram_sb capacitor ecram ecram_mo gokmen_vlasov idealized pcm "
        "reram_array_om reram_array_hfo2"
    )
    assert NAMES == expected.split() == devices.names()


@pytest.mark.parametrize("name", NAMES)
def test_bounds_hold(name: str) -> None:
    device = devices.get(name)
    random = np.random.default_rng(0)
    for n in (1, -1, 50, -50, 100_000, -100_000) if device.steps.up.kind == 0 else (1, -1, 50, -50):
        for found in (device.pulse(G, n), device.pulsed(G, max(-9, min(n, 9)), lambda name: random.standard_normal(G.shape))):
            assert np.all(found >= 0) and np.all(found <= 1)
    assert np.all(np.diff(device.pulse(G, 3)) >= -1e-12) or device.model == "exp_step", "order is kept"


@pytest.mark.parametrize("name", NAMES)
def test_pulses_move_the_right_way(name: str) -> None:
    device = devices.get(name)
    assert np.all(device.pulse(G[:-1], 1) > G[:-1]) and np.all(device.pulse(G[1:], -1) < G[1:])
    assert np.all(device.pulse(G, 0) == G)
    assert np.all(device.up_step(G) >= 0) and np.all(device.down_step(G) >= 0)


@pytest.mark.parametrize("name", NAMES)
def test_n_pulses_are_n_times_one(name: str) -> None:
    device = devices.get(name)
    for n in (1, 2, 3, 11, 70):
        for sign in (1, -1):
            singly = G
            for _ in range(n):
                singly = device.pulse(singly, sign)
            assert device.pulse(G, sign * n) == pytest.approx(singly, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_steps_cancel_at_the_symmetry_point(name: str) -> None:
    device = devices.get(name)
    point = device.symmetry_point()
    if point is None:
        assert device.one_sided or np.all(np.diff(np.sign(device.up_step(G) - device.down_step(G))) == 0)
    else:
        assert 0 <= point <= 1 and device.up_step(point) == pytest.approx(device.down_step(point), abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_without_noise_nothing_is_drawn(name: str) -> None:
    device = devices.get(name)
    n = np.where(np.arange(len(G)) % 2, 3, -2)
    assert device.pulsed(G, n).tolist() == device.pulse(G, n).tolist() == device.pulse(G, n).tolist()
    quiet = devices.having(device, {key: 0.0 for key in device.values() if key.endswith(("_noise", "_spread"))})

    def refused(name: str) -> None:
        raise AssertionError(f"drew {name}")

    assert quiet.pulsed(G, n, refused).tolist() == device.pulse(G, n).tolist()
    assert quiet.own(refused) == {}


@pytest.mark.parametrize("name", NAMES)
def test_levels_lead_from_end_to_end(name: str) -> None:
    device = devices.get(name)
    up, down = device.levels
    for sign, count in ((1, up), (-1, down)):
        curve = device.curve(sign)
        assert len(curve) == count + 1 and curve[0] == (0 if sign > 0 else 1)
        reached = abs(curve[-1] - curve[0])
        assert reached == pytest.approx(1, abs=1e-9) or 0.99 <= reached < 1
        assert abs(curve[-2] - curve[0]) < (0.99 if reached < 1 - 1e-6 else 1 - 1e-10) or device.one_sided


@pytest.mark.parametrize("name", NAMES)
def test_own_constants_are_those_of_a_device_with_such_fields(name: str) -> None:
    """A draw of 0 gives the mean device; the constants of a spread are the device's own where the spread is."""
    device = devices.get(name)
    own = device.own(lambda name: np.zeros(3))
    for key, value in own.items():
        assert value == pytest.approx(np.full(3, device.steps.flat()[key]), abs=1e-12), key
    assert bool(own) == any(value for key, value in device.values().items() if key.endswith("_spread"))


@pytest.mark.parametrize("name", NAMES)
def test_sources_are_named(name: str) -> None:
    assert devices.get(name).source and registry.DEVICES.summary(name).endswith(".")
