"""From keys to a card: which rule, on which small network, with which samples."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch

from bioplaus import config, data, registry
from bioplaus.audit.card import Card
from bioplaus.audit.measure import measure
from bioplaus.build import build_model, make_feeds
from bioplaus.errors import BioplausError, ConfigError, RunError
from bioplaus.settings import Settings

__all__ = ["card_of"]

#: Samples that an audit has at hand.
LIMIT = 120
#: Small networks, used where the user does not say how large theirs is.
SMALL: dict[str, dict[str, Any]] = {
    "mlp": {"network.hidden": [7, 5]},
    "fc2": {"network.hidden": [7, 5]},
    "cnn5": {"network.channels": [3, 4]},
    "autoencoder": {"network.channels": [3, 4]},
    "memory": {"data": "patterns", "data.N": 40, "data.K": 12},
    "recurrent": {"data": "patterns", "data.N": 40, "data.K": 12},
    "spike_times": {"network.hidden": [7, 5], "network.inhibitory": 1, "network.delays": 4, "network.delay_step": 3.0, "network.dt": 1.0},
    "diehl_cook": {"network.neurons": 10, "network.image_time": 100.0, "network.rest_time": 50.0, "network.most_tries": 3},
    "neurosim": {"network.units": 10, "network.device": "epiram"},
}
#: (rule, network) -> what shows more: an error of few levels tells what it depends on only where its dead zone ends at the answers of a fresh
#: network, and its bits pass small layers only by luck.
#: Units that grow in phases do so within the batches of an audit only where outputs give up at once.
SHOWN: dict[tuple[str, str], dict[str, Any]] = {
    **{("memristor", network): {"rule.theta_output": 0.5, "network.hidden": [16, 12]} for network in ("mlp", "fc2")},
    **{("memristor", network): {"rule.theta_output": 0.5} for network in ("cnn5", "lenet")},
    ("cascor", "cascade"): {"rule.output_patience": 1, "rule.output_improvement": 1e6},
}

#: The rule alone, whatever its recipes add: clipping layer by layer keeps it finite and is no global signal.
ALONE: dict[str, Any] = {"dtype": "float64", "plasticity.clip": "per_layer", "plasticity.clip_norm": 1.0}


def card_of(settings: Settings | Mapping[str, Any] | None = None, **keys: Any) -> Card:
    """Audit a rule and return its card.

    Parameters
    ----------
    settings
        Settings of a run (audited on its own network and data, as one replica), or dotted keys as on the command line. With keys the network is
        small unless ``network.*`` says otherwise (an mlp of two hidden layers, 7 and 5 wide, on synthetic data, another network on digits), and
        no clipping by a global norm and no normalisation stands beside the rule unless it is asked for.
        ``rule`` is a registered name, or ``file.py:Class``; the file is executed.
    **keys
        Keys without a dot, e.g. ``rule="dfa"``.

    Raises
    ------
    ConfigError
        If the rule is not known, its file holds none, or it refuses the network.
    RunError
        If it does not give the same changes twice, its numbers are not finite, or the rule of a file fails.

    Examples
    --------
    >>> from bioplaus.audit import card_of
    >>> card = card_of(rule="bp")
    >>> card.weight_transport, card.backward_locking, card.phases
    (True, True, 2)
    >>> card.short()
    'weight transport, backward locking, needs labels'
    """
    if isinstance(settings, Settings):
        return _audited(settings)
    given = {**(settings or {}), **keys}
    with _rule_file(given.get("rule")):
        return _audited(config.resolve(_small(given)))


def _small(given: Mapping[str, Any]) -> dict[str, Any]:
    rule = given.get("rule")
    home = registry.RULES.get(rule).home(given) if isinstance(rule, str) and rule in registry.RULES.names() else {}
    network = str(given.get("network") or home.get("network") or config.DEFAULTS["network"])
    start: dict[str, Any] = {"network": network, "data": "synthetic" if network == "mlp" else "digits"}
    plain = {"network.norm": "none"} if any(f.name == "norm" for f in fields(registry.NETWORKS.get(network).Config)) else {}
    small = {**SMALL.get(network, {}), **SHOWN.get((str(rule), network), {})}
    return {**start, **ALONE, **plain, **small, **{key: value for key, value in given.items() if value is not None}}


def _audited(settings: Settings) -> Card:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # bit for bit needs one order of sums
    try:
        cpu = torch.device("cpu")
        splits = data.load(settings.data, settings.seed_list[:1])
        model = build_model(settings, splits, [0], cpu)
        feed = make_feeds(settings, splits, cpu).train
        feed = feed.first(LIMIT)
        card = measure(model, feed, _network_name(settings), settings.top.epochs)
        return replace(card, global_signals=(*card.global_signals, *_of_the_run(settings)))
    finally:
        torch.set_num_threads(threads)


def _of_the_run(settings: Settings) -> list[str]:
    """Return the signals that the run's settings declare, whatever the rule."""
    clipped = settings.plasticity.clip == "per_network"
    normed = getattr(settings.network, "norm", "none") != "none"
    return [
        *(["norm of all changes (plasticity.clip=per_network)"] if clipped else []),
        *([f"statistics of the batch (network.norm={settings.network.norm})"] if normed else []),
    ]


def _network_name(settings: Settings) -> str:
    sizes = getattr(settings.network, "hidden", None) or getattr(settings.network, "channels", None) or ()
    sizes = [sizes] if isinstance(sizes, int) else sizes
    return f"{settings.network.name} {'-'.join(map(str, sizes))}".strip()


@contextmanager
def _rule_file(name: Any) -> Iterator[None]:
    """Have the rule of a file registered under ``file.py:Class`` for a while, if the name is one."""
    text = str(name or "")
    if not registry.is_file(text):
        yield
        return
    path, _, wanted = text.partition(".py")
    with registry.RULES.lent(text, _class_of(Path(f"{path}.py"), wanted.removeprefix(":"))):
        try:
            yield
        except BioplausError:
            raise
        except Exception as error:
            raise RunError(f"rule {text} failed: {_in_one_line(error)}; --debug shows where") from error


def _in_one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _class_of(file: Path, wanted: str) -> type:
    """Execute a file and return the rule of that name, or the only one in it."""
    from bioplaus.rules.base import Rule

    if not file.is_file():
        raise ConfigError(f"rule file {file} does not exist; write rule=path/to/file.py:ClassName")
    spec = importlib.util.spec_from_file_location(f"_audited_{file.stem}", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f"rule file {file} cannot be run: {_in_one_line(error)}") from error
    finally:
        sys.modules.pop(spec.name, None)
    rules = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Rule) and value.__module__ == spec.name
    }
    if wanted:
        if wanted not in rules:
            raise ConfigError(f"{file} holds no rule '{wanted}'{registry.nearest(wanted, list(rules))} It holds: {', '.join(rules) or 'none'}")
        return rules[wanted]
    if len(rules) != 1:
        raise ConfigError(f"{file} holds {', '.join(rules) if rules else 'no rule'}; write rule={file}:ClassName")
    return next(iter(rules.values()))
