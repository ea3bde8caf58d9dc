"""Bidirectional learning on MNIST and CIFAR-10: clean accuracy with the generator on, on for half of the run, and off."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report

__all__ = ["CLAIM", "CONTROL_RATE", "QUICK", "SCHEDULES", "called", "settings_of"]

WHOLE, MARGIN, SHORT = 50_001, 1.0, {"cnn3": 10_001, "han_fc1": 20_001}
_BASE: dict[str, Any] = {"rule": "bidirectional", "data": "mnist", "probes": [], "threads": 1, "run.checkpoint_every": 20}
QUICK: dict[str, Any] = {"data.limit": 2000, "iterations": 60, "seeds": 2}
SCHEDULES = {"bp": "BP", "half": "BL then BP", "bl": "BL"}
#: network -> % test accuracy of the published table, by schedule
MNIST: dict[str, dict[str, float]] = {
    "fc0": {"bp": 92.89, "half": 92.02, "bl": 88.54},
    "fc0_nobias": {"bp": 92.73, "half": 92.65, "bl": 87.81},
    "fc1": {"bp": 94.84, "half": 93.97, "bl": 91.76},
    "fc1_nobias": {"bp": 94.56, "half": 93.38, "bl": 90.50},
    "fc2": {"bp": 94.51, "half": 92.47, "bl": 90.42},
    "fc2_nobias": {"bp": 94.77, "half": 92.79, "bl": 90.38},
    "fc4": {"bp": 98.03, "half": 94.58, "bl": 94.58},
    "cnn3": {"bp": 98.93, "bl": 97.99},
    "han_fc1": {"bp": 97.92, "half": 97.86, "bl": 96.52},
}
CIFAR: dict[str, dict[str, float]] = {"fc0": {"bp": 38.25, "bl": 33.32}, "fc1": {"bp": 40.09, "bl": 36.25}}
#: rates at which backpropagation alone was published, where the recipe is that of the generator's runs
BP_RATE = {"fc2": 0.003, "fc2_nobias": 0.003, "fc4": 0.003}
#: rates of the runs with a generator, at which the control runs without one
CONTROL_RATE = {"fc2": 0.05, "fc4": 0.03}
SEEDS = {"fc4": 1, "cnn3": 1, "han_fc1": 1}


@dataclass(frozen=True)
class Row:
    """What a row runs, and what it is held against."""

    name: str
    settings: dict[str, Any]
    published: float | None
    shortened: bool = False
    note: str = ""
    pictured: str = field(default="")


def rows() -> list[Row]:
    """Every row that is run, the cheap ones first."""
    found = []
    for data, table in (("mnist", MNIST), ("cifar10", CIFAR)):
        for network, figures in table.items():
            for schedule, published in figures.items():
                found.append(_row(data, network, schedule, published))
            if network in ("fc2", "fc4") and data == "mnist":
                rate = CONTROL_RATE[network]
                own = settings_of(data, network, "bp", rate)
                found.append(Row(f"{called(network)} BP at BL's rate {rate:g}", own, None, note="the control: rate and generator set apart"))
    return found


def settings_of(data: str, network: str, schedule: str, rate: float | None = None) -> dict[str, Any]:
    """Return the overrides of a row; `rate` in place of the published one."""
    settings = {**_BASE, "data": data, "network": network, "rule.schedule": schedule, "iterations": SHORT.get(network, WHOLE)}
    if network.startswith("han"):
        settings["rule"] = "han"
    if schedule == "bp" and network in BP_RATE:
        settings["rule.lr"] = BP_RATE[network]
    if rate is not None:
        settings["rule.lr"] = rate
    return settings | {"seeds": SEEDS.get(network, 3) if data == "mnist" else 1}


def _row(data: str, network: str, schedule: str, published: float) -> Row:
    name = f"{'' if data == 'mnist' else 'CIFAR-10: '}{called(network)} {SCHEDULES[schedule]}"
    short = network in SHORT
    note = f"{SHORT[network]:,} of {500_001 if network.startswith('han') else WHOLE:,} updates" if short else ""
    pictured = called(network) if data == "mnist" and schedule == "bl" and "nobias" not in network else ""
    return Row(name, settings_of(data, network, schedule), published, short, note, pictured)


def called(network: str) -> str:
    """Return how a table names a network."""
    return network.removesuffix("_nobias").replace("_", "-").upper() + (" no bias" if network.endswith("_nobias") else "")


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.errors import DataError
    from bioplaus.experiments.rows import measure

    found: list[Measurement] = []
    ends: dict[str, End] = {}
    for row in rows():
        settings = {**row.settings, **(QUICK if quick else {})}
        target = f"{row.published:.2f} within {MARGIN:g}" if row.published is not None else "no figure"
        try:
            summary = measure(settings, folder)
        except DataError:
            note = f"not run: {settings['data']} is not in the data folder"
            found.append(Measurement(row.name, target, None, settings=settings, note=note))
            continue
        ends[row.name] = _end(summary["run_dir"])
        found.append(_measured(row, settings, summary, ends[row.name], target, quick))
    found += _generators(ends, quick)
    found.append(_not_run())
    remarks = (
        "Figures are those of the last update: a fixed number of updates, nothing chosen. The published ones are the best of all looks at the "
        "test set, trained on every training image; here a tenth is kept for validation. That way of choosing is used for nothing here.",
        "The notes give the epoch of lowest validation loss too. With one layer of synapses and the generator on it is the first one: scores "
        "grow to the size of pixel logits, and their cross-entropy with them, while accuracy rises.",
        "Published are single runs. A row of shortened runs is not held against its figure.",
        "Accuracy under noise and attack is another claim, bidirectional_robustness, about the last weights of the same runs.",
    )
    pictured = {row.pictured: ends[row.name].findings.pictures[0] for row in rows() if row.pictured and row.name in ends}
    return Report("% test accuracy", tuple(found), _picture(pictured), remarks)


@dataclass(frozen=True)
class End:
    """What a run's last weights do: test accuracy of each seed, in %, and what they generate."""

    accuracy: list[float]
    findings: Any


def _end(run: str) -> End:
    import torch

    from bioplaus import api
    from bioplaus.evaluation import evaluate
    from bioplaus.world import view

    simulator = api.load(run).simulator
    tests = [(pack, simulator.feeds.of(pack.replicas).test) for pack in simulator.packs]
    accuracy = [100 * float(value) for pack, feed in tests for value in evaluate(pack.model, pack.world, feed)["accuracy"]]
    clock = simulator.packs[0].clock(simulator.per_epoch, simulator.total)
    views = [view(pack.model, pack.world, next(feed.chunks(10)), clock) for pack, feed in tests]
    with torch.no_grad():
        return End(accuracy, simulator.packs[0].model.rule.findings(views))


def _measured(row: Row, settings: dict[str, Any], summary: dict[str, Any], end: End, target: str, quick: bool) -> Measurement:
    from bioplaus.stats import summarise

    found, chosen = summarise(end.accuracy), summary["test_accuracy"]["mean"]
    epochs = "/".join(str(e) for e in summary["selected_epoch"])
    selected = f"at the lowest validation loss (epoch {epochs} of {summary['epochs']}) " + ("none" if chosen is None else f"{100 * chosen:.2f}")
    judged = row.published is not None and not row.shortened and not quick
    return Measurement(
        row.name,
        target,
        found["mean"],
        tuple(found["ci95"]) if found["ci95"] else None,
        len(end.accuracy),
        abs(found["mean"] - row.published) <= MARGIN if judged else None,
        settings,
        "; ".join(note for note in (row.note, selected, summary["data_note"]) if note),
        summary["seconds"]["total"],
    )


def _generators(ends: dict[str, End], quick: bool) -> list[Measurement]:
    """Return what generators show of the class means: mean and lowest correlation over classes and seeds."""
    found = []
    for name in ("FC0 BL", "FC0 no bias BL", "FC1 BL", "FC0 BP"):
        generated = ends[name].findings.values["generated"]
        values, errors = ([one for row in generated[key] for one in row if one is not None] for key in ("correlation", "mse"))
        if not values:
            continue
        bar = "at least .99" if name.startswith("FC0") and name.endswith("BL") else "no figure"
        mean = sum(values) / len(values)
        found.append(
            Measurement(
                f"{name}: correlation of generated image and class mean",
                bar,
                round(mean, 4),
                reached=mean >= 0.99 if bar != "no figure" and not quick else None,
                note=f"lowest of all classes and seeds {min(values):.4f}; mean squared error {sum(errors) / len(errors):.1e}",
            )
        )
    return found


def _not_run() -> Measurement:
    settings = {"rule": "han", "data": "mnist", "network": "han_cnn2", "rule.schedule": "bl", "seeds": 1}
    return Measurement(
        "HAN-CNN2 BL",
        "98.23",
        None,
        settings=settings,
        note="not run: cost, 500,001 updates of three convolutional networks: `bioplaus simulate rule=han data=mnist network=han_cnn2 "
        "device=cuda`; HAN-FC1 whole: `bioplaus simulate rule=han data=mnist network=han_fc1` (1 h on one core)",
    )


def _picture(pictures: dict[str, Any]) -> Any:
    """Return the images of all classes, a row per network, above the class means."""
    from bioplaus.pictures import Images

    if not pictures:
        return None
    first = next(iter(pictures.values()))
    lines = [[(name if i == 0 else "", image) for i, (_, image) in enumerate(one.rows[0])] for name, one in pictures.items()]
    means = [("mean" if i == 0 else "", image) for i, (_, image) in enumerate(first.rows[1])]
    title = "Images generated from the code of each class, and class means"
    return Images("", title, [*lines, means], "The generator on throughout, first seed.")


CLAIM = Claim(
    name="bidirectional_mnist",
    title="Bidirectional learning: the generator on, on for half of the run, and off",
    source="Pontes-Filho & Liwicki 2018, arXiv:1805.08006, appendix",
    target="the published clean accuracy of each network and schedule within 1 point; one layer generates the class means",
    cost="60 min on one core",
    quick_cost="1 min",
    run=_run,
)
