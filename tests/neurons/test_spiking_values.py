"""Spiking units: traces worked out by hand or published, first-spike formulas, state, and refusals."""

from __future__ import annotations

import gc
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bioplaus import registry
from bioplaus.errors import ConfigError
from bioplaus.neurons.alif import Alif
from bioplaus.neurons.hodgkin_huxley import HodgkinHuxley
from bioplaus.neurons.integrate_fire import IntegrateFire
from bioplaus.neurons.izhikevich import Izhikevich
from bioplaus.neurons.lif import Lif
from bioplaus.neurons.synaptic import Synaptic

SPIKING = [name for name in registry.NEURONS.names() if registry.NEURONS.get(name).spiking]


def constant(value: float, steps: int) -> Tensor:
    return torch.full((steps,), value, dtype=torch.float64)


def when(spikes: Tensor) -> list[int]:
    """Steps of spikes, from 1."""
    return (spikes.flatten().nonzero().flatten() + 1).tolist()


def test_leaky_trace_for_each_reset() -> None:
    trace = {
        "subtract": [0.3, 0.57, 0.813, 1.0317, 0.22853, 0.505677, 0.755109, 0.979598, 1.181638],
        "zero": [0.3, 0.57, 0.813, 1.0317, 0.3, 0.57, 0.813, 1.0317],
    }
    for reset, expected in trace.items():
        spikes, membrane = Lif(beta=0.9, reset=reset).run(constant(0.3, len(expected)))
        assert membrane.tolist() == pytest.approx(expected, abs=1e-6)
        assert when(spikes) == [t + 1 for t, u in enumerate(expected) if u > 1]
    spikes, _ = Lif(beta=0.9, reset="none").run(constant(0.3, 9))
    assert when(spikes) == [4, 5, 6, 7, 8, 9]


def test_an_immediate_reset_returns_what_is_left() -> None:
    spikes, membrane = Lif(beta=0.9, reset_delay=False).run(constant(0.3, 13))
    assert float(membrane[3]) == pytest.approx(0.0317, abs=1e-9) and when(spikes) == [4, 8, 12]


def test_synaptic_traces() -> None:
    unit = {"alpha": 0.9, "beta": 0.8}
    pulse = torch.zeros(8, dtype=torch.float64)
    pulse[0] = 0.2
    _, membrane = Synaptic(**unit).run(pulse)
    assert membrane.tolist() == pytest.approx([0.2, 0.34, 0.434, 0.493, 0.52562, 0.538594, 0.537163, 0.52539], abs=5e-7)
    k = np.arange(8)
    assert membrane.tolist() == pytest.approx((0.2 * (0.9 ** (k + 1) - 0.8 ** (k + 1)) / 0.1).tolist(), rel=1e-12)
    _, late = Synaptic(**unit, order="old").run(pulse)
    assert late.tolist() == pytest.approx([0.0, *membrane[:-1].tolist()], rel=1e-12)  # the same, a step later
    for reset, left in (("subtract", 0.534189), ("zero", 0.0)):
        spikes, membrane = Synaptic(**unit, reset=reset).run(constant(0.1, 10))
        assert when(spikes) == [6, 9] and membrane[5:7].tolist() == pytest.approx([1.265607, left], abs=5e-7)


def test_zero_leaves_the_input_of_a_leaky_unit_and_nothing_of_a_synaptic_one() -> None:
    current = torch.tensor([2.0, 0.25], dtype=torch.float64)
    assert Lif(beta=0.5, reset="zero").run(current)[1].tolist() == [2.0, 0.25]
    assert Synaptic(beta=0.5, alpha=0.5, reset="zero").run(current)[1].tolist() == [2.0, 0.0]


def test_spytorch_is_order_old_with_reset_to_zero() -> None:
    """U' = (beta U + Y)(1 - S), Y' = alpha Y + I; exact binary numbers."""
    current = torch.tensor([2.0, 0.5, 0.0, 3.0, 0.25], dtype=torch.float64)
    u = y = 0.0
    expected = []
    for x in current.tolist():
        u = (0.5 * u + y) * (0.0 if u > 1 else 1.0)
        y = 0.25 * y + x
        expected.append(u)
    spikes, membrane = Synaptic(beta=0.5, alpha=0.25, order="old", reset="zero").run(current)
    assert membrane.tolist() == expected and when(spikes) == [2, 5]


def test_free_decay_and_approach_to_the_asymptote() -> None:
    start = torch.tensor([1.0, 0, 0, 0, 0, 0], dtype=torch.float64)
    assert Lif(beta=0.9).run(start)[1].tolist()[-1] == pytest.approx(0.59049, rel=1e-12)
    k = np.arange(1, 41)
    assert Lif(beta=0.9).run(constant(0.09, 40))[1].tolist() == pytest.approx((0.09 * (1 - 0.9**k) / 0.1).tolist(), rel=1e-12)


@pytest.mark.parametrize(("beta", "current"), [(0.95, 0.1), (0.9, 0.11), (0.8, 0.7), (0.99, 0.0101)])
def test_first_spike_and_period_by_formula(beta: float, current: float) -> None:
    first = math.ceil(math.log(1 - (1 - beta) / current) / math.log(beta))
    spikes, _ = Lif(beta=beta, reset="zero").run(constant(current, 3 * first))
    assert when(spikes) == [first, 2 * first, 3 * first]
    assert beta != 0.95 or first == 14
    assert not Lif(beta=beta, reset="zero").run(constant(0.999 * (1 - beta), 5000))[0].any()


def test_a_membrane_at_the_threshold_fires_in_an_integrate_and_fire_unit_alone() -> None:
    current = constant(0.5, 4)
    assert when(Lif(beta=1.0).run(current)[0]) == [3]
    for dtype in (torch.float32, torch.float64):
        assert when(IntegrateFire().run(current.to(dtype))[0]) == [2, 4]


@pytest.mark.parametrize(("a", "reset", "count"), [(0.25, "subtract", 4), (0.25, "zero", 4), (0.375, "subtract", 6), (0.375, "zero", 5)])
@pytest.mark.parametrize("reset_delay", [True, False])
def test_rates_of_integrate_and_fire(a: float, reset: str, count: int, reset_delay: bool) -> None:
    unit = IntegrateFire(reset=reset, reset_delay=reset_delay)
    assert float(unit.run(constant(a, 16))[0].sum()) == count
    with_bias = IntegrateFire(reset=reset, reset_delay=reset_delay, bias=0.125)
    assert float(with_bias.run(constant(a - 0.125, 16))[0].sum()) == count
    out, _ = with_bias.forward(torch.full((1, 1, 16, 1), a - 0.125))
    assert float(out.sum()) == count


def test_adaptive_threshold_by_hand() -> None:
    """a = rho = 1/2, beta_a = 1/2, n_ref 0: exact binary numbers.

    v = 2, b = 0 fires; v = 1 + 2 - 1 = 2, b = 1, A = 1.5 fires; v = 1 + 2 - 1 = 2, b = 1.5, A = 1.75 fires; v = 2, b = 1.75, A = 1.875 fires;
    then 1.25: v = 1.25 (1 + 1.25 - 1), b = 1.875, A = 1.9375 does not; v = 0.625 + 1.25 = 1.875, b = 0.9375, A = 1.46875 fires.
    """
    current = torch.tensor([2.0, 2.0, 2.0, 2.0, 1.25, 1.25], dtype=torch.float64)
    spikes, v = Alif(beta=0.5, rho=0.5, beta_a=0.5).run(current)
    assert v.tolist() == [2.0, 2.0, 2.0, 2.0, 1.25, 1.875] and when(spikes) == [1, 2, 3, 4, 6]
    shown = Alif(beta=0.5, rho=0.5, beta_a=0.5).readout().forward(current.view(1, 1, -1, 1))[0]
    assert shown.flatten().tolist() == [2.0, 1.5, 1.25, 1.125, 0.3125, 1.40625]  # v - b/2


def test_membrane_and_adaptation_have_decays_of_their_own() -> None:
    """a = 1/2, rho = 1/4, beta_a = 1/2: v = 2, 2, 2, 0, 1.5 and b = 0, 1, 1.25, 1.3125, 0.328125."""
    current = torch.tensor([2.0, 2.0, 2.0, 0.0, 1.5], dtype=torch.float64)
    unit = Alif(beta=0.5, rho=0.25, beta_a=0.5)
    assert when(unit.run(current)[0]) == [1, 2, 3, 5]
    assert unit.readout().forward(current.view(1, 1, -1, 1))[0].flatten().tolist() == [2.0, 1.5, 1.375, -0.65625, 1.3359375]


def test_a_refractory_unit_is_silent_and_integrates() -> None:
    spikes, v = Alif(beta=0.5, beta_a=0.0, n_ref=2).run(constant(2.0, 7))
    assert when(spikes) == [1, 4, 7]
    assert v.tolist() == [2.0, 2.0, 3.0, 3.5, 2.75, 3.375, 3.6875]


def test_without_adaptation_it_is_the_leaky_unit() -> None:
    current = torch.rand(50, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for reset in ("subtract", "zero", "none"):
        spikes, membrane = Lif(beta=0.9, reset=reset).run(current)
        other, v = Alif(beta=0.9, reset=reset, beta_a=0.0).run(current)
        assert torch.equal(spikes, other)
        torch.testing.assert_close(membrane, v, rtol=1e-12, atol=1e-14)


def test_regular_spiking_cell() -> None:
    spikes, v = Izhikevich(dt=0.01).run(constant(10.0, 100_000))
    times = np.array(when(spikes)) * 0.01
    assert len(times) == 23 and times[-1] - times[-2] == pytest.approx(44.9, abs=0.06)
    assert float(Izhikevich(dt=0.5).run(constant(10.0, 2000))[0].sum()) == 22
    assert float(v.min()) > -90 and (v[spikes == 1] >= 30).all()


def test_cells_differ_in_the_spikes_that_they_are_known_for() -> None:
    """Fast spiking beats regular spiking; a bursting cell begins with short intervals."""
    times = {cell: np.array(when(Izhikevich(dt=0.1, cell=cell).run(constant(10.0, 5000))[0])) * 0.1 for cell in ("rs", "fs", "ib", "ch")}
    assert len(times["fs"]) > 2 * len(times["rs"])
    assert np.diff(times["ib"])[0] < np.diff(times["ib"])[-1] / 3
    assert np.diff(times["ch"]).min() < np.diff(times["ch"]).max() / 3


def test_resting_points_of_the_quadratic_cell() -> None:
    """b = 0.2, I = 0: rest at -70; -50 is where it tips. Started by a pulse that brings it below or above."""
    quiet = Izhikevich(dt=0.1).run(constant(0.0, 20_000))[1]
    assert float(quiet[-1]) == pytest.approx(-70.0, abs=0.01)


def test_squid_axon() -> None:
    spikes, _ = HodgkinHuxley(dt=0.01).run(constant(10.0, 50_000))
    times = np.array(when(spikes)) * 0.01
    assert len(times) == 35 and np.diff(times)[-10:].mean() == pytest.approx(14.636, abs=0.005)
    quiet, v = HodgkinHuxley(dt=0.01).run(constant(0.0, 20_000))
    assert not quiet.any() and float((v + 65).abs().max()) < 0.01


def test_squid_axon_beside_an_ode_solver() -> None:
    from scipy.integrate import solve_ivp

    def ratio(x: float) -> float:
        return 1.0 if x == 0 else x / -math.expm1(-x)

    def field(_: float, y: Any) -> list[float]:
        v, m, h, n = y
        i = 7.0 - 120 * m**3 * h * (v - 50) - 36 * n**4 * (v + 77) - 0.3 * (v + 54.387)
        am, an = ratio((v + 40) / 10), 0.1 * ratio((v + 55) / 10)
        ah, bh = 0.07 * math.exp(-(v + 65) / 20), 1 / (1 + math.exp(-(v + 35) / 10))
        bm, bn = 4 * math.exp(-(v + 65) / 18), 0.125 * math.exp(-(v + 65) / 80)
        return [i, am * (1 - m) - bm * m, ah * (1 - h) - bh * h, an * (1 - n) - bn * n]

    rest = [-65.0, 0.0529324853, 0.5961207535, 0.3176769141]
    exact = solve_ivp(field, (0, 40), rest, t_eval=np.arange(1, 41), rtol=1e-9, atol=1e-9).y[0]
    _, v = HodgkinHuxley(dt=0.01).run(constant(7.0, 4000))
    np.testing.assert_allclose(v.numpy()[99::100], exact, atol=1.0)
    _, fine = HodgkinHuxley(dt=0.0025).run(constant(7.0, 16_000))
    coarse_error = np.abs(v.numpy()[99::100] - exact).max()
    assert np.abs(fine.numpy()[399::400] - exact).max() < coarse_error / 10  # of second order: a sixteenth


def test_cells_in_a_network_see_scaled_currents_and_show_scaled_membranes() -> None:
    current = torch.rand(1, 2, 50, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    unit = Izhikevich(gain=20.0, readout="spiking")
    spikes, v = unit.run(20.0 * current, time_axis=2)
    assert torch.equal(unit.forward(current)[0], spikes) and spikes.sum() > 3
    torch.testing.assert_close(unit.readout().forward(current)[0], (v + 65) / 95, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", SPIKING)
def test_a_leaky_read_out_neither_fires_nor_resets(name: str) -> None:
    """The membrane is a filter of the current: linear in it, above the threshold too."""
    unit = registry.NEURONS.get(name)(readout="leaky").readout()
    current = torch.rand(1, 1, 30, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    once, _ = unit.forward(current)
    more, _ = unit.forward(30 * current)
    torch.testing.assert_close(more, 30 * once, rtol=1e-12, atol=1e-12)
    assert more.max() > 1


@pytest.mark.parametrize("name", SPIKING)
def test_time_may_lie_on_any_axis_and_state_starts_anew(name: str) -> None:
    unit, dtype = registry.NEURONS.get(name)(), torch.float32
    current = 3 * torch.rand(40, 3, 2, generator=torch.Generator().manual_seed(4), dtype=dtype)
    spikes, membrane = unit.run(current)
    again = unit.run(current)
    assert torch.equal(spikes, again[0]) and torch.equal(membrane, again[1])
    for axis in (1, 2, -1):
        moved = unit.run(current.movedim(0, axis), time_axis=axis)
        assert torch.equal(moved[0], spikes.movedim(0, axis)) and torch.equal(moved[1], membrane.movedim(0, axis))
    alone = unit.run(current[:, 1, 1])
    assert alone[0].shape == (40,) and torch.equal(alone[0], spikes[:, 1, 1]) and alone[1].dtype == dtype


def test_two_hundred_units_leave_nothing_behind() -> None:
    current = torch.rand(2, 3, 20, 5)
    kinds = [Lif, Synaptic, Alif, IntegrateFire, Izhikevich]
    for kind in kinds:
        kind().forward(current)

    def held() -> int:
        gc.collect()
        return sum(type(one) in (torch.Tensor, *kinds) for one in gc.get_objects())

    before = held()
    for i in range(200):
        unit = kinds[i % 5]()
        unit.pull(unit.forward(current)[1], current)
    del unit
    assert held() <= before


REFUSED = [
    (Lif, {"beta": 1.2}, "neuron.beta=1.2 is out of range"),
    (Lif, {"threshold": 0.0}, "neuron.threshold=0.0 is out of range"),
    (Lif, {"steps": 0}, "neuron.steps=0 is out of range"),
    (Lif, {"surrogate": "relu"}, "neuron.surrogate=relu is not known"),
    (Lif, {"slope": -1.0}, "neuron.slope=-1.0 is out of range"),
    (Lif, {"tau": 3.0}, "Lif has no setting tau; it has beta"),
    (Synaptic, {"alpha": -0.1}, "neuron.alpha=-0.1 is out of range"),
    (Synaptic, {"order": "newest"}, "neuron.order=newest is not known; choose one of new, old"),
    (Alif, {"n_ref": -1}, "neuron.n_ref=-1 is out of range"),
    (Alif, {"rho": math.nan}, "neuron.rho=nan is out of range"),
    (Alif, {"reset_delay": False}, "neuron.reset_delay=false: alif resets in the step after a spike"),
    (IntegrateFire, {"beta": 0.9}, "IntegrateFire has no setting beta"),
    (Izhikevich, {"cell": "xx"}, "neuron.cell=xx is not known; choose one of rs"),
    (Izhikevich, {"dt": 2.0}, "neuron.dt=2.0 is out of range"),
    (Izhikevich, {"reset": "zero"}, "Izhikevich has no setting reset"),
    (HodgkinHuxley, {"dt": 0.5}, "neuron.dt=0.5 is out of range"),
    (HodgkinHuxley, {"readout": "spiking"}, "neuron.readout=spiking is not known; choose one of leaky"),
]


@pytest.mark.parametrize(("kind", "settings", "words"), REFUSED)
def test_bad_settings_are_refused_in_one_line(kind: Any, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words.replace(".", r"\.")) as caught:
        kind(**settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("current", "axis"), [(torch.ones(5, dtype=torch.int64), 0), (torch.ones(5), 1), (torch.tensor(1.0), 0)])
def test_a_current_without_floating_numbers_or_without_time_is_refused(current: Tensor, axis: int) -> None:
    for kind in (Lif, Synaptic, HodgkinHuxley):
        with pytest.raises(ConfigError, match=f"must hold floating numbers, with time on axis {axis}"):
            kind().run(current, time_axis=axis)
