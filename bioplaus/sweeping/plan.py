"""What a sweep runs: its cells in packs, or the intervals that a search draws from; and how."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from bioplaus import registry
from bioplaus.errors import BioplausError, ConfigError, RunError
from bioplaus.settings import Settings
from bioplaus.sweeping.cells import Cell, checked, product
from bioplaus.sweeping.grammar import Space
from bioplaus.sweeping.optional import needed
from bioplaus.sweeping.packing import LARGEST, Pack, distance, packs

__all__ = ["FILE", "Options", "Plan", "make_plan", "open_plan", "with_options"]

#: Name of the plan in a sweep's directory.
FILE = "sweep-plan.json"
#: Rank below what is given: a thread per run, since runs stand side by side, and no probes.
USUAL: dict[str, Any] = {"threads": 1, "probes": []}
#: Keys of `bioplaus simulate` that a sweep sets itself.
TAKEN = {
    "run.save": "a sweep is a directory of runs",
    "run.figures": "a sweep draws its own figures; bioplaus plot RUN draws those of a run",
    "seed_step": "name the seeds with seed=0,10,20 or seed=range(0,30,10)",
}
_CHOICES = {
    "executor": ("local", "dask"), "sampler": ("grid", "tpe", "random"), "prune": ("median", "none"), "by": ("accuracy", "loss"),
}  # fmt: skip


@dataclass(frozen=True)
class Options:
    """Settings of the sweep itself."""

    workers: str = "auto"
    """Processes at work at once, a thread each: auto (one per core; 1 on a GPU) or a number; 0 runs all in this process."""
    executor: str = "local"
    """local: processes on this machine; dask: workers of a Dask cluster."""
    scheduler: str | None = None
    """Address of the Dask scheduler, such as tcp://host:8786; if not given, a cluster on this machine is started."""
    timeout: float = 30.0
    """Seconds to wait for the scheduler."""
    sampler: str = "grid"
    """grid: all combinations; tpe or random: a search by Optuna."""
    trials: int | None = None
    """Cells that a search tries."""
    prune: str = "median"
    """median: a search breaks off a cell that validates worse than the median of the others at that epoch; none: it does not."""
    sampler_seed: int = 0
    """Seed of the search."""
    by: str = "accuracy"
    """What ranks cells and guides a search, on the validation samples: accuracy (where there is none, loss) or loss."""


@dataclass(frozen=True)
class Plan:
    """The cells and packs of a sweep, or the spaces of a search; seeds, options, and where it is kept."""

    cells: tuple[Cell, ...]
    packs: tuple[Pack, ...]
    spaces: dict[str, Space]
    seeds: tuple[int, ...]
    epochs: int
    name: str
    root: str
    options: Options = field(default_factory=Options)

    @property
    def path(self) -> Path:
        """The directory of the sweep."""
        return (Path(self.root).expanduser() / self.name).resolve()

    @property
    def search(self) -> bool:
        """Whether cells are found by a search."""
        return self.options.sampler != "grid"

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]

    @classmethod
    def of(cls, tree: Mapping[str, Any]) -> Plan:
        """Return the plan that `as_dict` wrote."""
        return cls(
            cells=tuple(Cell(**cell) for cell in tree["cells"]),
            packs=tuple(Pack(pack["settings"], tuple((i, seed) for i, seed in pack["members"])) for pack in tree["packs"]),
            spaces={key: Space(tuple(space["values"]), space["kind"], space["text"]) for key, space in tree["spaces"].items()},
            seeds=tuple(tree["seeds"]),
            epochs=tree["epochs"], name=tree["name"], root=tree["root"], options=Options(**tree["options"]),
        )  # fmt: skip


def make_plan(keys: Mapping[str, Space]) -> Plan:
    """Return what to run for keys such as those of ``rule=ccl,fa rule.lr=0.01,0.1 seeds=3``.

    Keys are those of `Options` and of `bioplaus simulate`. Every cell is resolved, and one of each kind takes a step on a few samples.

    Raises
    ------
    ConfigError, DataError
        One line naming the cell: an unknown key, a value out of range, a cell that is there twice, a network that its rule refuses.
    """
    options = with_options(Options(), {key: _single(key, keys[key]) for key in keys if key in Options.__dataclass_fields__})
    rest = {key: space for key, space in keys.items() if key not in Options.__dataclass_fields__}
    for key in rest:
        if key in TAKEN:
            raise ConfigError(f"sweep takes no {key}: {TAKEN[key]}")
    root = str(_single("run.root", rest.pop("run.root")) if "run.root" in rest else "runs")
    seeds = _seeds(rest.pop("seed", None), rest.pop("seeds", None))
    if options.sampler == "grid":
        if options.trials is not None:
            raise ConfigError(f"trials={options.trials} counts what a search tries; add sampler=tpe")
        cells, tried = product(rest, USUAL), None
    else:
        _check_search(rest, seeds, options)
        cells, tried = [], _corners(rest)
    try:
        resolved = checked(cells if tried is None else tried, seeds[0])
    except ConfigError as error:
        _own_setting(rest, error)
        raise
    if tried is not None and not all(settings.data.validation for settings in resolved):
        raise ConfigError(f"sampler={options.sampler} is guided by the validation samples and data.validation=0 leaves none")
    _try(cells if tried is None else tried, resolved)
    most = _most(len(cells) * len(seeds), options, resolved[0])
    found = packs(cells, resolved, seeds, most) if tried is None else []
    data = {settings.data.name for settings in resolved}
    what: dict[str, Any] = {"keys": {key: [space.kind, space.values] for key, space in rest.items()}, "seeds": seeds}
    if tried is not None:
        what |= {key: getattr(options, key) for key in ("sampler", "sampler_seed", "prune", "by")}
    digest = hashlib.blake2b(json.dumps(what, sort_keys=True, default=list).encode(), digest_size=5).hexdigest()
    name = f"sweep-{data.pop() if len(data) == 1 else 'mixed'}-{digest}"
    return Plan(tuple(cells), tuple(found), {} if tried is None else rest, seeds, resolved[0].top.epochs, name, root, options)


def open_plan(path: str | Path) -> Plan:
    """Return the plan of a sweep's directory, which may have been moved or renamed since.

    Raises
    ------
    RunError
        If it is not one, or its plan is corrupt.
    """
    file = Path(path).expanduser().resolve() / FILE
    try:
        plan = Plan.of(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise RunError(f"{path} is not a sweep of bioplaus: it has no {FILE}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunError(f"{file} is corrupt ({error}); give the command of the sweep again, finished runs are kept") from error
    return replace(plan, root=str(file.parent.parent), name=file.parent.name)


def with_options(options: Options, given: Mapping[str, Any]) -> Options:
    """Return options with some given anew, checked.

    Raises
    ------
    ConfigError
        If one of them is unknown or wrong.
    """
    unknown = set(given) - {f.name for f in fields(Options)}
    if unknown:
        raise ConfigError(f"{min(unknown)} is no setting of a sweep itself; these are {', '.join(f.name for f in fields(Options))}")
    new: dict[str, Any] = {key: str(value) if key == "workers" else value for key, value in given.items()}
    found = replace(options, **new)
    for key, known in _CHOICES.items():
        if getattr(found, key) not in known:
            raise ConfigError(f"{key}={getattr(found, key)} is not known; choose one of {', '.join(known)}")
    if found.workers != "auto" and not found.workers.isdecimal():
        raise ConfigError(f"workers={found.workers} must be auto or a number >= 0")
    for key, least in (("trials", 1), ("sampler_seed", 0)):
        value = getattr(found, key)
        if value is not None and (type(value) is not int or value < least):
            raise ConfigError(f"{key}={value} must be a whole number >= {least}")
    if type(found.timeout) not in (int, float) or not 0 < found.timeout < float("inf"):
        raise ConfigError(f"timeout={found.timeout} must be a number of seconds > 0")
    if found.workers == "0" and found.executor == "dask":
        raise ConfigError("workers=0 runs in this process and executor=dask in others; leave one out")
    if found.scheduler is not None and found.executor != "dask":
        raise ConfigError(f"scheduler={found.scheduler} is for Dask; add executor=dask")
    return found


def _own_setting(keys: Mapping[str, Space], error: ConfigError) -> None:
    """Where a key that no run knows is nearly a setting of the sweep itself, name that one."""
    for key in keys:
        hint = registry.nearest(key, [f.name for f in fields(Options)], cutoff=0.8)
        if f"unknown key '{key}'" in str(error) and hint != ".":
            raise ConfigError(f"unknown key '{key}'{hint} See docs/sweeps.md") from error


def _single(key: str, space: Space) -> Any:
    if len(space.values) > 1:
        named = f", or name seeds by seed={space.text}" if key == "seeds" else ""
        raise ConfigError(f"{key}={space.text} has several values; it is a setting of the sweep itself, give one{named}")
    return space.values[0]


def _seeds(seed: Space | None, seeds: Space | None) -> tuple[int, ...]:
    """Return the seeds of every cell: so many from the first, or those that are named."""
    named = seed.values if seed is not None else (0,)
    count = 1 if seeds is None else _single("seeds", seeds)
    for key, values, least in (("seed", named, 0), ("seeds", (count,), 1)):
        for value in values:
            if type(value) is not int or value < least:
                raise ConfigError(f"{key}={value} is not a whole number >= {least}")
    if seed is not None and len(named) > 1:
        if seeds is not None:
            raise ConfigError(f"seed={seed.text} names the seeds and seeds={count} counts them; keep one")
        twice = [value for value in named if named.count(value) > 1]
        if twice:
            raise ConfigError(f"seed={twice[0]} is in the sweep twice; keep one")
        return named
    return tuple(range(named[0], named[0] + count))


def _check_search(keys: Mapping[str, Space], seeds: Sequence[int], options: Options) -> None:
    """Refuse a search that cannot be made."""
    if options.trials is None:
        raise ConfigError(f"sampler={options.sampler} needs to know how many cells to try; add trials=20")
    if not any(len(space.values) > 1 for space in keys.values()):
        raise ConfigError(f"sampler={options.sampler} has nothing to search; write for example rule.lr=log(0.001,1)")
    cells = math.prod(len(space.values) for space in keys.values())
    if options.trials >= cells and not any(space.interval for space in keys.values()):
        raise ConfigError(f"trials={options.trials} of a space with {cells} cells would try cells twice; leave sampler= out to run them all")
    if distance(seeds) is None:
        raise ConfigError("a search runs the seeds of a cell as one batch, which takes seeds at equal distances, such as range(0,30,10)")
    needed("optuna", f"sampler={options.sampler}")


def _corners(keys: Mapping[str, Space]) -> list[Cell]:
    """Return cells in which each value, or end of an interval, stands once beside the first ones of the other keys."""
    first = {key: space.values[0] for key, space in keys.items()}
    several = [key for key, space in keys.items() if len(space.values) > 1]
    found = [{**first, key: value} for key in several for value in keys[key].values[1:]]
    return [Cell({key: one[key] for key in several}, {**USUAL, **one}) for one in (first, *found)]


def _try(cells: Sequence[Cell], resolved: Sequence[Settings]) -> None:
    """Make a network of every kind and let it take a step."""
    from bioplaus.comparison.trial import Trial, trial_of  # after the settings are known to be right: it imports torch

    trials: dict[str, Trial] = {}
    for pack in packs(cells, resolved, (0,), len(cells)):
        position = pack.members[0][0]
        settings = resolved[position]
        source = repr((settings.data, settings.top.tasks, settings.top.device))
        try:
            if source not in trials:
                trials[source] = trial_of(settings)
        except BioplausError as error:
            raise type(error)(_of(cells[position], str(error))) from error
        refusal = trials[source](settings)
        if refusal:
            raise ConfigError(_of(cells[position], refusal))


def _of(cell: Cell, text: str) -> str:
    return f"{cell.name}: {text}" if cell.swept else text


def _most(runs: int, options: Options, settings: Settings) -> int:
    """Return how many runs a pack holds at most: enough packs for every worker to have one."""
    from bioplaus.children import cores

    if settings.run.pack != "auto":
        return int(settings.run.pack)
    workers = cores(settings.top.device) if options.workers == "auto" else int(options.workers)
    return max(1, min(LARGEST, -(-runs // max(workers, 1))))
