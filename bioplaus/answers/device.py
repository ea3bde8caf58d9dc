"""``bioplaus device list | show NAME | fit FILE``: memristive devices as numbers, words and figures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bioplaus.answers.base import finite
from bioplaus.answers.text import table
from bioplaus.errors import ConfigError
from bioplaus.fields import field_docs, written
from bioplaus.pictures import Picture
from bioplaus.plasticity.devices import Device, choice, get
from bioplaus.registry import DEVICES, nearest

if TYPE_CHECKING:
    from bioplaus.plasticity.devices.fitting import Fitted
    from bioplaus.plasticity.devices.pulse_file import PulseData

__all__ = ["HEAD", "ask", "cells", "fitted", "listing", "rows", "shown", "summary"]

#: Where figures go if nothing is said.
FOLDER = "runs/device"
#: Root mean square residual of the best fit, in parts of the range, from which it is warned of.
POOR = 0.2
#: How far a bound may lie beyond the measured conductances, in parts of their range.
FAR = 0.5
#: Columns of a list.
HEAD = ("device", "model", "Gmax/Gmin", "pulses up/down", "nonlinearity", "noise", "source")


def ask(what: str, name: str | None, given: Mapping[str, Any], *, as_json: bool = False) -> str:
    """Return what ``bioplaus device WHAT [NAME] [key=value ...]`` prints.

    Raises
    ------
    BioplausError
        One line: something else than list, show and fit, or what those refuse.
    """
    known = ["list", "show", "fit"]
    if what not in known:
        raise ConfigError(f"device {what} is not known{nearest(what, known)} Write bioplaus device list, show NAME or fit FILE")
    if what == "list":
        if name is not None or given:
            raise ConfigError("device list takes nothing more; bioplaus device show NAME shows one device")
        return listing(as_json=as_json)
    if name is None or "=" in name:
        wanted = {"show": "NAME, a device; see bioplaus device list", "fit": "FILE, with a pulse number and a conductance per line"}[what]
        raise ConfigError(f"device {what} needs {wanted}")
    return shown(name, given, as_json=as_json) if what == "show" else fitted(name, given, as_json=as_json)


def rows() -> list[dict[str, Any]]:
    """Return what a list shows of every device, as plain data."""
    found = []
    for name in choice.names():
        device = get(name)
        entry = {"name": name, "model": device.model, "description": DEVICES.summary(name), "source": device.source}
        found.append(finite({**entry, "g_min": device.g_min, "g_max": device.g_max, **summary(device)}))
    return found


def summary(device: Device) -> dict[str, Any]:
    """Return the numbers that one compares devices by."""
    return {
        "on_off": device.on_off,
        "levels": list(device.levels),
        "nonlinearity": list(device.nonlinearity),
        "cycle_noise": getattr(device, "cycle_noise", None),
        "symmetry_point": device.symmetry_point(),
    }


def listing(*, as_json: bool = False) -> str:
    """Return the list of devices, one per line or one JSON object ``{"devices": [...]}``."""
    found = rows()
    if as_json:
        return json.dumps({"devices": found}, allow_nan=False)
    lines = table([HEAD, *(cells(row) for row in found)])
    note = "noise: from cycle to cycle, per pulse; of the range where Gmax/Gmin is given, else of one step. Nonlinearity: labels of NeuroSim."
    return "\n".join([*lines, "", f"  {note}", "  bioplaus device show NAME draws one; docs/devices.md explains the columns."])


def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a row of the list in words, a cell per column."""
    up, down = row["levels"]
    labels = ["reset" if value is None else f"{round(value, 2) + 0.0:.2f}" for value in row["nonlinearity"]]
    ratio = "-" if row["on_off"] is None else f"{row['on_off']:.3g}"
    noise = "-" if row["cycle_noise"] is None else f"{100 * row['cycle_noise']:g} %"
    return row["name"], row["model"], ratio, f"{up} / {down}", " / ".join(labels), noise, row["source"]


def _options(given: Mapping[str, Any], *known: str) -> dict[str, Any]:
    """Return some of the options, taken out of the others, as text where they are given."""
    return {key: str(given[key]) for key in known if given.get(key) is not None}


def _drawn(pictures: list[Picture], given: Mapping[str, Any], as_json: bool) -> list[str]:
    """Draw, unless ``figure=false``, or under --json where no folder is given."""
    wanted = given.get("figure")
    if wanted not in (None, True, False):
        raise ConfigError(f"figure={wanted} must be true or false")
    if wanted is False or (wanted is None and as_json and "out" not in given):
        return []
    from bioplaus.plots import draw_picture

    return [str(draw_picture(picture, _folder(given))) for picture in pictures]


def _folder(given: Mapping[str, Any]) -> Path:
    return Path(_options(given, "out").get("out", FOLDER)).expanduser()


def shown(name: str, given: Mapping[str, Any], *, as_json: bool = False) -> str:
    """Return what ``bioplaus device show NAME`` prints.

    Raises
    ------
    BioplausError
        One line: an unknown device or key, a value out of range, a file that is none.
    """
    from bioplaus.answers.device_pictures import picture

    device = get(name, **{key: value for key, value in given.items() if key not in ("out", "figure")})
    stem = Path(name).stem
    paths = _drawn([picture(device, stem)], given, as_json)
    values = {"name": stem, "model": device.model, "source": device.source, **summary(device), **_steps(device), "parameters": device.values()}
    if as_json:
        return json.dumps({**finite(values), **({"figures": paths} if paths else {})}, allow_nan=False)
    head = f"{stem}: {DEVICES.summary(name)}" if name in DEVICES.names() else f"{stem}: a device of the model {device.model}"
    return "\n".join([head, *table(_numbers(device)), "", *_settings(device), *(f"figure: {path}" for path in paths)])


def _steps(device: Device) -> dict[str, Any]:
    """Return the steps at both ends and in the middle, in parts of the range."""
    return {f"{side}_step": [getattr(device, f"{side}_step")(g) for g in (0.0, 0.5, 1.0)] for side in ("up", "down")}


def _numbers(device: Device) -> list[tuple[str, str]]:
    up, down = device.levels
    law = (type(device).__doc__ or "").strip().splitlines()[0].replace("``", "")
    found = [("model", f"{device.model}: {law}"), ("source", device.source or "-")]
    if device.g_min is not None and device.g_max is not None:
        ratio = f", Gmax/Gmin = {device.on_off:.4g}" if device.on_off and math.isfinite(device.on_off) else ""
        found.append(("conductance", f"{device.g_min:.5g} .. {device.g_max:.5g} S{ratio}"))
    if hasattr(device, "span"):
        found.append(("weight", f"{device.weight(0.0):g} .. {device.weight(1.0):g}"))
    found.append(("pulses", f"{up} up, {'a reset' if device.one_sided else down} down, from one end of the range to the other"))
    for side, index in (("up", 0), ("down", 1)):
        if side == "down" and device.one_sided:
            continue
        steps = _steps(device)[f"{side}_step"]
        told = f"{steps[0]:.4g} at g = 0, {steps[1]:.4g} at 0.5, {steps[2]:.4g} at 1, in parts of the range, before clipping at its ends"
        found.append((f"step {side}", f"{told}; nonlinearity {device.nonlinearity[index]:.4g}"))
        if device.g_min is not None and device.g_max is not None:
            grid = np.asarray(getattr(device, f"{side}_step")(np.linspace(0, 1, 201))) * (device.g_max - device.g_min)
            found.append((f"dG {side}", f"{grid.min():.4g} .. {grid.max():.4g} S"))
    found.append(("symmetry point", _symmetry(device)))
    found.append(("noise", "; ".join(_noise(device)) or "none"))
    return found


def _symmetry(device: Device) -> str:
    point = device.symmetry_point()
    if point is None:
        return "none: steps up and down agree nowhere" if not device.one_sided else "none: depression is a reset"
    where = f"w = {device.weight(point):.4g}" if device.g_min is None or device.g_max is None else f"{device.siemens(point):.5g} S"
    return f"g = {point:.4g} ({where}), step {device.up_step(point):.4g}"


def _noise(device: Device) -> list[str]:
    """Return each kind of noise that the device has, in words."""
    values, docs = device.values(), field_docs(type(device))
    kinds = [key for key in docs if key.endswith(("_noise", "_spread")) or key in ("noise_floor", "noise_slope")]
    return [f"{key} {values[key]:g}" for key in kinds if values[key]]


def _settings(device: Device) -> list[str]:
    docs, values = field_docs(type(device)), device.values()
    return [line for key in values if key != "source" for line in (f"  {key}={written(values[key])}", f"      {docs[key]}")]


def fitted(file: str, given: Mapping[str, Any], *, as_json: bool = False) -> str:
    """Return what ``bioplaus device fit FILE`` prints, and write the fitted device beside its figure.

    Raises
    ------
    BioplausError
        One line: a file that cannot be used, and why; an unknown key or model; a folder that cannot be written.
    """
    from bioplaus.answers.device_pictures import fit_picture
    from bioplaus.plasticity.devices.fitting import fit, fit_all
    from bioplaus.plasticity.devices.pulse_file import UNITS, read_pulses

    known = ["model", "unit", "out", "figure"]
    for key in given:
        if key not in known:
            raise ConfigError(f"unknown key '{key}'{nearest(key, known)} device fit takes {', '.join(known)}")
    unit = str(given.get("unit", "S"))
    if unit not in UNITS:
        raise ConfigError(f"unit={unit} is not known; choose one of {', '.join(UNITS)}")
    data, stem = read_pulses(file, unit), Path(file).stem
    ranked = [fit(data, str(given["model"]))] if given.get("model") is not None else fit_all(data)
    best = ranked[0]
    paths = _drawn([fit_picture(data, ranked, stem)], given, as_json)
    parameters = {key: value for key, value in best.device.values().items() if key != "source"}
    ranking = [
        {"model": one.model, "rmse": one.rmse, "rmse_relative": one.relative, "bic": one.bic, "free": one.parameters} for one in ranked
    ]
    values: dict[str, Any] = {"model": best.model, "parameters": parameters, "rmse": best.rmse, "rmse_relative": best.relative}
    values |= {"ranking": ranking, "lines_against_their_branch": list(data.against), "depression_from_line": data.turn}
    saved = choice.save(best.device, _folder(given) / f"{stem}.json", fitted={"file": Path(file).name, "rmse": best.rmse, "start": best.start})
    warning = f"no model comes nearer than {best.relative:.0%} of the range; look at the figure before you use the device"
    warning = warning if best.relative > POOR else _beyond(best, data)
    values |= {"warning": warning or None, "start": best.start, "device_file": str(saved)} | ({"figures": paths} if paths else {})
    if as_json:
        return json.dumps(finite(values), allow_nan=False)
    head = f"{file}: {len(data.up)} measurements of potentiation, {len(data.down)} of depression, range {data.range:.4g} S"
    head += "" if "unit" in given else " (read as siemens; unit=uS or another if the file has other units)"
    if data.turn is not None:
        head += f"\n  Depression is taken to begin with line {data.turn}; a third column with signs (+1, -1) says so for certain"
    if data.against:
        where = ", ".join(map(str, data.against[:5])) + (" ..." if len(data.against) > 5 else "")
        head += f"\n  {len(data.against)} of them move against the direction of their branch (lines {where}): taken as noise"
    if warning:
        head += f"\n  Warning: {warning}"
    order = [("model", "rmse, S", "of the range", "free parameters", "BIC")]
    order += [(one.model, f"{one.rmse:.4g}", f"{one.relative:.3%}", str(one.parameters), f"{one.bic:.1f}") for one in ranked]
    lines = [f"  {key}={value:.6g}" if isinstance(value, float) else f"  {key}={written(value)}" for key, value in _told(best.device).items()]
    after = [f"device: {saved}", *(f"figure: {path}" for path in paths), f"next: bioplaus device show {saved}"]
    after.append(f"      bioplaus simulate rule=bp plasticity=memristor plasticity.device={saved}")
    return "\n".join([head, *table(order), "", f"{best.model}, its fields that are not at their defaults:", *lines, *after])


def _beyond(best: Fitted, data: PulseData) -> str:
    """Return a warning of bounds far out of what was measured, "" if there are none."""
    low, high = (float(of([of(data.up), of(data.down)])) for of in (min, max))
    out = {"g_min": low - (best.device.g_min or 0.0), "g_max": (best.device.g_max or 0.0) - high}
    far = [name for name, by in out.items() if by > FAR * data.range]
    if not far:
        return ""
    which = " and ".join(f"{name}={getattr(best.device, name):.3g} S" for name in far)
    return f"{which}: far beyond the measured {low:.3g} to {high:.3g} S, which the data do not hold; give both ends more pulses, or model=..."


def _told(device: Device) -> dict[str, Any]:
    """Return the fields that differ from the model's defaults."""
    usual = type(device)().values()
    return {key: value for key, value in device.values().items() if value != usual[key] and key != "source"}
