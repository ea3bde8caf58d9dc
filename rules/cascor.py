"""Cascade-correlation: hidden units are added one by one, each trained to follow what is left of the outputs' errors, and then frozen.

::

    e_o = (y_o - t_o) (f'(z_o) + prime_offset)                                 error of output o at a pattern, L = 1/2 sum_o (y_o - t_o)^2
    outputs learn      dW_o = -mean_p e_o (x, h_1, .., h_K)                    a delta rule: one layer, no backpropagation
    a candidate h      S = sum_o |C_o|,   C_o = mean_p (h - hbar)(e_o - ebar_o)
    learns             dS/da_p = sum_o sign(C_o) (e_po - ebar_o) g'(a_p) / P   (`bioplaus.rules.cascor_candidates`)

Outputs and candidates take turns, in each seed on its own: outputs until every one is within ``tolerance`` of its target (solved: the end)
or their error has stopped falling; then a pool of candidates, with the outputs frozen, until the best S has stopped rising. That one is
installed (`bioplaus.rules.cascor_growth`) with weight 0 to the outputs, and hears the input and all units before it. An update sees the whole
training set. Source: Fahlman & Lebiere 1990, NIPS 2:524 (CMU-CS-90-100); constants as said in docs/cascor.md.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bioplaus.cascade_layer import CascadeLayer
from bioplaus.changes import Dense, Outer, Wanted
from bioplaus.errors import ConfigError
from bioplaus.fields import ranged, replica
from bioplaus.network import Network, Pass
from bioplaus.neurons.base import StaticNeuron
from bioplaus.pictures import Findings
from bioplaus.recipes import Recipe
from bioplaus.rules import cascor_growth as growth
from bioplaus.rules.base import Group, Learned, Learning, Plausibility, Rule, RuleConfig, StageScores
from bioplaus.rules.cascor_candidates import Followed, follow
from bioplaus.streams import Streams
from bioplaus.view import Edits, View

__all__ = ["CascadeCorrelation", "CascorConfig"]


@dataclass
class CascorConfig(RuleConfig):
    """Settings of cascade-correlation; a phase lasts some epochs, an epoch is one update."""

    name: str = "cascor"
    lr: float = replica(1.0)
    """Rate of the output weights; with plasticity=rprop a factor on the steps; >= 0. A list gives each seed its own."""
    lr_candidates: float = replica(1.0)
    """Rate of the candidates, likewise; >= 0."""
    pool: int = ranged(8, 1)
    """Candidates, of which the best is installed."""
    candidate_init: float = ranged(1.0, above=0)
    """Weights of a fresh candidate are uniform in [-candidate_init, candidate_init], dimensionless, > 0."""
    prime_offset: float = ranged(0.1, 0)
    """Added to the slope of an output's sigmoid, which is at most 1/4, so that saturated outputs still learn; >= 0."""
    tolerance: float = ranged(0.4, above=0, high=0.5)
    """A run is solved when each output is within this of its target at each training pattern; targets are +-1/2."""
    output_patience: int = ranged(12, 1)
    """Epochs without improvement of the error that end the outputs' phase."""
    output_improvement: float = ranged(0.01, 0)
    """Relative fall of the summed squared error that counts as one."""
    candidate_patience: int = ranged(12, 1)
    """Epochs without improvement of the best S that end the candidates' phase."""
    candidate_improvement: float = ranged(0.03, 0)
    """Relative rise of the best S that counts as one."""
    phase_epochs: int = ranged(500, 1)
    """Longest phase, epochs."""
    max_units: int = ranged(40, 0)
    """Units at most; a run that has them and stagnates ends unsolved."""


_RUN: dict[str, Any] = {
    "neuron": "symmetric_sigmoid",
    "plasticity": "rprop",
    "batch_size": 1_000_000,
    "epochs": 8000,
    "probes": [],
    "run.checkpoint_every": 200,
}
#: as the published spirals: coordinates in -6.5 .. 6.5
_SMALL = {"dtype": "float64", "data.standardise": "none"}


class CascadeCorrelation(Rule):
    """Units are added one by one, each following what is left of the outputs' errors, then frozen; nothing is sent back."""

    Config = CascorConfig
    reference = "Fahlman & Lebiere 1990, NIPS 2:524 (CMU-CS-90-100)"
    tasks = ("growing units one by one",)
    own_error = True
    refusal = "hidden layers are what it grows by itself, unit by unit"
    plausibility = Plausibility(
        honoured=(
            "no backward pass and no weight transport: an output's error changes its own synapses, and is broadcast to growing units",
            "a unit that has been installed never changes again",
            "a growing unit sees its own input, its own output and the outputs' errors, and nothing of other candidates",
        ),
        violated=(
            "a growing unit needs means over the whole training set, and the signs of its covariances with all outputs",
            "outputs and units learn in phases that the error of all outputs switches; the best of a pool is picked by a comparison",
            "each unit is a layer of its own: the chain is as long as the number of units",
            "squared error at the outputs, whose slope is never less than an offset, computed outside the network",
        ),
        update_locking=True,
        phases=2,
        modulators=("output error",),
    )
    recipes = (
        Recipe(_RUN, "pool, units, outputs and tolerance as published; rprop in place of quickprop, and the patience, are ours"),
        Recipe(_SMALL, "inputs as published, double precision", data=("two_spirals", "xor", "parity")),
        Recipe({"rule.max_units": 10, "epochs": 3000}, "ours, not tuned", data=("digits", "synthetic")),
        Recipe({"rule.max_units": 10, "epochs": 3000, "rule.candidate_init": 0.1}, "ours, not tuned", data=("mnist", "fashion_mnist")),
    )

    @classmethod
    def home(cls, given: Mapping[str, Any]) -> Mapping[str, str]:
        return {"data": "two_spirals", "network": "cascade"}

    def build(self, network: Network) -> dict[str, Network]:
        below = network.layers[0]
        assert isinstance(below, CascadeLayer), "Rule.tasks lets no other network through"
        units = copy.copy(below)
        units.pool, units.scale = self.config.pool, self.config.candidate_init
        grown = copy.copy(network)
        grown.layers = (units, *network.layers[1:])
        return {"forward": grown}

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        units, top = networks["forward"].layers
        assert isinstance(units, CascadeLayer)
        return {"forward": Group(tuple(top.leaves), self.config.lr), "candidates": Group(units.candidates, self.config.lr_candidates)}

    def init(self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: Streams) -> dict[str, Tensor]:
        return growth.start(len(streams.seeds), self.config.pool, streams.device)

    def learn(self, view: View) -> Learning:
        s, c = dict(view.state), self.config
        run = view.networks["forward"].forward(view.params, view.batch.x, view.buffers, train=True)
        missing = view.task.target(view.batch.y, run.out.dtype) - run.out
        error = -self._slope(view, run, missing)
        outputs, growing = s["phase"] == growth.OUTPUTS, s["phase"] == growth.CANDIDATES

        squares = missing.double().square().sum((1, 2))
        solved = outputs & (missing.abs() < c.tolerance).all(2).all(1)
        fell = squares < s["mark"] * (1 - c.output_improvement)
        stuck = outputs & ~solved & self._over(s, outputs, fell, squares, c.output_patience)
        yield Wanted("forward", self._outputs(view, run, error), outputs & ~solved & ~stuck)

        ended = growing
        if bool(growing.any()):
            followed = self._followed(view, run, error)
            best = followed.score.amax(1)
            rose = best > s["mark"] * (1 + c.candidate_improvement)
            ended = growing & self._over(s, growing, rose, best, c.candidate_patience)
            s["score"] = torch.where(growing.unsqueeze(1), followed.score, s["score"])
            yield Wanted("candidates", {key: Dense(value) for key, value in followed.changes.items()}, growing & ~ended)
        growth.turn(s, solved, stuck, ended, c.max_units)
        loss = view.task.loss(run.out, view.batch.y)
        return Learned({"loss": loss, "units": s["K"].to(loss.dtype)}, state=s)

    def _over(self, s: dict[str, Tensor], here: Tensor, better: Tensor, value: Tensor, patience: int) -> Tensor:
        """Count an epoch of a phase, and return where it was the last one: no improvement for so many epochs, or as long as it may be."""
        first = s["age"] == 0
        better = better | first
        s["mark"] = torch.where(here & better, value, s["mark"])
        s["since"] = torch.where(here, torch.where(better, 0, s["since"] + 1), s["since"])
        s["age"] = s["age"] + here
        return (s["since"] >= patience) | (s["age"] > self.config.phase_epochs)

    def _slope(self, view: View, run: Pass, missing: Tensor) -> Tensor:
        """Return ``missing (f' + offset)``, the error at the outputs' currents of each pattern, down the loss."""
        top, neuron = run.traces[-1], view.networks["forward"].layers[-1].neuron
        assert isinstance(neuron, StaticNeuron)
        return neuron.slope_times(top.current, top.out, missing) + self.config.prime_offset * missing

    def _outputs(self, view: View, run: Pass, error: Tensor) -> dict[str, Any]:
        """Return what the outputs want; units that a seed has not got are no input."""
        units, top = view.networks["forward"].layers
        there = torch.ones_like(run.traces[-1].pre[:, :1])
        n = units.connection.in_shape[0]
        there[..., n:] = growth.used(view.state["K"], there.shape[-1] - n).unsqueeze(1)
        down = error / -view.batch.size
        assert top.bias is not None
        return {top.weight: Outer(top.connection, ((run.traces[-1].pre * there, down),)), top.bias: Dense(down.sum(1))}

    def _followed(self, view: View, run: Pass, error: Tensor) -> Followed:
        units, trace = view.networks["forward"].layers[0], run.traces[0]
        assert isinstance(units, CascadeLayer)
        there = growth.used(view.state["K"], trace.neuron.out.shape[-1]).unsqueeze(1)
        return follow(units, view.params, trace.pre, trace.neuron.out * there, error)

    def boundary(
        self, event: str, view: View, scores: Mapping[str, Tensor], feed: Callable[[], Any]
    ) -> tuple[Edits, ...] | None:
        if event == "start" and view.clock.steps_per_epoch != 1:
            raise ConfigError(
                f"rule=cascor learns from the whole training set at once, and this run has {view.clock.steps_per_epoch} updates an epoch; "
                "leave out batch_size and data.draws, or set batch_size to at least the number of training samples"
            )
        return growth.install(view) if event == "epoch" else None

    def finished(self, state: Mapping[str, Tensor]) -> bool:
        return bool((state["phase"] == growth.DONE).all())

    def stages(self, view: View) -> Sequence[Mapping[str, Tensor]]:
        return growth.stages(view)

    def stage_findings(self, views: Sequence[View], scores: Sequence[StageScores], seconds: Sequence[float]) -> Findings:
        from bioplaus.rules.cascor_findings import unit_findings

        return unit_findings(self.config, views, scores)
