"""Units that go step by step do what the same models do in one scan; a trace is what the membrane owes to a synapse."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from bioplaus import registry
from bioplaus.errors import ConfigError

T = 30
CASES: list[tuple[str, dict[str, Any]]] = [
    *(("lif", {"beta": 0.9, "reset": r, "reset_delay": d}) for r, d in itertools.product(["subtract", "zero", "none"], [True, False])),
    *(("if", {"reset": r, "bias": 0.1}) for r in ("subtract", "zero")),
    *(
        ("alif", {"beta": 0.9, "rho": 0.8, "beta_a": 0.5, "n_ref": n, "reset": r})
        for n, r in itertools.product((0, 3), ["subtract", "zero", "none"])
    ),
    ("srm", {"alpha": 0.7, "beta": 0.5, "weight_r": 2.0}),
]


def draw(seed: int = 1) -> Tensor:
    return 0.3 + torch.randn(2, 3, T, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def walked(unit: Any, current: Tensor) -> list[Any]:
    state, found = unit.start(current[:, :, 0]), []
    for t in range(current.shape[2]):
        state = unit.step(state, current[:, :, t])
        found.append(state)
    return found


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_steps_are_the_scan(name: str, settings: dict[str, Any]) -> None:
    neuron, current = registry.NEURONS.get(name)(**settings), draw()
    states = walked(neuron.online(), current)
    spikes = torch.stack([state.spikes for state in states], 2)
    assert 0.05 < spikes.mean() < 0.95
    assert torch.equal(spikes, neuron.forward(current)[0])
    neuron.as_membrane = True
    assert torch.equal(torch.stack([state.membrane for state in states], 2), neuron.forward(current)[0])


@pytest.mark.parametrize("name", ["lif", "if", "alif", "srm"])
def test_slopes_are_those_of_the_way_back(name: str) -> None:
    """An error at the spikes of one step alone reaches the current of that step (of srm: of two steps before) by the slope."""
    settings = {"n_ref": 3, "beta_a": 0.5} if name == "alif" else {}
    neuron, current = registry.NEURONS.get(name)(**settings), draw()
    unit, cache = neuron.online(), neuron.forward(current)[1]
    states, lag = walked(unit, current), 1 if name == "srm" else 0
    for t in range(2, T):
        error = torch.zeros_like(current)
        error[:, :, t] = 1
        gain = (1 - neuron.config.alpha) * (1 - neuron.config.beta) if lag else 1.0
        assert torch.allclose(neuron.pull(cache, error)[:, :, t - lag], gain * unit.slope(states[t]), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", ["lif", "if", "alif", "srm"])
def test_a_trace_is_what_the_membrane_owes_to_a_synapse(name: str) -> None:
    """dU[t]/dw of a read-out, which never fires, by finite difference."""
    unit = registry.NEURONS.get(name)(readout="leaky").readout().online()
    pre = draw()[:, :, :, :1]
    low, high = (walked(unit, w * pre) for w in (0.1, 0.1 + 1e-4))
    kept: Any = ()
    for t in range(T):
        kept = unit.trace(kept, pre[:, :, t])
        assert torch.allclose((high[t].membrane - low[t].membrane) / 1e-4, kept[-1], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["lif", "alif"])
def test_the_read_out_has_a_decay_of_its_own(name: str) -> None:
    out = registry.NEURONS.get(name)(beta=0.9, readout="leaky", readout_beta=0.5).readout()
    assert out.forward(torch.ones(1, 1, 3, 1, dtype=torch.float64))[0].flatten().tolist() == [1.0, 1.5, 1.75]


@pytest.mark.parametrize(("name", "settings", "words"), [("lif", {"learn_tau": True}, "learn_tau"), ("synaptic", {}, "step by step")])
def test_who_cannot_says_so_in_a_line(name: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        registry.NEURONS.get(name)(**settings).online()
    assert "\n" not in str(caught.value)
