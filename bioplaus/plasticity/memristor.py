"""Weights held by memristive devices: any rule, on any device, in layers of any connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged
from bioplaus.pictures import Findings
from bioplaus.plasticity import devices
from bioplaus.plasticity.adaptive import Adam, AdamW, RmsProp
from bioplaus.plasticity.base import Optimiser, Plasticity, PlasticityConfig, Synapse
from bioplaus.plasticity.devices import Device
from bioplaus.plasticity.memristive.cells import Bidirectional, Cell, Single, Unidirectional
from bioplaus.plasticity.memristive.coincidence import LONGEST, Coincidence
from bioplaus.plasticity.memristive.counting import Counting
from bioplaus.plasticity.memristive.report import report
from bioplaus.plasticity.memristive.synapse import MemristorSynapse
from bioplaus.plasticity.memristive.tiki import TikiTaka
from bioplaus.plasticity.sgd import Sgd, SgdConfig

__all__ = ["Memristor", "MemristorConfig", "device_of"]

#: Gmax, S, of devices that are described by weights, where an on/off ratio is asked for: only the ratio counts.
NOMINAL = 1e-6
NOISES = ("cycle_noise", "write_noise")


@dataclass
class MemristorConfig(PlasticityConfig):
    """Settings of `Memristor`."""

    name: str = "memristor"
    device: str = "epiram"
    """Name of a device (bioplaus list devices), or a device file that ends in .json."""
    changes: list[str] = field(default_factory=list)
    """Numbers of the device that are to be others, such as [nl_up=2,nl_down=-2,pulses_up=64,pulses_down=64]."""
    variation: float = ranged(1.0, 0)
    """Factor on every spread between devices; 0 for equal devices."""
    noise: float = ranged(1.0, 0)
    """Factor on the noise from cycle to cycle and on write noise; 0 for none."""
    read_noise: float | None = ranged(None, 0)
    """Standard deviation of the read current relative to it, drawn at every write; null for the device's."""
    on_off: float | None = ranged(None, above=1)
    """Gmax/Gmin; null for the device's."""
    cell: str = choice("pair", "pair", "single")
    """What makes a weight: pair, ``w = (g+ - g-) scale`` | single, ``w = (2 g - 1) scale`` against a reference column."""
    reference: bool = True
    """Whether single devices have the reference column; without it ``2 scale Gmin/(Gmax - Gmin)`` is added to each weight."""
    headroom: float = ranged(6.0, above=0)
    """Scale of a layer's weights over the root mean square of its start, > 0: weights lie in +-scale, and levels are spread over that."""
    scale: float | None = ranged(None, above=0)
    """Scale of every layer's weights, > 0, in place of headroom: 1 for weights that are plain differences of conductances; null for headroom."""
    start: float | None = ranged(None, 0, 1)
    """Width, in [0, 1], of the part of the range in which fresh devices lie at random, each for itself: its lower end where devices only rise
    (uni), else the middle of the range; null to program them to the start of the network's weights."""
    update: str = choice("auto", "auto", "bi", "uni", "tiki")
    """Which devices a pulse is for: bi (g+ up and g- down, or the reverse) | uni (only up, with a refresh) | tiki (a fast array, and transfer
    to a slow one) | auto (uni for devices with a reset, else bi)."""
    pulses: str = choice("count", "count", "sign", "stochastic")
    """Pulses of a wanted change: count (the nearest number) | sign (one, beyond theta) | stochastic (coincidence of trains on both sides)."""
    theta: float = ranged(0.5, 0)
    """Dead zone of pulses=sign, >= 0, in pulses: one is written where the wanted change is more than that many."""
    longest: int = ranged(LONGEST, 1, LONGEST)
    """Most slots of a stochastic pulse train, 1 to 31."""
    refresh_hi: float = ranged(0.75, 0, 1)
    """uni: a pair is refreshed if max(g+, g-) is above it, in [0, 1] ..."""
    refresh_lo: float = ranged(0.25, 0, 1)
    """... and min(g+, g-) above this, below refresh_hi."""
    refresh_every: int = ranged(1, 1)
    """uni: writes (mini-batches) from one look for worn pairs to the next."""
    transfer_every: int = ranged(1, 1)
    """tiki: writes from one transfer to the next."""
    transfer_columns: int = ranged(1, 0)
    """tiki: columns (presynaptic lines) of one transfer; 0 for all."""
    transfer_rate: float = ranged(1.0, above=0)
    """tiki: part of the fast array's value that a transfer adds to the slow one, > 0."""
    gamma: float = ranged(0.0, 0)
    """tiki: part of the fast array in the weight, >= 0."""
    optimiser: str = choice("sgd", "sgd", "adam", "adamw", "rmsprop")
    """What shapes the wanted change before the devices: sgd | adam | adamw | rmsprop, with its usual settings; moments are kept digitally."""
    momentum: float = ranged(0.0, 0, below=1)
    """Of sgd, in [0, 1)."""


class Memristor(Plasticity):
    """Pulses on memristive devices; weights are what is read back from them."""

    Config = MemristorConfig

    def make_optimiser(self) -> Optimiser:
        c = self.config
        if c.optimiser == "sgd":
            return Sgd(SgdConfig(momentum=c.momentum)).make_optimiser()
        shaped: dict[str, type[Plasticity]] = {"adam": Adam, "adamw": AdamW, "rmsprop": RmsProp}
        return shaped[c.optimiser]().make_optimiser()

    def make_synapse(self) -> Synapse:
        c, device = self.config, device_of(self.config)
        cell = _cell(c, device)
        if c.pulses != "stochastic":
            pulses: Counting | Coincidence = Counting(cell.units, cell.most, c.theta if c.pulses == "sign" else None)
        else:
            self._check_factored()
            pulses = Coincidence(cell.units, c.longest)
        return MemristorSynapse(cell, pulses, c.headroom, c.scale, c.start)

    def _check_factored(self) -> None:
        c = self.config
        whole = {
            f"optimiser={c.optimiser}": c.optimiser != "sgd",
            f"momentum={c.momentum:g}": c.momentum > 0,
            f"clip={c.clip}": c.clip != "none",
            "centralise=true": c.centralise,
            "warmup_on=change": c.warmup > 0 and c.warmup_on == "change",
        }
        for setting, given in whole.items():
            if given:
                undo = {"optimiser": "optimiser=sgd", "momentum": "momentum=0", "clip": "clip=none", "centralise": "centralise=false"}
                instead = undo.get(setting.partition("=")[0], "warmup_on=rate")
                raise ConfigError(
                    f"plasticity.pulses=stochastic needs both sides of a change, which plasticity.{setting} adds up first; "
                    f"use plasticity.{instead}, or pulses=count"
                )

    def findings(self, packs: Sequence[Mapping[str, Mapping[str, Tensor]]], per_epoch: int) -> Findings:
        assert isinstance(self.synapse, MemristorSynapse)
        return report(self.synapse, packs, per_epoch, self.config)


def _cell(c: MemristorConfig, device: Device) -> Cell:
    """Return the cell that the settings ask for.

    Raises
    ------
    ConfigError
        One line, if they do not go together.
    """
    update = ("uni" if device.one_sided else "bi") if c.update == "auto" else c.update
    if c.cell == "single" and update != "bi":
        why = f" (the reset of {c.device} needs update=uni)" if c.update == "auto" else ""
        raise ConfigError(f"plasticity.update={update} needs two devices per weight{why}; use plasticity.cell=pair")
    if device.one_sided and update != "uni":
        raise ConfigError(f"plasticity.update={update} needs gradual depression, and {c.device} is reset by it; use plasticity.update=uni")
    if c.refresh_lo >= c.refresh_hi:
        raise ConfigError(f"plasticity.refresh_lo={c.refresh_lo:g} must be below plasticity.refresh_hi={c.refresh_hi:g}")
    if not c.reference and c.cell == "pair":
        raise ConfigError("plasticity.reference=false is for plasticity.cell=single: in a pair Gmin cancels")
    if update == "uni":
        return Unidirectional(device, c.refresh_hi, c.refresh_lo, c.refresh_every)
    if update == "tiki":
        return TikiTaka(device, c.gamma, c.transfer_every, c.transfer_columns, c.transfer_rate)
    if c.cell == "pair":
        return Bidirectional(device)
    if not c.reference and device.on_off is None:
        raise ConfigError(f"plasticity.reference=false: {c.device} is described by weights and has no Gmin; give plasticity.on_off")
    return Single(device, 0.0 if c.reference else 1 / (device.on_off - 1))  # type: ignore[operator]


def device_of(c: MemristorConfig) -> Device:
    """Return the device that the settings describe.

    Raises
    ------
    ConfigError, DataError
        One line: an unknown device or number of it, a value out of range, a file that cannot be read.
    """
    try:
        device = devices.get(c.device, **_changes(c))
    except ConfigError as error:
        raise ConfigError(f"plasticity.device={c.device}: {error}") from error
    own = {f.name: getattr(device, f.name) for f in fields(device)}
    more: dict[str, Any] = {key: value * c.variation for key, value in own.items() if key.endswith("_spread")} if c.variation != 1 else {}
    if c.noise != 1:
        more |= {key: own[key] * c.noise for key in NOISES if key in own}
    if c.read_noise is not None:
        more["read_noise"] = c.read_noise
    if c.on_off is not None:
        top = device.g_max or NOMINAL
        more |= {"g_max": top, "g_min": top / c.on_off}
    return devices.having(device, more)


def _changes(c: MemristorConfig) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in c.changes:
        key, equals, text = word.partition("=")
        if not equals:
            raise ConfigError(f"plasticity.changes has '{word}', which is not number=value; write for example [nl_up=2,nl_down=-2]")
        found[key.strip()] = _value(text.strip())
    return found


def _value(text: str) -> Any:
    """Return a number where it is one, else null or the text itself."""
    try:
        return float(text)
    except ValueError:
        return None if text == "null" else text
