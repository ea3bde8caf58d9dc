"""What a comparison runs: the rows, and the settings they share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bioplaus import config, registry
from bioplaus.comparison.conditions import conditions, shared_by, unmet_by
from bioplaus.errors import ConfigError
from bioplaus.fields import plain

if TYPE_CHECKING:
    from bioplaus.comparison.trial import Trial

__all__ = ["FACTORS", "OF_SPIKES", "REFERENCE", "TUNING_SEED", "Options", "Plan", "Row", "make_plan"]

REFERENCE = "bp"
#: Backprop of networks whose units spike, which is the reference there: bp through time, with the recipe of such networks.
OF_SPIKES = "surrogate"
#: Seed on which rates are chosen; no row may be measured on it.
TUNING_SEED = 1000
#: Rates tried, as multiples of the rule's own recipe. More of them above it: a recipe that diverges is noticed by its author, a slow one is not.
FACTORS = (1 / 16, 1 / 4, 1.0, 4.0, 16.0, 64.0)
#: What every row shares, taken from the settings of backprop; the rest is each rule's own recipe.
SHARED = ("data", "network", "neuron")
#: Keys of `bioplaus simulate` that a comparison sets itself.
TAKEN = {
    "rule": "name the rules with rules=bp,ccl",
    "run.save": "a comparison is a directory",
    "run.figures": "a comparison draws its own figures",
    "seed_step": "rows are paired over different seeds",
}


@dataclass
class Options:
    """Settings of the comparison itself."""

    rules: tuple[str, ...] = ()
    """Names of the rules, bp (over spiking units: surrogate) added in front if it is not among them; all for every registered one."""
    tune: str = "grid"
    """grid: each rule gets the rate of the grid that validates best; none: each runs with its recipe."""
    grid: tuple[float, ...] = FACTORS
    """Rates to try, as multiples of the rule's own recipe; every rule gets the same number."""
    tune_epochs: int | None = None
    """Epochs of the search; if not given, those of the comparison, at most 10."""
    published: bool = True
    """Whether a rule whose published results use another neuron gets a second row with it."""
    workers: str = "auto"
    """Rows run at once, each in a process of its own: auto (one per core; 1 on a GPU) or a number; 0 runs them in this process."""


@dataclass(frozen=True)
class Row:
    """One line of the table: a rule under its settings."""

    label: str
    rule: str
    settings: dict[str, Any]
    folder: str
    error: str = ""

    @property
    def digest(self) -> str:
        """Tell whether a finished row belongs to these settings."""
        return _digest([self.rule, self.settings])


@dataclass(frozen=True)
class Plan:
    """All rows, the budget of the search and the folder they are kept in."""

    rows: tuple[Row, ...]
    shared: dict[str, Any]
    seeds: tuple[int, ...]
    epochs: int
    tune: str
    grid: tuple[float, ...]
    tune_epochs: int
    root: str
    given: dict[str, Any] = field(default_factory=dict)
    reference: str = REFERENCE
    conditions: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the directory: the same settings always give the same one."""
        return f"compare-{self.shared['data']}-{_digest([self.given])[:10]}"

    @property
    def path(self) -> Path:
        """The directory of the comparison."""
        return (Path(self.root).expanduser() / self.name).resolve()

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]

    @classmethod
    def of(cls, tree: Mapping[str, Any]) -> Plan:
        """Return the plan that `as_dict` wrote."""
        rows = tuple(Row(**row) for row in tree["rows"])
        return cls(**{**tree, "rows": rows, "seeds": tuple(tree["seeds"]), "grid": tuple(tree["grid"])})


def _digest(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=8).hexdigest()


def make_plan(overrides: Mapping[str, Any]) -> tuple[Plan, Options]:
    """Return what to run for keys such as ``{"rules": "bp,ccl", "data": "digits", "seeds": 5, "ccl.rule.lr": 2.0}``.

    Keys are those of `Options`, those of `bioplaus simulate` (for all rows), and the latter with a rule's name in front (for its rows alone).

    Raises
    ------
    ConfigError, DataError
        One line: an unknown rule or key, a value out of range, data that are not there, no row that can run. A rule that merely cannot run on
        this network is no error: its row says so.
    """
    given = {key: plain(value) for key, value in overrides.items()}
    options = _options({key: given.pop(key) for key in list(given) if key in Options.__dataclass_fields__})
    reference_rule = OF_SPIKES if _spiking(options.rules, given) else REFERENCE
    options.rules = _with_reference(options.rules, reference_rule)
    own: dict[str, dict[str, Any]] = {rule: {} for rule in options.rules}
    for key in list(given):
        head, _, rest = key.partition(".")
        if rest and head in registry.RULES.names():
            if head == REFERENCE and head not in own and reference_rule == OF_SPIKES:
                raise ConfigError(f"{key}: over spiking units bp runs as {OF_SPIKES}; write {OF_SPIKES}.{rest}")
            if head not in own:
                raise ConfigError(f"{key} is for a rule that is not compared; add {head} to rules=")
            own[head][rest] = given.pop(key)
    for key in (*given, *(k for keys in own.values() for k in keys)):
        if key in TAKEN:
            raise ConfigError(f"compare takes no {key}: {TAKEN[key]}")
    for rule, keys in own.items():
        fixed = [k for k in keys if k.split(".")[0] in (*SHARED, "run") or "." not in k]
        if fixed:
            raise ConfigError(f"{rule}.{fixed[0]} would give {rule} other conditions than the rest; give {fixed[0]} for all rows")
    rates = [key for key in given if key == "rule.lr"] + [f"{r}.rule.lr" for r, keys in own.items() if "rule.lr" in keys]
    if rates and "tune" not in overrides:
        options.tune = "none"
    elif rates and options.tune == "grid":
        raise ConfigError(f"{rates[0]} fixes what tune=grid chooses; leave one out")
    root = str(given.pop("run.root", "runs"))
    # rows, not keys for a rule, are allowed to fail: what is wrong for backprop is wrong for the comparison
    short = registry.RULES.get(reference_rule).aliases
    full = {key: name for key, name in short.items() if not key.startswith("rule.") and name not in given}
    given = {full.get(key, key): value for key, value in given.items()}
    wanted = {rule: found for rule in options.rules if (found := conditions(rule, given))}
    common = shared_by([wanted.get(rule, {}) for rule in options.rules if rule != reference_rule])
    given = {**common, **given}
    reference = config.resolve({"seeds": 5, "threads": 1, **_general(given), **own[reference_rule], "rule": reference_rule})
    tree, top = config.as_dict(reference), reference.top
    unmet = {rule: text for rule, keys in wanted.items() if (text := unmet_by(rule, keys, tree, reference_rule))}
    if TUNING_SEED in reference.seed_list and options.tune == "grid":
        raise ConfigError(f"seed {TUNING_SEED} is used to choose the rates, so no row may be measured on it; choose another seed=")
    shared: dict[str, Any] = {}
    for section in SHARED:
        shared[section] = tree[section].pop("name")
        shared |= {f"{section}.{key}": value for key, value in tree[section].items()}
    shared |= {key: getattr(top, key) for key in ("epochs", "batch_size", "seeds", "seed", "threads", "dtype", "device")}
    shared["probes"] = given.get("probes", ["angle", "feedback"])
    shared |= {key: value for key, value in given.items() if key not in shared and key not in SHARED}
    for key in given:
        if key.startswith("rule.") and not any(_knows(rule, key) for rule in options.rules):
            raise ConfigError(f"none of the rules has a setting {key}; bioplaus show rule=NAME lists those of one")
    from bioplaus.comparison.trial import trial_of  # after the settings are known to be right: it imports torch

    trial = trial_of(reference)
    over_spikes = reference_rule == OF_SPIKES
    lent, published = (_lent(tree), False) if over_spikes else ({}, options.published)  # published neurons are none that spike
    rows = tuple(
        replace(row, error=unmet[rule]) if rule in unmet else row
        for rule in options.rules
        for row in _rows(rule, shared, own[rule], published, trial, lent if _borrows(rule) else {})
    )
    if all(row.error for row in rows):
        raise ConfigError(f"no row can run; {reference_rule}: {next(row for row in rows if row.rule == reference_rule).error}")
    tune_epochs = min(top.epochs, 10) if options.tune_epochs is None else options.tune_epochs
    what = {"rules": list(options.rules), "grid": list(options.grid), "published": options.published, "tune": options.tune}
    plan = Plan(
        rows, shared, reference.seed_list, top.epochs, options.tune, options.grid, tune_epochs, root,
        given={**what, "tune_epochs": tune_epochs, "shared": shared, "own": own},
        reference=reference_rule,
        conditions=common,
    )  # fmt: skip
    return plan, options


def _spiking(rules: Sequence[str], given: Mapping[str, Any]) -> bool:
    """Return whether the rows are over spiking units: the neuron given is one, or some rule knows no others and all know them."""
    neuron = given.get("neuron")
    if neuron is not None:
        return neuron in registry.NEURONS.names() and bool(registry.NEURONS.get(neuron).spiking)
    tasks = [registry.RULES.get(rule).tasks for rule in rules if rule != REFERENCE]
    return all("spiking" in known for known in tasks) and any("classification" not in known for known in tasks)


def _with_reference(rules: Sequence[str], reference: str) -> tuple[str, ...]:
    """Return the rules with the reference in front if it is not among them; bp, which over spiking units is surrogate, under that name."""
    named = tuple(dict.fromkeys(reference if rule == REFERENCE else rule for rule in rules))
    return named if reference in named else (reference, *named)


def _borrows(rule: str) -> bool:
    """Return whether a rule's recipes are for static units, so that over spiking ones it starts from those of the reference."""
    return "classification" in registry.RULES.get(rule).tasks


def _lent(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the optimiser and the rate of the reference."""
    optimiser = {f"plasticity.{key}": value for key, value in tree["plasticity"].items() if key != "name"}
    return {"plasticity": tree["plasticity"]["name"], **optimiser, "rule.lr": tree["rule"]["lr"]}


def _general(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys less those of some rule's own settings, which backprop need not know."""
    return {key: value for key, value in given.items() if not key.startswith("rule.") or key == "rule.lr"}


def _knows(rule: str, key: str) -> bool:
    """Return whether a rule has a setting ``rule.name``."""
    made = registry.RULES.get(rule)
    return key in made.aliases or key.partition(".")[2] in {f.name for f in fields(made.Config)}


def _rows(
    rule: str, shared: Mapping[str, Any], own: Mapping[str, Any], published: bool, trial: Trial, lent: Mapping[str, Any]
) -> list[Row]:
    """Return the row of a rule, and a second one with its published neuron if that is another; what is lent ranks below what is given."""
    settings = {key: value for key, value in shared.items() if not key.startswith("rule.") or _knows(rule, key)} | {**own, "rule": rule}
    if "plasticity" in settings:  # another optimiser than the one whose settings are lent
        lent = {}
    settings = {**lent, **settings}
    rows = [_row(rule, rule, settings, own, trial)]
    neuron = registry.RULES.get(rule).published_neuron
    if published and neuron and neuron != shared["neuron"]:
        other = {key: value for key, value in settings.items() if not key.startswith("neuron.")}
        rows.append(_row(f"{rule} ({neuron})", rule, {**other, "neuron": neuron}, own, trial))
    return rows


def _row(label: str, rule: str, settings: dict[str, Any], own: Mapping[str, Any], trial: Trial) -> Row:
    """Return a row, with the reason if it cannot run.

    Raises
    ------
    ConfigError
        If what was given for this rule alone is wrong in itself.
    """
    try:
        resolved = config.resolve(settings)
        if isinstance(resolved.rule.lr, tuple):
            raise ConfigError("rule.lr lists a rate per seed; a comparison needs one rate for all seeds of a row")
        error = trial(resolved)
    except ConfigError as refusal:
        if own:
            raise ConfigError(f"{', '.join(f'{rule}.{key}={value}' for key, value in own.items())}: {refusal}") from refusal
        error = str(refusal)
    folder = "".join(c if c.isalnum() or c in "-_" else "_" for c in label.replace(" ", "-").replace("(", "").replace(")", ""))
    return Row(label, rule, settings, folder, error)


def _options(values: Mapping[str, Any]) -> Options:
    """Return the comparison's own settings, checked."""
    found = Options()
    found.rules = _rules(values.get("rules"))
    for key in ("tune", "published", "workers", "tune_epochs", "grid"):
        if key in values:
            setattr(found, key, values[key])
    found.workers = str(found.workers)
    if found.tune not in ("grid", "none") and found.tune is not None:
        raise ConfigError(f"tune={found.tune} is not known; choose grid or none")
    found.tune = found.tune or "none"
    if not isinstance(found.published, bool):
        raise ConfigError(f"published={found.published} must be true or false")
    if found.workers != "auto" and not found.workers.isdecimal():
        raise ConfigError(f"workers={found.workers} must be auto or a number >= 0")
    if found.tune_epochs is not None and (type(found.tune_epochs) is not int or found.tune_epochs < 1):
        raise ConfigError(f"tune_epochs={found.tune_epochs} must be a whole number >= 1")
    grid = found.grid if isinstance(found.grid, (list, tuple)) else [found.grid]
    if not grid or not all(type(f) in (int, float) and 0 < f < float("inf") for f in grid) or len(set(grid)) < len(grid):
        raise ConfigError(f"grid={values.get('grid')} must list different numbers > 0, multiples of each rule's own rate, such as [0.25,1,4]")
    found.grid = tuple(sorted(float(f) for f in grid))
    return found


def _rules(value: Any) -> tuple[str, ...]:
    """Return the names of the rules, backprop first if it was not named."""
    words: Sequence[Any] = value if isinstance(value, list) else str(value).split(",") if value is not None else []
    names = [str(word).strip() for word in words if str(word).strip()]
    if not names:
        raise ConfigError("compare needs rules; write for example rules=bp,ccl (bioplaus list rules names them)")
    if names == ["all"]:
        names = registry.RULES.names()
    for name in names:
        registry.RULES.check(name)
        if names.count(name) > 1:
            raise ConfigError(f"rules names {name} twice; keep one")
    return tuple(names)
