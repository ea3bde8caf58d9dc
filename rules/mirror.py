"""Weight mirrors: feedback synapses learn the forward weights from noise that the cells send (Akrout et al. 2019).

Two modes per batch. Mirror mode: cells below layer l send white noise xi, cells above receive ``W_l xi``, and each feedback synapse correlates
its two cells; since ``E[(W_l xi) xi^T] = W_l``::

    change of B_l = (W_l xi)^T xi / n - decay B_l        n: samples (and positions, counted tap by tap) in the sum

so B_l settles at ``W_l / decay``. Engaged mode: as feedback alignment with that B.
"""

from __future__ import annotations

from dataclasses import dataclass

from bioplaus.changes import Change, Dense, Wanted
from bioplaus.fields import ranged, replica
from bioplaus.layer import Layer
from bioplaus.rules.alignment import LOCKED, Twin, backward_weight, recipes
from bioplaus.rules.base import Learning, Plausibility, Rate, RuleConfig
from bioplaus.view import View

__all__ = ["WeightMirror", "WeightMirrorConfig"]


@dataclass
class WeightMirrorConfig(RuleConfig):
    """Settings of weight mirrors."""

    name: str = "mirror"
    lr: float = replica(0.1)
    lr_mirror: float = replica(0.05)
    """Rate of the feedback weights in mirror mode, >= 0; B forgets over 1 / (lr_mirror * decay) batches."""
    noise_samples: int = ranged(64, 1)
    """Noise patterns per batch, >= 1: more make B less noisy."""
    decay: float = ranged(1.0, above=0)
    """Decay of B per unit of lr_mirror, > 0, dimensionless: B settles at W / decay."""


class WeightMirror(Twin):
    """Feedback synapses learn the forward weights from noise that the cells send.

    Notes
    -----
    The noise passes through the weights alone: biases, normalisation and neurons are taken to be silent in mirror mode, where the
    published circuit runs each unit about its operating point.
    """

    Config = WeightMirrorConfig
    reference = "Akrout et al. 2019, NeurIPS, arXiv:1904.05391"
    plausibility = Plausibility(
        honoured=("no weight transport: feedback synapses learn from the activity that forward synapses pass on",),
        violated=("a mode of its own in which cells send noise and nothing else", *LOCKED),
        backward_locking=True,
        update_locking=True,
        phases=3,
    )
    recipes = recipes(digits=0.8, synthetic=0.1, images=0.1, conv=0.03)

    def feedback_rate(self) -> Rate | None:
        rate: Rate = self.config.lr_mirror
        return rate

    def learn(self, view: View) -> Learning:
        layers = [layer for layer in view.networks["forward"].layers if backward_weight(layer) in view.params]
        if layers:
            yield Wanted("backward", {backward_weight(layer): self._mirrored(view, layer) for layer in layers})
        return (yield from super().learn(view))

    def _mirrored(self, view: View, layer: Layer) -> Change:
        connection, b = layer.connection, view.params[backward_weight(layer)]
        noise = view.streams.normal(f"mirror/{layer.weight}", (self.config.noise_samples, *connection.in_shape))
        heard = connection.send(view.params[layer.weight], noise)
        # zeros around an image send nothing: each tap of a kernel is a mean over the positions at which it saw a cell
        ones = noise.new_ones(1, 1, *connection.in_shape), noise.new_ones(1, 1, *connection.out_shape)
        seen = connection.correlate(*ones).mul_(self.config.noise_samples)
        return Dense(connection.correlate(noise, heard).div_(seen).sub_(b, alpha=self.config.decay))
