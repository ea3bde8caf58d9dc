"""Perceptron whose hidden units are gated by a context through active dendrites, k of them winning (Iyer et al. 2022)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from bioplaus.connections import DenseConnection
from bioplaus.context_layer import ContextLayer, Leading
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged
from bioplaus.layer import Layer
from bioplaus.leaves import Init
from bioplaus.network import Network
from bioplaus.networks.base import check_widths, flat_size
from bioplaus.neurons.base import Neuron, StaticNeuron
from bioplaus.tasks import Classification, Task

__all__ = ["ActiveDendrites", "ActiveDendritesConfig"]


@dataclass
class ActiveDendritesConfig:
    """Settings of the perceptron with active dendrites."""

    name: str = "active_dendrites"
    features: int = ranged(64, 1)
    """Values of a sample that are input, >= 1; all behind them are its context."""
    hidden: list[int] = field(default_factory=lambda: [64, 64])
    """Widths of the hidden layers, whose units have active dendrites."""
    segments: int = ranged(5, 1)
    """Dendritic segments of each hidden unit, >= 1."""
    winners: float = ranged(0.25, above=0, high=1)
    """Share of a hidden layer's units that stay active (rounded, at least one), in (0, 1]; 1 leaves out the competition."""
    bias: bool = False
    """Whether units have a bias, which starts at 0."""
    init: str = choice("uniform", "uniform", "normal", "orthogonal")
    """Start of the weights: uniform (U(-1,1)/sqrt(fan_in)) | normal | orthogonal; segments start uniform, their fan-in being the context."""
    init_scale: float = ranged(1.0, 0)
    """Factor on the start of weights, dimensionless, >= 0."""


class ActiveDendrites:
    """Perceptron of units with active dendrites: a context gates them, and a share of them wins."""

    Config = ActiveDendritesConfig
    #: rules that go up and down layer by layer can train it; those with states of their own cannot
    task = "classification in context"

    @staticmethod
    def make_task(config: ActiveDendritesConfig, classes: int) -> Task:
        """Return the task: classes, by softmax and cross-entropy."""
        return Classification(classes)

    @staticmethod
    def build(config: ActiveDendritesConfig, in_shape: tuple[int, ...], outputs: tuple[int, ...], neuron: Neuron) -> Network:
        """Return the network ``[features, context] - hidden - flat(outputs)``.

        Raises
        ------
        ConfigError
            A width below 1, units with time, or samples without a context.
        """
        check_widths(config.hidden, "network.hidden")
        context = flat_size(in_shape) - config.features
        if len(in_shape) != 1 or context < 1:
            raise ConfigError(
                f"network=active_dendrites has {config.features} inputs, and samples of shape {in_shape} leave no context behind them; "
                "use data=permuted_digits, or set network.features"
            )
        if not isinstance(neuron, StaticNeuron):
            raise ConfigError("network=active_dendrites has units without time; choose neuron=identity or relu")
        widths, init = [config.features, *config.hidden], Init(config.init, config.init_scale)
        layers: list[Layer] = [
            ContextLayer(
                f"forward/{i}",
                DenseConnection((pre,), (post,)),
                neuron,
                context=context,
                segments=config.segments,
                winners=max(1, round(config.winners * post)),
                bias=config.bias,
                init=init,
            )
            for i, (pre, post) in enumerate(itertools.pairwise(widths))
        ]
        last = DenseConnection((widths[-1],), (flat_size(outputs),))
        name = f"forward/{len(layers)}"
        layers.append(Layer(name, last, neuron.readout(), bias=config.bias, before=[Leading(widths[-1], context)], init=init))
        return Network("forward", in_shape, layers)
