"""Monte Carlo of the Hebbian multitasking network: disorder samples relax from a cue, and their magnetisations are averaged.

Model after Agliari, Alessandrelli, Barra & Ricci-Tersenghi (2023, arXiv:2308.04106).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bioplaus.disorder import STARTS, cue, draw_examples, draw_patterns
from bioplaus.dynamics.relax import relax
from bioplaus.errors import ConfigError
from bioplaus.theory.problem import LEARNING, check_dilution, check_patterns, check_quality
from bioplaus.theory.require import choice, number, whole

__all__ = ["MonteCarlo", "monte_carlo"]

_MEMORY = 2**28  # bytes of vectors held at a time
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class MonteCarlo:
    """Averages over sweeps and disorder samples.

    Parameters
    ----------
    m, n
        Magnetisations of the K patterns, divided by 1 - d, in the patterns' order: ``m_mu = xi . s / N`` and
        ``n_mu = v . s / ((1 + rho) N)``, v the mean example over r.
    m_se, n_se
        Standard errors over disorder samples; None for one sample.
    values_m, values_n
        Time average of each sample, ``[samples][K]``.
    energy, energy_se
        Energy per neuron, self terms included, and its standard error.
    sweeps, burn_in, samples
        As asked for.
    picks, seconds
        Neurons updated, burn-in included, and the duration of the compiled runs.
    form
        overlap | field.
    """

    m: list[float]
    m_se: list[float] | None
    n: list[float]
    n_se: list[float] | None
    values_m: list[list[float]]
    values_n: list[list[float]]
    energy: float
    energy_se: float | None
    sweeps: int
    burn_in: int
    samples: int
    picks: int
    seconds: float
    form: str


def monte_carlo(
    K: int,
    d: float,
    T: float,
    N: int,
    *,
    M: int | None = None,
    r: float = 1.0,
    learning: str = "storing",
    start: str = "hierarchical",
    normalise: bool = True,
    sweeps: int = 150,
    burn_in: int = 100,
    samples: int = 16,
    seed: int = 0,
    threads: int | None = None,
    form: str = "auto",
) -> MonteCarlo:
    """Relax disorder samples of N neurons and average their magnetisations.

    ``H = -(g/(2N)) sum_mu (xi . s)^2`` (storing), ``-(g/(2NR)) sum_mu (etabar . s)^2`` (supervised),
    ``-(g/(2NRM)) sum_mu,a (eta . s)^2`` (unsupervised), ``R = r^2 + (1 - r^2)/M``; random sequential Glauber dynamics.

    Parameters
    ----------
    K, d
        Patterns, >= 1, and their dilution, 0 <= d < 1.
    T
        Temperature, >= 0.
    N
        Neurons, >= 2 K, enough that N (1 - d) >= 1.
    M, r
        Examples of each pattern, >= 1, and their quality, 0 < r <= 1; storing needs no M.
    learning
        storing | supervised | unsupervised.
    start
        Cue made of the patterns: hierarchical | pure | parallel | random.
    normalise
        g = 1/(1 - d), so that the critical temperature is 1; else g = 1.
    sweeps, burn_in
        Sweeps averaged over, >= 1, and before that, >= 0.
    samples, seed
        Disorder samples, >= 1; sample i draws everything from seed + i.
    threads, form
        As in `bioplaus.dynamics.relax.relax`.

    Raises
    ------
    ConfigError
        A value outside its range.

    Examples
    --------
    >>> found = monte_carlo(1, 0.0, 0.0, 100, samples=2, sweeps=5, burn_in=0)
    >>> found.m, found.m_se, found.energy
    ([1.0], [0.0], -0.5)
    """
    _check(K, d, T, N, M, r, learning, start, sweeps, burn_in, samples, seed)
    g = 1 / (1 - d) if normalise else 1.0
    examples = 1 if learning == "storing" else int(M or 1)
    R = 1.0 if learning == "storing" else r * r + (1 - r * r) / examples
    rows = K * (examples if learning == "unsupervised" else 1)
    # supervised vectors are sums, not means, of examples: whole numbers, whose overlaps are exact
    coupling = {"storing": g, "supervised": g / (R * examples**2), "unsupervised": g / (R * examples)}[learning]
    group = max(1, _MEMORY // (8 * (rows + 2 * K) * N))
    runs, values = [], []
    for first in range(seed, seed + samples, group):
        seeds = range(first, min(first + group, seed + samples))
        drawn = [_sample(s, K, d, N, examples, r, learning, start) for s in seeds]
        vectors, states, probes = (np.stack(part) for part in zip(*drawn))
        run = relax(
            vectors,
            states,
            np.full(burn_in + sweeps, float(T)),
            seeds,
            coupling=coupling,
            probes=probes,
            threads=threads,
            form=form,
        )
        runs.append(run)
        values.append(run.overlaps[:, burn_in:].mean(1) / (1 - d))
    m, n = np.concatenate(values)[:, :K], np.concatenate(values)[:, -K:]
    energies = np.concatenate([run.energies[:, burn_in:].mean(1) for run in runs])
    return MonteCarlo(
        m.mean(0).tolist(), _error(m), n.mean(0).tolist(), _error(n), m.tolist(), n.tolist(),
        float(energies.mean()), _error(energies), sweeps, burn_in, samples,
        sum(run.picks for run in runs), sum(run.seconds for run in runs), runs[0].form,
    )  # fmt: skip


def _sample(
    seed: int, K: int, d: float, N: int, M: int, r: float, learning: str, start: str
) -> tuple[Array, Array, Array]:
    """Return a sample's vectors ``[P, N]``, its cue, and the probes of m and, unless they are the same, of n."""
    patterns = draw_patterns(seed, K, N, d)
    state = cue(seed, patterns, start)
    if learning == "storing":
        return patterns, state, patterns.astype(np.float64)
    examples = draw_examples(seed, patterns, M, r)
    sums = examples.sum(1, dtype=np.float64)
    rho = (1 - r * r) / (M * r * r)
    probes = np.concatenate([patterns, sums / (M * r * (1 + rho))])
    return sums if learning == "supervised" else examples.reshape(K * M, N), state, probes


def _error(values: Array) -> Any:
    """Return the standard error of the mean over the first axis, None for one value."""
    return (values.std(0, ddof=1) / math.sqrt(len(values))).tolist() if len(values) > 1 else None


def _check(
    K: int,
    d: float,
    T: float,
    N: int,
    M: int | None,
    r: float,
    learning: str,
    start: str,
    sweeps: int,
    burn_in: int,
    samples: int,
    seed: int,
) -> None:
    """Refuse values outside their ranges."""
    choice("learning", learning, LEARNING)
    choice("start", start, STARTS)
    check_patterns(K)
    check_dilution(d)
    check_quality(r)
    number("T", T, 0)
    for name, count, least in (("sweeps", sweeps, 1), ("burn_in", burn_in, 0), ("samples", samples, 1), ("seed", seed, 0), ("N", N, 1)):
        whole(name, count, least)
    if learning != "storing" and M is None:
        raise ConfigError(f"M=None: learning={learning} needs a number of examples, M >= 1")
    if M is not None:
        whole("M", M, 1)
    if N < 2 * K:
        raise ConfigError(f"N={N}: too small for K={K} patterns, must be >= 2 K = {2 * K}")
    if N * (1 - d) < 1:
        raise ConfigError(
            f"N={N}: too small for d={d}, a pattern would be all blank; must be >= 1/(1 - d) = {1 / (1 - d):.4g}"
        )
