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
from bioplaus.robustness.attacks import fgsm_margin, fgsm_own, fgsm_true, pgd
from bioplaus.robustness.exact import is_linear, worst_case
from bioplaus.robustness.heads import head_of
from bioplaus.robustness.pixels import Pixels
from bioplaus.robustness.square import square
from bioplaus.robustness.static import Sureness, noisy
from bioplaus.robustness.victim import Victim, route_of, with_precision
from bioplaus.simulator import Simulator
from bioplaus.stats import summarise
from bioplaus.world import Model

__all__ = ["ATTACKS", "Options", "Part", "measured", "parts"]

#: attacks by the names they have in a result, less the one that is named after its steps
ATTACKS = ("fgsm_paper", "fgsm_true64", "fgsm_margin", "pgd", "gradient_free", "exact_worst_case")
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
    queries
        Of the attack without a gradient, >= 1.
    seed
        Of noise, static, random starts and squares; the same for every seed of the run.
    """

    eps: float
    images: int
    steps: int = 40
    restarts: int = 2
    queries: int = 200
    seed: int = 0


@dataclass(frozen=True)
class Part:
    """Some test images of a pack: the networks, once in double and once in single precision, pixels ``[R or 1, B, *shape]`` and labels."""

    victim: Victim
    single: Victim
    x: Tensor
    y: Tensor
    reason: str


def parts(simulator: Simulator, pack: Pack, images: int) -> Iterator[Part]:
    """Yield the first test images of a pack, with its selected weights, some at a time.

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
    world = pack.best.into(pack.world)
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
        found["pgd"] = ~pgd(victim, x, y, eps, options.steps, starts(draw, x, options.restarts, width)).broken
    found["gradient_free"] = ~square(victim, x, y, eps, options.queries, np.random.default_rng([options.seed, victim.at, 1]), width).broken
    if is_linear(victim):
        found["exact_worst_case"] = ~worst_case(victim, x, y, eps).broken
    found["worst"] = torch.stack([found[name] for name in ("clean", *ATTACKS) if name in found]).all(0)
    return found


def starts(draw: np.random.Generator, x: Tensor, restarts: int, width: int) -> list[Tensor | None]:
    """Return where PGD starts: at the images, then at points ``[B, *shape]`` in [-1, 1] of the box."""
    drawn = [draw.uniform(-1, 1, (width, *x.shape[2:]))[: x.shape[1]] for _ in range(restarts - 1)]
    return [None, *(torch.from_numpy(one).to(x) for one in drawn)]


def measured(simulator: Simulator, options: Options, curve: tuple[float, ...] = ()) -> dict[str, Any]:
    """Return all measures of a run at one eps, and accuracies at those of a curve.

    Returns
    -------
    dict
        Each measure as `bioplaus.stats.summarise` has it, None where it does not apply, for which "reasons" gives the reason; "gradient" is the
        route (`bioplaus.robustness.victim.ROUTES`), None for none; "curve" a list of such dicts with "eps", accuracies alone.
    """
    levels: dict[float, dict[str, list[float | None]]] = {eps: {} for eps in (options.eps, *curve)}
    beside: dict[str, list[float | None]] = {}
    route, reasons = None, {}
    for pack in simulator.packs:
        # a seed that diverged before its first epoch has only its untrained weights, and those are not its result
        lost = (pack.best.epoch == 0) & ~pack.world.alive.cpu()
        sums: dict[tuple[float | None, str], Tensor] = {}
        sure, draw = Sureness(), np.random.default_rng(options.seed)
        for part in parts(simulator, pack, options.images):
            route, logits = part.victim.route, part.victim.head.logits
            u = torch.from_numpy(draw.random(part.x.shape[1:], dtype=np.float32)).to(part.x)
            _add(sums, None, "noise", part.victim.predicted(noisy(part.x, u)) == part.y)
            if logits:
                sure.see("clean", part.victim.scores(part.x))
                sure.see("static", part.victim.scores(u.unsqueeze(0)))
            for eps in levels:
                for name, flags in attacked(part, eps, options).items():
                    _add(sums, eps, name, flags)
            reasons = _reasons(part, options)
        for (level, name), total in sums.items():
            kept = beside if level is None else levels[level]
            kept.setdefault(name, []).extend(_numbers(total / options.images, lost))
        if sure.most:
            for name in ("sigmoid", "softmax"):
                beside.setdefault(f"static_{name}", []).extend(_numbers(sure.ratio(name).double(), lost))
    here = levels[options.eps]
    summary = {key: summarise(values) for key, values in (*_columns(here, options).items(), *beside.items())}
    names = ("clean", "noise", "static_sigmoid", "static_softmax", *_named(options), "zero_gradient_fraction", "worst")
    return {
        **{name: summary.get(name) for name in names},
        "reasons": {name: reason for name, reason in reasons.items() if summary.get(name) is None},
        "gradient": route,
        "curve": [
            {"eps": eps, **{key: summarise(values) for key, values in _columns(levels[eps], options).items() if key != "zero_gradient_fraction"}}
            for eps in sorted(levels)
            if curve
        ],
    }


def _add(sums: dict[tuple[float | None, str], Tensor], eps: float | None, name: str, flags: Tensor) -> None:
    count = flags.double().sum(-1)
    sums[eps, name] = sums[eps, name] + count if (eps, name) in sums else count


def _numbers(values: Tensor, lost: Tensor) -> list[float | None]:
    return [None if gone else float(value) for value, gone in zip(values.cpu(), lost)]


def _named(options: Options) -> tuple[str, ...]:
    """Return the names of attacks in a result: that of PGD says how many steps it took."""
    return tuple(f"pgd{options.steps}_margin" if name == "pgd" else name for name in ATTACKS)


def _columns(found: dict[str, list[float | None]], options: Options) -> dict[str, list[float | None]]:
    names = {"pgd": f"pgd{options.steps}_margin", "zero": "zero_gradient_fraction"}
    return {names.get(key, key): values for key, values in found.items()}


def _reasons(part: Part, options: Options) -> dict[str, str]:
    """Return why a measure may be missing."""
    without = dict.fromkeys((*_named(options)[:4], "zero_gradient_fraction"), part.reason)
    return {**without, "exact_worst_case": NOT_LINEAR, "static_sigmoid": NO_LOGITS, "static_softmax": NO_LOGITS}
