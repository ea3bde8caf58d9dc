"""The cells of the dendritic microcircuit in one batch: potentials of all compartments, and how they settle.

Area l has pyramidal cells (soma u, basal v_B, apical v_A) and, below the top, one interneuron (soma w, dendrite v_I) per pyramidal cell of area
l + 1. With r = phi(u) and s = phi(w)::

    v_B[l] = W_up[l] r[l-1] + b[l]      v_I[l] = W_IP[l] r[l]      v_A[l] = W_down[l] r[l+1] + W_PI[l] s[l]

    du/dt = (g_leak + g_basal + g_apical) (v_B - u + g_apical/g_basal v_A)      hidden
    du/dt = (g_leak + g_basal) (v_B - u + g_teach/(g_leak + g_basal) e(u))      output, e: target minus output
    dw/dt = (g_leak + g_dendrite) (v_I - w) + g_soma (u[l+1] - w)

Somata are measured relative to the attenuated potential of a free cell, ``u = u' (g_leak + g_basal + g_apical) / g_basal`` for the membrane
potential u' of a hidden cell (no g_apical at the output), interneurons as the cells that they follow, and W_IP absorbs their own attenuation.
That is the published circuit with a gain in phi, and makes the free network the ordinary forward pass.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bioplaus.changes import Change, Dense, Outer
from bioplaus.layer import Layer, Trace
from bioplaus.operations import Scope
from bioplaus.rules.currents import currents, wanted_of
from bioplaus.rules.microcircuit_settings import MicrocircuitConfig
from bioplaus.view import View

__all__ = ["Cells"]


class Cells:
    """Potentials of one batch, each ``[R, B, units]``, area by area; they start at the forward pass, interneurons at their dendrite."""

    def __init__(self, view: View, config: MicrocircuitConfig, *, taught: bool) -> None:
        self.view, self.config, self.taught = view, config, taught
        self.layers: tuple[Layer, ...] = currents(view.networks["forward"])
        self.neurons = [layer.neuron for layer in view.networks["forward"].layers]
        self.followers: tuple[Layer, ...] = view.networks["interneurons"].layers if "interneurons" in view.networks else ()
        self.traces: list[Trace] = []
        scope, x = Scope(view.params, view.buffers, train=True), view.batch.x
        for layer, neuron in zip(self.layers, self.neurons):
            trace = layer.forward(scope, x)
            x = neuron.forward(trace.out)[0]
            self.traces.append(trace)
        self.running, self.out = scope.running, x
        self.u = [trace.out for trace in self.traces]
        self.predicted = [layer.drive(view.params, self.traces[i + 1].pre) for i, layer in enumerate(self.followers)]
        self.w = list(self.predicted)
        self.apical = [self.apical_of(i) for i in range(len(self.followers))]

    @property
    def basal(self) -> list[Tensor]:
        """Basal potentials, which are what a free soma settles at."""
        return [trace.out for trace in self.traces]

    def rate(self, at: int, potential: Tensor) -> Tensor:
        """Return what the cells of an area, or the interneurons that follow them, fire at a potential."""
        return self.neurons[at].forward(potential)[0]

    def apical_of(self, at: int) -> Tensor:
        """Return the apical potentials of an area: what the area above sends down, and what the interneurons take from it."""
        connection, params = self.layers[at + 1].connection, self.view.params
        down = params[f"backward/{at + 1}/weight"] * self.config.feedback_scale
        from_above = connection.give_back(down, self.rate(at + 1, self.u[at + 1]))
        return from_above + connection.give_back(params[f"lateral/{at + 1}/weight"], self.rate(at + 1, self.w[at]))

    def pull_of_target(self, potential: Tensor) -> Tensor:
        """Return target minus output of each sample, or what stands for it in the task's loss."""
        task, batch = self.view.task, self.view.batch
        if not self.taught:
            return torch.zeros_like(potential)
        if self.config.cost == "task":
            return task.error(potential, batch.y) * batch.size
        return task.target(batch.y, potential.dtype) - potential

    def sweep(self) -> None:
        """Settle from the top down, basal potentials and interneurons' dendrites staying at those of the forward pass.

        To first order in the teaching, what synapses compare is that of the steady state, in which both would shift alike.
        """
        top, own = len(self.layers) - 1, self.config
        self.u[top] = torch.add(self.traces[top].out, self.pull_of_target(self.traces[top].out), alpha=own.strength)
        for i in reversed(range(top)):
            self.w[i] = torch.lerp(self.predicted[i], self.u[i + 1], own.mixing)
            self.apical[i] = self.apical_of(i)
            self.u[i] = torch.add(self.traces[i].out, self.apical[i], alpha=own.apical_gain)

    def integrate(self, steps: int) -> None:
        """Make Euler steps of all cells at once."""
        top, own = len(self.layers) - 1, self.config
        outer, hidden = own.g_leak + own.g_basal, own.g_leak + own.g_basal + own.g_apical
        for _ in range(steps):
            drives = [torch.add(v, a, alpha=own.apical_gain) for v, a in zip(self.basal, self.apical)]
            drives.append(torch.add(self.traces[top].out, self.pull_of_target(self.u[top]), alpha=own.g_teach / outer))
            forces = [(v - w) * (own.g_leak + own.g_dendrite) + (u - w) * own.g_soma for v, w, u in zip(self.predicted, self.w, self.u[1:])]
            self.u = [torch.lerp(u, d, own.dt * (outer if i == top else hidden)) for i, (u, d) in enumerate(zip(self.u, drives))]
            self.w = [torch.add(w, force, alpha=own.dt) for w, force in zip(self.w, forces)]
            self._renew()

    def _renew(self) -> None:
        """Let all dendrites see what the somata now fire; the input is clamped, so the lowest basal potential stands."""
        scope = Scope(self.view.params, self.view.buffers, train=True)
        for i, follower in enumerate(self.followers):
            rate = self.rate(i, self.u[i])
            self.traces[i + 1] = self.layers[i + 1].forward(scope, rate)
            self.predicted[i] = follower.drive(self.view.params, rate)
        self.apical = [self.apical_of(i) for i in range(len(self.followers))]

    def forward_changes(self) -> dict[str, Change]:
        """Return ``(phi(u) - phi(v_B)) r^T`` for every area, over the area's gain, the mean over the batch."""
        found: dict[str, Change] = {}
        for i, (layer, trace) in enumerate(zip(self.layers, self.traces)):
            scale = self.view.batch.size * self.config.gain(len(self.layers) - 1 - i)
            error = (self.rate(i, self.u[i]) - self.rate(i, trace.out)) / scale
            found |= wanted_of(layer, trace, error, self.view.params[layer.weight])
        return found

    def interneuron_changes(self) -> dict[str, Change]:
        """Return ``(phi(w) - phi(v_I)) r^T``, the mean over the batch: interneurons come to predict the cells that they follow.

        Divided by what a soma shows of the cell above, and by that area's gain: where the two weights are equal, so are their changes.
        """
        found: dict[str, Change] = {}
        for i, layer in enumerate(self.followers):
            shown = self.config.mixing * self.config.gain(len(self.followers) - 1 - i)
            error = self.rate(i + 1, self.w[i]) - self.rate(i + 1, self.predicted[i])
            error = error * (self.config.interneuron_rate / (shown * self.view.batch.size))
            found[layer.weight] = Outer(layer.connection, ((self.traces[i + 1].pre, error),))
            if layer.bias:
                found[layer.bias] = Dense(error.sum(1))
        return found

    def lateral_changes(self) -> dict[str, Change]:
        """Return ``-v_A s^T``, the mean over the batch: inhibition comes to silence the apical dendrites."""
        found: dict[str, Change] = {}
        for i in range(len(self.followers)):
            connection, s = self.layers[i + 1].connection, self.rate(i + 1, self.w[i])
            found[f"lateral/{i + 1}/weight"] = Outer(connection, ((self.apical[i] / -self.view.batch.size, s),))
        return found
