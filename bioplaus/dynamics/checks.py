"""Checks of what the dynamics is given: one clear line for whatever is wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numba
import numpy as np

from bioplaus.errors import ConfigError

__all__ = ["coupling", "couplings", "one_of", "probes", "seeds", "states", "temperatures", "threads", "vectors"]

Array = np.ndarray[Any, Any]


def one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    """Refuse a word that is not allowed."""
    if value not in allowed:
        raise ConfigError(f"{name}={value!r}: must be one of {', '.join(allowed)}")


def coupling(value: float) -> None:
    """Refuse a coupling that is 0 or not finite."""
    if not math.isfinite(value) or value == 0:
        raise ConfigError(f"coupling={value}: must be a finite number, not 0")


def vectors(given: Array) -> Array:
    """Return vectors ``[S, P, N]``, int8 as they are, anything else as float64."""
    found = np.asarray(given)
    if found.ndim != 3 or 0 in found.shape:
        raise ConfigError(f"vectors of shape {found.shape}: must be (chains, vectors, neurons), none of them 0")
    return np.ascontiguousarray(found) if found.dtype == np.int8 else _finite("vectors", found)


def couplings(given: Array) -> Array:
    """Return couplings ``[S, N, N]``, symmetric, float32 as they are, anything else as float64."""
    found = np.asarray(given)
    if found.ndim != 3 or 0 in found.shape or found.shape[1] != found.shape[2]:
        raise ConfigError(f"couplings of shape {found.shape}: must be (chains, neurons, neurons), none of them 0")
    found = _finite("couplings", found, np.float32 if found.dtype == np.float32 else np.float64)
    for c, J in enumerate(found):
        if not np.array_equal(J, J.T):
            off = float(np.abs(J - J.T).max())
            raise ConfigError(
                f"couplings of chain {c}: must be symmetric, J and its transpose differ by up to {off:.3g}"
            )
    return found


def states(given: Array, size: tuple[int, int]) -> Array:
    """Return states ``[S, N]`` as int8."""
    found = np.asarray(given)
    if found.shape != size:
        raise ConfigError(f"states of shape {found.shape}: must be (chains, neurons) = {size}")
    if not np.all((found == 1) | (found == -1)):
        raise ConfigError("states: every entry must be +1 or -1")
    return np.ascontiguousarray(found, np.int8)


def temperatures(given: Any) -> Array:
    """Return temperatures ``[sweeps]`` as float64."""
    found = np.asarray(given, np.float64)
    if found.ndim != 1 or not len(found):
        raise ConfigError(f"temperatures of shape {found.shape}: must be one number per sweep, at least one")
    if not np.all(np.isfinite(found) & (found >= 0)):
        raise ConfigError(
            f"temperatures: {found[~(np.isfinite(found) & (found >= 0))][0]} among them; all must be finite and >= 0"
        )
    return found.copy()


def seeds(given: Any, chains: int) -> Array:
    """Return seeds ``[S]`` as uint64."""
    found = [int(seed) for seed in given]
    if len(found) != chains:
        raise ConfigError(f"seeds: {len(found)} given, must be one per chain, {chains}")
    if not all(0 <= seed < 2**64 for seed in found):
        raise ConfigError(
            f"seeds: {next(seed for seed in found if not 0 <= seed < 2**64)} among them; all must be >= 0 and < 2^64"
        )
    return np.array(found, np.uint64)


def probes(given: Array, size: tuple[int, int]) -> Array:
    """Return probes ``[S, Q, N]`` as float64."""
    found = np.asarray(given)
    if found.ndim != 3 or (found.shape[0], found.shape[2]) != size:
        raise ConfigError(f"probes of shape {found.shape}: must be ({size[0]} chains, any number, {size[1]} neurons)")
    return _finite("probes", found)


def threads(given: int | None) -> int:
    """Return how many threads to use: at most those that numba started with."""
    most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    if given is not None and given < 1:
        raise ConfigError(f"threads={given}: must be >= 1")
    return most if given is None else min(int(given), most)


def _finite(name: str, given: Array, kind: type[np.floating[Any]] = np.float64) -> Array:
    found = np.ascontiguousarray(given, kind)
    if not np.isfinite(found).all():
        raise ConfigError(f"{name}: every entry must be a finite number")
    return found
