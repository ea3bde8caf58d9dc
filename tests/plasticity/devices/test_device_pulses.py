"""Many pulses at once are single pulses one after the other, by a second implementation; numbers, arrays and tensors agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from device_steps import exponential_curve, exponential_written, repeated

from bioplaus.errors import ConfigError
from bioplaus.plasticity.devices import get
from bioplaus.plasticity.devices.constant_step import ConstantStep
from bioplaus.plasticity.devices.exp_step import ExpStep
from bioplaus.plasticity.devices.exponential import Exponential, nonlinearity_to_a
from bioplaus.plasticity.devices.linear_step import LinearStep
from bioplaus.plasticity.devices.one_sided import OneSided
from bioplaus.plasticity.devices.pow_step import PowStep
from bioplaus.plasticity.devices.soft_bounds import SoftBounds

INCREMENTAL = [
    ConstantStep(dw_min=0.03, up_down=0.3),
    LinearStep(dw_min=0.05, up_down=-0.2, w_min=-0.7, w_max=1.4, gamma_up=0.6, gamma_down=0.9),
    SoftBounds(dw_min=0.1, up_down=0.4, w_min=-0.75, w_max=1.25),
    SoftBounds(dw_min=1.3, w_min=-0.5, w_max=0.9),  # a pulse leads beyond the bound, and is clipped there
    PowStep(dw_min=0.2, up_down=-0.3, w_min=-0.4, w_max=1.1, gamma_up=1.7, gamma_down=0.6),
    ExpStep(dw_min=0.02, up_down=0.259, a=-0.5, b=-0.5, A_up=-1.18, A_down=-0.08, w_min=-0.8, w_max=1.2),
    ExpStep(dw_min=0.3, a=1, gamma_up=4, gamma_down=2, A_up=0.4, A_down=0.3),  # steps that end before the bound
    OneSided(dw_min=0.05, a=-1, gamma_up=2.5, A_up=-10, w_min=-0.1, w_max=2),
]


def test_a_million_million_pulses_end_where_the_device_ends() -> None:
    """A device that has come to rest is not asked again; one that creeps on forever is refused, not waited for."""
    assert get("pcm").pulse(0.5, 10**12) == 1.0
    assert get("reram_es").pulse(0.5, -(10**12)) == get("reram_es").pulse(0.5, -50_000)
    creeping = PowStep(dw_min=0.001, gamma_up=3.0, gamma_down=3.0)
    with pytest.raises(ConfigError, match="1,000,000,000,000 pulses are more than the 1,000,000"):
        creeping.pulse(0.0, 10**12)


@pytest.mark.parametrize("n", [-1, float("nan"), np.array([1, -2]), torch.tensor([0.0, float("nan")])])
def test_pulses_of_one_direction_are_counted_from_zero(n: Any) -> None:
    g = torch.tensor([0.5, 0.5]) if isinstance(n, torch.Tensor) else 0.5
    for way in (get("ag_asi").potentiate, get("ecram").depress):
        with pytest.raises(ConfigError, match="n must be >= 0 everywhere"):
            way(g, n)


@pytest.mark.parametrize("device", INCREMENTAL, ids=lambda d: f"{d.model}-{d.dw_min}")
def test_incremental_pulses(device: Any) -> None:
    weights = [device.w_min + x * (device.w_max - device.w_min) for x in (0, 0.01, 0.3, 0.5, 0.77, 1)]
    pulses = [0, 1, -1, 2, -2, 7, -7, 40, -40]
    g, n = np.meshgrid([(w - device.w_min) / device.span for w in weights], pulses, indexing="ij")
    found = device.weight(device.pulse(g, n))
    expected = [[repeated(device, w, k) for k in pulses] for w in weights]
    assert found == pytest.approx(np.array(expected), abs=1e-12)


@pytest.mark.parametrize(("up", "down"), [(2.4, -4.88), (0.5, -0.5), (1.75, 1.46), (-3.0, -2.0), (9.0, 6.0)])
def test_exponential_pulses(up: float, down: float) -> None:
    device = Exponential(nl_up=up, nl_down=down, pulses_up=32, pulses_down=50)
    pulses, a = (32.0, 50.0), (nonlinearity_to_a(up), nonlinearity_to_a(down))
    for g in (0.0, 0.2, 0.5, 0.99):
        for n in (1, -1, 3, -3, 17, -29, 60, -60):
            assert device.pulse(g, n) == pytest.approx(exponential_written(g, n, pulses, a), abs=1e-9), (g, n)
    assert device.curve(+1) == pytest.approx(np.array([exponential_curve(p, 32, a[0]) for p in range(33)]), abs=1e-12)
    assert device.curve(-1) == pytest.approx(np.array([exponential_curve(50 - p, 50, a[1]) for p in range(51)]), abs=1e-12)


@pytest.mark.parametrize("name", ["ag_asi", "gokmen_vlasov", "ecram", "reram_es", "pcm"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_are_as_arrays(name: str, dtype: torch.dtype) -> None:
    device = get(name)
    g, n = np.random.default_rng(0).random((3, 4)), np.array([[-3, 0, 2, 9]] * 3)
    expected = device.pulse(g, n)
    found = device.pulse(torch.tensor(g, dtype=dtype), torch.tensor(n))
    assert found.dtype == dtype
    assert found.double().numpy() == pytest.approx(expected, abs=2e-6 if dtype == torch.float32 else 1e-14)
    singly = [[device.pulse(float(x), int(k)) for x, k in zip(*rows)] for rows in zip(g, n)]
    assert np.array(singly) == pytest.approx(expected, abs=1e-14) and isinstance(singly[0][0], float)


@pytest.mark.parametrize("name", ["ag_asi", "capacitor", "reram_es", "pcm"])
def test_shapes_broadcast_and_nothing_is_overwritten(name: str) -> None:
    device = get(name)
    g, n = np.full((2, 1), 0.4), np.array([1.0, -2.0, 0.0])
    assert device.pulse(g, n).shape == (2, 3) and device.pulse(0.4, n).shape == (3,) and device.pulse(g, 2).shape == (2, 1)
    assert np.all(g == 0.4) and n.tolist() == [1, -2, 0]
    t = torch.full((2, 3), 0.4)
    device.pulse(t, torch.tensor([1, -2, 0]))
    device.pulsed(t, torch.tensor([1, -2, 0]), lambda name: torch.ones(2, 3))
    assert torch.equal(t, torch.full((2, 3), 0.4))


@pytest.mark.parametrize("name", ["ag_asi", "reram_sb", "reram_es"])
def test_one_direction_is_the_same_as_both(name: str) -> None:
    device = get(name)
    g, n = np.linspace(0, 1, 5), np.array([0, 1, 2, 5, 9])
    assert device.potentiate(g, n).tolist() == pytest.approx(device.pulse(g, n).tolist(), abs=1e-15)
    assert device.depress(g, n).tolist() == pytest.approx(device.pulse(g, -n).tolist(), abs=1e-15)


@pytest.mark.parametrize("name", ["ag_asi", "ecram", "reram_array_om", "reram_es", "pcm"])
def test_position_is_the_way_back(name: str) -> None:
    device = get(name)
    counts = np.array([0.0, 1.0, 5.0, 17.0])
    assert device.position(device.pulse(np.zeros(4), counts)) == pytest.approx(counts, abs=1e-7)
    assert device.position(torch.tensor(device.pulse(np.zeros(4), counts))).numpy() == pytest.approx(counts, abs=1e-7)
    assert device.position(device.pulse(0.0, 3)) == pytest.approx(3)


def test_constants_are_enough_for_one_pulse() -> None:
    """What a compiled loop would do with plain numbers."""
    for name in ("ag_asi", "hzo_fefet", "ecram", "reram_sb", "gokmen_vlasov"):
        device = get(name)
        c = device.constants()
        assert c["up_kind"] == c["down_kind"] == 0 and all(type(value) in (float, int) for value in c.values())
        g = 0.37
        assert min(g + (c["up_a"] + c["up_b"] * g), c["high"]) == pytest.approx(device.pulse(g, 1), abs=1e-15)
        assert max(g - (c["down_a"] + c["down_b"] * g), c["low"]) == pytest.approx(device.pulse(g, -1), abs=1e-15)
    assert get("pcm").constants()["up_kind"] == 2


def test_units() -> None:
    assert get("ag_asi").siemens(0.5) == pytest.approx((3.0769e-9 + 3.8462e-8) / 2)
    assert get("ag_asi").weight(0.25) == -0.5 and get("ecram").weight(1.0) == pytest.approx(1.1724)
