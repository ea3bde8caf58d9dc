"""What a data set is: its configuration, what a source hands over, and what a run receives.

Nothing here imports numpy or torch when it is loaded, so the command line can show the fields at once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bioplaus.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Ints = NDArray[np.int64]

__all__ = [
    "AUGMENTATIONS",
    "IMAGENET",
    "STANDARDISATIONS",
    "DataConfig",
    "Patterns",
    "Raw",
    "Source",
    "Splits",
    "check_config",
    "data_root",
]

AUGMENTATIONS = ("none", "flip_crop")
ENCODINGS = ("auto", "direct", "rate", "latency", "latency_linear")
STANDARDISATIONS = ("auto", "none", "imagenet")
#: means and standard deviations of the three colours over ImageNet, with which much published code scales other photographs too
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass
class DataConfig:
    """Which data, how they are split and scaled (``data.*`` on the command line)."""

    name: str = "digits"
    """Name of the data set; `bioplaus.data.names` lists them."""

    root: str | None = None
    """Folder with the data sets; default: $BIOPLAUS_DATA, else $XDG_CACHE_HOME/bioplaus, else ~/.cache/bioplaus."""

    limit: int | None = None
    """Train on exactly this many images, taken after the validation split; default: all."""

    draws: int | None = None
    """An epoch is so many training images drawn at random with replacement; default: every one of them once."""

    validation: float = 0.1
    """Fraction of the training set kept for validation, 0 <= validation < 1."""

    split_seed: int = 0
    """Seed of the random splits, >= 0; apart from the run's seeds, so that all runs see the same split."""

    augment: str = "none"
    """Random change of training images: none | flip_crop (mirror; crop after 4-pixel edge padding)."""

    standardise: str = "auto"
    """Scaling of the inputs: auto (as published for the data set) | none (pixels as they are, in 0..1) | imagenet (by its three colours)."""

    download: bool = False
    """Fetch missing files of a known set from openml.org into the data folder."""

    encode: str = "auto"
    """Inputs over time, for spiking units: auto (direct) | direct (constant current) | rate | latency | latency_linear (spikes)."""

    encode_gain: float = 1.0
    """Rate coding: probability of a spike per step is gain times the input, clipped to [0, 1]; > 0."""

    encode_tau: float = 0.0
    """Latency coding: time constant in steps; 0 scales times to reach from the first to the last step in each sample."""

    encode_threshold: float = 0.01
    """Latency coding: inputs below it send no spike, in (0, 1)."""


@dataclass(frozen=True)
class Splits:
    """A data set, split and scaled, ready for a run.

    Attributes
    ----------
    name : str
        Name of the data set.
    train_x, validation_x, test_x : float32 [N, *shape], C-contiguous
        Inputs, ``(p - mean) / std`` with pixels ``p`` in 0..1. The validation part may be empty.
    train_y, validation_y, test_y : int64 [N], or float [N, K]
        Labels in 0..classes-1; or K real-valued targets of each sample, which make the task one of regression.
    classes : int
        Number of classes, or of targets, K.
    shape : tuple of int
        Shape of one input: ``(n,)`` or ``(C, H, W)``.
    mean, std : tuple of float
        What the inputs were scaled with: one value for all entries, or one per channel. (0,) and (1,): not
        scaled.
    train_index, validation_index : int64 [N], ascending
        Positions of the rows in the source's training set.
    test_index : int64 [N], ascending
        Positions of the rows in the source's test set. A source that is one array without a published split
        (digits, synthetic) counts all three indices in that array.
    note : str
        To be printed beside every figure made from these data, e.g. "CIFAR-10 (JPEG)"; else empty.
    seeds : tuple of int or None
        Seeds that the samples were drawn for: every array of samples and labels then has one more axis in front, a set of its own for
        each seed (quenched disorder). None: one set for all.
    patterns : Patterns or None
        What the samples are noisy examples of, where the task is to recall it.
    teachers : float32 [S, T, N] or None
        Binary teachers that labelled the samples of all T tasks, one row of them for each seed.
    later : tuple of Splits
        The tasks that come after this one, where a run learns several in sequence.
    """

    name: str
    train_x: Floats
    train_y: Ints
    validation_x: Floats
    validation_y: Ints
    test_x: Floats
    test_y: Ints
    classes: int
    shape: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    train_index: Ints
    validation_index: Ints
    test_index: Ints
    note: str = ""
    seeds: tuple[int, ...] | None = None
    patterns: Patterns | None = None
    teachers: Floats | None = None
    later: tuple[Splits, ...] = ()

    @property
    def real(self) -> bool:
        """Whether the targets are real-valued."""
        return self.train_y.dtype.kind == "f"


@dataclass(frozen=True)
class Patterns:
    """Diluted patterns behind noisy examples, one set per seed.

    Attributes
    ----------
    xi : int8 [S, K, N]
        Entries +1, -1, or 0 for a blank.
    d : float
        Nominal share of blanks, in [0, 1).
    M : int
        Examples of each pattern in the training set, >= 1.
    r : float
        Quality of an example, in (0, 1]: an entry keeps its sign with probability (1 + r)/2.
    model : bool
        Whether the entries are independent, as theory takes them.
    image : tuple of int or None
        (H, W) with H W = N where a pattern is a picture.
    """

    xi: NDArray[np.int8]
    d: float
    M: int
    r: float
    model: bool = True
    image: tuple[int, int] | None = None


@dataclass(frozen=True)
class Raw:
    """What a source reads from disk, before the validation split and scaling.

    Attributes
    ----------
    train_x, test_x : array [N, *shape]
        Inputs as stored (uint8 or float32).
    train_y, test_y : integer array [N]
        Labels in 0..classes-1.
    classes : int
        Number of classes.
    shape : tuple of int
        Shape of one input.
    scale : float
        The stored value that stands for 1 (255 for bytes); inputs are divided by it first.
    mean, std : tuple of float or None
        Published standardisation after that division, one value or one per channel. None: one mean and one
        standard deviation of the training pixels are measured.
    train_index, test_index : int64 [N] or None
        Positions of the rows in the source; None: 0..N-1.
    note : str
        See `Splits`.
    validation : int
        The first so many rows of the training set are the validation set, in place of a random part; 0: a random part.
    """

    train_x: NDArray[Any]
    train_y: NDArray[Any]
    test_x: NDArray[Any]
    test_y: NDArray[Any]
    classes: int
    shape: tuple[int, ...]
    scale: float = 1.0
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    train_index: Ints | None = None
    test_index: Ints | None = None
    note: str = ""
    validation: int = 0


class Source(Protocol):
    """A data set: a module (or object) with these three names.

    In place of ``read`` it may have ``draw(config, seeds) -> Splits``, for data that every seed has drawn anew; ``Config``, a subclass
    of `DataConfig`, for settings of its own; and ``sequence(config, seeds, tasks) -> list[Splits]``, for data that come as tasks.
    """

    SUMMARY: str
    """One line for lists."""

    def locate(self, config: DataConfig) -> None:
        """Raise DataError at once, reading no arrays, if files are missing; say how to get them."""

    def read(self, config: DataConfig) -> Raw:
        """Read the arrays; raise DataError if they are damaged."""


def check_config(config: DataConfig) -> None:
    """Check every field that can be judged without the data.

    Raises
    ------
    ConfigError
        A value out of range.
    """
    if not 0 <= config.validation < 1:
        raise ConfigError(f"data.validation={config.validation} must be at least 0 and below 1")
    if config.limit is not None and (not isinstance(config.limit, Integral) or config.limit <= 0):
        raise ConfigError(f"data.limit={config.limit} must be a whole number >= 1; leave it out for all images")
    if config.draws is not None and (not isinstance(config.draws, Integral) or config.draws <= 0):
        raise ConfigError(f"data.draws={config.draws} must be a whole number >= 1; leave it out to show every image once an epoch")
    if not isinstance(config.split_seed, Integral) or config.split_seed < 0:
        raise ConfigError(f"data.split_seed={config.split_seed} must be a whole number of at least 0")
    if config.augment not in AUGMENTATIONS:
        raise ConfigError(f"data.augment={config.augment} is not known; choose {' or '.join(AUGMENTATIONS)}")
    if config.encode == "delta":
        raise ConfigError(
            "data.encode=delta codes changes, and no data set here has inputs that change over time; bioplaus.data.encodings.delta codes arrays"
        )
    if config.encode not in ENCODINGS:
        raise ConfigError(f"data.encode={config.encode} is not known; choose one of {', '.join(ENCODINGS)}")
    for key, low, high in (("encode_gain", 0, float("inf")), ("encode_threshold", 0, 1)):
        if not low < getattr(config, key) < high:
            raise ConfigError(f"data.{key}={getattr(config, key)} must lie between {low} and {high}")
    if not 0 <= config.encode_tau < float("inf"):
        raise ConfigError(f"data.encode_tau={config.encode_tau} must be at least 0")
    if config.standardise not in STANDARDISATIONS:
        choices = " or ".join(STANDARDISATIONS)
        raise ConfigError(f"data.standardise={config.standardise} is not known; choose {choices}")


def data_root(config: DataConfig) -> tuple[Path, str]:
    """Folder that holds the data sets, and where that choice came from.

    Returns
    -------
    root : Path
        ``config.root``, else the environment variable BIOPLAUS_DATA, else ``bioplaus`` in the user's cache.
    origin : str
        "data.root", "BIOPLAUS_DATA" or "the default".
    """
    if config.root:
        return Path(config.root).expanduser(), "data.root"
    if from_environment := os.environ.get("BIOPLAUS_DATA"):
        return Path(from_environment).expanduser(), "BIOPLAUS_DATA"
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # the XDG specification has relative paths ignored
    return (cache if cache.is_absolute() else Path("~/.cache").expanduser()) / "bioplaus", "the default"
