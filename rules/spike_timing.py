"""What a synapse of spiking cells knows and does under spike-timing-dependent plasticity, in steps of dt.

::

    r1[t] = sum_{s < t} e^{-(t - s) dt / tau_plus} x[s]        of the presynaptic cell; r2 the same with tau_x
    o1[t] = sum_{s < t} e^{-(t - s) dt / tau_minus} S[s]       of the postsynaptic cell; o2 the same with tau_y
    dw[t] = (w_max - w)^mu r1[t] S[t] (A2+ + A3+ o2[t])  -  w^mu o1[t] x[t] (A2- + A3- r2[t])

The traces are those of before step t: two spikes of one step do not see each other. The pair rule has A3+ = A3- = 0. ``pairing=nearest`` sets
a trace to the latest spike where ``all`` adds it. x are the spikes that arrive, S the cell's own; an input that is no spike, such as a constant
current, counts as a spike of its size at every step.

The change of a batch is the sum over steps of the mean over samples, with the factors of w as it was before the batch. It is a sum of
products of one number of each cell, so that nothing is kept per synapse and sample.

Sources: Song, Miller & Abbott 2000, Nat. Neurosci. 3:919; Gutig et al. 2003, J. Neurosci. 23:3697 (mu); Pfister & Gerstner 2006, J. Neurosci.
26:9673 (triplets); Morrison, Diesmann & Gerstner 2008, Biol. Cybern. 98:459 (pairings, order of traces).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from bioplaus.changes import Change, Dense, Outer
from bioplaus.connections import Connection
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged, replica
from bioplaus.rules.base import RuleConfig
from bioplaus.theory.stdp import FORMS, Timing

__all__ = ["SpikeTimingConfig", "change", "timing", "trace"]


@dataclass
class SpikeTimingConfig(RuleConfig):
    """Settings of spike timing in layered networks."""

    lr_hidden: float = replica(1.0)
    """Factor on the changes by spike timing, >= 0; 0 leaves those weights at their start, which is the control. A list: one per seed."""
    lr_threshold: float = replica(0.1)
    """Rate at which a hidden cell's threshold follows its firing rate (homeostasis), >= 0; 0 for thresholds that stand still."""
    form: str = choice("pair", "pair", "triplet")
    """Which spikes a change is made of: pair (one of each cell) | triplet (and the one before)."""
    pairing: str = choice("all", "all", "nearest")
    """Which earlier spikes count: all | nearest (the latest of each cell)."""
    mu: float = ranged(0.0, 0, 1)
    """How changes depend on the weight, (w_max - w)^mu and w^mu, in [0, 1]: 0 additive, 1 multiplicative."""
    a_plus: float | None = ranged(None, 0)
    """A2+, what a pair adds, >= 0; if not given 0.01 (pair) or 5e-10 (triplet)."""
    a_minus: float | None = ranged(None, 0)
    """A2-, what a pair takes, >= 0; if not given 0.0105 (pair) or 7e-3 (triplet)."""
    tau_plus: float | None = ranged(None, above=0)
    """Time constant of the presynaptic trace, ms, > 0; if not given 20 (pair) or 16.8 (triplet)."""
    tau_minus: float | None = ranged(None, above=0)
    """Time constant of the postsynaptic trace, ms, > 0; if not given 20 (pair) or 33.7 (triplet)."""
    a3_plus: float | None = ranged(None, 0)
    """A3+ of form=triplet, what an earlier spike of the postsynaptic cell adds, >= 0; 6.2e-3 if not given."""
    a3_minus: float | None = ranged(None, 0)
    """A3- of form=triplet, what an earlier spike of the presynaptic cell takes, >= 0; 2.3e-4 if not given."""
    tau_x: float | None = ranged(None, above=0)
    """Time constant of the second presynaptic trace of form=triplet, ms, > 0; 101 if not given."""
    tau_y: float | None = ranged(None, above=0)
    """Time constant of the second postsynaptic trace of form=triplet, ms, > 0; 125 if not given."""
    w_max: float = ranged(1.0, above=0)
    """Largest weight of an excitatory synapse, > 0, in units of the membrane; the smallest is 0."""
    start: float = ranged(0.5, above=0, high=0.5)
    """Mean weight at the start as a share of w_max, in (0, 0.5]; weights are uniform between 0 and twice that."""
    inhibition: float = ranged(1.0, 0)
    """What a spike takes from every other cell of its hidden layer in the next step, >= 0, in units of the membrane; 0 for none."""
    rate: float = ranged(0.05, 0, 1)
    """Spikes per step that a hidden cell's threshold pulls it to, in [0, 1]."""


def timing(config: SpikeTimingConfig) -> Timing:
    """Return the constants that the settings mean.

    Raises
    ------
    ConfigError
        If a setting of triplets is given for pairs.
    """
    names = ("a_plus", "a_minus", "tau_plus", "tau_minus", "a3_plus", "a3_minus", "tau_x", "tau_y")
    given = {name: getattr(config, name) for name in names if getattr(config, name) is not None}
    strangers = [name for name in given if name in names[4:]] if config.form == "pair" else []
    if strangers:
        raise ConfigError(f"rule.{strangers[0]} belongs to triplets of spikes; add rule.form=triplet or leave it out")
    return replace(FORMS[config.form], **given)


def trace(x: Tensor, tau: float, dt: float, *, nearest: bool) -> Tensor:
    """Return the trace of activity ``[R, B, T, N]`` as it stands before each step, of the same shape; tau and dt in ms."""
    decay, found = math.exp(-dt / tau), torch.empty_like(x)
    kept = torch.zeros_like(x[:, :, 0])
    for t in range(x.shape[2]):
        found[:, :, t] = kept
        now = x[:, :, t]
        kept = decay * (torch.where(now != 0, now, kept) if nearest else kept + now)
    return found


def change(connection: Connection, w: Tensor, pre: Tensor, post: Tensor, config: SpikeTimingConfig, dt: float, factor: Any) -> Change:
    """Return what the spikes of a batch want of the weights of a connection.

    Parameters
    ----------
    w
        The weights, ``[R, post, pre]``.
    pre, post
        What arrived, ``[R or 1, B, T or 1, pre]`` (1 for an input that is the same at every step), and spikes, ``[R, B, T, post]``.
    dt
        Duration of a step, ms.
    factor
        On the change of each sample and step, a number or an array that broadcasts to ``[R, B, T, 1]``.
    """
    c, nearest = timing(config), config.pairing == "nearest"
    if pre.shape[2] != post.shape[2]:
        pre = pre.expand(-1, -1, post.shape[2], -1)
    r1, o1 = trace(pre, c.tau_plus, dt, nearest=nearest), trace(post, c.tau_minus, dt, nearest=nearest)
    up, down = post * (c.a_plus * factor), o1 * factor
    takes = pre * c.a_minus
    if c.a3_plus:
        up = up + post * trace(post, c.tau_y, dt, nearest=nearest) * (c.a3_plus * factor)
    if c.a3_minus:
        takes = takes + pre * trace(pre, c.tau_x, dt, nearest=nearest) * c.a3_minus
    if config.mu == 0:
        # both in one product, laid one behind the other along time
        return Outer(connection, ((torch.cat((r1, takes), 2), torch.cat((up, -down), 2)),))
    room, held = (config.w_max - w).clamp(min=0).pow(config.mu), w.clamp(min=0).pow(config.mu)
    return Dense(connection.correlate(r1, up) * room - connection.correlate(takes, down) * held)
