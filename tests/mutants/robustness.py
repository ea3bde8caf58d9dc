"""Defects of attacks on trained networks: what they follow, where they may go, who judges, what is counted."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["ROBUSTNESS"]

_ATTACKS, _EXACT, _STATIC = ("robustness/test_robust_attacks.py",), ("robustness/test_robust_exact.py",), ("robustness/test_robust_static.py",)
_COMMAND = ("robustness/test_robust_command.py",)

ROBUSTNESS = (
    Defect(
        "robustness: the published step follows the margin, which hides nothing",
        "bioplaus/robustness/attacks.py",
        "gradient = seen.pull(victim.head.of_loss(seen.out, own_target(seen.scores)))",
        "gradient = seen.pull(victim.head.of_margin(seen.out, seen.scores.argmax(-1)))",
        _ATTACKS,
    ),
    Defect(
        "robustness: an own label that is level goes to the first class",
        "bioplaus/robustness/heads.py",
        "top = (scores == scores.amax(-1, keepdim=True)).to(scores.dtype)",
        "top = one_hot(scores.argmax(-1), scores.shape[-1], scores.dtype)",
        _ATTACKS,
    ),
    Defect(
        "robustness: the walls of the box lie beyond black",
        "bioplaus/robustness/attacks.py",
        "return (x - eps).clamp(min=0), (x + eps).clamp(max=1)",
        "return x - eps, (x + eps).clamp(max=1)",
        (*_ATTACKS, *_EXACT),
    ),
    Defect(
        "robustness: only the end of the way counts",
        "bioplaus/robustness/attacks.py",
        "self.broken = self.broken | (scores.argmax(-1) != self.y)",
        "self.broken = scores.argmax(-1) != self.y",
        _ATTACKS,
    ),
    Defect(
        "robustness: slopes at inputs are taken for slopes at pixels",
        "bioplaus/robustness/pixels.py",
        "return gradient / self.std.to(gradient.dtype)",
        "return gradient * self.std.to(gradient.dtype)",
        _ATTACKS,
    ),
    Defect(
        "robustness: pixels where the right class gains go the wrong way",
        "bioplaus/robustness/exact.py",
        "corner = torch.where((rival.unsqueeze(1) > own).view(x.shape), high, low)",
        "corner = torch.where((rival.unsqueeze(1) > own.abs()).view(x.shape), high, low)",
        _EXACT,
    ),
    Defect(
        "robustness: the rival may be the right class",
        "bioplaus/robustness/heads.py",
        "return scores.scatter(-1, y, -torch.inf).amax(-1) - scores.gather(-1, y).squeeze(-1)",
        "return scores.amax(-1) - scores.gather(-1, y).squeeze(-1)",
        (*_ATTACKS, *_EXACT),
    ),
    Defect(
        "robustness: the worst leaves out attacks without a gradient",
        "bioplaus/robustness/measure.py",
        'for name in ("clean", *ATTACKS) if name in found]',
        'for name in ("clean", *ATTACKS[:4]) if name in found]',
        _ATTACKS,
    ),
    Defect(
        "robustness: noise on both sides",
        "bioplaus/robustness/static.py",
        "return (x + AMPLITUDE * u).clamp(0, 1)",
        "return (x + AMPLITUDE * (2 * u - 1)).clamp(0, 1)",
        _STATIC,
    ),
    Defect(
        "robustness: the last part decides how sure a network is",
        "bioplaus/robustness/static.py",
        "self.most[name, what] = torch.maximum(before, highest)",
        "self.most[name, what] = highest",
        _STATIC,
    ),
    Defect(
        "robustness: squares that lower the margin are kept too",
        "bioplaus/robustness/square.py",
        "better = ((found >= height[:, rows]) | (query == 0)) & ~broken[:, rows]",
        "better = ~broken[:, rows]",
        _ATTACKS,
    ),
    Defect(
        "robustness: what follows spikes is said to have no gradient",
        "bioplaus/robustness/victim.py",
        'return ("surrogate" if spikes else "adjoint"), ""',
        'return (None if spikes else "adjoint"), "no gradient"',
        _COMMAND,
    ),
)
