"""``bioplaus theory multitasking``: the equations of state, beside Monte Carlo where ``mc.N`` says how large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bioplaus.answers.base import Answer, Theory, TheoryConfig, finite, scan_points
from bioplaus.disorder import STARTS
from bioplaus.errors import SolverError
from bioplaus.fields import choice, ranged
from bioplaus.pictures import Curves, Panel, Picture, Series
from bioplaus.progress import Silent

__all__ = ["Multitasking", "MultitaskingConfig"]

#: Simulated points of a scan, and their size where ``mc.N`` does not say.
SCAN_SIMULATED, SCAN_SIZE = 13, 4000


@dataclass
class MultitaskingConfig(TheoryConfig):
    """Settings of the multitasking network."""

    K: int = ranged(3, 1)
    """Patterns."""
    d: float = ranged(0.3, 0, below=1)
    """Dilution: probability that an entry of a pattern is blank."""
    T: float = ranged(0.0, 0)
    """Temperature, in units of the field."""
    M: int | None = ranged(None, 1)
    """Examples of each pattern; needed where learning is not storing."""
    r: float = ranged(1.0, above=0, high=1)
    """Quality of an example: an entry keeps its sign with probability (1 + r)/2."""
    law: str = choice("binomial", "binomial", "gaussian")
    """Law of the mean example: binomial (exact) | gaussian (its limit for many examples)."""
    learning: str = choice("storing", "storing", "supervised", "unsupervised")
    """What the synapses hold."""
    start: str = choice("hierarchical", *(s for s in STARTS if s != "random"))
    """Branch: where the iteration, and the simulation, start."""
    normalise: bool = True
    """Whether couplings carry 1/(1 - d), which puts the critical temperature at 1."""
    mc_N: int | None = ranged(None, 1)
    """Neurons of a simulation beside it; none if not given (a scan takes 4000, 0 points with mc.samples=0)."""
    mc_sweeps: int = ranged(150, 1)
    """Sweeps that are averaged."""
    mc_burn_in: int = ranged(100, 0)
    """Sweeps before that."""
    mc_samples: int = ranged(16, 0)
    """Disorder samples; two or more for a standard error, 0 for no simulation."""
    seed: int = ranged(0, 0)
    """Seed of the first disorder sample."""
    threads: int | None = ranged(None, 1)
    """Threads of the simulation; it gives the same numbers with any."""


class Multitasking(Theory):
    """Diluted patterns recalled together: hierarchy, parallel regime, learning from noisy examples."""

    Config = MultitaskingConfig
    scannable = ("d", "T", "r")

    def answer(self, config: MultitaskingConfig, progress: Silent) -> Answer:
        return _scan(config, progress) if config.scan else _point(config)


def _solved(config: MultitaskingConfig) -> Any:
    from bioplaus.theory import multitasking

    names = ("M", "r", "learning", "law", "start", "normalise")
    return multitasking.solve(config.K, config.d, config.T, **{name: getattr(config, name) for name in names})


def _simulated(config: MultitaskingConfig, N: int) -> dict[str, Any]:
    from bioplaus.theory.monte_carlo import monte_carlo

    found = monte_carlo(
        config.K, config.d, config.T, N, M=config.M, r=config.r, learning=config.learning, start=config.start, normalise=config.normalise,
        sweeps=config.mc_sweeps, burn_in=config.mc_burn_in, samples=config.mc_samples, seed=config.seed, threads=config.threads,
    )  # fmt: skip
    return {"N": N, **{key: value for key, value in asdict(found).items() if not key.startswith("values_")}}


def _point(config: MultitaskingConfig) -> Answer:
    found = asdict(_solved(config))
    values = {**found, "learning": config.learning, "law": config.law, "M": config.M, "r": config.r, "monte_carlo": None}
    if config.mc_N is not None and config.mc_samples:
        values["monte_carlo"] = _simulated(config, config.mc_N)
    return Answer(finite(values), _point_text(config, found, values["monte_carlo"]), [_point_picture(config, found, values["monte_carlo"])])


def _title(config: MultitaskingConfig, *skip: str) -> str:
    parts = [f"{name}={getattr(config, name):g}" for name in ("K", "d", "T") if name not in skip]
    if config.learning != "storing":
        parts += [f"M={config.M}", f"r={config.r:g}", config.learning]
    return f"Multitasking network: {', '.join(parts)}, {config.start} start"


def _point_text(config: MultitaskingConfig, found: Mapping[str, Any], simulated: Mapping[str, Any] | None) -> str:
    head = f"  {'pattern':<9}{'m/(1-d)':<13}{'n/(1-d)':<13}"
    lines = [_title(config), head + ("simulated m/(1-d), n/(1-d), each +- standard error" if simulated else "")]
    for mu, (m, n) in enumerate(zip(found["m"], found["n"])):
        lines.append(f"  {mu + 1:<9}{m:<13.8f}{n:<13.8f}" + (_measured(simulated, mu) if simulated else ""))
    eigenvalues = ", ".join(f"{one:.8g}" for one in found["hessian_eigenvalues"])
    lines += [f"  free energy per neuron {found['free_energy']:.8f}", f"  {found['verdict']}: Hessian eigenvalues {eigenvalues}"]
    if found["example_eigenvalues"]:
        lines.append("  towards single examples: " + ", ".join(f"{one:.8g}" for one in found["example_eigenvalues"]))
    lines.append(f"  solved in {found['iterations']} iterations, residual {found['residual']:.1e}")
    if simulated:
        rate = simulated["picks"] / max(simulated["seconds"], 1e-9)
        size = f"{simulated['samples']} samples of N={simulated['N']}, {simulated['burn_in']} + {simulated['sweeps']} sweeps"
        lines.append(f"  simulation: {size}, {simulated['seconds']:.2f} s, {rate:.2g} updates per second")
    return "\n".join(lines)


def _measured(simulated: Mapping[str, Any], mu: int) -> str:
    cells = []
    for key in ("m", "n"):
        se = simulated[f"{key}_se"]
        cells.append(f"{simulated[key][mu]:.4f}" + (f" +- {se[mu]:.4f}" if se else ""))
    return ", ".join(cells)


def _point_picture(config: MultitaskingConfig, found: Mapping[str, Any], simulated: Mapping[str, Any] | None) -> Picture:
    number = list(range(1, config.K + 1))
    panels = []
    for key, label in (("m", "overlap with the pattern, m / (1 - d)"), ("n", "overlap with its mean example, n / (1 - d)")):
        series = [Series("theory", number, found[key], dashed=True, colour=1)]
        if simulated:
            series.append(Series("simulation", number, simulated[key], simulated[f"{key}_se"], points=True))
        panels.append(Panel("pattern", label, series, whole_x=True))
    return Curves("multitasking.png", _title(config), panels, _bars(config, config.mc_N) if simulated else "")


def _bars(config: MultitaskingConfig, N: int | None) -> str:
    bars = "bars: one standard error over the samples" if config.mc_samples > 1 else "one sample: no error bars"
    return f"Simulation: {config.mc_samples} sample(s) of N={N}, {config.mc_burn_in} + {config.mc_sweeps} sweeps; {bars}."


def _scan(config: MultitaskingConfig, progress: Silent) -> Answer:
    """Return theory along a scan, and simulations at some of its points."""
    assert config.scan is not None
    low, high = {"d": (0.0, 0.95), "T": (0.02, 1.2), "r": (0.05, 1.0)}[config.scan]
    xs = scan_points(config, low, high)
    some = _some(xs) if config.mc_samples else []
    progress.start(len(xs) + len(some), 0, _title(config, config.scan))
    rows: list[dict[str, Any]] = []
    for i, x in enumerate(xs):
        here = replace(config, **{config.scan: x})
        progress.update(i, f"theory, {config.scan}={x:.3g}")
        try:
            found = _solved(here)
            rows.append({config.scan: x, **{key: getattr(found, key) for key in ("m", "n", "free_energy", "verdict")}, "note": ""})
        except SolverError as error:
            rows.append({config.scan: x, "m": None, "n": None, "free_energy": None, "verdict": None, "note": str(error)})
    N, simulated = config.mc_N or SCAN_SIZE, []
    for i, x in enumerate(some):
        progress.update(len(xs) + i, f"simulation, {config.scan}={x:.3g}")
        simulated.append({config.scan: x, **_simulated(replace(config, **{config.scan: x}), N)})
    marks = _marks(config)
    values = {"scan": config.scan, "points": rows, "marks": {text: x for x, text in marks}, "monte_carlo": simulated}
    return Answer(finite(values), _scan_text(config, rows, simulated, marks), [_scan_picture(config, rows, simulated, marks, N)])


def _some(xs: Sequence[float]) -> list[float]:
    step = max(1, round((len(xs) - 1) / (SCAN_SIMULATED - 1)))
    return list(xs[::step])


def _marks(config: MultitaskingConfig) -> list[tuple[float, str]]:
    """Return where regimes end along the scan."""
    from bioplaus.theory import multitasking

    if config.scan == "d" and config.T == 0 and config.learning == "storing" and config.K > 1:
        return [(multitasking.critical_dilution(config.K), "d_c")]
    if config.scan == "T":
        return [(multitasking.critical_temperature(config.d, config.normalise), "T_c")]
    return []


def _scan_text(
    config: MultitaskingConfig, rows: Sequence[Mapping[str, Any]], simulated: Sequence[Mapping[str, Any]], marks: Sequence[tuple[float, str]]
) -> str:
    name = str(config.scan)
    beside = {row[name]: row for row in simulated}
    lines = [_title(config, name), *(f"  {text} = {x:.6f}" for x, text in marks), f"  {name:<10}{'theory m/(1-d)':<36}simulation"]
    for row in rows:
        m = "  ".join(f"{one:.4f}" for one in row["m"]) if row["m"] else f"not solved: {row['note']}"
        mc = beside.get(row[name])
        lines.append(f"  {row[name]:<10.4g}{m:<34}  " + ("  ".join(f"{one:.4f}" for one in mc["m"]) if mc else ""))
    return "\n".join(line.rstrip() for line in lines)


def _scan_picture(
    config: MultitaskingConfig,
    rows: Sequence[Mapping[str, Any]],
    simulated: Sequence[Mapping[str, Any]],
    marks: Sequence[tuple[float, str]],
    N: int,
) -> Picture:
    name, nothing = str(config.scan), [float("nan")] * config.K
    series = []
    for k in range(config.K):
        series.append(Series(f"pattern {k + 1}", [row[name] for row in rows], [(row["m"] or nothing)[k] for row in rows], colour=k))
        if simulated:
            error = [row["m_se"][k] for row in simulated] if config.mc_samples > 1 else None
            series.append(Series("", [row[name] for row in simulated], [row["m"][k] for row in simulated], error, points=True, colour=k))
    label = {"d": "dilution d", "T": "temperature T", "r": "quality of examples r"}[name]
    note = f"Lines: theory. Points: {_bars(config, N)[:1].lower()}{_bars(config, N)[1:]}" if simulated else "Lines: theory."
    return Curves(f"multitasking-{name}.png", _title(config, name), [Panel(label, "overlap m / (1 - d)", series, marks=marks)], note)
