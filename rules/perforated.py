"""Perforated dendrites: neurons grow branches that follow what is left of their error, cycle after cycle (Brenner & Itti 2025).

In neuron phases another rule trains the neurons, and errors stop at the dendrites. In dendrite phases everything is frozen but the candidates,
which follow the error of their own neuron (`bioplaus.rules.perforated_candidates`); the best one joins the neuron with weight 0 and stays as
it is. Phases belong to replicas (`bioplaus.rules.perforated_cycle`). Written from the abstracts of the papers and from Cascade-Correlation
(Fahlman & Lebiere 1990): docs/perforated.md says what that leaves open.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from bioplaus import registry
from bioplaus.changes import Change, Dense, Wanted
from bioplaus.dendrites import BranchChange, Dendrites
from bioplaus.errors import ConfigError
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.neurons.base import StaticNeuron
from bioplaus.pictures import Findings
from bioplaus.rules import perforated_state as states
from bioplaus.rules.base import Group, Learned, Learning, Plausibility, Rule, StageScores
from bioplaus.rules.perforated_candidates import Moments, Sides, ascent, sides_of
from bioplaus.rules.perforated_cycle import Boundary, opening
from bioplaus.rules.perforated_memory import check_memory
from bioplaus.rules.perforated_recipes import RECIPES
from bioplaus.rules.perforated_settings import PerforatedConfig
from bioplaus.shapes import leading, per_weight
from bioplaus.streams import Streams
from bioplaus.view import Edits, View

__all__ = ["Perforated"]

#: What a batch tells each neuron: layer -> its sides.
Heard = dict[str, Sides]

#: sources that are named where another one will not do
SOURCES = "bp, fa, dfa, usf, ccl or bidirectional"
HONOURED = (
    "no error passes through a dendrite, and none changes its synapses",
    "a growing dendrite sees its neuron's inputs, its neuron's other dendrites and its neuron's error, and nothing else",
)
VIOLATED = ("neurons and dendrites learn in phases that a validation score switches for the whole network",)


class Perforated(Rule):
    """Neurons grow dendrites that follow their remaining error; no error passes through a dendrite."""

    Config = PerforatedConfig
    reference = "Brenner & Itti 2025, arXiv:2501.18018; Fahlman & Lebiere 1990, NeurIPS"
    plausibility = Plausibility(
        honoured=HONOURED,
        violated=(*VIOLATED, "with backpropagation as the source of the error, its weight transport and locking remain"),
        weight_transport=True,
        backward_locking=True,
        update_locking=True,
        phases=2,
    )
    recipes = RECIPES

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        _source(self.config)  # a source that has no errors is refused at once

    @property
    def source(self) -> Rule:
        """The rule that brings the error; like every rule it holds settings and nothing else."""
        return _source(self.config)

    def statement(self) -> Plausibility:
        own = self.source.statement()
        return replace(own, honoured=(*HONOURED, *own.honoured), violated=(*VIOLATED, *own.violated))

    def build(self, network: Network) -> dict[str, Network]:
        return self.source.build(with_dendrites(network, self.config))

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        leaves = tuple(one.candidate(key) for one in _dendrites(networks["forward"]).values() for key in one.inner)
        rate = self.config.lr_dendrites if self.config.mode == "pb" else None
        return {**self.source.groups(networks), "dendrites": Group(leaves, rate)}

    def init(self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: Streams) -> dict[str, Tensor]:
        check_memory(self.config, networks["forward"], streams)
        own = self.source.init(networks, params, streams)
        worst = -math.inf if self.config.score == "accuracy" else math.inf
        return {**{f"source/{key}": value for key, value in own.items()}, **states.start(len(streams.seeds), streams.device, worst)}

    def learn(self, view: View) -> Learning:
        neurons, candidates = view.state["phase"] == states.NEURONS, view.state["phase"] == states.DENDRITES
        everyone = bool(neurons.all())
        used = states.used(view)
        heard: Heard = {}
        learning = self.source.learn(_inner(view))
        while True:
            try:
                wanted = next(learning)
            except StopIteration as stop:
                learned: Learned = stop.value
                break
            self._hear(heard, wanted, view)
            mask = wanted.mask if everyone else neurons if wanted.mask is None else neurons & wanted.mask
            yield Wanted(wanted.group, _of_used(wanted.changes, used), mask)
        self._check(view, heard)
        state, metrics = self._kept(view.state, learned.state, neurons, everyone, "source/"), dict(learned.metrics)
        if bool(candidates.any()):
            changes, more = self._growth(view, heard, candidates)
            yield Wanted("dendrites", changes, candidates)
            state |= more
        return Learned(metrics, state=state, running=self._kept(view.buffers, learned.running, neurons, everyone))

    def heard(self, view: View) -> Heard:
        """Return what a batch tells each neuron; nothing is learned."""
        found: Heard = {}
        for wanted in _all(self.source.learn(_inner(view))):
            self._hear(found, wanted, view)
        return found

    def _hear(self, heard: Heard, wanted: Wanted, view: View) -> None:
        for layer, one in states.dendrites_of(view).items():
            change = wanted.changes.get(one.u)
            if isinstance(change, BranchChange) and change.error.shape[1] == view.batch.size:
                heard[layer] = sides_of(change, view.batch.size)

    def _check(self, view: View, heard: Heard) -> None:
        deaf = [name for name in states.dendrites_of(view) if name not in heard]
        if deaf and self.config.mode != "continued":
            raise ConfigError(
                f"rule.error_source={self.config.error_source} has no error for each neuron of {deaf[0]}, which dendrites there would follow; "
                f"use {SOURCES}, or choose layers by rule.where=output|hidden"
            )

    def _kept(self, old: Mapping[str, Tensor], new: Mapping[str, Tensor], neurons: Tensor, everyone: bool, head: str = "") -> dict[str, Tensor]:
        """Return new values of what belongs to the neurons, for replicas whose neurons learn."""
        named = {f"{head}{key}": value for key, value in new.items()}
        if everyone:
            return named
        return {key: torch.where(per_weight(neurons, value), value, old[key]) if key in old else value for key, value in named.items()}

    def _growth(self, view: View, heard: Heard, growing: Tensor) -> tuple[dict[str, Change], dict[str, Tensor]]:
        """Return what candidates want of a batch, and the averages over batches where statistics are running ones."""
        changes: dict[str, Change] = {}
        state: dict[str, Tensor] = {}
        used = states.used(view)
        for name, one in states.dendrites_of(view).items():
            sides = heard[name]
            seen: Mapping[str, Tensor] = view.state
            grown = None
            memory = states.memory(self.config, view)
            if memory is not None:
                now = Moments(one, view.params)
                grown = now.add(sides)
                fresh = states.averaged(name, now, view.state, memory)
                fresh |= {f"seen/{one.candidate(key)}": view.params[one.candidate(key)].clone() for key in one.inner}
                state |= {key: torch.where(per_weight(growing, value), value, view.state[key]) for key, value in fresh.items()}
                seen = states.corrected(name, {**view.state, **state}, memory)
            std = seen[f"{name}/var_e"].sqrt() if self.config.normalise else None
            found = ascent(one, view.params, sides, seen[f"{name}/cov"], seen[f"{name}/mean_e"], std, grown)
            key = one.candidate(one.q)
            found[key] = found[key] * used[:, None, :, None]
            changes |= {leaf: Dense(value) for leaf, value in found.items()}
        return changes, state

    def feedback(self, view: View) -> dict[str, Tensor]:
        return self.source.feedback(_inner(view))

    def boundary(
        self, event: str, view: View, scores: Mapping[str, Tensor], feed: Callable[[], Any]
    ) -> tuple[Edits, ...] | None:
        if event == "start":
            return (*self._prepared(view, scores, feed), *opening(self.config, view))
        if event != "epoch":
            return None
        groups = tuple(self.source.groups(view.networks))
        return Boundary(self.config, view, scores, lambda params, buffers: self.moments(view, params, buffers, feed), groups).edits()

    def _prepared(self, view: View, scores: Mapping[str, Tensor], feed: Callable[[], Any]) -> tuple[Edits, ...]:
        """Return what the source asks for before the first batch.

        Raises
        ------
        ConfigError
            If it cannot do the task of the network.
        """
        source = self.source
        if view.task.codes(view.batch.y, view.batch.x.dtype)[1] is None and "autoencoding" not in source.tasks:
            raise ConfigError(f"rule.error_source={source.config.name} needs classes, and the network copies its inputs; use network=mlp")
        edits = source.boundary("start", _inner(view), scores, feed)
        found = () if edits is None else (edits,) if isinstance(edits, Edits) else edits
        return tuple(replace(one, state={f"source/{key}": value for key, value in one.state.items()}) for one in found)

    def findings(self, views: Sequence[View]) -> Findings:
        return self.source.findings([_inner(view) for view in views])

    def moments(self, view: View, params: Mapping[str, Tensor], buffers: Mapping[str, Tensor], feed: Callable[[], Any]) -> dict[str, Moments]:
        """Return the exact moments of the candidates of each layer over the training set."""
        dendrites = states.dendrites_of(view)
        found = {name: Moments(one, params) for name, one in dendrites.items()}
        for batch in feed():
            heard = self.heard(replace(view, batch=batch, params=params, buffers=buffers))
            for name, one in found.items():
                one.add(heard[name])
        return found

    def finished(self, state: Mapping[str, Tensor]) -> bool:
        return bool((state["phase"] == states.DONE).all())

    def stages(self, view: View) -> Sequence[Mapping[str, Tensor]]:
        return states.stages(view)

    def stage_findings(self, views: Sequence[View], scores: Sequence[StageScores], seconds: Sequence[float]) -> Findings:
        from bioplaus.rules.perforated_findings import cycle_findings

        return cycle_findings(self.config, views, scores, seconds)

    def controls(self, summary: Mapping[str, Any], network: Network) -> Mapping[str, Mapping[str, Any]]:
        from bioplaus.rules.perforated_controls import controls

        return controls(self.config, summary, network)

    def beside(self, summary: Mapping[str, Any], controls: Mapping[str, Mapping[str, Any]]) -> Findings:
        from bioplaus.rules.perforated_controls import beside

        return beside(summary, controls)


def _source(config: PerforatedConfig) -> Rule:
    """Return the rule that brings the error.

    Raises
    ------
    ConfigError
        If it has none for each neuron, or acts between batches by itself.
    """
    name = config.error_source
    if name == config.name or name not in registry.RULES.names():
        hint = registry.nearest(name, [one for one in registry.RULES.names() if one != config.name])
        raise ConfigError(f"rule.error_source={name} is not a rule that can be wrapped{hint} Use {SOURCES}")
    made = registry.RULES.get(name)
    alone = (made.boundary is not Rule.boundary and not made.prepares) or made.predict is not Rule.predict
    if "classification" not in made.tasks or alone:
        raise ConfigError(f"rule.error_source={name} has no error for each neuron, which dendrites would follow; use {SOURCES}")
    found: Rule = made(made.Config(lr=config.lr))
    return found


def with_dendrites(network: Network, config: PerforatedConfig) -> Network:
    """Return the network with room for dendrites in the layers that are to grow them.

    Raises
    ------
    ConfigError
        If there is no such layer.
    """
    top = len(network.layers) - 1
    chosen = [i for i in range(top + 1) if config.where == "all" or (i == top) == (config.where == "output")]
    able = [i for i in chosen if type(network.layers[i]) is Layer and isinstance(network.layers[i].neuron, StaticNeuron)]
    if not able:
        some = "it has no hidden layer" if not chosen else "its units are not static ones"
        raise ConfigError(f"no layer of the network can grow dendrites (rule.where={config.where}): {some}; use rule.where=all, or network=mlp")
    grown = copy.copy(network)
    grown.layers = tuple(_grown(layer, config) if i in able else layer for i, layer in enumerate(network.layers))
    return grown


def _grown(layer: Layer, config: PerforatedConfig) -> Layer:
    found, gd = copy.copy(layer), config.mode == "gd"
    found.dendrites = Dendrites(
        f"{layer.name}/dendrites",
        layer.connection,
        neuron=registry.NEURONS.get(config.dendrite)(),
        norm=layer.norm,
        perforated=config.perforated and not gd,
        learned=gd,
        pool=config.pool,
    )
    return found


def _dendrites(network: Network) -> dict[str, Dendrites]:
    return {layer.name: layer.dendrites for layer in network.layers if layer.dendrites}


def _inner(view: View) -> View:
    """Return the view as the source knows it: its own state under its own names."""
    return replace(view, state={key.removeprefix("source/"): value for key, value in view.state.items() if key.startswith("source/")})


def _all(learning: Learning) -> Generator[Wanted, None, None]:
    while True:
        try:
            yield next(learning)
        except StopIteration:
            return


def _of_used(changes: Mapping[str, Change], used: Tensor) -> Mapping[str, Change]:
    """Let u of dendrites that a replica has not got yet stay 0, and what is behind them stay as it is."""
    if used.shape[1] == 0 or bool(used.all()):
        return changes
    found = dict(changes)
    for key, change in changes.items():
        if "/dendrites/" in key:
            value = change.dense()
            found[key] = Dense(value * leading(used, value))
    return found
