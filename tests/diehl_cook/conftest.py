"""Small networks that fire a lot, and input spikes for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bioplaus.diehl_cook.network import DiehlCook

Make = Callable[..., DiehlCook]


@pytest.fixture
def small() -> Make:
    """Return a maker of parameters: 20 inputs, 6 neurons, a short gate."""

    def make(**changed: Any) -> DiehlCook:
        return DiehlCook(**{"inputs": 20, "neurons": 6, "gate_e": 8.0, "total": 12.0, **changed})

    return make


@pytest.fixture
def raster() -> np.ndarray[Any, Any]:
    """Return input spikes, bool ``[600, 20]``, at 40 to 260 Hz; the last input never fires."""
    rng = np.random.default_rng(3)
    chances = np.linspace(0.02, 0.13, 20)
    chances[-1] = 0
    return rng.random((600, 20)) < chances
