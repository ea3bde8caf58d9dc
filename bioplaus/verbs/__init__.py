"""The verbs of the command line, in the order in which its help shows them. None imports torch before it runs."""

from __future__ import annotations

from bioplaus.verbs import answering, comparing, training, ui
from bioplaus.verbs.base import Verb

__all__ = ["VERBS"]

VERBS: dict[str, Verb] = {verb.name: verb for verb in (*training.VERBS, *comparing.VERBS, *answering.VERBS, *ui.VERBS)}
