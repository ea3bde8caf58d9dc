"""What the conformance suite runs on: every registered rule and option, on a dense and a convolutional network, built as a run builds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bioplaus import config, registry
from bioplaus.build import build_model, make_feeds
from bioplaus.data import patterns
from bioplaus.data.base import DataConfig, Raw, Splits
from bioplaus.data.splitting import split
from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.errors import ConfigError
from bioplaus.feed import Feed
from bioplaus.fields import replica_fields
from bioplaus.settings import Settings
from bioplaus.view import Batch, Clock, Learned
from bioplaus.world import Model, World, new_world, view

CPU = torch.device("cpu")
CLASSES, ROWS = 3, 40
NETWORKS: dict[str, dict[str, Any]] = {
    "mlp": {"network.hidden": [7, 5], "network.bias": True},
    "cnn5": {"network.channels": [3, 4]},
    "autoencoder": {"network.channels": [3, 4], "network.bias": True},
    # strides in place of pooling: every map has a way back over its own synapses
    "cnn3": {"network.channels": [3, 4], "network.kernels": [3, 3], "network.strides": [1, 2], "network.hidden": [5], "network.bias": True},
    "memory": {},
    "recurrent": {},
    # few neurons that fire a lot, and images that are not shown for long
    "diehl_cook": {
        "network.neurons": 9,
        "network.theta_plus": 0.1,
        "network.tau_theta": 4e4,
        "network.rate_post": 0.05,
        "network.total": 3.0,
        "network.intensity": 16.0,
        "network.image_time": 100.0,
        "network.rest_time": 50.0,
        "network.gate_e": 10.0,
        "network.most_tries": 3,
        "network.window": 200,
    },
    # cells that fire once, few synapses each, so that a coarse grid will do; a low threshold makes of a rate a quick one
    "spike_times": {
        "network.hidden": [7, 5],
        "network.delays": 4,
        "network.delay_step": 3.0,
        "network.dt": 1.0,
        "network.threshold": 1.0,
        "network.init_scale": 10.0,
        "network.span": 12.0,
        "network.early": 14.0,
        "network.late": 20.0,
        "rule.lr": 0.1,
    },
    # devices of many levels, whose pulses change sides within a few images
    "neurosim": {"network.device": "epiram", "network.units": 12, "network.pulses": 400},
    # dendrites with a few inputs each
    "dann": {"network.somas": [12], "network.branches": 3, "network.inputs": 4},
    # a network that grows, as it stands before the first unit
    "cascade": {},
    # an mlp whose units have time
    "spiking": {"network": "mlp", "network.hidden": [7, 5], "network.bias": True, "neuron": "lif", "neuron.beta": 0.9, "neuron.steps": 8},
}
#: (rule, network) -> what it needs beside: changes by signs learn within a few steps on weights of any size; test_crossbar.py has pulses
SIGNS: dict[str, Any] = {"plasticity": "sgd", "rule.lr": 0.05, "rule.gain_hidden": 6.0, "rule.gain_output": 10.0, "rule.active": 0.01}
OWN: dict[tuple[str, str], dict[str, Any]] = {("memristor", network): SIGNS for network in ("mlp", "cnn5")}
#: (rule, network) -> what a card needs beside: an error of few levels shows what it depends on only where its dead zone ends at the answers
SHOWN: dict[tuple[str, str], dict[str, Any]] = {("memristor", network): {"rule__theta_output": 0.5} for network in ("mlp", "cnn5")}
#: rules that refuse normalisation
NO_NORM = ("memristor", "microcircuit", "vcl_binary")
#: patterns to recall: as many as rows that the tests want, of a length at which they barely disturb each other
PATTERNS = {"data": "patterns", "data.N": 200, "data.K": 12}
IMAGES = (2, 8, 8)
SHAPES = {"mlp": (6,), "cnn5": IMAGES, "cnn3": IMAGES, "autoencoder": IMAGES}
SHAPES |= {"cascade": (6,), "dann": (6,), "spiking": (6,), "diehl_cook": (12,), "spike_times": (12,), "neurosim": (12,)}
#: networks that stand without normalisation, and the test that is about nothing else
PLAIN = ("memory", "recurrent", "spiking", "diehl_cook", "spike_times", "neurosim", "cascade", "dann")
ABOUT_NORM = "test_running_means_move_in_training_only"

#: rules that take inputs as pixels, in [0, 1]; and the rules that are tried on strides, the others having cnn5
PIXELS, STRIDED = ("bidirectional", "han"), ("bp", "bidirectional", "han")
#: rules that are tried on units with inputs of their own, the others having the mlp
WIRED = ("bp", "dfa", "kp")

_NOISE = "feedback learns from noise drawn per sample: a batch in another order, or twice as long, meets other noise"

#: (rule, rule-option, network or "rule on network", test) -> why the test does not hold for it. A written reason is the only way out.
EXEMPT: dict[tuple[str, str], str] = {
    # errors sent down through other weights
    # targets sent down
    **{
        (rule, test): _NOISE
        for rule in ("dtp", "drl", "ldrl")
        for test in ("test_the_order_within_a_batch_does_not_matter", "test_the_size_of_a_change_does_not_grow_with_the_batch")
    },
    ("fwdtp-batch", "test_the_size_of_a_change_does_not_grow_with_the_batch"): "an unbiased standard deviation depends on the number of samples",
    ("fwdtp", "test_running_means_move_in_training_only"): (
        "an autoencoder starts with outputs of exactly 0, of which fixed feedback makes means of 0; tests/rules/test_fwdtp.py has the mlp"
    ),
    # two phases of one network
    ("ff", "test_the_order_within_a_batch_does_not_matter"): "a wrong label is drawn for each place in the batch",
    ("ff", "test_the_size_of_a_change_does_not_grow_with_the_batch"): "two copies of a sample get wrong labels of their own",
    # errors in apical dendrites
    ("microcircuit-random", "test_the_loss_falls_on_separable_clouds"): (
        "a circuit that does not predict itself takes feedback for errors; tests/rules/test_microcircuit.py lets it learn to, first"
    ),
    # one set of synapses, two directions
    **{(f"{rule}-bp", ABOUT_NORM): "the way down stands still, and its running means with it" for rule in PIXELS},
    ("han", "test_the_size_of_a_change_does_not_grow_with_the_batch"): "two copies of a sample stand beside two generated ones, of other noise",
    # one task after the other
    **{
        ("vcl_binary", test): "the current of each sample has noise of its own: a batch in another order, or twice as long, meets other noise"
        for test in ("test_the_order_within_a_batch_does_not_matter", "test_the_size_of_a_change_does_not_grow_with_the_batch")
    },
    # Hebbian
    ("multitasking", "test_the_size_of_a_change_does_not_grow_with_the_batch"): "Hebb's sum adds up examples",
    ("multitasking", ABOUT_NORM): "it has no normalisation; tests/rules/test_multitasking.py has its counter",
    ("spiking", ABOUT_NORM): "it has no normalisation",
    ("spike_times", ABOUT_NORM): "it has no normalisation",
    # spikes alone
    ("diehl_cook", ABOUT_NORM): "its running arrays are thresholds and responses by class; tests/rules/test_diehl_cook.py has them",
    ("neurosim", ABOUT_NORM): "it has no normalisation and nothing that runs",
    ("cascade", ABOUT_NORM): "it has no normalisation",
    ("dann", ABOUT_NORM): "it has no normalisation",
    ("memristor", ABOUT_NORM): "it refuses normalisation",
    ("microcircuit", ABOUT_NORM): "it refuses normalisation",
    ("vcl_binary", ABOUT_NORM): "it refuses normalisation; its running temperature is set, not averaged",
    **{
        (f"{rule} on spiking", "test_the_loss_falls_on_separable_clouds"): (
            f"few excitatory cells do not tell the clouds apart in 8 steps, learning or not; tests/rules/test_{rule}.py has the changes"
        )
        for rule in ("stdp", "rstdp")
    },
    **{
        (network, test): "images are shown one after the other: a later one finds what earlier ones left"
        for network in ("diehl_cook", "neurosim")
        for test in ("test_the_order_within_a_batch_does_not_matter", "test_the_size_of_a_change_does_not_grow_with_the_batch")
    },
    ("multitasking", "test_the_loss_falls_on_separable_clouds"): (
        "the loss is an energy over a constant of its own; tests/rules/test_multitasking.py has recall"
    ),
}


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


def cases() -> list[Case]:
    """Every rule as its recipes set it, and with each option that its settings declare by `choice`."""
    found = []
    for name in registry.RULES.names():
        found.append(Case(name))
        for f in fields(registry.RULES.get(name).Config):
            options = () if (name, f.name) in BETWEEN else f.metadata.get("options", ())
            found += [Case(name, ((f"rule.{f.name}", option),)) for option in options]
    return found


def rate_fields(rule: str) -> list[str]:
    """Names of the settings that are rates."""
    return [name for name in replica_fields(registry.RULES.get(rule).Config) if name.startswith("lr")]


@cache
def toy(network: str, seeds: tuple[int, ...] = (3,), *, pixels: bool = False) -> Splits:
    """Three well-separated clouds around orthogonal centres: a hyperplane divides any two of them; or patterns, for networks that recall.

    As pixels the same clouds lie in [0, 1].
    """
    if network not in SHAPES:
        return patterns.draw(patterns.Config(N=PATTERNS["data.N"], K=PATTERNS["data.K"]), seeds)
    shape, draw = SHAPES[network], np.random.default_rng(7)
    size = int(np.prod(shape))
    centres = 1.5 * np.linalg.qr(draw.standard_normal((size, size)))[0][:CLASSES] * np.sqrt(size / CLASSES)
    y = np.arange(ROWS) % CLASSES
    if network in ("diehl_cook", "spike_times", "neurosim"):  # light where the class's third of the pixels is
        centres = np.kron(np.eye(CLASSES), np.full(size // CLASSES, 0.8))
        draw = np.random.default_rng(7)
        x = np.clip(centres[y] + 0.1 * draw.standard_normal((ROWS, size)), 0, 1).astype(np.float32)
        return split(Raw(x, y, x[:6], y[:6], CLASSES, shape, mean=(0.0,), std=(1.0,)), DataConfig("toy", validation=0.1))
    x = (centres[y] + 0.2 * draw.standard_normal((ROWS, size))).astype(np.float32).reshape(ROWS, *shape)
    if pixels:
        x = (x - x.min()) / (x.max() - x.min())
    raw = Raw(x, y, x[:6], y[:6], CLASSES, shape, mean=(0.0,), std=(1.0,))
    return split(raw, DataConfig("toy", validation=0.1))


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
    learning = model.rule.learn(view(model, world, run.batch() if batch is None else batch, Clock(world.step)))
    total: dict[str, Tensor] = {}
    while True:
        try:
            wanted = next(learning)
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
        torch.testing.assert_close(a[key], b[key], rtol=rtol, atol=atol, msg=lambda text, key=key: f"{key}: {text}")


def each(*axes: str) -> Any:
    """Parametrise a test over ``case``, ``network`` and ``replicas`` (1 and 3; options 3), less what is exempt or refused by the rule."""
    names = axes or ("case", "network", "replicas")

    def decorate(test: Any) -> Any:
        rows = [
            pytest.param(*(table[name] for name in names), id="-".join(str(table[name]) for name in names), marks=marks)
            for case in cases()
            for network in NETWORKS
            for replicas in ((3,) if "replicas" in names and case.option else (1, 3) if "replicas" in names else (1,))
            for table in [{"case": case, "network": network, "replicas": replicas}]
            for marks in [_marks(case, network, test.__name__)]
            if not refused(case, network)
        ]
        return pytest.mark.parametrize(names, rows)(test)

    return decorate


def _marks(case: Case, network: str, test: str) -> list[pytest.MarkDecorator]:
    reason = next((EXEMPT[who, test] for who in (case.rule, str(case), network, f"{case.rule} on {network}") if (who, test) in EXEMPT), None)
    return [pytest.mark.skip(reason=reason)] if reason else []


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
