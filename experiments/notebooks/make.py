"""Make the notebooks of this folder from their scripts: execute them, pair them, list them.

::

    python -m bioplaus.experiments.notebooks.make                 execute every script, write the notebook beside it, and the README
    python -m bioplaus.experiments.notebooks.make 2 5             the same for numbers 2 and 5 only
    python -m bioplaus.experiments.notebooks.make text 2          words alone have changed: keep what the code has printed and drawn
    python -m bioplaus.experiments.notebooks.make solved FOLDER   write copies whose hidden solutions are cells, to be executed (CI)

A script ``NN_name.py`` (jupytext, percent format) is the source; the notebook of the same name has the same cells, and what they printed and
drew. Needs the extra ``notebooks``.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["main", "read", "readme", "scripts", "solution", "solved"]

HERE = Path(__file__).resolve().parent
#: Seconds that one cell may take.
CELL = 900
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
_HIDDEN = re.compile(r"<details>\s*<summary>Solution</summary>(.*?)</details>", re.S)
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.S | re.M)


def scripts() -> list[Path]:
    """Return the scripts in the order of their numbers."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def read(script: Path) -> Any:
    """Return a script as a notebook without outputs, whose cells have numbers for names: the same script makes the same file."""
    import jupytext

    found = jupytext.read(script)
    for number, cell in enumerate(found.cells):
        cell["id"] = f"cell-{number:02d}"
    found.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    found.nbformat, found.nbformat_minor = 4, 5
    return found


def solution(cells: list[Any]) -> str:
    """Return the code that stands in the hidden solution of a notebook.

    Raises
    ------
    ValueError
        If there is not exactly one solution with code.
    """
    texts = [text for cell in cells if cell["cell_type"] == "markdown" for text in _HIDDEN.findall("".join(cell["source"]))]
    blocks = [block for text in texts for block in _BLOCK.findall(text)]
    if len(texts) != 1 or not blocks:
        raise ValueError(f"a notebook has one hidden solution with a python block, not {len(texts)} with {len(blocks)}")
    return "\n".join(blocks)


def solved(script: Path) -> Any:
    """Return a script as a notebook whose solution is one more cell at the end."""
    from nbformat.v4 import new_code_cell

    found = read(script)
    found.cells.append(new_code_cell(solution(found.cells), id="solution"))
    return found


def execute(script: Path) -> Path:
    """Execute a script in a fresh kernel and write the notebook beside it; return its path."""
    import nbformat
    from nbclient import NotebookClient

    found = read(script)
    NotebookClient(found, timeout=CELL, kernel_name="python3", record_timing=False, coalesce_streams=True).execute(cwd=str(HERE))
    found.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}  # the kernel adds its version, which is no news
    target = script.with_suffix(".ipynb")
    nbformat.write(found, target)
    return target


def reword(script: Path) -> None:
    """Write the notebook of a script anew with the outputs that it has, if its code is the same.

    Raises
    ------
    ValueError
        If the code has changed, so that it has to be executed.
    """
    import nbformat

    target, found = script.with_suffix(".ipynb"), read(script)
    code = [cell for cell in found.cells if cell.cell_type == "code"]
    old = [cell for cell in nbformat.read(target, 4).cells if cell.cell_type == "code"]
    if [cell.source for cell in code] != [cell.source for cell in old]:
        raise ValueError(f"the code of {script.name} has changed; execute it: make {int(script.name[:2])}")
    for cell, before in zip(code, old):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    nbformat.write(found, target)


def readme() -> str:
    """Return the page that lists the notebooks, made from their first cells."""
    lines = [
        "# Teaching notebooks",
        "",
        "One question each, with its equation, an experiment of seconds on embedded data, an exercise with a hidden solution, and references.",
        "Read them here with their figures, or run them: `pip install -e \".[notebooks]\" jupyterlab`, then",
        "`jupyter lab experiments/notebooks`.",
        "",
        "| notebook | question |",
        "|---|---|",
    ]
    for script in scripts():
        notebook = json.loads(script.with_suffix(".ipynb").read_text(encoding="utf-8"))
        first = "".join(notebook["cells"][0]["source"])
        title = first.splitlines()[0].removeprefix("# ")
        question = next(" ".join(part.split()) for part in first.split("\n\n")[1:] if "?" in part)
        question = re.sub(r"^\*\*[^*]*\*\*\s*", "", question)
        asked = re.search(r"[^.?]*\?", question)
        lines.append(f"| [{title}]({script.stem}.ipynb) | {asked.group().strip() if asked else question} |")
    return "\n".join(
        [
            *lines,
            "",
            "The `.py` of the same name is the source (jupytext, percent format). After a change this executes it and writes notebook and page:",
            "",
            "```",
            "python -m bioplaus.experiments.notebooks.make        # all; or numbers: make 2 5",
            "```",
            "",
        ]
    )


def main(words: list[str]) -> None:
    """Do what the command line asks for."""
    import nbformat

    if words[:1] == ["solved"]:
        folder = Path(words[1])
        folder.mkdir(parents=True, exist_ok=True)
        for script in scripts():
            nbformat.write(solved(script), folder / f"{script.stem}.ipynb")
        return
    words_alone, wanted = words[:1] == ["text"], {int(word) for word in words if word != "text"}
    for script in scripts():
        if wanted and int(script.name[:2]) not in wanted:
            continue
        if words_alone:
            reword(script)
            continue
        begin = time.perf_counter()
        target = execute(script)
        print(f"{target.name}: {time.perf_counter() - begin:.0f} s, {target.stat().st_size / 1000:.0f} kB", flush=True)
    (HERE / "README.md").write_text(readme(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
