"""``bioplaus theory dense``: networks whose neurons interact in groups of P, at load gamma = K/N^(P-1)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bioplaus.answers.base import Answer, ExamplesConfig, Line, Theory, check_examples, finite
from bioplaus.answers.retrieval import POINTS, line_picture, phase
from bioplaus.answers.text import table
from bioplaus.errors import ConfigError
from bioplaus.fields import ranged
from bioplaus.progress import Silent

__all__ = ["Dense", "DenseConfig"]


@dataclass
class DenseConfig(ExamplesConfig):
    """Settings of the dense network."""

    P: int = ranged(4, 2, 30)
    """Order of the interaction, from 3; pairs are the theory hopfield."""
    gamma: float = ranged(0.02, 0)
    """Load K/N^(P-1); 0 stands for a smaller power of N."""
    T: float = ranged(0.0, 0)
    """Temperature."""


class Dense(Theory):
    """Interactions of P neurons at a time, patterns stored or learnt from examples: retrieval and capacity."""

    name = "dense"
    Config = DenseConfig
    scannable = {"gamma": "load gamma = K/N^(P-1)", "T": "temperature T"}  # noqa: RUF012
    columns = ("m", "x", "q", "phase")
    upright = "overlap m, and q"

    def check(self, config: DenseConfig) -> None:
        if config.P == 2:
            raise ConfigError("P=2 must be at least 3; for pairs ask bioplaus theory hopfield")
        check_examples(config)

    def title(self, config: DenseConfig, *skip: str) -> str:
        names = ["P", "gamma", "T"] + ["M", "r"] * (config.learning != "storing")
        return f"Dense network: {', '.join(f'{one}={getattr(config, one):g}' for one in names if one not in skip)}, {config.learning}"

    def point(self, config: DenseConfig, progress: Silent) -> Answer:
        from bioplaus.theory import dense

        found, learnt = self.solved(config), _learning(config)
        asked = {key: getattr(config, key) for key in ("P", "gamma", "T", "learning", "law", "M", "r")}
        values = {**asked, **found, "capacity": dense.capacity(config.P, config.T, **learnt)}
        rows = [("m", "overlap with the pattern", f"{found['m']:.8f}")]
        rows += [("x", "overlap with what was learnt", f"{found['x']:.8f}")] * (config.learning != "storing")
        rows += [("q", "Edwards-Anderson parameter", f"{found['q']:.8f}"), ("gamma_c", "capacity at this T", f"{values['capacity']:.8f}")]
        title = self.title(config)
        text = "\n".join([title, f"  {found['phase']}", *table(rows), f"  residual {found['residual']:.1e}"])
        line = dense.retrieval_line(config.P, config.T, **learnt, points=POINTS)
        load = ("load gamma = K/N^(P-1)", "gamma_c", config.gamma)
        return Answer(finite(values), text, [line_picture("dense", title, load, line, found["m"], (), "")])

    def limits(self, config: DenseConfig) -> tuple[float, float]:
        if config.scan == "T":
            return 0.0, 1.0
        from bioplaus.theory import dense

        return 0.0, 1.15 * dense.capacity(config.P, config.T, **_learning(config)) or 0.1

    def solved(self, config: DenseConfig) -> dict[str, Any]:
        from bioplaus.theory import dense

        found = asdict(dense.solve(config.P, config.gamma, config.T, **_learning(config)))
        found["phase"] = phase(found["m"], found["q"])
        return {key: found[key] for key in (self.columns if config.scan else (*self.columns, "residual"))}

    def lines(self, config: DenseConfig) -> list[Line]:
        return [Line("m", "m")] + [Line("x", "x")] * (config.learning != "storing") + [Line("q", "q")]

    def marks(self, config: DenseConfig) -> list[tuple[float, str]]:
        from bioplaus.theory import dense

        highest = dense.capacity(config.P, config.T, **_learning(config)) if config.scan == "gamma" else 0.0
        return [(highest, "gamma_c")] if highest > 0 else []


def _learning(config: DenseConfig) -> dict[str, Any]:
    return {key: getattr(config, key) for key in ("learning", "M", "r", "law")}
