"""Courses of the rate against torch's schedulers and closed forms, read off the weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR, LRScheduler

from bioplaus.changes import Dense, Wanted
from bioplaus.plasticity.sgd import Sgd, SgdConfig
from bioplaus.plasticity.update import apply
from bioplaus.view import Clock

KEY, EPOCHS, PER_EPOCH = "forward/0/weight", 5, 4
CLOCK = Clock(steps_per_epoch=PER_EPOCH, steps_total=EPOCHS * PER_EPOCH)


def moves(pack: Any, steps: int, masks: list[list[bool]] | None = None, **config: Any) -> torch.Tensor:
    """Return by how much a weight moves at each step when 1 is wanted of it: ``[steps, R]``."""
    model, world = pack(Sgd(SgdConfig(**config)))
    found = []
    for i in range(steps):
        before = world.params[KEY].clone()
        mask = torch.tensor(masks[i]) if masks else None
        apply(model, world, Wanted("forward", {KEY: Dense(torch.ones_like(before))}, mask), CLOCK)
        found.append((world.params[KEY] - before)[:, 1, 2])
    return torch.stack(found)


def by_torch(make: Any, rates: tuple[float, ...], **settings: float) -> torch.Tensor:
    found = []
    for rate in rates:
        optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
        course: LRScheduler = make(optimiser, **{k: v * rate if k == "eta_min" else v for k, v in settings.items()})
        values = []
        for _ in range(EPOCHS):
            values += [course.get_last_lr()[0]] * PER_EPOCH
            optimiser.step()
            course.step()
        found.append(values)
    return torch.tensor(found, dtype=torch.float64).T


RATES = (0.1, 0.03, 0.25)


@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_cosine_falls_once_an_epoch(floor: float, pack: Any) -> None:
    expected = by_torch(CosineAnnealingLR, RATES, T_max=EPOCHS, eta_min=floor)
    found = moves(pack, EPOCHS * PER_EPOCH, schedule="cosine", schedule_floor=floor)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-14)


def test_cosine_stays_at_its_floor_after_the_last_epoch(pack: Any) -> None:
    found = moves(pack, (EPOCHS + 2) * PER_EPOCH, schedule="cosine", schedule_floor=0.2)
    late = found[EPOCHS * PER_EPOCH :] / torch.tensor(RATES, dtype=torch.float64)
    torch.testing.assert_close(late, torch.full_like(late, 0.2))


def test_exponential(pack: Any) -> None:
    found = moves(pack, EPOCHS * PER_EPOCH, schedule="exponential", decay=0.8)
    torch.testing.assert_close(found, by_torch(ExponentialLR, RATES, gamma=0.8), rtol=1e-9, atol=1e-14)


def test_relaxing_counts_updates(pack: Any) -> None:
    found = moves(pack, 12, schedule="relaxing", schedule_floor=0.25, schedule_tau=3.0)
    factors = [0.25 + 0.75 * 2.718281828459045 ** (-n / 3) for n in range(12)]
    torch.testing.assert_close(found, torch.tensor(factors, dtype=torch.float64)[:, None] * torch.tensor(RATES, dtype=torch.float64))


def test_constant(pack: Any) -> None:
    found = moves(pack, 3, schedule_floor=0.5, decay=0.5)
    torch.testing.assert_close(found, torch.tensor([RATES] * 3, dtype=torch.float64))


def test_warm_up_of_the_rate(pack: Any) -> None:
    found = moves(pack, 10, warmup=8, schedule="exponential", decay=0.5)
    factors = [min(1.0, (i + 1) / 8) * 0.5 ** (i // PER_EPOCH) for i in range(10)]
    torch.testing.assert_close(found, torch.tensor(factors, dtype=torch.float64)[:, None] * torch.tensor(RATES, dtype=torch.float64))


def test_warm_up_of_the_change_comes_before_the_clip(pack: Any) -> None:
    """20 ones have norm sqrt(20) = 4.47: with a clip at 2 the factor i/8 is felt up to i = 3 only."""
    found = moves(pack, 10, warmup=8, warmup_on="change", clip="per_layer", clip_norm=2.0)
    norm = 20**0.5
    factors = [min(min(1.0, (i + 1) / 8), 2 / norm) for i in range(10)]
    expected = torch.tensor(factors, dtype=torch.float64)[:, None] * torch.tensor(RATES, dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)


def test_warm_up_of_the_change_reaches_the_momentum_and_that_of_the_rate_does_not(pack: Any) -> None:
    for warmup_on in ("change", "rate"):
        found = moves(pack, 6, warmup=4, warmup_on=warmup_on, momentum=0.5)[:, 0]
        velocity, expected = 0.0, []
        for i in range(6):
            factor = min(1.0, (i + 1) / 4)
            velocity = 0.5 * velocity + (factor if warmup_on == "change" else 1.0)
            expected.append(0.1 * velocity * (factor if warmup_on == "rate" else 1.0))
        torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("warmup_on", ["rate", "change"])
def test_each_replica_counts_its_own_updates(warmup_on: str, pack: Any) -> None:
    masks = [[True, i % 2 == 1, i >= 3] for i in range(12)]
    found = moves(pack, 12, masks, warmup=6, warmup_on=warmup_on, schedule="exponential", decay=0.5)
    done = [0, 0, 0]
    for i, mask in enumerate(masks):
        for r, takes_part in enumerate(mask):
            n = done[r]
            expected = RATES[r] * min(1.0, (n + 1) / 6) * 0.5 ** (n // PER_EPOCH) if takes_part else 0.0
            assert found[i, r].item() == pytest.approx(expected, rel=1e-9, abs=1e-16)
            done[r] += takes_part


def test_later_tasks_have_a_rate_of_their_own(pack: Any) -> None:
    """Rate 0.1 of the first task; a factor 5 in each later one, on top of the schedule's 0.5 per epoch."""
    for task, expected in ((0, 0.1), (1, 0.5), (3, 0.5)):
        model, world = pack(Sgd(SgdConfig(later=5.0, schedule="exponential", decay=0.5)))
        moved = []
        for _ in range(PER_EPOCH + 1):
            before = world.params[KEY].clone()
            apply(model, world, Wanted("forward", {KEY: Dense(torch.ones_like(before))}), Clock(task=task, steps_per_epoch=PER_EPOCH))
            moved.append(float((world.params[KEY] - before)[0, 1, 2]))
        assert moved[0] == pytest.approx(expected * float(model.rates["forward"][0]) / 0.1, rel=1e-6)
        assert moved[-1] == pytest.approx(moved[0] / 2, rel=1e-6)
