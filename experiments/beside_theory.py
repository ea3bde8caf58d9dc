"""Rows that hold a simulation against theory: one criterion for all, said in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bioplaus.experiments.claims import Measurement

__all__ = ["CRITERION", "allowed", "compared", "exact", "worst"]

#: What `compared` does, for the foot of a table.
CRITERION = (
    "Reached: the mean over disorder samples differs from theory, in m rather than m/(1-d), by no more than the larger of 4 standard errors "
    "and 4/sqrt(N). The interval is of Student's t over samples. Nothing is asserted in rows without a verdict: near a transition, or where the "
    "state is known to be weak. "
    "`settings` in the .json are the arguments of `bioplaus.theory.monte_carlo.monte_carlo` unless they say otherwise."
)


def allowed(values: Sequence[float], N: int, d: float = 0.0) -> float:
    """Return the largest difference from theory that counts as agreement: ``max(4 se, 4/((1 - d) sqrt(N)))``, for values of m/(1-d)."""
    from bioplaus.stats import t_interval

    se = float(t_interval(values)[1]) / math.sqrt(len(values))
    return max(4 * se, 4 / ((1 - d) * math.sqrt(N)))


def compared(
    name: str, theory: float, values: Sequence[float], settings: Mapping[str, Any], *, strong: bool = True, room: float | None = None
) -> Measurement:
    """Return the row of an overlap m/(1-d) beside theory.

    Parameters
    ----------
    name, theory
        What it is, and what it should be.
    values
        One per disorder sample, two or more.
    settings
        Arguments of `bioplaus.theory.monte_carlo.monte_carlo`; N and d are needed.
    strong
        Whether the state is far from a transition, so that agreement is asserted.
    room
        Largest difference that counts as agreement; None = `allowed`.
    """
    from bioplaus.stats import t_interval

    mean, _, low, high = (float(v) for v in t_interval(values))
    most = allowed(values, settings["N"], settings["d"]) if room is None else room
    return Measurement(
        name,
        f"{theory:.4f} +- {most:.4f}" if strong else f"{theory:.4f}",
        mean,
        (low, high),
        len(values),
        abs(mean - theory) <= most if strong else None,
        dict(settings),
    )


def exact(name: str, target: float, found: float, digits: int, **settings: Any) -> Measurement:
    """Return the row of a computed number beside the published or derived one, which is given to so many decimals."""
    return Measurement(
        name, f"{target:.{digits}f}", found, reached=abs(found - target) < 0.6 * 10**-digits, settings=settings
    )


def worst(rows: Sequence[Measurement], target: str = "theory") -> str:
    """Return a sentence on how far asserted rows are from their target, in standard errors: the criterion alone may be lenient."""
    from scipy.special import stdtrit

    off = []
    for row in rows:
        if row.mean is not None and row.ci95 is not None and row.n and row.reached is not None and row.ci95[1] > row.ci95[0]:
            se = (row.ci95[1] - row.ci95[0]) / 2 / float(stdtrit(row.n - 1, 0.975))
            off.append((row.mean - float(row.target.split()[0])) / se)
    if not off:
        return "No row is asserted."
    inside = sum(abs(one) <= 2 for one in off)
    furthest = max(off, key=abs)
    return f"Of {len(off)} asserted means {inside} lie within 2 standard errors of {target}; the furthest is off by {furthest:+.1f}."
