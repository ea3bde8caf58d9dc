"""The page of a memristive device, from its numbers, and the figure that ``bioplaus device show`` draws."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

from bioplaus.answers.device import HEAD, cells, rows
from bioplaus.answers.device_pictures import picture
from bioplaus.fields import describe_range, field_docs
from bioplaus.plasticity.devices import get
from bioplaus.registry import DEVICES
from bioplaus.site.markup import from_docstring, table

__all__ = ["draw", "page"]


def page(name: str) -> str:
    """Return the page of a device."""
    device = get(name)
    (numbers,) = (cells(row) for row in rows() if row["name"] == name)
    docs = field_docs(type(device))
    values = [
        (f"`{f.name}`", f"{value:.6g}" if isinstance(value, float) else value, describe_range(f.metadata), docs.get(f.name, ""))
        for f in fields(device)
        if f.name != "source" and (value := getattr(device, f.name)) is not None
    ]
    lines = [
        f"# `{name}`",
        DEVICES.summary(name),
        f"```sh\nbioplaus device show {name}\nbioplaus simulate plasticity=memristor plasticity.device={name}\n```",
        f"![Curves of {name}](../figures/{name}.png)",
        table(HEAD[1:-1], [numbers[1:-1]]),
        f"Source: {device.source}. What the columns mean, and how measured pulses become a device: [devices](../devices.md).",
        f"## The model: `{device.model}`",
        from_docstring(sys.modules[type(device).__module__].__doc__),
        from_docstring(type(device).__doc__),
        "## Its numbers",
        table(("field", "value", "range", "meaning"), values),
        f"Any of them may be set: `bioplaus device show {name} cycle_noise=0.01`." if hasattr(device, "cycle_noise") else "",
    ]
    return "\n\n".join(line for line in lines if line) + "\n"


def draw(folder: Path) -> list[Path]:
    """Draw the figures of all devices into a folder."""
    from bioplaus.plots import draw_picture

    return [draw_picture(picture(get(name), name), folder) for name in DEVICES.names()]
