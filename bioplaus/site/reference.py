"""Pages of the reference of the Python interface: which modules stand on which page; mkdocstrings fills them in."""

from __future__ import annotations

__all__ = ["PAGES", "page"]

#: file -> (title, what it is about, modules)
PAGES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "simulate": (
        "Runs",
        "Start a run, open one, and what there is in it. `simulate`, `load` and `compare` are also names of `bioplaus` itself.",
        ("bioplaus.api", "bioplaus.comparison.run", "bioplaus.errors", "bioplaus.settings", "bioplaus.config"),
    ),
    "rule": (
        "Writing a rule",
        "What a rule is asked, what it sees, and what it hands over.",
        (
            "bioplaus.rules.base", "bioplaus.view", "bioplaus.changes", "bioplaus.passes", "bioplaus.recipes", "bioplaus.streams",
            "bioplaus.fields",
        ),
    ),
    "network": (
        "Networks, layers, connections",
        "How activity travels.",
        (
            "bioplaus.network", "bioplaus.layer", "bioplaus.connections.base", "bioplaus.connections.dense", "bioplaus.connections.conv2d",
            "bioplaus.operations", "bioplaus.norm", "bioplaus.dendrites", "bioplaus.leaves", "bioplaus.networks.base",
        ),
    ),
    "neuron": (
        "Neurons",
        "What a cell does with its current.",
        ("bioplaus.neurons.base", "bioplaus.neurons.spiking", "bioplaus.neurons.surrogates", "bioplaus.neurons.lif"),
    ),
    "plasticity": (
        "Plasticity and devices",
        "From the change that a rule wants to what is stored.",
        (
            "bioplaus.plasticity.base", "bioplaus.plasticity.sgd", "bioplaus.plasticity.adaptive", "bioplaus.plasticity.devices",
            "bioplaus.plasticity.devices.base",
        ),
    ),
    "measuring": (
        "Measuring",
        "Probes, audits, tasks, statistics.",
        (
            "bioplaus.probes.base", "bioplaus.probes.observe", "bioplaus.audit.entry", "bioplaus.audit.card", "bioplaus.tasks", "bioplaus.stats",
            "bioplaus.robustness.run", "bioplaus.spiking.convert_run",
        ),
    ),
    "data": ("Data", "Sets by name, and how to add one.", ("bioplaus.data", "bioplaus.data.base", "bioplaus.data.encodings")),
    "theory": (
        "Theory",
        "Equations of state and what they are held against.",
        (
            "bioplaus.theory.hopfield", "bioplaus.theory.multitasking", "bioplaus.theory.dense", "bioplaus.theory.curie_weiss",
            "bioplaus.theory.perceptron", "bioplaus.theory.continual", "bioplaus.theory.lif", "bioplaus.theory.stdp",
            "bioplaus.theory.monte_carlo",
        ),
    ),
}  # fmt: skip


def page(name: str) -> str:
    """Return a page of the reference, its modules as mkdocstrings wants them named."""
    title, about, modules = PAGES[name]
    return "\n\n".join([f"# {title}", about, *(f"::: {module}" for module in modules)]) + "\n"
