"""Numbers that cannot be are refused in one line that names them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bioplaus.errors import ConfigError, SolverError
from bioplaus.theory import curie_weiss, dense, enumeration, hopfield
from bioplaus.theory.retrieval import solved

CASES: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (hopfield.solve, (-0.1, 0), {}, "alpha=-0.1 must be a finite number at least 0"),
    (hopfield.solve, (0.1, -1), {}, "T=-1 must be"),
    (hopfield.solve, (math.nan, 0), {}, "alpha=nan must be"),
    (hopfield.solve, (0.1, math.inf), {}, "T=inf must be"),
    (hopfield.solve, ("0.1", 0), {}, "alpha=0.1 must be"),
    (hopfield.spin_glass, (-1, 0), {}, "alpha=-1 must be"),
    (hopfield.spin_glass_temperature, (-1,), {}, "alpha=-1 must be"),
    (hopfield.retrieval_temperature, (-1,), {}, "alpha=-1 must be"),
    (hopfield.capacity, (-1,), {}, "T=-1 must be"),
    (hopfield.capacity, (), {"learning": "rote"}, "learning=rote is not one of storing, supervised, unsupervised"),
    (hopfield.capacity, (), {"learning": "supervised"}, "M=None must be a whole number from 1"),
    (hopfield.capacity, (), {"learning": "storing", "r": 0.5}, "r=0.5 must be 1 under learning=storing"),
    (hopfield.high_load, (0.1, 0.1), {"r": 0, "M": 3}, "r=0 must be above 0"),
    (hopfield.high_load, (0.1, 0.1), {"r": 1.1, "M": 3}, "r=1.1 must be a finite number at least 0 and at most 1"),
    (hopfield.high_load, (0.1, 0.1), {"r": 0.5, "M": 0}, "M=0 must be a whole number from 1"),
    (hopfield.high_load, (0.1, 0.1), {"r": 0.5, "M": 2.5}, "M=2.5 must be a whole number"),
    (hopfield.high_load, (0.1, 0.1), {"r": 0.5, "M": 10**7}, "M=10000000 must be a whole number from 1 to 1000000"),
    (
        hopfield.high_load,
        (0.1, 0.1),
        {"r": 0.5, "M": 5, "law": "poisson"},
        "law=poisson is not one of binomial, gaussian",
    ),
    (dense.solve, (1, 0.1), {}, "P=1 must be a whole number from 3 to 30"),
    (dense.solve, (2, 0.1), {}, "P=2 must be a whole number from 3 to 30; pairs"),
    (dense.solve, (3.5, 0.1), {}, "P=3.5 must be a whole number"),
    (dense.solve, (3, -0.1), {}, "gamma=-0.1 must be"),
    (dense.capacity, (3, -0.1), {}, "T=-0.1 must be"),
    (curie_weiss.magnetisation, (-1,), {}, "T=-1 must be"),
    (curie_weiss.magnetisation, (1, math.inf), {}, "h=inf must be a finite number$"),
    (curie_weiss.finite_size, (0, 1), {}, "N=0 must be a whole number from 1"),
    (curie_weiss.finite_size, (True, 1), {}, "N=True must be"),
    (enumeration.enumerate_states, (np.ones((1, 23)), 1), {}, "N=23 must be at most 22"),
    (enumeration.enumerate_states, (np.ones(5), 1), {}, r"vectors of shape \(5,\) must be"),
    (enumeration.enumerate_states, ([[1, math.nan]], 1), {}, "must be finite numbers"),
    (enumeration.enumerate_states, ([[1, 1]], -1), {}, "T=-1 must be"),
]


@pytest.mark.parametrize(("function", "values", "named", "message"), CASES)
def test_refusals(function: Callable[..., Any], values: tuple[Any, ...], named: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        function(*values, **named)
    assert "\n" not in str(caught.value)


def test_equations_that_are_not_solved() -> None:
    assert solved(1e-12, "alpha=0.1") == 1e-12
    for residual in (1e-3, math.nan):
        with pytest.raises(SolverError, match=r"alpha=0.1 have the residual .*; try "):
            solved(residual, "alpha=0.1")
