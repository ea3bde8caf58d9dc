"""Two teachers in sequence, N = 501, at the end of both tasks: errors beside the theory of the second task, for a strong and a weak pull."""

from __future__ import annotations

import math
from dataclasses import replace

from bioplaus.answers.taught import two_tasks
from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["CLAIM"]

N, ALPHA, SEEDS, STEPS = 501, 2.0, 5, 4000
OVERLAPS = (-0.5, 0.0, 0.5)
PULLS = (1.0, 0.1)
#: errors within this of theory count as agreement
NEAR = 0.05


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.rows import standard_error
    from bioplaus.experiments.taught import ends_of, row_of
    from bioplaus.theory.continual import left_by_first, second_task

    rows: list[Measurement] = []
    panels = []
    Q = left_by_first(ALPHA).Q
    for gamma in PULLS:
        points: dict[int, list[tuple[float, float, float]]] = {1: [], 2: []}
        lines: dict[int, list[float]] = {1: [], 2: []}
        for r0 in OVERLAPS:
            state = second_task(ALPHA, ALPHA, r0, gamma)
            settings = {**two_tasks(N, ALPHA, ALPHA, r0, gamma), "epochs": STEPS, "seeds": SEEDS}
            settings |= {"rule.lr": 0.001, "plasticity.later": 5.0, "data.checked": 20}
            settings |= {"data.N": 51, "epochs": 20, "seeds": 3} if quick else {}
            ends = ends_of(settings, folder)
            for k, theory in ((1, state.error_1), (2, state.error_2)):
                values = [math.acos(p[k - 1]) / math.pi for p, _ in ends]
                row = row_of(f"gamma = {gamma:g}, r0 = {r0:g}: eps_{k}", values, f"{theory:.4f} (theory), within {NEAR:g}", settings)
                rows.append(replace(row, reached=row.mean is not None and abs(row.mean - theory) <= NEAR))
                points[k].append((r0, row.mean or 0.0, standard_error(row)))
                lines[k].append(theory)
            rows.append(row_of(f"gamma = {gamma:g}, r0 = {r0:g}: Q_1 after task 1", [one for _, one in ends], f"{Q:.3f} (theory)", settings))
        series = []
        for k in (1, 2):
            x, y, bars = (list(values) for values in zip(*points[k]))
            series.append(Series(f"task {k}, theory", list(OVERLAPS), lines[k], colour=k - 1, dashed=True))
            series.append(Series(f"task {k}, learned, N = {N}", x, y, bars, points=True, colour=k - 1))
        panels.append(Panel("overlap r0 of the teachers", "error after both tasks", series, title=f"gamma = {gamma:g}", y_limits=(0.0, 0.75)))
    remarks = (
        "eps_k = arccos(p_k)/pi after both tasks, p_k the overlap of the signs of the fields with teacher k; alpha = 2 for both tasks.",
        f"full batches, AdamW with decay 1e-3, {STEPS:,} steps at rate 0.001 for the first task and {STEPS:,} at 0.005 for the second "
        "(published: 5,000 at 0.001 and 20,000 at 0.005); the optimiser starts anew with the second task.",
        "theory: Franz-Parisi potential, replica symmetric, beta = 20, started from the good branch of the first task; of two branches of the "
        "second task the one of larger phi. Training minimises where theory samples; read the errors beside Q_1, how sure the first task leaves "
        "the weights.",
    )
    note = f"{SEEDS} seeds, bars are standard errors."
    picture = Curves("", "Two teachers in sequence, alpha = 2 each", panels, note)
    return Report("error, Q", tuple(rows), picture=picture, remarks=remarks, digits=4)


CLAIM = Claim(
    name="continual_two_teachers",
    title="Two teachers in sequence by variational learning of binary weights: errors of both after both tasks",
    source="Li et al. 2022, arXiv:2212.02846; Franz-Parisi potential solved by us",
    target="errors within 0.05 of theory, gamma = 1 and 0.1, r0 = -0.5, 0, 0.5",
    cost="10 min on one core",
    quick_cost="20 s",
    run=_run,
)
