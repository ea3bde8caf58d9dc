"""What the equations of state need to know of the effective patterns' law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Averages", "Law"]


@dataclass(frozen=True)
class Averages:
    """Averages over the disorder at order parameters n, with field ``h = n . v`` and ``t = tanh(h / tau)``.

    At tau = 0 a neuron without any field has an infinite slope; such neurons are counted apart, in the two arrays of ties.

    Parameters
    ----------
    m
        ``E[xi t]``, ``[K]``.
    smooth
        ``tau E[ln 2 cosh(h / tau)]``; ``E|h|`` at tau = 0.
    curvature, curvature_ties
        ``E[v v^T (1 - t^2)] / tau`` without ties, and ``E[v v^T; tie]``, both ``[K, K]``.
    alive, alive_ties
        ``E[xi^2 (1 - t^2)] / tau`` without ties, and ``E[xi^2; tie]``, both ``[K]``.
    """

    m: NDArray[Any]
    smooth: float
    curvature: NDArray[Any]
    curvature_ties: NDArray[Any]
    alive: NDArray[Any]
    alive_ties: NDArray[Any]


class Law(Protocol):
    """Joint law of patterns xi and effective patterns v."""

    @property
    def evaluations(self) -> int:
        """Fields evaluated in one average: what an iteration costs."""
        ...

    def iterate(self, n: NDArray[Any], tau: float, tied: bool, tolerance: float, limit: int) -> tuple[int, float]:
        """Iterate ``n <- E[v tanh(n . v / tau)] / (1 + rho)`` in place; return the iterations done and the last change."""
        ...

    def averages(self, n: NDArray[Any], tau: float) -> Averages:
        """Return the averages at n."""
        ...
