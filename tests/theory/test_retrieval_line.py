"""The overlap along all loads up to the capacity."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from bioplaus.errors import ConfigError
from bioplaus.theory import dense, hopfield

LEARNT: dict[str, Any] = {"learning": "unsupervised", "M": 20, "r": 0.6, "law": "binomial"}


def check_ends(loads: list[float], highest: float) -> None:
    steps = [b - a for a, b in pairwise(loads)]
    assert loads[0] == 0 and loads[-1] == highest
    assert all(b < a for a, b in pairwise(steps)), "denser towards the capacity"


def test_storing_by_the_published_end_and_solve() -> None:
    loads, overlaps = hopfield.retrieval_line(0.0, points=7)
    check_ends(loads, hopfield.capacity())
    assert loads[-1] == pytest.approx(0.1379055665, abs=1e-10) and overlaps[-1] == pytest.approx(0.9674171157, abs=1e-5)
    assert overlaps[:-1] == pytest.approx([hopfield.solve(alpha, 0).m for alpha in loads[:-1]], abs=1e-9)


def test_learnt_by_solve() -> None:
    loads, overlaps = hopfield.retrieval_line(0.1, **LEARNT, points=4)
    check_ends(loads, hopfield.capacity(0.1, **LEARNT))
    assert overlaps[1:3] == pytest.approx([hopfield.high_load(alpha, 0.1, **LEARNT).m for alpha in loads[1:3]], abs=1e-9)


def test_dense_by_the_published_end_and_solve() -> None:
    loads, overlaps = dense.retrieval_line(4, points=5)
    check_ends(loads, dense.capacity(4))
    assert loads[-1] == pytest.approx(0.03297669, abs=1e-8) and overlaps[-1] == pytest.approx(0.91804, abs=2e-4)  # falls like a root
    assert overlaps[:-1] == pytest.approx([dense.solve(4, gamma).m for gamma in loads[:-1]], abs=1e-9)


def test_nothing_where_nothing_is_retrieved() -> None:
    assert hopfield.retrieval_line(1.2) == ([], []) == dense.retrieval_line(3, 5.0)


def test_one_point_is_refused() -> None:
    with pytest.raises(ConfigError, match="points=1"):
        hopfield.retrieval_line(points=1)
