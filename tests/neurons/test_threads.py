"""Rows shared out among threads give what one thread gives, bit for bit, in every compiled unit."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bioplaus import registry


def results(name: str, threads: int) -> list[Tensor]:
    unit, before = registry.NEURONS.get(name)(), torch.get_num_threads()
    draw = torch.Generator().manual_seed(3)
    shape = (2, 3, 600 if name == "hodgkin_huxley" else 40, 4)
    torch.set_num_threads(threads)
    try:
        out, cache = unit.forward(torch.rand(shape, generator=draw) * 0.6)
        found = [out]
        if name != "hodgkin_huxley":  # which has no way back
            found.append(unit.pull(cache, torch.randn(shape, generator=draw)))
        return found
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", ["lif", "synaptic", "alif", "if", "izhikevich", "srm", "hodgkin_huxley"])
def test_threads_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bioplaus.neurons._threads.SHARE", 1)
    alone = results(name, 1)
    # six rows by four threads: parts of unequal size
    for one, shared in zip(alone, results(name, 4), strict=True):
        assert torch.equal(one, shared) and one.flatten(2).abs().sum(2).gt(0).all()
