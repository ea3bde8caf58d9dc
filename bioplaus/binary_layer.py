"""A layer of stochastic binary synapses: each is +1 with probability (1 + m)/2, else -1, ``m = tanh(beta theta)``; what is learned is theta.

The current of a unit is a sum over many synapses, hence nearly Gaussian (central limit)::

    mean  = m . a / sqrt(n)        variance  v^2 = sigma^2 . a^2 / n,   sigma^2 = 1 - m^2

Four ways to run it: ``noisy`` ``z = mean + eps v`` (a sample of the current, reparametrised), ``mean`` (no noise), ``sign`` (every synapse at
its likelier value), ``odds`` ``k = mean / v`` (P(current > 0) = Phi(k), for a single decision). The change of theta is always
``beta sigma^2 (dL/dm)``: a synapse that is sure of its sign hardly moves.
Source: Li, Huang, Zou & Huang 2022, arXiv:2212.02846; equations as in docs/continual.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from bioplaus.changes import Change, Dense
from bioplaus.layer import Layer, Trace
from bioplaus.leaves import Init, Leaf
from bioplaus.operations import Scope
from bioplaus.shapes import not_units, per_unit, per_weight

__all__ = ["BinaryLayer", "BinaryTrace", "Moments"]

#: added to the variance of a current, so that it can be divided by; of a decision, whose k would leave the range of the numbers
FLOOR, DECISION_FLOOR = 1e-30, 1e-10


@dataclass(frozen=True)
class Moments:
    """Mean m and variance ``1 - m^2`` of every synapse ``[R, post, pre]``, and beta ``[R, 1]``."""

    m: Tensor
    variance: Tensor
    beta: Tensor


@dataclass(frozen=True)
class BinaryTrace(Trace):
    """A trace with what the way down needs: how it was run, the synapses' moments, mean and spread of the current, the noise."""

    way: str = "mean"
    moments: Moments | None = None
    mean: Tensor | None = None
    spread: Tensor | None = None
    noise: Tensor | None = None
    squared: Tensor | None = None  # activity at the synapses, squared


class BinaryLayer(Layer):
    """A layer whose weight array holds the fields theta ``[R, post, pre]`` (unitless) of binary synapses; a bias is added to the mean.

    Parameters
    ----------
    like
        The layer it replaces: its name, connection, neuron, and what stands around them.
    start
        Standard deviation of the fields at the start, >= 0.
    beta
        Inverse temperature at the start, > 0; the present one is the running array ``NAME/beta``, so that it goes with the weights.
    odds
        Whether it is a decision, whose output is k.
    """

    def __init__(self, like: Layer, start: float, beta: float, *, odds: bool = False) -> None:
        init = Init("normal", start * math.sqrt(like.connection.fan_in))
        bias = like.bias is not None
        super().__init__(like.name, like.connection, like.neuron, bias=bias, before=like.before, after=like.after, init=init)
        self.beta, self.first_beta, self.way = f"{like.name}/beta", beta, "odds" if odds else "mean"

    @property
    def buffers(self) -> dict[str, Leaf]:
        """Running arrays: the inverse temperature."""
        return {**super().buffers, self.beta: Leaf((1,), 1, Init("one", self.first_beta))}

    def moments(self, scope: Scope) -> Moments:
        """Return mean and variance of every synapse."""
        theta, beta = scope.params[self.weight], scope.buffers[self.beta]
        m = torch.tanh(theta * per_weight(beta, theta))
        return Moments(m, 1 - m * m, beta)

    def forward(self, scope: Scope, x: Tensor) -> Trace:
        """Return the trace of a pass without noise."""
        return self.run(scope, x, self.way)

    def run(self, scope: Scope, x: Tensor, way: str, noise: Tensor | None = None) -> BinaryTrace:
        """Return the trace of one pass; x ``[R or 1, B, *in_shape]``.

        Parameters
        ----------
        way
            "noisy" | "mean" | "sign" | "odds".
        noise
            eps ``[R, B, *out_shape]``, N(0, 1), for "noisy".
        """
        before: list[Any] = []
        for operation in self.before:
            x, cache = operation.forward(scope, x)
            before.append(cache)
        moments, send, n = self.moments(scope), self.connection.send, self.connection.fan_in
        synapses = moments.m if way != "sign" else torch.where(scope.params[self.weight] < 0, -1.0, 1.0).to(x.dtype)  # 0 counts as +1
        mean, spread, squared = send(synapses, x) / math.sqrt(n), None, None
        if self.bias:
            mean = mean + per_unit(scope.params[self.bias], mean, self.connection.out_shape)
        if way in ("noisy", "odds"):
            squared = x * x
            spread = (send(moments.variance, squared) / n + (FLOOR if way == "noisy" else DECISION_FLOOR)).sqrt()
        if way == "noisy":
            assert noise is not None and spread is not None
            current = mean + noise * spread
        else:
            current = mean / spread if spread is not None else mean
        out, neuron = self.neuron.forward(current)
        after = []
        for operation in self.after:
            out, cache = operation.forward(scope, out)
            after.append(cache)
        plain = Trace(x, current, out, tuple(before), None, None, neuron, tuple(after))
        own = {f.name: getattr(plain, f.name) for f in fields(Trace)}
        return BinaryTrace(**own, way=way, moments=moments, mean=mean, spread=spread, noise=noise, squared=squared)

    def wanted(self, trace: Trace, error: Tensor) -> tuple[Tensor, dict[str, Change]]:
        """Return the error at the current, and the change of the fields that goes with an error at the output."""
        assert isinstance(trace, BinaryTrace) and trace.moments is not None
        error = self._at_neuron(trace, error)
        at_mean, at_variance = _sides(trace, error)
        m, n, correlate = trace.moments.m, self.connection.fan_in, self.connection.correlate
        change = correlate(trace.pre, at_mean) / math.sqrt(n)
        if at_variance is not None:
            assert trace.squared is not None
            change = change - (2 / n) * m * correlate(trace.squared, at_variance)
        beta = per_weight(trace.moments.beta, m)
        changes: dict[str, Change] = {self.weight: Dense(beta * trace.moments.variance * change)}
        if self.bias:
            changes[self.bias] = Dense(at_mean.sum(not_units(at_mean, self.connection.out_shape)))
        return error, changes

    def give_back(self, trace: Trace, error: Tensor, w: Tensor) -> tuple[Tensor, dict[str, Change]]:
        """Return the error at the layer's input, sent down from the current through the moments of this pass; w is not used."""
        assert isinstance(trace, BinaryTrace) and trace.moments is not None
        at_mean, at_variance = _sides(trace, error)
        n, back = self.connection.fan_in, self.connection.give_back
        sent = back(trace.moments.m, at_mean) / math.sqrt(n)
        if at_variance is not None:
            sent = sent + (2 / n) * trace.pre * back(trace.moments.variance, at_variance)
        for operation, cache in zip(reversed(self.before), reversed(trace.before)):
            sent = operation.pull(cache, sent)
        return sent, {}


def _sides(trace: BinaryTrace, error: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return the error at the mean and at the variance of the current, given that at the current."""
    if trace.way == "noisy":
        assert trace.noise is not None and trace.spread is not None
        return error, error * trace.noise / (2 * trace.spread)
    if trace.way == "odds":
        assert trace.mean is not None and trace.spread is not None
        at_mean = error / trace.spread
        return at_mean, -at_mean * trace.mean / (2 * trace.spread**2)
    return error, None
