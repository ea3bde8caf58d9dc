"""``bioplaus theory stdp``: the window of spike timing, and the change against the frequency of pairs, closed form beside events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bioplaus.answers.base import Answer, Line, Theory, TheoryConfig, finite
from bioplaus.answers.text import table
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged
from bioplaus.pictures import Curves, Panel, Series
from bioplaus.progress import Silent

if TYPE_CHECKING:
    from bioplaus.theory.stdp import Timing

__all__ = ["Stdp", "StdpConfig"]

CONSTANTS = ("a_plus", "a_minus", "tau_plus", "tau_minus", "a3_plus", "a3_minus", "tau_x", "tau_y")
#: those that triplets alone have
OF_TRIPLETS = CONSTANTS[4:]
#: Hz, of the figure's curve and of its points
FINE, COARSE = [1.0 + 0.5 * i for i in range(99)], [1.0, 10.0, 20.0, 30.0, 40.0, 50.0]
#: ms, of the window
DELAYS = [float(d) for d in range(-100, 101)]


@dataclass
class StdpConfig(TheoryConfig):
    """Settings of spike timing."""

    form: str = choice("triplet", "pair", "triplet")
    """Rule: pair (Song, Miller & Abbott 2000) | triplet (Pfister & Gerstner 2006, visual cortex)."""
    pairing: str = choice("all", "all", "nearest")
    """Which earlier spikes count: all | nearest (the latest of each cell)."""
    delay: float = ranged(10.0)
    """D = t_post - t_pre, ms; the figure also shows -D."""
    frequency: float = ranged(20.0, above=0)
    """Of the pairs, Hz; its period must be longer than the delay."""
    pairs: int = ranged(60, 1, 100_000)
    """How many pairs, from rest."""
    a_plus: float | None = ranged(None, 0)
    """A2+, what a pair adds; if not given 0.01 (pair) or 5e-10 (triplet)."""
    a_minus: float | None = ranged(None, 0)
    """A2-, what a pair takes; if not given 0.0105 (pair) or 7e-3 (triplet)."""
    tau_plus: float | None = ranged(None, above=0)
    """Time constant of the presynaptic trace, ms; if not given 20 (pair) or 16.8 (triplet)."""
    tau_minus: float | None = ranged(None, above=0)
    """Time constant of the postsynaptic trace, ms; if not given 20 (pair) or 33.7 (triplet)."""
    a3_plus: float | None = ranged(None, 0)
    """A3+ of triplets; 6.2e-3 if not given."""
    a3_minus: float | None = ranged(None, 0)
    """A3- of triplets; 2.3e-4 if not given."""
    tau_x: float | None = ranged(None, above=0)
    """Time constant of the second presynaptic trace of triplets, ms; 101 if not given."""
    tau_y: float | None = ranged(None, above=0)
    """Time constant of the second postsynaptic trace of triplets, ms; 125 if not given."""


class Stdp(Theory):
    """Spike timing: the change of a synapse against t_post - t_pre, and against the frequency of pairs; pair and triplet rules."""

    name = "stdp"
    Config = StdpConfig
    scannable = {"delay": "t_post - t_pre, ms", "frequency": "frequency of pairs, Hz"}  # noqa: RUF012
    columns = ("change", "by_events", "per_pair_settled")
    upright = "change of the weight"

    def check(self, config: StdpConfig) -> None:
        strangers = [key for key in OF_TRIPLETS if getattr(config, key) is not None]
        if config.form == "pair" and strangers:
            raise ConfigError(f"{strangers[0]}={getattr(config, strangers[0]):g} belongs to form=triplet")

    def title(self, config: StdpConfig, *skip: str) -> str:
        words = [f"{config.form} rule", {"all": "all-to-all", "nearest": "nearest neighbours"}[config.pairing]]
        words += [f"{key}={getattr(config, key):g} {unit}" for key, unit in (("delay", "ms"), ("frequency", "Hz")) if key not in skip]
        given = [f"{key}={getattr(config, key):g}" for key in CONSTANTS if getattr(config, key) is not None]
        return f"Spike timing, {', '.join([*words, *given])}"

    def point(self, config: StdpConfig, progress: Silent) -> Answer:
        from bioplaus.theory import stdp

        rule, c = _timing(config), config
        values = {key: getattr(c, key) for key in ("form", "pairing", "delay", "frequency", "pairs")}
        values |= {key: getattr(rule, key) for key in CONSTANTS}
        alone = {"window": float(stdp.window(c.delay, rule)), "window_by_events": stdp.by_events([0.0], [c.delay], rule, c.pairing)}
        values |= alone | self.solved(c) | {"change_reversed": self.solved(replace(c, delay=-c.delay))["change"]}
        return Answer(finite(values), _text(self.title(c), values), [_picture(self.title(c, "delay", "frequency"), c, rule)])

    def limits(self, config: StdpConfig) -> tuple[float, float]:
        longest = min(100.0, 499 / config.frequency)
        return (-longest, longest) if config.scan == "delay" else (1.0, min(50.0, 999 / max(abs(config.delay), 1e-9)))

    def solved(self, config: StdpConfig) -> dict[str, Any]:
        from bioplaus.theory import stdp

        c, rule = config, _timing(config)
        return {
            "change": stdp.protocol(c.delay, c.frequency, c.pairs, rule, c.pairing),
            "by_events": _events(c, rule),
            "per_pair_settled": stdp.per_pairing(c.delay, c.frequency, rule, c.pairing),
        }

    def lines(self, config: StdpConfig) -> list[Line]:
        return [Line("closed form", "change", measured=""), Line("event by event", "by_events")]

    def marks(self, config: StdpConfig) -> list[tuple[float, str]]:
        return [(0.0, "simultaneous")] if config.scan == "delay" else []


def _timing(config: StdpConfig) -> Timing:
    from bioplaus.theory.stdp import FORMS

    return replace(FORMS[config.form], **{key: getattr(config, key) for key in CONSTANTS if getattr(config, key) is not None})


def _events(c: StdpConfig, rule: Timing, delay: float | None = None, frequency: float | None = None) -> float:
    from bioplaus.theory.stdp import by_events

    behind, period = c.delay if delay is None else delay, 1000 / (c.frequency if frequency is None else frequency)
    first = [k * period for k in range(c.pairs)]
    return by_events(first, [t + behind for t in first], rule, c.pairing)


def _picture(title: str, c: StdpConfig, rule: Timing) -> Curves:
    from bioplaus.theory import stdp

    some = DELAYS[::10]
    alone = [
        Series("closed form", DELAYS, [float(d) for d in stdp.window(DELAYS, rule)], dashed=True, colour=None),
        Series("event by event", some, [stdp.by_events([0.0], [d], rule, c.pairing) for d in some], points=True),
    ]
    far = abs(c.delay)
    paired = []
    for colour, delay in enumerate((far, -far) if far else (0.0,)):
        fine, coarse = ([f for f in axis if 1000 / f > far] for axis in (FINE, COARSE))
        closed = [stdp.protocol(delay, f, c.pairs, rule, c.pairing) for f in fine]
        paired.append(Series(f"D = {delay:+g} ms", fine, closed, dashed=True, colour=colour))
        paired.append(Series("event by event", coarse, [_events(c, rule, delay, f) for f in coarse], points=True, colour=colour))
    note = f"Left: one pair. Right: {c.pairs} pairs from rest. Lines: closed form. Points: event by event."
    panels = [
        Panel("t_post - t_pre, ms", "change of the weight", alone, title="one pair of spikes"),
        Panel("frequency of pairs, Hz", "change of the weight", paired, title=f"{c.pairs} pairs"),
    ]
    return Curves(f"stdp-{c.form}.png", title, panels, note)


def _text(title: str, values: Mapping[str, Any]) -> str:
    many = f"{values['pairs']} pairs at {values['frequency']:g} Hz"
    rows = [
        ("", "closed form", "event by event"),
        ("one pair", f"{values['window']:+.8f}", f"{values['window_by_events']:+.8f}"),
        (many, f"{values['change']:+.6f}", f"{values['by_events']:+.6f}"),
        (f"{many}, D = {-values['delay']:g} ms", f"{values['change_reversed']:+.6f}", ""),
        ("a pair, traces settled", f"{values['per_pair_settled']:+.8f}", ""),
    ]
    return "\n".join([title, *table(rows)])
