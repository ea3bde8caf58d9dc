"""Forward-Forward: two forward passes, one with the right label written into the input and one with a wrong one; each layer tells them apart.

::

    u_l = h_{l-1} / (|h_{l-1}| + 1e-4),   h_l = phi(W_l u_l + b_l),   G_l = sum or mean over cells of h_l^2
    L_l = softplus(theta_l - G_l+) + softplus(G_l- - theta_l),        the mean over the batch
    change of W_l = sum over samples of [ s(theta_l - G+) dG+/dW_l - s(G- - theta_l) dG-/dW_l ] / B,   dG/dW_l = 2 (h_l * phi'(z_l)) u_l^T

s is the logistic function. A length says how good a layer found its input; it is divided out, so the next layer has to look at the pattern.

The label is a code t in [0, 1]^K written over the first K values of the input as ``low + (high - low) t``, with low and high the smallest and
largest value of that sample: one-hot for a label, 1/K everywhere for none. In images these are the first K pixels of the first channel.

Source: Hinton 2022, arXiv:2212.13345.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.changes import Change, Wanted
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged, replica
from bioplaus.layer import Layer, Trace
from bioplaus.network import Network
from bioplaus.operations import Scope
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Group, Learned, Learning, Plausibility, Rule, RuleConfig, plastic_leaves
from bioplaus.rules.currents import wanted_of
from bioplaus.view import View

__all__ = ["ForwardForward", "ForwardForwardConfig", "normalised", "with_code"]

EPS = 1e-4
#: samples times labels that go through the network at once
ROWS = 4096


@dataclass
class ForwardForwardConfig(RuleConfig):
    """Settings of Forward-Forward."""

    name: str = "ff"
    lr: float = replica(0.03)
    goodness: str = choice("mean", "mean", "sum")
    """Goodness of a layer: mean | sum over its cells (channels and positions) of the squared activity."""
    theta: float = ranged(2.0, above=0)
    """Threshold of goodness per cell, > 0, squared activity; the sum of n cells is held against n theta."""
    negatives: str = choice("random", "random", "hard")
    """Wrong labels: random (uniform over the others) | hard (the wrong label of most goodness, at the cost of a prediction per batch)."""
    label: float = ranged(1.0, above=0)
    """Strength of the label in the input, > 0, in units of the sample's range."""
    readout: bool = False
    """Whether the last layer learns to read the labels off the last hidden layer (softmax, input without label) and predicts with it: one
    pass instead of K. Otherwise it stays as it is and the label of most goodness wins."""


class ForwardForward(Rule):
    """Layer-local goodness, high on real data and low on data with a wrong label.

    Notes
    -----
    The network's last layer has no place in the method, which has no output. `predict` gives each label's goodness, summed over all hidden
    layers but the first (over the first if it is the only one), as if it were a score; the metric "loss" is the sum of the layers'
    local losses. With `readout` both are those of the last layer.
    """

    Config = ForwardForwardConfig
    reference = "Hinton 2022, arXiv:2212.13345"
    published_neuron = "relu"
    plausibility = Plausibility(
        honoured=(
            "local: a layer's change uses its own input and activity and one number, its own goodness",
            "no feedback weights, no weight transport",
            "no locking: no layer waits for one above it",
        ),
        violated=(
            "two forward passes, one of them on data that are not real",
            "a label as a part of the input, and a prediction that tries out every label",
            "activity normalised and goodness summed over a whole layer",
        ),
        phases=2,
        modulators=("goodness of the own layer",),
    )
    recipes = (
        # inputs have length 1: a start of this size puts goodness near theta, and a smaller one leaves long plateaus; biases then drown inputs
        Recipe(
            {
                "neuron": "relu",
                "network.bias": False,
                "network.init_scale": 30.0,
                "plasticity": "adam",
                "rule.lr": 0.03,
            },
            "ours; rate of common re-implementations of Hinton 2022",
        ),
        Recipe({"epochs": 20, "batch_size": 64}, "ours", data=("digits", "synthetic")),
        Recipe(
            {
                "epochs": 8,
                "batch_size": 128,
                "rule.label": 3.0,
                "network.hidden": [500, 500],
                "plasticity.schedule": "cosine",
            },
            "ours; widths of common re-implementations",
            data=("mnist", "fashion_mnist"),
            network=("mlp",),
        ),
    )

    def build(self, network: Network) -> dict[str, Network]:
        """Return the network.

        Raises
        ------
        ConfigError
            If there are no classes, no hidden layer, or fewer input values than classes.
        """
        if len(network.out_shape) != 1:
            raise ConfigError(
                "rule=ff tells right labels from wrong ones, and an autoencoder has none; choose network=mlp or rule=ccl"
            )
        if len(network.layers) < 2:
            raise ConfigError("rule=ff trains hidden layers and this network has none; set network.hidden")
        if prod(network.in_shape) <= network.out_shape[0]:
            raise ConfigError(
                f"rule=ff writes the label over {network.out_shape[0]} of the input's {prod(network.in_shape)} values; nothing would be left"
            )
        return {"forward": network}

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        network = networks["forward"]
        last = () if self.config.readout else network.layers[-1].leaves
        return {"forward": Group(tuple(key for key in plastic_leaves(network) if key not in last), self.config.lr)}

    def learn(self, view: View) -> Learning:
        x, y, size = view.batch.x, view.batch.y, view.batch.size
        hidden, last = view.networks["forward"].layers[:-1], view.networks["forward"].layers[-1]
        codes = torch.eye(last.out_shape[0], dtype=x.dtype, device=x.device)
        wrong = self._wrong(view)
        right = y.expand(wrong.shape)
        x = x.expand(wrong.shape[0], *x.shape[1:])
        # both passes at once: right labels in the first half of the batch, wrong ones in the second
        both = torch.cat([self._write(x, codes[right]), self._write(x, codes[wrong])], 1)
        scope = Scope(view.params, view.buffers, train=True)
        changes: dict[str, Change] = {}
        total = torch.zeros(wrong.shape[0], dtype=x.dtype, device=x.device)
        for layer, trace in zip(hidden, _climb(hidden, scope, both)):
            loss, error = self._tell_apart(layer, trace, size)
            total += loss
            changes |= wanted_of(layer, trace, error, view.params[layer.weight])
        metrics = {"loss": total}
        if self.config.readout:
            trace = _read(hidden, last, Scope(view.params, view.buffers, train=True), self._neutral(x, len(codes)))
            changes |= wanted_of(last, trace, view.task.error(trace.out, y), view.params[last.weight])
            metrics = {"loss": view.task.loss(trace.out, y), "goodness_loss": total}
        yield Wanted("forward", changes)
        return Learned(metrics, running=scope.running)

    def predict(self, view: View, *, mode: str = "default") -> Tensor:
        """Return the scores of the labels, ``[R, B, K]``: their goodness, or the readout's."""
        hidden, last = view.networks["forward"].layers[:-1], view.networks["forward"].layers[-1]
        scope = Scope(view.params, view.buffers)
        if self.config.readout:
            return _read(hidden, last, scope, self._neutral(view.batch.x, last.out_shape[0])).out
        x = view.batch.x
        size, codes = x.shape[1], torch.eye(last.out_shape[0], dtype=x.dtype, device=x.device)
        scores = []
        for some in codes.split(max(1, ROWS // size)):
            tried = self._write(
                x.repeat(1, len(some), *[1] * (x.dim() - 2)), some.repeat_interleave(size, 0).unsqueeze(0)
            )
            found = [self._goodness(trace) for trace in _climb(hidden, scope, tried)]
            scores.append(torch.stack(found[1:] or found).sum(0).unflatten(1, (len(some), size)))
        return torch.cat(scores, 1).mT

    def _goodness(self, trace: Trace) -> Tensor:
        squares = trace.out.square().flatten(2)
        return squares.mean(-1) if self.config.goodness == "mean" else squares.sum(-1)

    def _tell_apart(self, layer: Layer, trace: Trace, size: int) -> tuple[Tensor, Tensor]:
        """Return the layer's loss ``[R]`` and ``-dL/d out``."""
        cells = prod(layer.out_shape)
        theta = self.config.theta * (cells if self.config.goodness == "sum" else 1)
        # how far each sample is on the wrong side of the threshold
        off = self._goodness(trace) - theta
        off[:, :size] *= -1
        factor = torch.sigmoid(off)
        factor[:, size:] *= -1
        factor = factor * (2 / (size * (cells if self.config.goodness == "mean" else 1)))
        return F.softplus(off).sum(-1) / size, trace.out * factor.view(*factor.shape, *[1] * (trace.out.dim() - 2))

    def _wrong(self, view: View) -> Tensor:
        """Return wrong labels, ``[R, B]``."""
        classes, y = view.networks["forward"].out_shape[0], view.batch.y
        if self.config.negatives == "random":
            return (y + view.streams.integers("negatives", (view.batch.size,), 1, max(classes, 2))) % classes
        goodness = self.predict(view)
        return goodness.scatter(-1, y.expand(goodness.shape[:2]).unsqueeze(-1), -torch.inf).argmax(-1)

    def _write(self, x: Tensor, codes: Tensor) -> Tensor:
        return with_code(x, codes * self.config.label)

    def _neutral(self, x: Tensor, classes: int) -> Tensor:
        return self._write(x, torch.full((1, 1, classes), 1 / classes, dtype=x.dtype, device=x.device))


def normalised(h: Tensor) -> Tensor:
    """Return ``h / (|h| + 1e-4)``, the length taken over all values of a sample."""
    length = torch.linalg.vector_norm(h.flatten(2), dim=-1)
    return h / (length + EPS).view(*length.shape, *[1] * (h.dim() - 2))


def with_code(x: Tensor, codes: Tensor) -> Tensor:
    """Return a copy of x ``[R, B, ...]`` whose first K values are ``low + (high - low) * codes``; codes ``[R or 1, B or 1, K]``."""
    flat = x.flatten(2)
    low, high = flat.aminmax(dim=-1, keepdim=True)
    written = flat.clone()
    written[..., : codes.shape[-1]] = low + (high - low) * codes
    return written.view(x.shape)


def _climb(layers: Sequence[Layer], scope: Scope, x: Tensor) -> list[Trace]:
    """Return the traces of some layers, each shown the direction of its input and not its length."""
    traces = []
    for layer in layers:
        traces.append(layer.forward(scope, normalised(x)))
        x = traces[-1].out
    return traces


def _read(hidden: Sequence[Layer], last: Layer, scope: Scope, x: Tensor) -> Trace:
    """Return the trace of the last layer on top of the hidden ones."""
    return last.forward(scope, normalised(_climb(hidden, scope, x)[-1].out))
