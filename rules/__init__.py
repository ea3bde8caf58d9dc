"""Learning rules: who tells a synapse how to change.

One file per rule. ``base`` holds the interface (`Rule`, `RuleConfig`, `Group`, `Plausibility`); `bioplaus list rules` and the README name all
rules, and the class of each is public here under its own name, e.g. ``bioplaus.rules.Backprop``.

Classes are imported when first asked for: importing this package does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bioplaus.registry import RULES

_HERE = f"{__name__}."
_MODULES = dict.fromkeys(("Group", "Plausibility", "Rule", "RuleConfig"), f"{_HERE}base") | {
    name: module for module, name in RULES.built_in() if module.startswith(_HERE)
}
__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
