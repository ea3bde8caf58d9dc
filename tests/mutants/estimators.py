"""Defects of estimators: what statistics come from, where training goes on, which weights answer, what a memory multiplies."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["ESTIMATORS"]

_CLASSES, _MEMORY, _TARGETS = ("estimators/test_classifier.py",), ("estimators/test_memory.py",), ("estimators/test_regressor.py",)

ESTIMATORS = (
    Defect(
        "estimator: the validation part has a say in the scaling",
        "bioplaus/estimators/base.py",
        "self.scaling_ = self._scaling_of(x[train], flat)",
        "self.scaling_ = self._scaling_of(x, flat)",
        _CLASSES,
    ),
    Defect(
        "estimator: every call of partial_fit shows the samples in the same order",
        "bioplaus/estimators/trained.py",
        "order(pack.model.streams, self.epochs).split",
        "order(pack.model.streams, 0).split",
        _CLASSES,
    ),
    Defect(
        "estimator: the last weights answer, not the selected ones",
        "bioplaus/estimators/trained.py",
        "found._keep(pack.world, pack.best.arrays)",
        "found._keep(pack.world, Best(pack.world).arrays)",
        _CLASSES,
    ),
    Defect(
        "estimator: targets are scaled back without their mean",
        "bioplaus/estimators/scaling.py",
        "return x * self.spread.astype(x.dtype) + self.centre.astype(x.dtype)",
        "return x * self.spread.astype(x.dtype)",
        _TARGETS,
    ),
    Defect("memory: blanks do not count", "bioplaus/estimators/memory.py", "g = 1 / (1 - self.dilution_)", "g = 1.0", _MEMORY),
)
