"""The network of Diehl & Cook 2015: excitatory neurons that compete by lateral inhibition, each with a threshold that rises as it fires."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from bioplaus.connections import DenseConnection
from bioplaus.diehl_cook.parameters import DiehlCook as Parameters
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged
from bioplaus.layer import Layer
from bioplaus.leaves import Init, Leaf
from bioplaus.network import Network
from bioplaus.networks.base import flat_size, flattening
from bioplaus.neurons.base import Neuron
from bioplaus.neurons.smooth import Identity

if TYPE_CHECKING:
    from bioplaus.diehl_cook.state import State

__all__ = ["CHUNKS", "DiehlCook", "DiehlCookConfig", "DiehlCookNetwork"]

#: Parts of the window of responses that labels are read from: the oldest is forgotten as a whole.
CHUNKS = 10
#: Published for 784 inputs and 400 neurons.
INPUTS, NEURONS, TOTAL, THETA_PLUS = 784, 400, 78.0, 0.05


@dataclass
class DiehlCookConfig:
    """Settings of the network of Diehl & Cook; times in ms, voltages in mV. What is not here is as in `bioplaus.diehl_cook.parameters`."""

    name: str = "diehl_cook"
    neurons: int = ranged(100, 1, 32767)
    """Excitatory neurons, and as many inhibitory ones; 100, 400, 1600 and 6400 are published."""
    theta_plus: float | None = ranged(None, 0)
    """What a threshold gains per spike, mV; null: 0.05 N/400 and at most 0.05. Published is 0.05, from N = 400 up."""
    tau_theta: float = ranged(1e7, above=0)
    """Time constant with which thresholds fall back, ms."""
    gate_e: float = ranged(50.0, 0)
    """An excitatory neuron fires only once more than this has passed since its last spike, ms."""
    clamp_e: float = ranged(5.0, 0)
    """After a spike its voltage is held so long, ms."""
    image_time: float = ranged(350.0, above=0)
    """How long an image is shown, ms."""
    rest_time: float = ranged(150.0, 0)
    """How long no input fires afterwards, ms."""
    intensity: float = ranged(2.0, above=0)
    """First intensity: an input fires at pixel/8 times it Hz, pixels in 0..255."""
    intensity_step: float = ranged(1.0, 0)
    """What the intensity gains each time an image is shown again."""
    fewest: int = ranged(5, 0)
    """An image that evokes fewer spikes in all is shown again."""
    most_tries: int = ranged(100, 1)
    """After so many presentations an image counts as it is."""
    total: float | None = ranged(None, above=0)
    """Sum of a neuron's input weights, restored before each presentation; null: 78 for 784 inputs, and in proportion for others."""
    w_ei: float = ranged(10.4, 0)
    """Weight from an excitatory neuron to its inhibitory one, in units of the leak."""
    w_ie: float = ranged(17.0, 0)
    """Weight from an inhibitory neuron to all excitatory ones but its own, in units of the leak."""
    rate_pre: float = ranged(1e-4, 0)
    """STDP: what an input spike takes off a weight, times the fast trace of the neuron."""
    rate_post: float = ranged(1e-2, 0)
    """STDP: what a spike of the neuron adds to a weight, times the input's trace and the slow trace of the neuron."""
    delay_max: float = ranged(10.0, 0)
    """Delays of input synapses are drawn from U(0, delay_max), ms; 0 = none."""
    dt: float = ranged(0.5, above=0)
    """Step, ms."""
    decay: str = choice("exact", "exact", "euler")
    """How conductances decay in a step: exact (exp(-dt/tau)) | euler (1 - dt/tau, as in Brian2's example)."""
    window: int = ranged(10_000, CHUNKS)
    """A neuron's class is read from its responses to so many last images, forgotten a tenth at a time."""


class DiehlCookNetwork(Network):
    """One layer of synapses onto neurons whose steps are compiled: nothing is sent through its connection.

    Beside the weight ``[R, N, P]`` it has as running arrays theta ``[R, N]`` (mV), and what labels are read from: sums of spikes for each class
    in each part of the window, ``[R, 10, K, N]``, and the numbers of images behind them, ``[R, 10, K]``.

    Parameters
    ----------
    in_shape, classes
        Shape of an image; K.
    parameters
        Of the neurons and synapses.
    window
        Last images that labels are read from.
    """

    compiled = True

    def __init__(self, in_shape: tuple[int, ...], classes: int, parameters: Parameters, window: int) -> None:
        connection = DenseConnection((parameters.inputs,), (parameters.neurons,))
        before = flattening(in_shape)
        layer = Layer("forward/0", connection, Identity(), before=before, init=Init("positive", parameters.w_scale))
        super().__init__("forward", in_shape, [layer])
        self.classes, self.parameters, self.window = classes, parameters, window
        self.weight = layer.weight
        self.theta, self.responses, self.images = (f"forward/0/{name}" for name in ("theta", "responses", "images"))

    @property
    def buffers(self) -> dict[str, Leaf]:
        p, zero = self.parameters, Init("zero")
        return {
            self.theta: Leaf((p.neurons,), 1, Init("one", p.theta_start)),
            self.responses: Leaf((CHUNKS, self.classes, p.neurons), 1, zero),
            self.images: Leaf((CHUNKS, self.classes), 1, zero),
        }

    def present(self, state: State, images: Any, replica: int) -> tuple[Any, Any]:
        """Present images, uint8 ``[n, P]``, to a replica that learns, as `bioplaus.diehl_cook.network.train` does; engines may replace it."""
        from bioplaus.diehl_cook.network import train

        return train(state, images, self.parameters)


class DiehlCook:
    """Diehl & Cook 2015: inputs - N excitatory neurons under lateral inhibition with adaptive thresholds; compiled."""

    Config = DiehlCookConfig
    task = "labelling"

    @staticmethod
    def build(config: DiehlCookConfig, in_shape: tuple[int, ...], outputs: tuple[int, ...], neuron: Neuron) -> Network:
        """Return the network.

        Raises
        ------
        ConfigError
            Another neuron is asked for; too many inputs; parameters that do not fit each other.
        """
        if not isinstance(neuron, Identity):
            raise ConfigError(f"network=diehl_cook has neurons of its own; leave out neuron={neuron.config.name}")
        return DiehlCookNetwork(in_shape, flat_size(outputs), parameters_of(config, flat_size(in_shape)), config.window)


def parameters_of(config: DiehlCookConfig, inputs: int) -> Parameters:
    """Return the parameters of a network with so many inputs.

    An image evokes no fewer than five spikes in all, by the rule that it is shown again, so that each of N neurons fires 5/N times an image or
    more: theta, which a spike raises and 1e7 ms lower, cannot rest below theta_plus x 5/N x 20,000 images on top of its start. At the published
    0.05 that is 12.5 mV for N = 400, and 50 mV for N = 100, where images have to be shown again and again (62 % on MNIST). The gain is
    therefore scaled with N below 400. [ours]
    """
    own = {f.name: getattr(config, f.name) for f in fields(config) if f.name not in ("name", "window")}
    if own["theta_plus"] is None:
        own["theta_plus"] = THETA_PLUS * min(1.0, config.neurons / NEURONS)
    if own["total"] is None:
        own["total"] = TOTAL * inputs / INPUTS
    return Parameters(inputs=inputs, **own)
