"""The result of a run as plain data: what ``summary.json`` and ``--json`` hold. Fields that do not apply are None; never NaN."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bioplaus.build import spiking
from bioplaus.evaluation import evaluate
from bioplaus.feed import Feed
from bioplaus.flops import flops_per_sample
from bioplaus.pack import Pack
from bioplaus.pictures import Findings
from bioplaus.sequence_findings import sequence_findings
from bioplaus.simulator import Simulator
from bioplaus.spiking.report import silence, spiking_findings
from bioplaus.statement import statement
from bioplaus.stats import summarise
from bioplaus.task_norms import as_told
from bioplaus.view import View
from bioplaus.world import plastic, view

__all__ = ["findings_of", "scores_of_run", "silence_of", "summarise_run", "test_scores"]


#: Test samples that findings look at.
SAMPLES = 256
NOTHING = Findings()


def test_scores(simulator: Simulator, feed: Feed, task: int = 0) -> dict[str, list[float | None]]:
    """Return loss and accuracy of every seed's selected weights on a set, of a task; a seed that has none gets None."""
    found: dict[str, list[float | None]] = {}
    for pack in simulator.packs:
        world = as_told(pack.model, pack.best.into(pack.world), task, simulator.task)
        scores = evaluate(pack.model, world, feed.select(pack.replicas))
        # a seed that diverged before its first epoch has only its untrained weights, and those are not its result
        # and of a sequence the end is the result, which a seed that stopped has not seen
        lost = ((pack.best.epoch == 0) | (len(simulator.tasks) > 1)) & ~pack.world.alive.cpu()
        for key, value in scores.items():
            found.setdefault(key, []).extend(_numbers(value.cpu().masked_fill(lost, float("nan"))))
    return found


def scores_of_run(simulator: Simulator, part: str, limit: int | None = None) -> dict[str, list[float | None]]:
    """Return loss and accuracy of every seed on "validation" or "test", or their first samples; of several tasks the mean."""
    feeds = [getattr(one, part) for one in simulator.tasks]
    each = [test_scores(simulator, feed if limit is None else feed.first(limit), task) for task, feed in enumerate(feeds)]
    return {key: [_mean([scores[key][i] for scores in each]) for i in range(len(values))] for key, values in each[0].items()}


def _mean(values: list[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(values) if len(there) == len(values) else None


@torch.no_grad()
def findings_of(simulator: Simulator) -> Findings:
    """Return what the rule, at the selected weights of every pack, and the plasticity, as it stands, have to say about the run."""
    views = [_view(simulator, pack, simulator.feeds.of(pack.replicas).test) for pack in simulator.packs]
    found = simulator.packs[0].model.rule.findings(views)
    model = simulator.packs[0].model
    stored = [{leaf: pack.world.behind(leaf) for leaf in plastic(pack.model)} for pack in simulator.packs]
    found = found.beside(model.plasticity.findings(stored, simulator.per_epoch))
    found = found.beside(model.rule.stage_findings(views, stage_scores(simulator), simulator.training_seconds))
    found = found.beside(sequence_findings(simulator.recorder.rows, simulator.course, len(simulator.seeds), simulator.name))
    return found.beside(spiking_findings(views)) if spiking(simulator.settings) else found


def stage_scores(simulator: Simulator) -> list[dict[str, dict[str, list[float | None]]]]:
    """Return the scores of the networks of the past that the rule names: per stage, split -> metric -> a value per seed, None for none."""
    packs = [_stages_of(simulator, pack) for pack in simulator.packs]
    nothing = [dict.fromkeys(("loss", "accuracy"), [None] * len(pack.model.seeds)) for pack in simulator.packs]

    def joined(stage: int, split: str, key: str) -> list[float | None]:
        each = (found[stage][split] if stage < len(found) else blank for found, blank in zip(packs, nothing))
        return [value for scores in each for value in scores[key]]

    splits = ("train", "validation", "test")
    return [{split: {key: joined(i, split, key) for key in ("loss", "accuracy")} for split in splits} for i in range(max(map(len, packs)))]


def _stages_of(simulator: Simulator, pack: Pack) -> list[dict[str, dict[str, list[float | None]]]]:
    feeds = simulator.feeds.of(pack.replicas)
    none: list[float | None] = [None] * len(pack.model.seeds)
    sets = {"train": feeds.train, "validation": feeds.validation, "test": feeds.test}
    seen = view(pack.model, pack.world, next(feeds.train.chunks(1)), simulator.course.clock(pack.world.step))
    found = []
    for arrays in pack.model.rule.stages(seen):
        world = pack.world.with_arrays(arrays)
        scores = {split: evaluate(pack.model, world, feed) for split, feed in sets.items()}
        found.append(
            {split: {key: _numbers(one[key]) if key in one else none for key in ("loss", "accuracy")} for split, one in scores.items()}
        )
    return found


def silence_of(simulator: Simulator) -> str | None:
    """Return which hidden layers no training sample makes fire as the weights stand, and what to change; None if all fire, or have no time."""
    pack = simulator.packs[0]
    return silence(_view(simulator, pack, simulator.feeds.of(pack.replicas).train)) if spiking(simulator.settings) else None


def _view(simulator: Simulator, pack: Pack, feed: Feed) -> View:
    """Return the rule's view of a pack at its selected weights, on the first samples of a set (of the training set, if that is empty)."""
    sample = next((feed if len(feed) else simulator.feeds.of(pack.replicas).train).chunks(SAMPLES))
    return view(pack.model, pack.best.into(pack.world), sample, simulator.course.clock(pack.world.step))


def _numbers(values: Tensor) -> list[float | None]:
    return [float(v) if torch.isfinite(v) else None for v in values.cpu()]


def summarise_run(simulator: Simulator, findings: Findings = NOTHING) -> dict[str, Any]:
    """Return the summary of a finished run: scores of the selected weights, cost, what it was, and what the rule found."""
    settings, packs = simulator.settings, simulator.packs
    scores = {
        "test": scores_of_run(simulator, "test"),
        "validation": scores_of_run(simulator, "validation"),
    }
    model, world = packs[0].model, packs[0].world
    train = simulator.feeds.train.select(packs[0].replicas)
    size = min(simulator.batch, len(train))  # a later task may have fewer samples
    batch = train.batch(torch.arange(size, device=simulator.device).unsqueeze(0))
    sizes = {name: sum(world.params[key][0].numel() for key in net.leaves) for name, net in model.networks.items()}
    stopped = [int(s) if s >= 0 else None for pack in packs for s in pack.world.stopped_at]
    total = simulator.seconds
    rule, stated = model.rule, statement(model.rule, settings)
    return {
        "run_dir": str(simulator.store.path) if simulator.store else None,
        "rule": settings.rule.name,
        "data": settings.data.name,
        "data_note": simulator.splits.note,
        "network": settings.network.name,
        "plasticity": settings.plasticity.name,
        "neuron": settings.neuron.name,
        "device": simulator.device.type,
        "backend": settings.top.backend,
        "seeds": list(simulator.seeds),
        "epochs": simulator.epoch,
        **{f"{split}_{key}": _summary(found, key) for split, found in scores.items() for key in ("accuracy", "loss")},
        "selected_epoch": [int(e) for pack in packs for e in pack.best.epoch],
        "stopped_at": stopped if any(s is not None for s in stopped) else None,
        # a compiled loop multiplies no matrices; what it costs is in its findings
        "flops_per_sample": None if model.networks["forward"].compiled else flops_per_sample(model, world, batch),
        "parameters": sum({key: world.params[key][0].numel() for net in model.networks.values() for key in net.leaves}.values()),
        "parameters_inference": sizes["forward"],
        "train_samples": sum(len(feeds.train) for feeds in simulator.tasks),
        "seconds": {
            "total": total,
            "per_epoch": total / simulator.epoch if simulator.epoch else None,
            "training_per_epoch": simulator.training_per_epoch,
        },
        "plausibility": {
            "honoured": list(stated.honoured),
            "violated": list(stated.violated),
            "reference": rule.reference,
        },
        **findings.values,
        **({"report": findings.text} if findings.text else {}),
    }


def _summary(found: dict[str, list[float | None]], key: str) -> dict[str, Any] | None:
    return summarise(found[key]) if key in found else None
