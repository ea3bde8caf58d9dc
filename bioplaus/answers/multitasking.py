"""``bioplaus theory multitasking``: the equations of state, beside Monte Carlo where ``mc.N`` says how large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bioplaus.answers.base import Answer, ExamplesConfig, Line, Theory, check_examples, finite
from bioplaus.answers.simulation import SimulatedConfig, bars, measured, plus_minus, simulate_patterns
from bioplaus.answers.text import table
from bioplaus.disorder import STARTS
from bioplaus.fields import choice, ranged
from bioplaus.pictures import Curves, Panel, Picture, Series
from bioplaus.progress import Silent

__all__ = ["Multitasking", "MultitaskingConfig"]

#: Neurons of a scan's simulations where ``mc.N`` does not say.
SCAN_SIZE = 4000


@dataclass
class MultitaskingConfig(ExamplesConfig, SimulatedConfig):
    """Settings of the multitasking network."""

    K: int = ranged(3, 1)
    """Patterns."""
    d: float = ranged(0.3, 0, below=1)
    """Dilution: probability that an entry of a pattern is blank."""
    T: float = ranged(0.0, 0)
    """Temperature, in units of the field."""
    start: str = choice("hierarchical", *(s for s in STARTS if s != "random"))
    """Branch: where the iteration, and the simulation, start."""
    normalise: bool = True
    """Whether couplings carry 1/(1 - d), which puts the critical temperature at 1."""


class Multitasking(Theory):
    """Diluted patterns recalled together: hierarchy, parallel regime, learning from noisy examples."""

    name = "multitasking"
    Config = MultitaskingConfig
    scannable = {"d": "dilution d", "T": "temperature T", "r": "quality of examples r"}  # noqa: RUF012
    columns = ("m", "n", "free_energy", "verdict")
    upright = "overlap m / (1 - d)"

    def check(self, config: MultitaskingConfig) -> None:
        check_examples(config)

    def title(self, config: MultitaskingConfig, *skip: str) -> str:
        names = ["K", "d", "T"] + ["M", "r"] * (config.learning != "storing")
        parts = [f"{name}={getattr(config, name):g}" for name in names if name not in skip]
        parts += [config.learning] * (config.learning != "storing")
        return f"Multitasking network: {', '.join(parts)}, {config.start} start"

    def point(self, config: MultitaskingConfig, progress: Silent) -> Answer:
        found, simulated = asdict(_solution(config)), None
        if config.simulated_size:
            progress.start(1, 0, f"{config.mc.samples} samples of N={config.mc.N}")
            simulated = self.simulated(config, config.simulated_size)
        values = {**found, "learning": config.learning, "law": config.law, "M": config.M, "r": config.r, "monte_carlo": simulated}
        title = self.title(config)
        return Answer(finite(values), _text(title, found, simulated), [_picture(title, config, found, simulated)])

    def limits(self, config: MultitaskingConfig) -> tuple[float, float]:
        return {"d": (0.0, 0.95), "T": (0.02, 1.2), "r": (0.05, 1.0)}[str(config.scan)]

    def solved(self, config: MultitaskingConfig) -> dict[str, Any]:
        found = _solution(config)
        return {key: getattr(found, key) for key in self.columns}

    def lines(self, config: MultitaskingConfig) -> list[Line]:
        return [Line(f"pattern {mu + 1}", "m", mu, "m") for mu in range(config.K)]

    def marks(self, config: MultitaskingConfig) -> list[tuple[float, str]]:
        from bioplaus.theory import multitasking

        if config.scan == "d" and config.T == 0 and config.learning == "storing" and config.K > 1:
            return [(multitasking.critical_dilution(config.K), "d_c")]
        if config.scan == "T":
            return [(multitasking.critical_temperature(config.d, config.normalise), "T_c")]
        return []

    def jumps(self, before: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
        """Without noise the hierarchy ends at once: what comes behind d_c is another state."""
        return _is_hierarchy(before) != _is_hierarchy(row)

    def size(self, config: MultitaskingConfig) -> int | None:
        return (config.mc.N or SCAN_SIZE) if config.mc.samples else None

    def simulated(self, config: MultitaskingConfig, N: int) -> dict[str, Any]:
        return simulate_patterns(config, config.K, config.d, N, start=config.start, normalise=config.normalise)


def _is_hierarchy(row: Mapping[str, Any]) -> bool:
    """Return whether overlaps are exactly d^(mu - 1), which they are without noise alone."""
    m, d = row["m"], row.get("d")
    return d is not None and m is not None and all(abs(one - d**mu) < 1e-9 for mu, one in enumerate(m))


def _solution(config: MultitaskingConfig) -> Any:
    from bioplaus.theory import multitasking

    names = ("M", "r", "learning", "law", "start", "normalise")
    return multitasking.solve(config.K, config.d, config.T, **{name: getattr(config, name) for name in names})


def _text(title: str, found: Mapping[str, Any], simulated: Mapping[str, Any] | None) -> str:
    head = ["pattern", "m/(1-d)", "n/(1-d)"] + ["simulated m/(1-d)", "simulated n/(1-d)"] * (simulated is not None)
    rows = [head]
    for mu, (m, n) in enumerate(zip(found["m"], found["n"])):
        beside = [plus_minus(simulated[key][mu], _error(simulated, key, mu)) for key in ("m", "n")] if simulated else []
        rows.append([str(mu + 1), f"{m:.8f}", f"{n:.8f}", *beside])
    eigenvalues = ", ".join(f"{one:.8g}" for one in found["hessian_eigenvalues"])
    lines = [title, *table(rows)]
    lines += [f"  free energy per neuron {found['free_energy']:.8f}", f"  {found['verdict']}: Hessian eigenvalues {eigenvalues}"]
    if found["example_eigenvalues"]:
        lines.append("  towards single examples: " + ", ".join(f"{one:.8g}" for one in found["example_eigenvalues"]))
    lines.append(f"  solved in {found['iterations']} iterations, residual {found['residual']:.1e}")
    return "\n".join(lines + ([measured(simulated)] if simulated else []))


def _error(simulated: Mapping[str, Any], key: str, mu: int) -> float | None:
    errors: Sequence[float] | None = simulated[f"{key}_se"]
    return errors[mu] if errors else None


def _picture(title: str, config: MultitaskingConfig, found: Mapping[str, Any], simulated: Mapping[str, Any] | None) -> Picture:
    number = list(range(1, config.K + 1))
    panels, labels = [], {"m": "overlap with the pattern, m / (1 - d)"}
    if config.learning != "storing":  # else n is m
        labels["n"] = "overlap with its mean example, n / (1 - d)"
    for key, label in labels.items():
        series = [Series("theory", number, found[key], points=True, colour=1, marker="_")]
        if simulated:
            series.append(Series("simulation", number, simulated[key], simulated[f"{key}_se"], points=True))
        panels.append(Panel("pattern", label, series, whole_x=True))
    return Curves("multitasking.png", title, panels, f"Simulation: {bars(config.mc, config.mc.N)}." if simulated else "")
