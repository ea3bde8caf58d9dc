"""Dendritic cortical microcircuits: interneurons predict the feedback, and what they miss is the error (Sacramento et al. 2018).

A hidden pyramidal cell receives its input at the basal dendrite and the area above at the apical one, where interneurons take away what they
expected to come. With nothing to learn the apical potential v_A is 0 (the self-predicting state). A teaching current at the output leaves of the
feedback what was not expected: v_A is the cell's error, and synapses learn from a soma that its basal dendrite does not explain::

    change of W_up = (phi(u) - phi(v_B)) r^T     change of W_IP = (phi(w) - phi(v_I)) r^T     change of W_PI = -v_A s^T

Potentials and equations of motion stand in `bioplaus.rules.microcircuit_cells`. In the self-predicting state and for weak teaching

    phi(u) - phi(v_B)  ->  g D_l,   D_l = (W_down D_{l+1}) * phi'(v_B),   g = strength (g_apical/g_basal (1 - lambda))^(areas above),

the error of feedback alignment with B = W_down^T, hence backpropagation's where W_down = W_up^T. ``rule.level`` divides by g.

Source: Sacramento, Costa, Bengio & Senn 2018, NeurIPS, arXiv:1810.11393. Its text could not be read here: equations, conductances and the
matching of W_IP are from memory, agree with public re-implementations, and are derived in docs/microcircuit.md. Somatic noise is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bioplaus.changes import Wanted
from bioplaus.connections import DenseConnection
from bioplaus.errors import ConfigError
from bioplaus.layer import Layer
from bioplaus.leaves import Init, Leaf
from bioplaus.network import Network
from bioplaus.neurons.base import StaticNeuron
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Group, Learned, Learning, Plausibility, Rate, Rule
from bioplaus.rules.microcircuit_cells import Cells
from bioplaus.rules.microcircuit_settings import MicrocircuitConfig
from bioplaus.streams import Streams
from bioplaus.view import View

__all__ = ["Microcircuit"]

_LOCKED = "backward locking: errors are read area by area, from the top down"


class Microcircuit(Rule):
    """Interneurons predict what the area above sends down; what they miss, at the apical dendrite, is the error.

    Notes
    -----
    Predictions are the forward pass: apical dendrites are taken to be silent, which they are in the self-predicting state.
    """

    Config = MicrocircuitConfig
    reference = "Sacramento, Costa, Bengio & Senn 2018, NeurIPS, arXiv:1810.11393"
    tasks = ("classification",)
    plausibility = Plausibility(
        honoured=(
            "no weight transport: feedback, interneuron and lateral synapses are separate, and what learns uses its own two sides",
            "activity and error live in one cell, in two dendrites: there are no error cells",
        ),
        violated=(
            "one interneuron for each cell of the area above, driven by that cell alone",
            "the output is taught while it learns, and the hidden areas wait for it (update locking)",
            "the interneuron circuit starts matched to the forward and feedback weights, or learns first without teaching",
            "feedback synapses are fixed; lateral ones (rule.lateral_rate=0) stay as they start",
        ),
        update_locking=True,
        phases=2,
    )
    recipes = (
        Recipe({"neuron": "tanh", "rule.g_teach": 1.6, "plasticity.clip": "per_network"}, "ours: rates without a mean, strong teaching"),
        Recipe(
            {"rule.lr": 0.05, "plasticity.clip_norm": 0.3, "epochs": 40, "batch_size": 16},
            "ours: highest rate at which W_IP follows on 256-256-256",
            data=("digits",),
        ),
        Recipe({"rule.lr": 0.3, "epochs": 40, "batch_size": 64}, "ours, not tuned", data=("synthetic",)),
        Recipe(
            {"rule.lr": 0.03, "plasticity.clip_norm": 0.1, "epochs": 20, "batch_size": 32}, "ours, not tuned", data=("mnist", "fashion_mnist")
        ),
    )

    def statement(self) -> Plausibility:
        stated, own = self.plausibility, self.config
        if own.form == "settled":
            return replace(stated, violated=(*stated.violated, _LOCKED), backward_locking=True)
        return replace(stated, honoured=(*stated.honoured, "all areas settle at once: no layer waits for another to finish"))

    def build(self, network: Network) -> dict[str, Network]:
        """Return the network, its feedback, its interneurons and their synapses onto apical dendrites.

        Raises
        ------
        ConfigError
            If a layer is not a plain dense one, or a step of the dynamics is too long.
        """
        for i, layer in enumerate(network.layers):
            plain = type(layer) is Layer and isinstance(layer.connection, DenseConnection) and isinstance(layer.neuron, StaticNeuron)
            if not plain or layer.norms or layer.after or (i > 0 and layer.before):
                raise ConfigError(f"rule=microcircuit wants plain dense layers; {layer.name} is none: choose network=mlp, network.norm=none")
        own = self.config
        fastest = own.g_leak + max(own.g_basal + max(own.g_apical, own.g_teach), own.g_dendrite + own.g_soma)
        if own.form == "dynamics" and own.dt * fastest >= 1:
            raise ConfigError(f"rule.dt={own.dt} is too long for conductances that add up to {fastest:g}/ms; make it less than {1 / fastest:g}")
        if len(network.layers) < 2:
            return {"forward": network}
        backward, matched = network.twin("backward", 1), own.start == "self_predicting"
        interneurons = [
            _Started(f"interneurons/{i}", layer, layer.weight if matched else None, bias=layer.bias is not None)
            for i, layer in enumerate(network.layers[1:], 1)
        ]
        lateral = [
            _Started(f"lateral/{i}", layer, back.weight if matched else None, scale=-own.feedback_scale if matched else own.feedback_scale)
            for i, (layer, back) in enumerate(zip(network.layers[1:], backward.layers), 1)
        ]
        shape = network.layers[1].connection.in_shape
        return {
            "forward": network,
            "backward": backward,
            "interneurons": Network("interneurons", shape, interneurons),
            "lateral": Network("lateral", shape, lateral),
        }

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        found = super().groups(networks)
        if "backward" in networks:
            # one group, so that clipping and moments treat W_up and W_IP alike: what is equal stays so
            leaves = (*found["forward"].leaves, *networks["interneurons"].leaves)
            found["forward"] = Group(leaves, self.config.lr)
            found["backward"] = Group(tuple(networks["backward"].leaves), None)
            found["lateral"] = Group(tuple(networks["lateral"].leaves), _times(self.config.lr, self.config.lateral_rate))
        return found

    def feedback(self, view: View) -> dict[str, Tensor]:
        layers = view.networks["forward"].layers
        scale = self.config.feedback_scale
        return {layers[i].weight: view.params[f"backward/{i}/weight"] * scale for i in range(1, len(layers))}

    def learn(self, view: View) -> Learning:
        own, taught = self.config, view.clock.epoch >= self.config.silent_epochs
        cells = Cells(view, own, taught=taught)
        metrics = {"loss": view.task.loss(cells.out, view.batch.y)}
        if own.form == "settled":
            cells.sweep()
        else:
            cells.integrate(own.steps)
        if cells.followers:
            metrics["apical"] = _size(cells.apical)
            metrics["unpredicted"] = _size([v - basal for v, basal in zip(cells.predicted, cells.basal[1:])])
        # all changes belong to one settled state, so they are made before any is written
        forward, onto, lateral = cells.forward_changes(), cells.interneuron_changes(), cells.lateral_changes()
        if not taught:
            forward = {}
        if not own.interneuron_rate:
            onto = {}
        yield Wanted("forward", forward | onto)
        if lateral and own.lateral_rate:
            yield Wanted("lateral", lateral)
        return Learned(metrics, running=cells.running)


class _Started(Layer):
    """Synapses beside those of another layer, which start as a multiple of what another weight starts as, or by a draw of their own."""

    def __init__(self, name: str, layer: Layer, source: str | None, *, bias: bool = False, scale: float = 1.0) -> None:
        usual = layer.leaves[layer.weight].usual.init if source is None or source.startswith("backward") else layer.init
        super().__init__(name, layer.connection, layer.neuron, bias=bias, init=Init(usual.kind, usual.scale * scale))
        self.source = source

    @property
    def leaves(self) -> dict[str, Leaf]:
        found = super().leaves
        if self.source is not None:
            own = found[self.weight]
            found[self.weight] = _Drawn(own.shape, own.fan_in, own.init, self.source)
        return found


@dataclass(frozen=True)
class _Drawn(Leaf):
    """A leaf that starts as the weight of another name is drawn."""

    source: str = ""

    def draw(self, key: str, streams: Streams) -> Tensor:
        return super().draw(self.source, streams)


def _times(rate: Rate, factor: float) -> Rate:
    return tuple(one * factor for one in rate) if isinstance(rate, tuple) else rate * factor


def _size(potentials: list[Tensor]) -> Tensor:
    """Return the root mean square over cells and samples of all areas, ``[R]``."""
    return torch.cat([one.flatten(1) for one in potentials], 1).square().mean(1).sqrt()
