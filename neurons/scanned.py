"""Spiking models with a compiled scan over time on the CPU, and on other devices a loop in torch whose way back is autograd's."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bioplaus.neurons.spiking import Spiking, SpikingConfig, check_error, series, spikes_of, torch_derivative, unseries

__all__ = ["Scanned", "Unrolled", "fire"]


@dataclass(frozen=True)
class Unrolled:
    """The graph of one pass in torch."""

    out: Tensor
    current: Tensor
    own: Mapping[str, Tensor]

    def back(self, error: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the error at the current and those at the model's own numbers ``[R, 1]``."""
        check_error(error, self.out)
        found = torch.autograd.grad(self.out, [self.current, *self.own.values()], error, retain_graph=True)
        return found[0], dict(zip(self.own, found[1:]))


def fire(membrane: Tensor, config: SpikingConfig) -> Tensor:
    """Return the spikes at a membrane, differentiable by the surrogate."""
    slope = torch_derivative(config, membrane.detach())
    return spikes_of(membrane.detach(), config) + slope * (membrane - membrane.detach())


class Scanned(Spiking):
    """A model with a scan. Final classes give `_scan` and `_back` for the CPU and `_loop` for the rest."""

    def forward(self, current: Tensor, own: Mapping[str, Tensor] | None = None) -> tuple[Tensor, Any]:
        steps = self.config.steps if current.shape[2] == 1 else current.shape[2]
        if current.device.type != "cpu":
            return self._unrolled(current, own or {}, steps)
        spikes, membrane, _, cache = self._scan(current, own or {}, steps)
        return (membrane if self.as_membrane else spikes), cache

    def pull(self, cache: Any, error: Tensor) -> Tensor:
        return cache.back(error)[0] if isinstance(cache, Unrolled) else self._back(cache, error)

    def run(self, current: Tensor, time_axis: int = 0) -> tuple[Tensor, Tensor]:
        x = series(current, time_axis)
        if x.device.type == "cpu":
            spikes, _, shown, _ = self._scan(x, {}, x.shape[2], shown=True)
        else:
            spikes, _, shown = self._loop(x, {}, x.shape[2])
        return unseries(spikes, current, time_axis), unseries(shown, current, time_axis)

    def _unrolled(self, current: Tensor, own: Mapping[str, Tensor], steps: int) -> tuple[Tensor, Unrolled]:
        with torch.enable_grad():
            leaf = current.detach().requires_grad_()
            numbers = {key: value.detach().requires_grad_() for key, value in own.items()}
            spikes, membrane, _ = self._loop(leaf, numbers, steps)
            out = membrane if self.as_membrane else spikes
        return out.detach(), Unrolled(out, leaf, numbers)

    @abstractmethod
    def _scan(
        self, current: Tensor, own: Mapping[str, Tensor], steps: int, *, shown: bool = False
    ) -> tuple[Tensor, Tensor, Tensor, Any]:
        """Return spikes, the membrane that they follow from, the one that `run` shows (if asked for), and what `_back` needs."""

    @abstractmethod
    def _back(self, cache: Any, error: Tensor) -> Tensor:
        """Return the error at the current."""

    @abstractmethod
    def _loop(self, current: Tensor, own: Mapping[str, Tensor], steps: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return spikes and the two membranes step by step in torch, differentiable by the surrogate; no gradient passes a reset."""
