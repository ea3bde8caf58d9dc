"""A trial of a search as it trains: after every epoch its validation score goes to the study, which may break it off."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bioplaus.progress import Silent
from bioplaus.sweeping.optional import needed
from bioplaus.sweeping.study import open_study

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Pruned", "Pruner"]


class Pruned(Exception):
    """The study has broken the trial off after an epoch."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"broken off after epoch {epoch}")
        self.epoch = epoch


class Pruner(Silent):
    """Reports to a study what a run validates, and hands progress on.

    Parameters
    ----------
    study
        ``{"path": directory of the sweep, "trial": number, "by": accuracy or loss, "prune": ...}``.
    inner
        Who else is told.
    """

    def __init__(self, study: Mapping[str, Any], inner: Silent) -> None:
        optuna = needed("optuna", "a search")
        found = open_study(Path(study["path"]), study["prune"])
        frozen = found.get_trials(deepcopy=False)[study["trial"]]
        self._trial = optuna.trial.Trial(found, frozen._trial_id)
        self._told = set(frozen.intermediate_values)
        self._by, self._inner = study["by"], inner

    def start(self, total: int, done: int, title: str) -> None:
        self._inner.start(total, done, title)

    def update(self, done: int, text: str) -> None:
        self._inner.update(done, text)

    def validated(self, epoch: int, scores: Mapping[str, Tensor]) -> None:
        """Report the mean over seeds: 1 - accuracy, or the loss."""
        by_accuracy = self._by == "accuracy" and "accuracy" in scores
        value = 1 - float(scores["accuracy"].mean()) if by_accuracy else float(scores["loss"].mean())
        if epoch not in self._told:  # a resumed run comes by epochs that it has reported
            self._trial.report(value if math.isfinite(value) else math.inf, epoch)
        if self._trial.should_prune():
            raise Pruned(epoch)
