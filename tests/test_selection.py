"""The selected epoch is the one of lowest validation loss, per replica; the snapshot is what the network was then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bioplaus.selection import Best
from bioplaus.world import World

LOSSES = st.sampled_from([0.5, 1.0, 2.0, float("inf"), float("nan")])


def world(epoch: int, replicas: int, *, width: int = 2) -> World:
    """Return a world whose arrays tell the epoch and the replica."""
    mark = torch.arange(replicas, dtype=torch.float32) + 100 * epoch
    alive, stopped = torch.ones(replicas, dtype=torch.bool), torch.full((replicas,), -1)
    weight = mark.view(-1, 1, 1).expand(replicas, width, 3).clone()
    return World({"w": weight}, {"m": mark.clone()}, {}, {}, {}, {}, alive, stopped)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 3).flatmap(lambda r: st.lists(st.tuples(*[LOSSES] * r), min_size=1, max_size=6)))
def test_first_of_the_lowest(losses: list[tuple[float, ...]]) -> None:
    table = np.array(losses)  # [epochs, replicas]
    replicas = table.shape[1]
    best = Best(world(0, replicas))
    for epoch, row in enumerate(losses):
        best.offer(world(epoch, replicas), {"loss": torch.tensor(row)}, epoch)
    finite = np.where(np.isfinite(table), table, np.inf)
    expected = np.where(np.isfinite(finite).any(0), finite.argmin(0), 0)
    assert best.epoch.tolist() == expected.tolist()
    marks = [r + 100 * int(e) for r, e in enumerate(expected)]
    assert best.arrays["params/w"][:, 0, 0].tolist() == marks and best.arrays["buffers/m"].tolist() == marks


def test_without_validation_the_latest_epoch_counts() -> None:
    best = Best(world(0, 2))
    for epoch in range(4):
        now = world(epoch, 2)
        if epoch >= 2:
            now.alive = torch.tensor([True, False])
        best.offer(now, {}, epoch)
    assert best.epoch.tolist() == [3, 1]
    assert best.arrays["buffers/m"].tolist() == [300.0, 101.0]


def test_replica_that_stopped_is_not_chosen() -> None:
    best = Best(world(0, 2))
    best.offer(world(0, 2), {"loss": torch.tensor([1.0, 1.0])}, 0)
    best.offer(replace(world(1, 2), alive=torch.tensor([True, False])), {"loss": torch.tensor([0.5, 0.5])}, 1)
    assert best.epoch.tolist() == [1, 0]


def test_snapshot_is_a_copy() -> None:
    start = world(0, 1)
    best = Best(start)
    start.params["w"].fill_(7)
    assert best.arrays["params/w"].max() == 0
    better = world(1, 1)
    best.offer(better, {"loss": torch.tensor([0.1])}, 1)
    better.params["w"].fill_(7)
    assert best.arrays["params/w"].min() == 100
    best.into(better).params["w"].fill_(3)
    assert best.arrays["params/w"].max() == 100 and better.params["w"].max() == 7


def test_into_takes_weights_and_means_only() -> None:
    best, later = Best(world(2, 2)), world(5, 2)
    later.step, later.state["trace"] = 9, torch.ones(2)
    found = best.into(later)
    assert found.buffers["m"].tolist() == [200.0, 201.0] and found.step == 9 and "trace" in found.state
    assert later.buffers["m"].tolist() == [500.0, 501.0]


def test_grown_network_keeps_the_smaller_ones_filled_up_with_zeros() -> None:
    best = Best(world(0, 2, width=2))
    best.offer(world(0, 2, width=2), {"loss": torch.tensor([1.0, 1.0])}, 0)
    best.offer(world(1, 2, width=4), {"loss": torch.tensor([2.0, 0.5])}, 1)
    weight = best.arrays["params/w"]
    assert weight.shape == (2, 4, 3)
    assert weight[0, :2].eq(0).all() and weight[0, 2:].eq(0).all() and weight[1].eq(101).all()
    best = Best(world(3, 2, width=2), epoch=3)
    best.offer(world(4, 2, width=4), {"loss": torch.tensor([1.0, float("nan")])}, 4)
    assert best.epoch.tolist() == [4, 3] and best.arrays["params/w"][1, :2].eq(301).all() and best.arrays["params/w"][1, 2:].eq(0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_loss_is_compared_in_double(dtype: torch.dtype) -> None:
    best = Best(world(0, 1))
    best.offer(world(1, 1), {"loss": torch.tensor([1.0], dtype=torch.float64)}, 1)
    best.offer(world(2, 1), {"loss": torch.tensor([1.0], dtype=torch.float64) - 1e-12}, 2)
    assert best.epoch.item() == 2 and best.loss.dtype == torch.float64
    best.offer(world(3, 1), {"loss": torch.tensor([0.5], dtype=dtype)}, 3)
    assert best.epoch.item() == 3
