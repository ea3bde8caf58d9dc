"""Forward-Forward: two forward passes, one told the right label with the input and one told a wrong label; each layer tells them apart.

::

    u_l = h_{l-1} / (|h_{l-1}| + 1e-4),   h_l = phi(W_l u_l + b_l),   G_l = sum or mean over cells of h_l^2
    L_l = softplus(theta_l - G_l+) + softplus(G_l- - theta_l),        the mean over the batch
    change of W_l = sum over samples of [ s(theta_l - G+) dG+/dW_l - s(G- - theta_l) dG-/dW_l ] / B,   dG/dW_l = 2 (h_l * phi'(z_l)) u_l^T

s is the logistic function. A length says how good a layer found its input; it is divided out, so the next layer has to look at the pattern.

The label is a code t in [0, 1]^K: one-hot for a label, 1/K everywhere for none. As published it is written over the first K values of the
input, ``low + (high - low) t`` with low and high the smallest and largest value of that sample (in images: the first K pixels of the first
channel). An input with no values to spare gets it through synapses of its own, ``h_1 = phi(W_1 u_1 + b_1 + V t)``, one row of V per unit
or channel, whose change is that of any other synapse of the layer.

Prediction is one of the two published ones: the label of most goodness, each tried out in turn; or a softmax that reads the directions
``h_l / |h_l|`` of an input without label, in one pass. Its error changes its own synapses and stops there.

Source: Hinton 2022, arXiv:2212.13345, section 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.changes import Change, Wanted
from bioplaus.connections import DenseConnection
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged, replica
from bioplaus.layer import Layer, Trace
from bioplaus.leaves import Init
from bioplaus.network import Network
from bioplaus.networks.base import flat_size
from bioplaus.neurons.smooth import Identity
from bioplaus.operations import Flatten, Scope
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Group, Learned, Learning, Plausibility, Rule, RuleConfig, plastic_leaves
from bioplaus.rules.currents import currents, wanted_of
from bioplaus.shapes import leading, not_units
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
    """Wrong labels: random (uniform over the others) | hard (the wrong label of the highest score in the rule's own prediction)."""
    label: float = ranged(1.0, above=0)
    """Strength of the label, > 0: in units of the sample's range where it is over the input, of the input's length where it is beside."""
    label_place: str = choice("over", "over", "beside")
    """Where the label comes in: over (the first K values of the input, as published) | beside (synapses of its own onto the first layer)."""
    predict: str = choice("goodness", "goodness", "softmax")
    """Prediction: goodness (the label of most goodness, K passes) | softmax (learned from activity without label, one pass)."""
    skip: int = ranged(1, 0)
    """Lowest hidden layers that prediction leaves out, >= 0; the highest always counts."""


class ForwardForward(Rule):
    """Layer-local goodness, high on real data and low on data with a wrong label.

    Notes
    -----
    The network's last layer has no place in the method, which has no output. With ``predict=goodness`` it stays as it is, each label's goodness,
    summed over all hidden layers but the first `skip`, counts as its score, and the metric "loss" is the sum of the layers' local losses.
    With ``predict=softmax`` it is the softmax's part that reads the highest hidden layer; "loss" is the softmax's and the other "goodness_loss".
    """

    Config = ForwardForwardConfig
    tasks = ("classification",)
    refusal = "it tells right labels from wrong ones, and here are none"
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
                "rule.predict": "softmax",
            },
            "ours; rate of common re-implementations of Hinton 2022",
        ),
        Recipe({"epochs": 20, "batch_size": 64, "plasticity.schedule": "cosine"}, "ours", data=("digits", "synthetic")),
        # few inputs: at the start of the others goodness would be far above theta
        Recipe(
            {"network.init_scale": 10.0, "rule.skip": 0},
            "ours, chosen on the clouds of the conformance suite itself, about 16 settings",
            data=("synthetic",),
        ),
        Recipe(
            {
                "epochs": 8,
                "batch_size": 100,
                "rule.goodness": "sum",
                "rule.theta": 1.0,
                "rule.negatives": "hard",
                "rule.predict": "goodness",
                "rule.label": 3.0,
                "rule.lr": 0.4,
                "plasticity": "sgd",
                "plasticity.momentum": 0.9,
                "plasticity.schedule": "cosine",
                "network.hidden": [500, 500],
                "network.init_scale": 40.0,
            },
            "ours: best of four settings on 10 000 samples, one seed, 2 000 for validation",
            data=("mnist", "fashion_mnist"),
            network=("mlp",),
        ),
    )

    def statement(self) -> Plausibility:
        stated = self.plausibility
        if self.config.label_place == "beside":
            stated = replace(stated, modulators=(*stated.modulators, "label"))
        if self.config.negatives == "hard":
            locked = "locking: the second pass starts once the prediction for this batch has given the wrong label"
            stated = replace(
                stated,
                honoured=stated.honoured[:-1],
                violated=(*stated.violated, locked),
                backward_locking=True,
                update_locking=True,
            )
        return stated

    def build(self, network: Network) -> dict[str, Network]:
        """Return the network, with ``label_place=beside`` the label's synapses, with ``predict=softmax`` the readers of lower layers.

        Raises
        ------
        ConfigError
            If there is no hidden layer, or (``label_place=over``) fewer input values than classes.
        """
        if len(network.layers) < 2:
            raise ConfigError("rule=ff trains hidden layers and this network has none; set network.hidden")
        hidden, classes = network.layers[:-1], network.out_shape[0]
        found = {"forward": network}
        if self.config.label_place == "beside":
            found["label"] = Network("label", (classes,), [_teller(hidden[0], classes)])
        elif prod(network.in_shape) <= classes:
            raise ConfigError(
                f"rule=ff writes the label over {classes} of the input's {prod(network.in_shape)} values; nothing would be left; "
                "set rule.label_place=beside"
            )
        if self.config.predict == "softmax" and hidden[self.config.skip : -1]:
            readers = [_reader(f"readout/{i}", layer, classes) for i, layer in enumerate(hidden[self.config.skip : -1])]
            found["readout"] = Network("readout", network.in_shape, readers)
        return found

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        last = networks["forward"].layers[-1].leaves if self.config.predict == "goodness" else {}
        return {
            name: Group(tuple(key for key in plastic_leaves(network) if key not in last), self.config.lr)
            for name, network in networks.items()
        }

    def learn(self, view: View) -> Learning:
        y, size = view.batch.y, view.batch.size
        classes = view.networks["forward"].out_shape[0]
        scope = Scope(view.params, view.buffers, train=True)
        read = self._read(view, train=True) if self.config.predict == "softmax" else None
        wrong = self._wrong(view, read)
        right = y.expand(wrong.shape)
        x = view.batch.x.expand(wrong.shape[0], *view.batch.x.shape[1:])
        # both passes at once: right labels in the first half of the batch, wrong ones in the second
        told = torch.eye(classes, dtype=x.dtype, device=x.device)[torch.cat([right, wrong], 1)]
        climb = self._climb(view.networks, scope, torch.cat([x, x], 1), told)
        changes: dict[str, dict[str, Change]] = {name: {} for name in view.networks}
        total = torch.zeros(wrong.shape[0], dtype=x.dtype, device=x.device)
        for layer, trace in zip(climb.layers, climb.traces):
            loss, error = self._tell_apart(layer, trace, size)
            total += loss
            if trace is climb.traces[0] and climb.label is not None:
                error = layer.neuron.pull(trace.neuron, error)
                changes["label"] = (
                    view.networks["label"].layers[0].wanted(climb.label, _per_unit(error, layer.out_shape))[1]
                )
                layer = climb.bare
            changes["forward"] |= wanted_of(layer, trace, error, view.params[layer.weight])
        metrics = {"loss": total}
        if read is not None:
            error = view.task.error(read.out, y)
            for name, layer, trace in read.parts:
                changes[name] |= wanted_of(layer, trace, error, view.params[layer.weight])
            metrics = {"loss": view.task.loss(read.out, y), "goodness_loss": total}
        for name, wanted in changes.items():
            yield Wanted(name, wanted)
        return Learned(metrics, running=scope.running)

    def predict(self, view: View, *, mode: str = "default") -> Tensor:
        """Return the scores of the labels, ``[R, B, K]``: what the softmax reads, or their goodness."""
        if self.config.predict == "softmax":
            return self._read(view).out
        x, classes = view.batch.x, view.networks["forward"].out_shape[0]
        size, codes = x.shape[1], torch.eye(classes, dtype=x.dtype, device=x.device)
        scope, scores = Scope(view.params, view.buffers), []
        for some in codes.split(max(1, ROWS // size)):
            tried = x.repeat(1, len(some), *[1] * (x.dim() - 2))
            climb = self._climb(view.networks, scope, tried, some.repeat_interleave(size, 0).unsqueeze(0))
            found = [self._goodness(trace) for trace in climb.traces]
            scores.append(torch.stack(found[self.config.skip :] or found[-1:]).sum(0).unflatten(1, (len(some), size)))
        return torch.cat(scores, 1).mT

    def _climb(self, networks: Mapping[str, Network], scope: Scope, x: Tensor, codes: Tensor) -> _Climb:
        """Run x ``[R or 1, B, ...]`` with label codes ``[R or 1, B or 1, K]`` through the hidden layers, each shown directions, not lengths."""
        layers, traces = networks["forward"].layers[:-1], []
        bare, label = layers[0], None
        if "label" in networks:
            bare = currents(networks["forward"])[0]
            label = networks["label"].layers[0].forward(scope, self.config.label * codes)
            trace = bare.forward(scope, normalised(x))
            current = trace.out + label.out.view(*label.out.shape, *[1] * (len(bare.out_shape) - 1))
            out, cache = layers[0].neuron.forward(current)
            traces.append(replace(trace, current=current, out=out, neuron=cache))
        else:
            traces.append(bare.forward(scope, normalised(with_code(x, self.config.label * codes))))
        for layer in layers[1:]:
            traces.append(layer.forward(scope, normalised(traces[-1].out)))
        return _Climb(layers, traces, bare, label)

    def _read(self, view: View, train: bool = False) -> _Read:
        """Return the softmax's scores for an input without label, and its parts."""
        x, last = view.batch.x, view.networks["forward"].layers[-1]
        neutral = torch.full((1, 1, last.out_shape[0]), 1 / last.out_shape[0], dtype=x.dtype, device=x.device)
        traces = self._climb(view.networks, Scope(view.params, view.buffers, train), x, neutral).traces
        readers = (
            [("readout", layer) for layer in view.networks["readout"].layers] if "readout" in view.networks else []
        )
        readers.append(("forward", last))
        scope = Scope(view.params)
        seen = traces[-len(readers) :]
        parts = [
            (name, layer, layer.forward(scope, normalised(trace.out))) for (name, layer), trace in zip(readers, seen)
        ]
        return _Read(torch.stack([trace.out for _, _, trace in parts]).sum(0), parts)

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
        return F.softplus(off).sum(-1) / size, trace.out * leading(factor, trace.out)

    def _wrong(self, view: View, read: _Read | None = None) -> Tensor:
        """Return wrong labels, ``[R, B]``."""
        classes, y = view.networks["forward"].out_shape[0], view.batch.y
        if self.config.negatives == "random":
            return (y + view.streams.integers("negatives", (view.batch.size,), 1, max(classes, 2))) % classes
        scores = self.predict(view) if read is None else read.out
        return scores.scatter(-1, y.expand(scores.shape[:2]).unsqueeze(-1), -torch.inf).argmax(-1)


@dataclass(frozen=True)
class _Climb:
    """One pass through the hidden layers; `bare` is the lowest as its synapses see it, `label` the trace of the label's own."""

    layers: Sequence[Layer]
    traces: list[Trace]
    bare: Layer
    label: Trace | None


@dataclass(frozen=True)
class _Read:
    """Scores of the softmax ``[R, B, K]`` and the readers that they are the sum of: group, layer, trace."""

    out: Tensor
    parts: list[tuple[str, Layer, Trace]]


def normalised(h: Tensor) -> Tensor:
    """Return ``h / (|h| + 1e-4)``, the length taken over all values of a sample."""
    length = torch.linalg.vector_norm(h.flatten(2), dim=-1)
    return h / leading(length + EPS, h)


def with_code(x: Tensor, codes: Tensor) -> Tensor:
    """Return a copy of x ``[R, B, ...]`` whose first K values are ``low + (high - low) * codes``; codes ``[R or 1, B or 1, K]``."""
    flat = x.flatten(2)
    low, high = flat.aminmax(dim=-1, keepdim=True)
    written = flat.clone()
    written[..., : codes.shape[-1]] = low + (high - low) * codes
    return written.view(x.shape)


def _per_unit(error: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return an error ``[R, B, C, ...]`` summed over positions."""
    positions = [axis for axis in not_units(error, shape) if axis > 1]
    return error.sum(positions) if positions else error


def _teller(first: Layer, classes: int) -> Layer:
    """Return the label's synapses onto a layer; they start as large as those from its input."""
    units = first.connection.out_shape[0]
    scale = first.init.scale * sqrt(classes / max(first.connection.fan_in, 1))
    return Layer("label/0", DenseConnection((classes,), (units,)), Identity(), init=replace(first.init, scale=scale))


def _reader(name: str, layer: Layer, classes: int) -> Layer:
    """Return what the softmax reads one layer with; it starts at nothing."""
    shape = layer.out_shape
    before = [Flatten(shape)] if len(shape) > 1 else []
    return Layer(name, DenseConnection((flat_size(shape),), (classes,)), Identity(), before=before, init=Init("zero"))
