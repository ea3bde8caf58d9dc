"""Attacks that follow a gradient: one signed step (FGSM), and many, projected into the box (PGD). Untargeted, L-infinity, images stay in [0, 1].

::

    FGSM   x' = clip(x + eps sign(g), 0, 1)
    PGD    x' <- clip(x' + a_k sign(g), max(0, x - eps), min(1, x + eps)),   k = 0 .. steps - 1

g is the gradient of what is climbed, a_k the length of a step (`bioplaus.robustness.heads` has the slopes at the output)::

    margin   max_{j != y} z_j - z_y                        a_k = 2.5 eps / steps
    loss     the task's loss, with the right label y       a_k = 2.5 eps / steps
    rivals   z_j - z_y, one wrong class j after another    a_k = eps (1 + cos(pi k / steps)), so from wall to wall at first, to 0 at last

The margin changes its rival on the way and may go to and fro between two; each rival by itself cannot, and for a linear network leads to the
exact worst case. An image that PGD breaks at any step is broken.

Source: Goodfellow, Shlens & Szegedy 2015, arXiv:1412.6572; Madry et al. 2018, arXiv:1706.06083; the margin as in Carlini & Wagner 2017,
arXiv:1608.04644; every rival in turn as in Croce & Hein 2020, arXiv:2003.01690 (which climbs another ratio, with steps halved on demand).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import cos, pi

import torch
from torch import Tensor

from bioplaus.robustness.heads import margins, own_target, true_target
from bioplaus.robustness.victim import Seen, Victim
from bioplaus.shapes import leading

__all__ = ["OBJECTIVES", "Attacked", "box", "fgsm_margin", "fgsm_own", "fgsm_true", "pgd"]

#: what PGD may climb
OBJECTIVES = ("margin", "loss", "rivals")
#: length of all equal steps together over eps: far enough to cross the box from wall to wall
REACH = 2.5
#: share of images below which those that are left go on alone
FEWER = 0.75


@dataclass(frozen=True)
class Attacked:
    """Images ``[R, B, *shape]`` that an attack made, and which of them the network gets wrong, bool ``[R, B]``."""

    images: Tensor
    broken: Tensor


def box(x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Return the lowest and highest value that each pixel may take."""
    return (x - eps).clamp(min=0), (x + eps).clamp(max=1)


def fgsm_own(victim: Victim, x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Return what one step against the network's own answer makes of images, and which images had a gradient of exactly 0, ``[R, B]``.

    Published as it was run, in the victim's precision. Where that is single and the softmax reaches 1, the part of the gradient that lowers the
    answer is lost, and beyond that all of it.
    """
    seen = victim.look(_apart(victim, x))
    gradient = seen.pull(victim.head.of_loss(seen.out, own_target(seen.scores)))
    return _stepped(victim, x, gradient, eps), (gradient == 0).flatten(2).all(-1)


def fgsm_true(victim: Victim, x: Tensor, y: Tensor, eps: float) -> Tensor:
    """Return what one step against the right label makes of images."""
    return _one_step(victim, x, eps, lambda seen: victim.head.of_loss(seen.out, true_target(seen.scores, y)))


def fgsm_margin(victim: Victim, x: Tensor, y: Tensor, eps: float) -> Tensor:
    """Return what one step up the margin makes of images."""
    return _one_step(victim, x, eps, lambda seen: victim.head.of_margin(seen.out, y))


def _one_step(victim: Victim, x: Tensor, eps: float, slope: Callable[[Seen], Tensor]) -> Tensor:
    seen = victim.look(_apart(victim, x))
    return _stepped(victim, x, seen.pull(slope(seen)), eps)


def _stepped(victim: Victim, x: Tensor, gradient: Tensor, eps: float) -> Tensor:
    return (x.to(victim.dtype) + eps * _signs(gradient)).clamp(0, 1)


def _apart(victim: Victim, x: Tensor) -> Tensor:
    """Return a row of images for each replica."""
    return x.expand(victim.replicas, *x.shape[1:])


def pgd(
    victim: Victim, x: Tensor, y: Tensor, eps: float, steps: int, starts: list[Tensor | None], objective: str = "margin", rivals: int = 9
) -> Attacked:
    """Climb from several starts and keep, for each image, the point of highest margin met.

    Parameters
    ----------
    x, y
        Images ``[R or 1, B, *shape]`` and labels ``[R or 1, B]``.
    eps
        Half the side of the box, >= 0, in pixels / largest pixel.
    steps
        From each start, >= 1.
    starts
        Numbers in [-1, 1], ``[B, *shape]``, times eps are added to the images; None starts at the images themselves.
    objective
        What is climbed: margin | loss | rivals.
    rivals
        With objective="rivals", how many wrong classes have their turn, >= 1: those of highest score at the image, highest first.
    """
    if objective not in OBJECTIVES:
        raise ValueError(f"objective={objective!r} must be one of {', '.join(OBJECTIVES)}")
    x, y = _apart(victim, x), y.expand(victim.replicas, -1)
    best, broken = x.to(victim.dtype).clone(), torch.zeros(x.shape[:2], dtype=torch.bool, device=x.device)
    height = torch.full(x.shape[:2], -torch.inf, dtype=victim.dtype, device=x.device)
    turns = _ranked(victim.scores(x), y, rivals) if objective == "rivals" else [None]
    for start, rival in product(starts, turns):
        rows = _unbroken(victim, broken)
        climb = _Climb(x, y, eps, objective, rival, best, height, broken).of(rows)
        here = climb.x if start is None else torch.clamp(climb.x + eps * start[rows], *climb.walls)
        for step in range(steps + 1):
            if not len(rows):
                break
            seen = victim.look(here)
            climb.see(here, seen.scores)
            if step < steps:
                here = torch.clamp(here + climb.length(step, steps) * _signs(seen.pull(climb.slope(victim, seen))), *climb.walls)
                left = _unbroken(victim, climb.broken)
                if len(left) <= FEWER * len(rows):  # broken images cost time, and so does leaving them out
                    best[:, rows], height[:, rows], broken[:, rows] = climb.best, climb.height, climb.broken
                    climb, here, rows = climb.of(left), here[:, left], rows[left]
        best[:, rows], height[:, rows], broken[:, rows] = climb.best, climb.height, climb.broken
    return Attacked(best, broken)


@dataclass
class _Climb:
    """Images on their way up: what they climb, the highest point met so far, and whether the answer was wrong anywhere."""

    x: Tensor
    y: Tensor
    eps: float
    objective: str
    rival: Tensor | None
    best: Tensor
    height: Tensor
    broken: Tensor

    def __post_init__(self) -> None:
        self.walls = box(self.x, self.eps)

    def of(self, rows: Tensor) -> _Climb:
        """Return a copy for some of the images."""
        x, y, best, height, broken = (one[:, rows] for one in (self.x, self.y, self.best, self.height, self.broken))
        rival = None if self.rival is None else self.rival[:, rows]
        return _Climb(x, y, self.eps, self.objective, rival, best, height, broken)

    def slope(self, victim: Victim, seen: Seen) -> Tensor:
        """Return the slope of what is climbed, at the output."""
        if self.objective == "loss":
            return victim.head.of_loss(seen.out, true_target(seen.scores, self.y))
        return victim.head.of_margin(seen.out, self.y, self.rival)

    def length(self, step: int, steps: int) -> float:
        """Return the length of a step in every pixel."""
        return self.eps * (1 + cos(pi * step / steps)) if self.objective == "rivals" else REACH * self.eps / steps

    def see(self, here: Tensor, scores: Tensor) -> None:
        """Note where images stand and what the network answers; an image that is broken stays as it broke."""
        found = margins(scores, self.y).to(self.height.dtype)
        better = (found > self.height) & ~self.broken
        self.best = torch.where(leading(better, here), here, self.best)
        self.height = torch.where(better, found, self.height)
        self.broken = self.broken | (scores.argmax(-1) != self.y)


def _ranked(scores: Tensor, y: Tensor, rivals: int) -> list[Tensor | None]:
    """Return the wrong classes of highest score, highest first, ``[R, B]`` each."""
    order = scores.scatter(-1, y.unsqueeze(-1), -torch.inf).argsort(dim=-1, descending=True, stable=True)
    return list(order[..., : min(rivals, scores.shape[-1] - 1)].unbind(-1))


def _unbroken(victim: Victim, broken: Tensor) -> Tensor:
    """Return which images of the batch some replica still gets right; all of them where draws go by position."""
    every = torch.arange(broken.shape[1], device=broken.device)
    return every if victim.positional else every[~broken.all(0)]


def _signs(gradient: Tensor) -> Tensor:
    """Return the signs of a gradient; 0 where it is no number, so that images stay in the box."""
    return gradient.nan_to_num(0.0).sign()
