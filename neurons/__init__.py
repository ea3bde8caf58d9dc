"""Neuron models: what a cell does with its input current.

==============  =================================================================
module          models
==============  =================================================================
``base``        the interface: `Neuron`, `StaticNeuron`, `NeuronConfig`
``smooth``      `Identity`, `Elu`, `Tanh`, `Sigmoid`, `Softplus`
``rectified``   `Relu`, `LeakyRelu`, `HardSigmoid`, `Clip` (piecewise linear)
``threshold``   `Step`, `Sign` (binary, with a straight-through slope)
``ising``       `Ising` (two states and thermal noise)
``spiking``     what spiking models share: `Spiking`
``lif``         `Lif`; ``integrate_fire``: `IntegrateFire`, which has no leak
``synaptic``    `Synaptic`: a leaky unit behind synapses that decay
``alif``        `Alif`: an adaptive threshold
``srm``         `Srm`: two filters of the current and a refractory trace
``izhikevich``  `Izhikevich`; ``hodgkin_huxley``: `HodgkinHuxley`
==============  =================================================================

Classes are imported when first asked for: importing this package does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bioplaus.neurons.alif import Alif
    from bioplaus.neurons.base import Neuron, NeuronConfig, StaticNeuron
    from bioplaus.neurons.hodgkin_huxley import HodgkinHuxley
    from bioplaus.neurons.integrate_fire import IntegrateFire
    from bioplaus.neurons.ising import Ising
    from bioplaus.neurons.izhikevich import Izhikevich
    from bioplaus.neurons.lif import Lif
    from bioplaus.neurons.rectified import Clip, HardSigmoid, LeakyRelu, Relu
    from bioplaus.neurons.smooth import Elu, Identity, Sigmoid, Softplus, Tanh
    from bioplaus.neurons.spiking import Spiking
    from bioplaus.neurons.srm import Srm
    from bioplaus.neurons.synaptic import Synaptic
    from bioplaus.neurons.threshold import Sign, Step

__all__ = [
    "Alif",
    "Clip",
    "Elu",
    "HardSigmoid",
    "HodgkinHuxley",
    "Identity",
    "IntegrateFire",
    "Ising",
    "Izhikevich",
    "LeakyRelu",
    "Lif",
    "Neuron",
    "NeuronConfig",
    "Relu",
    "Sigmoid",
    "Sign",
    "Softplus",
    "Spiking",
    "Srm",
    "StaticNeuron",
    "Step",
    "Synaptic",
    "Tanh",
]

_MODULES = {
    "Alif": "alif",
    "Clip": "rectified",
    "Elu": "smooth",
    "HardSigmoid": "rectified",
    "HodgkinHuxley": "hodgkin_huxley",
    "Identity": "smooth",
    "IntegrateFire": "integrate_fire",
    "Ising": "ising",
    "Izhikevich": "izhikevich",
    "LeakyRelu": "rectified",
    "Lif": "lif",
    "Neuron": "base",
    "NeuronConfig": "base",
    "Relu": "rectified",
    "Sigmoid": "smooth",
    "Sign": "threshold",
    "Softplus": "smooth",
    "Spiking": "spiking",
    "Srm": "srm",
    "StaticNeuron": "base",
    "Step": "threshold",
    "Synaptic": "synaptic",
    "Tanh": "smooth",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
