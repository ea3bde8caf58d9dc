"""An error of another shape than the activity's is refused before a compiled scan, which knows no bounds, reads past its end."""

from __future__ import annotations

import pytest
import torch

from bioplaus import registry
from bioplaus.neurons.scanned import Scanned

NAMES = ("lif", "synaptic", "alif", "if", "izhikevich", "srm")
SHAPE = (2, 3, 5, 4)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 1, 4), (2, 3, 4, 4), (1, 3, 5, 4), (2, 3, 5, 4, 1)])
@pytest.mark.parametrize("name", NAMES)
def test_error_of_another_shape(name: str, shape: tuple[int, ...]) -> None:
    unit = registry.NEURONS.get(name)()
    _, cache = unit.forward(torch.full(SHAPE, 0.3))
    with pytest.raises(ValueError, match=r"\(2, 3, 5, 4\)"):
        unit.pull(cache, torch.ones(shape))
    assert unit.pull(cache, torch.ones(SHAPE)).shape == SHAPE
    if isinstance(unit, Scanned):  # what runs on other devices
        _, cache = unit._unrolled(torch.full(SHAPE, 0.3), {}, SHAPE[2])
        with pytest.raises(ValueError, match=r"\(2, 3, 5, 4\)"):
            unit.pull(cache, torch.ones(shape))


@pytest.mark.parametrize("name", ["lif", "synaptic"])
def test_error_of_another_shape_at_a_decay_that_learns(name: str) -> None:
    unit = registry.NEURONS.get(name)(learn_tau=True)
    own = {key: torch.full((2, 1), start) for key, start in unit.parameters.items()}
    _, cache = unit.forward(torch.full(SHAPE, 0.3), own)
    with pytest.raises(ValueError, match="must have the shape"):
        unit.changes(cache, torch.ones(2, 3, 1, 4))
