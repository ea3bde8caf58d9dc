"""Attacks that follow a gradient: one signed step (FGSM), and many, projected into the box (PGD). Untargeted, L-infinity, images stay in [0, 1].

::

    FGSM   x' = clip(x + eps sign(g), 0, 1)
    PGD    x' <- clip(x' + a sign(g), max(0, x - eps), min(1, x + eps)),   a = 2.5 eps / steps

g is the gradient of the cross-entropy or of the margin (`bioplaus.robustness.heads`). An image that PGD breaks at any step is broken.

Source: Goodfellow, Shlens & Szegedy 2015, arXiv:1412.6572; Madry et al. 2018, arXiv:1706.06083; the margin as in Carlini & Wagner 2017,
arXiv:1608.04644.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.robustness.heads import margins, own_target, true_target
from bioplaus.robustness.victim import Seen, Victim
from bioplaus.shapes import leading

__all__ = ["Attacked", "box", "fgsm_margin", "fgsm_own", "fgsm_true", "pgd"]

#: length of all steps together over eps: far enough to cross the box from wall to wall
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


def pgd(victim: Victim, x: Tensor, y: Tensor, eps: float, steps: int, starts: list[Tensor | None]) -> Attacked:
    """Climb the margin from several starts and keep, for each image, the highest point met.

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
    """
    x, y = _apart(victim, x), y.expand(victim.replicas, -1)
    best, broken = x.to(victim.dtype).clone(), torch.zeros(x.shape[:2], dtype=torch.bool, device=x.device)
    height = torch.full(x.shape[:2], -torch.inf, dtype=victim.dtype, device=x.device)
    for start in starts:
        rows = _unbroken(victim, broken)
        climb = _Climb(x, y, eps, best, height, broken).of(rows)
        here = climb.x if start is None else torch.clamp(climb.x + eps * start[rows], *climb.walls)
        for step in range(steps + 1):
            if not len(rows):
                break
            seen = victim.look(here)
            climb.see(here, seen.scores)
            if step < steps:
                slope = seen.pull(victim.head.of_margin(seen.out, climb.y))
                here = torch.clamp(here + REACH * eps / steps * _signs(slope), *climb.walls)
                left = _unbroken(victim, climb.broken)
                if len(left) <= FEWER * len(rows):  # broken images cost time, and so does leaving them out
                    best[:, rows], height[:, rows], broken[:, rows] = climb.best, climb.height, climb.broken
                    climb, here, rows = climb.of(left), here[:, left], rows[left]
        best[:, rows], height[:, rows], broken[:, rows] = climb.best, climb.height, climb.broken
    return Attacked(best, broken)


@dataclass
class _Climb:
    """Images on their way up: the highest point met so far, and whether the answer was wrong anywhere."""

    x: Tensor
    y: Tensor
    eps: float
    best: Tensor
    height: Tensor
    broken: Tensor

    def __post_init__(self) -> None:
        self.walls = box(self.x, self.eps)

    def of(self, rows: Tensor) -> _Climb:
        """Return a copy for some of the images."""
        x, y, best, height, broken = (one[:, rows] for one in (self.x, self.y, self.best, self.height, self.broken))
        return _Climb(x, y, self.eps, best, height, broken)

    def see(self, here: Tensor, scores: Tensor) -> None:
        """Note where images stand and what the network answers; an image that is broken stays as it broke."""
        found = margins(scores, self.y).to(self.height.dtype)
        better = (found > self.height) & ~self.broken
        self.best = torch.where(leading(better, here), here, self.best)
        self.height = torch.where(better, found, self.height)
        self.broken = self.broken | (scores.argmax(-1) != self.y)


def _unbroken(victim: Victim, broken: Tensor) -> Tensor:
    """Return which images of the batch some replica still gets right; all of them where draws go by position."""
    every = torch.arange(broken.shape[1], device=broken.device)
    return every if victim.positional else every[~broken.all(0)]


def _signs(gradient: Tensor) -> Tensor:
    """Return the signs of a gradient; 0 where it is no number, so that images stay in the box."""
    return gradient.nan_to_num(0.0).sign()
