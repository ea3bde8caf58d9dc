"""Diluted patterns and noisy examples of them, drawn anew for every seed: the quenched disorder of the Hopfield family.

Patterns are drawn from the model, or are pictures: black-and-white digits, each with a part of it left blank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bioplaus.data.base import DataConfig, Patterns, Splits
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SUMMARY", "Config", "PatternsConfig", "draw", "locate"]

SUMMARY = "K diluted patterns and M noisy examples of each, drawn per seed; or partly blank pictures (data.images=digits|mnist)"


@dataclass
class PatternsConfig(DataConfig):
    """Settings of patterns and examples."""

    name: str = "patterns"
    validation: float = 0.0
    """Always 0: a run of one pass has nothing to choose."""
    N: int | None = ranged(None, 1)
    """Neurons, one per entry of a pattern; 1000 if not given, and for pictures their pixels."""
    K: int = ranged(3, 1)
    """Patterns."""
    d: float = ranged(0.3, 0, below=1)
    """Dilution: probability that an entry is blank."""
    M: int = ranged(1, 1)
    """Examples of each pattern."""
    r: float = ranged(1.0, above=0, high=1)
    """Quality of an example: an entry keeps its sign with probability (1 + r)/2; 1 is without noise."""
    images: str = choice("none", "none", "digits", "mnist")
    """Whether patterns are pictures: none (drawn from the model) | digits | mnist (of different classes; pixels above half are +1)."""
    mask: str = choice("complementary", "complementary", "random")
    """Blanks of pictures: complementary (each shows its own K-th part, a band) | random (every pixel with probability d)."""


Config = PatternsConfig


def locate(config: PatternsConfig) -> None:
    """Look for the pictures, if patterns are pictures.

    Raises
    ------
    ConfigError, DataError
        A setting that does not fit, or files that are missing.
    """
    if config.validation or config.limit is not None or config.augment != "none":
        raise ConfigError("data=patterns takes no data.validation, data.limit or data.augment: K and M say how many examples there are")
    if config.images == "none":
        _check_size(config.N or 1000, config)
        return
    if config.N is not None:
        raise ConfigError(f"data.N={config.N}: pictures have as many neurons as pixels; leave data.N out")
    if config.K > 10:
        raise ConfigError(f"data.K={config.K} must be at most 10 for pictures, one per class")
    from bioplaus import data

    data.locate(_picture_config(config))


def _check_size(N: int, config: PatternsConfig) -> None:
    if N < 2 * config.K:
        raise ConfigError(f"data.N={N} is too small for K={config.K} patterns; take N >= {2 * config.K}, better thousands")


def draw(config: PatternsConfig, seeds: tuple[int, ...]) -> Splits:
    """Return training examples ``[S, K M, N]``, one fresh example of each pattern as test set, and the patterns themselves."""
    import numpy as np

    from bioplaus.disorder import draw_examples, draw_patterns

    locate(config)
    size: tuple[int, int] | None = None
    d = config.d
    if config.images == "none":
        xi = np.stack([draw_patterns(seed, config.K, config.N or 1000, d) for seed in seeds])
    else:
        pictures, labels = _pictures(config)
        size = (pictures.shape[-2], pictures.shape[-1])
        xi = np.stack([_masked(seed, pictures, labels, config) for seed in seeds])
        d = 1 - 1 / config.K if config.mask == "complementary" else d
    # the last example of each pattern is the test set: more training examples leave those before them as they are
    examples = np.stack([draw_examples(seed, one, config.M + 1, config.r) for seed, one in zip(seeds, xi)])
    train = examples[:, :, 1:].reshape(len(seeds), config.K * config.M, -1)
    labels = np.repeat(np.arange(config.K), config.M)
    index, none = np.arange(config.K * config.M), np.zeros(0, dtype=np.int64)
    return Splits(
        name="patterns",
        train_x=train.astype(np.float32),
        train_y=np.tile(labels, (len(seeds), 1)),
        validation_x=np.zeros((len(seeds), 0, xi.shape[-1]), dtype=np.float32),
        validation_y=np.zeros((len(seeds), 0), dtype=np.int64),
        test_x=examples[:, :, 0].astype(np.float32),
        test_y=np.tile(np.arange(config.K), (len(seeds), 1)),
        classes=config.K,
        shape=(xi.shape[-1],),
        mean=(0.0,),
        std=(1.0,),
        train_index=index,
        validation_index=none,
        test_index=np.arange(config.K),
        note=f"{config.K} partly blank pictures ({config.images})" if size else "",
        seeds=seeds,
        patterns=Patterns(xi, d, config.M, config.r, model=size is None, image=size),
    )


def _picture_config(config: PatternsConfig) -> DataConfig:
    return DataConfig(name=config.images, root=config.root, validation=0.0, standardise="none", download=config.download)


def _pictures(config: PatternsConfig) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the training pictures ``[n, H, W]`` as +1 and -1, and their classes."""
    import numpy as np

    from bioplaus import data

    splits = data.load(_picture_config(config))
    side = round(splits.train_x[0].size ** 0.5)
    return np.where(splits.train_x.reshape(-1, side, side) > 0.5, 1, -1).astype(np.int8), splits.train_y


def _masked(seed: int, pictures: NDArray[Any], labels: NDArray[Any], config: PatternsConfig) -> NDArray[Any]:
    """Return K pictures of different classes ``[K, H W]`` with their blanks."""
    import numpy as np

    choose = np.random.default_rng([seed, 3])
    classes = choose.permutation(10)[: config.K]
    chosen = np.stack([pictures[choose.choice(np.flatnonzero(labels == c))] for c in classes]).reshape(config.K, -1)
    if config.mask == "random":
        seen = choose.random(chosen.shape) >= config.d
    else:
        band = np.arange(chosen.shape[1]) * config.K // chosen.shape[1]
        seen = band == np.arange(config.K)[:, None]
    return np.where(seen, chosen, 0).astype(np.int8)
