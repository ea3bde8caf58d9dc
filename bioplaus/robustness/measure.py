"""Every measure of a run, seed by seed: the share of test images that the network still gets right, and how sure it is of static."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bioplaus.build import encoding
from bioplaus.errors import ConfigError
from bioplaus.pack import Pack
from bioplaus.robustness.attacks import OBJECTIVES, fgsm_margin, fgsm_own, fgsm_true, pgd
from bioplaus.robustness.exact import is_linear, worst_case
from bioplaus.robustness.heads import head_of
from bioplaus.robustness.pixels import Pixels
from bioplaus.robustness.square import square
from bioplaus.robustness.static import Sureness, noisy
from bioplaus.robustness.victim import Victim, route_of, with_precision
from bioplaus.simulator import Simulator
from bioplaus.stats import summarise
from bioplaus.world import Model

__all__ = ["ATTACKS", "Options", "Part", "measured", "named", "parts", "starts"]

#: attacks by the names they have in a result; those of PGD say how many steps they took, "pgd40_margin"
GRADIENT = ("fgsm_paper", "fgsm_true64", "fgsm_margin", *(f"pgd_{objective}" for objective in OBJECTIVES))
ATTACKS = (*GRADIENT, "gradient_free", "exact_worst_case")
#: images that are attacked side by side; random numbers are drawn for so many, however many replicas there are
CHUNK = 500
#: values of a layer's activity at once and per replica (32 MB in double precision)
VALUES = 4_000_000
NOT_LINEAR = "known for a network of one linear layer alone (network=mlp network.hidden=[])"
NO_LOGITS = "outputs are no logits but times, spikes or counts of them"


@dataclass(frozen=True)
class Options:
    """What a user may choose.

    Parameters
    ----------
    eps
        Half the side of the box around an image, >= 0, in pixels / largest pixel.
    images
        The first so many of the test set, >= 1.
    steps, restarts
        Of PGD: steps from each start, and starts, of which the first is the image itself; both >= 1.
    rivals
        Wrong classes that PGD climbs towards, one after another, >= 1; no more than there are.
    queries
        Of the attack without a gradient, >= 1.
    seed
        Of noise, static, random starts and squares; the same for every seed of the run.
    weights
        selected (by validation) | final (of the last update).
    curve, curve_images
        Further eps, each measured on the first so many images, >= 1.
    """

    eps: float
    images: int
    steps: int = 40
    restarts: int = 2
    rivals: int = 9
    queries: int = 200
    seed: int = 0
    weights: str = "selected"
    curve: tuple[float, ...] = ()
    curve_images: int = 1000


@dataclass(frozen=True)
class Part:
    """Some test images of a pack: the networks, once in double and once in single precision, pixels ``[R or 1, B, *shape]`` and labels."""

    victim: Victim
    single: Victim
    x: Tensor
    y: Tensor
    reason: str


def parts(simulator: Simulator, pack: Pack, images: int, weights: str = "selected") -> Iterator[Part]:
    """Yield the first test images of a pack, with its selected or final weights, some at a time.

    Raises
    ------
    ConfigError
        If the run names no classes, or its inputs are no pixels.
    """
    model, name = pack.model, simulator.settings.data.name
    head = head_of(model.task)
    if head is None:
        raise ConfigError("robustness is measured on runs that name a class for an image; this is a run without a classifier")
    feed = simulator.feeds.of(pack.replicas).test
    pixels, code = Pixels.of(simulator.splits, simulator.device), encoding(simulator.settings)
    every = pixels.recovered(feed.x, name)
    x, y = (every, feed.y) if feed.apart else (every.unsqueeze(0), feed.y.unsqueeze(0))
    world = pack.best.into(pack.world) if weights == "selected" else pack.world
    victims: list[Victim] = []
    reason, route = "", None
    for dtype in (torch.float64, torch.float32):
        made, cast = with_precision(model, world, dtype)
        own = made.streams.dtype
        if not victims:
            route, reason = route_of(made, cast, pixels, code, head, x[:1, :1].to(own))
        victims.append(Victim(made, cast, pixels, code, head, route, own))
    size = _chunk(model)
    for start in range(0, images, size):
        rows = slice(start, min(start + size, images))
        yield Part(replace(victims[0], at=start), replace(victims[1], at=start), x[:, rows], y[:, rows], reason)


def _chunk(model: Model) -> int:
    """Return how many images go side by side: a number of the network's, whatever replicas are packed, for random numbers follow from it."""
    network = model.networks["forward"]
    steps = max(layer.neuron.config.steps if layer.neuron.spiking else 1 for layer in network.layers)
    return max(1, min(CHUNK, VALUES // (network.widest * steps)))


def attacked(part: Part, eps: float, options: Options) -> dict[str, Tensor]:
    """Return, for each attack that there is, which images survive it, bool ``[R, B]``, and under "zero" which had a gradient of exactly 0."""
    victim, x, y = part.victim, part.x, part.y

    def survive(images: Tensor) -> Tensor:
        return victim.predicted(images) == y

    found = {"clean": survive(x).expand(victim.replicas, -1)}
    draw = np.random.default_rng([options.seed, victim.at])
    width = _chunk(victim.model)
    if victim.route is not None:
        images, found["zero"] = fgsm_own(part.single, x, eps)
        found["fgsm_paper"] = survive(images)
        found["fgsm_true64"] = survive(fgsm_true(victim, x, y, eps))
        found["fgsm_margin"] = survive(fgsm_margin(victim, x, y, eps))
        points = starts(draw, x, options.restarts, width)
        for objective in OBJECTIVES:
            found[f"pgd_{objective}"] = ~pgd(victim, x, y, eps, options.steps, points, objective, options.rivals).broken
    found["gradient_free"] = ~square(victim, x, y, eps, options.queries, np.random.default_rng([options.seed, victim.at, 1]), width).broken
    if is_linear(victim):
        found["exact_worst_case"] = ~worst_case(victim, x, y, eps).broken
    found["worst"] = torch.stack([found[name] for name in ("clean", *ATTACKS) if name in found]).all(0)
    return found


def starts(draw: np.random.Generator, x: Tensor, restarts: int, width: int) -> list[Tensor | None]:
    """Return where PGD starts: at the images, then at points ``[B, *shape]`` in [-1, 1] of the box."""
    drawn = [draw.uniform(-1, 1, (width, *x.shape[2:]))[: x.shape[1]] for _ in range(restarts - 1)]
    return [None, *(torch.from_numpy(one).to(x) for one in drawn)]


def measured(simulator: Simulator, options: Options) -> dict[str, Any]:
    """Return all measures of a run at one eps, and accuracies at those of a curve.

    Returns
    -------
    dict
        Each measure as `bioplaus.stats.summarise` has it, None where it does not apply, for which "reasons" gives the reason; "gradient" is the
        route (`bioplaus.robustness.victim.ROUTES`), None for none; "curve" a list of such dicts with "eps", accuracies alone, and
        "curve_images" how many images these are of.
    """
    some = min(options.curve_images, options.images)
    counts: dict[str | float, dict[str, list[float | None]]] = {"here": {}, "beside": {}, **{eps: {} for eps in options.curve}}
    route, reasons = None, {}
    for pack in simulator.packs:
        lost = ~pack.world.alive.cpu()
        if options.weights == "selected":  # a seed that diverged before its first epoch has only its untrained weights: not its result
            lost &= pack.best.epoch == 0
        sums: dict[tuple[str | float, str], Tensor] = {}
        sure, draw = Sureness(), np.random.default_rng(options.seed)
        for part in parts(simulator, pack, options.images, options.weights):
            route, reasons, victim = part.victim.route, _reasons(part, options), part.victim
            u = torch.from_numpy(draw.random(part.x.shape[1:], dtype=np.float32)).to(part.x)
            _add(sums, "beside", {"noise": victim.predicted(noisy(part.x, u)) == part.y})
            if victim.head.logits:
                sure.see("clean", victim.scores(part.x))
                sure.see("static", victim.scores(u.unsqueeze(0)))
            here, left = attacked(part, options.eps, options), some - victim.at
            _add(sums, "here", here)
            for eps in options.curve if left > 0 else ():
                known = {name: flags[:, :left] for name, flags in here.items()} if eps == options.eps else None
                _add(sums, eps, known or _at(part, eps, left, options))
        for (level, name), total in sums.items():
            counts[level].setdefault(name, []).extend(_numbers(total / (some if isinstance(level, float) else options.images), lost))
        for name in ("sigmoid", "softmax") if sure.most else ():
            counts["beside"].setdefault(f"static_{name}", []).extend(_numbers(sure.ratio(name).double(), lost))
    summary = {key: summarise(values) for key, values in (*_columns(counts["here"], options).items(), *counts["beside"].items())}
    names = ("clean", "noise", "static_sigmoid", "static_softmax", *named(options.steps), "zero_gradient_fraction", "worst")
    return {
        **{name: summary.get(name) for name in names},
        "reasons": {name: reason for name, reason in reasons.items() if summary.get(name) is None},
        "gradient": route,
        "curve_images": some if options.curve else None,
        "curve": [
            {"eps": eps, **{key: summarise(values) for key, values in _columns(counts[eps], options).items() if key != "zero_gradient_fraction"}}
            for eps in sorted(options.curve)
        ],
    }


def _at(part: Part, eps: float, images: int, options: Options) -> dict[str, Tensor]:
    """Return which of the first so many images survive attacks of another eps; a box without width holds the image alone."""
    part = replace(part, x=part.x[:, :images], y=part.y[:, :images])
    if eps:
        return attacked(part, eps, options)
    clean = (part.victim.predicted(part.x) == part.y).expand(part.victim.replicas, -1)
    there = (*(GRADIENT if part.victim.route is not None else ()), "gradient_free", *(("exact_worst_case",) if is_linear(part.victim) else ()))
    return dict.fromkeys(("clean", *there, "worst"), clean)


def _add(sums: dict[tuple[str | float, str], Tensor], level: str | float, found: dict[str, Tensor]) -> None:
    """Count flags ``[R, B]``."""
    for name, flags in found.items():
        count = flags.double().sum(-1)
        sums[level, name] = sums[level, name] + count if (level, name) in sums else count


def _numbers(values: Tensor, lost: Tensor) -> list[float | None]:
    return [None if gone else float(value) for value, gone in zip(values.cpu(), lost)]


def named(steps: int) -> tuple[str, ...]:
    """Return the names of attacks in a result: those of PGD say how many steps they took."""
    return tuple(name.replace("pgd_", f"pgd{steps}_") for name in ATTACKS)


def _columns(found: dict[str, list[float | None]], options: Options) -> dict[str, list[float | None]]:
    names = {**dict(zip(ATTACKS, named(options.steps))), "zero": "zero_gradient_fraction"}
    return {names.get(key, key): values for key, values in found.items()}


def _reasons(part: Part, options: Options) -> dict[str, str]:
    """Return why a measure may be missing."""
    without = dict.fromkeys((*named(options.steps)[: len(GRADIENT)], "zero_gradient_fraction"), part.reason)
    return {**without, "exact_worst_case": NOT_LINEAR, "static_sigmoid": NO_LOGITS, "static_softmax": NO_LOGITS}
