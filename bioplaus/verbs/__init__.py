"""The verbs of the command line, in the order in which its help shows them. None imports torch before it runs."""

from __future__ import annotations

from bioplaus.verbs import answering, comparing, exporting, helping, making, sweeping, training, ui
from bioplaus.verbs.base import Verb

__all__ = ["VERBS"]

VERBS: dict[str, Verb] = {
    verb.name: verb
    for family in (training, comparing, sweeping, exporting, answering, making, ui, helping)
    for verb in family.VERBS
}
