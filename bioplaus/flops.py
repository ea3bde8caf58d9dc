"""Floating-point operations of one training step, counted by torch while the step runs: 2 per multiply-add of matrix products only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

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
    from torch.utils.flop_counter import FlopCounterMode

    # torch counts baddbmm but not its in-place form, into which updates are fused
    fused = {torch.ops.aten.baddbmm_: _fused_product}
    with FlopCounterMode(display=False, custom_mapping=fused) as counter:
        learn_batch(model, world.copy(), batch, Clock())
    return counter.get_total_flops() / (batch.size * world.replicas)


def _fused_product(weight: Sequence[int], post: Sequence[int], pre: Sequence[int], **rest: Any) -> int:
    """Return 2 R m B n for ``[R, m, B] @ [R, B, n]``, given the shapes."""
    replicas, m, samples = post
    return 2 * replicas * m * samples * pre[2]
