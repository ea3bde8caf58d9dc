"""The page of a neuron model, from its module, and the figure of its response."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import torch

from bioplaus.neurons.base import Neuron, StaticNeuron
from bioplaus.pictures import Curves, Panel, Series
from bioplaus.registry import NEURONS
from bioplaus.site.markup import from_docstring, settings_table, table

__all__ = ["draw", "index", "page", "picture"]

#: Steps of a spiking cell in its figure, by model and for all others where their own number is less, and currents of the curve of rates.
STEPS, CURRENTS = {"": 100, "izhikevich": 400}, 41
#: Temperature of the Ising unit in its figure; at its default, 0, the response is a step.
SHOWN = {"ising": {"T": 0.5}}
#: Largest current of the figure, in the units of a cell that has its own; others take a current of threshold size per step.
LARGEST = {"izhikevich": 20.0, "hodgkin_huxley": 20.0, "srm": 1.0}


def _made(name: str) -> Neuron:
    model = NEURONS.get(name)
    made: Neuron = model(model.Config(**SHOWN.get(name, {})))
    return made


def index() -> str:
    """Return the page that lists all neuron models."""
    rows = []
    for name in NEURONS.names():
        kind = "spiking" if NEURONS.get(name).spiking else "static"
        rows.append((f"[`{name}`]({name}.md)", kind, NEURONS.summary(name)))
    text = (
        "# Neurons\n\nWhat a cell does with its current. Static units answer at once; spiking ones have time steps, a membrane and a reset "
        "([conventions, losses, and what combines with what](../spiking.md)). Choose one with `neuron=NAME`.\n\n"
    )
    return text + table(("neuron", "kind", "what it is"), rows) + "\n"


def page(name: str) -> str:
    """Return the page of a neuron model."""
    model = NEURONS.get(name)
    settings = settings_table(model.Config, "neuron.")
    rule = "surrogate" if model.spiking else "bp"
    lines = [
        f"# `{name}`",
        NEURONS.summary(name),
        f"```sh\nbioplaus simulate rule={rule} neuron={name}\n```" if not model.one_way else "",
        f"![Response of {name}](../figures/neuron_{name}.png)",
        "## Equations",
        from_docstring(sys.modules[model.__module__].__doc__),
        from_docstring(inspect.cleandoc(model.__doc__ or "").partition("\n")[2]),
        f"**No error finds a way back through it**: {model.one_way}." if model.one_way else "",
        "## Settings",
        settings or "None.",
        f"Code: `{model.__module__}`, class `{model.__name__}`.",
    ]
    return "\n\n".join(line for line in lines if line) + "\n"


def picture(name: str) -> Curves:
    """Return the figure of a model: activity and slope of a static unit; membrane and firing of a spiking one."""
    neuron = _made(name)
    return _static(neuron, name) if isinstance(neuron, StaticNeuron) else _spiking(neuron, name)


def _static(neuron: StaticNeuron, name: str) -> Curves:
    x = torch.linspace(-3, 3, 601)
    out = neuron.value(x)
    slope = neuron.slope_times(x.clone(), out.clone(), torch.ones_like(x))
    series = [Series("activity", x.tolist(), out.tolist(), colour=0), Series("slope that errors meet", x.tolist(), slope.tolist(), colour=1)]
    shown = "".join(f", {key} = {value:g}" for key, value in SHOWN.get(name, {}).items())
    return Curves(f"neuron_{name}.png", f"{name}{shown}", [Panel("current", "", series, legend="below")])


def _spiking(neuron: Neuron, name: str) -> Curves:
    config = neuron.config
    steps = max(config.steps, STEPS.get(name, STEPS[""]))
    largest = LARGEST.get(name, 1.5)
    currents = torch.linspace(0, largest, CURRENTS)
    spikes, membrane = neuron.run(currents.expand(steps, -1).clone())  # type: ignore[attr-defined]
    rates = spikes.float().mean(0).tolist()
    # a cell that fires a few times shows more than one that fires at every step
    counts = spikes.sum(0)
    few = int(torch.nonzero(counts >= min(5, float(counts.max())))[0])
    times = [t for t in range(steps) if spikes[t, few] > 0]
    unit = "time step" if not hasattr(config, "dt") else f"time step, {config.dt:g} ms each"
    top = float(membrane[:, few].max())
    course = [
        Series("membrane", list(range(steps)), membrane[:, few].tolist(), colour=0),
        Series("spikes", times, [top * 1.05 + 0.02] * len(times), points=True, marker="|", colour=1, size=7),
    ]
    panels = [
        Panel(unit, "membrane", course, title=f"Under a constant current of {float(currents[few]):.2g}", legend="below"),
        Panel("constant current", "spikes per step", [Series("", currents.tolist(), rates, colour=0)], title=f"Rate over {steps} steps"),
    ]
    return Curves(f"neuron_{name}.png", name, panels, shared=False)


def draw(folder: Path) -> list[Path]:
    """Draw the figures of all models into a folder."""
    from bioplaus.plots import draw_picture

    return [draw_picture(picture(name), folder) for name in NEURONS.names()]
