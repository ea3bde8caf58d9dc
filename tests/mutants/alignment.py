"""Defects of the rules that send errors down through other weights."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["ALIGNMENT"]

TESTS = ("rules/test_alignment.py",)

ALIGNMENT = (
    Defect(
        "feedback alignment uses the forward weights",
        "rules/fa.py",
        "super().matrix(view, layer)",
        "view.params[layer.weight]",
        TESTS,
    ),
    Defect("uniform signs lack their size", "rules/usf.py", "mul_(q * self.config.feedback_scale)", "mul_(self.config.feedback_scale)", TESTS),
    Defect("the size of uniform signs forgets the 3", "bioplaus/leaves.py", '"uniform": 1 / (3 * n)', '"uniform": 1 / n', TESTS),
    Defect("fixed magnitudes keep their own sign", "rules/frsf.py", ".abs().mul_(", ".clone().mul_(", TESTS),
    Defect("batch magnitudes keep their own sign", "rules/brsf.py", "magnitudes.abs_().mul_", "magnitudes.mul_", TESTS),
    Defect("the broadcast error points up the loss", "rules/dfa.py", "return error\n", "return -error\n", TESTS),
    Defect("broadcast labels lack the batch mean", "rules/drtp.py", " / view.batch.size", "", TESTS),
    Defect("labels push the wrong way", "rules/drtp.py", "label = view.task", "label = -view.task", TESTS),
    Defect("broadcast weights scale with the layer's width", "rules/direct.py", 'Init("uniform", scale)', 'Init("uniform", 2 * scale)', TESTS),
    Defect(
        "only the forward synapse decays",
        "rules/kp.py",
        "Dense(shared.sub(params[key], alpha=self.config.decay))",
        "Dense(shared.sub(params[layer.weight], alpha=self.config.decay))",
        TESTS,
    ),
    Defect("a mirror counts one noise pattern", "rules/mirror.py", ".mul_(self.config.noise_samples)", "", TESTS),
    Defect("a mirror does not forget", "rules/mirror.py", ".sub_(b, alpha=self.config.decay)", "", TESTS),
)
