"""The page about devices: its table is the list of devices, its commands and its Python work."""

from __future__ import annotations

import re

import torch
from driving import ROOT, command

from bioplaus import registry
from bioplaus.answers.device_table import devices_table, renewed
from bioplaus.plasticity.devices import MODELS
from bioplaus.streams import Streams

TEXT = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")


def test_table_is_current() -> None:
    table = devices_table()
    assert table in TEXT, "run: python -m bioplaus.answers.device_table"
    rows = table.splitlines()
    assert [row.split("`")[1] for row in rows[2:]] == registry.DEVICES.names() and len({row.count("|") for row in rows}) == 1
    stale = TEXT.replace(table, "| old |")
    assert stale != TEXT and renewed(stale) == TEXT


def test_every_model_is_explained() -> None:
    assert re.findall(r"^\| `(\w+)` \| .* \|", TEXT.partition("## Models")[2].partition("## Devices")[0], re.MULTILINE) == list(MODELS)


def test_commands_are_understood() -> None:
    (block,) = re.findall(r"^```\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    lines = [line.partition("#")[0].split() for line in block.splitlines()]
    assert len(lines) == 5
    for words in lines:
        assert words[:2] == ["bioplaus", "device"] and words[2] in ("list", "show", "fit")
        if words[2] == "show" and not words[3].endswith(".json"):
            assert command(*words[1:], "figure=false").code == 0


def test_python_runs() -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    names = {"streams": Streams((0,)), "g": torch.full((1, 10, 4), 0.5), "n": torch.full((1, 10, 4), 2)}
    exec(compile(code, "devices.md", "exec"), names)
    assert names["own"] == {}
