"""The door to the dynamics: chains of Ising neurons relax under vectors or under given couplings."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from bioplaus.dynamics import checks, field, forms, overlap, parallel
from bioplaus.dynamics.interrupt import interruptible

__all__ = ["REFRESH", "Relaxed", "relax", "relax_coupled"]

#: Sweeps after which overlaps or fields are computed afresh, where sums are not exact.
REFRESH = 1000
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Relaxed:
    """What S chains of N neurons did.

    Parameters
    ----------
    states
        Last states, int8 ``[S, N]``.
    overlaps
        ``(1/N) probe . s`` after each sweep, ``[S, sweeps, Q]``.
    energies
        Energy per neuron after each sweep, self terms included, ``[S, sweeps]``.
    flips
        Neurons that changed in each sweep, ``[S, sweeps]``.
    picks
        Neurons updated in all: S x sweeps x N.
    seconds
        Duration of the compiled run alone: no compilation, no building of couplings.
    form
        overlap | field.
    """

    states: Array
    overlaps: Array
    energies: Array
    flips: Array
    picks: int
    seconds: float
    form: str


def relax(
    vectors: Array,
    states: Array,
    temperatures: Sequence[float] | Array,
    seeds: Sequence[int] | Array,
    *,
    coupling: float = 1.0,
    probes: Array | None = None,
    update: str = "glauber",
    form: str = "auto",
    threads: int | None = None,
) -> Relaxed:
    """Relax states under the couplings ``J_ij = (coupling/N) sum_p v_pi v_pj``.

    ``H = -(coupling/(2N)) sum_p (v_p . s)^2``. One sweep of update="glauber" is N picks of a neuron at random, each time
    ``P(s_i = +1) = 1 / (1 + exp(-2 h_i / T))``, ``h_i = (coupling/N) (sum_p v_pi X_p - sum_p v_pi^2 s_i)``, ``X_p = v_p . s``: the self term is
    left out, for detailed balance (Glauber 1963). At T = 0 ``s_i = sign(h_i)``, a fair coin where h_i = 0. One sweep of update="parallel"
    (Little 1974) updates all neurons at once, self term included; ties at T = 0 keep their state.

    Parameters
    ----------
    vectors
        ``[S, P, N]``, int8, or float64 with any finite entries. Whole numbers give exact sums: both forms then follow the same
        trajectory, and ties are exact. Otherwise a tie is a field of exactly 0.
    states
        Where to start, ``[S, N]``, +1 or -1; not changed.
    temperatures
        One per sweep, >= 0; see `bioplaus.dynamics.schedule.schedule`.
    seeds
        One per chain, 0 <= seed < 2^64. A chain depends on its own seed, not on threads nor on the other chains.
    coupling
        Finite, not 0.
    probes
        ``[S, Q, N]``, what overlaps are measured with; None = the vectors.
    update
        glauber | parallel.
    form
        overlap (X_p kept, O(P) per pick) | field (J built and h kept, O(N) per flip) | auto. Auto takes overlap iff
        ``P (0.7 + 0.5 f) < N (0.25 f + (1 + 0.02 P) / sweeps)``, in ns per pick, f being the share of picks that flip in the first chain's start
        at the mean temperature, or if J exceeds 1 GiB; in parallel updates iff 2P < N. All chains take the same form.
    threads
        At most so many, >= 1, chains being shared out; None = all that numba has.

    Raises
    ------
    ConfigError
        A wrong shape, a value outside its range.

    Examples
    --------
    >>> import numpy as np
    >>> pattern = np.array([[[1, -1, 1, -1, 1, -1]]], dtype=np.int8)
    >>> cue = np.array([[1, -1, 1, -1, 1, 1]])
    >>> found = relax(pattern, cue, [0.0] * 9, [1])
    >>> found.states[0].tolist(), float(found.overlaps[0, -1, 0])
    ([1, -1, 1, -1, 1, -1], 1.0)
    """
    vectors = checks.vectors(vectors)
    S, P, N = vectors.shape
    run = _Run.checked(states, temperatures, seeds, vectors if probes is None else probes, update, threads, (S, N))
    checks.coupling(coupling)
    checks.one_of("form", form, ("auto", "overlap", "field"))
    integer = forms.is_integer(vectors)
    kind = forms.couplings_type(vectors, integer)
    if form == "auto" and update == "parallel":
        form = "overlap" if 2 * P < N or np.dtype(kind).itemsize * N * N > forms.COUPLINGS_LIMIT else "field"
    elif form == "auto":
        rate = forms.flip_rate(vectors[0], run.states[0], coupling / N, float(run.temperatures.mean()))
        form = forms.choose(P, N, len(run.temperatures), rate, np.dtype(kind).itemsize)
    refresh = 0 if integer else REFRESH
    if form == "overlap":
        turned = np.ascontiguousarray(vectors.transpose(0, 2, 1))
        if update == "parallel":
            return run.go(parallel.run_vectors, lambda at: (turned[at],), coupling / N, (), form, S)
        own = np.square(vectors, dtype=np.float64).sum(1)
        return run.go(overlap.run, lambda at: (turned[at], own[at]), coupling / N, (refresh,), form, S)
    group = max(1, forms.COUPLINGS_LIMIT // (np.dtype(kind).itemsize * N * N))
    build = lambda at: (forms.couplings(vectors[at], kind),)  # noqa: E731
    if update == "parallel":
        return run.go(parallel.run_couplings, build, coupling / N, (), form, group)
    return run.go(field.run, build, coupling / N, (refresh,), form, group)


def relax_coupled(
    couplings: Array,
    states: Array,
    temperatures: Sequence[float] | Array,
    seeds: Sequence[int] | Array,
    *,
    probes: Array,
    update: str = "glauber",
    threads: int | None = None,
) -> Relaxed:
    """Relax states under given couplings, ``H = -(1/2) sum_ij J_ij s_i s_j``; otherwise as `relax` in field form.

    Parameters
    ----------
    couplings
        J ``[S, N, N]``, float32 or float64, symmetric. Its diagonal acts in parallel updates only, and counts in the energies.
    states, temperatures, seeds, probes, update, threads
        As in `relax`.

    Raises
    ------
    ConfigError
        A wrong shape, a value outside its range, couplings that are not symmetric.
    """
    couplings = checks.couplings(couplings)
    S, N, _ = couplings.shape
    run = _Run.checked(states, temperatures, seeds, probes, update, threads, (S, N))
    if update == "parallel":
        return run.go(parallel.run_couplings, lambda at: (couplings[at],), 1.0, (), "field", S)
    return run.go(field.run, lambda at: (couplings[at],), 1.0, (REFRESH,), "field", S)


@dataclass(frozen=True)
class _Run:
    """The checked arguments that all forms share."""

    states: Array
    temperatures: Array
    seeds: Array
    probes: Array
    threads: int

    @classmethod
    def checked(
        cls,
        states: Array,
        temperatures: Any,
        seeds: Any,
        probes: Array,
        update: str,
        threads: int | None,
        size: tuple[int, int],
    ) -> _Run:
        checks.one_of("update", update, ("glauber", "parallel"))
        return cls(
            checks.states(states, size),
            checks.temperatures(temperatures),
            checks.seeds(seeds, size[0]),
            checks.probes(probes, size),
            checks.threads(threads),
        )

    def go(
        self,
        kernel: Any,
        inputs: Callable[[slice], tuple[Array, ...]],
        scale: float,
        last: tuple[int, ...],
        form: str,
        group: int,
    ) -> Relaxed:
        """Run the chains, so many at a time; inputs gives the kernel's own arrays for some of them."""
        S, N = self.states.shape
        sweeps = len(self.temperatures)
        s = self.states.copy()
        overlaps, energies = np.empty((S, sweeps, self.probes.shape[1])), np.empty((S, sweeps))
        flips = np.zeros((S, sweeps), np.int64)
        seconds = 0.0

        def run(stop: Array) -> None:
            nonlocal seconds
            numba.set_num_threads(self.threads)  # of this thread alone
            for first in range(0, S, group):
                at = slice(first, first + group)
                own = inputs(at)
                rest = (scale, self.seeds[at], *last, overlaps[at], energies[at], flips[at], stop)
                if first == 0:  # compiles, or loads what was compiled before; with no temperature nothing runs
                    kernel(*own, s[at], self.probes[at], self.temperatures[:0], *rest)
                began = time.perf_counter()
                kernel(*own, s[at], self.probes[at], self.temperatures, *rest)
                seconds += time.perf_counter() - began
                if stop[0]:
                    return

        interruptible(run)
        return Relaxed(s, overlaps, energies, flips, S * sweeps * N, seconds, form)
