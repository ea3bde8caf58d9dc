"""Streams: draws are pure functions of (seed, name, position), with the moments of their law."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from bioplaus.streams import Streams

DRAWS = {
    "uniform": lambda s, name: s.uniform(name, (4, 5), -1.0, 2.0),
    "normal": lambda s, name: s.normal(name, (4, 5)),
    "integers": lambda s, name: s.integers(name, (4, 5), 0, 1000),
    "permutation": lambda s, name: s.permutation(name, 20),
}


@pytest.mark.parametrize("kind", DRAWS)
def test_same_key_same_draw_whatever_was_drawn_before(kind: str) -> None:
    draw, streams = DRAWS[kind], Streams((3, 7))
    first = draw(streams, "a")
    draw(streams, "b")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    assert torch.equal(draw(streams, "a"), first) and torch.equal(draw(Streams((3, 7)), "a"), first)
    assert torch.equal(torch.get_rng_state(), before)  # nobody else's generator is touched


@pytest.mark.parametrize("kind", DRAWS)
def test_name_position_and_seed_each_change_the_draw(kind: str) -> None:
    draw = DRAWS[kind]
    variants = [
        draw(Streams((3,)), "a"),
        draw(Streams((3,)), "b"),
        draw(Streams((3,)).at(1), "a"),
        draw(Streams((3,)).at(2), "a"),
        draw(Streams((4,)), "a"),
        draw(Streams((3,)), "a1"),
        draw(Streams((33,)), "a"),
    ]
    for one, other in itertools.combinations(variants, 2):
        assert not torch.equal(one, other)


@pytest.mark.parametrize("kind", DRAWS)
def test_replica_of_a_pack_draws_what_the_single_run_draws(kind: str) -> None:
    draw, seeds = DRAWS[kind], (11, 0, 2**40)
    pack = draw(Streams(seeds, position=9), "x")
    for r, seed in enumerate(seeds):
        assert torch.equal(pack[r : r + 1], draw(Streams((seed,), position=9), "x"))
    chosen = Streams(seeds, position=9).select([2, 0])
    assert chosen.seeds == (2**40, 11) and chosen.position == 9
    assert torch.equal(draw(chosen, "x"), pack[[2, 0]])


def test_at_leaves_the_original_where_it_was() -> None:
    streams = Streams((1,), dtype=torch.float64)
    moved = streams.at(4)
    assert (streams.position, moved.position, moved.dtype, moved.seeds) == (0, 4, torch.float64, (1,))


def test_moments_of_uniform_and_normal() -> None:
    n = 200_000
    streams = Streams((1, 2), dtype=torch.float64)
    u = streams.uniform("u", (n,), -1.0, 3.0)
    assert (u >= -1).all() and (u < 3).all()
    # five standard errors of each moment; U(-1, 3): variance 16/12, fourth central moment 4^4/80
    sd = math.sqrt(16 / 12)
    assert (u.mean(1) - 1).abs().max() < 5 * sd / math.sqrt(n)
    assert (u.var(1) - 16 / 12).abs().max() < 5 * math.sqrt((256 / 80 - (16 / 12) ** 2) / n)
    z = streams.normal("z", (n,))
    assert z.mean(1).abs().max() < 5 / math.sqrt(n)
    assert (z.var(1) - 1).abs().max() < 5 * math.sqrt(2 / n)
    assert (z.pow(4).mean(1) - 3).abs().max() < 5 * math.sqrt(96 / n)
    # independent between replicas
    assert (z[0] * z[1]).mean().abs() < 5 / math.sqrt(n)


def test_integers_fill_the_half_open_range_evenly() -> None:
    draws = Streams((5,)).integers("i", (6000,), -2, 4)
    counts = torch.bincount(draws[0] + 2)
    assert draws.dtype == torch.int64 and len(counts) == 6
    assert ((counts - 1000).square() / 1000).sum() < 25  # chi-square, 5 degrees of freedom, p = 1e-4


def test_permutation_holds_each_number_once() -> None:
    p = Streams((5, 6)).permutation("p", 50)
    assert p.dtype == torch.int64 and p.shape == (2, 50)
    assert torch.equal(p.sort(1).values, torch.arange(50).expand(2, -1)) and not torch.equal(p[0], p[1])


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_any_shape_behind_the_replica_axis(shape: tuple[int, ...]) -> None:
    for dtype in (torch.float32, torch.float64):
        streams = Streams((1, 2), dtype=dtype)
        for draw in (streams.uniform("u", shape), streams.normal("n", shape)):
            assert draw.shape == (2, *shape) and draw.dtype == dtype
    assert Streams((1, 2)).integers("i", shape, 0, 9).shape == (2, *shape)
