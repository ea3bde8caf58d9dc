"""Memristive devices: how pulses move a conductance, with the presets of published devices.

``get("ag_asi").pulse(g, n)`` is where to begin. Third parties register a `Device`, or a class of devices, as an entry point of the group
``bioplaus.devices``.
"""

from bioplaus.plasticity.devices.base import Device
from bioplaus.plasticity.devices.choice import MODELS, get, having, load, names, save

__all__ = ["MODELS", "Device", "get", "having", "load", "names", "save"]
