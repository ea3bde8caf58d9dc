"""Further runs beside a run, as its rule asks for them: ordinary runs in its folder, found again and resumed after a kill.

``RUN/controls/NAME/...`` is the run of one control. What runs and resumes is handed in, because this lies below `bioplaus.api`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bioplaus import config
from bioplaus.errors import BioplausError
from bioplaus.progress import Silent
from bioplaus.settings import Settings
from bioplaus.simulator import Interrupted, Simulator
from bioplaus.store import Store

__all__ = ["FOLDER", "finished_controls", "run_controls"]

FOLDER = "controls"
#: What no control does for itself.
QUIET: dict[str, Any] = {"run.figures": False, "probes": []}

Summary = dict[str, Any]


def run_controls(
    simulator: Simulator,
    summary: Summary,
    run: Callable[[Settings, Silent], Summary],
    resume: Callable[[Path, Silent], Summary],
) -> dict[str, Summary]:
    """Return the summaries of the controls that the rule of a finished run wants, by name; what is finished is read, the rest is run.

    Parameters
    ----------
    run, resume
        Run settings, and go on with a run directory; each returns the summary.
    """
    rule, network = simulator.packs[0].model.rule, simulator.packs[0].model.networks["forward"]
    found: dict[str, Summary] = {}
    for name, differs in rule.controls(summary, network).items():
        root = None if simulator.store is None else simulator.store.path / FOLDER / name
        there = None if root is None else _run_in(root)
        simulator.progress.note(f"control: {name}")
        try:
            if there is not None:
                done = there.summary()
                found[name] = resume(there.path, simulator.progress) if done is None else done
                continue
            where = {"run.save": False} if root is None else {"run.root": str(root)}
            settings = config.resolve({**differs, **QUIET, **where}, file=config.flat(simulator.settings))
            found[name] = run(settings, simulator.progress)
        except Interrupted as error:
            kept = f"; go on with: bioplaus resume {simulator.store.path}" if simulator.store else ""
            raise Interrupted(f"interrupted in the control {name}{kept}") from error
        except BioplausError as error:  # a control that cannot run takes nothing from the run
            found[name] = {"error": str(error)}
    return found


def finished_controls(store: Store) -> dict[str, Summary]:
    """Return the summaries of the finished controls of a run directory, by name."""
    runs = {root.name: _run_in(root) for root in sorted((store.path / FOLDER).glob("*"))}
    summaries = {name: None if one is None else one.summary() for name, one in runs.items()}
    return {name: one for name, one in summaries.items() if one is not None}


def _run_in(root: Path) -> Store | None:
    """Return the run of one control, finished or not; None if it was never started."""
    there = sorted(root.glob("*/config.yaml"))
    return Store.open(there[0].parent) if there else None
