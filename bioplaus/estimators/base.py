"""What the estimators over networks share: their parameters, settings, scaling, training and going on."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from bioplaus import config, registry
from bioplaus.data.splitting import VALIDATION_STREAM, permutation
from bioplaus.errors import ConfigError
from bioplaus.estimators.scaling import Scaling
from bioplaus.estimators.trained import Trained, arrays_of
from bioplaus.progress import Progress, Silent

__all__ = ["NetworkEstimator"]

Array = NDArray[Any]
#: widths of an mlp, and networks whose units have biases, unless the user says otherwise (without, no boundary lies off the mean)
HIDDEN = (256,)
BIASED = ("mlp", "dense_autoencoder")
#: settings that an estimator has parameters for, or no use for, and what to do instead
OWN = {
    "rule": "the parameter rule",
    "rule.lr": "the parameter lr",
    "network": "the parameter network",
    "network.hidden": "the parameter hidden",
    "network.bias": "the parameter bias",
    "neuron": "the parameter neuron",
    "plasticity": "the parameter plasticity",
    "epochs": "the parameter epochs",
    "batch_size": "the parameter batch_size",
    "seed": "the parameter random_state",
    "seeds": "several estimators, each with a random_state of its own",
    "seed_step": "several estimators, each with a random_state of its own",
    "tasks": "partial_fit, once per task",
    "data": "X, and the parameter like",
    "run": "pickle to keep what was learned",
    "data.validation": "the parameter validation_fraction",
    "data.standardise": "the parameter standardise",
    "test_every": "score",
}
#: settings of data that are about what is done to inputs, wherever these come from
TO_INPUTS = ("data.augment", "data.draws", "data.encode")


class NetworkEstimator(BaseEstimator):
    """A network that a rule trains.

    Parameters are stored as they are given; `fit` and `partial_fit` check them. None leaves a setting to the rule's recipe.
    """

    #: network where neither the user nor the rule names one
    usual_network: str | None = None

    def __init__(
        self,
        rule: str = "ccl",
        hidden: tuple[int, ...] | None = None,
        *,
        network: str | None = None,
        neuron: str | None = None,
        bias: bool | None = None,
        plasticity: str | None = None,
        lr: float | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        validation_fraction: float = 0.1,
        standardise: str = "auto",
        shape: tuple[int, ...] | None = None,
        like: str | None = None,
        settings: Mapping[str, Any] | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.rule = rule
        self.hidden = hidden
        self.network = network
        self.neuron = neuron
        self.bias = bias
        self.plasticity = plasticity
        self.lr = lr
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.standardise = standardise
        self.shape = shape
        self.like = like
        self.settings = settings
        self.random_state = random_state
        self.verbose = verbose

    @property
    def n_iter_(self) -> int:
        """Epochs done, those of `partial_fit` among them."""
        return self._learned().epochs

    @property
    def loss_curve_(self) -> list[float]:
        """Mean training loss of each epoch."""
        return self._learned().curves["train"]

    @property
    def validation_loss_curve_(self) -> list[float]:
        """Loss on the validation part after each epoch; empty without one."""
        return self._learned().curves["validation"]

    @property
    def selected_epoch_(self) -> int:
        """The epoch whose weights answer: that of lowest validation loss, without validation the last one."""
        return self._learned().selected_epoch

    def _learned(self) -> Trained:
        """Return the network; before `fit` an AttributeError, as for every fitted attribute."""
        found: Trained = self.network_
        return found

    def _seed(self) -> int:
        """Return the seed of the run: a whole number as it is, else one drawn as scikit-learn draws."""
        if isinstance(self.random_state, (int, np.integer)) and self.random_state >= 0:
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _flat(self, dtype: np.dtype[Any], seed: int, extra: Mapping[str, Any]) -> dict[str, Any]:
        """Return all settings of the run, resolved.

        Raises
        ------
        ConfigError
            A wrong name, value or combination.
        """
        given = dict(self.settings or {})
        for key in map(str, given):
            if instead := _instead(key, extra):
                raise ConfigError(f"settings: {key} is not for an estimator; use {instead}")
        rule = registry.RULES.get(str(self.rule))
        home = rule.home({"data.root": os.devnull})  # what lies on this disk must not choose the recipe
        network = self.network or self.usual_network or home.get("network", config.DEFAULTS["network"])
        bias = True if self.bias is None and network in BIASED else self.bias
        hidden = HIDDEN if self.hidden is None and network == "mlp" else self.hidden
        if hidden is not None and "hidden" not in registry.NETWORKS.get(str(network)).Config.__dataclass_fields__:
            at_home = "" if self.network else f", where rule={self.rule} lives,"
            raise ConfigError(f"hidden={self.hidden!r}: network={network}{at_home} has no hidden layers to choose; leave hidden out")
        chosen: dict[str, Any] = {
            "rule": str(self.rule),
            "data": self.like or home.get("data", config.DEFAULTS["data"]),
            "network": network,
            "network.bias": None if bias is None else bool(bias),
            "neuron": self.neuron,
            "plasticity": self.plasticity,
            "rule.lr": self.lr,
            "network.hidden": [hidden] if isinstance(hidden, (int, np.integer)) else hidden,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "dtype": dtype.name,
            "probes": [],
        }
        wanted = {key: value for key, value in chosen.items() if value is not None} | {**extra, **given}
        wanted |= {"seed": seed, "data.validation": float(self.validation_fraction), "data.split_seed": seed}
        settings = config.resolve(wanted, locate=False)
        config.data.check_config(settings.data)
        settings.run.save = settings.run.figures = False
        return config.flat(settings)

    def _begin(self, x: Array, extra: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[int, ...]]:
        """Return the settings and the shape of a sample."""
        shape = (x.shape[1],) if self.shape is None else tuple(int(side) for side in self.shape)
        if math.prod(shape) != x.shape[1]:
            raise ConfigError(f"shape={shape} holds {math.prod(shape)} values, X has {x.shape[1]} features")
        self.seed_ = self._seed()
        return self._flat(x.dtype, self.seed_, extra), shape

    def _scaling_of(self, x: Array, flat: Mapping[str, Any]) -> Scaling:
        kind = self.standardise
        if kind == "auto":  # a recipe that takes values as they are means pixels in 0..1
            kind = "range" if flat["data.standardise"] == "none" else "feature"
        return Scaling.of(x, kind)

    def _fit(self, x: Array, y: Array, outputs: int, extra: Mapping[str, Any] | None = None) -> None:
        """Train from the start; y are labels in 0..outputs-1 or targets ``[N, outputs]``."""
        flat, shape = self._begin(x, extra or {})
        held = max(1, round(flat["data.validation"] * len(x))) if flat["data.validation"] else 0
        if held >= len(x):
            raise ConfigError(f"n_samples={len(x)}: validation_fraction={self.validation_fraction} leaves nothing to train on; use 0")
        order = permutation(flat["data.split_seed"], VALIDATION_STREAM, len(x))
        validation, train = np.sort(order[:held]), np.sort(order[held:])
        self.scaling_ = self._scaling_of(x[train], flat)
        y = self._targets(y, train)
        parts = [(self.scaling_.scaled(x[rows]), y[rows]) for rows in (train, validation)]
        self.network_ = Trained.run(flat, arrays_of(parts[0], parts[1], shape, outputs), Progress() if self.verbose else Silent())

    def _go_on(self, x: Array, y: Array, outputs: int, extra: Mapping[str, Any] | None = None) -> None:
        """Train for one epoch more, or for a first one: then these samples give the scaling, which stays."""
        if not hasattr(self, "network_"):
            flat, shape = self._begin(x, extra or {})
            self.scaling_ = self._scaling_of(x, flat)
            every = np.arange(len(x))
            y, fresh = self._targets(y, every), Trained(flat, shape, outputs, real=y.dtype.kind == "f")
        else:
            y, fresh = self._targets(y, None), self.network_
        fresh.go_on(arrays_of((self.scaling_.scaled(x), y), (x[:0], y[:0]), fresh.shape, fresh.outputs))
        self.network_ = fresh

    def _targets(self, y: Array, rows: Array | None) -> Array:
        """Return targets as the network learns them; `rows` are those that give a scaling, None keeps the one there is."""
        return y


def _instead(key: str, extra: Mapping[str, Any]) -> str | None:
    """Return what to use in place of a setting that is not for an estimator; None if it is."""
    if key in extra:
        return f"the parameter {key.rpartition('.')[2]}"
    section = key.partition(".")[0]
    if key in OWN or section == "run" or (section == "data" and not key.startswith(TO_INPUTS)):
        return OWN.get(key, OWN[section])
    return None
