"""A layer of cells that fire once, and the code that turns inputs into spike times. Activity is a time in ms.

With ``x'_j`` the slope of a membrane where it crosses, errors (``-dE/d``, down the loss) travel by the derivative of the crossing's time:

    at the membrane of j    e_j = -(error of t_j) / max(x'_j, floor)
    change of w_jik         sum_b e_j eps_jik(t_j)
    error of t_i            -sum_j e_j sum_k w_jik eps'_jik(t_j)

A cell that does not fire counts as firing at the end of the window, too late to reach anybody. No time of it can move; what it asks for is set
apart (`push`): nothing, or that the largest value of its membrane be raised.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.changes import Change, Outer
from bioplaus.connections.delayed import DelayedConnection
from bioplaus.layer import Layer, Trace
from bioplaus.leaves import Init
from bioplaus.neurons.smooth import Identity
from bioplaus.operations import Operation, Scope
from bioplaus.spiking.first_spikes import first_crossing, potential, potential_slope

__all__ = ["Cells", "Latency", "SpikeTimeLayer"]


@dataclass(frozen=True)
class Cells:
    """What the cells of a network share; times in ms, membranes in units of one spike's peak at weight 1.

    Parameters
    ----------
    tau
        Of the postsynaptic potential.
    threshold
        Above 0.
    delays
        Of each connection.
    window, dt
        Until when spikes are looked for, and the step of the grid that brackets them.
    floor
        Least slope at a crossing that errors are divided by, per ms.
    push
        What a cell that does not fire wants of its largest membrane; 0 = nothing.
    """

    tau: float
    threshold: float
    delays: tuple[float, ...]
    window: float
    dt: float
    floor: float
    push: float


class Latency(Operation):
    """Inputs in [0, 1] as spike times, ``span (1 - x)`` ms: the larger the earlier; flattened, and followed by a bias cell that fires at 0.

    Parameters
    ----------
    shape
        Of one sample.
    span
        When an input of 0 fires, ms.
    silent
        Time at which an input of 0 fires instead: one that nobody lives to see. None: none are silent.
    """

    def __init__(self, shape: tuple[int, ...], span: float, silent: float | None = None) -> None:
        self.shape, self.span, self.silent = shape, span, silent

    def out_shape(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        n = 1
        for side in in_shape:
            n *= side
        return (n + 1,)

    def forward(self, scope: Scope, x: Tensor) -> tuple[Tensor, None]:
        x = x.flatten(2)
        times = self.span * (1 - x)
        if self.silent is not None:
            times = torch.where(x > 0, times, self.silent)
        return torch.cat([times, times.new_zeros(*times.shape[:-1], 1)], -1), None

    def pull(self, cache: None, error: Tensor) -> Tensor:
        return -self.span * error[..., :-1].unflatten(-1, self.shape)


class SpikeTimeLayer(Layer):
    """Spike times ``[R or 1, B, pre]`` in, spike times ``[R, B, post]`` out, through synapses ``[R, post, pre, delays]``.

    Parameters
    ----------
    name
        Key prefix of its arrays.
    pre, post
        Cells on either side.
    cells
        What they share.
    inhibitory
        How many of the presynaptic cells, the last ones, have potentials of negative sign.
    before, init
        As in `Layer`.
    """

    def __init__(
        self, name: str, pre: int, post: int, cells: Cells, *, inhibitory: int = 0, before: tuple[Operation, ...] = (), init: Init | None = None
    ) -> None:
        super().__init__(name, DelayedConnection(pre, post, len(cells.delays)), Identity(), before=before, init=init)
        self.cells, self.inhibitory = cells, inhibitory

    def forward(self, scope: Scope, x: Tensor) -> Trace:
        """Return the trace: what arrives when ``[R or 1, B, pre, delays]``, the slopes where cells fire, and their times."""
        for operation in self.before:
            x, _ = operation.forward(scope, x)
        c, w = self.cells, scope.params[self.weight]
        arrivals = x.unsqueeze(-1) + x.new_tensor(c.delays)
        steps = round(c.window / c.dt)
        grid = torch.linspace(0, c.window, steps + 1, dtype=x.dtype, device=x.device)
        on_grid = self.connection.send(w, self._signed(potential(grid.view(-1, 1, 1) - arrivals.unsqueeze(2), c.tau)))
        found = first_crossing(on_grid, grid, c.threshold, lambda time: self._at(w, arrivals, time))
        slope = self._own(self.connection.send(w, self._slopes(arrivals, found.time)))
        out = torch.where(found.fired, found.time, c.window)
        return Trace(arrivals, slope, out, neuron=found)

    def wanted(self, trace: Trace, error: Tensor) -> tuple[Tensor, dict[str, Change]]:
        """Return the error at each membrane where it crosses, and the change of the weight."""
        c = self.cells
        at_membrane = torch.where(trace.neuron.fired, -error / trace.current.clamp(min=c.floor), c.push / error.shape[1])
        seen = self._potentials(trace.pre, trace.neuron.time)
        return at_membrane, {self.weight: Outer(self.connection, ((seen, torch.diag_embed(at_membrane)),))}

    def give_back(self, trace: Trace, error: Tensor, w: Tensor) -> tuple[Tensor, dict[str, Change]]:
        """Return the error at the times of the cells below."""
        back = self.connection.give_back(w, torch.diag_embed(error))
        below = -(back * self._slopes(trace.pre, trace.neuron.time)).sum((2, 4))
        for operation in reversed(self.before):
            below = operation.pull(None, below)
        return below, {}

    def pull(self, trace: Trace, error: Tensor) -> Tensor:
        """Return the error at each membrane where it crosses; what a silent cell would want (`push`) is no derivative and no part of it."""
        return torch.where(trace.neuron.fired, -error / trace.current.clamp(min=self.cells.floor), 0)

    def _at(self, w: Tensor, arrivals: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        """Return membranes and slopes at a time of each cell's own."""
        seen = (self._potentials(arrivals, time), self._slopes(arrivals, time))
        value, slope = (self._own(self.connection.send(w, one)) for one in seen)
        return value, slope

    def _potentials(self, arrivals: Tensor, time: Tensor) -> Tensor:
        """Return ``[R, B, post, pre, delays]``: what each cell receives at its own time."""
        return self._signed(potential(time[..., None, None] - arrivals.unsqueeze(2), self.cells.tau))

    def _slopes(self, arrivals: Tensor, time: Tensor) -> Tensor:
        return self._signed(potential_slope(time[..., None, None] - arrivals.unsqueeze(2), self.cells.tau))

    def _signed(self, received: Tensor) -> Tensor:
        if self.inhibitory:
            received[..., -self.inhibitory :, :] *= -1
        return received

    @staticmethod
    def _own(every: Tensor) -> Tensor:
        """Return ``[R, B, N]`` of ``[R, B, N times, N cells]``: each cell at its own time."""
        return every.diagonal(dim1=-2, dim2=-1)
