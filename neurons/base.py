"""The interface of a neuron model: what a cell does with its input current.

``forward(current) -> (out, cache)`` and ``pull(cache, error) -> error at the current``. A static unit is a function of the current
alone; a model with a state scans the time axis of ``[R, B, T, n]`` in `forward` and scans it backwards in `pull`, so that whoever calls
it needs to know neither. A model may have parameters of its own that learn, such as a time constant: numbers per layer.

Neurons import nothing of the rest of the program but the declaration of ranges (`bioplaus.fields`), memory for arrays (`bioplaus.allocation`)
and the compiled equations of single cells (`bioplaus.dynamics.cells`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

__all__ = ["Neuron", "NeuronConfig", "StaticNeuron"]


@dataclass
class NeuronConfig:
    """Settings of a neuron model; models without any use this one."""

    name: str = "identity"
    """Registered name of the model."""


class Neuron(ABC):
    """A neuron model. Final classes give `forward` and `pull`, and hold nothing but their settings."""

    Config: ClassVar[type[NeuronConfig]] = NeuronConfig

    def __init__(self, config: Any = None) -> None:
        self.config: Any = self.Config() if config is None else config

    #: whether activity has a time axis, ``[R, B, T, *units]``
    spiking: ClassVar[bool] = False
    #: why an error finds no way back through such units, "" where it does: runs whose rule would send one are refused
    one_way: ClassVar[str] = ""

    def readout(self) -> Neuron:
        """Return the unit of a network's output layer beside such units: the identity for static ones."""
        from bioplaus.neurons.smooth import Identity

        return Identity()

    @property
    def parameters(self) -> Mapping[str, float]:
        """Numbers that each layer may learn, name -> start; none by default."""
        return {}

    @abstractmethod
    def forward(self, current: Tensor, own: Mapping[str, Tensor] | None = None) -> tuple[Tensor, Any]:
        """Return the activity and whatever `pull` needs; own holds the layer's `parameters`, ``[R, 1]`` each."""

    @abstractmethod
    def pull(self, cache: Any, error: Tensor) -> Tensor:
        """Return the error at the current, given the error at the activity: error times slope for a static unit."""

    def changes(self, cache: Any, error: Tensor) -> dict[str, Tensor]:
        """Return the wanted changes ``[R, 1]`` of the `parameters`, given the error at the activity."""
        return {}


class StaticNeuron(Neuron):
    """A neuron whose activity is a function of its present current: ``out = phi(current)``."""

    @abstractmethod
    def value(self, current: Tensor) -> Tensor:
        """Return phi(current)."""

    @abstractmethod
    def slope_times(self, current: Tensor, out: Tensor, error: Tensor) -> Tensor:
        """Return ``error * phi'(current)`` in one fused kernel; ``out = phi(current)`` may be used instead of the current."""

    def forward(self, current: Tensor, own: Mapping[str, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        out = self.value(current)
        return out, (current, out)

    def pull(self, cache: tuple[Tensor, Tensor], error: Tensor) -> Tensor:
        return self.slope_times(*cache, error)
