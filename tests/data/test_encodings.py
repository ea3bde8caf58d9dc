"""Encodings: published steps, statistics of the random one, snnTorch's generators, refusals."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bioplaus.data.encodings import Encoding, delta, direct, latency, rate
from bioplaus.errors import ConfigError
from bioplaus.streams import Streams

X = torch.tensor([0.02, 0.1, 0.5, 1.0], dtype=torch.float64).view(1, 1, 4)


def steps(spikes: Tensor) -> list[int]:
    """Step of each input's only spike, -1 where there is none."""
    assert (spikes.sum(2) <= 1).all()
    return torch.where(spikes.sum(2) > 0, spikes.argmax(2), -1).flatten().tolist()


def test_latency_normalised() -> None:
    assert steps(latency(X, 20)) == [19, 3, 1, 0]
    assert steps(latency(X, 20, linear=True)) == [19, 17, 10, 0]


def test_latency_in_units_of_tau() -> None:
    """t = tau ln(x / (x - theta)), theta = 0.25, tau = 10; what would come later than T - 1 is lost."""
    x = torch.tensor([0.5, 1.0, 0.26, 0.3], dtype=torch.float64).view(1, 1, 4)
    exact = [10 * math.log(v / (v - 0.25)) for v in (0.5, 1.0, 0.26, 0.3)]  # 6.93, 2.88, 32.6, 17.9
    assert [round(t) for t in exact] == [7, 3, 33, 18]
    assert steps(latency(x, 20, 10.0, 0.25, normalise=False)) == [7, 3, -1, 18]
    assert steps(latency(x, 20, 10.0, 0.25, normalise=False, linear=True)) == [5, 0, 7, 7]


def test_latency_below_the_threshold_is_last_or_silent() -> None:
    x = torch.tensor([0.0, 0.005, 0.5], dtype=torch.float64).view(1, 1, 3)
    assert steps(latency(x, 12)) == [11, 11, 0] and steps(latency(x, 12, clip=True)) == [-1, -1, 0]


def test_a_dark_background_does_not_press_the_spikes_of_a_sample_together() -> None:
    x = torch.cat([X, torch.zeros(1, 1, 60, dtype=torch.float64)], 2)
    exact = [math.log(v / (v - 0.01)) - math.log(1 / 0.99) for v in (0.02, 0.1, 0.5, 1.0)]  # 0.683, 0.0953, 0.0102, 0
    assert steps(latency(x, 100, clip=True)) == [round(99 * t / exact[0]) for t in exact] + [-1] * 60
    assert steps(latency(x, 100, clip=True))[:4] == [99, 14, 1, 0]
    alike = torch.tensor([0.0, 0.7, 0.7], dtype=torch.float64).view(1, 1, 3)
    assert steps(latency(alike, 20, clip=True)) == [-1, 0, 0]
    assert steps(latency(torch.zeros(1, 1, 3, dtype=torch.float64), 20, clip=True)) == [-1] * 3  # a sample without light


def test_latency_is_scaled_sample_by_sample() -> None:
    two = torch.stack([X[0, 0], torch.tensor([0.5, 0.5, 1.0, 1.0]).double()]).unsqueeze(0)
    found = latency(two, 20)
    assert steps(found[:, :1]) == [19, 3, 1, 0] and max(steps(found[:, 1:])) == 19


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("clip", [False, True])
def test_latency_beside_snntorch(linear: bool, normalise: bool, clip: bool) -> None:
    spikegen = pytest.importorskip("snntorch.spikegen")
    x = torch.rand(1, 30, generator=torch.Generator().manual_seed(0))
    theirs = spikegen.latency(
        x, num_steps=25, tau=7.0, threshold=0.05, linear=linear, normalize=normalise, clip=clip, bypass=True
    )
    ours = latency(x.unsqueeze(0), 25, 7.0, 0.05, linear=linear, normalise=normalise, clip=clip)
    if clip and normalise and not linear:  # theirs scales by values that it then leaves out; ours by those of the spikes
        seen = x[x >= 0.05]
        when = torch.log(seen / (seen - 0.05))
        assert 0 < len(seen) < 30 and steps(ours)[int(x.argmin())] == -1
        scaled = (when - when.min()) * 24 / (when.max() - when.min())
        assert sorted(t for t in steps(ours) if t >= 0) == sorted(scaled.round().int().tolist())
        return
    assert torch.equal(ours[0, 0], theirs[:, 0])


def test_delta_modulation() -> None:
    x = torch.tensor([1.0, 2.0, 2.9, 3.0, 3.9], dtype=torch.float64).view(1, 1, 5, 1)
    assert delta(x, 1.0).flatten().tolist() == [1, 1, 0, 0, 0]
    assert delta(x, 1.0, padding=True).flatten().tolist() == [0, 1, 0, 0, 0]
    assert delta(-x, 1.0, off=True).flatten().tolist() == [-1, -1, 0, 0, 0]
    assert delta(-x, 1.0).flatten().tolist() == [0, 0, 0, 0, 0]


def test_rate_is_bernoulli_with_clipped_probability() -> None:
    x = torch.tensor([0.0, 0.2, 0.7, 1.0], dtype=torch.float64).view(1, 1, 4)
    uniform = torch.rand(1, 1, 40_000, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    spikes = rate(x, uniform)
    assert set(spikes.unique().tolist()) == {0.0, 1.0}
    for p, mean in zip((0.0, 0.2, 0.7, 1.0), spikes.mean(2).flatten().tolist()):
        assert abs(mean - p) <= 4 * math.sqrt(p * (1 - p) / 40_000)
    assert not rate(x, uniform)[..., 0].any() and rate(x, uniform, gain=2.0)[..., 2].all()
    shifted = rate(x, uniform, gain=0.5, offset=0.1).mean(2).flatten()
    assert float(shifted[0]) == pytest.approx(0.1, abs=0.006) and float(shifted[3]) == pytest.approx(0.6, abs=0.01)
    neighbours = spikes[0, 0, 1:, 1] * spikes[0, 0, :-1, 1]
    assert float(neighbours.mean()) == pytest.approx(0.04, abs=0.004)  # independent over steps


def test_direct_is_one_step_of_the_input() -> None:
    assert torch.equal(direct(X), X.unsqueeze(2))


def test_the_setting_of_a_run_draws_anew_per_replica_and_again_the_same() -> None:
    x = torch.full((1, 6, 5), 0.5)
    found = Encoding("rate", 20)(x, Streams((1, 2)))
    assert found.shape == (2, 6, 20, 5) and not torch.equal(found[0], found[1])
    assert torch.equal(found, Encoding("rate", 20)(x, Streams((1, 2))))
    assert torch.equal(Encoding("latency", 20)(X, Streams((1,))), latency(X, 20, clip=True))
    assert torch.equal(Encoding("latency", 20, tau=4.0, threshold=0.05)(X, Streams((1,))), latency(X, 20, 4.0, 0.05, normalise=False, clip=True))
    assert torch.equal(Encoding("latency_linear", 20)(X, Streams((1,))), latency(X, 20, linear=True, clip=True))


@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan])
def test_inputs_outside_the_unit_interval_are_refused(value: float) -> None:
    x = torch.tensor([0.5, value]).view(1, 1, 2)
    for name, call in (("rate", lambda: rate(x, torch.zeros(1, 1, 3, 2))), ("latency", lambda: latency(x, 5))):
        with pytest.raises(ConfigError, match=f"{name} coding needs inputs between 0 and 1") as caught:
            call()
        assert "\n" not in str(caught.value)
