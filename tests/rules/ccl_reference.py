"""Counter-current learning once more, by autograd with the detaches of the published code: the oracle of these tests.

Arrays have no replica axis here. Every layer input is detached, pair losses on neither side; `losses` gives one number per pair,
input pair first, output loss last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.network import Network
from bioplaus.rules.base import Rule
from bioplaus.streams import Streams
from bioplaus.tasks import Task
from bioplaus.view import Batch, Clock, View

EPS = 1e-8
LayerCall = Callable[[Tensor], Tensor]
PairLoss = Callable[[Tensor, Tensor, Tensor], Tensor]


def chain(layers: Sequence[LayerCall], x: Tensor) -> list[Tensor]:
    """Return x and what each layer makes of the detached activity below it."""
    rows = [x]
    for layer in layers:
        rows.append(layer(rows[-1].detach()))
    return rows


def dense(w: Tensor, *, last: bool = False, phi: LayerCall = F.elu) -> LayerCall:
    """Return a dense layer, linear if last."""
    return lambda x: x @ w.T if last else phi(x @ w.T)


def raw(lam: float) -> PairLoss:
    """``c mean (a b^T - T)^2``, ``c = lambda 256 / d``."""
    return lambda a, b, match: (a @ b.T - match).pow(2).mean() * lam * 256 / a.shape[1]


def unit(rows: Tensor) -> Tensor:
    """Rows at unit length; an all-zero row is a constant zero."""
    norm = rows.norm(dim=-1, keepdim=True)
    return torch.where(norm > 0, rows / (norm + EPS), torch.zeros_like(rows))


def normalised(cross: float, own: float) -> PairLoss:
    """Compare directions with the class match, and each side's rows with each other."""

    def loss(a: Tensor, b: Tensor, match: Tensor) -> Tensor:
        a, b = unit(a), unit(b)
        eye_a, eye_b = (torch.eye(len(rows), dtype=rows.dtype) for rows in (a, b))
        spread = (a @ a.T - eye_a).pow(2).mean() + (b @ b.T - eye_b).pow(2).mean()
        return cross * (a @ b.T - match).pow(2).mean() + own * spread

    return loss


def losses(
    up: Sequence[LayerCall], down: Sequence[LayerCall], x: Tensor, y: Tensor, classes: int, pair: PairLoss, flooding: float = 0.0
) -> list[Tensor]:
    """Return the losses of the pairs l = 0..L-1 and the cross-entropy."""
    a, b = chain(up, x), chain(down, torch.eye(classes, dtype=x.dtype))[::-1]
    match = F.one_hot(y, classes).to(x.dtype)
    true = a[-1].detach().softmax(-1).gather(1, y[:, None])
    far = ((true - 1).abs() >= flooding).to(x.dtype)
    found = [pair(a[i].flatten(1) * far, b[i].flatten(1), match) for i in range(len(up))]
    return [*found, F.cross_entropy(a[-1], y)]


def wanted(
    rule: Rule,
    networks: Mapping[str, Network],
    params: Mapping[str, Tensor],
    x: Tensor,
    y: Tensor,
    task: Task,
    buffers: Mapping[str, Tensor] | None = None,
) -> tuple[dict[str, Tensor], Mapping[str, Tensor]]:
    """Return all changes the rule wants for one batch, and its metrics; every array has its replica axis."""
    streams = Streams((0,), dtype=x.dtype)
    seen = View(networks, params, buffers or {}, {}, Batch(x, y), Clock(), streams, task)
    found: dict[str, Tensor] = {}
    learning = rule.learn(seen)
    while True:
        try:
            step = next(learning)
        except StopIteration as stop:
            return found, stop.value.metrics
        assert not found.keys() & step.changes.keys()
        found |= {key: change.dense() for key, change in step.changes.items()}
