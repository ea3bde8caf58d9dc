"""From settings and data to models: which networks, on which device, how many replicas together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from bioplaus import config, registry
from bioplaus.data.base import Splits
from bioplaus.data.encodings import Encoding
from bioplaus.errors import ConfigError
from bioplaus.feed import Feed
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.rules.base import Group
from bioplaus.settings import Settings
from bioplaus.spiking.task import SpikingClassification
from bioplaus.streams import Streams
from bioplaus.tasks import Classification, Decision, Labelling, Regression, Retrieval, Task
from bioplaus.world import Model

__all__ = ["Feeds", "build_model", "choose_device", "choose_threads", "make_feeds", "pack_sizes"]

#: Widest layer (units) for which replicas gain from being batched on a CPU: measured 0.8 of the time at 128, 0.43 at 32, > 1 at 256.
CPU_BATCHED_WIDTH = 128
#: FLOPs per update below which one thread is as fast as several.
SMALL_WORK = 3e8


#: who can be asked for instead
HOSTS = "use rule=surrogate, bp, fa or dfa, or on network=mlp eprop or decolle; docs/spiking.md has the table"


class Feeds:
    """Training, validation and test samples on one device."""

    def __init__(self, train: Feed, validation: Feed, test: Feed) -> None:
        self.train, self.validation, self.test = train, validation, test

    def of(self, replicas: Sequence[int]) -> Feeds:
        """Return what some replicas (positions in the list of seeds) meet."""
        return Feeds(self.train.select(replicas), self.validation.select(replicas), self.test.select(replicas)) if self.train.apart else self


def choose_device(name: str) -> torch.device:
    """Return the device for auto, cpu or cuda.

    Raises
    ------
    ConfigError
        If CUDA is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        built = "this torch is a CPU build" if torch.version.cuda is None else "no usable GPU or driver was found"
        raise ConfigError(f"device=cuda: {built}; use device=cpu, or install a CUDA build of torch (see the README)")
    return torch.device("cuda" if name == "cuda" or (name == "auto" and torch.cuda.is_available()) else "cpu")


def spiking(settings: Settings) -> bool:
    """Return whether the units spike, so that activity has a time axis."""
    return bool(registry.NEURONS.get(settings.neuron.name).spiking)


def encoding(settings: Settings) -> Encoding | None:
    """Return how inputs become currents or spikes over time; None for units without time."""
    kind = settings.data.encode
    if not spiking(settings):
        if kind != "auto":
            raise ConfigError(f"data.encode={kind} is for spiking units, and neuron={settings.neuron.name} has no time; use neuron=lif")
        return None
    d = settings.data
    return Encoding("direct" if kind == "auto" else kind, settings.neuron.steps, d.encode_gain, d.encode_tau, d.encode_threshold)


def echoes(settings: Settings) -> bool:
    """Return whether the task is to reproduce the input."""
    return getattr(registry.NETWORKS.get(settings.network.name), "task", "") == "autoencoding"


def choose_threads(settings: Settings, network: Network, batch: int) -> int:
    """Return the threads to compute with: what was asked for, else 1 for small networks, else torch's own choice.

    Below about 300 MFLOP per update a second thread gains nothing, and where another process holds a core its waiting costs fifty-fold.
    """
    if settings.top.threads:
        return settings.top.threads
    work = sum(_positions(layer) * math.prod(layer.connection.weight_shape) for layer in network.layers)
    return 1 if 6 * work * batch < SMALL_WORK else torch.get_num_threads()


def _positions(layer: Layer) -> int:
    return math.prod(layer.connection.out_shape[1:])


def make_feeds(settings: Settings, splits: Splits, device: torch.device) -> Feeds:
    """Return the three sets as tensors on the device."""
    dtype = getattr(torch, settings.top.dtype)
    if settings.data.augment != "none" and len(splits.shape) != 3:
        raise ConfigError(f"data.augment={settings.data.augment} needs images, {splits.name} has samples of shape {splits.shape}")

    code = encoding(settings)
    if code is not None:
        code.check(splits.train_x.min(initial=0), splits.train_x.max(initial=0))

    def feed(x: Any, y: Any, augment: str = "none", draws: int = 0) -> Feed:
        return Feed(
            torch.from_numpy(x).to(device, dtype),
            torch.from_numpy(y).to(device),
            augment,
            echoes(settings),
            apart=splits.seeds is not None,
            encoding=code,
            draws=draws,
        )

    return Feeds(
        feed(splits.train_x, splits.train_y, settings.data.augment, settings.data.draws or 0),
        feed(splits.validation_x, splits.validation_y),
        feed(splits.test_x, splits.test_y),
    )


def build_model(settings: Settings, splits: Splits, replicas: Sequence[int], device: torch.device) -> Model:
    """Return the model of some replicas (positions in the list of seeds)."""
    task = _task(settings, splits, replicas, device)
    outputs = splits.shape if echoes(settings) else (splits.classes,)
    neuron = registry.NEURONS.get(settings.neuron.name)(settings.neuron)
    network: Network = registry.NETWORKS.get(settings.network.name).build(settings.network, splits.shape, outputs, neuron)
    rule = registry.RULES.get(settings.rule.name)(_of_replicas(settings.rule, replicas))
    networks = rule.build(network)
    groups = rule.groups(networks)
    streams = Streams(
        tuple(settings.seed_list[r] for r in replicas), device=device, dtype=getattr(torch, settings.top.dtype)
    )
    plasticity = registry.PLASTICITY.get(settings.plasticity.name)(settings.plasticity)
    return Model(rule, networks, groups, _rates(groups, len(replicas), streams), plasticity, task, streams)


def _task(settings: Settings, splits: Splits, replicas: Sequence[int], device: torch.device) -> Task:
    """Return the task that the network sets, or say why the rule or the data are not made for it."""
    network, rule = settings.network.name, registry.RULES.get(settings.rule.name)
    wanted = getattr(registry.NETWORKS.get(network), "task", "classification")
    if splits.real and not echoes(settings):
        return _regression(settings, rule.tasks, wanted)
    if spiking(settings) and wanted not in ("classification", "autoencoding"):
        able = next((name for name in registry.RULES.names() if wanted in registry.RULES.get(name).tasks), None)
        raise ConfigError(f"network={network} has cells of its own; use it with rule={able} and without neuron={settings.neuron.name}")
    if spiking(settings):
        wanted = {"classification": "spiking"}.get(wanted, f"{wanted} by spikes")
        if wanted == "spiking" and getattr(settings.network, "recurrent", False):
            wanted = "recurrent spiking"
    if wanted not in rule.tasks:
        if "spiking" in rule.tasks and not spiking(settings) and wanted == "classification":
            raise ConfigError(f"rule={settings.rule.name} trains spiking units, and neuron={settings.neuron.name} has no time; use neuron=lif")
        lives = rule.home({}).get("network", config.DEFAULTS["network"])
        if wanted == "recurrent spiking" and "spiking" in rule.tasks:
            raise ConfigError(f"rule={settings.rule.name} cannot train network.recurrent=true; rule=eprop can")
        if spiking(settings):
            units = f"spiking units (neuron={settings.neuron.name}) in network={network}"
            raise ConfigError(f"rule={settings.rule.name} cannot train {units}; {HOSTS}")
        why = f" ({rule.refusal})" if rule.refusal else ""
        raise ConfigError(f"rule={settings.rule.name} cannot run on network={network}, which is for {wanted}{why}; try network={lives}")
    one_way = registry.NEURONS.get(settings.neuron.name).one_way
    if one_way:
        raise ConfigError(f"rule={settings.rule.name} cannot train neuron={settings.neuron.name}: {one_way}; use neuron=izhikevich or lif")
    own = getattr(registry.NETWORKS.get(network), "make_task", None)
    if own is not None:
        made: Task = own(settings.network, splits.classes)
        if isinstance(made, Decision) and splits.teachers is not None:
            return replace(made, teachers=torch.from_numpy(splits.teachers[list(replicas)]).to(device, getattr(torch, settings.top.dtype)))
        return made
    if wanted in ("spiking", "recurrent spiking"):
        return SpikingClassification(splits.classes, settings.neuron)
    if wanted == "autoencoding":
        return Regression()
    if wanted in ("classification", "classification on devices"):
        return Classification(splits.classes)
    if wanted == "labelling":
        return Labelling(splits.classes)
    found = splits.patterns
    if found is None:
        raise ConfigError(f"network={network} recalls patterns, and data={splits.name} has none; use data=patterns")
    xi = torch.from_numpy(found.xi[list(replicas)]).to(device, getattr(torch, settings.top.dtype))
    return Retrieval(splits.classes, xi, d=found.d, M=found.M, r=found.r, model=found.model, image=found.image)


def _regression(settings: Settings, able: Sequence[str], wanted: str) -> Task:
    """Return the task of real-valued targets, which any network takes that could also tell classes."""
    name = settings.rule.name
    if wanted != "classification" or spiking(settings) or hasattr(registry.NETWORKS.get(settings.network.name), "make_task"):
        units = f"network={settings.network.name} of neuron={settings.neuron.name}"
        raise ConfigError(f"rule={name}: {units} gives no real-valued outputs for a regression; use for example rule=bp and network=mlp")
    if "regression" not in able:
        others = [one for one in registry.RULES.names() if "regression" in registry.RULES.get(one).tasks]
        raise ConfigError(f"rule={name} cannot learn real-valued targets (a regression); use one of {', '.join(others)}")
    return Regression()


def _of_replicas(settings: Any, replicas: Sequence[int]) -> Any:
    """Return the settings with every per-seed list cut down to these replicas."""
    lists = {f.name: getattr(settings, f.name) for f in fields(settings) if isinstance(getattr(settings, f.name), tuple)}
    return replace(settings, **{key: tuple(value[r] for r in replicas) for key, value in lists.items()})


def _rates(groups: Mapping[str, Group], replicas: int, streams: Streams) -> dict[str, Tensor]:
    rates = {}
    for name, group in groups.items():
        if not group.frozen:
            values = group.rate if isinstance(group.rate, tuple) else (group.rate,) * replicas
            rates[name] = torch.tensor(values, dtype=streams.dtype, device=streams.device)
    return rates


def pack_sizes(settings: Settings, network: Network, device: torch.device) -> list[list[int]]:
    """Return which replicas are batched together.

    ``auto``: all of them on a GPU; on a CPU all of them while every layer is dense and at most 128 wide (the input apart), else one by one.
    """
    seeds = settings.top.seeds
    if settings.run.pack != "auto":
        size = int(settings.run.pack)
    elif device.type == "cuda":
        size = seeds
    else:
        dense = all(len(layer.connection.out_shape) == 1 for layer in network.layers)
        narrow = all(layer.connection.out_shape[0] <= CPU_BATCHED_WIDTH for layer in network.layers)
        size = seeds if dense and narrow else 1
    return [list(range(start, min(start + size, seeds))) for start in range(0, seeds, size)]
