"""What spread between devices costs, what the ON/OFF ratio costs without a reference column, and how far weights should reach."""

from __future__ import annotations

from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["CLAIM"]

SPREADS = (0.0, 0.5, 1.0)
RATIOS = (2.0, 5.0, 10.0, 50.0)
HEADROOMS = (3.0, 6.0, 12.0)
#: device -> rates of NeuroSim's hidden and output layer: the protocol's, or those that validation picks for it (see memristor_neurosim)
NEUROSIM = {"epiram": (0.4, 0.2), "ag_asi": (0.2, 0.2)}
DEVICES = ("epiram", "ag_asi", "ecram")
LAST = 5
_ONLINE: dict[str, Any] = {"rule": "memristor", "network": "neurosim", "data": "mnist", "epochs": 60, "seeds": 3}
_ONLINE |= {"data.validation": 0, "test_every": 1, "threads": 1}
_MLP: dict[str, Any] = {"rule": "bp", "data": "mnist", "network.hidden": [100], "batch_size": 128, "epochs": 3, "seeds": 3, "probes": []}
_DIGITS: dict[str, Any] = {"rule": "bp", "data": "digits", "network.hidden": [128], "epochs": 12, "seeds": 5, "probes": []}


def _run(quick: bool, folder: str) -> Report:
    spread, lines = _spreads(quick, folder)
    ratios, offsets = _ratios(quick, folder)
    scales, kept = _headrooms(quick, folder)
    panels = [
        Panel("spread of the nonlinearity label between devices", "test accuracy, %", lines, title="NeuroSim's perceptron"),
        Panel("ON/OFF ratio", "test accuracy, %", offsets, title="784-100-10, EpiRAM against one column", log_x=True),
    ]
    picture = Curves("", "Devices that differ, and devices that cannot be shut", panels, "Mean over seeds, bands of one standard error.")
    remarks = (
        "NeuroSim rows: per seed the mean of the last looks at the test set; nothing is chosen on it.",
        "without the reference column 2 scale Gmin/(Gmax - Gmin) stays in every weight; a bias may learn against it, and most do not have to.",
        kept,
    )
    return Report("% accuracy", (*spread, *ratios, *scales), picture=picture, remarks=remarks)


def _spreads(quick: bool, folder: str) -> tuple[list[Measurement], list[Series]]:
    """M3: labels of every device drawn about the mean."""
    from bioplaus.experiments.rows import after_epochs, last_row, measure, standard_error

    rows, lines = [], []
    for colour, (name, rates) in enumerate(NEUROSIM.items()):
        means, errors = [], []
        for sigma in SPREADS[:: 2 if quick else 1]:
            settings = {**_ONLINE, "network.device": name, "network.nl_spread": sigma, "network.rate_hidden": rates[0]}
            settings |= {"network.rate_output": rates[1], **({"epochs": 2, "seeds": 2, "data.draws": 500, "data.limit": 2000} if quick else {})}
            seconds = measure(settings, folder)["seconds"]["total"]
            row = last_row(f"{name}, spread {sigma:g}", settings, after_epochs(settings, folder), LAST, seconds)
            rows.append(row)
            means.append(row.mean or 0.0)
            errors.append(standard_error(row))
        lines.append(Series(name, list(SPREADS[:: 2 if quick else 1]), means, errors, colour=colour))
    return rows, lines


def _ratios(quick: bool, folder: str) -> tuple[list[Measurement], list[Series]]:
    """M4: one device per weight, with and without a reference column."""
    from bioplaus.experiments.on_devices import device, measurement
    from bioplaus.experiments.rows import measure, standard_error

    rows, lines = [], []
    for colour, reference in enumerate((True, False)):
        means, errors = [], []
        for ratio in RATIOS[:: 3 if quick else 1]:
            settings = {**_MLP, **device("epiram", cell="single", reference=reference, on_off=ratio)}
            settings |= {"data.limit": 2000, "epochs": 1, "seeds": 2} if quick else {}
            row = measurement(f"ON/OFF {ratio:g}, {'with' if reference else 'no'} reference", settings, measure(settings, folder))
            rows.append(row)
            means.append(row.mean or 0.0)
            errors.append(standard_error(row))
        lines.append(Series(f"{'with' if reference else 'no'} reference", list(RATIOS[:: 3 if quick else 1]), means, errors, colour=colour))
    return rows, lines


def _headrooms(quick: bool, folder: str) -> tuple[list[Measurement], str]:
    """Validation accuracy over how far beyond its start a weight may grow: what the default of plasticity.headroom rests on."""
    from bioplaus.experiments.on_devices import device, measurement
    from bioplaus.experiments.rows import measure

    rows, best = [], []
    for name in DEVICES[: 1 if quick else None]:
        found = {}
        for headroom in HEADROOMS[:: 2 if quick else 1]:
            settings = {**_DIGITS, **device(name, headroom=headroom), **({"epochs": 1, "seeds": 2} if quick else {})}
            row = measurement(f"{name}, headroom {headroom:g} (validation)", settings, measure(settings, folder), part="validation")
            rows.append(row)
            found[headroom] = row.mean or 0.0
        best.append(f"{name} {max(found, key=found.__getitem__):g}")
    return rows, "headroom of highest validation accuracy on digits (default 6): " + ", ".join(best)


CLAIM = Claim(
    name="memristor_spread",
    title="Spread between memristive devices, ON/OFF ratio with and without a reference column, headroom",
    source="our own bar: no figure is published for it",
    target="a table with intervals; nothing to reach",
    cost="15 min on one core",
    quick_cost="10 s",
    run=_run,
)
