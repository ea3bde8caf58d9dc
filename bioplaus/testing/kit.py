"""What the checks are made of: a rule with one of its options, built as a run builds it, and ways to drive and compare it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from bioplaus import config, registry
from bioplaus.build import build_model, make_feeds
from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.errors import ConfigError
from bioplaus.feed import Feed
from bioplaus.fields import replica_fields
from bioplaus.settings import Settings
from bioplaus.testing.benches import NETWORKS, NO_NORM, OWN, PATTERNS, PIXELS, PLAIN, SHAPES, STRIDED, WIRED, toy
from bioplaus.view import Batch, Clock, Learned
from bioplaus.world import Model, World, learning, new_world, view

__all__ = [
    "CPU",
    "Case",
    "Run",
    "build",
    "cases",
    "close",
    "components",
    "drain",
    "home",
    "rate_fields",
    "refused",
    "row",
    "same",
    "settings_of",
    "snapshot",
]

CPU = torch.device("cpu")
#: options that act between epochs or in phases that the kit's bare training steps never reach, and where they are tested
BETWEEN = {
    ("perforated", field): "tests/rules/test_perforated_cycle.py and _loop.py"
    for field in ("dendrite", "where", "u_init", "stats", "score", "switch_mode", "mode")
} | {
    ("vcl_binary", "first_prior"): "tests/rules/test_vcl_binary.py",
    ("vcl_binary", "prediction"): "tests/rules/test_vcl_binary.py",
    ("ewc", "fisher"): "tests/rules/test_ewc.py",
}


@dataclass(frozen=True)
class Case:
    """A registered rule with one of its options."""

    rule: str
    option: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return "-".join([self.rule, *(value for _, value in self.option)])


def cases(*rules: str) -> list[Case]:
    """Rules, by default every registered one, as their recipes set them, and with each option that their settings declare by `choice`."""
    found = []
    for name in rules or registry.RULES.names():
        found.append(Case(name))
        for f in fields(registry.RULES.get(name).Config):
            options = () if (name, f.name) in BETWEEN else f.metadata.get("options", ())
            found += [Case(name, ((f"rule.{f.name}", option),)) for option in options]
    return found


def rate_fields(rule: str) -> list[str]:
    """Names of the settings that are rates."""
    return [name for name in replica_fields(registry.RULES.get(rule).Config) if name.startswith("lr")]


def settings_of(case: Case, network: str, replicas: int = 1, **keys: Any) -> Settings:
    """The rule's own settings for small synthetic data; ``rule__lr`` stands for ``rule.lr``."""
    given = {key.replace("__", "."): value for key, value in keys.items()}
    base = {"rule": case.rule, "data": "synthetic", "network": network, "dtype": "float64", "seed": 3, "seeds": replicas}
    if network not in SHAPES:
        base |= PATTERNS
    if network in PLAIN or case.rule in NO_NORM:
        given.pop("network.norm", None)
    own = OWN.get((case.rule, network), {})
    return config.resolve({**base, **NETWORKS[network], **own, **dict(case.option), **given}, locate=False)


@dataclass
class Run:
    """A model, its world and the toy data."""

    model: Model
    world: World
    feed: Feed

    @property
    def weights(self) -> list[str]:
        """Weights that the rule says it changes."""
        owned = [leaf for group in self.model.groups.values() if not group.frozen for leaf in group.leaves]
        return [leaf for leaf in owned if leaf.endswith("/weight")]

    def batch(self, size: int = 9) -> Batch:
        """The first samples, every replica in another order."""
        replicas = self.world.replicas
        return self.feed.batch(torch.stack([(torch.arange(size) + 5 * r) % len(self.feed) for r in range(replicas)]))

    def train(self, steps: int, size: int = 9) -> dict[str, Tensor]:
        """Train for some steps, the order of samples drawn as in a run; return the metrics ``[steps, R]``."""
        per_epoch, done = -(-len(self.feed) // size), []
        for _ in range(steps):
            epoch, at = divmod(self.world.step, per_epoch)
            index = self.feed.order(self.model.streams, epoch).split(size, 1)[at]
            block = Block(self.feed, (index,), epoch, per_epoch, 100 * per_epoch)
            done.append(LoopEngine().advance(self.model, self.world, block))
        return {key: torch.cat([d[key] for d in done if key in d]) for key in done[0]}

    def with_world(self, world: World) -> Run:
        """The same model and data in another state."""
        return replace(self, world=world)


def build(case: Case, network: str, replicas: int = 1, **keys: Any) -> Run:
    """A fresh run.

    Raises
    ------
    ConfigError
        If the rule refuses the network or its task.
    """
    settings = settings_of(case, network, replicas, **keys)
    splits = toy(network, settings.seed_list, pixels=case.rule in PIXELS)
    model = build_model(settings, splits, range(replicas), CPU)
    run = Run(model, new_world(model), make_feeds(settings, splits, CPU).train)
    drain(run)
    return run


@torch.no_grad()
def drain(run: Run, batch: Batch | None = None) -> tuple[dict[str, Tensor], Learned]:
    """Return the sum of all that the rule wants for a batch, nothing of it applied, and what it returned."""
    model, world = run.model, run.world
    wants = learning(model.rule, view(model, world, run.batch() if batch is None else batch, Clock(world.step)))
    total: dict[str, Tensor] = {}
    while True:
        try:
            wanted = next(wants)
        except StopIteration as stop:
            return total, stop.value
        for leaf, change in wanted.changes.items():
            assert leaf in model.groups[wanted.group].leaves
            value, key = change.dense().clone(), f"{wanted.group}|{leaf}"
            if wanted.mask is not None:
                value[~wanted.mask] = 0
            total[key] = total[key] + value if key in total else value


def snapshot(arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies of arrays."""
    return {key: value.clone() for key, value in arrays.items()}


def same(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    """Whether two sets of arrays are equal bit for bit (a NaN equals itself)."""
    return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)


def _equal(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)


def row(arrays: Mapping[str, Tensor], r: int) -> dict[str, Tensor]:
    """One replica of every array."""
    return {key: value[r] for key, value in arrays.items()}


def close(a: Mapping[str, Tensor], b: Mapping[str, Tensor], rtol: float = 1e-9, atol: float = 1e-12) -> None:
    """Assert that two sets of arrays agree up to rounding."""
    assert a.keys() == b.keys()
    for key in a:

        def told(text: str, key: str = key) -> str:
            return f"{key}: {text}"

        torch.testing.assert_close(a[key], b[key], rtol=rtol, atol=atol, msg=told)


@cache
def refused(case: Case, network: str) -> str:
    """What the rule says if it refuses the network or its task, "" if it does not.

    The autoencoder, which starts from nothing at its ends, runs as the recipes set it only.
    """
    if case.option and network == "autoencoder":
        return "an option of its own"
    if network == "cnn3" and case.rule not in STRIDED:
        return "cnn5 is its convolutional network here"
    if network == "dann" and case.rule not in WIRED:
        return "it has the mlp here"
    if network == "mlp" and "classification" not in registry.RULES.get(case.rule).tasks:
        return "made for units with time or for recall alone"
    try:
        build(case, network)
    except ConfigError as refusal:
        return str(refusal)
    return ""


def home(case: Case) -> str:
    """A network that the rule runs on."""
    return next(network for network in NETWORKS if not refused(case, network))


def components(family: registry.Registry) -> Iterator[tuple[str, Any]]:
    """Every registered name of a family with its class."""
    for name in family.names():
        yield name, family.get(name)
