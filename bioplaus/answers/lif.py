"""``bioplaus theory lif``: f-I curve of a leaky integrate-and-fire cell, closed form beside simulation and Brian2; and of two other cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bioplaus.answers.base import Answer, Line, Theory, TheoryConfig, finite
from bioplaus.answers.text import table
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged
from bioplaus.pictures import Curves, Panel, Series
from bioplaus.progress import Silent

__all__ = ["Lif", "LifConfig"]

#: model -> (current, step in ms, largest current of a curve, its unit)
DEFAULTS = {
    "lif": (1.5, 0.1, 3.0, "in thresholds"),
    "izhikevich": (10.0, 0.01, 30.0, "in the model's unit"),
    "hodgkin_huxley": (10.0, 0.01, 30.0, "in uA/cm^2"),
}
#: longest step in ms with which a cell still behaves as it does in continuous time
LONGEST = {"izhikevich": 1.0, "hodgkin_huxley": 0.1}
NAMES = {"lif": "Leaky integrate-and-fire cell", "izhikevich": "Izhikevich's cell", "hodgkin_huxley": "Hodgkin-Huxley cell"}
#: setting -> the only model that has it
OWNERS = {"tau_mem": "lif", "t_ref": "lif", "cell": "izhikevich"}
#: Currents of the figure's curve, and of Brian2's points on it.
FINE, COARSE = 121, 13


@dataclass
class LifConfig(TheoryConfig):
    """Settings of f-I curves."""

    model: str = choice("lif", *DEFAULTS)
    """Cell: leaky integrate-and-fire | Izhikevich | Hodgkin-Huxley."""
    current: float | None = ranged(None)
    """Constant current, in units of the threshold (lif; 1.5 if not given), of the model (izhikevich; 10), or in uA/cm^2 (hodgkin_huxley; 10)."""
    tau_mem: float | None = ranged(None, above=0)
    """Time constant of the membrane, ms; 10 if not given (lif)."""
    t_ref: float | None = ranged(None, 0)
    """Refractory period, ms; 0 if not given (lif)."""
    cell: str | None = None
    """Kind of cell: rs (if not given) | ib | ch | fs | lts (izhikevich)."""
    dt: float | None = ranged(None, above=0)
    """Step of the clock, ms; 0.1 (lif) or 0.01 if not given."""
    duration: float = ranged(1000.0, above=0)
    """Time simulated, ms."""
    brian2: bool = False
    """Whether Brian2 counts beside us: on its numpy target, from five simulated seconds on compiled."""


class Lif(Theory):
    """Firing rate against current: leaky integrate-and-fire in closed form, clocked and by Brian2; Izhikevich, Hodgkin-Huxley."""

    name = "lif"
    Config = LifConfig
    scannable = {"current": "current (lif: in thresholds)"}  # noqa: RUF012
    drawn = "Lines: closed form and simulation with a clock, as named."
    columns = ("rate", "clocked_count", "count", "simulated_rate")
    upright = "firing rate, Hz"

    def check(self, config: LifConfig) -> None:
        for key, owner in OWNERS.items():
            if getattr(config, key) is not None and owner != config.model:
                raise ConfigError(f"{key}={getattr(config, key)} belongs to model={owner}, not to model={config.model}")
        most = LONGEST.get(config.model)
        if most is not None and config.dt is not None and config.dt > most:
            raise ConfigError(f"dt={config.dt:g} is too long a step for model={config.model}; it must be <= {most:g} ms")
        if config.scan and config.brian2:
            raise ConfigError("brian2=true belongs to one current, not to a scan; leave scan out, the figure shows Brian2 along the curve")

    def title(self, config: LifConfig, *skip: str) -> str:
        c = _filled(config)
        words = [] if "current" in skip else [f"current={c.current:g}"]
        words += [f"{key}={value}" if key == "cell" else f"{key}={value:g} ms" for key, value in _numbers(c).items()]
        return f"{NAMES[c.model]}: {', '.join(words)}" if words else NAMES[c.model]

    def point(self, config: LifConfig, progress: Silent) -> Answer:
        c = _filled(config)
        found = self.solved(c)
        values = {key: getattr(c, key) for key in ("model", "current", "tau_mem", "t_ref", "cell", "dt", "duration")} | found
        values |= {"interval_steps": _interval(c), **_simulated(c, keys=("first", "last_interval")), "brian2_count": None}
        beside: list[Series] = []
        if c.brian2:
            beside, values["brian2_count"] = _brian2(c)
        title = self.title(c)
        return Answer(finite(values), _text(title, values), [_picture(c, title, values, beside)])

    def limits(self, config: LifConfig) -> tuple[float, float]:
        return 0.0, DEFAULTS[config.model][2]

    def solved(self, config: LifConfig) -> dict[str, Any]:
        c, counted = _filled(config), _simulated(config)
        closed: dict[str, Any] = {"rate": None, "clocked_count": None}
        if c.model == "lif":
            from bioplaus.theory import lif

            closed = {
                "rate": lif.rate(c.current, c.tau_mem, c.t_ref),
                "clocked_count": lif.clocked_count(c.current, c.tau_mem, c.dt, c.duration, c.t_ref),
            }
        return {**closed, "count": counted["count"], "simulated_rate": counted["rate"]}

    def lines(self, config: LifConfig) -> list[Line]:
        return [Line("closed form", "rate")] * (config.model == "lif") + [Line("simulation", "simulated_rate")]

    def marks(self, config: LifConfig) -> list[tuple[float, str]]:
        return [(1.0, "rheobase")] if config.model == "lif" else []


def _filled(config: LifConfig) -> Any:
    """Return the settings with each model's own where nothing was said."""
    current, dt, _, _ = DEFAULTS[config.model]
    models: dict[str, dict[str, Any]] = {"lif": {"tau_mem": 10.0, "t_ref": 0.0}, "izhikevich": {"cell": "rs"}}
    own = models.get(config.model, {}) | {"current": current, "dt": dt}
    return replace(config, **{key: value for key, value in own.items() if getattr(config, key) is None})


def _numbers(c: Any) -> dict[str, Any]:
    """Return the model's own settings as `bioplaus.theory.lif.count` takes them."""
    return {key: getattr(c, key) for key, owner in OWNERS.items() if owner == c.model}


def _simulated(config: LifConfig, current: float | None = None, keys: tuple[str, ...] = ("count", "rate")) -> dict[str, Any]:
    from bioplaus.theory import lif

    c = _filled(config)
    found = asdict(lif.count(c.model, c.current if current is None else current, c.dt, c.duration, **_numbers(c)))
    return {key: found[key] for key in keys}


def _interval(c: Any) -> int | None:
    from bioplaus.theory import lif

    return lif.interval_steps(c.current, c.tau_mem, c.dt) if c.model == "lif" else None


def _currents(c: Any, points: int) -> list[float]:
    last = max(DEFAULTS[c.model][2], 1.2 * c.current)
    return [last * i / (points - 1) for i in range(points)]


def _brian2(c: Any) -> tuple[list[Series], int]:
    """Return Brian2's points along the curve, and its count at the current that was asked for."""
    from bioplaus.answers.brian import spike_counts

    currents = _currents(c, COARSE)
    *counts, asked = spike_counts(c.model, [*currents, c.current], c.dt, c.duration, **_numbers(c))
    return [Series("Brian2", currents, [1000 * count / c.duration for count in counts], points=True, colour=2)], asked


def _picture(c: Any, title: str, values: Mapping[str, Any], beside: list[Series]) -> Curves:
    currents = _currents(c, FINE)
    series = [Series("simulation", currents, [_simulated(c, current)["rate"] for current in currents])]
    if c.model == "lif":
        from bioplaus.theory import lif

        exact = [lif.rate(current, c.tau_mem, c.t_ref) for current in currents]
        series.append(Series("closed form", currents, exact, dashed=True, colour=None))
    series += [*beside, Series("this current", [c.current], [values["simulated_rate"]], points=True, colour=1)]
    marks = [(1.0, "rheobase")] if c.model == "lif" else []
    panel = Panel(f"current, {DEFAULTS[c.model][3]}", "firing rate, Hz", series, marks=marks)
    return Curves(f"{c.model}-f-I.png", title, [panel], f"Simulation: spikes in {c.duration:g} ms, a clock of {c.dt:g} ms.")


def _text(title: str, values: Mapping[str, Any]) -> str:
    rows = []
    if values["model"] == "lif":
        interval = values["interval_steps"]
        rows.append(("closed form", f"{values['rate']:.4f} Hz", "1 / (t_ref + tau ln(I / (I - 1)))" if interval else "no spike for I <= 1"))
        held = f" + {round(values['t_ref'] / values['dt'])}" if values["t_ref"] else ""
        every = f"one every {interval}{held} steps" if interval else ""
        rows.append(("clocked, by formula", f"{values['clocked_count']} spikes", every))
    last = f"last interval {values['last_interval']:.4g} ms" if values["count"] > 1 else ""
    rows.append(("simulated", f"{values['count']} spikes", last))
    if values["brian2_count"] is not None:
        rows.append(("Brian2", f"{values['brian2_count']} spikes", "equal" if values["brian2_count"] == values["count"] else "differs"))
    return "\n".join([f"{title}, {values['duration']:g} ms with a clock of {values['dt']:g} ms", *table(rows)])
