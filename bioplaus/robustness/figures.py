"""What the figures of robustness show, as plain data: accuracy against eps, and attacked images with what the network takes them for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from bioplaus.pictures import Curves, Images, Panel, Series
from bioplaus.robustness.attacks import pgd
from bioplaus.robustness.measure import ATTACKS, Options, named, parts, starts
from bioplaus.robustness.square import square
from bioplaus.simulator import Simulator

__all__ = ["accuracy_curves", "attacked_images"]

#: what is shown and how a legend calls it, one colour each; where there is an exact worst case, it is the worst
LINES = (
    ("fgsm_paper", "published FGSM"),
    ("fgsm_true64", "FGSM, float64"),
    ("pgd_margin", "PGD, margin"),
    ("pgd_loss", "PGD, loss"),
    ("pgd_rivals", "PGD, each rival"),
    ("gradient_free", "squares"),
    ("worst", "worst"),
)
#: rows of attacked images, and where they may come from: the first test images that the first seed gets right
ROWS, LOOKED_AT = 4, 64


def accuracy_curves(found: Mapping[str, Any]) -> Curves:
    """Return accuracy in percent against eps, one line per attack, with one standard error where there are several seeds."""
    there = found["curve"][-1]
    shown = {**dict(zip(ATTACKS, named(found["steps"]))), "worst": "worst"}
    names = {shown[key]: what for key, what in LINES if shown[key] in there}
    levels, series = [point["eps"] for point in found["curve"]], []
    for i, (name, what) in enumerate(names.items()):
        rows = [point[name] for point in found["curve"]]
        error = None
        if all(row["std"] is not None for row in rows):
            error = [100 * row["std"] / sum(v is not None for v in row["values"]) ** 0.5 for row in rows]
        means = [float("nan") if row["mean"] is None else 100 * row["mean"] for row in rows]
        series.append(Series(what, levels, means, error, colour=None if name == "worst" else i, dashed=name == "worst"))
    panel = Panel("eps (L-infinity, pixels from 0 to 1)", "test images still right, %", series, y_limits=(-2, 102), legend="below")
    seeds = len(found["seeds"])
    note = f"The first {found['curve_images']:,} of the test images. "
    note += f"Mean over {seeds} seeds; band: one standard error." if seeds > 1 else "One seed."
    return Curves("robustness.png", f"Attacks on {found['what']}", [panel], note)


def attacked_images(simulator: Simulator, found: Mapping[str, Any], options: Options) -> Images | None:
    """Return some test images under attack at each eps, captioned with the first seed's answers; None if samples are no images.

    The attack is PGD towards each rival, or squares where there is no gradient. What is shown is the first image on its way that the network
    gets wrong, or the one that came nearest.
    """
    if len(simulator.splits.shape) != 3:
        return None
    part = next(parts(simulator, simulator.packs[0], min(options.images, LOOKED_AT), options.weights))
    victim, x, y = part.victim, part.x, part.y
    right = (victim.predicted(x)[0] == y[0]).nonzero().flatten()[:ROWS]
    if not len(right):
        return None
    columns: list[list[tuple[str, Any]]] = [[] for _ in right]
    for eps in sorted(options.curve):
        draw = np.random.default_rng(options.seed)
        if victim.route is None:
            images = square(victim, x, y, eps, options.queries, draw, x.shape[1]).images
        else:
            images = pgd(victim, x, y, eps, options.steps, starts(draw, x, 1, x.shape[1]), "rivals", options.rivals).images
        said = victim.predicted(images)[0]
        for row, i in zip(columns, right.tolist()):
            row.append((f"eps {eps:g}: says {int(said[i])}", _shown(images[0, i])))
    attack = "squares, no gradient" if victim.route is None else "PGD towards each rival"
    classes = ", ".join(str(int(y[0, i])) for i in right)
    note = f"Seed {simulator.seeds[0]}; {attack}: the first wrong image on its way, or the nearest to it. Right answers by row: {classes}."
    return Images("attacked.png", f"{found['what']} under attack", columns, note)


def _shown(image: Tensor) -> Any:
    """Return an image ``[C, H, W]`` in [0, 1] as ``[H, W]`` in [-1, 1]; colours as their mean."""
    return 2 * image.double().mean(0).cpu().numpy() - 1
