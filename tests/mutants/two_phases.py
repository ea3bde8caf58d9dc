"""Defects of the rules that compare two phases of one network."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["TWO_PHASES"]

TWO_PHASES = (
    Defect(
        "forward-forward: the wrong labels are made good too",
        "rules/ff.py",
        "factor[:, size:] *= -1",
        "factor[:, size:] *= 1",
        ("rules/test_ff.py",),
    ),
    Defect(
        "forward-forward: the length of an activity goes on",
        "rules/ff.py",
        "layer.forward(scope, normalised(traces[-1].out))",
        "layer.forward(scope, traces[-1].out)",
        ("rules/test_ff.py",),
    ),
    Defect(
        "forward-forward: goodness of the first layer counts",
        "rules/ff.py",
        "found[self.config.skip :] or found[-1:]",
        "found",
        ("rules/test_ff.py",),
    ),
    Defect(
        "predictive coding: a state forgets its own prediction error",
        "rules/pc.py",
        "sent).sub_(eps[i])",
        "sent)",
        ("rules/test_pc.py",),
    ),
    Defect(
        "predictive coding: weights move before states settle",
        "rules/pc.py",
        "range(self.config.steps)",
        "range(0)",
        ("rules/test_pc.py",),
    ),
    Defect(
        "predictive coding: Z-IL reads the bottom layer first",
        "rules/pc.py",
        "for at in reversed(range(depth)):\n                changes |= chain.changes(at)\n                chain",
        "for at in range(depth):\n                changes |= chain.changes(at)\n                chain",
        ("rules/test_pc.py",),
    ),
    Defect(
        "equilibrium propagation: symmetric form lacks its 2",
        "rules/ep.py",
        "free.copy(), 2 * beta",
        "free.copy(), beta",
        ("rules/test_ep.py",),
    ),
    Defect(
        "equilibrium propagation: nothing comes down",
        "rules/ep.py",
        "self.traces[i].out + self._from_above(i) if",
        "self.traces[i].out if",
        ("rules/test_ep.py",),
    ),
)
