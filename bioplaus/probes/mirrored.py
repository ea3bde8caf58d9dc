"""Which layer of a mirrored feedback network belongs to which layer of the forward network."""

from __future__ import annotations

from bioplaus.layer import Layer
from bioplaus.world import Model

__all__ = ["mirrored_pairs"]


def mirrored_pairs(model: Model) -> list[tuple[Layer, Layer]]:
    """Return (forward layer l, feedback layer L-1-l), l = 0..L-1; empty if no network "feedback" mirrors."""
    if "feedback" not in model.networks:
        return []
    up, down = model.networks["forward"].layers, model.networks["feedback"].layers
    pairs = list(zip(up, reversed(down)))
    return pairs if len(up) == len(down) and all(_opposite(*pair) for pair in pairs) else []


def _opposite(layer: Layer, back: Layer) -> bool:
    post, pre, *kernel = layer.connection.weight_shape
    return back.connection.weight_shape == (pre, post, *kernel)
