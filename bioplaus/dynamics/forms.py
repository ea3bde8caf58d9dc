"""Which form of the dynamics is cheaper, and the couplings of the field form."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["COUPLINGS_LIMIT", "choose", "couplings", "couplings_type", "flip_rate", "is_integer"]

#: Bytes that the couplings of the chains in work may take together; a single matrix may take as much.
COUPLINGS_LIMIT = 2**30

# ns on one core of an AMD EPYC (Milan): per vector and pick, per vector and flip; per neuron and flip; per N^2 for the first fields, per N^2 P
# for building J
_PICK, _UPDATE, _ROW, _START, _BUILD = 0.7, 0.5, 0.25, 1.0, 0.02


def is_integer(vectors: np.ndarray[Any, Any]) -> bool:
    """Tell whether all entries are whole numbers, so that sums of their products are exact."""
    return vectors.dtype.kind in "iu" or bool(np.array_equal(vectors, np.rint(vectors)))


def couplings_type(vectors: np.ndarray[Any, Any], integer: bool) -> type[np.floating[Any]]:
    """Return float32 where it holds every entry of ``sum_p v_p v_p^T`` exactly (whole numbers below 2^24), else float64."""
    largest = float(np.abs(vectors.astype(np.float64)).max(initial=0)) if integer else np.inf
    return np.float32 if vectors.shape[-2] * largest**2 < 2**24 else np.float64


def couplings(vectors: np.ndarray[Any, Any], kind: type[np.floating[Any]]) -> np.ndarray[Any, Any]:
    """Return ``J_ij = sum_p v_pi v_pj``, diagonal included, ``[S, N, N]``, of vectors ``[S, P, N]``."""
    found = np.empty((vectors.shape[0], vectors.shape[2], vectors.shape[2]), kind)
    for c, chain in enumerate(vectors):
        rows = chain.astype(kind)
        np.matmul(rows.T, rows, out=found[c])
    return found


def flip_rate(vectors: np.ndarray[Any, Any], state: np.ndarray[Any, Any], scale: float, temperature: float) -> float:
    """Return the mean probability that a picked neuron of a state flips, at a temperature: ``mean_i 1 / (1 + exp(2 h_i s_i / T))``."""
    rows = vectors.astype(np.float64)
    field = scale * ((rows @ state) @ rows - (rows**2).sum(0) * state) * state
    if temperature == 0:
        return float(((field < 0) + 0.5 * (field == 0)).mean())
    return float((0.5 * (1 - np.tanh(field / temperature))).mean())


def choose(P: int, N: int, sweeps: int, f: float, itemsize: int) -> str:
    """Return "overlap" or "field", whichever costs less for P vectors, N neurons and f flips per pick.

    Overlap form iff ``P (0.7 + 0.5 f) < N (0.25 f + (1 + 0.02 P) / sweeps)``, or where J, ``itemsize N^2`` bytes, exceeds 1 GiB. In ns per pick:
    P overlaps are read, and changed on a flip; N fields are changed on a flip; a pick's share of building J and of the first fields.
    """
    if itemsize * N * N > COUPLINGS_LIMIT:
        return "overlap"
    field = N * (_ROW * f + (_START + _BUILD * P) / sweeps)
    return "overlap" if P * (_PICK + _UPDATE * f) < field else "field"
