"""Defects of tasks in sequence and of what is done against forgetting: course, matrix, boundary, binary synapses, pulls, consolidation."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["SEQUENCES"]

COURSE, SEQUENCE, SIMULATOR = "bioplaus/course.py", "bioplaus/sequence.py", "bioplaus/simulator.py"
LAYER, VCL, EWC, META = "bioplaus/binary_layer.py", "rules/vcl_binary.py", "rules/ewc.py", "bioplaus/plasticity/metaplastic.py"
RUNS, VCL_TESTS = ("test_sequence.py",), ("rules/test_vcl_binary.py",)
EWC_TESTS, META_TESTS = ("rules/test_ewc.py",), ("plasticity/test_metaplastic.py",)
NORMS, NORM_TESTS = "bioplaus/task_norms.py", ("test_task_norms.py",)
SCHEDULE, RATE_TESTS = "bioplaus/plasticity/schedule.py", ("plasticity/test_schedule.py",)
OVERLAP = "bioplaus/probes/overlap.py"
REST, CLAIM_TESTS = "experiments/continual_convergence.py", ("experiments/test_continual_claims.py",)
SEQUENCES = (
    Defect(
        "course: all tasks are as long as the first",
        COURSE,
        "self.each * sum(self.lengths[:task]) +",
        "self.each * task * self.lengths[0] +",
        ("test_course.py",),
    ),
    Defect("course: a task begins one update late", COURSE, "and left >= self.each *", "and left > self.each *", ("test_course.py",)),
    Defect("sequence: forgetting counts from when a task was learned", SEQUENCE, "learned[:, k : T - 1, k].max(1)", "learned[:, k, k]", RUNS),
    Defect("sequence: forward transfer looks at the task itself", SEQUENCE, "learned[:, k - 1, k] - matrix", "learned[:, k, k] - matrix", RUNS),
    Defect("sequence: moments stay although they are to start anew", SEQUENCE, "    if fresh:\n", "    if fresh and not fresh:\n", RUNS),
    Defect("sequence: a stopped seed still has accuracies", SEQUENCE, '.masked_fill(~pack.world.alive, float("nan"))', "", RUNS),
    Defect("sequence: the first task is shown all the time", SIMULATOR, "self.task = self.course.task(self.epoch)\n", "self.task = 0\n", RUNS),
    Defect(
        "sequence: an epoch is chosen by the task under way",
        SIMULATOR,
        "pack.best.offer(pack.world, {} if len(self.tasks) > 1 else scores, epoch)",
        "pack.best.offer(pack.world, scores, epoch)",
        RUNS,
    ),
    Defect(
        "teacher: later teachers flip alike",
        "bioplaus/data/teacher.py",
        "_generator(seed, _FLIPS, task)",
        "_generator(seed, _FLIPS)",
        ("data/test_data_sequences.py",),
    ),
    Defect(
        "split: labels within a group count from the first class",
        "bioplaus/data/task_sequences.py",
        "y[rows] - (group.start if within else 0)",
        "y[rows]",
        ("data/test_data_sequences.py",),
    ),
    Defect("binary synapses: the variance forgets its mean", LAYER, "Moments(m, 1 - m * m, beta)", "Moments(m, 1 - m, beta)", VCL_TESTS),
    Defect("binary synapses: the spread is not learned", LAYER, "change - (2 / n) * m *", "change - (0 / n) * m *", VCL_TESTS),
    Defect("binary synapses: no error through the spread", LAYER, "sent = sent + (2 / n) *", "sent = sent + (0 / n) *", VCL_TESTS),
    Defect("binary synapses: a decision's spread pulls the wrong way", LAYER, "at_mean, -at_mean *", "at_mean, at_mean *", VCL_TESTS),
    Defect("vcl: the pull forgets one temperature", VCL, "return beta**2 * (1 - m * m)", "return beta * (1 - m * m)", VCL_TESTS),
    Defect("vcl: the pull of a task is whole in every update", VCL, "share = gamma / view.clock.steps_per_epoch", "share = gamma", VCL_TESTS),
    Defect("vcl: a task is remembered at every boundary", VCL, 'if event != "task" or self', "if self", VCL_TESTS),
    Defect("vcl: the schedule starts an epoch late", VCL, "(clock.epoch + 1) / epochs", "clock.epoch / epochs", VCL_TESTS),
    Defect("ewc: stiffness without squares", EWC, "change.dense().square()", "change.dense().abs()", EWC_TESTS),
    Defect("ewc: the last task alone counts", EWC, '{f"anchor/{key}": view.state[f"anchor/{key}"] + F', '{f"anchor/{key}": F', EWC_TESTS),
    Defect("metaplastic: steps away from zero meet resistance", META, "hidden * delta >= 0", "hidden * delta <= 0", META_TESTS),
    Defect("metaplastic: resistance is not squared", META, ".square_().neg_()", ".abs_().neg_()", META_TESTS),
    Defect("norms per task: every task is read with the last one's", NORMS, "if task < under_way else", "if task > under_way else", NORM_TESTS),
    Defect("norms per task: gains and shifts are not put aside", NORMS, 'found = [("params", key)', 'found = 0 * [("params", key)', NORM_TESTS),
    Defect("norms per task: the summary is not told", "bioplaus/summary.py", "task, simulator.task)", "0, 0)", NORM_TESTS),
    Defect("a later rate counts for the first task too", SCHEDULE, "config.later if clock.task", "config.later if True", RATE_TESTS),
    Defect("overlap: a weight of 0 is negative", OVERLAP, "weight < 0", "weight <= 0", ("probes/test_probe_overlap.py",)),
    Defect("rest: the first window need not be whole", REST, "if t + window > steps[-1]", "if t > steps[-1]", CLAIM_TESTS),
)
