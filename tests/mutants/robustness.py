"""Defects of attacks on trained networks: what they follow, where they may go, who judges, what is counted."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["ROBUSTNESS"]

_ATTACKS, _EXACT, _STATIC = ("robustness/test_robust_attacks.py",), ("robustness/test_robust_exact.py",), ("robustness/test_robust_static.py",)
_OBJECTIVES, _SLOPES = ("robustness/test_robust_objectives.py",), ("robustness/test_robust_slopes.py",)
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
        'for name in ("clean", *GRADIENT) if name in found]',
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
        "robustness: PGD goes down the loss",
        "bioplaus/robustness/attacks.py",
        "victim.head.of_loss(seen.out, true_target(seen.scores, self.y))\n        return victim",
        "-victim.head.of_loss(seen.out, true_target(seen.scores, self.y))\n        return victim",
        _OBJECTIVES,
    ),
    Defect(
        "robustness: steps up the loss fall",
        "bioplaus/robustness/attacks.py",
        'if self.objective == "rivals" else REACH',
        'if self.objective != "margin" else REACH',
        _OBJECTIVES,
    ),
    Defect(
        "robustness: the loss is not among what counts",
        "bioplaus/robustness/attacks.py",
        'OBJECTIVES = ("margin", "loss", "rivals")',
        'OBJECTIVES = ("margin", "margin", "rivals")',
        (*_ATTACKS, *_OBJECTIVES),
    ),
    Defect(
        "robustness: the rival of the moment takes the place of the one whose turn it is",
        "bioplaus/robustness/attacks.py",
        "return victim.head.of_margin(seen.out, self.y, self.rival)",
        "return victim.head.of_margin(seen.out, self.y)",
        _OBJECTIVES,
    ),
    Defect(
        "robustness: the lowest rivals have their turn",
        "bioplaus/robustness/attacks.py",
        "argsort(dim=-1, descending=True, stable=True)",
        "argsort(dim=-1, stable=True)",
        _OBJECTIVES,
    ),
    Defect(
        "robustness: rivals belong to other images once broken ones are left out",
        "bioplaus/robustness/attacks.py",
        "rival = None if self.rival is None else self.rival[:, rows]",
        "rival = None if self.rival is None else self.rival[:, : len(rows)]",
        _OBJECTIVES,
    ),
    Defect(
        "robustness: steps towards a rival are too short to cross the box",
        "bioplaus/robustness/attacks.py",
        "self.eps * (1 + cos(pi * step / steps))",
        "self.eps / steps * (1 + cos(pi * step / steps))",
        _OBJECTIVES,
    ),
    Defect(
        "robustness: a random start ignores the walls",
        "bioplaus/robustness/attacks.py",
        "else torch.clamp(climb.x + eps * start[rows], *climb.walls)",
        "else climb.x + 2 * eps * start[rows]",
        (*_ATTACKS, *_OBJECTIVES),
    ),
    Defect(
        "robustness: a given rival is not looked at where cells speak by their membranes",
        "bioplaus/robustness/heads.py",
        "at_scores = _of_margin(self.scores(out), y, rival).unsqueeze(2)",
        "at_scores = _of_margin(self.scores(out), y, None).unsqueeze(2)",
        _EXACT,
    ),
    Defect(
        "robustness: a rate code passes slopes beyond its largest rate",
        "bioplaus/robustness/victim.py",
        "gradient = gradient * gain * (gain * x <= 1)",
        "gradient = gradient * gain",
        _SLOPES,
    ),
    Defect(
        "robustness: what a silent cell would want is taken for a slope",
        "bioplaus/spike_time_layer.py",
        "-error / trace.current.clamp(min=self.cells.floor), 0)",
        "-error / trace.current.clamp(min=self.cells.floor), self.cells.push)",
        _SLOPES,
    ),
    Defect(
        "robustness: the curve is that of all images",
        "bioplaus/robustness/measure.py",
        "known = {name: flags[:, :left] for name, flags in here.items()} if eps == options.eps else None",
        "known = here if eps == options.eps else None",
        _COMMAND,
    ),
    Defect(
        "robustness: final weights are the selected ones",
        "bioplaus/robustness/measure.py",
        'if weights == "selected" else pack.world',
        "if weights else pack.world",
        _COMMAND,
    ),
    Defect(
        "robustness: measured first, and then found that the folder cannot be written",
        "bioplaus/robustness/run.py",
        "        with TemporaryFile(dir=folder):\n            pass\n",
        "",
        _COMMAND,
    ),
    Defect(
        "robustness: what follows spikes is said to have no gradient",
        "bioplaus/robustness/victim.py",
        'return ("surrogate" if spikes else "adjoint"), ""',
        'return (None if spikes else "adjoint"), "no gradient"',
        _COMMAND,
    ),
)
