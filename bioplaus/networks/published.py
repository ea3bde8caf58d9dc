"""Networks of bidirectional learning by name (Pontes-Filho & Liwicki 2018, arXiv:1805.08006), for any rule.

Each is a multilayer perceptron or a strided convolutional network whose sizes, units and start are in `bioplaus.recipes`; n and the side of
images are those of the data. Pixels are taken as they are, in 0..1. Without biases there are none in either direction, and norms have neither
gain nor shift.
"""

from __future__ import annotations

from bioplaus.networks.mlp import Mlp
from bioplaus.networks.strided import Strided

__all__ = [
    "Cnn3",
    "Cnn3NoBias",
    "Fc0",
    "Fc0NoBias",
    "Fc1",
    "Fc1NoBias",
    "Fc2",
    "Fc2NoBias",
    "Fc4",
    "Fc4NoBias",
    "HanCnn2",
    "HanCnn2NoBias",
    "HanFc1",
    "HanFc1NoBias",
]


class Fc0(Mlp):
    """n-10: one layer of synapses, biases."""


class Fc0NoBias(Mlp):
    """n-10: one layer of synapses, no biases."""


class Fc1(Mlp):
    """n-16-10, sigmoid units, biases."""


class Fc1NoBias(Mlp):
    """n-16-10, sigmoid units, no biases."""


class Fc2(Mlp):
    """n-16-16-10, sigmoid units, biases."""


class Fc2NoBias(Mlp):
    """n-16-16-10, sigmoid units, no biases."""


class Fc4(Mlp):
    """n-200-100-60-30-10, sigmoid units, biases."""


class Fc4NoBias(Mlp):
    """n-200-100-60-30-10, sigmoid units, no biases."""


class Cnn3(Strided):
    """Convolutions 5x5x4, 5x5x8 (stride 2), 4x4x12 (stride 2), then 200-10, relu units, biases."""


class Cnn3NoBias(Strided):
    """Convolutions 5x5x4, 5x5x8 (stride 2), 4x4x12 (stride 2), then 200-10, relu units, no biases."""


class HanFc1(Mlp):
    """n-128-10, relu units, biases."""


class HanFc1NoBias(Mlp):
    """n-128-10, relu units, no biases."""


class HanCnn2(Strided):
    """Convolutions 4x4x64 and 4x4x128, both of stride 2, then 1024-10, leaky relu, batch normalisation, biases."""


class HanCnn2NoBias(Strided):
    """Convolutions 4x4x64 and 4x4x128, both of stride 2, then 1024-10, leaky relu, batch normalisation, no biases."""
