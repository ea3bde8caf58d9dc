"""What the rules share that send targets down instead of errors: the feedback maps, the pass of targets, the local forward losses.

Layer l = 1..L computes ``h_l = f_l(h_{l-1})``, and a feedback map ``g_l`` with weights V_l of its own leads from its output to its input, l >= 2
(dense: ``g_l(u) = phi(u V_l^T)``, phi the neuron of the population it lands on; a convolution is undone as by `Network.mirror`)::

    t_L     = h_L - beta dL/dh_L                         L summed over the batch, so that beta is per sample
    t_{l-1} = h_{l-1} + g_l(t_l) - g_l(h_l)              the difference takes out what g_l gets wrong at h_l
    change of W_l = minus the gradient of |t_l - f_l(h_{l-1})|^2 / B, with t_l and h_{l-1} constant

Source: Lee et al. 2015, arXiv:1412.7525, in the form of Shibuya et al. 2023, arXiv:2212.10352, and its published code.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from bioplaus.changes import Change, Dense, Outer, Wanted
from bioplaus.fields import ranged, replica
from bioplaus.layer import Layer
from bioplaus.leaves import Init
from bioplaus.network import Network, Pass
from bioplaus.neurons.smooth import Identity
from bioplaus.operations import Scope
from bioplaus.rules.base import Group, Learned, Learning, Rate, Rule, RuleConfig, plastic_leaves
from bioplaus.shapes import adjoint
from bioplaus.view import View

__all__ = ["TargetConfig", "TargetRule", "feedback_layer", "feedback_network", "summed"]


@dataclass
class TargetConfig(RuleConfig):
    """Settings of all rules that send targets down."""

    lr: float = replica(1.0)
    beta: float = ranged(0.1, 0)
    """Size of the step from the output to its target, along the error of each sample; >= 0, dimensionless."""
    feedback_bound: float | None = ranged(None, above=0)
    """The feedback weights start as U(-bound, bound), > 0; null: as the mirror of the forward weights starts."""


class TargetRule(Rule):
    """A rule that gives every layer a target for its output."""

    @abstractmethod
    def feedback_rate(self) -> Rate | None:
        """Return the rate of the feedback weights; None keeps them as they start."""

    def build(self, network: Network) -> dict[str, Network]:
        return {"forward": network} | feedback_network(network, self.config.feedback_bound)

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        found = {"forward": Group(plastic_leaves(networks["forward"]), self.config.lr)}
        if "feedback" in networks:
            found["feedback"] = Group(plastic_leaves(networks["feedback"]), self.feedback_rate())
        return found

    def feedback(self, view: View) -> dict[str, Tensor]:
        layers = view.networks["forward"].layers[1:]
        return {layer.weight: adjoint(view.params[feedback_layer(view, layer).weight]) for layer in layers}

    def learn(self, view: View) -> Learning:
        run = view.networks["forward"].forward(view.params, view.batch.x, view.buffers, train=True)
        return (yield from self.learn_forward(view, run, {}))

    def learn_forward(self, view: View, run: Pass, metrics: Mapping[str, Tensor]) -> Learning:
        """Send the targets down with the feedback weights as they are now, and yield the forward changes."""
        layers, size = view.networks["forward"].layers, view.batch.size
        scope = Scope(view.params, view.buffers, train=True)
        shift = view.task.error(run.out, view.batch.y) * (self.config.beta * size)
        changes: dict[str, Change] = {}
        for i in reversed(range(len(layers))):
            _, found = layers[i].wanted(run.traces[i], shift * (2 / size))
            changes |= found
            if i:
                shift = self.lowered(view, scope, layers[i], run.traces[i - 1].out, run.traces[i].out, shift)
        yield Wanted("forward", changes)
        found_metrics = {"loss": view.task.loss(run.out, view.batch.y), **metrics}
        return Learned(found_metrics, running={**run.running, **scope.running})

    def lowered(self, view: View, scope: Scope, layer: Layer, below: Tensor, here: Tensor, shift: Tensor) -> Tensor:
        """Return ``t_{l-1} - h_{l-1}``, given ``shift = t_l - h_l`` at the layer's output.

        Parameters
        ----------
        scope
            Keeps the running means of normalisations in the feedback map; both of its passes use those of the batch.
        below, here
            The layer's input and output, ``h_{l-1}`` and ``h_l``, as its neighbours see them.
        """
        g = feedback_layer(view, layer)
        return g.forward(Scope(view.params, view.buffers, train=True), here + shift).out - g.forward(scope, here).out


def feedback_network(network: Network, bound: float | None) -> dict[str, Network]:
    """Return {"feedback": maps from the output down to the first layer's output}; nothing for a single layer.

    It is the mirror of the network less the map to the input, which no target needs. That it is one layer shorter also keeps probes of networks
    driven by labels from running it as one: targets enter it at every layer.
    """
    if len(network.layers) < 2:
        return {}
    mirror = network.mirror("feedback", Identity())
    layers = mirror.layers[:-1]
    for layer in layers:
        if bound is not None:
            layer.init = Init("uniform", bound * math.sqrt(layer.connection.fan_in))
    return {"feedback": Network("feedback", network.out_shape, layers)}


def feedback_layer(view: View, layer: Layer) -> Layer:
    """Return the map that leads from a forward layer's output to its input."""
    from_top = len(view.networks["forward"].layers) - 1 - view.networks["forward"].layers.index(layer)
    return view.networks["feedback"].layers[from_top]


def summed(*changes: Mapping[str, Change]) -> dict[str, Change]:
    """Return the sum of changes of the same leaves, products kept as products."""
    total: dict[str, Change] = dict(changes[0])
    for more in changes[1:]:
        for key, change in more.items():
            mine = total[key]
            if isinstance(mine, Outer) and isinstance(change, Outer):
                total[key] = Outer(mine.connection, (*mine.pairs, *change.pairs))
            else:
                total[key] = Dense(mine.dense() + change.dense())
    return total
