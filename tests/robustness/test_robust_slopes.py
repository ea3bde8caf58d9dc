"""Slopes at the pixels against finite differences: every graded unit, codes over time, layers of spike times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from driving import TINY
from robustness_kit import random_net
from torch import Tensor

from bioplaus import api, simulate
from bioplaus.operations import Scope
from bioplaus.robustness.heads import margins, true_target
from bioplaus.robustness.measure import parts
from bioplaus.spike_time_layer import Cells, Latency, SpikeTimeLayer

STEP = 1e-6
UNITS = ("identity", "relu", "leaky_relu", "elu", "tanh", "sigmoid", "softplus", "hard_sigmoid", "clip")


@pytest.mark.parametrize("neuron", UNITS)
def test_every_graded_unit(neuron: str) -> None:
    """Loss, margin and one rival's lead, pixel by pixel; weights are small enough that units with plateaus are not all on them."""
    draw = np.random.default_rng(2)
    net = random_net(draw, (6, 7, 5, 3), scale=0.6, neuron=neuron, mean=(0.4,), std=(0.5,))
    x, y = torch.from_numpy(draw.random((2, 4, 6))), torch.from_numpy(draw.integers(0, 3, (2, 4)))
    rival = (y + 1) % 3
    seen, head = net.victim.look(x), net.victim.head
    slopes = {
        "loss": head.of_loss(seen.out, true_target(seen.scores, y)),
        "margin": head.of_margin(seen.out, y),
        "rival": head.of_margin(seen.out, y, rival),
    }

    def height(p: Tensor, what: str) -> Tensor:
        z = net.victim.scores(p)
        if what == "loss":
            return F.cross_entropy(z.flatten(0, 1), y.flatten(), reduction="none").view(2, 4)
        lead = z.masked_fill(F.one_hot(y, 3).bool(), -torch.inf).amax(-1) if what == "margin" else z.gather(-1, rival[..., None])[..., 0]
        return lead - z.gather(-1, y[..., None])[..., 0]

    for what, at_out in slopes.items():
        found = seen.pull(at_out)
        assert found.abs().max() > 1e-3
        for pixel in range(6):
            moved = STEP * F.one_hot(torch.tensor(pixel), 6).double()
            slope = (height(x + moved, what) - height(x - moved, what)) / (2 * STEP)
            torch.testing.assert_close(found[..., pixel], slope, rtol=1e-5, atol=1e-7, msg=f"{what}, pixel {pixel}")


@pytest.mark.parametrize(("kind", "gain"), [("direct", 1.0), ("rate", 0.5), ("rate", 1.6)])
def test_codes_over_time(kind: str, gain: float, tmp_path: Path) -> None:
    """One leaky layer without spikes is linear: its output for the mean code, ``clip(gain x, 0, 1)`` at each step, has this slope."""
    keys = {"rule": "surrogate", "neuron": "lif", "neuron.steps": 6, "neuron.readout": "leaky", "network.hidden": [], "epochs": 1}
    coded = {"data.encode": kind, "data.encode_gain": gain, "data.standardise": "none", "data.limit": 60, "batch_size": 20}
    run = simulate({**TINY, **keys, **coded, "run.root": str(tmp_path)}).run_dir
    assert run is not None
    simulator = api.load(run).simulator
    part = next(parts(simulator, simulator.packs[0], 3))
    victim, network = part.victim, part.victim.model.networks["forward"]
    draw = np.random.default_rng(0)
    x = torch.from_numpy(draw.uniform(0.05, 0.95, part.x.shape))
    seen = victim.look(x)
    at_out = torch.from_numpy(draw.standard_normal(seen.out.shape))
    found = seen.pull(at_out)

    def mean_out(p: Tensor) -> Tensor:
        code = p.unsqueeze(2) if kind == "direct" else (gain * p).clamp(0, 1).unsqueeze(2).expand(-1, -1, 6, *p.shape[2:])
        with torch.no_grad():
            return network.forward(victim.world.params, code, victim.world.buffers).out

    for entry in ((0, 3, 4), (0, 7, 0), (0, 2, 2), (0, 5, 6)):
        moved = torch.zeros(x.shape[2:], dtype=torch.float64)
        moved[entry] = STEP
        slope = ((mean_out(x + moved) - mean_out(x - moved)) * at_out).flatten(2).sum(-1) / (2 * STEP)
        torch.testing.assert_close(found[(..., *entry)], slope, rtol=1e-5, atol=1e-7)
    if gain > 1:  # beyond the largest rate a brighter pixel says nothing more
        bright = x > 1 / gain
        assert bright.any() and (found.expand_as(x)[bright] == 0).all() and (found.expand_as(x)[~bright] != 0).all()


def test_times_of_spikes_and_silent_cells() -> None:
    """The slope of spike times is that of the times themselves; a silent cell has none, whatever it would want (`push`) of its weights."""
    cells = Cells(tau=5.0, threshold=1.0, delays=(1.0, 4.0, 7.0), window=40.0, dt=0.5, floor=1e-6, push=3.0)
    layer = SpikeTimeLayer("forward/0", 5, 3, cells, before=(Latency((4,), 10.0),))
    draw = np.random.default_rng(1)
    w = torch.from_numpy(draw.uniform(0.05, 0.3, (1, 3, 5, 3)))
    w[:, 2] = 0.01  # never reaches the threshold
    x, error = torch.from_numpy(draw.uniform(0.1, 0.9, (1, 6, 4))), torch.from_numpy(draw.standard_normal((1, 6, 3)))

    def times(p: Tensor) -> Tensor:
        return layer.forward(Scope({layer.weight: w}, {}, False), p).out

    trace = layer.forward(Scope({layer.weight: w}, {}, False), x)
    assert trace.neuron.fired[..., :2].all() and not trace.neuron.fired[..., 2].any()
    found, _ = layer.give_back(trace, layer.pull(trace, error), w)
    for pixel in range(4):
        moved = 1e-5 * F.one_hot(torch.tensor(pixel), 4).double()
        slope = ((times(x + moved) - times(x - moved)) * error).sum(-1) / 2e-5
        torch.testing.assert_close(found[..., pixel], slope, rtol=1e-4, atol=1e-5)


def test_an_image_in_and_spike_times_out(tmp_path: Path) -> None:
    """A trained network of spike times, through its own code, along a random direction."""
    keys = {"rule": "spikeprop", "network": "spike_times", "network.delays": 3, "network.delay_step": 3.0, "network.dt": 1.0}
    keys |= {"network.push": 2.0, "network.slope_floor": 1e-6, "epochs": 1, "data.limit": 60, "run.root": str(tmp_path)}
    run = simulate({**{key: value for key, value in TINY.items() if key != "network.hidden"}, **keys}).run_dir
    assert run is not None
    simulator = api.load(run).simulator
    part = next(parts(simulator, simulator.packs[0], 6))
    draw = np.random.default_rng(0)
    at, way = (torch.from_numpy(drawn) for drawn in (draw.uniform(0.2, 0.8, part.x.shape), draw.standard_normal(part.x.shape)))
    seen = part.victim.look(at)
    slope = (seen.pull(part.victim.head.of_margin(seen.out, part.y)) * way).flatten(2).sum(-1)
    ahead, behind = (margins(part.victim.scores(at + sign * 1e-5 * way), part.y) for sign in (1, -1))
    torch.testing.assert_close(slope, (ahead - behind) / 2e-5, rtol=1e-3, atol=1e-4)
