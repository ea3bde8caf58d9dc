"""Defects of active dendrites and of the permuted digits."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["ACTIVE_DENDRITES"]

TESTS = ("rules/test_active_dendrites.py",)
LAYER, DATA = "bioplaus/context_layer.py", "bioplaus/data/permuted_digits.py"

ACTIVE_DENDRITES = (
    Defect("active dendrites: the most positive segment gates", LAYER, "answers.abs().argmax(", "answers.argmax(", TESTS),
    Defect(
        "active dendrites: losers learn too",
        LAYER,
        "error[..., : self.units] * _gated(trace).winners",
        "error[..., : self.units]",
        TESTS,
    ),
    Defect(
        "active dendrites: the gate's slope is left out",
        LAYER,
        "seen.drive * seen.gate * (1 - seen.gate)",
        "seen.drive * seen.gate",
        TESTS,
    ),
    Defect(
        "active dendrites: errors go down past the gate ungated",
        LAYER,
        "at_drive = at_current * seen.gate",
        "at_drive = at_current",
        TESTS,
    ),
    Defect("active dendrites: winners are found before the gate", LAYER, "active.topk(self.winners", "drive.topk(self.winners", TESTS),
    Defect(
        "active dendrites: shares are cut off",
        "bioplaus/networks/active_dendrites.py",
        "round(config.winners * post)",
        "int(config.winners * post)",
        TESTS,
    ),
    Defect(
        "active dendrites: the context stands in front",
        LAYER,
        "torch.nn.functional.pad(error, (0, self.others))",
        "torch.nn.functional.pad(error, (self.others, 0))",
        TESTS,
    ),
    Defect(
        "permuted digits: every task has the pixels as they are",
        DATA,
        "np.stack([np.arange(PIXELS), *found])",
        "np.stack([np.arange(PIXELS)] * (1 + len(found)))",
        ("data/test_data_permuted.py",),
    ),
    Defect(
        "permuted digits: permuted labels leave digits out",
        DATA,
        "permutation(config.split_seed, FIRST_LABELS + task, CLASSES) for",
        "permutation(config.split_seed, FIRST_LABELS + task, CLASSES) // 2 for",
        ("data/test_data_permuted.py",),
    ),
    Defect(
        "permuted digits: a prototype has the first task's pixels",
        DATA,
        ".astype(np.float32)[order]",
        ".astype(np.float32)[np.repeat(order[:1], len(order), 0)]",
        ("data/test_data_permuted.py",),
    ),
)
