"""A network with its dendrites, drawn: neurons as points, their dendrites as smaller ones before them, lines for the strongest synapses."""

from __future__ import annotations

import numpy as np

from bioplaus.pictures import Curves, Panel, Series
from bioplaus.rules.perforated_state import dendrites_of
from bioplaus.view import View

__all__ = ["drawing"]

#: neurons of a layer, and lines into it, that are drawn at most
NEURONS, LINES = 16, 60


def drawing(view: View, K: int) -> Curves:
    """Return the first seed's network with its K dendrites per neuron.

    Columns are layers, dendrites stand left of their neuron, the oldest nearest; their link is dashed where u < 0.
    """
    series: list[Series] = []
    known = dendrites_of(view)
    layers = view.networks["forward"].layers
    below = _places(layers[0].connection.in_shape[0], 0)
    series.append(Series("inputs", [0.0] * len(below), below, points=True, colour=None, marker="s"))
    for i, layer in enumerate(layers, 1):
        here = _places(layer.connection.out_shape[0], i)
        w = view.params[layer.weight][0].double()
        w = w.flatten(2).sum(2) if w.dim() > 2 else w
        weights = w.abs().cpu().numpy()[: len(here)]
        for post, pre in _strongest(weights, len(below)):
            series.append(Series("", [i - 1, i], [below[pre], here[post]], colour=None, faint=True))
        one = known.get(layer.name)
        if one is not None:
            u = view.params[one.u][0].double().cpu().numpy()
            for k in range(K):
                x = i - 0.12 * (k + 1)
                label = "dendrites" if i == 1 and k == 0 else ""
                series.append(Series(label, [x] * len(here), here, points=True, colour=1, marker="o", size=2.5))
                for post, y in enumerate(here):
                    series.append(Series("", [x, x + 0.12], [y, y], colour=1, dashed=bool(u[k, post] < 0)))
        series.append(Series("neurons" if i == 1 else "", [float(i)] * len(here), here, points=True, colour=0, size=6))
        below = here
    panel = Panel("layer", "place in the layer", series, whole_x=True, y_limits=(-0.08, 1.08), legend="below")
    many = f"{K} dendrite{'s' if K != 1 else ''} per neuron"
    note = f"First seed; {many}, dashed where u < 0; at most {NEURONS} neurons a layer, strongest synapses."
    return Curves("dendrites.png", "The network with its dendrites", [panel], note)


def _places(units: int, layer: int) -> list[float]:
    """Return heights in 0..1 of a column of units."""
    n = min(units, NEURONS)
    return [0.5] if n == 1 else np.linspace(0.02, 0.98, n).tolist()


def _strongest(weights: np.ndarray, below: int) -> list[tuple[int, int]]:
    """Return (post, pre) of the largest entries; inputs beyond those drawn are folded onto them."""
    flat = np.argsort(weights, axis=None)[::-1][:LINES]
    posts, pres = np.unravel_index(flat, weights.shape)
    return [(int(post), int(pre) * below // weights.shape[1]) for post, pre in zip(posts, pres)]
