"""The default run on the embedded digits: backprop, counter-current learning and the control that trains the output layer only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report

__all__ = ["CLAIM"]


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.rows import accuracy_row, tuned

    common: dict[str, Any] = {"data": "digits", "seeds": 2 if quick else 5, "probes": [], **({"epochs": 3} if quick else {})}
    bp = accuracy_row("bp", {"rule": "bp", **common}, folder, ">= 96.5", low=96.5)
    ccl = accuracy_row("ccl", {"rule": "ccl", **common}, folder, ">= 95.5", low=95.5)
    top = accuracy_row("top, rate 0.2 (that of the synthetic benchmark)", {"rule": "top", "rule.lr": 0.2, **common}, folder, "<= ccl - 2")
    grid = [{"rule.lr": lr} for lr in (0.2, 1.0, 4.0, 16.0, 32.0)]
    settings, note = tuned({"rule": "top", **common}, grid[:2] if quick else grid, folder)
    best = accuracy_row("top, own tuned rate", settings, folder, "<= ccl - 2", note=note)
    local = accuracy_row("readout (local readouts, no chain)", {"rule": "readout", **common}, folder, "")
    gap = f"ccl is {ccl.mean - local.mean:+.2f} points from it" if ccl.mean is not None and local.mean is not None else ""
    return Report("% test accuracy", (bp, ccl, *(_below(row, ccl) for row in (top, best)), replace(local, note=gap)))


def _below(top: Measurement, ccl: Measurement) -> Measurement:
    assert ccl.mean is not None and top.mean is not None
    gap = ccl.mean - top.mean
    return replace(top, reached=gap >= 2, note="; ".join(filter(None, [f"ccl is {gap:+.2f} points from it", top.note])))


CLAIM = Claim(
    name="digits_default",
    title="Defaults on digits, 64-256-256-256-10, ELU",
    source="our own bar",
    target="BP >= 96.5 %, CCL >= 95.5 %, CCL >= top + 2 points",
    cost="1 min",
    quick_cost="10 s",
    run=_run,
)
