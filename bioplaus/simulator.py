"""The simulator: one loop over packs of replicas, blocks of batches, evaluations, probes and checkpoints."""

from __future__ import annotations

import itertools
import statistics
import time

import torch
from torch import Tensor

from bioplaus import checkpoint, registry
from bioplaus.allocation import keeping_memory
from bioplaus.build import Feeds, build_model, choose_device, choose_threads, make_feeds, pack_sizes
from bioplaus.course import Course
from bioplaus.data.base import Splits
from bioplaus.engines.base import Block, Engine
from bioplaus.errors import ConfigError, RunError
from bioplaus.evaluation import evaluate
from bioplaus.feed import Feed
from bioplaus.guards import flushing_denormals, interruptible
from bioplaus.pack import Pack, probe_batch
from bioplaus.probes.observe import observe
from bioplaus.progress import Silent
from bioplaus.recorder import Recorder, read_metrics, rows_of
from bioplaus.selection import Best
from bioplaus.sequence import begin_task, check_sequence, scores_of_tasks
from bioplaus.settings import Settings
from bioplaus.store import Store
from bioplaus.task_norms import check_task_norms

__all__ = ["Interrupted", "Simulator"]

PROBE_SAMPLES = 512
PROBES_PER_RUN = 20
#: Seconds between two reports within an epoch.
REPORT_EVERY = 1.0


class Interrupted(RunError):
    """The user pressed Ctrl-C; the run is saved."""

    exit_code = 130


class Simulator:
    """A run: what `bioplaus simulate` does after the settings are known.

    Parameters
    ----------
    settings, splits
        What to run on which data.
    store
        Where to keep it; None keeps nothing.
    progress
        Who is told how far it is.
    """

    def __init__(
        self, settings: Settings, splits: Splits, store: Store | None = None, progress: Silent | None = None
    ) -> None:
        self.settings, self.splits, self.store = settings, splits, store
        self.progress = progress or Silent()
        self.device = choose_device(settings.top.device)
        self.tasks: list[Feeds] = [make_feeds(settings, one, self.device) for one in (splits, *splits.later)]
        self.task = 0
        self.batch = min(settings.top.batch_size, len(self.feeds.train))
        lengths = tuple(-(-feeds.train.per_epoch // settings.top.batch_size) for feeds in self.tasks)
        total = settings.top.iterations or settings.top.epochs * sum(lengths)
        self.course = Course(lengths, settings.top.epochs, min(total, settings.top.steps or total))
        first = build_model(settings, splits, [0], self.device)
        torch.set_num_threads(choose_threads(settings, first.networks["forward"], self.batch))
        sizes = pack_sizes(settings, first.networks["forward"], self.device)
        norms_of = len(self.tasks) if settings.top.norm_per_task else 1
        models = [build_model(settings, splits, replicas, self.device) for replicas in sizes]
        if settings.top.norm_per_task:
            check_task_norms(models[0], len(self.tasks))
        self.packs = [Pack.fresh(model, replicas, norms_of=norms_of) for model, replicas in zip(models, sizes)]
        check_sequence(self.tasks, self.packs[0].model, settings.plasticity.later)
        self.engine: Engine = registry.ENGINES.get(settings.top.backend).made(settings.top)
        refusal = self.engine.refuses(self.packs[0].model, settings.top.batch_size)
        if refusal:
            raise ConfigError(f"backend={settings.top.backend} cannot run this: {refusal}; use backend=loop")
        self.probes = [registry.PROBES.get(name)() for name in settings.top.probes]
        for name, probe in zip(settings.top.probes, self.probes):
            if refusal := probe.refuses(self.packs[0].model):
                raise ConfigError(f"probes: {name} cannot look at this run: {refusal}, or leave {name} out")
        self.recorder = Recorder()
        self.training_seconds: list[float] = []
        self.seconds = 0.0
        self.epoch = 0
        self.started = False
        self.ended = False
        self._stop = False
        self._began = self._saved = self._reported = time.perf_counter()

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds of the run, in order."""
        return self.settings.seed_list

    @property
    def feeds(self) -> Feeds:
        """The samples of the task under way; of the last one after the run."""
        return self.tasks[self.task]

    @property
    def per_epoch(self) -> int:
        """Updates of an epoch of the task under way."""
        return self.course.lengths[self.task]

    @property
    def total(self) -> int:
        """Updates of the run."""
        return self.course.total

    @property
    def done(self) -> int:
        """Updates done, of all packs together."""
        return sum(pack.world.step for pack in self.packs)

    @property
    def epochs(self) -> int:
        """Epochs the run takes, a last broken one included."""
        return self.course.epochs

    def run(self) -> None:
        """Train to the end.

        Raises
        ------
        Interrupted
            On Ctrl-C, after a checkpoint.
        RunError
            If every replica diverged, or a file could not be written.
        """
        self._began = time.perf_counter() - self.seconds
        self._saved = time.perf_counter()
        self.progress.start(self.total * len(self.packs), self.done, self._title())
        with interruptible(self._interrupt), flushing_denormals(), keeping_memory():
            try:
                if not self.started:
                    self._start()
                while self.epoch < self.epochs and not self._finished():
                    self._train_epoch()
                    self.seconds = time.perf_counter() - self._began
                    if self._stop:
                        self.save()
                        raise Interrupted(self._how_to_go_on("interrupted"))
                    self._close_epoch()
                    self.seconds = time.perf_counter() - self._began
                    if self.epoch % self.settings.run.checkpoint_every == 0 or self.epoch == self.epochs or self._finished():
                        self.save()
                    if not any(bool(pack.world.alive.any()) for pack in self.packs):
                        raise RunError(self._diverged())
                self._end()
            finally:
                self.progress.stop()

    def _start(self) -> None:
        for pack in self.packs:
            pack.boundary("start", self.course.clock(pack.world.step), {}, self.feeds.of(pack.replicas))
            self._measure(pack, 0)
            self._probe(pack, 0)
        self._test_tasks()
        self.started = True

    def _end(self) -> None:
        """Let the rules act at the end, once; what they make of the network then is what is tested."""
        if self.ended:
            return
        self.ended = True
        for pack in self.packs:
            if pack.boundary("end", self.course.clock(pack.world.step), {}, self.feeds.of(pack.replicas)):
                pack.best = Best(pack.world, self.epoch)
                self.save()
        if len(self.tasks) > 1:
            self._test_tasks()
            self.save()

    def _finished(self) -> bool:
        """Return whether the rule is done with every seed, so that the epochs that are left would change nothing."""
        return all(pack.model.rule.finished(pack.world.state) for pack in self.packs)

    def _train_epoch(self) -> None:
        self.task = self.course.task(self.epoch)
        end = min(self.course.start(self.epoch + 1), self.total)
        for pack in self.packs:
            feed = self.feeds.train.select(pack.replicas)
            order = feed.order(pack.model.streams, self.epoch)
            batches = order.split(self.settings.top.batch_size, dim=1)
            while pack.world.step < end and not self._stop and bool(pack.world.alive.any()):
                step = pack.world.step
                until = min(end, self._next_probe(step))
                offset = self.course.start(self.epoch)
                chosen = batches[step - offset : until - offset]
                began = time.perf_counter()
                pack.advance(self.engine, self._block(feed, chosen))
                if self.device.type == "cuda":
                    torch.cuda.synchronize()
                self._count(time.perf_counter() - began)
                if self.settings.top.probe_every and pack.world.step % self.settings.top.probe_every == 0:
                    self._probe(pack, self.epoch + 1)
                if self._save_is_due() and not self._stop:
                    self.seconds = time.perf_counter() - self._began
                    self.save()

    def _count(self, seconds: float) -> None:
        """Add to what the updates of this epoch took."""
        if len(self.training_seconds) > self.epoch:
            self.training_seconds[self.epoch] += seconds
        else:
            self.training_seconds.append(seconds)

    def _block(self, feed: Feed, batches: tuple[Tensor, ...]) -> Block:
        return Block(feed, batches, self.epoch, self.per_epoch, self.total, self._pause, self.task)

    def _pause(self) -> bool:
        """Report between two batches, and return whether the engine should stop here: for Ctrl-C, or to save."""
        now = time.perf_counter()
        if now - self._reported >= REPORT_EVERY:
            self._reported = now
            self.progress.update(self.done, self._status())
        return self._stop or self._save_is_due()

    def _save_is_due(self) -> bool:
        """Return whether it is time for a checkpoint within the epoch."""
        return self.store is not None and time.perf_counter() - self._saved >= self.settings.run.checkpoint_seconds

    def _next_probe(self, step: int) -> int:
        every = self.settings.top.probe_every
        return (step // every + 1) * every if every else self.total

    def _close_epoch(self) -> None:
        self.epoch += 1
        validated: list[dict[str, Tensor]] = []
        for pack in self.packs:
            means = pack.epoch_means()
            self.recorder.add(self.epoch, pack.world.step, pack.model.seeds, "train", means)
            scores = self._measure(pack, self.epoch)
            validated.append(scores)
            if self.settings.top.test_every and self.epoch % self.settings.top.test_every == 0:
                tested = evaluate(pack.model, pack.world, self.feeds.of(pack.replicas).test)
                self.recorder.add(self.epoch, pack.world.step, pack.model.seeds, "test", tested)
            clock = self.course.clock(pack.world.step)
            pack.boundary("epoch", clock, scores, self.feeds.of(pack.replicas))
            if self._probe_is_due():
                self._probe(pack, self.epoch)
            if self.course.opens(self.epoch) and not self._finished():
                top = self.settings.top
                aside = self.task if top.norm_per_task else None
                begin_task(pack, clock, scores, self.feeds.of(pack.replicas), fresh=top.fresh_optimiser, aside=aside)
        if self.course.opens(self.epoch):
            self._test_tasks()
        self.progress.update(self.done, self._status())
        self.progress.validated(self.epoch, {key: torch.cat([one[key] for one in validated]) for key in validated[0]})

    def _probe_is_due(self) -> bool:
        """Return whether the epoch just ended is one of about twenty over the run, the last one among them."""
        every = max(1, self.epochs // PROBES_PER_RUN)
        return not self.settings.top.probe_every and (self.epoch % every == 0 or self.epoch == self.epochs)

    def _measure(self, pack: Pack, epoch: int) -> dict[str, Tensor]:
        scores = pack.evaluate(self.feeds.of(pack.replicas))
        self.recorder.add(epoch, pack.world.step, pack.model.seeds, "validation", scores)
        if len(self.tasks) > 1:
            every = scores_of_tasks(pack, self.tasks, "validation", self.task, {self.task: scores})
            self.recorder.add(epoch, pack.world.step, pack.model.seeds, "validation", every)
        # a sequence has no epoch to choose: what was learned last is what there is
        pack.best.offer(pack.world, {} if len(self.tasks) > 1 else scores, epoch)
        return scores

    def _test_tasks(self) -> None:
        """Look at the test images of every task of a sequence: before learning, after each task. They choose nothing."""
        if len(self.tasks) > 1:
            for pack in self.packs:
                every = scores_of_tasks(pack, self.tasks, "test", self.task)
                self.recorder.add(self.epoch, pack.world.step, pack.model.seeds, "test", every)

    def _probe(self, pack: Pack, epoch: int) -> None:
        if not self.probes or not bool(pack.world.alive.all()):
            return
        with torch.no_grad():
            batch = probe_batch(self.feeds.of(pack.replicas), PROBE_SAMPLES)
            seen = observe(pack.model, pack.world, batch, self.course.clock(pack.world.step))
            for probe in self.probes:
                self.recorder.add(epoch, pack.world.step, pack.model.seeds, "probe", probe.look(seen))

    def save(self) -> None:
        """Write metrics, best weights and the checkpoint, in that order: whatever fails, the last checkpoint stays whole."""
        if self.store is None:
            return
        self._saved = time.perf_counter()
        self.store.write_metrics(self.recorder)
        best = {f"{i}/{k}": v for i, pack in enumerate(self.packs) for k, v in pack.best.arrays.items()}
        chosen = [int(e) for pack in self.packs for e in pack.best.epoch]
        owner = self.store.fingerprint()
        checkpoint.save(self.store.best, best, {"seeds": list(self.seeds), "epoch": chosen, "config": owner})
        arrays = {f"{i}/{k}": v for i, pack in enumerate(self.packs) for k, v in pack.arrays().items()}
        state = {
            "epoch": self.epoch,
            "started": self.started,
            "ended": self.ended,
            "rows": len(self.recorder.rows),
            "steps": [pack.world.step for pack in self.packs],
            "packs": [list(pack.model.seeds) for pack in self.packs],
            "training_seconds": self.training_seconds,
            "seconds": self.seconds,
            "config": owner,
        }
        checkpoint.save(self.store.last, arrays, state)

    def restore(self) -> None:
        """Go back to the last checkpoint; without one, stay at the start.

        Raises
        ------
        RunError
            If the checkpoint is corrupt, belongs to another configuration or to another packing.
        """
        assert self.store is not None
        if not self.store.last.is_file():
            return
        arrays, state = checkpoint.load(self.store.last)
        if state.get("config") != self.store.fingerprint():
            raise RunError(f"{self.store.last} belongs to another configuration than {self.store.path / 'config.yaml'}")
        if state["packs"] != [list(pack.model.seeds) for pack in self.packs]:
            raise RunError(f"{self.store.last} was packed as {state['packs']}; set run.pack accordingly to resume bit for bit")
        best, chosen = checkpoint.load(self.store.best)
        if chosen.get("config") != self.store.fingerprint():
            raise RunError(f"{self.store.best} belongs to another configuration than {self.store.path / 'config.yaml'}")
        for i, pack in enumerate(self.packs):
            pack.restore(_of(arrays, i), _of(best, i), state["steps"][i])
        self.epoch, self.seconds = state["epoch"], state["seconds"]
        self.task = self.course.task(max(self.epoch - 1, 0))
        self.started, self.ended = state["started"], state["ended"]
        self.training_seconds = state["training_seconds"]
        rows = rows_of(read_metrics(self.store.metrics))
        if len(rows) < state["rows"]:
            raise RunError(f"{self.store.metrics} has {len(rows)} rows, its checkpoint {state['rows']}; one of them is from another time")
        # the table is written first: after a kill between the two it may be ahead of the checkpoint
        self.recorder = Recorder(rows[: state["rows"]])

    @property
    def training_per_epoch(self) -> float | None:
        """Seconds of updates alone per epoch, all seeds together: the median, the first epoch left out where there are more."""
        times = self.training_seconds
        return statistics.median(times[1:] if len(times) > 1 else times) if times else None

    def _interrupt(self) -> None:
        self._stop = True

    @property
    def name(self) -> str:
        """Rule, data and network, for titles."""
        return f"{self.settings.rule.name} on {self.settings.data.name} ({self.settings.network.name})"

    def _title(self) -> str:
        tasks = f", tasks {len(self.tasks)}" if len(self.tasks) > 1 else ""
        return f"{self.name}, seeds {len(self.seeds)}{tasks}, epochs {self.epochs}, {self.device.type}"

    def _status(self) -> str:
        newest = itertools.takewhile(lambda row: row[0] == self.epoch, reversed(self.recorder.rows))
        losses = [row for row in newest if row[3] == "validation"]
        place = f"task {self.task + 1} of {len(self.tasks)}, epoch {self.epoch}" if len(self.tasks) > 1 else f"epoch {self.epoch}"
        for metric, text in (("accuracy", "validation accuracy {:.2f} %"), ("loss", "validation loss {:.4f}")):
            values = [row[6] for row in losses if row[4] == metric and row[6] is not None]
            if values:
                return f"{place}  " + text.format(statistics.mean(values) * (100 if metric == "accuracy" else 1))
        return place

    def _how_to_go_on(self, what: str) -> str:
        where = f"; saved, go on with: bioplaus resume {self.store.path}" if self.store else "; nothing was saved (run.save=false)"
        return f"{what} in epoch {self.epoch + 1} of {self.epochs}{where}"

    def _diverged(self) -> str:
        steps = sorted({int(s) for pack in self.packs for s in pack.world.stopped_at})
        return (
            f"every seed's numbers stopped being finite, first at step {steps[0]}; try a lower rule.lr, plasticity.clip=per_network, "
            "or plasticity.warmup"
        )


def _of(arrays: dict[str, Tensor], pack: int) -> dict[str, Tensor]:
    prefix = f"{pack}/"
    return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}
