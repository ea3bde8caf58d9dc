"""Exact gradient descent down a chain of layers, which static and spiking units share."""

from __future__ import annotations

from bioplaus.changes import Wanted
from bioplaus.passes import downward
from bioplaus.rules.base import Learned, Learning, Rule
from bioplaus.view import View

__all__ = ["ExactGradient"]


class ExactGradient(Rule):
    """``D_L = -dL/dz_L``, ``D_l = (D_{l+1} W_{l+1}) * phi'(z_l)``, ``dW_l = D_l^T h_{l-1}``; a spiking unit's `pull` scans time backwards."""

    def learn(self, view: View) -> Learning:
        network = view.networks["forward"]
        run = network.forward(view.params, view.batch.x, view.buffers, train=True)
        out, running, traces = run.out, run.running, list(run.traces)
        del run  # traces go on the way down, the membranes of spiking layers with them
        loss, *error = view.task.loss_and_error(out, view.batch.y)
        yield Wanted("forward", downward(network, view.params, traces, error.pop()))
        return Learned({"loss": loss}, running=running)
