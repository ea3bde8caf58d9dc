"""``bioplaus theory hopfield``: retrieval at load alpha = K/N, where it ends, and Monte Carlo beside it where ``mc.N`` says how large."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bioplaus.answers.base import Answer, ExamplesConfig, Line, Theory, check_examples, finite
from bioplaus.answers.retrieval import POINTS, line_picture, phase
from bioplaus.answers.simulation import SimulatedConfig, bars, measured, plus_minus, simulate_patterns
from bioplaus.answers.text import table
from bioplaus.errors import ConfigError
from bioplaus.fields import ranged
from bioplaus.pictures import Series
from bioplaus.progress import Silent

__all__ = ["Hopfield", "HopfieldConfig"]


#: Symbol and meaning of what is printed.
WORDS = {
    "m": ("m", "overlap with the pattern"),
    "x": ("x", "overlap with what was learnt"),
    "q": ("q", "Edwards-Anderson parameter"),
    "R": ("R", "noise variance over alpha"),
    "V": ("V", "noise variance"),
    "C": ("C", "beta (1 - q)"),
    "free_energy": ("f", "free energy per neuron"),
    "capacity": ("alpha_c", "capacity at this T"),
    "retrieval_temperature": ("T_M", "highest T with retrieval at this alpha; 0: none"),
    "spin_glass_temperature": ("T_g", "highest T with a spin glass at this alpha"),
    "ground_state_crossing": ("crossing", "alpha below which the patterns are ground states"),
}


@dataclass
class HopfieldConfig(ExamplesConfig, SimulatedConfig):
    """Settings of the Hopfield network at high load."""

    alpha: float = ranged(0.1, 0)
    """Load K/N; 0 stands for a finite number of patterns."""
    T: float = ranged(0.0, 0)
    """Temperature."""


class Hopfield(Theory):
    """Patterns in number proportional to N, stored or learnt from examples: retrieval, capacity, spin glass."""

    name = "hopfield"
    Config = HopfieldConfig
    scannable = {"alpha": "load alpha = K/N", "T": "temperature T"}  # noqa: RUF012
    columns = ("m", "x", "q", "R", "C", "V", "free_energy", "phase")

    def check(self, config: HopfieldConfig) -> None:
        check_examples(config)
        highest = config.alpha if config.scan != "alpha" else config.to or 0.0
        if config.simulated_size and highest > 0.5:
            raise ConfigError(f"alpha={highest:g} is too large for a simulation, which takes alpha <= 0.5; leave mc.N out")

    def title(self, config: HopfieldConfig, *skip: str) -> str:
        names = ["alpha", "T"] + ["M", "r"] * (config.learning != "storing")
        return f"Hopfield network: {', '.join(f'{one}={getattr(config, one):g}' for one in names if one not in skip)}, {config.learning}"

    def point(self, config: HopfieldConfig, progress: Silent) -> Answer:
        from bioplaus.theory import hopfield

        found, lines, simulated = self.solved(config), _lines(config), None
        line = hopfield.retrieval_line(config.T, **_learning(config), points=POINTS)
        if config.simulated_size:
            progress.start(1, 0, f"{config.mc.samples} samples of N={config.mc.N}")
            simulated = self.simulated(config, config.simulated_size)
        asked = {key: getattr(config, key) for key in ("alpha", "T", "learning", "law", "M", "r")}
        title = self.title(config)
        beside = []
        if simulated:
            beside = [Series("simulation", [config.alpha], [simulated["m"]], _bar(simulated["m_se"]), points=True)]
        note = f"Simulation: {bars(config.mc, config.mc.N)}." if simulated else ""
        load = ("load alpha = K/N", "alpha_c", config.alpha)
        picture = line_picture("hopfield", title, load, line, found["m"], beside, note)
        values = {**asked, **found, **lines, "monte_carlo": simulated}
        return Answer(finite(values), _text(title, values, simulated), [picture])

    def limits(self, config: HopfieldConfig) -> tuple[float, float]:
        if config.scan == "T":
            return 0.0, 1.2
        from bioplaus.theory import hopfield

        return 0.0, 1.15 * hopfield.capacity(config.T, **_learning(config)) or 0.2

    def solved(self, config: HopfieldConfig) -> dict[str, Any]:
        from bioplaus.theory import hopfield

        if config.learning == "storing":
            found = asdict(hopfield.solve(config.alpha, config.T))
            found |= {"x": found["m"], "V": config.alpha * found["R"] if config.alpha else 0.0, "rho": 0.0}
        else:
            found = asdict(hopfield.high_load(config.alpha, config.T, **_learning(config)))
            found |= {"R": None, "free_energy": None}
        found["phase"] = phase(found["m"], found["q"])
        keys = self.columns if config.scan else (*self.columns, "rho", "residual")
        return {key: found[key] for key in keys}

    def lines(self, config: HopfieldConfig) -> list[Line]:
        return [Line("m", "m", measured="m")] + [Line("x", "x", measured="x")] * (config.learning != "storing")

    def marks(self, config: HopfieldConfig) -> list[tuple[float, str]]:
        found = _lines(config)
        names = {"alpha": ("capacity", "ground_state_crossing"), "T": ("retrieval_temperature", "spin_glass_temperature")}[str(config.scan)]
        short = {"capacity": "alpha_c", "ground_state_crossing": "crossing", "retrieval_temperature": "T_M", "spin_glass_temperature": "T_g"}
        return [(found[key], short[key]) for key in names if found[key]]

    def size(self, config: HopfieldConfig) -> int | None:
        return config.simulated_size

    def simulated(self, config: HopfieldConfig, N: int) -> dict[str, Any]:
        """Return overlaps of pattern 1, from which the chains start; x is measured as ``n sqrt(1 + rho)``."""
        K = max(1, round(config.alpha * N))
        found = simulate_patterns(config, K, 0.0, N, start="pure")
        scale = 1.0
        if config.learning != "storing":
            scale = math.sqrt(1 + (1 - config.r**2) / (int(config.M or 1) * config.r**2))
        m_se, n_se, n = found.pop("m_se"), found.pop("n_se"), found.pop("n")
        overlaps = {"m": found.pop("m")[0], "m_se": m_se and m_se[0], "x": scale * n[0], "x_se": n_se and scale * n_se[0]}
        return {"N": found.pop("N"), "K": K, **overlaps, **found}


def _learning(config: HopfieldConfig) -> dict[str, Any]:
    return {key: getattr(config, key) for key in ("learning", "M", "r", "law")}


def _lines(config: HopfieldConfig) -> dict[str, Any]:
    """Return where retrieval ends and what competes with it, None for what is known of storing alone or of T = 0 alone."""
    from bioplaus.theory import hopfield

    storing = config.learning == "storing"
    glass = asdict(hopfield.spin_glass(config.alpha, config.T)) if storing else None
    return {
        "capacity": hopfield.capacity(config.T, **_learning(config)),
        "retrieval_temperature": hopfield.retrieval_temperature(config.alpha) if storing else None,
        "spin_glass_temperature": hopfield.spin_glass_temperature(config.alpha) if storing else None,
        "ground_state_crossing": hopfield.ground_state_crossing() if storing and config.T == 0 else None,
        "spin_glass": glass and {key: glass[key] for key in ("q", "R", "C", "free_energy")},
    }


def _bar(error: float | None) -> list[float] | None:
    return None if error is None else [error]


def _text(title: str, values: Mapping[str, Any], simulated: Mapping[str, Any] | None) -> str:
    state, glass = values["phase"], values["spin_glass"]
    if state == "retrieval" and glass:
        lowest = values["free_energy"] <= glass["free_energy"]
        state += ", of lower free energy than the spin glass" if lowest else ", metastable: the spin glass has the lower free energy"
    rows = []
    for key, (symbol, text) in WORDS.items():
        if values[key] is None or (key == "x" and values["learning"] == "storing"):
            continue
        beside = f"simulated {plus_minus(simulated[key], simulated[f'{key}_se'])}" if simulated and key in ("m", "x") else ""
        rows.append((symbol, text, f"{values[key]:.8f}", beside))
    lines = [title, f"  {state}", *table(rows), f"  residual {values['residual']:.1e}"]
    if simulated:
        lines.append(f"{measured(simulated)}, K={simulated['K']}")
    return "\n".join(lines)
