"""What spiking output layers are asked for: classes, from membrane or spikes over time, or courses in time."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.neurons.spiking import SpikingConfig, spikes_of, torch_derivative
from bioplaus.spiking.losses import LOSSES, OF_SPIKES, SUMMED, first_spike_times
from bioplaus.tasks import Task, one_hot

__all__ = ["SpikingClassification", "SpikingRegression"]


@dataclass(frozen=True)
class SpikingClassification(Task):
    """K classes; an output is the membrane ``[R, B, T, K]`` of the output layer, from which its spikes follow.

    Parameters
    ----------
    classes
        K.
    unit
        Settings of the output units: threshold, surrogate, read-out, loss and its rates.
    """

    classes: int
    unit: SpikingConfig
    has_score: bool = True

    def __post_init__(self) -> None:
        if self.unit.readout == "leaky" and self.unit.loss in OF_SPIKES:
            wanted = ", ".join(loss for loss in LOSSES if loss not in OF_SPIKES)
            raise ConfigError(f"neuron.loss={self.unit.loss} counts output spikes, and neuron.readout=leaky sends none; use one of {wanted}")

    def found(self, out: Tensor, y: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return the loss ``[R]``, and the errors at the spikes and at the membrane (None where the loss does not look at them)."""
        hot = one_hot(y.expand(out.shape[0], -1), self.classes, out.dtype)
        return LOSSES[self.unit.loss](self.spikes(out), out, hot, (self.unit.rate_right, self.unit.rate_wrong))

    @property
    def fires(self) -> bool:
        """Whether output units can fire."""
        return self.unit.readout != "leaky"

    def spikes(self, out: Tensor) -> Tensor:
        """Return the output spikes; a leaky read-out has none."""
        return spikes_of(out, self.unit) if self.fires else torch.zeros_like(out)

    def loss(self, out: Tensor, y: Tensor) -> Tensor:
        return self.found(out, y)[0]

    def error(self, out: Tensor, y: Tensor) -> Tensor:
        return self.loss_and_error(out, y)[1]

    def loss_and_error(self, out: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        loss, at_spikes, at_membrane = self.found(out, y)
        if at_spikes is None:
            assert at_membrane is not None
            return loss, at_membrane
        return loss, at_spikes * torch_derivative(self.unit, out)

    def at_step(self, out: Tensor, y: Tensor, t: int, steps: int) -> tuple[Tensor, Tensor]:
        """Return what step t of a run adds to the loss ``[R]``, and the error at its membrane ``[R, B, K]``, of which out is the value.

        Raises
        ------
        ConfigError
            If the loss is none of a sum or mean over steps.
        """
        if self.unit.loss not in SUMMED:
            raise ConfigError(f"neuron.loss={self.unit.loss} needs the whole run; rules that learn in time want {', '.join(SUMMED)}")
        share = 1 / steps if SUMMED[self.unit.loss] == "mean" else 1.0
        now = out.unsqueeze(2)
        return self.loss(now, y) * share, self.error(now, y).squeeze(2) * share

    def evidence(self, out: Tensor) -> Tensor:
        """Return what speaks for each class, ``[R, B, K]``: spikes, largest membrane, or how early the first spike was."""
        if self.unit.loss in ("max_membrane", "mse_membrane") or not self.fires:
            return out.amax(2)
        spikes = self.spikes(out)
        return -first_spike_times(spikes) if self.unit.loss == "first_spike" else spikes.sum(2)

    def predicted(self, out: Tensor) -> Tensor:
        """Return the class of each sample, ``[R, B]``; the lowest of those that are level."""
        return self.evidence(out).argmax(-1)

    def score(self, out: Tensor, y: Tensor) -> Tensor:
        return (self.predicted(out) == y).double().mean(-1)

    def codes(self, y: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        rows = torch.eye(self.classes, dtype=dtype, device=y.device).unsqueeze(0)
        return rows, one_hot(y, self.classes, dtype)


@dataclass(frozen=True)
class SpikingRegression(Task):
    """Courses in time to follow, y ``[R or 1, B, T, K]``, by the membrane of leaky read-outs.

    The loss is ``sum_t sum_k (U_k[t] - y_k[t])^2 / 2``, mean over the batch.
    """

    has_score: bool = False

    def loss(self, out: Tensor, y: Tensor) -> Tensor:
        return (out - y).square().sum((2, 3)).mean(1) / 2

    def error(self, out: Tensor, y: Tensor) -> Tensor:
        return (y - out) / out.shape[1]

    def at_step(self, out: Tensor, y: Tensor, t: int, steps: int) -> tuple[Tensor, Tensor]:
        """Return what step t of a run adds to the loss ``[R]``, and the error at its membrane ``[R, B, K]``, of which out is the value."""
        now, wanted = out.unsqueeze(2), y[:, :, t : t + 1]
        return self.loss(now, wanted), self.error(now, wanted).squeeze(2)

    def score(self, out: Tensor, y: Tensor) -> Tensor:
        return torch.full((out.shape[0],), float("nan"), dtype=out.dtype, device=out.device)

    def codes(self, y: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        return y.to(dtype), None
