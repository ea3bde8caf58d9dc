"""What a network of devices has written, and where its conductances stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bioplaus.pictures import Curves, Findings, Panel, Series
from bioplaus.rules.neurosim import of
from bioplaus.view import View

__all__ = ["neurosim_findings"]

Array = np.ndarray[Any, Any]
_BINS = 40


def neurosim_findings(views: Sequence[View]) -> Findings:
    """Return pulses, the energy of writing where the device's voltages are known, and histograms of the first seed's conductances."""
    net, R = of(views[0].networks["forward"]), sum(len(view.streams.seeds) for view in views)
    pulses, load = (np.concatenate([view.state[key].cpu().numpy() for view in views]).astype(float) for key in ("pulses", "load"))
    images = np.concatenate([view.state["shown"].cpu().numpy() for view in views])
    per_image = (pulses / np.maximum(images, 1)[:, None, None]).mean(0)
    names = [f"{what}_{where}_per_image" for where in ("hidden", "output") for what in ("ltp", "ltd")]
    joules = energy(net.device.g_min, net.device.g_max, net.writing, pulses, load)
    values: dict[str, Any] = dict(zip(names, per_image.ravel().tolist()))
    ways = ("potentiation", "depression")
    written = {layer.weight: dict(zip(ways, pulses[:, i].T.astype(int).tolist())) for i, layer in enumerate(net.layers)}
    # as other devices say it; there are no pairs to refresh
    values |= {"pulses": written, "refreshes": [0] * R, "energy_joule": None if joules is None else joules.tolist()}
    pairs = zip(("hidden", "output"), per_image)
    text = "pulses per image: " + ", ".join(f"{where} {up:.1f} up, {down:.1f} down" for where, (up, down) in pairs)
    if joules is not None:
        nano = 1e9 * (joules / np.maximum(images, 1)).mean()
        text += f"\nwriting took {joules.mean():.3g} J a seed ({nano:.3g} nJ an image), wires and selectors apart"
    return Findings(values, text, [_histograms(views[0], f"{net.config.device}, first of {R} seeds" if R > 1 else net.config.device)])


def energy(g_min: float | None, g_max: float | None, writing: Any, pulses: Array, load: Array) -> Array | None:
    """Return ``sum V^2 t G`` over all pulses of each replica, J; G is the mean of before and after a write. None where a number is not known."""
    if writing is None or g_min is None or g_max is None:
        return None
    volts, seconds = np.asarray(writing.volts), np.asarray(writing.seconds)
    found: Array = ((g_min * pulses + (g_max - g_min) * load) * volts**2 * seconds).sum((1, 2))
    return found


def _histograms(view: View, title: str) -> Curves:
    panels = []
    for layer, name in zip(of(view.networks["forward"]).layers, ("hidden layer", "output layer")):
        g = (view.params[layer.weight][0].double().cpu().numpy().ravel() + 1) / 2
        counts, edges = np.histogram(g[np.isfinite(g)], bins=_BINS)
        outline = Series("", edges.repeat(2).tolist(), [0, *counts.repeat(2).tolist(), 0])
        panels.append(Panel("normalised conductance", "devices", [outline], title=name))
    return Curves("conductances.png", f"Conductances: {title}", panels)
