"""`HebbianMemory`: a Hopfield network whose patterns may have blanks, as an estimator of scikit-learn.

Stored by Hebb's product ``J_ij = (g/P) sum_mu xi_mu,i xi_mu,j``, P features, g = 1/(1 - d) for a share d of blanks (Agliari et al. 2023), and
recalled by the compiled dynamics of `bioplaus.dynamics`.
"""

from __future__ import annotations

import hashlib
import warnings
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from bioplaus.errors import ConfigError

__all__ = ["HebbianMemory"]

Array = NDArray[Any]
#: chains at once: their vectors are copied for each
CHAINS = 64


class HebbianMemory(BaseEstimator):
    """Patterns of +1 and -1, with 0 for a blank, stored by Hebb's product and recalled from cues.

    Parameters
    ----------
    T : float
        Temperature of recall, >= 0, in units in which the critical one of few patterns is 1. At 0 every unit follows the sign of its field.
    sweeps : int
        Sweeps of recall, >= 1; one is as many updates as there are units.
    update : str
        glauber (one unit at a time, picked at random, without self-coupling) | parallel (all at once, with it; a field of 0 keeps the state).
    random_state : int, RandomState or None
        Fixes noise, order of updates, and how blanks of a cue start. What is drawn for a cue follows from it and the cue alone.

    Attributes
    ----------
    patterns_ : int8 [K, features]
        What is stored.
    dilution_ : float
        Share of blanks in it.

    Examples
    --------
    >>> from bioplaus import HebbianMemory
    >>> memory = HebbianMemory().fit([[1, -1, 1, -1, 1, -1], [1, 1, 1, -1, -1, -1]])
    >>> memory.predict([[1, -1, 1, -1, 0, -1]]).tolist()
    [[1, -1, 1, -1, 1, -1]]
    """

    def __init__(self, T: float = 0.0, *, sweeps: int = 20, update: str = "glauber", random_state: Any = 0) -> None:
        self.T = T
        self.sweeps = sweeps
        self.update = update
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> HebbianMemory:
        """Store patterns ``[K, features]`` in place of what was stored.

        Raises
        ------
        ValueError
            If an entry is none of +1, -1 and 0, or all are 0.
        """
        self.patterns_ = _ternary(validate_data(self, X, dtype="numeric"), "patterns")
        self.dilution_ = float(np.mean(self.patterns_ == 0))
        if self.dilution_ == 1:
            raise ValueError("patterns: every entry is 0, so there is nothing to store")
        if self.dilution_ and not (self.patterns_ < 0).any():
            text = "patterns hold 1 and 0 only, and 0 is a blank, so no unit is told to be -1; two-valued pictures are np.where(X > 0, 1, -1)"
            warnings.warn(text, UserWarning, stacklevel=2)
        seed = self.random_state if isinstance(self.random_state, Integral) else check_random_state(self.random_state).randint(2**31 - 1)
        self.seed_ = int(seed)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> HebbianMemory:
        """Store further patterns beside those that are stored: Hebb's products add up."""
        if not hasattr(self, "patterns_"):
            return self.fit(X)
        more = _ternary(validate_data(self, X, dtype="numeric", reset=False), "patterns")
        self.patterns_ = np.concatenate([self.patterns_, more])
        self.dilution_ = float(np.mean(self.patterns_ == 0))
        return self

    def predict(self, X: Any) -> Array:
        """Return the states of +1 and -1 ``[N, features]`` that cues ``[N, features]`` relax to; blanks of a cue start as a fair coin falls.

        Raises
        ------
        ValueError
            If a cue has entries other than +1, -1 and 0, or a parameter is out of range.
        """
        from bioplaus.dynamics.relax import relax
        from bioplaus.dynamics.schedule import schedule

        check_is_fitted(self)
        cues = _ternary(validate_data(self, X, dtype="numeric", reset=False), "cues")
        if not isinstance(self.sweeps, Integral):
            raise ConfigError(f"sweeps={self.sweeps!r}: must be a whole number >= 1")
        temperatures = schedule("constant", float(self.T), int(self.sweeps))
        starts, seeds = zip(*(self._start(cue) for cue in cues))
        found = []
        for at in range(0, len(cues), CHAINS):
            some = slice(at, at + CHAINS)
            vectors = np.broadcast_to(self.patterns_, (len(starts[some]), *self.patterns_.shape))
            g = 1 / (1 - self.dilution_)
            ends = relax(vectors, np.array(starts[some]), temperatures, seeds[some], coupling=g, update=self.update, threads=1)
            found.append(ends.states)
        return np.concatenate(found)

    def overlaps(self, X: Any) -> Array:
        """Return how far states ``[N, features]`` agree with each pattern, ``xi_mu . s`` over its entries that are not blank, ``[N, K]``."""
        check_is_fitted(self)
        states = _ternary(validate_data(self, X, dtype="numeric", reset=False), "states").astype(np.float64)
        found: Array = states @ self.patterns_.T / np.maximum(np.abs(self.patterns_).sum(1), 1)
        return found

    def _start(self, cue: Array) -> tuple[Array, int]:
        """Return where recall starts, and the seed of its noise."""
        digest = hashlib.blake2b(cue.tobytes(), digest_size=16, key=self.seed_.to_bytes(8, "little")).digest()
        draw = np.random.default_rng(int.from_bytes(digest[8:], "little"))
        return np.where(cue == 0, draw.choice(np.array([-1, 1], np.int8), len(cue)), cue), int.from_bytes(digest[:8], "little")


def _ternary(given: Array, what: str) -> NDArray[np.int8]:
    """Return an array of +1, -1 and 0 as int8."""
    if given.dtype == bool:  # False would be a blank, and every recall +1
        raise ValueError(f"{what}: truth values have no sign, and 0 is a blank; write np.where(X, 1, -1)")
    if not np.isin(given, (-1, 0, 1)).all():
        wrong = given[~np.isin(given, (-1, 0, 1))][0]
        raise ValueError(f"{what}: {wrong} is none of +1, -1 and 0 (a blank); the signs of real numbers are np.sign(X - X.mean(0))")
    return np.ascontiguousarray(given, np.int8)
