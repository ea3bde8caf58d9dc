"""Units that go step by step: the compiled scan, the equations in plain Python, and autograd."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from bioplaus import registry
from bioplaus.errors import ConfigError
from bioplaus.neurons import surrogates
from bioplaus.neurons.alif import Alif
from bioplaus.neurons.lif import Lif
from bioplaus.neurons.srm import Srm

T = 30


def currents(seed: int = 1, spread: float = 1.0) -> Tensor:
    g = torch.Generator().manual_seed(seed)
    return 0.3 + spread * torch.randn(2, 3, T, 4, generator=g, dtype=torch.float64)


def steps(neuron: Any, current: Tensor) -> tuple[Tensor, Tensor]:
    unit = neuron.online()
    state, spikes, membrane = unit.start(current[:, :, 0]), [], []
    for t in range(current.shape[2]):
        state = unit.step(state, current[:, :, t])
        spikes.append(state.spikes)
        membrane.append(state.membrane)
    return torch.stack(spikes, 2), torch.stack(membrane, 2)


@pytest.mark.parametrize(("reset", "delay"), list(itertools.product(["subtract", "zero", "none"], [True, False])))
def test_lif_is_the_compiled_scan(reset: str, delay: bool) -> None:
    neuron, current = Lif(beta=0.9, reset=reset, reset_delay=delay), currents()
    spikes, membrane = steps(neuron, current)
    assert 0.05 < spikes.mean() < 0.95
    assert torch.equal(spikes, neuron.forward(current)[0])
    assert torch.equal(membrane, neuron.readout().forward(current)[0])


def test_the_read_out_has_a_decay_of_its_own() -> None:
    out = Lif(beta=0.9, readout="leaky", readout_beta=0.5).readout()
    shown = out.forward(torch.ones(1, 1, 3, 1, dtype=torch.float64))[0].flatten()
    assert shown.tolist() == [1.0, 1.5, 1.75]


def plain_alif(current: Tensor, beta: float, rho: float, strength: float, refractory: int) -> list[tuple[float, float]]:
    v = b = z = 0.0
    last, found = -(10**9), []
    for t, drive in enumerate(current.tolist()):
        b = rho * b + z
        v = beta * v + drive - z
        z = float(v > 1 + strength * b and t - last > refractory)
        last = t if z else last
        found.append((z, v))
    return found


@pytest.mark.parametrize("refractory", [0, 3])
def test_alif_is_its_equations(refractory: int) -> None:
    neuron = Alif(beta=0.9, rho=0.8, adaptation=0.5, refractory=refractory, steps=T)
    current = currents()
    spikes, membrane = steps(neuron, current)
    for index in itertools.product(range(2), range(3), range(4)):
        r, b, c = index
        right = plain_alif(current[r, b, :, c], 0.9, 0.8, 0.5, refractory)
        assert [z for z, _ in right] == spikes[r, b, :, c].tolist()
        assert torch.allclose(torch.tensor([v for _, v in right], dtype=torch.float64), membrane[r, b, :, c], atol=1e-12)
    assert torch.equal(neuron.forward(current)[0], spikes)
    run_spikes, run_membrane = neuron.run(current[0, 0])
    assert torch.equal(run_spikes, spikes[0, 0]) and torch.equal(run_membrane, membrane[0, 0])
    constant = torch.full((1, 1, 1, 1), 0.4, dtype=torch.float64)
    assert torch.equal(neuron.forward(constant)[0], neuron.forward(constant.expand(-1, -1, T, -1))[0])


def test_adaptation_slows_firing_down() -> None:
    constant = torch.full((200,), 0.5)
    free, held = (Alif(beta=0.9, tau_adapt=50.0, adaptation=a).run(constant)[0] for a in (0.0, 0.3))
    assert torch.equal(free, Lif(beta=0.9).run(constant)[0])
    assert held[100:].sum() < 0.7 * free[100:].sum() and held.argmax() == free.argmax() == 2


def fire(away: Tensor, psi: Tensor) -> Tensor:
    return (away > 0).to(away.dtype).detach() + psi.detach() * (away - away.detach())


def atan(x: Tensor) -> Tensor:
    return surrogates.derivative("atan", x.detach())


@pytest.mark.parametrize("constant", [False, True])
def test_alif_pull_is_autograd_with_the_reset_as_given(constant: bool) -> None:
    neuron = Alif(beta=0.9, rho=0.8, adaptation=0.5, refractory=1, steps=T)
    current = currents()[:, :, :1].abs() if constant else currents()
    x = current.clone().requires_grad_()
    v = b = z = silent = torch.zeros_like(current[:, :, 0])
    found = []
    for t in range(T):
        b = 0.8 * b + z
        silent = torch.where(z > 0, 1.0, (silent - 1).clamp(min=0))
        v = 0.9 * v + x[:, :, 0 if constant else t] - z.detach()
        free = (silent == 0).double()
        z = fire(v - 1 - 0.5 * b, atan(v - 1 - 0.5 * b) * free) * free
        found.append(z)
    error = torch.randn(2, 3, T, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    (right,) = torch.autograd.grad((torch.stack(found, 2) * error).sum(), x)
    out, cache = neuron.forward(current)
    assert torch.equal(out, torch.stack(found, 2).detach())
    assert torch.allclose(neuron.pull(cache, error), right, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("readout", [False, True])
@pytest.mark.parametrize("constant", [False, True])
def test_srm_is_its_equations_and_pull_is_autograd(constant: bool, readout: bool) -> None:
    neuron = Srm(alpha=0.7, beta=0.5, alpha_r=0.6, weight_r=2.0, steps=T)
    shown = neuron.readout() if readout else neuron
    current = currents(spread=3.0)[:, :, :1] if constant else currents(spread=3.0)
    x = current.clone().requires_grad_()
    q = p = r = s = torch.zeros_like(current[:, :, 0])
    found = []
    for t in range(T):
        p = 0.7 * p + 0.3 * q
        q = 0.5 * q + 0.5 * x[:, :, 0 if constant else t]
        r = 0.6 * r - 0.4 * 2.0 * s.detach()
        u = p + r
        s = fire(u, surrogates.derivative("fast_sigmoid", u.detach(), k=10.0))
        found.append(u if readout else s)
    error = torch.randn(2, 3, T, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    (right,) = torch.autograd.grad((torch.stack(found, 2) * error).sum(), x)
    out, cache = shown.forward(current)
    assert torch.allclose(out, torch.stack(found, 2).detach(), rtol=1e-12, atol=1e-12)
    assert torch.allclose(shown.pull(cache, error), right, rtol=1e-10, atol=1e-12)
    if not constant:
        spikes, membrane = neuron.run(current, time_axis=2)
        assert torch.equal(spikes, neuron.forward(current)[0]) and torch.equal((membrane > 0).double(), spikes)


@pytest.mark.parametrize("name", ["lif", "alif", "srm"])
def test_a_trace_is_what_the_membrane_owes_to_a_synapse(name: str) -> None:
    """dU[t]/dw of a unit that never fires, by finite difference."""
    settings = {"readout": "leaky"} if name != "alif" else {"threshold": 1e6}
    neuron = registry.NEURONS.get(name)(**settings)
    unit = (neuron if name == "alif" else neuron.readout()).online()
    pre = currents()[:, :, :, :1]
    at = {w: steps_of_unit(unit, w * pre) for w in (0.1, 0.1 + 1e-4)}
    kept: Any = ()
    for t in range(T):
        kept = unit.trace(kept, pre[:, :, t])
        assert torch.allclose((at[0.1 + 1e-4][t] - at[0.1][t]) / 1e-4, kept[-1], rtol=1e-6, atol=1e-8)


def steps_of_unit(unit: Any, current: Tensor) -> list[Tensor]:
    state, found = unit.start(current[:, :, 0]), []
    for t in range(T):
        state = unit.step(state, current[:, :, t])
        found.append(state.membrane)
    return found


def test_bad_settings_are_one_line() -> None:
    for make in (
        lambda: Alif(reset="zero"),
        lambda: Alif(learn_tau=True),
        lambda: Alif(rho=1.5),
        lambda: Srm(alpha=1.0),
        lambda: Lif(learn_tau=True).online(),
    ):
        with pytest.raises(ConfigError) as caught:
            make()
        assert "\n" not in str(caught.value)
