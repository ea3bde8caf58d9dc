"""The teaching notebooks: scripts and notebooks agree, are whole, small and free of errors; CI executes them with their solutions."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bioplaus.experiments.notebooks import make

SCRIPTS = make.scripts()
each = pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
#: bytes of one notebook, and letters of what one cell prints
LARGEST, LONGEST = 300_000, 4_000


def notebook(script: Path) -> dict[str, Any]:
    """Return the notebook of a script as it was saved."""
    return json.loads(script.with_suffix(".ipynb").read_text(encoding="utf-8"))


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def test_numbers_run_from_one_without_a_gap_and_every_notebook_has_a_script() -> None:
    assert [int(script.name[:2]) for script in SCRIPTS] == list(range(1, len(SCRIPTS) + 1))
    assert {path.stem for path in make.HERE.glob("*.ipynb")} == {script.stem for script in SCRIPTS}


@each
def test_script_and_notebook_have_the_same_cells(script: Path) -> None:
    jupytext = pytest.importorskip("jupytext")
    ours = [(cell.cell_type, cell.source) for cell in jupytext.read(script).cells]
    assert [(cell["cell_type"], source(cell)) for cell in notebook(script)["cells"]] == ours


@each
def test_notebook_was_executed_from_top_to_bottom_without_errors(script: Path) -> None:
    saved = notebook(script)
    assert saved["metadata"]["kernelspec"]["name"] == "python3"
    code = [cell for cell in saved["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    assert any("image/png" in o.get("data", {}) for o in outputs), "a notebook shows a figure"
    assert any(o.get("name") == "stdout" for o in outputs), "a notebook prints what it has found"


@each
def test_notebook_is_small(script: Path) -> None:
    assert script.with_suffix(".ipynb").stat().st_size < LARGEST
    printed = [source({"source": o["text"]}) for cell in notebook(script)["cells"] for o in cell.get("outputs", []) if "text" in o]
    assert max(map(len, printed)) < LONGEST


@each
def test_notebook_has_question_equation_exercise_solution_and_references(script: Path) -> None:
    texts = [source(cell) for cell in notebook(script)["cells"] if cell["cell_type"] == "markdown"]
    assert texts[0].startswith(f"# {int(script.name[:2])}. ") and "?" in texts[0]
    whole = "\n".join(texts)
    assert whole.count("$$") >= 2 and whole.count("$$") % 2 == 0
    headings = [line.strip("# ") for line in whole.splitlines() if line.startswith("## ")]
    assert "Exercise" in headings and headings[-1] == "References"
    references = whole.split("## References")[1]
    assert sum(line.startswith("- ") for line in references.splitlines()) >= 2
    ast.parse(make.solution(notebook(script)["cells"]))


def test_solution_is_the_code_that_is_hidden_and_none_is_an_error() -> None:
    def text(of: str) -> dict[str, Any]:
        return {"cell_type": "markdown", "source": of}

    hidden = text("Why?\n\n<details><summary>Solution</summary>\n\nSo.\n\n```python\nx = 1\n```\n\n```python\ny = x\n```\n\n</details>")
    assert make.solution([text("```python\nz = 0\n```"), hidden]) == "x = 1\n\ny = x\n"
    for cells in ([text("```python\nz = 0\n```")], [hidden, hidden]):
        with pytest.raises(ValueError, match="one hidden solution"):
            make.solution(cells)


def test_new_words_keep_outputs_and_new_code_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("jupytext")
    script = tmp_path / SCRIPTS[0].name
    text = SCRIPTS[0].read_text(encoding="utf-8")
    script.with_suffix(".ipynb").write_bytes(SCRIPTS[0].with_suffix(".ipynb").read_bytes())
    script.write_text(text.replace("## Exercise", "## Exercise, in other words"), encoding="utf-8")
    make.reword(script)
    new, old = notebook(script)["cells"], notebook(SCRIPTS[0])["cells"]
    assert [a.get("outputs") for a in new] == [b.get("outputs") for b in old]
    assert sum(source(a) != source(b) for a, b in zip(new, old)) == 1
    script.write_text(text.replace("RATES = (", "RATES = (0.1, "), encoding="utf-8")
    with pytest.raises(ValueError, match=r"the code of 01_.* has changed; execute it: make 1"):
        make.reword(script)


def test_readme_lists_every_notebook_and_is_current() -> None:
    page = (make.HERE / "README.md").read_text(encoding="utf-8")
    assert page == make.readme()
    assert all(page.count(f"({script.stem}.ipynb)") == 1 for script in SCRIPTS)


@pytest.mark.slow
@each
def test_script_and_solution_run(script: Path, tmp_path: Path) -> None:
    """As CI does in a kernel (`make solved`, nbmake), here as a plain script."""
    code = script.read_text(encoding="utf-8") + "\n" + make.solution(notebook(script)["cells"])
    env = os.environ | {"MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not list(tmp_path.iterdir()), "a notebook leaves no files behind"
