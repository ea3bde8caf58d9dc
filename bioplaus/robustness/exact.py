"""The worst image in the box, exactly, for a network of one linear layer.

Score j overtakes the right one y by as much as possible where every pixel goes to the end of its interval that w_j - w_y points to::

    max over the box of (z_j - z_y) = sum_p max over [max(0, x_p - eps), min(1, x_p + eps)] of (W_jp - W_yp) x_p / std_p  + constant

An image is safe if this is below 0 for every rival j. What is found here is the corner itself, one for each rival, and the network
judges it like any other image: nothing is lost in another order of sums.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bioplaus.connections import DenseConnection
from bioplaus.neurons.smooth import Identity
from bioplaus.operations import Flatten
from bioplaus.robustness.attacks import Attacked, box
from bioplaus.robustness.heads import Logits, margins
from bioplaus.robustness.victim import Victim
from bioplaus.shapes import leading

__all__ = ["is_linear", "worst_case"]


def is_linear(victim: Victim) -> bool:
    """Return whether the answer is that of one dense layer of linear units, whatever its bias."""
    layers = victim.model.networks["forward"].layers
    return (
        victim.route == "adjoint"
        and type(victim.head) is Logits
        and len(layers) == 1
        and isinstance(layers[0].connection, DenseConnection)
        and isinstance(layers[0].neuron, Identity)
        and not layers[0].norms
        and all(isinstance(operation, Flatten) for operation in layers[0].before)
        and not layers[0].after
    )


@torch.no_grad()
def worst_case(victim: Victim, x: Tensor, y: Tensor, eps: float) -> Attacked:
    """Return, for each image ``[R or 1, B, *shape]``, the corner of its box of largest margin, and whether the answer is wrong at any."""
    x, y = x.expand(victim.replicas, *x.shape[1:]), y.expand(victim.replicas, -1)
    low, high = box(x, eps)
    weight = victim.world.params[victim.model.networks["forward"].layers[0].weight]
    own = torch.stack([rows[labels] for rows, labels in zip(weight, y)])
    best, broken = x.clone(), torch.zeros(x.shape[:2], dtype=torch.bool, device=x.device)
    height = torch.full(x.shape[:2], -torch.inf, dtype=victim.dtype, device=x.device)
    for rival in weight.unbind(1):  # of class y itself no pixel prefers anything; its corner is an image of the box like the others
        corner = torch.where((rival.unsqueeze(1) > own).view(x.shape), high, low)
        scores = victim.scores(corner)
        found = margins(scores, y)
        better = found > height
        best = torch.where(leading(better, x), corner, best)
        height = torch.where(better, found, height)
        broken |= scores.argmax(-1) != y
    return Attacked(best, broken)
