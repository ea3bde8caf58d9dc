"""What a question to the multitasking network's equations of state consists of, checked in one place."""

from __future__ import annotations

from dataclasses import dataclass

from bioplaus.errors import ConfigError
from bioplaus.theory.require import choice, number, whole

__all__ = [
    "LAWS",
    "LEARNING",
    "STARTS",
    "Problem",
    "check_dilution",
    "check_patterns",
    "check_quality",
    "critical_temperature",
    "entropy",
]

LEARNING = ("storing", "supervised", "unsupervised")
#: Laws of an example mean: exact for M examples, or its normal limit at large M.
LAWS = ("binomial", "gaussian")
#: Where an iteration starts: a hierarchy (1-d) d^(mu-1), pattern 1 alone, all patterns exactly alike.
STARTS = ("hierarchical", "pure", "parallel")


def check_patterns(K: int) -> None:
    """Refuse a number of patterns that is not a whole number >= 1."""
    whole("K", K, 1)


def check_dilution(d: float) -> None:
    """Refuse a dilution outside [0, 1)."""
    if not 0 <= d < 1:
        raise ConfigError(f"d={d}: the dilution must lie in [0, 1)")


def check_quality(r: float) -> None:
    """Refuse an example quality outside (0, 1], or one so small that 1/r^2 is not a number."""
    if not (0 < r <= 1 and r * r > 0):
        raise ConfigError(f"r={r}: the quality of the examples must lie in (0, 1]")


def entropy(M: int, r: float) -> float:
    """Return the entropy of a dataset of M examples of quality r, ``rho = (1 - r^2) / (M r^2)``; 0 for perfect data.

    Raises
    ------
    ConfigError
        If M < 1 or r is outside (0, 1].
    """
    whole("M", M, 1)
    check_quality(r)
    return (1 - r * r) / (M * r * r)


def critical_temperature(d: float, normalise: bool = True) -> float:
    """Return T_c, above which no pattern is retrieved: 1 with normalised couplings, else 1 - d.

    Linearising the equations of state at n = 0 gives ``T_c = g (1 - d)`` for every K, every dataset and every way of learning.
    """
    check_dilution(d)
    return 1.0 if normalise else 1.0 - d


@dataclass(frozen=True)
class Problem:
    """A multitasking network at low load (K patterns, infinitely many neurons), and where the solution is looked for.

    Parameters
    ----------
    K, d, T
        Patterns, dilution in [0, 1), temperature >= 0.
    M, r
        Examples per pattern and their quality in (0, 1]. Storing learns the patterns themselves: neither enters then.
    learning, law, start
        One of `LEARNING`, `LAWS`, `STARTS`.
    normalise
        Couplings carry the factor ``g = 1/(1-d)``; else g = 1.

    Raises
    ------
    ConfigError
        If a value is outside its range or unknown, or examples are learnt and M is not given.
    """

    K: int
    d: float
    T: float
    M: int | None = None
    r: float = 1.0
    learning: str = "storing"
    law: str = "binomial"
    start: str = "hierarchical"
    normalise: bool = True

    def __post_init__(self) -> None:
        check_patterns(self.K)
        check_dilution(self.d)
        check_quality(self.r)
        number("T", self.T, 0)
        for key, known in (("learning", LEARNING), ("law", LAWS), ("start", STARTS)):
            choice(key, getattr(self, key), known)
        if self.M is not None:
            entropy(self.M, self.r)
        elif self.learning != "storing":
            raise ConfigError(f"learning={self.learning} needs M, the number of examples per pattern")

    @property
    def rho(self) -> float:
        """Entropy of the dataset; 0 where the patterns themselves are stored."""
        return 0.0 if self.learning == "storing" or self.M is None else entropy(self.M, self.r)

    @property
    def g(self) -> float:
        """Prefactor of the couplings."""
        return 1 / (1 - self.d) if self.normalise else 1.0

    @property
    def tau(self) -> float:
        """Temperature in units of g, in which alone the equations of state see both: ``tanh(beta g h) = tanh(h / tau)``."""
        return self.T / self.g

    @property
    def paramagnetic(self) -> bool:
        """Whether T >= T_c. No state but n = 0 exists then: |tanh x| < |x| makes ``n . E[v tanh] < n . n (1 + rho)`` for every other n."""
        return critical_temperature(self.d, self.normalise) <= self.T
