"""Which form is taken, how temperatures fall, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bioplaus.dynamics import forms
from bioplaus.dynamics.relax import relax, relax_coupled
from bioplaus.dynamics.schedule import schedule
from bioplaus.errors import ConfigError


@pytest.mark.parametrize(
    ("P", "N", "sweeps", "f", "itemsize", "form"),
    [
        (3, 3000, 100, 0.1, 4, "overlap"),
        (900, 1000, 10_000, 0.001, 4, "field"),  # hardly a flip
        (900, 1000, 10_000, 0.5, 4, "field"),
        (100, 1000, 10_000, 0.5, 4, "overlap"),  # flips are dear
        (100, 3000, 1, 0.0, 4, "overlap"),  # one sweep does not pay for building J
        (900, 20_000, 10_000, 0.001, 4, "overlap"),  # 1.6 GB
    ],
)
def test_the_cheaper_form_is_chosen(P: int, N: int, sweeps: int, f: float, itemsize: int, form: str) -> None:
    assert forms.choose(P, N, sweeps, f, itemsize) == form


def test_auto_is_by_cost() -> None:
    one = np.ones((1, 40), np.int8)
    few, many = np.ones((1, 1, 40), np.int8), np.ones((1, 200, 40), np.int8)
    assert relax(few, one, [1e3] * 50, [1], coupling=1.0).form == "overlap"
    assert relax(many, one, [0.1] * 50, [1]).form == "field"
    assert relax(few, one, [0.1], [1], update="parallel").form == "overlap"
    assert relax(many, one, [0.1], [1], update="parallel").form == "field"


@pytest.mark.parametrize("T", [0.0, 0.7])
def test_flip_rate_is_the_mean_over_neurons(T: float) -> None:
    rng = np.random.default_rng(0)
    vectors, state = rng.integers(-1, 2, (2, 9)), 2 * rng.integers(0, 2, 9) - 1
    vectors[:, 0] = 0
    J = 0.2 * vectors.T @ vectors
    rates = []
    for i in range(9):
        h = sum(J[i, j] * state[j] for j in range(9) if j != i) * state[i]
        rates.append((0.5 if h == 0 else float(h < 0)) if T == 0 else 1 / (1 + math.exp(2 * h / T)))
    assert forms.flip_rate(vectors, state, 0.2, T) == pytest.approx(np.mean(rates), rel=1e-12)


def test_schedules() -> None:
    assert schedule("constant", 0.3, 3).tolist() == [0.3] * 3
    assert schedule("linear", 0.0, 5, T_start=2.0).tolist() == [2.0, 1.5, 1.0, 0.5, 0.0]
    np.testing.assert_allclose(schedule("geometric", 0.1, 4, T_start=100.0), [100, 10, 1, 0.1], rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("cubic", 0.1, 3), "schedule='cubic'"),
        (("constant", -0.1, 3), "T=-0.1"),
        (("constant", math.nan, 3), "T=nan"),
        (("constant", 0.1, 0), "sweeps=0"),
        (("constant", 0.1, 3, 1.0), "T_start=1.0"),
        (("linear", 0.1, 3), "T_start=None"),
        (("linear", 0.5, 3, 0.1), "T_start=0.1"),
        (("geometric", 0, 3, 1.0), "T=0"),
    ],
)
def test_schedules_refused(arguments: tuple[Any, ...], says: str) -> None:
    refused(lambda: schedule(*arguments), says)


def refused(call: Any, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        call()
    message = str(caught.value)
    assert says in message and "\n" not in message


GOOD: dict[str, Any] = {"vectors": np.ones((2, 3, 5)), "states": np.ones((2, 5)), "temperatures": [0.1], "seeds": [1, 2]}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"vectors": np.ones((3, 5))}, "vectors of shape (3, 5)"),
        ({"vectors": np.ones((2, 0, 5))}, "vectors of shape (2, 0, 5)"),
        ({"vectors": np.full((2, 3, 5), np.nan)}, "vectors: every entry"),
        ({"states": np.ones((2, 4))}, "states of shape (2, 4)"),
        ({"states": np.zeros((2, 5))}, "states: every entry"),
        ({"temperatures": []}, "temperatures of shape (0,)"),
        ({"temperatures": [0.1, -1.0]}, "temperatures: -1.0"),
        ({"temperatures": [0.1, math.inf]}, "temperatures: inf"),
        ({"seeds": [1]}, "seeds: 1 given"),
        ({"seeds": [1, -2]}, "seeds: -2"),
        ({"seeds": [1, 2**64]}, f"seeds: {2**64}"),
        ({"coupling": 0.0}, "coupling=0.0"),
        ({"coupling": math.inf}, "coupling=inf"),
        ({"probes": np.ones((2, 5))}, "probes of shape (2, 5)"),
        ({"probes": np.ones((1, 1, 5))}, "probes of shape (1, 1, 5)"),
        ({"update": "checkerboard"}, "update='checkerboard'"),
        ({"form": "fast"}, "form='fast'"),
        ({"threads": 0}, "threads=0"),
    ],
)
def test_what_relax_refuses(wrong: dict[str, Any], says: str) -> None:
    refused(lambda: relax(**{**GOOD, **wrong}), says)


@pytest.mark.parametrize(
    ("couplings", "says"),
    [
        (np.ones((2, 5, 4)), "couplings of shape (2, 5, 4)"),
        (np.stack([np.eye(5), np.eye(5) + np.eye(5, k=1) / 4]), "couplings of chain 1"),
        (np.full((2, 5, 5), np.inf), "couplings: every entry"),
    ],
)
def test_couplings_refused(couplings: Any, says: str) -> None:
    rest = {key: value for key, value in GOOD.items() if key != "vectors"}
    refused(lambda: relax_coupled(couplings, **rest, probes=np.ones((2, 1, 5))), says)
