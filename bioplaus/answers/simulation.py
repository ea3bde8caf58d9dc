"""Monte Carlo beside a theory: its settings, the simulation of stored or learnt patterns, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bioplaus.answers.base import TheoryConfig
from bioplaus.errors import ConfigError
from bioplaus.fields import ranged

__all__ = ["MonteCarloConfig", "SimulatedConfig", "bars", "measured", "plus_minus", "simulate_ferromagnet", "simulate_patterns"]

#: Numbers in the patterns and examples of one sample; beyond, gigabytes.
_MOST = 200_000_000


@dataclass
class MonteCarloConfig:
    """Settings of a simulation."""

    N: int | None = ranged(None, 1)
    """Neurons of a simulation beside the theory; no simulation if not given (a scan of multitasking takes 4000)."""
    sweeps: int = ranged(150, 1)
    """Sweeps that are averaged."""
    burn_in: int = ranged(100, 0)
    """Sweeps before that."""
    samples: int = ranged(16, 0)
    """Disorder samples; two or more for a standard error, 0 for no simulation."""


@dataclass
class SimulatedConfig(TheoryConfig):
    """Settings of a theory that can be simulated."""

    mc: MonteCarloConfig = field(default_factory=MonteCarloConfig)
    seed: int = ranged(0, 0)
    """Seed of the first disorder sample."""
    threads: int | None = ranged(None, 1)
    """Threads of the simulation; it gives the same numbers with any."""

    @property
    def simulated_size(self) -> int | None:
        """Neurons of the simulation that was asked for, None if none was."""
        return self.mc.N if self.mc.samples else None


def simulate_patterns(config: Any, K: int, d: float, N: int, **choices: Any) -> dict[str, Any]:
    """Return what `bioplaus.theory.monte_carlo.monte_carlo` measures, less the samples' own values.

    Parameters
    ----------
    config
        Settings of a simulation, of examples, and T.
    K, d, N
        Patterns, dilution, neurons.
    choices
        Of the simulation: start, normalise.

    Raises
    ------
    ConfigError
        Too few neurons for the patterns, or more numbers than a computer holds.
    """
    from bioplaus.theory.monte_carlo import monte_carlo

    if N < 2 * K:
        raise ConfigError(f"mc.N={N} is too small for K={K} patterns; it must be at least {2 * K}")
    if N * (1 - d) < 1:
        raise ConfigError(f"mc.N={N} is too small for d={d:g}: a pattern would be all blank; it must be at least {1 / (1 - d):.4g}")
    rows = K * (1 + (config.M if config.learning == "unsupervised" else 1))
    if rows * N > _MOST:
        raise ConfigError(f"mc.N={N} needs {rows:,} patterns and examples of {N:,} entries; it must be at most {_MOST // rows}")
    found = monte_carlo(
        K, d, config.T, N, M=config.M, r=config.r, learning=config.learning, **choices, sweeps=config.mc.sweeps,
        burn_in=config.mc.burn_in, samples=config.mc.samples, seed=config.seed, threads=config.threads,
    )  # fmt: skip
    return {"N": N, **{key: value for key, value in asdict(found).items() if not key.startswith("values_")}}


def simulate_ferromagnet(config: SimulatedConfig, T: float, N: int) -> dict[str, Any]:
    """Return ``<|m|>`` and ``<m^2>`` over sweeps and chains of N spins that all see each other, with standard errors over the chains.

    One stored pattern without blanks is the ferromagnet, up to the signs of its entries. Chains start with m = 1.

    Raises
    ------
    ConfigError
        More numbers than a computer holds.
    """
    import numpy as np

    from bioplaus.dynamics.relax import relax

    mc = config.mc
    if mc.samples * N > _MOST:
        raise ConfigError(f"mc.N={N} is too large for mc.samples={mc.samples}; it must be at most {_MOST // mc.samples}")
    chains, temperatures = np.ones((mc.samples, N), np.int8), np.full(mc.burn_in + mc.sweeps, T)
    run = relax(chains[:, None], chains, temperatures, range(config.seed, config.seed + mc.samples), threads=config.threads)
    found: dict[str, Any] = {"N": N}
    for key, power in (("abs_m", 1), ("m_squared", 2)):
        means = (np.abs(run.overlaps[:, mc.burn_in :, 0]) ** power).mean(1)
        found[key] = float(means.mean())
        found[f"{key}_se"] = float(means.std(ddof=1) / len(means) ** 0.5) if len(means) > 1 else None
    sizes = {"sweeps": mc.sweeps, "burn_in": mc.burn_in, "samples": mc.samples}
    return {**found, **sizes, "picks": run.picks, "seconds": run.seconds, "form": run.form}


def plus_minus(value: float, error: float | None) -> str:
    """Return a mean and its standard error, where there is one."""
    return f"{value:.4f}" + ("" if error is None else f" +- {error:.4f}")


def measured(found: Mapping[str, Any]) -> str:
    """Return in a line what was simulated, and how fast."""
    rate = found["picks"] / max(found["seconds"], 1e-9)
    size = f"{found['samples']} samples of N={found['N']}, {found['burn_in']} + {found['sweeps']} sweeps"
    return f"  simulation: {size}, {found['seconds']:.2f} s, {rate:.2g} updates per second"


def bars(mc: MonteCarloConfig, N: int | None) -> str:
    """Return what a figure says of its simulated points."""
    error = "bars: one standard error over the samples" if mc.samples > 1 else "no error bars"
    return f"{mc.samples} sample{'s' * (mc.samples > 1)} of N={N}, {mc.burn_in} + {mc.sweeps} sweeps; {error}"
