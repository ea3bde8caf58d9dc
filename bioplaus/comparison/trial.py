"""Whether a row can run at all, found out before any process starts: one network of it is made and takes one step on a few samples."""

from __future__ import annotations

from collections.abc import Callable

import torch

from bioplaus import build, data, registry
from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.errors import ConfigError
from bioplaus.feed import Feed
from bioplaus.settings import Settings
from bioplaus.world import new_world

__all__ = ["Trial", "trial_of"]

#: Says why settings cannot run on the data and the machine at hand, "" if they can.
Trial = Callable[[Settings], str]
#: Samples of the step at most.
SAMPLES = 8


def trial_of(reference: Settings) -> Trial:
    """Return the trial for rows that share data and device with the reference; the data are loaded once."""
    splits, cpu = data.load(reference.data, tasks=reference.top.tasks), torch.device("cpu")
    build.choose_device(reference.top.device)

    def trial(settings: Settings) -> str:
        try:
            model = build.build_model(settings, splits, [0], cpu)
            refusal = registry.ENGINES.get(settings.top.backend)().refuses(model, settings.top.batch_size)
            if refusal:
                return f"backend={settings.top.backend} cannot run this: {refusal}"
            count = min(settings.top.batch_size, SAMPLES, len(splits.train_x))
            x = torch.from_numpy(splits.train_x[:count]).to(model.streams.dtype)
            y, code = torch.from_numpy(splits.train_y[:count]), build.encoding(settings)
            feed = Feed(x, y, settings.data.augment, build.echoes(settings), encoding=code)
            LoopEngine().advance(model, new_world(model), Block(feed, (torch.arange(count).unsqueeze(0),), 0, 1, 1, lambda: False))
        except ConfigError as error:
            return str(error)
        except Exception:  # a defect of the rule, which its row will meet again and keep with its traceback
            pass
        return ""

    return trial
