"""The study of a search: Optuna's record of trials, in a journal file of the sweep's directory that processes on several machines may share."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from bioplaus.sweeping.optional import needed

__all__ = ["open_study"]

FILE = "study.log"


def open_study(path: Path, prune: str) -> Any:
    """Return the study in a sweep's directory, made if it is not there; it minimises."""
    optuna = needed("optuna", "a search")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        journal = needed("optuna.storages.journal", "a search")
        storage = optuna.storages.JournalStorage(journal.JournalFileBackend(str(path / FILE)))
    pruner = optuna.pruners.MedianPruner() if prune == "median" else optuna.pruners.NopPruner()
    return optuna.create_study(study_name="sweep", storage=storage, pruner=pruner, load_if_exists=True)
