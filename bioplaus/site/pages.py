"""All generated pages of the site, and the links between what is written and what is generated."""

from __future__ import annotations

import re
from pathlib import Path

from bioplaus.experiments import catalogue
from bioplaus.registry import DEVICES, NEURONS, RULES
from bioplaus.site import devices, neurons, reference, rules
from bioplaus.site.results import Results

__all__ = ["figures", "on_site", "pages"]

#: Files of a checkout that written pages link to, and the page that stands for each on the site.
ELSEWHERE = {
    "../README.md": "index.md",
    "../benchmarks/README.md": "benchmarks.md",
    "../experiments/README.md": "results/index.md",
    "../experiments/": "results/index.md",
    "../experiments/notebooks/README.md": "notebooks.md",
    "../rules/": "rules/index.md",
    "../rules/base.py": "reference/rule.md",
    "../bioplaus/data/base.py": "reference/data.md",
    "../neurons/": "neurons/index.md",
}


def pages(root: Path) -> dict[str, str]:
    """Return the Markdown of every generated page by its path on the site.

    Parameters
    ----------
    root
        The checkout.
    """
    results = Results(root / "experiments" / "results")
    found = {"rules/index.md": rules.index(), "neurons/index.md": neurons.index(), "results/index.md": results.index()}
    found |= {f"rules/{name}.md": rules.page(name, results, root / "docs") for name in RULES.names()}
    found |= {f"neurons/{name}.md": neurons.page(name) for name in NEURONS.names()}
    found |= {f"devices/{name}.md": devices.page(name) for name in DEVICES.names()}
    found |= {f"results/{name}.md": results.page(name) for name in catalogue.MODULES}
    found |= {f"reference/{name}.md": reference.page(name) for name in reference.PAGES}
    # the notebooks themselves are read in a checkout: the page tells their questions and names their files
    notebooks = (root / "experiments" / "notebooks" / "README.md").read_text(encoding="utf-8")
    found["notebooks.md"] = re.sub(r"\[([^]]+)\]\((\w+\.ipynb)\)", r"\1, `experiments/notebooks/\2`", notebooks)
    return found | {"benchmarks.md": (root / "benchmarks" / "README.md").read_text(encoding="utf-8")}


def figures(root: Path, folder: Path) -> dict[str, Path]:
    """Return the figures that generated pages show, by their path on the site; those of neurons and devices are drawn into a folder."""
    drawn = {f"figures/{file.name}": file for file in [*neurons.draw(folder), *devices.draw(folder)]}
    kept = {f"results/{file.name}": file for file in sorted((root / "experiments" / "results").glob("*.png"))}
    return drawn | kept | {file.name: file for file in sorted((root / "benchmarks").glob("*.png"))}


def on_site(text: str) -> str:
    """Return a page of ``docs/`` with its links into the rest of the checkout turned to the pages that stand for it.

    Examples
    --------
    >>> on_site("[one](../rules/ccl.py), [table](../experiments/results/ccl_mnist.md), [speed](../benchmarks/README.md)")
    '[one](rules/ccl.md), [table](results/ccl_mnist.md), [speed](benchmarks.md)'
    """
    text = re.sub(r"\]\(([^)#]+)", lambda m: f"]({ELSEWHERE.get(m[1], m[1])}", text)
    text = re.sub(r"\]\(\.\./experiments/results/", "](results/", text)
    return re.sub(r"\]\(\.\./(rules|neurons)/(\w+)\.py", r"](\1/\2.md", text)
