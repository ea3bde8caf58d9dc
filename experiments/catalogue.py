"""All claims by name: list them, reproduce one, write its table. ``python -m bioplaus.experiments.catalogue`` renews README.md."""

from __future__ import annotations

import importlib
import json
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bioplaus.errors import ConfigError
from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.registry import nearest

__all__ = ["claim", "listing", "readme", "reproduce", "table"]

MODULES = {
    "digits_default": "bioplaus.experiments.digits_default",
    "small_benchmark": "bioplaus.experiments.small_benchmark",
    "ccl_flops": "bioplaus.experiments.ccl_flops",
    "ccl_mnist": "bioplaus.experiments.ccl_mnist",
    "ccl_cifar": "bioplaus.experiments.ccl_cifar",
    "ccl_rates": "bioplaus.experiments.ccl_rates",
    "ccl_dynamics": "bioplaus.experiments.ccl_dynamics",
    "ccl_cnn": "bioplaus.experiments.ccl_cnn",
    "ccl_autoencoder": "bioplaus.experiments.ccl_autoencoder",
    "ccl_ablations": "bioplaus.experiments.ccl_ablations",
    "table1_mnist": "bioplaus.experiments.table1_mnist",
    "fair_mnist": "bioplaus.experiments.fair_mnist",
    "targets_mnist": "bioplaus.experiments.targets_mnist",
    "settling_mnist": "bioplaus.experiments.settling_mnist",
    "microcircuit_digits": "bioplaus.experiments.microcircuit_digits",
    "active_dendrites_digits": "bioplaus.experiments.active_dendrites_digits",
    "lenet_mnist": "bioplaus.experiments.lenet_mnist",
    "spiking_mnist": "bioplaus.experiments.spiking_mnist",
    "spiking_mnist_whole": "bioplaus.experiments.spiking_mnist_whole",
    "spiking_convolution": "bioplaus.experiments.spiking_convolution",
    "spiking_latency": "bioplaus.experiments.spiking_latency",
    "spiking_online": "bioplaus.experiments.spiking_online",
    "firing_rates": "bioplaus.experiments.firing_rates",
    "stdp_song": "bioplaus.experiments.stdp_song",
    "conversion_mnist": "bioplaus.experiments.conversion_mnist",
    "diehl_cook_mnist": "bioplaus.experiments.diehl_cook_mnist",
    "spikeprop_xor": "bioplaus.experiments.spikeprop_xor",
    "cascor_spirals": "bioplaus.experiments.cascor_spirals",
    "dann_digits": "bioplaus.experiments.dann_digits",
    "memristor_neurosim": "bioplaus.experiments.memristor_neurosim",
    "memristor_pcm": "bioplaus.experiments.memristor_pcm",
    "memristor_rules": "bioplaus.experiments.memristor_rules",
    "memristor_spread": "bioplaus.experiments.memristor_spread",
    "memristor_unidirectional": "bioplaus.experiments.memristor_unidirectional",
    "bidirectional_mnist": "bioplaus.experiments.bidirectional_mnist",
    "bidirectional_robustness": "bioplaus.experiments.bidirectional_robustness",
    "bidirectional_permutation": "bioplaus.experiments.bidirectional_permutation",
    "continual_digits": "bioplaus.experiments.continual_digits",
    "continual_mnist": "bioplaus.experiments.continual_mnist",
    "continual_perceptron": "bioplaus.experiments.continual_perceptron",
    "continual_two_teachers": "bioplaus.experiments.continual_two_teachers",
    "continual_convergence": "bioplaus.experiments.continual_convergence",
    "perforated_digits": "bioplaus.experiments.perforated_digits",
    "perforated_xor": "bioplaus.experiments.perforated_xor",
    "perforated_sources": "bioplaus.experiments.perforated_sources",
    "perforated_mnist": "bioplaus.experiments.perforated_mnist",
    "perforated_spirals": "bioplaus.experiments.perforated_spirals",
    "multitasking_hierarchy": "bioplaus.experiments.multitasking_hierarchy",
    "multitasking_phases": "bioplaus.experiments.multitasking_phases",
    "multitasking_learning": "bioplaus.experiments.multitasking_learning",
    "multitasking_loss": "bioplaus.experiments.multitasking_loss",
    "hopfield_learning": "bioplaus.experiments.hopfield_learning",
    "hopfield_capacity": "bioplaus.experiments.hopfield_capacity",
    "compare_alignment": "bioplaus.experiments.compare_alignment",
    "compare_targets": "bioplaus.experiments.compare_targets",
    "compare_counter_current": "bioplaus.experiments.compare_counter_current",
    "compare_energy": "bioplaus.experiments.compare_energy",
    "compare_hebbian": "bioplaus.experiments.compare_hebbian",
    "compare_spiking": "bioplaus.experiments.compare_spiking",
    "compare_dendrites": "bioplaus.experiments.compare_dendrites",
    "compare_two_way": "bioplaus.experiments.compare_two_way",
    "compare_memristor": "bioplaus.experiments.compare_memristor",
    "compare_mnist": "bioplaus.experiments.compare_mnist",
}


def claim(name: str) -> Claim:
    """Return a claim by name.

    Raises
    ------
    ConfigError
        If there is none, with the nearest name.
    """
    if name not in MODULES:
        raise ConfigError(f"unknown claim '{name}'{nearest(name, list(MODULES))} Known: {', '.join(MODULES)}")
    found: Claim = importlib.import_module(MODULES[name]).CLAIM
    return found


def listing() -> str:
    """Return one line per claim."""
    lines = []
    for name in MODULES:
        c = claim(name)
        lines.append(f"{name:<22} {c.title} [{c.cost}; quick=true: {c.quick_cost}]\n{'':<22} target: {c.target} ({c.source})")
    return "\n".join(lines)


def reproduce(name: str, options: Mapping[str, Any]) -> str:
    """Run a claim and return its table; its figure, if it has one, is drawn beside the table.

    Options: ``quick`` (false), ``out`` (folder for the table, the figure and the runs behind them, "results").

    Raises
    ------
    ConfigError
        On another option, or a claim that does not exist.
    """
    unknown = set(options) - {"quick", "out"}
    if unknown:
        raise ConfigError(f"reproduce takes quick=true|false and out=DIR, not {', '.join(sorted(unknown))}")
    c = claim(name)
    quick, out = options.get("quick", False), Path(str(options.get("out", "results")))
    if not isinstance(quick, bool):
        raise ConfigError(f"quick={quick} must be true or false")
    from bioplaus.checkpoint import write_text
    from bioplaus.store import versions

    began = time.perf_counter()
    report = c.run(quick, str(out / "runs" / name))
    text = table(c, report, quick=quick)
    record = {
        "claim": name,
        "quick": quick,
        "command": f"bioplaus reproduce {name}" + (" quick=true" if quick else ""),
        "versions": versions("torch", "numpy", "scipy", "numba"),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
        "seconds": round(time.perf_counter() - began, 1),
        "unit": report.unit,
        "digits": report.digits,
        "rows": [asdict(row) for row in report.rows],
        "remarks": report.remarks,
        **({"records": report.records} if report.records else {}),
    }
    out.mkdir(parents=True, exist_ok=True)
    stem = f"{name}-quick" if quick else name
    figure = _figure(report, stem, out)
    write_text(out / f"{stem}.json", json.dumps(record, indent=2, allow_nan=False) + "\n")
    write_text(out / f"{stem}.md", f"# {c.title}\n\n{_provenance(record)}\n\n{figure}{text}\n")
    return f"{text}\n\nwritten: {out / stem}.json, .md{' and .png' if figure else ''}"


def _figure(report: Report, stem: str, out: Path) -> str:
    """Draw the figure of a report, if it has one, and return the line of Markdown that shows it."""
    if report.picture is None:
        return ""
    from bioplaus.plots import draw_picture

    draw_picture(replace(report.picture, name=f"{stem}.png"), out)
    return f"![{report.picture.title}]({stem}.png)\n\n"


def _provenance(record: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{k} {v}" for k, v in record["versions"].items())
    return f"`{record['command']}` on {record['date']}; {versions}, Python {record['python']}."


def _measured(row: Measurement, digits: int) -> str:
    if row.mean is None:
        return row.note if row.note.startswith("not run") else "no value"
    text = f"{row.mean:.9g}" if row.n is None else f"{row.mean:.{digits}f}"
    return text + (f" [{row.ci95[0]:.{digits}f}, {row.ci95[1]:.{digits}f}]" if row.ci95 else "")


def table(c: Claim, report: Report, *, quick: bool = False) -> str:
    """Return the rows as a Markdown table: target beside result; a quick run is not held against the target."""
    verdict = dict.fromkeys((True, False, None), "quick run") if quick else {True: "reached", False: "**not reached**", None: ""}
    lines = [
        f"target: {c.target} ({c.source})",
        "",
        f"| row | {report.unit}: mean [95 % interval] | seeds | target | |",
        "|---|---|---|---|---|",
    ]
    for row in report.rows:
        seeds = "" if row.n is None else str(row.n)
        lines.append(f"| {row.name} | {_measured(row, report.digits)} | {seeds} | {row.target} | {verdict[row.reached]} |")
    notes = [*(f"- {remark}" for remark in report.remarks), *(f"- {row.name}: {row.note}" for row in report.rows if row.note)]
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def readme() -> str:
    """Return experiments/README.md: claim -> command -> table -> target."""
    lines = [
        "# Claims and the commands that reproduce them",
        "",
        "Generated by `python -m bioplaus.experiments.catalogue`; a test keeps it current.",
        "",
        "| claim | command | cost | table | target | source |",
        "|---|---|---|---|---|---|",
    ]
    for name in MODULES:
        c = claim(name)
        kept = Path(__file__).parent / "results"
        where = f"[results/{name}.md](results/{name}.md)" if (kept / f"{name}.md").is_file() else "not run"
        where += f", [figure](results/{name}.png)" if (kept / f"{name}.png").is_file() else ""
        lines.append(f"| {c.title} | `bioplaus reproduce {name}` | {c.cost} | {where} | {c.target} | {c.source} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (Path(__file__).parent / "README.md").write_text(readme(), encoding="utf-8")
