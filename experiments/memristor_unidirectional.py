"""Sign pulses on differential pairs, 784-100-10 on MNIST: nonlinearity x levels x update, and what a prompt refresh is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["CLAIM"]

LABELS, LEVELS = (0.0, 1.0, 2.0, 4.0), (32, 64, 256)
#: scheme -> its settings: (refresh_hi, refresh_every) of unidirectional pairs
SCHEMES: dict[str, tuple[float, int] | None] = {
    "bi": None,
    "uni, refresh above 0.9 every 500": (0.9, 500),
    "uni, refresh above 0.5 every 100": (0.5, 100),
    "uni, refresh above 0.3 every 50": (0.3, 50),
}
#: (P, NL) -> % of a program of our own that came before this one, one run each, scheme by scheme
ROUGH: dict[tuple[int, float], tuple[float | None, ...]] = {
    (64, 0.0): (93.6, 93.2, None, None),
    (64, 1.0): (84.0, 87.9, None, None),
    (64, 2.0): (80.7, 70.0, 84.8, 84.6),
    (64, 4.0): (16.4, 42.3, 75.1, 73.7),
    (256, 0.0): (94.0, 93.3, None, None),
    (256, 2.0): (86.0, 85.4, None, None),
    (256, 4.0): (79.0, 71.6, None, None),
}
EPOCHS, DRAWS, LAST = 12, 5000, 5
STRONG, FEW = 4.0, 64
_NET: dict[str, Any] = {"data": "mnist", "network.hidden": [100], "data.validation": 0, "test_every": 1, "threads": 1, "probes": []}
#: gains of 1/20 and 1/2, dead zones of 0.3 and 0.05, as the rough program had them; no noise, no spread
_RUN: dict[str, Any] = {
    **_NET,
    "rule": "memristor",
    "rule.gain_hidden": 39.2,
    "rule.gain_output": 50.0,
    "data.draws": DRAWS,
    "batch_size": 1,
    "epochs": EPOCHS,
    "backend": "numba",
    "rule.lr": 0.01,
    "seeds": 3,
}
_QUICK: dict[str, Any] = {"seeds": 1, "epochs": 2, "data.limit": 3000, "data.draws": 500}


def _run(quick: bool, folder: str) -> Report:
    labels, levels = ((0.0, STRONG), (FEW,)) if quick else (LABELS, LEVELS)
    rows, means = [], {}
    for pulses in levels:
        for label in labels:
            for i, (scheme, refresh) in enumerate(SCHEMES.items()):
                settings = {**_RUN, **_device(label, pulses), **_update(refresh), **(_QUICK if quick else {})}
                rough = ROUGH.get((pulses, label), (None,) * len(SCHEMES))[i]
                row, error = _measured(f"P {pulses}, NL {label:g}, {scheme}", settings, folder, rough)
                rows.append(row)
                means[pulses, label, scheme] = (row.mean or 0.0, error)
    rows += _beside(quick, folder)
    return Report("% test accuracy", tuple(rows), picture=_picture(labels, levels, means), remarks=_remarks(quick, labels, levels, means))


def _device(label: float, pulses: int) -> dict[str, Any]:
    """Return the settings of a noise-free device of one nonlinearity in both directions, with the voltages of Ag:a-Si."""
    numbers = {"nl_up": label, "nl_down": -label, "pulses_up": pulses, "pulses_down": pulses, "cycle_noise": 0}
    return {"plasticity.device": "ag_asi", "plasticity.changes": [f"{key}={value:g}" for key, value in numbers.items()]}


def _update(refresh: tuple[float, int] | None) -> dict[str, Any]:
    every = {"plasticity.theta": 0.0, "plasticity.refresh_lo": 0.0}
    if refresh is None:
        return {**every, "plasticity.update": "bi", "plasticity.refresh_every": 100}  # never looked at
    return {**every, "plasticity.update": "uni", "plasticity.refresh_hi": refresh[0], "plasticity.refresh_every": refresh[1]}


def _measured(name: str, settings: dict[str, Any], folder: str, rough: float | None) -> tuple[Measurement, float]:
    """Return a row, and the standard error of its mean."""
    from bioplaus.experiments.rows import after_epochs, measure
    from bioplaus.stats import summarise

    summary = measure(settings, folder)
    last = [sum(values[-LAST:]) / len(values[-LAST:]) for values in after_epochs(settings, folder)]
    found = summarise(last)
    row = Measurement(
        name=name,
        target="no figure" if rough is None else f"{rough:g} (our rough program)",
        mean=found["mean"],
        ci95=tuple(found["ci95"]) if found["ci95"] else None,
        n=len(last),
        settings=settings,
        note=_cost(summary),
        seconds=summary["seconds"]["total"],
    )
    return row, (found["std"] or 0.0) / len(last) ** 0.5


def _cost(summary: Mapping[str, Any]) -> str:
    """Return what it took, means over seeds, in words; "" where there are no devices."""
    if "pulses" not in summary:
        return ""
    up, down = (sum(sum(one[way]) / len(one[way]) for one in summary["pulses"].values()) for way in ("potentiation", "depression"))
    refreshes = sum(summary["refreshes"]) / len(summary["refreshes"])
    joule = sum(summary["energy_joule"]) / len(summary["energy_joule"])
    return f"{refreshes:.3g} pairs refreshed; {up:.3g} pulses up, {down:.3g} down; {joule:.2g} J"


def _beside(quick: bool, folder: str) -> list[Measurement]:
    """Return rows beside the sweep: software, a majority over ten samples, hidden units of one bit, a real device's noise."""
    small: dict[str, Any] = _QUICK if quick else {}
    prompt = {**_RUN, **_device(STRONG, FEW), **_update((0.5, 100))}
    batches = {"batch_size": 10, "backend": "loop", "plasticity.refresh_every": 10}
    software = {**_NET, "rule": "bp", "epochs": 10, "seeds": 3, **{key: value for key, value in small.items() if key != "data.draws"}}
    real = {**_RUN, "plasticity.device": "ag_asi", "backend": "loop"}
    silver = "Ag:a-Si as it is (P 97/100, NL 2.4/-4.88, noise 3.5 %)"
    wanted = {
        "software: bp, 784-100-10, 10 epochs": software,
        "software: the same signs on ideal weights, step 1/64": {**_RUN, "plasticity": "sgd", "rule.lr": 1 / 64, "backend": "loop", **small},
        f"P {FEW}, NL {STRONG:g}, uni above 0.5, majority of 10 samples, refresh every 10 batches": {**prompt, **batches, **small},
        f"P {FEW}, NL {STRONG:g}, uni above 0.5 every 100, step units": {**prompt, "neuron": "step", **small},
        f"{silver}, bi": {**real, **_update(None), **small},
        f"{silver}, uni above 0.5 every 100": {**real, **_update((0.5, 100)), **small},
    }
    return [_measured(name, settings, folder, None)[0] for name, settings in wanted.items()]


def _picture(labels: tuple[float, ...], levels: tuple[int, ...], means: Mapping[tuple[int, float, str], tuple[float, float]]) -> Curves:
    panels = []
    for pulses in levels:
        lines = [
            Series(scheme, labels, [means[pulses, x, scheme][0] for x in labels], [means[pulses, x, scheme][1] for x in labels], colour=i)
            for i, scheme in enumerate(SCHEMES)
        ]
        panels.append(Panel("nonlinearity label", "test accuracy, %", lines, title=f"{pulses} levels", legend="below", y_limits=(0.0, 100.0)))
    return Curves("", "Sign pulses on pairs: both devices, or one with a refresh", panels, "Mean over seeds, bands of one standard error.")


def _remarks(
    quick: bool, labels: tuple[float, ...], levels: tuple[int, ...], means: Mapping[tuple[int, float, str], tuple[float, float]]
) -> tuple[str, ...]:
    _, late, prompt, _ = SCHEMES
    said = []
    for pulses in levels:
        for label in labels:
            bi, slow, quick_one = (means[pulses, label, scheme][0] for scheme in ("bi", late, prompt))
            said.append(f"P {pulses}, NL {label:g}: {quick_one - bi:+.1f} points, {slow - bi:+.1f}")
    bi, slow, *quickly = (means[FEW, STRONG, scheme][0] for scheme in SCHEMES)
    wins, alone = min(quickly) > bi, slow > bi
    verdict = "yes" if wins and not alone else "it wins with the late one too" if wins else "no"
    looks = f"its last {2 if quick else LAST} looks at the test set, one after every {DRAWS} of {EPOCHS * DRAWS} online samples"
    return (
        f"a seed's figure is the mean over {looks}: accuracy does not settle. Gains and dead zones are those of the rough program. Which bit "
        "of a hidden unit takes part in an update (it sends at least 1/2) and which is its slope (not 0) were chosen here, by validation "
        "accuracy of single runs (seed 0, P 64, NL 0 to 4, both schemes) among two bits of slope and four of activity; the test set chose "
        "nothing.",
        "energy is that of pulses at the voltages and conductances of Ag:a-Si; erasing and reading are not counted.",
        f"unidirectional less bidirectional, first with a prompt refresh ({prompt.removeprefix('uni, refresh ')}), then with the late one: "
        + "; ".join(said)
        + ".",
        f"does one-sided writing win at strong nonlinearity and few levels (NL {STRONG:g}, P {FEW}) only with a prompt refresh? {verdict}: "
        f"bi {bi:.1f}, uni {slow:.1f} with the late refresh, {' and '.join(f'{one:.1f}' for one in quickly)} with prompt ones.",
        "figures called 'our rough program' are one run each of a program of our own from before this one, not of the paper, whose abstract has "
        "no number. The one figure of that group for a unidirectional rule is 94.50 %, gated Schottky diodes, three-layer perceptron on MNIST "
        "(Lim et al. 2018, ISCAS, abstract); its devices and settings are not those of any row here.",
    )


CLAIM = Claim(
    name="memristor_unidirectional",
    title="Unidirectional and bidirectional sign pulses on memristive pairs, 784-100-10 on MNIST",
    source="Lim et al. 2019, Neural Comput. & Applic. 31:8101 (abstract of arXiv:1707.06381); protocol ours",
    target="linear devices near software; one-sided writing better where the response is strongly nonlinear and levels are few",
    cost="1 h on one core",
    quick_cost="15 s",
    run=_run,
)
