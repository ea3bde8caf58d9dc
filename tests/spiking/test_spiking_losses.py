"""Losses over time: published values, floors, and gradients beside autograd and differences."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.neurons.lif import LifConfig
from bioplaus.spiking.losses import LOSSES, first_spike_times
from bioplaus.spiking.task import SpikingClassification, SpikingRegression

RATES = (1.0, 0.0)
Y = torch.tensor([0, 1])


def example() -> tuple[Tensor, Tensor, Tensor]:
    """Spikes and membranes of four steps, two samples, three classes, as ``[1, B, T, K]``, and the labels."""
    spikes = torch.zeros(4, 2, 3, dtype=torch.float64)
    spikes[:, 0, 0] = 1
    spikes[0:2, 1, 2] = 1
    spikes[3, 1, 1] = 1
    membrane = torch.arange(24, dtype=torch.float64).reshape(4, 2, 3) / 10
    return spikes.transpose(0, 1).unsqueeze(0), membrane.transpose(0, 1).unsqueeze(0), F.one_hot(Y, 3).double().unsqueeze(0)


@pytest.mark.parametrize(("name", "rates", "value"), [
    ("rate", RATES, 0.869841),
    ("count", RATES, 0.721791),
    ("mse_count", (1.0, 0.0), 0.541667),
    ("mse_count", (0.8, 0.2), 0.375),
    ("max_membrane", RATES, 1.151943),
    ("mse_membrane", RATES, 1.401667),
])  # fmt: skip
def test_published_values(name: str, rates: tuple[float, float], value: float) -> None:
    loss, _, _ = LOSSES[name](*example(), rates)
    assert float(loss) == pytest.approx(value, abs=5e-7)


@pytest.mark.parametrize(("rates", "value"), [({}, 0.541667), ({"rate_right": 0.8, "rate_wrong": 0.2}, 0.375)])
def test_rates_of_counts_are_settings_of_the_unit(rates: dict[str, float], value: float) -> None:
    task = SpikingClassification(3, LifConfig(loss="mse_count", **rates))
    assert float(task.loss(1.5 * example()[0], Y.unsqueeze(0))) == pytest.approx(value, abs=5e-7)


def test_first_spike_by_hand() -> None:
    """First steps are (0, 3, 3) and (3, 3, 0): silent units count as T - 1."""
    spikes, membrane, hot = example()
    assert first_spike_times(spikes)[0].tolist() == [[0, 3, 3], [3, 3, 0]]
    right, wrong = math.log(1 + 2 * math.exp(-3)), math.log(1 + 2 * math.exp(-3)) + 3
    assert float(LOSSES["first_spike"](spikes, membrane, hot, RATES)[0]) == pytest.approx((right + wrong) / 2, rel=1e-12)


def test_floors_and_start() -> None:
    """Ten classes, 25 steps: the right unit fires always, the others never; and a silent network of 25 ln 10."""
    spikes = torch.zeros(1, 1, 25, 10, dtype=torch.float64)
    spikes[..., 3] = 1
    hot = F.one_hot(torch.tensor([[3]]), 10).double()
    assert float(LOSSES["rate"](spikes, spikes, hot, RATES)[0]) == pytest.approx(1.4612, abs=5e-5)
    assert float(LOSSES["count"](spikes, spikes, hot, RATES)[0]) == pytest.approx(1.2e-10, rel=0.05)
    assert float(LOSSES["membrane"](spikes, 0 * spikes, hot, RATES)[0]) == pytest.approx(25 * math.log(10), rel=1e-12)


def plain(name: str, spikes: Tensor, membrane: Tensor, y: Tensor) -> Tensor:
    """The losses of one replica as torch has them, ``[B, T, K]``, differentiable."""
    steps = spikes.shape[1]
    repeated = y.unsqueeze(1).expand(-1, steps)
    hot = F.one_hot(y, spikes.shape[2]).double()
    return {
        "membrane": lambda: F.cross_entropy(membrane.transpose(1, 2), repeated, reduction="none").sum(1).mean(),
        "rate": lambda: F.cross_entropy(spikes.transpose(1, 2), repeated),
        "count": lambda: F.cross_entropy(spikes.sum(1), y),
        "mse_count": lambda: F.mse_loss(spikes.sum(1), hot * int(0.8 * steps) + (1 - hot) * int(0.2 * steps)) / steps,
        "max_membrane": lambda: F.cross_entropy(membrane.amax(1), y),
        "mse_membrane": lambda: F.mse_loss(membrane, hot.unsqueeze(1).expand_as(membrane)),
    }[name]()


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "first_spike"])
def test_gradients_beside_autograd(name: str) -> None:
    """Two replicas; the losses return descent, the negative gradient."""
    draw = torch.Generator().manual_seed(0)
    membrane = torch.randn(2, 5, 9, 4, generator=draw, dtype=torch.float64)
    spikes = (membrane > 0.7).double()
    y = torch.randint(4, (2, 5), generator=draw)
    loss, at_spikes, at_membrane = LOSSES[name](spikes, membrane, F.one_hot(y, 4).double(), (0.8, 0.2))
    for r in range(2):
        s, u = spikes[r].clone().requires_grad_(), membrane[r].clone().requires_grad_()
        expected = plain(name, s, u, y[r])
        assert float(loss[r]) == pytest.approx(float(expected.detach()), rel=1e-12)
        for found, leaf in ((at_spikes, s), (at_membrane, u)):
            gradient = torch.autograd.grad(expected, leaf, retain_graph=True, allow_unused=True)[0]
            assert (found is None) == (gradient is None)
            if found is not None and gradient is not None:
                torch.testing.assert_close(found[r], -gradient, rtol=1e-10, atol=1e-13)


def test_first_spike_gradient_moves_the_first_spike_alone() -> None:
    """A spike a step earlier lowers the time by one: at it the error is -dL/dtime with the sign turned, elsewhere none."""
    spikes, membrane, hot = example()
    _, at_spikes, at_membrane = LOSSES["first_spike"](spikes, membrane, hot, RATES)
    assert at_spikes is not None and at_membrane is None
    times = first_spike_times(spikes)[0].clone().requires_grad_()
    slope = torch.autograd.grad(F.cross_entropy(-times, Y), times)[0]
    expected = torch.zeros(2, 4, 3, dtype=torch.float64)
    for b in range(2):
        for k in range(3):
            expected[b, int(times[b, k]), k] = slope[b, k]
    torch.testing.assert_close(at_spikes[0], expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", LOSSES)
def test_beside_snntorch(name: str) -> None:
    functional = pytest.importorskip("snntorch.functional")
    theirs = {
        "rate": functional.ce_rate_loss(),
        "count": functional.ce_count_loss(),
        "mse_count": functional.mse_count_loss(correct_rate=0.8, incorrect_rate=0.2),
        "max_membrane": functional.ce_max_membrane_loss(),
    }
    if name not in theirs:
        pytest.skip("it has none of this meaning")
    membrane = torch.randn(9, 5, 4, generator=torch.Generator().manual_seed(3))
    spikes, y = (membrane > 0.7).float(), torch.tensor([0, 3, 1, 1, 2])
    expected = theirs[name](membrane if name == "max_membrane" else spikes, y)
    hot = F.one_hot(y, 4).float().unsqueeze(0)
    found = LOSSES[name](spikes.transpose(0, 1).unsqueeze(0), membrane.transpose(0, 1).unsqueeze(0), hot, (0.8, 0.2))[0]
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_predictions_and_their_ties() -> None:
    spikes, membrane, _ = example()
    above = torch.where(spikes > 0, 1.5, 0.5)
    y = Y.unsqueeze(0)
    for name, expected in (("count", [0, 2]), ("membrane", [0, 2]), ("first_spike", [0, 2])):
        task = SpikingClassification(3, LifConfig(loss=name))
        assert task.predicted(above)[0].tolist() == expected and task.score(above, y).tolist() == [0.5]
    silent = torch.full((1, 2, 4, 3), 0.5, dtype=torch.float64)
    assert SpikingClassification(3, LifConfig(loss="count")).predicted(silent)[0].tolist() == [0, 0]
    for unit in (LifConfig(loss="max_membrane"), LifConfig(readout="leaky")):
        assert SpikingClassification(3, unit).predicted(membrane)[0].tolist() == [2, 2]


@pytest.mark.parametrize("name", ["rate", "count", "mse_count"])
def test_errors_reach_the_membrane_through_the_surrogate(name: str) -> None:
    """Fast sigmoid with k = 25: a quarter at 0.04 from the threshold."""
    task = SpikingClassification(3, LifConfig(loss=name, surrogate="fast_sigmoid"), RATES)
    out = torch.full((1, 2, 4, 3), 1.04, dtype=torch.float64)
    _, at_spikes, _ = LOSSES[name](torch.ones_like(out), out, F.one_hot(Y, 3).double().unsqueeze(0), RATES)
    assert at_spikes is not None
    torch.testing.assert_close(task.error(out, Y.unsqueeze(0)), at_spikes / 4, rtol=1e-9, atol=0)


@pytest.mark.parametrize("name", ["membrane", "rate", "mse_membrane"])
def test_steps_add_up_to_the_whole_run(name: str) -> None:
    """What each of four steps adds is the loss, and its error that of the whole at that step."""
    task, y = SpikingClassification(3, LifConfig(loss=name)), Y.unsqueeze(0)
    out = 2 * torch.rand(2, 2, 4, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    steps = [task.at_step(out[:, :, t], y, t, 4) for t in range(4)]
    torch.testing.assert_close(torch.stack([loss for loss, _ in steps]).sum(0), task.loss(out, y), rtol=1e-12, atol=0)
    torch.testing.assert_close(torch.stack([error for _, error in steps], 2), task.error(out, y), rtol=1e-12, atol=1e-15)


def test_courses_in_time_beside_autograd() -> None:
    draw = torch.Generator().manual_seed(2)
    out, y = (torch.randn(2, 5, 7, 3, generator=draw, dtype=torch.float64) for _ in range(2))
    leaf = out.clone().requires_grad_()
    expected = 0.5 * ((leaf - y) ** 2).sum() / 5
    task = SpikingRegression()
    assert float(task.loss(out, y).sum()) == pytest.approx(float(expected.detach()), rel=1e-12)
    torch.testing.assert_close(task.error(out, y), -torch.autograd.grad(expected, leaf)[0], rtol=1e-12, atol=1e-14)
    steps = [task.at_step(out[:, :, t], y, t, 7) for t in range(7)]
    torch.testing.assert_close(torch.stack([loss for loss, _ in steps]).sum(0), task.loss(out, y))
    torch.testing.assert_close(torch.stack([error for _, error in steps], 2), task.error(out, y))
