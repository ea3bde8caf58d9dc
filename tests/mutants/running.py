"""Defects of how a run is done: plasticity, randomness, data, selection, checkpoints, statistics."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["RUNNING"]

RUNNING = (
    # plasticity
    Defect(
        "clip by the sum of the layers' norms",
        "bioplaus/plasticity/update.py",
        "torch.linalg.vector_norm(norms, dim=0)",
        "norms.sum(0)",
        ("plasticity/test_optimisers.py",),
    ),
    Defect(
        "clip pooled over the replicas",
        "bioplaus/plasticity/update.py",
        "torch.linalg.vector_norm(value.flatten(1), dim=1) for",
        "torch.linalg.vector_norm(value).repeat(len(value)) for",
        ("plasticity/test_optimisers.py",),
    ),
    Defect(
        "momentum is not kept",
        "bioplaus/plasticity/sgd.py",
        'moments["velocity"].mul_(',
        'moments["velocity"].mul(',
        ("plasticity/test_optimisers.py",),
    ),
    Defect(
        "bias correction off by one",
        "bioplaus/plasticity/update.py",
        "done = before + 1",
        "done = before + 2",
        ("plasticity/test_optimisers.py",),
    ),
    Defect(
        "adamw couples its decay",
        "bioplaus/plasticity/adaptive.py",
        "decoupled=True",
        "decoupled=False",
        ("plasticity/test_optimisers.py",),
    ),
    Defect(
        "the cosine falls within an epoch",
        "bioplaus/plasticity/schedule.py",
        ', rounding_mode="floor")',
        ")",
        ("plasticity/test_schedule.py",),
    ),
    Defect(
        "a masked replica counts its update",
        "bioplaus/plasticity/update.py",
        "world.counts[name][rows] += 1",
        "world.counts[name] += 1",
        ("plasticity/test_masks.py",),
    ),
    Defect(
        "moments of masked replicas are not written back",
        "bioplaus/plasticity/update.py",
        "for whole, some in ((stored, state), (moments, part)):",
        "for whole, some in ((stored, state),):",
        ("plasticity/test_masks.py",),
    ),
    Defect(
        "the dead go on learning",
        "bioplaus/plasticity/update.py",
        "if mask is None and everyone:",
        "if mask is None:",
        ("engines/test_loop.py",),
    ),
    Defect(
        "every seed gets the first seed's rate",
        "bioplaus/build.py",
        "values = group.rate if isinstance",
        "values = group.rate[:1] * replicas if isinstance",
        ("test_build.py",),
    ),
    Defect(
        "a grown leaf forgets the moments of what was there",
        "bioplaus/edits.py",
        "padded(world.moments[name], value)",
        "padded(torch.zeros_like(world.moments[name]), value)",
        ("test_edits.py",),
    ),
    # randomness
    Defect(
        "all replicas share one seed",
        "bioplaus/streams.py",
        "for seed in self.seeds]",
        "for seed in self.seeds[:1] * len(self.seeds)]",
        ("test_streams.py",),
    ),
    Defect(
        "streams are keyed without the position",
        "bioplaus/streams.py",
        '"{seed}|{name}|{position}"',
        '"{seed}|{name}"',
        ("test_streams.py",),
    ),
    Defect(
        "every epoch has the same order",
        "bioplaus/feed.py",
        "streams.at(epoch).permutation",
        "streams.at(0).permutation",
        ("test_feed.py",),
    ),
    # data
    Defect(
        "validation rows leak into training",
        "bioplaus/data/splitting.py",
        "order[kept : kept + (config.limit or available)]",
        "order[: config.limit or available]",
        ("data/test_data_splitting.py",),
    ),
    Defect(
        "inputs are standardised by all rows, validation included",
        "bioplaus/data/splitting.py",
        "used = raw.train_x[train]",
        "used = raw.train_x",
        ("data/test_data_splitting.py", "data/test_data_embedded.py"),
    ),
    Defect(
        "crops are off by one pixel",
        "bioplaus/data/augment.py",
        "torch.arange(height, device=x.device) - PADDING)",
        "torch.arange(height, device=x.device) - PADDING + 1)",
        ("data/test_data_augment.py",),
    ),
    # runs
    Defect("selection takes the last epoch", "bioplaus/selection.py", "(loss < self.loss) & world", "world", ("test_selection.py",)),
    Defect(
        "the best snapshot is held by reference",
        "bioplaus/selection.py",
        "{key: value.clone() for key, value in _kept(world).items()}",
        "{key: value for key, value in _kept(world).items()}",
        ("test_selection.py",),
    ),
    Defect("selection reads the test set", "bioplaus/pack.py", "feeds.validation)", "feeds.test)", ("test_protocol.py",)),
    Defect("a checkpoint does not hold the counts", "bioplaus/world.py", '"moments", "counts", ', '"moments", ', ("test_world.py",)),
    Defect(
        "batches start anew after a pause within the epoch",
        "bioplaus/simulator.py",
        "batches[step - offset : until - offset]",
        "batches[: until - step]",
        ("test_protocol.py",),
    ),
    Defect(
        "a probe learns on the world itself",
        "bioplaus/probes/observe.py",
        "world.copy(), world.copy()",
        "world.copy(), world",
        ("probes/test_probe_observe.py",),
    ),
    # statistics
    Defect(
        "the 95 % interval is the normal one",
        "bioplaus/stats.py",
        "stdtrit(np.maximum(n - 1, 1), (1 + LEVEL) / 2)",
        "stdtrit(1e9, (1 + LEVEL) / 2)",
        ("test_stats.py",),
    ),
    Defect(
        "standard deviation with n",
        "bioplaus/stats.py",
        "np.square(unit).sum(0) / (n - 1)",
        "np.square(unit).sum(0) / n",
        ("test_stats.py",),
    ),
    # probes, settings, files
    Defect(
        "the last weights are tested instead of the selected ones",
        "bioplaus/summary.py",
        "as_told(pack.model, pack.best.into(pack.world), task",
        "as_told(pack.model, pack.world, task",
        ("test_protocol.py",),
    ),
    Defect(
        "the step of a divergence is counted from the block's start",
        "bioplaus/pack.py",
        "first + bad.to(torch.int8).argmax(0)",
        "bad.to(torch.int8).argmax(0)",
        ("test_pack.py",),
    ),
    Defect(
        "means of an epoch run on into the next",
        "bioplaus/pack.py",
        "self.world.tally = {}",
        "self.world.tally = dict(self.world.tally)",
        ("test_pack.py",),
    ),
    Defect(
        "the similarity of representations is not centred",
        "bioplaus/probes/cka.py",
        "yield columns - columns.mean(0)",
        "yield columns",
        ("probes/test_probe_cka.py",),
    ),
    Defect(
        "the adjoint of a kernel is not flipped",
        "bioplaus/shapes.py",
        ".flip(tuple(range(3, weight.dim())))",
        "",
        ("probes/test_probe_feedback.py",),
    ),
    Defect(
        "a file outranks the command line",
        "bioplaus/config.py",
        "{**(file or {}), **overrides}.items()",
        "{**overrides, **(file or {})}.items()",
        ("test_config.py",),
    ),
    Defect(
        "a corrupt checkpoint is read",
        "bioplaus/checkpoint.py",
        "if _digest(arrays, text) != expected:",
        "if not expected:",
        ("test_checkpoint.py",),
    ),
)
