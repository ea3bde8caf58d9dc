"""f-I curves: closed form, clock, plain loops, and the units of a network."""

from __future__ import annotations

import math

import pytest
import torch

from bioplaus.dynamics import cells
from bioplaus.errors import ConfigError
from bioplaus.neurons.hodgkin_huxley import HodgkinHuxley
from bioplaus.neurons.izhikevich import Izhikevich
from bioplaus.neurons.lif import Lif
from bioplaus.theory import lif


@pytest.mark.parametrize(("current", "t_ref", "hertz"), [(1.2, 0.0, 55.8111), (1.5, 0.0, 91.0239), (2.0, 0.0, 144.2695), (2.0, 2.0, 111.9636)])
def test_closed_form(current: float, t_ref: float, hertz: float) -> None:
    assert lif.rate(current, 10.0, t_ref) == pytest.approx(hertz, abs=5e-5)


def test_below_threshold_nothing_fires() -> None:
    for current in (-1.0, 0.0, 0.5, 1.0):
        assert lif.rate(current, 10.0) == 0 and lif.interval_steps(current, 10.0, 0.1) is None
        assert lif.clocked_count(current, 10.0, 0.1, 1000.0) == lif.count("lif", current, 0.1, 1000.0).count == 0


@pytest.mark.parametrize(("current", "spikes"), [(1.2, 55), (2.0, 142)])
def test_clocked_counts(current: float, spikes: int) -> None:
    assert lif.clocked_count(current, 10.0, 0.1, 1000.0) == spikes == lif.count("lif", current, 0.1, 1000.0).count


@pytest.mark.parametrize("t_ref", [0.0, 0.1, 2.0, 7.3])
@pytest.mark.parametrize("tau_mem", [5.0, 20.0])
def test_formula_and_simulation_count_alike(t_ref: float, tau_mem: float) -> None:
    for i in range(30):
        current = 1.003 + 0.17 * i
        found = lif.count("lif", current, 0.1, 700.0, tau_mem=tau_mem, t_ref=t_ref)
        assert found.count == lif.clocked_count(current, tau_mem, 0.1, 700.0, t_ref)
        if found.count:
            steps = lif.interval_steps(current, tau_mem, 0.1)
            assert steps is not None and found.first == pytest.approx(0.1 * steps)


def test_a_fine_clock_gives_the_closed_form() -> None:
    found = lif.count("lif", 1.7, 1e-4, 1000.0, tau_mem=10.0, t_ref=1.0)
    assert 1000 / found.last_interval == pytest.approx(lif.rate(1.7, 10.0, 1.0), rel=1e-4)


@pytest.mark.parametrize("current", [1.2, 1.5, 2.0, 3.7])
def test_the_unit_of_a_network_fires_as_often(current: float) -> None:
    """Its current carries 1 - beta, and it resets to zero."""
    beta = math.exp(-0.1 / 10.0)
    spikes, _ = Lif(beta=beta, reset="zero").run(torch.full((10_000,), (1 - beta) * current, dtype=torch.float64))
    assert int(spikes.sum()) == lif.count("lif", current, 0.1, 1000.0, tau_mem=10.0).count


@pytest.mark.parametrize("cell", list(cells.CELLS))
def test_izhikevich_beside_a_plain_loop_and_the_unit(cell: str) -> None:
    a, b, c, d = cells.CELLS[cell]
    v, u, times = -65.0, -65.0 * b, []
    for t in range(4000):
        v += 0.1 * (0.04 * v * v + 5 * v + 140 - u + 9.0)
        u += 0.1 * a * (b * v - u)
        if v >= 30:
            times.append((t + 1) * 0.1)
            v, u = c, u + d
    found = lif.count("izhikevich", 9.0, 0.1, 400.0, cell=cell)
    assert found.count == len(times) and found.first == pytest.approx(times[0])
    assert found.last_interval == pytest.approx(times[-1] - times[-2])
    spikes, _ = Izhikevich(dt=0.1, cell=cell).run(torch.full((4000,), 9.0, dtype=torch.float64))
    assert int(spikes.sum()) == len(times)


def test_published_cells() -> None:
    """Regular spiking at 10, and the squid axon at 10 uA/cm^2, which without a current is silent."""
    found = lif.count("izhikevich", 10.0, 0.01, 1000.0)
    assert found.count == 23 and found.last_interval == pytest.approx(44.9, abs=0.06)
    assert lif.count("izhikevich", 10.0, 0.5, 1000.0).count == 22
    axon = lif.count("hodgkin_huxley", 10.0, 0.01, 500.0)
    assert axon.count == 35 and axon.last_interval == pytest.approx(14.64, abs=0.011)
    assert lif.count("hodgkin_huxley", 0.0, 0.01, 500.0).count == 0
    assert cells.hodgkin_huxley_gates(-65.0) == pytest.approx((0.0529, 0.5961, 0.3177), abs=5e-5)
    spikes, _ = HodgkinHuxley(dt=0.01).run(torch.full((50_000,), 10.0, dtype=torch.float64))
    assert int(spikes.sum()) == 35


def test_rates_of_the_gates_are_smooth_where_the_quotients_are_not() -> None:
    """a_m is 0/0 at -40, a_n at -55: limits 1 and 0.1 per ms."""
    m = cells.hodgkin_huxley_gates(-40.0)[0]
    assert m == pytest.approx(1 / (1 + 4 * math.exp(-25 / 18)), rel=1e-12)
    n = cells.hodgkin_huxley_gates(-55.0)[2]
    assert n == pytest.approx(0.1 / (0.1 + 0.125 * math.exp(-10 / 80)), rel=1e-12)
    for v in (-40.0, -55.0):
        near = [cells.hodgkin_huxley_gates(v + shift) for shift in (-1e-5, 0.0, 1e-5)]
        for low, mid, high in zip(*near):
            assert mid == pytest.approx((low + high) / 2, rel=1e-9)
    assert all(math.isfinite(gate) for v in (-1e6, 1e6) for gate in cells.hodgkin_huxley_gates(v))


@pytest.mark.parametrize(("call", "words"), [
    (lambda: lif.rate(math.nan, 10.0), "current=nan must be a finite number"),
    (lambda: lif.rate(1.5, 0.0), "tau_mem=0.0 must be a finite number at least"),
    (lambda: lif.rate(1.5, 10.0, -1.0), "t_ref=-1.0 must be"),
    (lambda: lif.count("leaky", 1.5, 0.1, 100.0), "model=leaky is not one of lif, izhikevich, hodgkin_huxley"),
    (lambda: lif.count("izhikevich", 1.5, 0.1, 100.0, cell="xx"), "cell=xx is not one of rs"),
    (lambda: lif.count("lif", 1.5, 10.0, 1.0), "duration / dt=0 must be a whole number from 1"),
])  # fmt: skip
def test_bad_numbers_are_refused_in_one_line(call: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        call()  # type: ignore[operator]
    assert "\n" not in str(caught.value)
