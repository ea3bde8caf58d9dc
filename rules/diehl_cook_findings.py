"""What a network of Diehl & Cook has learned: rates, silent neurons, tries, thresholds, classes of neurons, receptive fields."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bioplaus.pictures import Curves, Findings, Mosaic, Panel, Picture, Series
from bioplaus.rules.diehl_cook import assignment, of, pixels, state_of
from bioplaus.view import View

__all__ = ["diehl_cook_findings"]

Array = np.ndarray[Any, Any]
#: Largest network whose neurons have their class written into their receptive fields.
CAPTIONED = 400


def diehl_cook_findings(views: Sequence[View]) -> Findings:
    """Return what the networks of all packs do on some test samples, learning off, and what they have become."""
    rows = [row for view in views for row in _rows(view)]
    mean = {
        key: float(np.mean([row[key] for row in rows]))
        for key in ("rate", "operations", "silent", "test_tries", "tries", "spikes")
    }
    p, theta = of(views[0].networks["forward"]).parameters, np.concatenate([row["theta"] for row in rows])
    neurons = np.sum([row["per_class"] for row in rows], 0) / len(rows)
    values = {
        "firing_rate": [mean["rate"]],
        "firing_rate_hz": 1000 * mean["rate"] / p.dt,
        "spikes_per_image": mean["spikes"],
        "silent_share": [mean["silent"]],
        "synaptic_operations_per_sample": mean["operations"],
        "tries_per_image": mean["tries"],
        "test_tries_per_image": mean["test_tries"],
        "theta_mean": float(theta.mean()),
        "theta_min": float(theta.min()),
        "theta_max": float(theta.max()),
        "theta_plus": p.theta_plus,
        "neurons_per_class": neurons.tolist(),
        "spiking_warning": _warning(mean),
    }
    return Findings(values, _text(values, p.neurons), _pictures(views[0], rows))


def _rows(view: View) -> list[dict[str, Any]]:
    """Return what is found of each replica of a pack."""
    from bioplaus.diehl_cook.network import respond

    network = of(view.networks["forward"])
    p, images, named = network.parameters, pixels(view.batch.x), assignment(view)
    shown, tries = (view.state[key].cpu().numpy() for key in ("shown", "tries"))
    sums = view.buffers[network.responses].sum((1, 2)).cpu().numpy()
    seen = view.buffers[network.images].sum((1, 2)).cpu().numpy()
    rows = []
    for r in range(len(named)):
        state = state_of(view, r)
        counts, again, sent = respond(state, images[r % len(images)], p, seed=view.streams.seeds[r])
        inputs, excitatory, inhibitory = sent.mean(0)
        rows.append(
            {
                "rate": counts.mean() / p.steps(p.image_time),
                "spikes": counts.sum(1).mean(),
                # an input reaches all neurons, an excitatory one its partner, an inhibitory one all excitatory ones but its own
                "operations": inputs * p.neurons + excitatory + inhibitory * (p.neurons - 1),
                "silent": (named[r] < 0).mean(),
                "test_tries": again.mean(),
                "tries": tries[r] / max(shown[r], 1),
                "theta": state.theta,
                "per_class": np.bincount(named[r][named[r] >= 0], minlength=network.classes),
                "named": named[r],
                "responses": sums[r] / max(seen[r], 1),
                "weights": state.weights,
            }
        )
    return rows


def _warning(mean: dict[str, float]) -> str | None:
    if mean["silent"] == 1:
        return (
            "the selected weights remember no response to a training image, so no neuron stands for a class: either none fired (raise "
            "network.intensity or network.total), or the untrained network of epoch 0 was selected, as no epoch had a lower loss"
        )
    if mean["tries"] >= 2:
        return (
            f"an image was shown {mean['tries']:.1f} times on average until the network fired: thresholds are too high for it; lower "
            "network.theta_plus, or raise network.intensity or network.total"
        )
    return None


def _text(v: dict[str, Any], neurons: int) -> str:
    named = ", ".join(f"{c}: {n:.3g}" for c, n in enumerate(v["neurons_per_class"]))
    return "\n".join(
        [
            f"{v['spikes_per_image']:.1f} spikes of {neurons} neurons per test image ({v['firing_rate_hz']:.2f} Hz), "
            f"{v['synaptic_operations_per_sample']:.4g} synaptic operations, {v['test_tries_per_image']:.2f} tries",
            f"in training {v['tries_per_image']:.2f} tries per image; neurons silent over the last images: {100 * v['silent_share'][0]:.0f} %",
            f"theta {v['theta_mean']:.2f} mV ({v['theta_min']:.2f} to {v['theta_max']:.2f}), theta_plus {v['theta_plus']:.4g} mV",
            f"neurons of each class: {named}",
        ]
    )


def _pictures(view: View, rows: Sequence[dict[str, Any]]) -> list[Picture]:
    network, first = of(view.networks["forward"]), rows[0]
    title = f"Diehl & Cook, {network.parameters.neurons} neurons (first seed)"
    found: list[Picture] = []
    if (shape := _shape(network.in_shape)) is not None:
        order = np.argsort(np.where(first["named"] < 0, network.classes, first["named"]), kind="stable")
        names = ["-" if c < 0 else str(c) for c in first["named"][order]]
        captions = names if len(order) <= CAPTIONED else ()
        tiles = first["weights"].T[order].reshape(-1, *shape)
        note = "In order of the class that a neuron stands for, written into the corner; -: none."
        found.append(
            Mosaic("receptive_fields.png", f"{title}: input weights of each neuron", tiles, "weight", captions, note)
        )
    panels = [
        Panel("theta, mV", "neurons", [_histogram(first["theta"])], title="adaptive part of the threshold"),
        Panel(
            "neuron, most active first",
            "spikes per image",
            [
                Series(
                    "", list(range(1, len(first["responses"]) + 1)), sorted(first["responses"].tolist(), reverse=True)
                )
            ],
            title="responses to the last images of training",
        ),
    ]
    return [*found, Curves("thresholds.png", title, panels)]


def _shape(in_shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Return height and width of an input that is a picture of one channel."""
    if len(in_shape) == 3 and in_shape[0] == 1:
        return in_shape[1], in_shape[2]
    side = math.isqrt(math.prod(in_shape))
    return (side, side) if len(in_shape) == 1 and side > 2 and side * side == in_shape[0] else None


def _histogram(values: Array) -> Series:
    """Return a histogram as the outline of its bars."""
    counts, edges = np.histogram(values, bins=min(30, max(5, len(values) // 5)))
    return Series("", edges.repeat(2).tolist(), [0, *counts.repeat(2).tolist(), 0])
