"""The package of neuron models: light to import, and every public name leads to its class."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import bioplaus
import bioplaus.neurons
from bioplaus.registry import NEURONS

PUBLIC = {
    "Neuron", "NeuronConfig", "StaticNeuron", "Identity", "Relu", "LeakyRelu", "Elu", "Tanh", "Sigmoid", "Softplus",
    "HardSigmoid", "Clip", "Step", "Sign",
}  # fmt: skip


def test_importing_the_package_imports_no_torch() -> None:
    code = "import sys, bioplaus.neurons as n; dir(n); sys.exit('torch' in sys.modules)"
    root = Path(bioplaus.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_public_names_lead_to_classes_of_that_name() -> None:
    assert set(bioplaus.neurons.__all__) >= PUBLIC and set(dir(bioplaus.neurons)) >= PUBLIC
    for name in bioplaus.neurons.__all__:
        found = getattr(bioplaus.neurons, name)
        assert isinstance(found, type) and found.__name__ == name


def test_built_in_models_are_public() -> None:
    for name in ("identity", "relu", "leaky_relu", "elu", "tanh", "sigmoid", "softplus", "hard_sigmoid", "clip", "step", "sign"):
        model = NEURONS.get(name)
        assert getattr(bioplaus.neurons, model.__name__) is model


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Rely"):
        bioplaus.neurons.Rely  # noqa: B018
