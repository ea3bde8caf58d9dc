"""What the network presets share: their settings and the builder that turns populations into layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged

if TYPE_CHECKING:
    from bioplaus.leaves import Init
    from bioplaus.norm import BatchNorm
    from bioplaus.operations import Operation

__all__ = ["NetworkConfig", "check_widths", "flat_size", "flattening", "start", "with_norm"]


@dataclass
class NetworkConfig:
    """Settings that every network preset has."""

    name: str = "mlp"
    """Registered name of the preset."""
    bias: bool = False
    """Whether units (channels) have a bias, which starts at 0."""
    norm: str = choice("none", "none", "batch", "batch_fixed")
    """Batch normalisation of every hidden layer: none | batch (learned gain and shift) | batch_fixed (neither)."""
    norm_place: str = choice("current", "current", "input")
    """Where it stands: current (between connection and neuron) | input (before the connection)."""
    init: str = choice("uniform", "uniform", "normal", "truncated", "truncated_fan_in", "orthogonal", "zero")
    """Start of the weights: uniform (U(-1,1)/sqrt(fan_in)) | normal (N(0,1)/sqrt(fan_in)) | truncated (N(0,1) within 2) | truncated_fan_in (that
    /sqrt(fan_in)) | orthogonal | zero."""
    init_scale: float = ranged(1.0, 0)
    """Factor on the start, dimensionless, >= 0."""
    dendrites: bool = False
    """Whether hidden and output layers may grow dendrites (a rule has to grow them)."""


def start(config: NetworkConfig) -> Init:
    """Return the start that the settings name."""
    from bioplaus.leaves import Init

    return Init(config.init, config.init_scale)


def with_norm(
    config: NetworkConfig, layer: str, in_shape: tuple[int, ...], out_shape: tuple[int, ...], *, hidden: bool = True
) -> tuple[list[BatchNorm], BatchNorm | None]:
    """Return (operations before, norm of the current) for one layer."""
    if config.norm == "none" or not hidden:
        return [], None
    from bioplaus.norm import BatchNorm

    affine = config.norm == "batch"
    if config.norm_place == "input":
        return [BatchNorm(f"{layer}/norm", in_shape, affine=affine)], None
    return [], BatchNorm(f"{layer}/norm", out_shape, affine=affine)


def check_widths(widths: Sequence[int], key: str) -> None:
    """Raise ConfigError unless every width is at least 1."""
    if any(width < 1 for width in widths):
        raise ConfigError(f"{key}={list(widths)}: every width must be at least 1")


def flattening(in_shape: tuple[int, ...]) -> list[Operation]:
    """Return what a dense first layer does to its input: samples of several axes become rows."""
    from bioplaus.operations import Flatten

    return [Flatten(in_shape)] if len(in_shape) > 1 else []


def flat_size(shape: tuple[int, ...]) -> int:
    """Return the number of values of one sample."""
    n = 1
    for side in shape:
        n *= side
    return n

