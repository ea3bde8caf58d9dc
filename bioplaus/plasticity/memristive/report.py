"""What a finished run's devices have to say: pulses, refreshes, energy, devices at their bounds, conductances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from bioplaus.pictures import Curves, Findings, Panel, Series
from bioplaus.plasticity.memristive.array import FEMTO
from bioplaus.plasticity.memristive.cells import Cell, Unidirectional
from bioplaus.plasticity.memristive.synapse import MemristorSynapse
from bioplaus.plasticity.memristive.tiki import TikiTaka

if TYPE_CHECKING:
    from bioplaus.plasticity.memristor import MemristorConfig

__all__ = ["report"]

Packs = Sequence[Mapping[str, Mapping[str, Tensor]]]
BINS = 50
#: Part of the least change that moves a device, below which nothing much is wanted: no question of the rate being too low.
HARDLY = 1e-3
#: Share of a layer's devices at a bound from which its steps were too large.
WORN = 0.1
#: Panels of one figure.
MOST_PANELS = 6


def report(synapse: MemristorSynapse, packs: Packs, per_epoch: int, config: MemristorConfig) -> Findings:
    """Return the findings.

    Values: ``pulses`` (leaf -> potentiation, depression), ``refreshes`` and ``energy_joule`` of all leaves together (None where the device does
    not say its voltages), ``at_bounds`` (leaf -> share of its devices); each a list with one number per seed.
    """
    leaves = [leaf for leaf, state in packs[0].items() if "scale" in state]
    if not leaves:
        return Findings(text="No weight is held by devices: vectors are digital.")
    arrays = synapse.cell.arrays

    def each(leaf: str, name: str) -> list[Any]:
        return [value for pack in packs for value in pack[leaf][name].tolist()]

    pulses = {leaf: {"potentiation": each(leaf, "up"), "depression": each(leaf, "down")} for leaf in leaves}
    refreshes = [sum(values) for values in zip(*(each(leaf, "refreshes") for leaf in leaves))]
    energy = [sum(values) / FEMTO for values in zip(*(each(leaf, "energy") for leaf in leaves))] if arrays[0].has_energy else None
    at_bounds = {leaf: [float(v) for pack in packs for v in torch.stack([a.bound_share(pack[leaf]) for a in arrays]).mean(0)] for leaf in leaves}
    values = {"pulses": pulses, "refreshes": refreshes, "energy_joule": energy, "at_bounds": at_bounds}
    lines = [f"Devices ({config.device}), mean over seeds:"]
    for leaf in leaves:
        up, down = (_mean(pulses[leaf][key]) for key in ("potentiation", "depression"))
        lines.append(f"  {leaf}: {up:,.0f} pulses up, {down:,.0f} down, {100 * _mean(at_bounds[leaf]):.1f} % of devices at a bound")
    worn = isinstance(synapse.cell, Unidirectional)
    said = [f"{_mean(refreshes):,.0f} pairs refreshed"] if worn else []
    said += [] if energy is None else [f"writing took {_mean(energy):.3g} J" + (", erasing not counted" if worn else "")]
    lines += [f"  {'; '.join(said)}"] if said else []
    lines += [f"  Set, and used by nothing here: {', '.join(unused)}"] if (unused := _unused(config, synapse.cell)) else []
    lines += [warning for leaf in leaves if (warning := _idle(leaf, each, per_epoch, config, _mean(at_bounds[leaf])))]
    return Findings(values, "\n".join(lines), [_histograms(synapse, packs, leaves)])


def _unused(config: MemristorConfig, cell: Cell) -> list[str]:
    """Return the settings that are not at their defaults and that no part of this cell and these pulses reads."""
    others = {
        "refresh_": isinstance(cell, Unidirectional),
        "transfer_": isinstance(cell, TikiTaka),
        "gamma": isinstance(cell, TikiTaka),
        "theta": config.pulses == "sign",
        "longest": config.pulses == "stochastic",
        "headroom": config.scale is None,
    }
    usual = type(config)()
    idle = [key for key in vars(usual) for head, read in others.items() if key.startswith(head) and not read]
    return [f"plasticity.{key}" for key in idle if getattr(config, key) != getattr(usual, key)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _idle(leaf: str, each: Any, per_epoch: int, config: MemristorConfig, at_bounds: float) -> str:
    """Return a warning if no pulse was written for an epoch, "" otherwise."""
    longest, shortfall = max(each(leaf, "longest_idle")), max(each(leaf, "shortfall"))
    if longest < per_epoch:
        return ""
    if shortfall == 0:
        return (
            f"  Warning: {leaf} got no pulse in {longest} writes in a row (an epoch has {per_epoch}), as nothing was wanted of it: "
            "no input of it was active where an error reached its units, or the errors were 0"
        )
    needed = {"count": 0.5, "sign": config.theta}.get(config.pulses)
    if shortfall < HARDLY * (needed or 1) and at_bounds > WORN:
        return (
            f"  Warning: {leaf} got no pulse in {longest} writes in a row (an epoch has {per_epoch}), as hardly anything was wanted of it "
            f"({shortfall:.2g} pulses at most): its units give no error on, as after steps that were too large ({100 * at_bounds:.0f} % of its "
            "devices are at a bound); lower rule.lr"
        )
    least = f"; the largest change wanted in such a write was {shortfall:.3g} pulses" + (f", needed: more than {needed:g}" if needed else "")
    factor = f" (about {float(f'{needed / shortfall:.2g}'):,g} times)" if needed and shortfall < 0.9 * needed else ""
    advice = f"raise rule.lr{factor}, " + ("" if config.pulses == "stochastic" else "use plasticity.pulses=stochastic, ")
    advice += "lower plasticity.headroom, " if config.scale is None else ""
    return (
        f"  Warning: {leaf} got no pulse in {longest} writes in a row (an epoch has {per_epoch}){least}. "
        f"The device is too coarse for the rate: {advice}or take a finer device"
    )


def _histograms(synapse: MemristorSynapse, packs: Packs, leaves: Sequence[str]) -> Curves:
    panels = []
    for leaf in leaves[:MOST_PANELS]:
        series = []
        for colour, array in enumerate(synapse.cell.arrays):
            g = torch.cat([pack[leaf][array.name].flatten() for pack in packs]).double().cpu()
            low, high = min(0.0, float(g.min())), max(1.0, float(g.max()))
            counts = torch.histc(g, BINS, low, high)
            width = (high - low) / BINS
            series.append(Series(array.name, [low + (i + 0.5) * width for i in range(BINS)], (counts / len(g)).tolist(), colour=colour))
        panels.append(Panel("normalised conductance", "share of devices", series, title=leaf))
    more = f"the first {MOST_PANELS} of {len(leaves)} arrays; " if len(leaves) > MOST_PANELS else ""
    return Curves("conductances.png", "Conductances at the end", panels, note=f"{more}all seeds together", shared=False)
