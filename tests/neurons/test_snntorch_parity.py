"""snnTorch 1.0 beside our scans: spikes, membranes and gradients, its hidden state passed explicitly.

snnTorch keeps its decays in float32, so they are numbers that float32 holds exactly.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bioplaus.neurons.lif import Lif
from bioplaus.neurons.spiking import Spiking
from bioplaus.neurons.synaptic import Synaptic

snntorch = pytest.importorskip("snntorch")
SHAPE = (1, 16, 100, 40)  # replicas, samples, steps, units
BETA, ALPHA = 0.9375, 0.75
RESETS = ("subtract", "zero", "none")


def current(dtype: torch.dtype) -> Tensor:
    return (0.08 + 0.3 * torch.randn(*SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)).to(dtype)


def theirs(name: str, x: Tensor, grad: Any, **settings: Any) -> tuple[Tensor, Tensor]:
    """Return (spikes, membrane) of their unit, step by step from rest."""
    if name == "leaky":
        unit = snntorch.Leaky(beta=BETA, spike_grad=grad, reset_mechanism=settings["reset"], reset_delay=settings["reset_delay"])
        state = (torch.zeros_like(x[:, :, 0]),)
    else:
        unit = snntorch.Synaptic(alpha=ALPHA, beta=BETA, spike_grad=grad, reset_mechanism=settings["reset"], reset_delay=settings["reset_delay"])
        state = (torch.zeros_like(x[:, :, 0]), torch.zeros_like(x[:, :, 0]))
    spikes, membranes = [], []
    for t in range(x.shape[2]):
        s, *state = unit(x[:, :, t], *state)
        spikes.append(s)
        membranes.append(state[-1])
    return torch.stack(spikes, 2), torch.stack(membranes, 2)


def ours(name: str, **settings: Any) -> Spiking:
    return Lif(beta=BETA, **settings) if name == "leaky" else Synaptic(alpha=ALPHA, beta=BETA, **settings)


@pytest.mark.parametrize("name", ["leaky", "synaptic"])
@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("reset_delay", [True, False])
def test_spikes_and_membranes(name: str, reset: str, reset_delay: bool) -> None:
    settings = {"reset": reset, "reset_delay": reset_delay}
    for dtype, agreement in ((torch.float64, 1.0), (torch.float32, 0.999)):
        x = current(dtype)
        with torch.no_grad():
            spikes, membrane = theirs(name, x, snntorch.surrogate.atan(alpha=2.0), **settings)
        found, u = ours(name, **settings).run(x, time_axis=2)
        same = found == spikes
        assert same.double().mean() >= agreement and 0.01 < found.mean() < 0.9
        runs = same.all(2, keepdim=True).expand_as(u)
        torch.testing.assert_close(u[runs], membrane[runs], rtol=1e-5 if dtype == torch.float32 else 1e-13, atol=1e-6)


GRADIENTS = {
    "atan": lambda: snntorch.surrogate.atan(alpha=2.0),
    "fast_sigmoid": lambda: snntorch.surrogate.fast_sigmoid(slope=25),
    "sigmoid": lambda: snntorch.surrogate.sigmoid(slope=25),
}


@pytest.mark.parametrize("name", ["leaky", "synaptic"])
@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("surrogate", GRADIENTS)
def test_gradients_where_the_spikes_are_the_same(name: str, reset: str, surrogate: str) -> None:
    """With the reset in the next step. An immediate one they do differentiate, where no gradient is to pass.

    Their spikes are float32 whatever the membrane is, and so is the error that enters at them. Their sigmoid is inf / inf far below the
    threshold, where float32 has no exp(2 k |x|).
    """
    for dtype, rtol in ((torch.float64, 1e-6), (torch.float32, 1e-5))[: 1 if surrogate == "sigmoid" else 2]:
        x = current(dtype).requires_grad_()
        error = torch.randn(*SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)
        spikes, _ = theirs(name, x, GRADIENTS[surrogate](), reset=reset, reset_delay=True)
        expected = torch.autograd.grad(spikes, x, error)[0]
        unit = ours(name, reset=reset, surrogate=surrogate)
        out, cache = unit.forward(x.detach())
        runs = (out == spikes).all(2, keepdim=True).expand_as(out)
        assert runs.double().mean() > 0.9
        back = unit.pull(cache, error)
        scale = expected[runs].abs().max()
        assert (back - expected)[runs].abs().max() <= rtol * scale
