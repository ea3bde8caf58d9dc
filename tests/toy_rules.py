"""Two rules made for tests of the settings: `toy` has recipes of every kind and aliases, `plain` has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from bioplaus import config, registry
from bioplaus.fields import choice, ranged, replica
from bioplaus.recipes import Recipe
from bioplaus.rules.base import RuleConfig
from bioplaus.rules.bp import Backprop
from bioplaus.settings import Settings


def resolve(given: dict[str, Any] | None = None, **options: Any) -> Settings:
    """Resolve settings without looking for data."""
    return config.resolve(given or {}, locate=False, **options)


def value(chosen: Settings, key: str) -> Any:
    """Return the value of a dotted key."""
    section, _, name = key.rpartition(".")
    return getattr(getattr(chosen, section or "top"), name)


@dataclass
class ToyConfig(RuleConfig):
    name: str = "toy"
    lr: float = replica(0.1)
    share: float = ranged(0.5, 0, 1)
    mode: str = choice("soft", "soft", "hard")
    extra: float | None = replica(None)


class Toy(Backprop):
    """A rule with recipes of every kind."""

    Config = ToyConfig
    aliases: ClassVar[dict[str, str]] = {"rule.portion": "rule.share", "passes": "epochs"}
    recipes = (
        Recipe({"rule.lr": 1.0, "epochs": 11, "plasticity.momentum": 0.5, "plasticity.clip": "per_layer"}, "first"),
        Recipe({"rule.lr": 2.0, "network.bias": True, "neuron.no_such": 1, "neuron": "leaky_relu"}, "leaky", data=("mnist",)),
        Recipe({"rule.lr": 3.0, "data.augment": "flip_crop"}, "images", data=("cifar10", "cifar100"), network=("cnn5",)),
        Recipe({"plasticity": "adam", "plasticity.beta1": 0.5, "plasticity.clip_norm": 7.0}, "adam", network=("lenet",)),
    )


class Plain(Backprop):
    """A rule without recipes."""

    Config = ToyConfig
    recipes = ()


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have both rules for one test."""
    targets = {name: f"{__name__}:{name.title()}" for name in ("toy", "plain")}
    monkeypatch.setattr(registry.RULES, "_targets", {**registry.RULES._targets, **targets})
    monkeypatch.setattr(registry.RULES, "_classes", {**registry.RULES._classes, "toy": Toy, "plain": Plain})
