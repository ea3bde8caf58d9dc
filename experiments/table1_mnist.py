"""Table 1 of the counter-current paper, MNIST column, the peers: 784-256x5-10 with tanh, 100 epochs."""

from __future__ import annotations

from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report

__all__ = ["CLAIM"]

#: rule, published accuracy in %, own settings, grid of rates (published grids where there are any)
ROWS: tuple[tuple[str, float, dict[str, Any], tuple[float, ...]], ...] = (
    ("bp", 98.19, {}, (0.4, 0.2, 0.1, 0.05, 0.02, 0.01)),
    ("fa", 96.96, {}, (0.4, 0.2, 0.1, 0.05, 0.02, 0.01)),
    ("dfa", 97.27, {}, (0.4, 0.2, 0.1, 0.05, 0.02, 0.01)),
    ("drtp", 92.16, {}, (0.3, 0.1, 0.03, 0.01)),
    ("fwdtp", 97.20, {"rule.form": "plain", "rule.beta": 0.1, "rule.feedback_bound": None}, (0.3, 1.0, 3.0)),
)


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.rows import accuracy_row, tuned

    small = {"data.limit": 4000, "epochs": 2, "seeds": 2} if quick else {"epochs": 100, "seeds": 3}
    common = {"data": "mnist", "neuron": "tanh", "probes": [], "threads": 1, **small}
    rows = []
    for rule, target, own, rates in ROWS:
        grid = [{"rule.lr": lr} for lr in (rates[:2] if quick else rates)]
        settings, note = tuned({"rule": rule, **common, **own, "epochs": 2 if quick else 15}, grid, folder)
        settings["epochs"] = small["epochs"]
        rows.append(accuracy_row(rule, settings, folder, f"{target} +- 1", low=target - 1, high=target + 1, note=note))
    rows.append(Measurement("fwdtp, batch form", "which form table 1 used is not said", None, note="not run: 25 min on one core"))
    return Report("% test accuracy", tuple(rows))


CLAIM = Claim(
    name="table1_mnist",
    title="Peers on MNIST, 784-256x5-10, tanh, 100 epochs",
    source="Kao & Hariharan 2024, table 1",
    target="BP 98.19, FA 96.96, DFA 97.27, DRTP 92.16, FW-DTP 97.20, each +- 1",
    cost="55 min on one core",
    quick_cost="30 s",
    run=_run,
)
