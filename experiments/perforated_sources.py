"""Whether what dendrites bring survives other sources of the error: six rules, digits, 64-4-10, each against its own continued training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["CLAIM", "SOURCES"]

#: source -> how the error reaches a hidden neuron
SOURCES = {
    "bp": "the transposed weights",
    "fa": "fixed random weights",
    "dfa": "fixed random weights from the output",
    "usf": "signs of the weights",
    "ccl": "a feedback network of its own weights, which learn",
    "bidirectional": "the transposed weights, and a generator over the same synapses",
}
RATES = (0.005, 0.01, 0.02, 0.05, 0.1)
SETTINGS: dict[str, Any] = {"rule": "perforated", "data": "digits", "seeds": 10, "rule.controls": False, "probes": []}
_QUICK: dict[str, Any] = {"seeds": 2, "rule.n_epochs_max": 40, "rule.p_epochs": 10}
EPOCHS, QUICK_EPOCHS = 2640, 200

Runs = Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.perforated_arms import cycle_rows, difference_row, of_cycle
    from bioplaus.experiments.rows import measure, tuned_together

    rows: list[Measurement] = []
    runs: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    epochs = QUICK_EPOCHS if quick else EPOCHS
    for source, way in SOURCES.items():
        plain = {**SETTINGS, **(_QUICK if quick else {}), "rule.error_source": source, "rule.mode": "continued", "epochs": epochs}
        settings, note = tuned_together(plain, RATES[1:3] if quick else RATES, folder, epochs=epochs)
        continued = measure(settings, folder)
        settings = {**settings, "rule.mode": "pb"}
        own = measure(settings, folder)
        runs[source] = own, continued
        base = cycle_rows(own, settings)
        found = difference_row("", own["test_accuracy"]["values"], continued["test_accuracy"]["values"], settings)
        final = "no value" if found.mean is None or found.ci95 is None else f"{found.mean:+.2f} [{found.ci95[0]:.2f}, {found.ci95[1]:.2f}]"
        rows.append(_named(base[0], f"{source} ({way}), K = 0: test accuracy, %", note))
        rows.append(_named(base[min(2, len(base) - 1)], f"{source}, K = 2: test accuracy, %", base[min(2, len(base) - 1)].note))
        name = f"{source}: K = 2 less its continued training, points"
        at2 = of_cycle(own, 2), of_cycle(continued, 2)
        rows.append(difference_row(name, *at2, settings, "above 0", least=0.0, note=f"at the epochs that validation selects {final}"))
    remarks = (
        "The rate of each source is that of the highest validation accuracy of the network without dendrites, which favours continued training; "
        "rates of candidates and all other settings are those of the recipe for bp. Test scores choose nothing; differences are paired by seed.",
        "With one hidden layer dfa is fa with other draws of the feedback weights. "
        "fa, dfa and ccl carry nothing of a forward weight to another synapse, usf its sign; bp and bidirectional carry the weight.",
    )
    return Report("see the row", tuple(rows), _picture(runs), remarks)


def _named(row: Measurement, name: str, note: str) -> Measurement:
    from dataclasses import replace

    return replace(row, name=name, note=note)


def _picture(runs: Runs) -> Curves:
    from bioplaus.experiments.perforated_arms import of_cycle
    from bioplaus.stats import summarise

    def line(source: str, which: int, colour: int) -> Series:
        summary = runs[source][which]
        k = list(range(len(summary["cycles"])))
        stats = [summarise(of_cycle(summary, one)) for one in k]
        errors = [100 * (one["std"] or 0) / len(one["values"]) ** 0.5 for one in stats]
        label = source if which == 0 else ""
        means = [float("nan") if one["mean"] is None else 100 * one["mean"] for one in stats]
        return Series(label, k, means, errors, colour=colour, dashed=which == 1)

    lines = [line(source, which, i) for i, source in enumerate(runs) for which in (0, 1)]
    panel = Panel("finished cycles (dendrites per neuron)", "test accuracy, %", lines, whole_x=True, legend="below")
    n = len(next(iter(runs.values()))[0]["seeds"])
    note = f"{n} seeds, bands of one standard error. Dashed: the same source and phases without dendrites."
    return Curves("", "Dendrites on errors from other rules: digits, 64-4-10", [panel], note)


CLAIM = Claim(
    name="perforated_sources",
    title="Perforated dendrites on errors from six rules, digits, 64-4-10, each at a tuned rate",
    source="our own question: does the gain need weight transport",
    target="a gain over the same source's continued training whose interval lies above 0",
    cost="5 min on one core",
    quick_cost="40 s",
    run=_run,
)
