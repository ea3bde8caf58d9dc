"""Batches by index: orders, short batches, targets, chunks, augmentation."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bioplaus.feed import Feed
from bioplaus.streams import Streams

SEEDS = (3, 8, 1)


def vectors(n: int = 10) -> Feed:
    """Sample i is (i, i + 0.5) with label 7 i."""
    i = torch.arange(n)
    return Feed(torch.stack((i.double(), i + 0.5), 1), 7 * i)


def images(augment: str = "flip_crop", echo: bool = False) -> Feed:
    """Every pixel of every image is another number."""
    x = torch.arange(5 * 2 * 12 * 12, dtype=torch.float64).view(5, 2, 12, 12)
    return Feed(x, torch.arange(5), augment, echo)


@settings(deadline=None, max_examples=30)
@given(n=st.integers(1, 200), seed=st.integers(0, 2**40), epoch=st.integers(0, 1000))
def test_order_is_a_permutation(n: int, seed: int, epoch: int) -> None:
    feed = vectors(n)
    order = feed.order(Streams((seed, seed + 1)), epoch)
    assert order.shape == (2, n) and order.dtype == torch.int64
    assert torch.equal(order.sort(1).values, torch.arange(n).expand(2, -1))


def test_order_belongs_to_seed_and_epoch() -> None:
    feed = vectors(50)
    orders = [feed.order(Streams(SEEDS, position=position), epoch) for epoch in (0, 1) for position in (0, 17)]
    assert torch.equal(orders[0], orders[1]) and torch.equal(orders[2], orders[3]), "the step does not matter"
    rows = {tuple(row.tolist()) for order in orders for row in order}
    assert len(rows) == 2 * len(SEEDS), "each seed and each epoch has its own"
    for r, seed in enumerate(SEEDS):
        assert torch.equal(feed.order(Streams((seed,)), 1)[0], orders[2][r])


def test_batches_of_an_epoch_visit_every_sample_once() -> None:
    feed = vectors(10)
    batches = [feed.batch(index) for index in feed.order(Streams(SEEDS), 0).split(4, 1)]
    assert [batch.size for batch in batches] == [4, 4, 2]
    for batch in batches:
        assert batch.index is not None and batch.x.shape == (3, batch.size, 2) and batch.y.shape == (3, batch.size)
        assert torch.equal(batch.x[..., 0], batch.index.double()) and torch.equal(batch.x[..., 1], batch.index + 0.5)
        assert torch.equal(batch.y, 7 * batch.index)
    seen = torch.cat([batch.y for batch in batches], 1)
    assert torch.equal(seen.sort(1).values, (7 * torch.arange(10)).expand(3, -1))


def test_shared_index_gives_a_shared_batch() -> None:
    batch = vectors().batch(torch.tensor([[4, 4, 0]]), Streams(SEEDS))
    assert batch.x.tolist() == [[[4.0, 4.5], [4.0, 4.5], [0.0, 0.5]]] and batch.y.tolist() == [[28, 28, 0]]


def test_targets_of_any_shape() -> None:
    feed = Feed(torch.zeros(6, 2), torch.arange(12.0).view(6, 2, 1))
    batch = feed.batch(torch.tensor([[5, 0], [1, 2]]))
    assert batch.y.flatten(2).tolist() == [[[10.0, 11.0], [0.0, 1.0]], [[2.0, 3.0], [4.0, 5.0]]]


@pytest.mark.parametrize("size", [1, 3, 5, 10, 64])
@pytest.mark.parametrize("echo", [False, True])
def test_chunks_cover_all_in_order(size: int, echo: bool) -> None:
    plain = vectors()
    feed = Feed(plain.x, plain.y, echo=echo)
    chunks = list(feed.chunks(size))
    assert [chunk.size for chunk in chunks] == [size] * (10 // size) + ([10 % size] if 10 % size else [])
    for name, expected in (("x", feed.x), ("y", feed.x if echo else feed.y), ("index", torch.arange(10))):
        parts = [getattr(chunk, name) for chunk in chunks]
        assert all(part.shape[0] == 1 for part in parts)
        assert torch.equal(torch.cat(parts, 1)[0], expected)


def test_no_samples_no_chunks() -> None:
    assert list(vectors(0).chunks(4)) == [] and len(vectors(0)) == 0 and len(vectors(7)) == 7


def test_echo_makes_the_augmented_sample_its_own_target() -> None:
    index = torch.tensor([[0, 1, 2, 3, 4]])
    batch = images(echo=True).batch(index, Streams(SEEDS))
    assert torch.equal(batch.x, batch.y)
    assert not torch.equal(batch.x[0], images().x), "it was augmented"
    assert torch.equal(images(echo=True).batch(index).y[0], images().x)


def test_augmentation_needs_streams_and_belongs_to_seed_and_step() -> None:
    feed, index = images(), torch.arange(5).expand(3, -1)
    plain = feed.batch(index)
    assert torch.equal(plain.x, feed.x.expand(3, -1, -1, -1, -1))
    assert torch.equal(images("none").batch(index, Streams(SEEDS)).x, plain.x)
    first, again, later = (feed.batch(index, Streams(SEEDS, position)) for position in (4, 4, 5))
    assert torch.equal(first.x, again.x) and not torch.equal(first.x, later.x)
    assert len({tuple(first.x[r].flatten().tolist()) for r in range(3)}) == 3, "replicas differ"
    assert torch.equal(first.y, plain.y)
    for r, seed in enumerate(SEEDS):
        alone = feed.batch(index[:1], Streams((seed,), 4))
        assert torch.equal(alone.x[0], first.x[r])
    shared = feed.batch(index[:1], Streams(SEEDS, 4))
    assert torch.equal(shared.x, first.x), "a shared index with own augmentation"


def test_augmented_images_are_windows_of_the_padded_image_or_of_its_mirror() -> None:
    """Found by search over all 2 x 81 windows; over many steps both halves and the outermost windows turn up."""
    feed = images()
    padded = torch.nn.functional.pad(feed.x[:1], (4, 4, 4, 4), mode="replicate")[0]
    windows = {}
    for flip in (0, 1):
        source = padded.flip(-1) if flip else padded
        for top in range(9):
            for left in range(9):
                windows[tuple(source[:, top : top + 12, left : left + 12].flatten().tolist())] = (flip, top, left)
    index = torch.zeros(1, 40, dtype=torch.int64)
    found = [
        windows[tuple(image.flatten().tolist())]
        for step in range(10)
        for image in feed.batch(index, Streams((0,), step)).x[0]
    ]
    flips, tops, lefts = (set(values) for values in zip(*found))
    assert flips == {0, 1} and tops == lefts == set(range(9))
    assert 150 < sum(flip for flip, _, _ in found) < 250


@pytest.mark.parametrize("shared", [False, True])
def test_every_replica_meets_samples_of_its_own(shared: bool) -> None:
    """Sample i of replica r is 100 r + i; packs of neighbours and of others."""
    numbers = 100 * torch.arange(4).unsqueeze(1) + torch.arange(6)
    feed = Feed(numbers.double().unsqueeze(-1), numbers, apart=True)
    for replicas in ((0, 1, 2, 3), (2, 3), (1,), (3, 0)):
        index = torch.tensor([[5, 0, 2]]) if shared else torch.tensor([[5, 0, 2], [1, 1, 4], [3, 2, 0], [0, 5, 5]])[: len(replicas)]
        batch = feed.select(replicas).batch(index)
        expected = [[100 * r + i for i in index[0 if shared else row].tolist()] for row, r in enumerate(replicas)]
        assert batch.y.tolist() == expected and batch.x.squeeze(-1).tolist() == expected
