"""What a network of stored patterns is found to recall: overlaps beside theory, energy and loss along the way, and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bioplaus.pictures import Curves, Findings, Images, Panel, Picture, Series
from bioplaus.rules.recall import Memories
from bioplaus.tasks import Retrieval
from bioplaus.view import View

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["recall_findings"]

#: An overlap counts as recall where it exceeds this many standard deviations of a random state's.
DEVIATIONS = 4.0


def recall_findings(config: Any, packs: Sequence[tuple[View, Retrieval, Memories]]) -> Findings:
    """Return what the replicas of all packs recall from the cue that the rule's settings name."""
    import numpy as np

    rows = [trace for view, task, memories in packs for trace in _traces(config, view, task, memories)]
    _, task, memories = packs[0]
    if task.model:
        rows = [{**row, "overlaps": row["overlaps"] / (1 - task.d)} for row in rows]
    else:  # pictures: every pattern's own share of entries
        rows = [{**row, "overlaps": row["overlaps"] / (row["xi"] != 0).mean(1)} for row in rows]
    burn_in = memories.neuron.burn_in
    m = np.stack([row["overlaps"][burn_in + 1 :].mean(0) for row in rows])  # [S, K]
    mean, se = m.mean(0), m.std(0, ddof=1) / np.sqrt(len(m)) if len(m) > 1 else None
    noise = DEVIATIONS / np.sqrt(task.xi.shape[-1] * (1 - task.d))
    theory, why = _theory(config, task, memories)
    energies = np.stack([row["energy"] for row in rows])
    values = {
        "overlaps": mean.tolist(),
        "overlaps_se": None if se is None else se.tolist(),
        "overlaps_per_seed": m.tolist(),
        "energy": float(energies[:, burn_in + 1 :].mean()),
        "retrieved": [bool(abs(one) > noise) for one in mean],
        "recall_threshold": float(noise),
        "theory": theory,
        "theory_note": why,
        "loss_and_energy": _identity(rows),
    }
    return Findings(values, _text(values, config, task, memories), _pictures(values, rows, task, memories, config))


def _traces(config: Any, view: View, task: Retrieval, memories: Memories) -> list[dict[str, Any]]:
    """Relax every replica of a pack from its cue, sweep by sweep; return what was seen before the first sweep and after each."""
    import numpy as np
    import torch

    from bioplaus.disorder import cue

    xi = task.xi.cpu().numpy().astype(np.int8)
    states = np.stack([cue(seed, one, config.start) for seed, one in zip(view.streams.seeds, xi)])
    first = states
    temperatures = memories.temperatures()
    seeds = view.streams.integers("findings", (len(temperatures),), 0, 2**62)
    seen: list[list[NDArray[Any]]] = [_looked(states, xi, memories)]
    for t, temperature in enumerate(temperatures):
        states = memories.run(torch.from_numpy(states), seeds[:, t], [temperature]).states
        seen.append(_looked(states, xi, memories))
    overlaps, energy, loss = (np.stack(kind, 1) for kind in zip(*seen))
    return [
        {"overlaps": overlaps[r], "energy": energy[r], "loss": loss[r], "xi": xi[r], "cue": first[r], "state": states[r]}
        for r in range(len(xi))
    ]


def _looked(states: NDArray[Any], xi: NDArray[Any], memories: Memories) -> list[NDArray[Any]]:
    """Return overlaps ``[R, K]`` with the patterns, energy per neuron ``[R]``, and the two-sided loss of what is stored ``[R]``."""
    import numpy as np

    s, N = states.astype(np.float64), states.shape[-1]
    overlaps = np.einsum("rkn,rn->rk", xi, s) / N
    w = memories.weight.cpu().numpy().astype(np.float64)
    if memories.coupling is None:
        energy = -np.einsum("rn,rnm,rm->r", s, w, s) / (2 * N)
        return [overlaps, energy, np.full(len(s), np.nan)]
    energy = -memories.coupling / 2 * ((np.einsum("rkn,rn->rk", w, s) / N) ** 2).sum(-1)
    plus, minus = (((w + sign * s[:, None]) ** 2).sum(-1) / (2 * N) for sign in (1, -1))
    return [overlaps, energy, (plus * minus).sum(-1)]


def _identity(rows: Sequence[dict[str, Any]]) -> dict[str, float] | None:
    """Return how far the loss, squared errors of states, follows the energy along the way: correlation and slope; None where it is not there."""
    import numpy as np

    loss, energy = rows[0]["loss"], rows[0]["energy"]
    if not np.isfinite(loss).all() or np.ptp(energy) == 0:
        return None
    slope = np.polyfit(energy, loss, 1)[0]
    return {"correlation": float(np.corrcoef(loss, energy)[0, 1]), "slope": float(slope)}


def _theory(config: Any, task: Retrieval, memories: Memories) -> tuple[dict[str, Any] | None, str]:
    """Return the equations of state at these settings, or why there are none."""
    from bioplaus.errors import BioplausError

    if not task.model:
        return None, "pictures are not drawn from the model that theory solves"
    if config.start == "random":
        return None, "a random start has no branch of its own"
    from bioplaus.theory import multitasking

    law = "binomial" if (task.classes <= 2 and task.M <= 200) or (task.classes == 3 and task.M <= 40) else "gaussian"
    try:
        found = multitasking.solve(
            task.classes, task.d, memories.neuron.T, M=task.M, r=task.r, learning=config.learning, law=law,
            start=config.start, normalise=config.normalise,
        )  # fmt: skip
    except BioplausError as error:
        return None, str(error)
    keys = ("m", "n", "free_energy", "verdict", "iterations", "residual")
    # H / N = -(g / 2) (1 + rho) sum n^2, n without the division by 1 - d
    g = 1 / (1 - task.d) if config.normalise else 1.0
    energy = -g / 2 * (1 + task.rho) * sum(((1 - task.d) * n) ** 2 for n in found.n)
    return {**{key: getattr(found, key) for key in keys}, "energy": energy, "law": law if task.rho else None}, ""


def _how(config: Any, task: Retrieval, memories: Memories) -> str:
    """Return what else tells a run from others: learning, temperature, updates."""
    neuron = memories.neuron
    parts = [f"T={neuron.T:g}"]
    if task.rho:
        parts.append(f"{config.learning}, M={task.M}, r={task.r:g}")
    if neuron.update != "glauber":
        parts.append(f"{neuron.update} updates")
    if neuron.schedule != "constant":
        parts.append(f"{neuron.schedule} annealing")
    return ", ".join(parts)


def _text(values: dict[str, Any], config: Any, task: Retrieval, memories: Memories) -> str:
    neuron, theory = memories.neuron, values["theory"]
    head = (
        f"recall from a {config.start} cue: N={task.xi.shape[-1]}, K={task.classes}, d={task.d:.3g}, T={neuron.T:g}, {neuron.update} updates, "
        f"{neuron.burn_in} + {neuron.sweeps} sweeps"
    )
    lines = [head, f"  {'pattern':<9}{'overlap m/(1-d)':<24}{'theory':<10}recalled"]
    for mu, mean in enumerate(values["overlaps"]):
        se = f" +- {values['overlaps_se'][mu]:.4f} (se)" if values["overlaps_se"] else ""
        beside = f"{theory['m'][mu]:.4f}" if theory else "-"
        recalled = ("yes" if mean > 0 else "inverted") if values["retrieved"][mu] else "no"
        lines.append(f"  {mu + 1:<9}{f'{mean:.4f}{se}':<24}{beside:<10}{recalled}")
    lines.append(f"  recalled: an overlap beyond {values['recall_threshold']:.3f}, four standard deviations of a random state's")
    lines.append(f"  energy per neuron {values['energy']:.5f}" + (f", in theory {theory['energy']:.5f}" if theory else ""))
    if values["theory_note"]:
        lines.append(f"  no theory beside it: {values['theory_note']}")
    if values["loss_and_energy"]:
        lines.append(f"  two-sided squared error and energy along the way: correlation {values['loss_and_energy']['correlation']:.12f}")
    return "\n".join(lines)


def _pictures(
    values: dict[str, Any], rows: Sequence[dict[str, Any]], task: Retrieval, memories: Memories, config: Any
) -> list[Picture]:
    number = list(range(1, task.classes + 1))
    theory = [Series("theory", number, values["theory"]["m"], points=True, colour=1, marker="_")] if values["theory"] else []
    measured = Series("simulation", number, values["overlaps"], values["overlaps_se"], points=True)
    title = f"Recall from a {config.start} cue: K={task.classes}, d={task.d:.3g}, N={task.xi.shape[-1]}, {_how(config, task, memories)}"
    bars = f"; bars: one standard error over {len(rows)} seeds" if len(rows) > 1 else ""
    end = Panel("pattern", "overlap m / (1 - d)", [*theory, measured], title="at the end", whole_x=True)
    sweeps = list(range(len(rows[0]["energy"])))
    way = [Series(f"pattern {k}", sweeps, rows[0]["overlaps"][:, k - 1].tolist(), colour=k - 1) for k in number[:6]]
    along = Panel("sweep", "overlap m / (1 - d)", way, title="on the way (first seed)", whole_x=True)
    energy = Panel("sweep", "energy per neuron", [Series("", sweeps, rows[0]["energy"].tolist())], title="energy (first seed)", whole_x=True)
    found: list[Picture] = [Curves("recall.png", title, [end, along, energy], f"Points: mean after burn-in{bars}.")]
    if task.image:
        shown = [(f"stored {k}", rows[0]["xi"][k - 1].reshape(task.image)) for k in number]
        ends = [("cue", rows[0]["cue"].reshape(task.image)), ("recalled state", rows[0]["state"].reshape(task.image))]
        found.append(Images("recalled_images.png", title, [shown, ends], "White +1, black -1, grey blank. One state holds what is seen of all."))
    return found
