"""Neuron models: what a cell does with its input current.

==============  =================================================================
module          models
==============  =================================================================
``base``        the interface: `Neuron`, `StaticNeuron`, `NeuronConfig`
``smooth``      `Identity`, `Elu`, `Tanh`, `Sigmoid`, `Softplus`
``rectified``   `Relu`, `LeakyRelu`, `HardSigmoid`, `Clip` (piecewise linear)
``threshold``   `Step`, `Sign` (binary, with a straight-through slope)
``ising``       `Ising` (two states and thermal noise)
==============  =================================================================

Classes are imported when first asked for: importing this package does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bioplaus.neurons.base import Neuron, NeuronConfig, StaticNeuron
    from bioplaus.neurons.ising import Ising
    from bioplaus.neurons.rectified import Clip, HardSigmoid, LeakyRelu, Relu
    from bioplaus.neurons.smooth import Elu, Identity, Sigmoid, Softplus, Tanh
    from bioplaus.neurons.threshold import Sign, Step

__all__ = [
    "Clip",
    "Elu",
    "HardSigmoid",
    "Identity",
    "Ising",
    "LeakyRelu",
    "Neuron",
    "NeuronConfig",
    "Relu",
    "Sigmoid",
    "Sign",
    "Softplus",
    "StaticNeuron",
    "Step",
    "Tanh",
]

_MODULES = {
    "Clip": "rectified",
    "Elu": "smooth",
    "HardSigmoid": "rectified",
    "Identity": "smooth",
    "Ising": "ising",
    "LeakyRelu": "rectified",
    "Neuron": "base",
    "NeuronConfig": "base",
    "Relu": "rectified",
    "Sigmoid": "smooth",
    "Sign": "threshold",
    "Softplus": "smooth",
    "StaticNeuron": "base",
    "Step": "threshold",
    "Tanh": "smooth",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
