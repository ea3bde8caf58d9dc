"""Floating-point operations of one training step, counted by torch while the step runs: 2 per multiply-add of matrix products only."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from bioplaus.engines.loop import learn_batch
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World

__all__ = ["flops_per_sample"]


@torch.no_grad()
def flops_per_sample(model: Model, world: World, batch: Batch) -> float:
    """Return FLOPs of one training step per sample of one replica, at this batch's size; the world stays untouched.

    For dense networks of W weights, widths d_0..d_L, K = d_L and batch B this is ``4 W + 2 (W - d_0 d_1)`` for backprop and
    ``4 W (1 + K/B) + 2 K (2 sum_{l<L} d_l + sum_{1<=l<L} d_l)`` for counter-current learning, which are the figures of
    Kao & Hariharan 2024, table 2.
    """
    with _Counter() as counter:
        learn_batch(model, world.copy(), batch, Clock())
    return counter.total / (batch.size * world.replicas)


class _Counter(TorchDispatchMode):
    """Adds up torch's own formulas (`torch.utils.flop_counter`) over the operations that pass.

    Torch's ready-made counter does the same, and imports its compiler on the first operation, which costs more than a second a run.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # the wrapper that would import the compiler

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        formula = _FORMULAS.get(func._overloadpacket)
        if formula is None:
            with self:  # an operation made of others is counted by these
                made = func.decompose(*args, **kwargs)
            if made is not NotImplemented:
                return made
        out = func(*args, **kwargs)
        if formula is not None:
            self.total += formula(*args, **kwargs, out_val=out)
        return out


def _fused_product(weight: Tensor, post: Tensor, pre: Tensor, **rest: Any) -> int:
    """Return 2 R m B n for ``[R, m, B] @ [R, B, n]``."""
    replicas, m, samples = post.shape
    return 2 * replicas * m * samples * pre.shape[2]


#: torch counts baddbmm but not its in-place form, into which updates are fused
_FORMULAS: dict[Any, Any] = {**flop_registry, torch.ops.aten.baddbmm_: _fused_product}
