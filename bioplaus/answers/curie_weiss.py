"""``bioplaus theory curie_weiss``: mean field, the exact average of N spins, and Monte Carlo beside both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bioplaus.answers.base import Answer, Line, Theory, finite
from bioplaus.answers.simulation import SimulatedConfig, bars, measured, plus_minus, simulate_ferromagnet
from bioplaus.answers.text import table
from bioplaus.errors import ConfigError
from bioplaus.fields import ranged
from bioplaus.pictures import Curves, Panel, Series
from bioplaus.progress import Silent

__all__ = ["CurieWeiss", "CurieWeissConfig"]

#: Sizes of a figure where N is not given.
SIZES = (20, 100, 500)
#: Most spins of an exact average.
LARGEST = 10**6


@dataclass
class CurieWeissConfig(SimulatedConfig):
    """Settings of the Curie-Weiss ferromagnet."""

    T: float = ranged(0.8, 0)
    """Temperature; the critical one is 1."""
    h: float = ranged(0.0)
    """External field."""
    N: int | None = ranged(None, 1, LARGEST)
    """Spins of an exact average beside the mean field; mc.N where that is given."""


class CurieWeiss(Theory):
    """The ferromagnet in which every spin sees every other: mean field and exact finite size."""

    name = "curie_weiss"
    Config = CurieWeissConfig
    scannable = {"T": "temperature T", "h": "field h"}  # noqa: RUF012
    columns = ("magnetisation", "free_energy", "susceptibility", "finite_size")
    upright = "magnetisation m"

    def check(self, config: CurieWeissConfig) -> None:
        if config.simulated_size is None:
            return
        if config.simulated_size > LARGEST:
            raise ConfigError(f"mc.N={config.mc.N} must be at most {LARGEST}, for the exact average beside it")
        if config.N not in (None, config.mc.N):
            raise ConfigError(f"mc.N={config.mc.N} and N={config.N} must be equal: the exact average stands beside the simulation")
        if config.h != 0 or config.scan == "h":
            raise ConfigError(f"{'scan=h' if config.scan == 'h' else f'h={config.h:g}'}: the simulation has no external field; leave mc.N out")

    def title(self, config: CurieWeissConfig, *skip: str) -> str:
        return f"Curie-Weiss ferromagnet: {', '.join(f'{one}={getattr(config, one):g}' for one in ('T', 'h') if one not in skip)}"

    def point(self, config: CurieWeissConfig, progress: Silent) -> Answer:
        found, simulated, N = self.solved(config), None, _size(config)
        if config.simulated_size:
            progress.start(1, 0, f"{config.mc.samples} samples of N={config.mc.N}")
            simulated = self.simulated(config, config.simulated_size)
        values = {"T": config.T, "h": config.h, "N": N, **found, "monte_carlo": simulated}
        note = f"Simulation: {bars(config.mc, N)}." if simulated else ""
        title = self.title(config)
        panel = _panel(config, found["magnetisation"], simulated)
        return Answer(finite(values), _text(title, values, simulated), [Curves("curie_weiss.png", title, [panel], note)])

    def limits(self, config: CurieWeissConfig) -> tuple[float, float]:
        return {"T": (0.02, 1.6), "h": (-0.5, 0.5)}[str(config.scan)]

    def solved(self, config: CurieWeissConfig) -> dict[str, Any]:
        from bioplaus.theory import curie_weiss

        functions = (curie_weiss.magnetisation, curie_weiss.free_energy, curie_weiss.susceptibility)
        found: dict[str, Any] = {one.__name__: one(config.T, config.h) for one in functions}
        N = _size(config)
        exact = curie_weiss.finite_size(N, config.T, config.h) if N else None
        return {**found, "finite_size": exact and dict(zip(("abs_m", "m_squared"), exact))}

    def lines(self, config: CurieWeissConfig) -> list[Line]:
        N = _size(config)
        exact = [Line(f"exact <|m|>, N={N}", "finite_size", "abs_m", measured="abs_m")] if N else []
        return [*exact, Line("mean field", "magnetisation")]

    def marks(self, config: CurieWeissConfig) -> list[tuple[float, str]]:
        return [(1.0, "T_c")] if config.scan == "T" and config.h == 0 else []

    def jumps(self, before: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
        return bool(before["magnetisation"] * row["magnetisation"] < 0)

    def size(self, config: CurieWeissConfig) -> int | None:
        return config.simulated_size

    def simulated(self, config: CurieWeissConfig, N: int) -> dict[str, Any]:
        return simulate_ferromagnet(config, config.T, N)


def _size(config: CurieWeissConfig) -> int | None:
    return config.N or config.simulated_size


def _panel(config: CurieWeissConfig, m: float, simulated: Mapping[str, Any] | None) -> Panel:
    """Return m against T: mean field, exact points of some sizes, what was asked for, what was simulated."""
    from bioplaus.theory import curie_weiss

    last = max(1.6, 1.1 * config.T)
    fine, coarse = ([last * (i + 1) / count for i in range(count)] for count in (200, 16))
    series = [Series("mean field", [0.0, *fine], [curie_weiss.magnetisation(T, config.h) for T in (0.0, *fine)], colour=None)]
    N = _size(config)
    for k, size in enumerate((N,) if N else SIZES):
        exact = [curie_weiss.finite_size(size, T, config.h)[0] for T in coarse]
        series.append(Series(f"exact <|m|>, N={size}", coarse, exact, points=True, colour=k + 2))
    series.append(Series("mean field at this T", [config.T], [m], points=True, colour=1))
    if simulated:
        error = None if simulated["abs_m_se"] is None else [simulated["abs_m_se"]]
        series.append(Series("simulated <|m|>", [config.T], [simulated["abs_m"]], error, points=True))
    return Panel("temperature T", "magnetisation m", series, marks=[(1.0, "T_c")] if config.h == 0 else [])


def _text(title: str, values: Mapping[str, Any], simulated: Mapping[str, Any] | None) -> str:
    m, exact = values["magnetisation"], values["finite_size"]
    rows = [("mean-field magnetisation", f"{m:.8f}", "metastable: against the field" if m * values["h"] < 0 else "")]
    rows += [("free energy per spin of the stable state", f"{values['free_energy']:.8f}", "")]
    rows += [("susceptibility dm/dh", f"{values['susceptibility']:.8f}", "")]
    for key, word in (("abs_m", "<|m|>"), ("m_squared", "<m^2>")) if exact else ():
        beside = f"simulated {plus_minus(simulated[key], simulated[f'{key}_se'])}" if simulated else ""
        rows.append((f"{word}, exact for N={values['N']}", f"{exact[key]:.8f}", beside))
    return "\n".join([title, *table(rows), *([measured(simulated)] if simulated else [])])
