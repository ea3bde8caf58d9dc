"""Monte Carlo against the published magnetisations, and against itself where two settings mean one thing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bioplaus.errors import ConfigError
from bioplaus.theory import monte_carlo as module
from bioplaus.theory.monte_carlo import MonteCarlo, monte_carlo

# K, d, T: m/(1-d) of infinite N
STORING = [
    (2, 0.3, 0.2, (0.99954808, 0.25825954)),
    (2, 0.8, 0.5, (0.84762291, 0.84762291)),
    (3, 0.3, 0.05, (1.0, 0.29996166, 0.08399306)),
    (3, 0.5, 0.1, (0.9991675, 0.49913781, 0.24908461)),
    (3, 0.7, 0.1, (0.95169887, 0.7449324, 0.53828839)),
    (3, 0.8, 0.6, (0.70328916,) * 3),
]
# K, d, T, M, r: m/(1-d) and n/(1-d) of infinite N, exact in M
NOISY = [
    (1, 0.0, 0.5, 20, 0.3, (0.68172579,), (0.61805255,)),
    (2, 0.3, 0.1, 40, 0.3, (0.84977719, 0.40192535), (0.76543853, 0.37215125)),
    (2, 0.8, 0.5, 40, 0.3, (0.71376361,) * 2, (0.66253075,) * 2),
    (3, 0.4, 0.05, 40, 0.5, (0.96665019, 0.42063024, 0.19127037), (0.91442573, 0.40238708, 0.18273069)),
]


def near(found: list[float], errors: list[float] | None, theory: tuple[float, ...], d: float, N: int) -> None:
    """Compare magnetisations, not divided by 1 - d."""
    assert errors is not None and len(found) == len(theory)
    for value, error, expected in zip(found, errors, theory):
        assert (1 - d) * abs(value - expected) < max(4 * (1 - d) * error, 4 / math.sqrt(N))


@pytest.mark.parametrize(("K", "d", "T", "m"), STORING)
def test_stored_patterns(K: int, d: float, T: float, m: tuple[float, ...]) -> None:
    found = monte_carlo(K, d, T, 4000, sweeps=80, burn_in=80)
    near(found.m, found.m_se, m, d, 4000)
    assert found.n == found.m and found.samples == 16 and len(found.values_m) == 16


@pytest.mark.parametrize("learning", ["supervised", "unsupervised"])
@pytest.mark.parametrize(("K", "d", "T", "M", "r", "m", "n"), NOISY)
def test_learned_patterns(
    K: int, d: float, T: float, M: int, r: float, m: tuple[float, ...], n: tuple[float, ...], learning: str
) -> None:
    found = monte_carlo(K, d, T, 2000, M=M, r=r, learning=learning, sweeps=60, burn_in=60)
    near(found.m, found.m_se, m, d, 2000)
    near(found.n, found.n_se, n, d, 2000)


@pytest.mark.parametrize("d", [0.2, 0.5, 0.8])
def test_three_patterns_without_noise(d: float) -> None:
    """Hierarchical below the critical dilution 0.618, a majority on neurons with three entries above."""
    found = monte_carlo(3, d, 0.0, 20_000, samples=4, sweeps=40, burn_in=60)
    if d < 0.618:
        theory = (1.0, d, d * d)
        assert found.energy == pytest.approx(-0.5 * (1 - d) * (1 + d**2 + d**4), abs=4 / math.sqrt(20_000))
    else:
        theory = ((1 + 2 * d - d * d) / 2, (1 + d * d) / 2, (1 - 2 * d + 3 * d * d) / 2)
    for value, expected in zip(found.m, theory):
        assert abs(value - expected) < 4 / math.sqrt(20_000 * (1 - d))


def close(a: MonteCarlo, b: MonteCarlo, energies: float = 1.0) -> None:
    np.testing.assert_allclose(a.values_m, b.values_m, rtol=1e-12)
    np.testing.assert_allclose(a.values_n, b.values_n, rtol=1e-12)
    assert a.energy == pytest.approx(energies * b.energy, rel=1e-12)


SMALL: dict[str, Any] = {"K": 2, "d": 0.25, "T": 0.5, "N": 400, "samples": 3, "sweeps": 10, "burn_in": 5}


def test_one_example_needs_no_label() -> None:
    close(*(monte_carlo(**SMALL, M=1, r=0.5, learning=learning) for learning in ("supervised", "unsupervised")))


def test_perfect_examples_are_patterns() -> None:
    for learning in ("supervised", "unsupervised"):
        close(monte_carlo(**SMALL, M=8, r=1.0, learning=learning), monte_carlo(**SMALL))


def test_coupling_only_rescales_the_temperature() -> None:
    """g = 1 instead of 1/(1 - d) = 4/3."""
    plain = monte_carlo(**{**SMALL, "T": 0.75 * SMALL["T"]}, normalise=False)
    close(plain, monte_carlo(**SMALL), 0.75)


def test_burn_in_is_left_out() -> None:
    alone, both, first = (monte_carlo(**{**SMALL, "burn_in": b, "sweeps": s}) for b, s in ((5, 2), (0, 7), (0, 5)))
    np.testing.assert_allclose(7 * np.array(both.values_m), 5 * np.array(first.values_m) + 2 * np.array(alone.values_m), rtol=1e-12)
    assert alone.picks == both.picks == 3 * 7 * 400


def test_samples_have_consecutive_seeds_and_their_own_error() -> None:
    found = monte_carlo(**SMALL, seed=3, M=4, r=0.5, learning="supervised")
    alone = monte_carlo(**{**SMALL, "samples": 1}, seed=4, M=4, r=0.5, learning="supervised")
    assert found.values_m[1] == alone.values_m[0] and found.values_n[1] == alone.values_n[0]
    assert alone.m_se is None and alone.n_se is None and alone.energy_se is None
    values = np.array(found.values_m)
    np.testing.assert_allclose(found.m, values.mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.m_se, np.sqrt(((values - values.mean(0)) ** 2).sum(0) / 2 / 3), rtol=1e-12)


def test_samples_in_groups_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = monte_carlo(**SMALL, threads=2)
    monkeypatch.setattr(module, "_MEMORY", 1)
    parts = monte_carlo(**SMALL, threads=1)
    assert parts.values_m == whole.values_m and parts.energy == whole.energy and parts.picks == whole.picks


def test_the_cue_decides_without_noise() -> None:
    """One undiluted pattern: the pure cue is the pattern itself; of two, the pure cue holds the first alone."""
    assert monte_carlo(1, 0.0, 0.0, 50, start="pure", samples=2, sweeps=1, burn_in=0).m == [1.0]
    found = monte_carlo(2, 0.0, 0.0, 2000, start="pure", samples=4, sweeps=5, burn_in=5)
    assert found.m[0] == 1.0 and abs(found.m[1]) < 4 / math.sqrt(2000)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"K": 0}, "K=0"),
        ({"d": 1.0}, "d=1.0"),
        ({"d": -0.1}, "d=-0.1"),
        ({"d": math.nan}, "d=nan"),
        ({"T": -1.0}, "T=-1.0"),
        ({"T": math.nan}, "T=nan"),
        ({"r": 0.0}, "r=0.0"),
        ({"r": 1.1}, "r=1.1"),
        ({"M": 0}, "M=0"),
        ({"learning": "supervised"}, "M=None"),
        ({"learning": "deep"}, "learning=deep"),
        ({"start": "warm"}, "start=warm"),
        ({"sweeps": 0}, "sweeps=0"),
        ({"burn_in": -1}, "burn_in=-1"),
        ({"samples": 0}, "samples=0"),
        ({"seed": -1}, "seed=-1"),
        ({"threads": 0}, "threads=0"),
        ({"form": "fast"}, "form='fast'"),
        ({"N": 3}, "N=3: too small for K=2"),
        ({"N": 10, "d": 0.95}, "N=10: too small for d=0.95"),
    ],
)
def test_what_monte_carlo_refuses(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        monte_carlo(**{**SMALL, **wrong})
    assert says in str(caught.value) and "\n" not in str(caught.value)
