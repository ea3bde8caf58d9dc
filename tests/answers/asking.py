"""Ask a theory on the command line, as a script would."""

from __future__ import annotations

import json
from typing import Any

import pytest
from driving import command


def asked(theory: str, *words: str) -> dict[str, Any]:
    """Run with --json and return the object; numbers that are not finite are refused."""
    answer = command("theory", theory, *words, "--json")
    assert answer.code == 0, answer.err
    assert answer.out.count("\n") == 1, "one line on stdout"
    found: dict[str, Any] = json.loads(answer.out, parse_constant=lambda word: pytest.fail(f"{word} in the output"))
    return found


def refused(code: int, *words: str) -> str:
    """Run what must fail, and return its one line."""
    answer = command("theory", *words)
    lines = [line for line in answer.err.splitlines() if line.startswith("bioplaus: ")]
    assert answer.code == code, answer.err
    assert answer.out == "" and len(lines) == 1 and "Traceback" not in answer.err
    return lines[0].removeprefix("bioplaus: ")
