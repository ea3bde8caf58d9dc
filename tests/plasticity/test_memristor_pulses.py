"""Counted and signed pulses on cells of devices, against loops over single devices that know nothing of arrays."""

from __future__ import annotations

import math

import pytest
import torch
from memristor_kit import CURVED, LINEAR, Leaf, Plain, drawn
from torch import Tensor

from bioplaus.changes import Dense
from bioplaus.errors import ConfigError
from bioplaus.plasticity.base import Step
from bioplaus.plasticity.memristive.array import DeviceArray
from bioplaus.plasticity.memristor import Memristor, MemristorConfig
from bioplaus.streams import Streams

PLAIN = Plain(2.4, -4.88, 40, 50)
#: per write: how often a device of the cell is pulsed for n > 0 (times the sign), and what the cell reads
CELLS = {
    "single": ({"cell": "single"}, {"g": 1}, lambda g: 2 * g["g"] - 1),
    "bi": ({"update": "bi"}, {"plus": 1, "minus": -1}, lambda g: g["plus"] - g["minus"]),
}


def wanted_pulses(delta: float, scale: float, sweep: float) -> int:
    """Return the nearest number of pulses of the direction, halves up, never more than there are levels."""
    levels = 40 if delta > 0 else 50
    return int(math.copysign(min(math.floor(abs(delta) * levels / (sweep * scale) + 0.5), levels), delta))


@pytest.mark.parametrize("cell", CELLS)
def test_counts_are_those_of_single_devices(cell: str) -> None:
    settings, ways, read = CELLS[cell]
    leaf = Leaf(drawn(2, 4, 5), (0, 1), changes=CURVED, headroom=2.0, **settings)
    rate = torch.tensor([0.3, 0.05], dtype=torch.float64)
    g = {name: leaf.g(name) for name in ways}
    moved = 0
    for t in range(6):
        change = drawn(2, 4, 5, seed=t + 1)
        leaf.write(change, rate)
        for where in torch.ones(2, 4, 5).nonzero().tolist():
            at = tuple(where)
            n = wanted_pulses(float(rate[at[0]] * change[at]), float(leaf.scale[at[0]]), 2.0)
            moved += n != 0
            for name, way in ways.items():
                g[name][at] = PLAIN.pulse(float(g[name][at]), way * n) if n else g[name][at]
        for name in ways:
            torch.testing.assert_close(leaf.g(name), g[name], rtol=0, atol=1e-7)
        torch.testing.assert_close(leaf.weight, read(g) * leaf.scale.view(-1, 1, 1), rtol=0, atol=1e-6)
    assert 30 < moved < 220


def test_pulses_are_counted_per_replica_and_direction() -> None:
    leaf = Leaf(torch.ones(2, 1, 2, dtype=torch.float64), (0, 1), changes=LINEAR, device="epiram", cell="single", headroom=1.0)
    step = 2 / 64
    leaf.write(torch.tensor([[[-3.0, 2.0]], [[0.49, -0.5]]], dtype=torch.float64), step)
    assert leaf.state["up"].tolist() == [2, 0]
    assert leaf.state["down"].tolist() == [3, 1]  # half a pulse is a pulse


def test_one_pulse_of_the_sign_beyond_the_dead_zone() -> None:
    leaf = Leaf(torch.ones(1, 1, 4, dtype=torch.float64), changes=LINEAR, cell="single", pulses="sign", theta=0.3, headroom=2.0)
    before = leaf.g("g")
    leaf.write(torch.tensor([[[-0.31, -0.29, 7.0, 0.3]]], dtype=torch.float64), 4 / 64)
    torch.testing.assert_close((leaf.g("g") - before) * 64, torch.tensor([[[-1.0, 0, 1, 0]]], dtype=torch.float64), rtol=0, atol=1e-12)


def test_uni_potentiates_alone_and_never_falls_between_refreshes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pulse that reaches a device is watched; g+ moves for a wanted rise, g- for a fall, by the pulses of half the range."""
    sent: list[Tensor] = []
    pulse = DeviceArray.pulse
    monkeypatch.setattr(DeviceArray, "pulse", lambda self, state, at, n, *more: (sent.append(n), pulse(self, state, at, n, *more))[1])
    leaf = Leaf(drawn(1, 4, 5), changes=CURVED, update="uni", headroom=2.0, refresh_hi=0.6, refresh_lo=0.2, refresh_every=3)
    refreshes = 0
    for t in range(40):
        before, old = int(leaf.state["refreshes"]), (leaf.g("plus"), leaf.g("minus"))
        change = drawn(1, 4, 5, seed=t + 1)
        leaf.write(change, 0.2)
        new = (leaf.g("plus"), leaf.g("minus"))
        if int(leaf.state["refreshes"]) == before:
            for i, sign in ((0, 1), (1, -1)):
                for g0, g1, c in zip(old[i].flatten().tolist(), new[i].flatten().tolist(), change.flatten().tolist()):
                    n = wanted_pulses(abs(0.2 * c), float(leaf.scale), 1.0) if c * sign > 0 else 0
                    assert g1 == pytest.approx(PLAIN.pulse(g0, n) if n else g0, abs=1e-7)
        else:
            refreshes += 1
    assert refreshes > 3
    assert all(bool((n > 0).all()) for n in sent)
    assert int(leaf.state["down"]) == 0


def test_a_worn_pair_keeps_its_weight_to_half_a_step() -> None:
    leaf = Leaf(drawn(1, 30, 30), changes=CURVED, update="uni", headroom=2.0, refresh_hi=0.7, refresh_lo=0.3)
    generator = torch.Generator().manual_seed(4)
    for name in ("plus", "minus"):
        leaf.state[name].copy_(torch.rand(1, 30, 30, generator=generator, dtype=torch.float64))
    old = {name: leaf.g(name).flatten().tolist() for name in ("plus", "minus")}
    leaf.write(torch.zeros(1, 30, 30, dtype=torch.float64))
    levels = [0.0]
    for _ in range(40):
        levels.append(PLAIN.pulse(levels[-1], 1))
    worn = 0
    for p0, m0, p1, m1 in zip(old["plus"], old["minus"], leaf.g("plus").flatten().tolist(), leaf.g("minus").flatten().tolist()):
        if not (max(p0, m0) > 0.7 and min(p0, m0) > 0.3):
            assert (p1, m1) == (p0, m0)
            continue
        worn += 1
        assert min(p1, m1) == 0
        assert (p1 - m1) * (p0 - m0) >= 0
        nearest = min(levels, key=lambda level: abs(level - abs(p0 - m0)))
        assert max(p1, m1) == pytest.approx(nearest, abs=1e-7)
        k = max(i for i, level in enumerate(levels) if level <= abs(p0 - m0) + 1e-12)
        assert abs(abs(p1 - m1) - abs(p0 - m0)) <= (levels[min(k + 1, 40)] - levels[k]) / 2 + 1e-9
    assert worn == int(leaf.state["refreshes"])
    assert worn > 50


@pytest.mark.parametrize("label", [0.0, 2.4])
def test_pulses_on_both_sides_fade_a_pair(label: float) -> None:
    """k of them multiply g+ - g- by exp(-u k / P), u = P/A."""
    changes = [f"nl_up={label}", "pulses_up=200", "cycle_noise=0"]
    leaf = Leaf(0.02 * drawn(1, 3, 4), changes=changes, update="uni", headroom=10.0, refresh_every=10**6)
    start, k = leaf.weight.clone(), 25
    for _ in range(k):
        for sign in (1, -1):
            leaf.write(torch.full_like(leaf.weight, sign * 1.2 / 200) * leaf.scale)
    u = 0.0 if label == 0 else 1 / 0.499181
    torch.testing.assert_close(leaf.weight, math.exp(-u * k / 200) * start, rtol=1e-6, atol=0)
    assert float(leaf.g("plus").max()) < 1


@pytest.mark.parametrize("settings", [{"cell": "single"}, {"update": "bi"}, {"update": "uni"}], ids=str)
def test_endless_levels_of_a_linear_device_are_plain_steps(settings: dict[str, str]) -> None:
    start, change = 0.1 * drawn(1, 3, 4), drawn(1, 3, 4, seed=3)
    gap = []
    for pulses in (1e3, 1e9):
        leaf = Leaf(start, changes=[*LINEAR, f"pulses_up={pulses}", f"pulses_down={pulses}"], headroom=20.0, **settings)
        for _ in range(5):
            leaf.write(change, 0.01)
        gap.append(float((leaf.weight - start - 0.05 * change).abs().max()))
    assert gap[1] < 1e-7
    assert 1e-4 < gap[0] < 5 * 4 / 1e3


def test_bounds_hold_whatever_is_wanted() -> None:
    for name in ("ag_asi", "ecram", "reram_es"):
        leaf = Leaf(drawn(1, 6, 6), device=name)
        low, high = leaf.state.get("plus.low", torch.zeros(())), leaf.state.get("plus.high", torch.ones(()))
        for t in range(20):
            leaf.write(drawn(1, 6, 6, seed=t), 1e3)
            assert bool((leaf.g("plus") >= low - 1e-12).all())
            assert bool((leaf.g("plus") <= high + 1e-12).all())


def test_the_offset_without_a_reference_column() -> None:
    """Gmin/(Gmax - Gmin) in g, hence twice that in units of the scale; none in the limit of an endless on/off ratio."""
    start = drawn(1, 3, 4)
    with_column = Leaf(start, cell="single").weight
    for on_off, offset in ((2.0, 1.0), (5.0, 0.25), (1e12, 0.0)):
        leaf = Leaf(start, cell="single", reference=False, on_off=on_off)
        torch.testing.assert_close(leaf.weight - with_column, torch.full_like(start, 2 * offset) * leaf.scale, rtol=0, atol=1e-7)


def test_programming_and_vectors() -> None:
    start = drawn(2, 3, 4)
    for settings in ({"cell": "single"}, {"update": "bi"}, {"update": "uni"}, {"update": "tiki"}):
        leaf = Leaf(start, (0, 1), headroom=3.0, **settings)
        rms = start.square().mean((1, 2)).sqrt()
        torch.testing.assert_close(leaf.scale, 3 * rms)
        torch.testing.assert_close(leaf.weight, start.clamp(-3 * rms.view(-1, 1, 1), 3 * rms.view(-1, 1, 1)))
    plasticity = Memristor(MemristorConfig())
    bias, streams = start[:, :, 0].clone(), Streams((0, 1), dtype=torch.float64)
    assert plasticity.synapse.init("b", bias, streams) == {}
    plasticity.synapse.write("b", {}, bias, Step(Dense(torch.full_like(bias, 1e-9)), torch.ones(2, dtype=torch.float64)), streams)
    torch.testing.assert_close(bias, start[:, :, 0] + 1e-9, rtol=0, atol=1e-15)


def test_energy_is_that_of_the_voltages() -> None:
    """One pulse of 3.2 V, 300 us on Ag:a-Si at Gmin: V^2 t times the mean of G before and after (3.0769 and 3.9130 nS)."""
    leaf = Leaf(torch.ones(1, 1, 1, dtype=torch.float64), device="ag_asi", noise=0.0, cell="single", headroom=1.0)
    leaf.state["g"].zero_()
    leaf.write(torch.full((1, 1, 1), 2 / 97, dtype=torch.float64))
    assert int(leaf.state["energy"]) == pytest.approx(3.2**2 * 300e-6 * (3.0769e-9 + 3.912971e-9) / 2 * 1e15, abs=1)


def test_idle_writes_are_noted_with_what_they_wanted() -> None:
    leaf = Leaf(drawn(1, 3, 4), changes=LINEAR)
    for part in (0.1, 0.2, 0.6, 0.3):
        leaf.write(torch.full((1, 3, 4), part * 2 / 64, dtype=torch.float64) * leaf.scale)
    assert int(leaf.state["longest_idle"]) == 2
    assert int(leaf.state["idle"]) == 1
    assert float(leaf.state["shortfall"]) == pytest.approx(0.3)


def test_the_refresh_asks_each_device_for_its_own_curve() -> None:
    """With curves that differ, the rewritten level is one of that device's, counted from its own lower bound."""
    leaf = Leaf(drawn(1, 8, 8), changes=["nl_spread=1", "cycle_noise=0"], update="uni", refresh_hi=0.6, refresh_lo=0.2)
    leaf.state["plus"].fill_(0.8)
    leaf.state["minus"].fill_(0.3)
    leaf.write(torch.zeros(1, 8, 8, dtype=torch.float64))
    curves = set()
    for i in range(64):
        a, b = (float(leaf.state[f"plus.{key}"].flatten()[i]) for key in ("up_a", "up_b"))
        g, levels = 0.0, [0.0]
        for _ in range(64):
            g = min(g + a + b * g, 1.0)
            levels.append(g)
        nearest = min(levels, key=lambda level: abs(level - 0.5))
        assert float(leaf.g("plus").flatten()[i]) == pytest.approx(nearest, abs=1e-7)
        curves.add(round(nearest, 6))
    assert len(curves) > 30


def test_bounds_of_the_rule_are_kept_and_trains_of_pulses_refuse_them() -> None:
    """However much is asked for, the write ends at a bound of the rule, to a pulse."""
    leaf = Leaf(torch.tensor([[[0.25, 0.5]]], dtype=torch.float64), (0,), changes=LINEAR, device="epiram", cell="single", headroom=2.0)
    for change in (-9.0, 9.0):
        step = Step(Dense(torch.full((1, 1, 2), change, dtype=torch.float64)), torch.ones(1, dtype=torch.float64), (0.0, 0.5))
        leaf.plasticity.synapse.write(leaf.key, leaf.state, leaf.weight, step, Streams((0,)))
        torch.testing.assert_close(leaf.weight, torch.full((1, 1, 2), 0.0 if change < 0 else 0.5, dtype=torch.float64), rtol=0, atol=2 / 64)
    trains = Memristor(MemristorConfig(pulses="stochastic")).synapse
    with pytest.raises(ConfigError, match="knows no bounds"):
        trains.write(leaf.key, leaf.state, leaf.weight, step, Streams((0,)))
