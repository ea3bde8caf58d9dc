"""What sets of a few patterns share, which are training and validation set at once: to learn them is to fit them."""

from __future__ import annotations

from bioplaus.data.base import DataConfig
from bioplaus.errors import ConfigError

__all__ = ["check_whole"]


def check_whole(config: DataConfig) -> None:
    """Refuse what a set without parts cannot have.

    Raises
    ------
    ConfigError
        A part for validation, a limit, or augmentation is asked for.
    """
    if config.validation or config.limit is not None or config.augment != "none":
        raise ConfigError(f"data={config.name} takes no data.validation, data.limit or data.augment: its patterns train and validate at once")
