"""A device by name, with some numbers changed, or from a file."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from bioplaus.errors import ConfigError, DataError, RunError
from bioplaus.plasticity.devices.base import Device
from bioplaus.registry import DEVICES, nearest

__all__ = ["FORMAT", "MODELS", "get", "having", "load", "model_class", "names", "save"]

#: First entry of a device file.
FORMAT = "bioplaus device 1"
#: model -> its class
MODELS = {
    "exponential": "exponential:Exponential",
    "linear": "linear:Linear",
    "constant_step": "constant_step:ConstantStep",
    "linear_step": "linear_step:LinearStep",
    "soft_bounds": "soft_bounds:SoftBounds",
    "pow_step": "pow_step:PowStep",
    "exp_step": "exp_step:ExpStep",
    "one_sided": "one_sided:OneSided",
}


def names() -> list[str]:
    """Return the names of all devices, those of third parties last."""
    return DEVICES.names()


def get(name: str, **changes: Any) -> Device:
    """Return a device by its name, or from a file whose name ends in ``.json``, with some of its fields changed.

    Raises
    ------
    ConfigError, DataError
        One line: an unknown name (with the nearest one), an unknown field, a value out of range, a file that cannot be read.

    Examples
    --------
    >>> round(get("epiram").pulse(0.0, 16), 6)
    0.288338
    """
    if name.endswith(".json"):
        return having(load(name), changes)
    found = DEVICES.get(name)
    found = found() if isinstance(found, type) else found
    if not isinstance(found, Device):
        raise ConfigError(f"device '{name}' is registered but is no Device of bioplaus.plasticity.devices")
    return having(found, changes)


def having(device: Device, changes: Mapping[str, Any]) -> Device:
    """Return a device with some of its fields changed.

    Raises
    ------
    ConfigError
        One line, as for `get`.
    """
    known = [f.name for f in fields(device)]
    for key in changes:
        if key not in known:
            raise ConfigError(f"unknown key '{key}' of a device of the model {device.model}{nearest(key, known)} Known: {', '.join(known)}")
    return replace(device, **changes) if changes else device


def model_class(name: str) -> type[Device]:
    """Return the class of a model.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if name not in MODELS:
        raise ConfigError(f"unknown device model '{name}'{nearest(name, list(MODELS))} Known: {', '.join(MODELS)}")
    module, _, attribute = MODELS[name].partition(":")
    found: type[Device] = getattr(importlib.import_module(f"bioplaus.plasticity.devices.{module}"), attribute)
    return found


def save(device: Device, path: str | Path, **beside: Any) -> Path:
    """Write a device as a JSON file, whole or not at all; whatever is given beside it is kept for readers.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    content = {"format": FORMAT, "model": device.model, "parameters": device.values(), **beside}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if path.parent.is_dir():
            temporary.unlink(missing_ok=True)
    return path


def load(path: str | Path) -> Device:
    """Read a device file: JSON with "format", "model" and "parameters"; it is data, nothing in it is executed.

    Raises
    ------
    DataError
        If it cannot be read, or is no device file.
    ConfigError
        If a parameter is unknown or out of range.
    """
    try:
        content = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"device file {path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"device file {path} is not JSON: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DataError(f'device file {path} does not say "format": "{FORMAT}"; bioplaus device fit writes such files')
    model, parameters = content.get("model"), content.get("parameters")
    if not isinstance(model, str) or not isinstance(parameters, dict):
        raise DataError(f'device file {path} needs "model", a name, and "parameters", a mapping')
    cls = model_class(model)
    known = [f.name for f in fields(cls)]
    for key in parameters:
        if key not in known:
            raise ConfigError(f"device file {path}: unknown parameter '{key}' of {model}{nearest(key, known)} Known: {', '.join(known)}")
    return cls(**parameters)
