"""Losses of a spiking output layer: from its membrane U or its spikes S, both ``[R, B, T, K]``, mean over the batch.

==============  ===============================================================  ==========================
name            loss of one sample with class y                                  prediction
==============  ===============================================================  ==========================
membrane        sum_t CE(U[t], y)                                                most spikes
rate            mean_t CE(S[t], y); its floor is 1.4612 for ten classes, not 0   most spikes
count           CE(sum_t S, y)                                                   most spikes
mse_count       mean_k (sum_t S_k - n_k)^2 / T, n_k = floor(T rate_k)            most spikes
max_membrane    CE(max_t U, y)                                                   largest membrane
mse_membrane    mean_k, mean_t of (U_k[t] - 1[k = y])^2                          largest membrane
first_spike     CE(-first spike's step, y), T - 1 where there is none            earliest spike
==============  ===============================================================  ==========================

Each returns the loss ``[R]``, and its negative gradients at the spikes and at the membrane (None where it does not look at them). Ties of a
count go to the lowest class. The conventions are those of snnTorch 1.0's `functional` losses; membrane is the loss of its tutorial 5.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["LOSSES", "OF_SPIKES", "SUMMED", "Found", "first_spike_times"]

Found = tuple[Tensor, Tensor | None, Tensor | None]
Loss = Callable[[Tensor, Tensor, Tensor, tuple[float, float]], Found]


def _cross_entropy(logits: Tensor, hot: Tensor) -> tuple[Tensor, Tensor]:
    """Return CE ``[...]`` and its negative gradient ``[..., K]``."""
    return torch.logsumexp(logits, -1) - (logits * hot).sum(-1), hot - F.softmax(logits, -1)


def membrane(spikes: Tensor, u: Tensor, hot: Tensor, rates: tuple[float, float]) -> Found:
    loss, down = _cross_entropy(u, hot.unsqueeze(2))
    return loss.sum(2).mean(1), None, down.div_(u.shape[1])


def rate(spikes: Tensor, u: Tensor, hot: Tensor, rates: tuple[float, float]) -> Found:
    loss, down = _cross_entropy(spikes, hot.unsqueeze(2))
    return loss.mean((1, 2)), down.div_(u.shape[1] * u.shape[2]), None


def count(spikes: Tensor, u: Tensor, hot: Tensor, rates: tuple[float, float]) -> Found:
    loss, down = _cross_entropy(spikes.sum(2), hot)
    return loss.mean(1), (down / u.shape[1]).unsqueeze(2).expand_as(u), None


def mse_count(spikes: Tensor, u: Tensor, hot: Tensor, rates: tuple[float, float]) -> Found:
    steps = u.shape[2]
    right, wrong = (int(steps * share) for share in rates)
    missing = hot * right + (1 - hot) * wrong - spikes.sum(2)
    scale = 2 / (steps * u.shape[1] * u.shape[3])
    return missing.square().mean((1, 2)) / steps, (missing * scale).unsqueeze(2).expand_as(u), None


def max_membrane(spikes: Tensor, u: Tensor, hot: Tensor, rates: tuple[float, float]) -> Found:
    top, when = u.max(2, keepdim=True)
    loss, down = _cross_entropy(top.squeeze(2), hot)
    return loss.mean(1), None, torch.zeros_like(u).scatter_(2, when, (down / u.shape[1]).unsqueeze(2))


def mse_membrane(spikes: Tensor, u: Tensor, hot: Tensor, rates: tuple[float, float]) -> Found:
    missing = hot.unsqueeze(2) - u
    return missing.square().mean((1, 2, 3)), None, missing * (2 / u[0].numel())


def first_spike(spikes: Tensor, u: Tensor, hot: Tensor, rates: tuple[float, float]) -> Found:
    when = first_spike_times(spikes)
    loss, down = _cross_entropy(-when, hot)
    fired = spikes.amax(2) > 0
    # a spike a step earlier: the surrogate of the membrane at that step moves it; units that never fire are pushed at the last step
    at = torch.where(fired, when, torch.full_like(when, u.shape[2] - 1)).long().unsqueeze(2)
    return loss.mean(1), torch.zeros_like(u).scatter_(2, at, (down / u.shape[1]).unsqueeze(2)), None


def first_spike_times(spikes: Tensor) -> Tensor:
    """Return the step of the first spike ``[R, B, K]``, from 0; T - 1 where there is none."""
    steps = spikes.shape[2]
    fired = spikes.amax(2) > 0
    return torch.where(fired, spikes.argmax(2), torch.full_like(spikes[:, :, 0], steps - 1, dtype=torch.int64)).to(spikes.dtype)


LOSSES: dict[str, Loss] = {
    "membrane": membrane,
    "rate": rate,
    "count": count,
    "mse_count": mse_count,
    "max_membrane": max_membrane,
    "mse_membrane": mse_membrane,
    "first_spike": first_spike,
}

#: losses that look at output spikes alone
OF_SPIKES = ("rate", "count", "mse_count", "first_spike")
#: losses to which every step adds a share of its own: their sum, or their mean
SUMMED = {"membrane": "sum", "rate": "mean", "mse_membrane": "mean"}
