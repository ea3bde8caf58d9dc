"""A trained network as an attack meets it: pixels in, scores of classes out, and a gradient on the way back where there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bioplaus.data.encodings import Encoding
from bioplaus.passes import to_input
from bioplaus.robustness.heads import Head
from bioplaus.robustness.pixels import Pixels
from bioplaus.rules.base import Rule
from bioplaus.streams import Streams
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World, view

__all__ = ["ROUTES", "Seen", "Victim", "route_of", "with_precision"]

#: where a gradient comes from, and how the table says it
ROUTES = {
    "adjoint": "exact gradient of the forward network, which is what the rule predicts with",
    "surrogate": "gradient of the forward network, which is what the rule predicts with, its spikes with the slope of the run's surrogate",
    "autograd": "exact gradient of the rule's own prediction (by autograd)",
    "forward": "gradient of the forward network, although the rule predicts in another way, which has none; that way judges",
}


@dataclass(frozen=True)
class Seen:
    """One look at images: the output, the scores ``[R, B, K]`` that the rule answers with, and how a gradient at the output gets to pixels."""

    out: Tensor
    scores: Tensor
    pull: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Victim:
    """The networks of a pack of replicas in one precision.

    Parameters
    ----------
    model, world
        What is attacked; all floating numbers of the world have type `dtype`.
    pixels, encoding
        How pixels become inputs.
    head
        How outputs are read.
    route
        Where gradients come from, a key of `ROUTES`; None for nowhere.
    dtype
        Of images, activity and gradients.
    at
        Position of the first image in the set. Random codes and noise of compiled networks follow from the position alone, so an image meets the
        same draws whenever it is looked at.
    """

    model: Model
    world: World
    pixels: Pixels
    encoding: Encoding | None
    head: Head
    route: str | None
    dtype: torch.dtype = torch.float64
    at: int = 0

    @property
    def replicas(self) -> int:
        """Number of networks."""
        return len(self.model.seeds)

    @property
    def positional(self) -> bool:
        """Whether what is drawn for an image follows from its place in the batch, so that batches must stay whole."""
        return self.model.networks["forward"].compiled or (self.encoding is not None and self.encoding.kind == "rate")

    @torch.no_grad()
    def scores(self, p: Tensor) -> Tensor:
        """Return the scores ``[R, B, K]`` that the rule predicts for pixels ``[R or 1, B, *shape]``."""
        return self.head.scores(self._predict(self._encoded(self.pixels.inputs(p.to(self.dtype)))))

    def predicted(self, p: Tensor) -> Tensor:
        """Return the class of each image, ``[R, B]``."""
        return self.scores(p).argmax(-1)

    def look(self, p: Tensor) -> Seen:
        """Return the output for pixels ``[R, B, *shape]`` with its way back."""
        p = p.to(self.dtype)
        if self.route == "autograd":
            return self._by_autograd(p)
        with torch.no_grad():
            x, network = self.pixels.inputs(p), self.model.networks["forward"]
            run = network.forward(self.world.params, self._encoded(x), self.world.buffers)
            out = run.out
            scores = self.scores(p) if self.route == "forward" else self.head.scores(out)

        @torch.no_grad()
        def pull(at_out: Tensor) -> Tensor:
            return self.pixels.back(self._decoded(x, to_input(network, self.world.params, run, at_out)))

        return Seen(out, scores, pull)

    def _by_autograd(self, p: Tensor) -> Seen:
        x = self.pixels.inputs(p).detach().expand(self.replicas, *p.shape[1:]).clone().requires_grad_()
        with torch.enable_grad():
            out = self._predict(x)

        def pull(at_out: Tensor) -> Tensor:
            return self.pixels.back(torch.autograd.grad(out, x, at_out)[0])

        return Seen(out.detach(), self.head.scores(out.detach()), pull)

    def _predict(self, x: Tensor) -> Tensor:
        nothing = torch.zeros(1, x.shape[1], dtype=torch.int64, device=x.device)
        return self.model.rule.predict(view(self.model, self.world, Batch(x, nothing), Clock(step=self.world.step)))

    def _encoded(self, x: Tensor) -> Tensor:
        if self.encoding is None:
            return x
        return self.encoding(x, Streams((0,) * x.shape[0], self.at, x.device, x.dtype))

    def _decoded(self, x: Tensor, gradient: Tensor) -> Tensor:
        """Return the gradient at inputs x, given that at their code: a rate code is taken at its mean, ``clip(gain x, 0, 1)`` at each step."""
        if self.encoding is None:
            return gradient
        gradient = gradient.sum(2)
        if self.encoding.kind == "rate":
            gain = self.encoding.gain
            gradient = gradient * gain * (gain * x <= 1)
        return gradient


def route_of(model: Model, world: World, pixels: Pixels, encoding: Encoding | None, head: Head, image: Tensor) -> tuple[str | None, str]:
    """Return where the gradient of a run comes from, or None and why there is none; image ``[1, 1, *shape]`` is tried out where need be."""
    network, rule = model.networks["forward"], model.rule
    if network.compiled:
        return None, "no gradient: the network's steps run in a compiled loop, which answers with counts or reads inputs as bits"
    if any(layer.one_way for layer in network.layers):
        return None, "no gradient: no error finds a way back through its layers"
    if encoding is not None and encoding.kind.startswith("latency"):
        return None, f"no gradient: data.encode={encoding.kind} rounds spike times to whole steps"
    spikes = any(layer.neuron.spiking for layer in network.layers)
    if type(rule).predict is Rule.predict and not any(layer.dendrites for layer in network.layers):
        return ("surrogate" if spikes else "adjoint"), ""
    if not spikes and encoding is None:
        try:
            seen = Victim(model, world, pixels, encoding, head, "autograd", image.dtype).look(image)
            seen.pull(torch.zeros_like(seen.out))
        except RuntimeError:  # torch found no way from the output to the input
            return "forward", ""
        return "autograd", ""
    return "forward", ""


def with_precision(model: Model, world: World, dtype: torch.dtype) -> tuple[Model, World]:
    """Return model and world with all floating numbers that are read in a prediction in one precision; compiled networks keep their own."""
    if model.networks["forward"].compiled:
        return model, world

    def cast(arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {key: value.to(dtype) if value.is_floating_point() else value for key, value in arrays.items()}

    made = replace(world, params=cast(world.params), buffers=cast(world.buffers), state=cast(world.state))
    return replace(model, streams=replace(model.streams, dtype=dtype)), made
