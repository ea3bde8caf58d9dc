"""Settings of perforated dendrites."""

from __future__ import annotations

from dataclasses import dataclass

from bioplaus.fields import choice, ranged, replica
from bioplaus.rules.base import RuleConfig

__all__ = ["PerforatedConfig"]


@dataclass
class PerforatedConfig(RuleConfig):
    """Settings of perforated dendrites; epochs are those of the run, in which a replica is in one phase or the other."""

    name: str = "perforated"
    lr: float = replica(0.1)
    """Rate of the neurons (W, b, u), handed to the rule that brings the error; >= 0. A list gives each seed its own."""
    lr_dendrites: float = replica(0.05)
    """Rate of the candidates (V, c, q) while they grow; >= 0. A list gives each seed its own."""
    error_source: str = "bp"
    """Rule that tells each neuron its error, under its defaults: bp, fa, dfa, usf, ccl, bidirectional, or another with an error per neuron."""
    mode: str = choice("pb", "pb", "gd", "random", "continued")
    """pb: dendrites follow their neuron's error, then freeze | gd: they learn with the weights | random: never | continued: there are none."""
    perforated: bool = True
    """Whether no error passes through dendrites to the layer below; in mode gd it always does."""
    dendrite: str = choice("sigmoid", "sigmoid", "tanh", "relu")
    """Nonlinearity g of a dendrite."""
    where: str = choice("all", "all", "hidden", "output")
    """Layers that grow dendrites."""
    max_dendrites: int = ranged(100, 0)
    """Dendrites per neuron at most; one is added per cycle."""
    max_dendrite_tries: int = ranged(2, 0)
    """New candidates after dendrites that did not help, before the run stops."""
    keep_cycles: bool = False
    """Whether every cycle is kept and the next one follows, also where its validation score is no better."""
    pool: int = ranged(1, 1)
    """Candidates per neuron, of which the best is installed."""
    dendrite_init: float = ranged(0.01, above=0)
    """Standard deviation of V and c of a fresh candidate (normal), dimensionless, > 0."""
    u_init: str = choice("zero", "zero", "ols")
    """Weight of a new dendrite: zero (the function stays as it is) | ols (-u_step C/var d, a Newton step)."""
    u_step: float = ranged(1.0, above=0)
    """u_init=ols: inverse curvature of the loss at the neuron's current, > 0."""
    stats: str = choice("exact", "exact", "running")
    """Statistics behind a candidate's change: exact (of the whole training set, once per epoch) | running (averages over batches)."""
    stats_momentum: float = ranged(0.9, 0, below=1)
    """stats=running: memory of the averages per batch, in [0, 1)."""
    normalise: bool = True
    """Whether a neuron's error is divided by its standard deviation before candidates follow it."""
    score: str = choice("loss", "loss", "accuracy")
    """Validation score that ends a neuron phase."""
    switch_mode: str = choice("history", "history", "fixed", "every_epoch", "none")
    """End of a phase: history (no improvement for some epochs) | fixed (neurons: so many epochs) | every_epoch (both) | none (never)."""
    n_epochs_to_switch: int = ranged(10, 1)
    """history: epochs without improvement that end a neuron phase."""
    n_epochs_max: int | None = ranged(None, 1)
    """history: longest neuron phase, epochs; not given: any length."""
    fixed_switch_num: int = ranged(250, 1)
    """fixed: epochs of a neuron phase."""
    improvement_threshold: float = ranged(1e-3, 0)
    """Relative improvement that counts in the first cycle."""
    improvement_threshold_later: float = ranged(1e-4, 0)
    """Relative improvement that counts in later cycles."""
    improvement_threshold_raw: float = ranged(1e-5, 0)
    """Absolute improvement that counts, beside the relative one."""
    history_lookback: int = ranged(1, 1)
    """Scores are averaged exponentially over so many epochs; 1 for none."""
    initial_history_after_switches: int = ranged(0, 0)
    """Epochs after a switch before the count to the next one starts."""
    p_epochs: int | None = ranged(None, 1)
    """Epochs of a dendrite phase; not given: until no candidate improves."""
    p_epochs_to_switch: int = ranged(10, 1)
    """Epochs without any improving candidate that end a dendrite phase."""
    dendrite_improvement_threshold: float = ranged(0.1, 0)
    """Relative improvement of a candidate's covariance that counts."""
    dendrite_improvement_threshold_raw: float = ranged(1e-5, 0)
    """Absolute improvement that counts, beside the relative one."""
    cap_at_n: bool = False
    """Whether a dendrite phase lasts no longer than the first neuron phase did."""
    controls: bool = True
    """Whether `bioplaus simulate` runs the controls beside: continued, random, gd, no_perforation, width_matched."""
