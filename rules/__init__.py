"""Learning rules: who tells a synapse how to change.

==============  ==============================================================================
module          contents
==============  ==============================================================================
``base``        the interface: `Rule`, `RuleConfig`, `Group`, `Plausibility`
``bp``          `Backprop`, the reference: exact gradient descent in closed form
``top``         `TopLayer`, the control: the output layer learns on fixed random features
``ccl``         `CounterCurrent`: two mirrored networks teach each other pair by pair
==============  ==============================================================================

Classes are imported when first asked for: importing this package does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bioplaus.rules.base import Group, Plausibility, Rule, RuleConfig
    from bioplaus.rules.bp import Backprop
    from bioplaus.rules.ccl import CounterCurrent
    from bioplaus.rules.top import TopLayer

__all__ = ["Backprop", "CounterCurrent", "Group", "Plausibility", "Rule", "RuleConfig", "TopLayer"]

_MODULES = {
    "Backprop": "bp",
    "CounterCurrent": "ccl",
    "Group": "base",
    "Plausibility": "base",
    "Rule": "base",
    "RuleConfig": "base",
    "TopLayer": "top",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
