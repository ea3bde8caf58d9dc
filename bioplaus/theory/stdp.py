"""Pair and triplet rules of spike timing: the change that a protocol of regular spikes makes, in closed form, and event by event.

::

    a presynaptic spike    w <- w - o1 (A2- + A3- r2),   then r1, r2 <- + 1      r1, r2 decay with tau_plus, tau_x
    a postsynaptic spike   w <- w + r1 (A2+ + A3+ o2),   then o1, o2 <- + 1      o1, o2 decay with tau_minus, tau_y

The pair rule has A3+ = A3- = 0. Weights read the traces of before a spike, and spikes at the same time do not see each other. Nearest-neighbour
pairing sets a trace to 1 where all-to-all pairing adds 1. For a single pair at D = t_post - t_pre that is the *window*,

    dw = A2+ exp(-D / tau_plus) for D > 0,   -A2- exp(D / tau_minus) for D < 0,   0 for D = 0

and for n pairs at a frequency 1/P every trace is a geometric sum, ``sum_m exp(-(delta + m P) / tau)``, delta the time since the last spike.
Times are in ms, frequencies in Hz, changes in units of the weight.

Sources: Song, Miller & Abbott 2000, Nat. Neurosci. 3:919; Pfister & Gerstner 2006, J. Neurosci. 26:9673.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bioplaus.theory.require import number, whole

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["FORMS", "PAIR", "PAIRINGS", "TRIPLET", "Timing", "by_events", "per_pairing", "protocol", "window"]

PAIRINGS = ("all", "nearest")
#: Most pairs of a protocol.
_MOST = 1_000_000


@dataclass(frozen=True)
class Timing:
    """Constants of a rule of spike timing.

    Parameters
    ----------
    a_plus, a_minus
        A2+ and A2-, what a pair adds and takes at no distance.
    tau_plus, tau_minus
        Time constants of r1 and o1, ms.
    a3_plus, a3_minus
        A3+ and A3-, what a triplet adds beside; 0 for the pair rule.
    tau_x, tau_y
        Time constants of r2 and o2, ms.
    """

    a_plus: float
    a_minus: float
    tau_plus: float
    tau_minus: float
    a3_plus: float = 0.0
    a3_minus: float = 0.0
    tau_x: float = 101.0
    tau_y: float = 125.0


#: Song, Miller & Abbott 2000, in units of the largest weight, depression 1.05 times potentiation.
PAIR = Timing(0.01, 0.0105, 20.0, 20.0)
#: Full triplet model of visual cortex, all-to-all, of Pfister & Gerstner 2006.
TRIPLET = Timing(5e-10, 7e-3, 16.8, 33.7, 6.2e-3, 2.3e-4, 101.0, 125.0)
FORMS = {"pair": PAIR, "triplet": TRIPLET}


def window(delay: ArrayLike, timing: Timing = PAIR) -> NDArray[Any]:
    """Return the change of one pair of spikes at ``delay = t_post - t_pre``, ms.

    Examples
    --------
    >>> [round(float(change), 8) for change in window([10.0, 0.0, -10.0])]
    [0.00606531, 0.0, -0.00636857]
    """
    d = np.asarray(delay, float)
    up = timing.a_plus * np.exp(-np.maximum(d, 0) / timing.tau_plus)
    down = timing.a_minus * np.exp(np.minimum(d, 0) / timing.tau_minus)
    return np.where(d > 0, up, np.where(d < 0, -down, 0.0))


def protocol(delay: float, frequency: float, pairs: int = 60, timing: Timing = TRIPLET, pairing: str = "all") -> float:
    """Return the change that pairs of spikes make which start from rest: a presynaptic one every 1/frequency, a postsynaptic one `delay` later.

    Parameters
    ----------
    delay
        D, ms, shorter than the period either way.
    frequency
        Hz, > 0.
    pairs
        How many, >= 1.
    timing, pairing
        The rule; all | nearest.

    Raises
    ------
    ConfigError
        If an argument is not allowed.

    Examples
    --------
    >>> protocol(-10.0, 10.0) < 0 < protocol(-10.0, 50.0)
    True
    """
    period = _period(delay, frequency)
    k = np.arange(whole("pairs", pairs, 1, _MOST))
    t, nearest = timing, pairing == "nearest"
    since_pre, since_post = delay % period or period, -delay % period or period
    r1 = _trace(since_pre, k + (delay > 0), period, t.tau_plus, nearest)
    o1 = _trace(since_post, k + (delay < 0), period, t.tau_minus, nearest)
    r2, o2 = (_trace(period, k, period, tau, nearest) for tau in (t.tau_x, t.tau_y))
    return float((r1 * (t.a_plus + t.a3_plus * o2) - o1 * (t.a_minus + t.a3_minus * r2)).sum())


def per_pairing(delay: float, frequency: float, timing: Timing = TRIPLET, pairing: str = "all") -> float:
    """Return the change per pair of spikes once traces have settled, at `delay` and `frequency` as in `protocol`.

    Raises
    ------
    ConfigError
        If an argument is not allowed.
    """
    period, t = _period(delay, frequency), timing

    def settled(since: float, tau: float) -> float:
        last = float(np.exp(-since / tau))
        return last if pairing == "nearest" else last / -float(np.expm1(-period / tau))

    up = settled(delay % period or period, t.tau_plus) * (t.a_plus + t.a3_plus * settled(period, t.tau_y))
    return up - settled(-delay % period or period, t.tau_minus) * (t.a_minus + t.a3_minus * settled(period, t.tau_x))


def by_events(pre: ArrayLike, post: ArrayLike, timing: Timing = PAIR, pairing: str = "all") -> float:
    """Return the change that two trains of spikes make, event by event; times in ms, in any order, no two of one train equal."""
    first, second = ({float(t) for t in np.ravel(side)} for side in (pre, post))
    t, kept, change, before = timing, 0.0 if pairing == "nearest" else 1.0, 0.0, 0.0
    r1 = r2 = o1 = o2 = 0.0
    for now in sorted(first | second):
        r1, r2, o1, o2 = (
            value * math.exp((before - now) / tau) for value, tau in ((r1, t.tau_plus), (r2, t.tau_x), (o1, t.tau_minus), (o2, t.tau_y))
        )
        before = now
        change += r1 * (t.a_plus + t.a3_plus * o2) * (now in second) - o1 * (t.a_minus + t.a3_minus * r2) * (now in first)
        if now in first:
            r1, r2 = kept * r1 + 1, kept * r2 + 1
        if now in second:
            o1, o2 = kept * o1 + 1, kept * o2 + 1
    return change


def _trace(since: float, spikes: NDArray[Any], period: float, tau: float, nearest: bool) -> NDArray[Any]:
    """Return a trace behind so many spikes at equal distances, the last of them some time ago."""
    last = np.exp(-since / tau) * (spikes > 0)
    return last if nearest else last * np.expm1(-spikes * period / tau) / np.expm1(-period / tau)


def _period(delay: float, frequency: float) -> float:
    period = 1000 / number("frequency", frequency, 5e-324)
    number("delay", delay, -period, period)
    return period
