"""What spiking neuron models share: time, threshold, reset, surrogate, and two ways of being read.

Activity is ``[R, B, T, *units]``: each sample has its own row of time, so that a batch stays a batch for everybody who does not care about time.
A current whose time axis has length 1 is constant; what comes back to it is the sum over time. `forward` returns spikes (or, for a read-out,
the membrane), `pull` takes an error at them back to the current, through time, with the surrogate derivative in place of that of the spike.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.fields import check_fields, choice, ranged
from bioplaus.neurons import surrogates
from bioplaus.neurons.base import Neuron, NeuronConfig

if TYPE_CHECKING:
    from bioplaus.neurons.online import Unit

__all__ = ["Spiking", "SpikingConfig", "ThresholdConfig", "check_error", "decay", "series", "shape_of"]


@dataclass
class SpikingConfig(NeuronConfig):
    """Settings that every spiking model has."""

    name: str = "lif"
    steps: int = ranged(25, 1)
    """Time steps T of one sample, >= 1."""
    surrogate: str = choice("atan", *surrogates.SURROGATES)
    """Derivative of the spike in learning; see `bioplaus.neurons.surrogates`."""
    slope: float | None = ranged(None, above=0)
    """First parameter of the surrogate (k, alpha, gamma, w or s), > 0; its own default if not given."""
    readout: str = choice("spiking", "spiking", "leaky")
    """The output layer: spiking (as the others) | leaky (no spikes, no reset; its membrane is the output)."""
    loss: str = choice("membrane", "membrane", "rate", "count", "mse_count", "max_membrane", "mse_membrane", "first_spike")
    """Loss of the output layer, from its membrane or spikes over time; see `bioplaus.spiking.losses`."""
    rate_right: float = ranged(1.0, 0, 1)
    """loss=mse_count: spikes per step that the unit of the right class should fire, in [0, 1]."""
    rate_wrong: float = ranged(0.0, 0, 1)
    """loss=mse_count: spikes per step that the other output units should fire, in [0, 1]."""

    threshold: ClassVar[float] = 1.0
    """Of the membrane that the rest of a network sees."""
    inclusive: ClassVar[bool] = False
    """Whether a membrane that equals the threshold fires."""
    slopes: ClassVar[Mapping[str, float]] = {}
    """Surrogates whose first parameter is another one here where it is not given."""


@dataclass
class ThresholdConfig(SpikingConfig):
    """Settings of models whose spike is a threshold and a reset."""

    threshold: float = ranged(1.0, above=0)  # type: ignore[misc]
    """Membrane potential above which a unit fires, > 0, in units of the membrane."""
    reset: str = choice("subtract", "subtract", "zero", "none")
    """What a spike does to the membrane: subtract the threshold | set it to zero | none."""
    reset_delay: bool = True
    """Whether the reset acts in the step after the spike; if not, at once."""


class Spiking(Neuron):
    """A spiking model. `Model(beta=0.9)` is `Model(ModelConfig(beta=0.9))`.

    Attributes
    ----------
    as_membrane
        Whether `forward` returns the membrane (before any immediate reset, so that spikes follow from it): the read-out of a network.
    """

    Config: ClassVar[type[NeuronConfig]] = SpikingConfig
    as_membrane: bool = False
    spiking: ClassVar[bool] = True

    def __init__(self, config: Any = None, **settings: Any) -> None:
        if config is not None and settings:
            raise ConfigError("give either a config or settings, not both")
        known = {f.name for f in fields(self.Config)}
        for key in settings:
            if key not in known:
                raise ConfigError(f"{type(self).__name__} has no setting {key}; it has {', '.join(sorted(known - {'name'}))}")
        super().__init__(self.Config(**settings) if config is None else config)
        check_fields(self.config, "neuron")
        if self.config.slope is not None and not surrogates.DEFAULTS[self.config.surrogate]:
            raise ConfigError(f"neuron.slope={self.config.slope}: surrogate {self.config.surrogate} has no parameter; leave neuron.slope out")
        surrogates.parameters(self.config.surrogate, **shape_of(self.config))

    def readout(self) -> Spiking:
        """Return the unit of the output layer, whose activity is its membrane."""
        made = type(self)(replace(self.config, **({"reset": "none"} if self.config.readout == "leaky" else {}), **self._kappa()))
        made.as_membrane = True
        return made

    def _kappa(self) -> dict[str, float]:
        """Return the decay of the output layer, where the settings give it one of its own."""
        kappa = getattr(self.config, "readout_beta", None)
        return {} if kappa is None else {"beta": kappa}

    def online(self) -> Unit:
        """Return the model as one that goes step by step.

        Raises
        ------
        ConfigError
            If it cannot, as it stands.
        """
        raise ConfigError(f"neuron={self.config.name} does not go step by step, as recurrence and online rules need; use lif, alif, if or srm")

    @abstractmethod
    def run(self, current: Tensor, time_axis: int = 0) -> tuple[Tensor, Tensor]:
        """Return (spikes, membrane) for a current with time along an axis; index 0 is the first step, from rest."""


def shape_of(config: SpikingConfig) -> Mapping[str, float]:
    """Return the surrogate's parameters as the settings have them."""
    first = next(iter(surrogates.DEFAULTS[config.surrogate]), None)
    slope = config.slopes.get(config.surrogate) if config.slope is None else config.slope
    found = {} if slope is None or first is None else {first: slope}
    return found | ({"threshold": config.threshold} if config.surrogate == "triangular" else {})


def decay(tau: float, dt: float) -> float:
    """Return ``exp(-dt / tau)``, the factor by which a quantity of time constant tau (ms) decays in a step of dt (ms).

    Examples
    --------
    >>> round(decay(20.0, 1.0), 6)
    0.951229
    """
    return math.exp(-dt / tau)


def series(current: Tensor, time_axis: int) -> Tensor:
    """Return a current with time along an axis as ``[1, 1, T, units]``.

    Raises
    ------
    ConfigError
        If it is not a tensor of floating numbers with such an axis.
    """
    if not current.is_floating_point() or not -current.dim() <= time_axis < current.dim():
        raise ConfigError(f"current {tuple(current.shape)} of {current.dtype} must hold floating numbers, with time on axis {time_axis}")
    x = current.movedim(time_axis, 0)
    return x.reshape(1, 1, x.shape[0], math.prod(x.shape[1:]))


def unseries(found: Tensor, current: Tensor, time_axis: int) -> Tensor:
    """Return what `series` made of a current in the current's own shape."""
    return found.reshape(current.movedim(time_axis, 0).shape).movedim(0, time_axis)


def check_error(error: Tensor, activity: Tensor) -> None:
    """Refuse an error of another shape than the activity's: compiled scans would read past its end.

    Raises
    ------
    ValueError
        The shapes differ; a programming error.
    """
    if error.shape != activity.shape:
        raise ValueError(f"error {tuple(error.shape)} at a spiking unit; must have the shape of its activity, {tuple(activity.shape)}")


def rows_of(x: Tensor) -> Any:
    """Return ``[R, B, T, *units]`` as a contiguous NumPy array ``[R B, T, units]`` (a view, where x is contiguous)."""
    return x.contiguous().view(x.shape[0] * x.shape[1], x.shape[2], math.prod(x.shape[3:])).numpy()


def numbers(config: SpikingConfig) -> tuple[int, float, float]:
    """Return (code, a, b) of the surrogate as the compiled scans take them."""
    p = surrogates.parameters(config.surrogate, **shape_of(config))
    code = surrogates.SURROGATES.index(config.surrogate)
    pairs = {
        "fast_sigmoid": lambda: (p["k"], 0.0),
        "atan": lambda: (math.pi / 2 * p["alpha"], p["alpha"] / 2),
        "sigmoid": lambda: (p["k"], 0.0),
        "triangular": lambda: (p["gamma"] / p["threshold"], 1 / p["threshold"]),
        "boxcar": lambda: (p["w"], 1 / (2 * p["w"])),
        "gaussian": lambda: (1 / (p["s"] * math.sqrt(2)), 1 / (p["s"] * math.sqrt(2 * math.pi))),
        "straight_through": lambda: (0.0, 0.0),
    }
    return (code, *pairs[config.surrogate]())


def level(config: SpikingConfig, kind: Any) -> Any:
    """Return the number of a NumPy type above which a unit fires: the threshold, or the number below it where that is enough to fire."""
    return np.nextafter(kind(config.threshold), kind(0)) if config.inclusive else kind(config.threshold)


def spikes_of(membrane: Tensor, config: SpikingConfig) -> Tensor:
    """Return 1 where the membrane is above threshold (or, where the model says so, at it)."""
    fires = membrane >= config.threshold if config.inclusive else membrane > config.threshold
    return fires.to(membrane.dtype)


def torch_derivative(config: SpikingConfig, membrane: Tensor) -> Tensor:
    """Return the surrogate derivative at a membrane."""
    return surrogates.derivative(config.surrogate, membrane - config.threshold, **shape_of(config))
