"""The default run on the embedded digits: backprop, counter-current learning and the control that trains the output layer only."""

from __future__ import annotations

from dataclasses import replace

from bioplaus.experiments.claims import Claim, Report

__all__ = ["CLAIM"]


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.rows import accuracy_row

    common = {"data": "digits", "seeds": 2 if quick else 5, **({"epochs": 3} if quick else {})}
    bp = accuracy_row("bp", {"rule": "bp", **common}, folder, ">= 96.5", low=96.5)
    ccl = accuracy_row("ccl", {"rule": "ccl", **common}, folder, ">= 95.5 and >= top + 2", low=95.5)
    top = accuracy_row("top", {"rule": "top", **common}, folder, "ccl - 2 or less")
    assert ccl.mean is not None and top.mean is not None
    ccl = replace(ccl, reached=bool(ccl.reached) and ccl.mean >= top.mean + 2, note=f"{ccl.mean - top.mean:.2f} points above top")
    return Report("% test accuracy", (bp, ccl, top))


CLAIM = Claim(
    name="digits_default",
    title="Defaults on digits, 64-256-256-256-10, ELU",
    source="our own bar",
    target="BP >= 96.5 %, CCL >= 95.5 %, CCL >= top + 2 points",
    cost="30 s",
    quick_cost="5 s",
    run=_run,
)
