"""What is answered when a rule uses a verb during a replay: what is heard now, what was heard then, or something disturbed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from bioplaus.audit.taps import Call

__all__ = ["Listener", "nobody", "shaken"]

Tape = Mapping[Call, Tensor]


def nobody(call: Call) -> bool:
    """No call."""
    return False


class Listener:
    """Hears every call, keeps what it heard in `heard`, and answers.

    Parameters
    ----------
    tape
        What the same calls brought when the window was recorded.
    pin
        Calls that are answered from the tape, whatever comes of them now. A call that is not on the tape is never pinned.
    shake
        Calls whose answer is disturbed by noise of its own size.
    """

    def __init__(self, tape: Tape | None = None, pin: Callable[[Call], bool] = nobody, shake: Callable[[Call], bool] = nobody) -> None:
        self.tape: Tape = tape or {}
        self.pin, self.shake = pin, shake
        self.heard: dict[Call, Tensor] = {}

    def __call__(self, call: Call, out: Tensor) -> Tensor:
        self.heard[call] = out.detach().clone()
        kept = self.tape.get(call)
        if kept is not None and kept.shape == out.shape and self.pin(call):
            # the value of then on the graph of now: a rule may use autograd inside a layer
            out = kept + (out - out.detach()) if out.requires_grad else kept.clone()
        return shaken(out, call.turn) if self.shake(call) else out

    @property
    def moved(self) -> set[Call]:
        """Calls that brought something else than on the tape, or stand on one of the two only."""
        both = self.heard.keys() & self.tape.keys()
        return {call for call in both if not torch.equal(self.heard[call], self.tape[call])} | (self.heard.keys() ^ self.tape.keys())


def shaken(value: Tensor, seed: int = 0) -> Tensor:
    """Return ``value + s N(0, 1)``, s its own standard deviation (1 where that is 0 or unknown): other everywhere, finite, never NaN."""
    spread = float(value.detach().std()) if value.numel() > 1 else 0.0
    noise = torch.randn(value.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(value.dtype)
    return value + noise * (spread if 0 < spread < float("inf") else 1.0)
