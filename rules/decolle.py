"""DECOLLE: every layer has a fixed random readout of its spikes, whose error teaches that layer at every time step.

::

    Y_l[t] = G_l S_l[t],   e_l[t] = -d loss(Y_l[t], y) / dY_l       G_l ~ U(-1, 1) readout_scale / sqrt(N_l), fixed; y one-hot
    change of W_l at step t = ((e_l G_l) * psi(U_l))^T P_l          P_l: trace of what the synapse receives (of the unit in use)
    change of W_L at step t = (-dE[t]/dU_L)^T P_L                   the output layer is its own readout; E: the task's loss

Inputs of a layer count as given: no error goes to another layer or another step, so a change is there as soon as its layer has taken the
step, and is written at once. neuron=srm is the published unit, whose traces are two filters (Q, P) and a refractory R; the trace of lif is its
own low-pass. The published output is the readout of the topmost layer; here an output layer stands above, as in the networks it is put beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.changes import Change, Dense, Outer, Wanted
from bioplaus.connections import DenseConnection
from bioplaus.fields import choice, ranged, replica
from bioplaus.layer import Layer
from bioplaus.leaves import Init
from bioplaus.network import Network
from bioplaus.neurons.online import Kept
from bioplaus.neurons.smooth import Identity
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Group, Learned, Learning, Plausibility, Rule, RuleConfig, plastic_leaves
from bioplaus.rules.walk import Walk, check_walkable
from bioplaus.view import View

__all__ = ["Decolle", "DecolleConfig"]


@dataclass
class DecolleConfig(RuleConfig):
    """Settings of DECOLLE."""

    name: str = "decolle"
    lr: float = replica(1e-3)
    """Base rate handed to the plasticity at every step, >= 0; a list gives each seed its own."""
    loss: str = choice("smooth_l1", "smooth_l1", "mse")
    """Local loss, a mean over outputs: smooth_l1 (d^2/2 for |d| < 1, |d| - 1/2 beyond) | mse (d^2)."""
    readout_scale: float = ranged(0.5, above=0)
    """Factor on the local readouts, which are drawn from U(-1, 1)/sqrt(N), N the cells of the layer; > 0, dimensionless."""
    burn_in: int = ranged(0, 0)
    """Steps at the start of each sample in which nothing changes, >= 0: traces fill up first. Kept below the number of steps."""


class Decolle(Rule):
    """A fixed random readout per layer, whose error teaches that layer at every time step."""

    Config = DecolleConfig
    tasks = ("spiking",)
    reference = "Kaiser, Mostafa & Neftci 2020, Frontiers in Neuroscience 14:424"
    aliases = {"steps": "neuron.steps", "encode": "data.encode"}  # noqa: RUF012
    plausibility = Plausibility(
        honoured=(
            "local losses: nothing crosses layers, no forward weight is read by another layer",
            "no locking: a layer's error is there as soon as its own spikes are",
            "forward in time: traces of the two cells, synapses change at every step, memory does not grow with their number",
            "one phase",
        ),
        violated=(
            "within a layer the error comes back through the transposed weights of its own readout, which are random and fixed",
            "every hidden layer is told the label",
        ),
        modulators=("label",),
    )
    recipes = (
        Recipe(
            {
                "neuron": "lif",
                "neuron.beta": 0.95,
                "neuron.steps": 25,
                "neuron.loss": "membrane",
                "data.standardise": "none",
                "network.hidden": [1000],
                "network.bias": True,
                "plasticity": "adam",
                "plasticity.clip": "none",
                "batch_size": 128,
                "epochs": 1,
                "probes": ["angle", "spikes"],
            },
            "network and data as in tutorial 5 of snnTorch 1.0, as for surrogate",
        ),
        Recipe({"network.hidden": [128], "epochs": 20}, "ours, rate of lowest validation loss of 0.001 .. 0.04", data=("digits",)),
    )

    def build(self, network: Network) -> dict[str, Network]:
        check_walkable(network, "decolle")
        hidden = network.layers[:-1]
        if not hidden:
            return {"forward": network}
        outputs, start = network.out_shape, Init("uniform", self.config.readout_scale)
        layers = [Layer(f"readout/{i}", DenseConnection(layer.out_shape, outputs), Identity(), init=start) for i, layer in enumerate(hidden)]
        return {"forward": network, "readout": Network("readout", network.in_shape, layers)}

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        # a group per layer: each is written by itself, as soon as its change is there
        plastic = plastic_leaves(networks["forward"])
        own = {layer.name: Group(tuple(key for key in plastic if key in layer.leaves), self.config.lr) for layer in networks["forward"].layers}
        return own | ({"readout": Group(tuple(networks["readout"].leaves), None)} if "readout" in networks else {})

    def learn(self, view: View) -> Learning:
        walk = Walk(view.networks["forward"], view.params, view.batch.x, still=False)
        target = view.task.target(view.batch.y, view.batch.x.dtype)
        traces: list[Kept] = [()] * len(walk.layers)
        ones: list[Kept] = [()] * len(walk.layers)
        totals: dict[str, Tensor] = {}
        for t in range(walk.steps):
            for i, layer in enumerate(walk.layers):
                state, unit = walk.advance(i, t), walk.units[i]
                traces[i], ones[i] = unit.trace(traces[i], walk.pre[i]), unit.trace(ones[i], state.membrane.new_ones(()))
                if i < len(walk.layers) - 1:
                    loss, at_spikes = self._local(view, i, state.spikes, target)
                    name, post = "local_loss", at_spikes * unit.slope(state)
                else:
                    loss, post = view.task.at_step(state.membrane, view.batch.y, t, walk.steps)  # type: ignore[attr-defined]
                    name = "loss"
                totals[name] = totals[name] + loss if name in totals else loss
                if t >= min(self.config.burn_in, walk.steps - 1):
                    changes: dict[str, Change] = {layer.weight: Outer(layer.connection, ((traces[i][-1], post),))}
                    if layer.bias:
                        changes[layer.bias] = Dense(ones[i][-1] * post.sum(1))
                    yield Wanted(layer.name, changes)
        return Learned(totals)

    def _local(self, view: View, i: int, spikes: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the local loss of hidden layer i at this step ``[R]``, and the error at its spikes ``[R, B, N]``."""
        way = view.networks["readout"].layers[i]
        weight = view.params[way.weight]
        off = way.connection.send(weight, spikes) - target
        samples, outputs = off.shape[1:]
        if self.config.loss == "mse":
            loss, error = off.square(), -2 * off
        else:
            size = off.abs()
            loss, error = torch.where(size < 1, size.square() / 2, size - 0.5), -off.clamp(-1, 1)
        return loss.mean((1, 2)), way.connection.give_back(weight, error / (samples * outputs))
