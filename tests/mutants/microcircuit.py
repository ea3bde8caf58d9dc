"""Defects of the dendritic microcircuit."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["MICROCIRCUIT"]

TESTS = ("rules/test_microcircuit.py",)
CELLS, RULE, SETTINGS = "rules/microcircuit_cells.py", "rules/microcircuit.py", "rules/microcircuit_settings.py"

MICROCIRCUIT = (
    Defect(
        "microcircuit: interneurons excite apical dendrites",
        RULE,
        "scale=-own.feedback_scale if matched",
        "scale=own.feedback_scale if matched",
        TESTS,
    ),
    Defect("microcircuit: interneurons start as anything", RULE, "layer.weight if matched else None", "None", TESTS),
    Defect("microcircuit: feedback forgets its scale", CELLS, '/weight"] * self.config.feedback_scale', '/weight"]', TESTS),
    Defect(
        "microcircuit: interneurons follow their dendrite alone",
        CELLS,
        "torch.lerp(self.predicted[i], self.u[i + 1], own.mixing)",
        "self.predicted[i]",
        TESTS,
    ),
    Defect(
        "microcircuit: the nudge is divided by the batch",
        CELLS,
        "task.error(potential, batch.y) * batch.size",
        "task.error(potential, batch.y)",
        TESTS,
    ),
    Defect("microcircuit: teaching never stops", CELLS, "if not self.taught:", "if False:", TESTS),
    Defect(
        "microcircuit: the apical conductance is missing from the leak",
        CELLS,
        "own.g_leak + own.g_basal + own.g_apical",
        "own.g_leak + own.g_basal",
        TESTS,
    ),
    Defect("microcircuit: the soma above drives interneurons twice", CELLS, "(u - w) * own.g_soma", "(u - w) * 2 * own.g_soma", TESTS),
    Defect(
        "microcircuit: a sample's basal dendrite sees the old rate",
        CELLS,
        "rate = self.rate(i, self.u[i])\n",
        "rate = self.rate(i, self.basal[i])\n",
        TESTS,
    ),
    Defect(
        "microcircuit: inhibition learns the wrong way",
        CELLS,
        "self.apical[i] / -self.view.batch.size",
        "self.apical[i] / self.view.batch.size",
        TESTS,
    ),
    Defect(
        "microcircuit: interneurons' changes are not levelled",
        CELLS,
        "shown = self.config.mixing * self.config.gain(",
        "shown = self.config.gain(",
        TESTS,
    ),
    Defect(
        "microcircuit: an area counts itself among those above",
        CELLS,
        "self.config.gain(len(self.layers) - 1 - i)",
        "self.config.gain(len(self.layers) - i)",
        TESTS,
    ),
    Defect("microcircuit: the error does not fade", SETTINGS, "* (1 - self.mixing)) ** above", ") ** above", TESTS),
    Defect("microcircuit: squares are nudged to first order", SETTINGS, "else ratio / (1 + ratio)", "else ratio", TESTS),
    Defect("microcircuit: the network learns in silence", RULE, "if not taught:", "if False:", TESTS),
)
