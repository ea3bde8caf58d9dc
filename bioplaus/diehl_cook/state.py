"""All that changes in a Diehl & Cook network, as named arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from bioplaus.diehl_cook.parameters import DiehlCook
from bioplaus.dynamics.random import seeded, uniform
from bioplaus.errors import ConfigError

__all__ = ["NEVER", "State", "checked", "copied", "new_state"]

Array = np.ndarray[Any, Any]
#: Age of what has not happened, in steps.
NEVER = 2**30


class State(NamedTuple):
    """P inputs, N neurons of each kind, delays of at most D steps.

    A checkpoint is ``state._asdict()``; ``State(**arrays)`` goes on bit for bit.
    """

    weights: Array
    """From input i to excitatory neuron j, float64 ``[P, N]``."""
    delays: Array
    """Of these synapses, in steps, int16 ``[P, N]``, 0..D."""
    past: Array
    """Steps at which each input last fired, a ring of as many as a trace may have to look back to, int64 ``[P, D + 2]``."""
    newest: Array
    """Where in past the last one is, int64 ``[P]``."""
    theta: Array
    """Adaptive part of the threshold, mV, float64 ``[N]``."""
    v_e: Array
    """Excitatory voltages, mV, float64 ``[N]``."""
    v_i: Array
    """Inhibitory voltages, mV, float64 ``[N]``."""
    g_e: Array
    """Excitatory conductances of excitatory neurons, float64 ``[N]``."""
    g_i: Array
    """Inhibitory conductances of excitatory neurons, float64 ``[N]``."""
    g_ei: Array
    """Excitatory conductances of inhibitory neurons, float64 ``[N]``."""
    post_1: Array
    """Fast trace of excitatory spikes, float64 ``[N]``."""
    post_2: Array
    """Slow trace of excitatory spikes, float64 ``[N]``."""
    since_e: Array
    """Steps since each excitatory neuron's last spike, int64 ``[N]``."""
    since_i: Array
    """Steps since each inhibitory neuron's last spike, int64 ``[N]``."""
    recent: Array
    """Inputs that fired in each of the last D + 1 steps; step t is in row t mod (D + 1). Uint16 ``[D + 1, P]``."""
    recent_counts: Array
    """How many of a row of recent count, int64 ``[D + 1]``."""
    clock: Array
    """Steps so far, int64 ``[1]``."""
    words: Array
    """State of the random generator, uint64 ``[4]``."""


def new_state(p: DiehlCook, seed: int = 0) -> State:
    """Return a network that has seen nothing: weights ``w_scale (U(0, 1) + w_offset)``, delays ``U(0, delay_max)`` rounded to steps.

    Parameters
    ----------
    p
        Parameters.
    seed
        0 <= seed < 2^64; weights, delays and all later input spikes follow from it.

    Raises
    ------
    ConfigError
        A seed outside its range.
    """
    if not 0 <= seed < 2**64:
        raise ConfigError(f"seed={seed}: must be >= 0 and < 2^64")
    words = seeded(np.uint64(seed))
    size, N = (p.inputs, p.neurons), p.neurons
    weights = p.w_scale * (_uniforms(words, p.inputs * N).reshape(size) + p.w_offset)
    delays = np.rint(_uniforms(words, p.inputs * N).reshape(size) * (p.delay_max / p.dt)).astype(np.int16)
    rows = p.steps(p.delay_max) + 1
    return State(
        weights=weights,
        delays=delays,
        past=np.full((p.inputs, rows + 1), -NEVER, np.int64),
        newest=np.zeros(p.inputs, np.int64),
        theta=np.full(N, p.theta_start, np.float64),
        v_e=np.full(N, p.rest_e - p.start_below),
        v_i=np.full(N, p.rest_i - p.start_below),
        g_e=np.zeros(N),
        g_i=np.zeros(N),
        g_ei=np.zeros(N),
        post_1=np.zeros(N),
        post_2=np.zeros(N),
        since_e=np.full(N, NEVER, np.int64),
        since_i=np.full(N, NEVER, np.int64),
        recent=np.zeros((rows, p.inputs), np.uint16),
        recent_counts=np.zeros(rows, np.int64),
        clock=np.zeros(1, np.int64),
        words=words,
    )


def copied(state: State) -> State:
    """Return a state of its own, with the same values: what is tested on it leaves the original alone."""
    return State(*(array.copy() for array in state))


def checked(state: State, p: DiehlCook) -> None:
    """Refuse arrays that do not fit the parameters: compiled code would read past their ends.

    Raises
    ------
    ConfigError
        An array of another shape or type, a delay above delay_max.
    """
    P, N, rows = p.inputs, p.neurons, p.steps(p.delay_max) + 1
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("weights", "delays"), (P, N))
    shapes |= {
        "past": (P, rows + 1),
        "newest": (P,),
        "recent": (rows, P),
        "recent_counts": (rows,),
        "clock": (1,),
        "words": (4,),
    }
    types: dict[str, Any] = {"delays": np.int16, "recent": np.uint16, "words": np.uint64}
    types |= dict.fromkeys(("past", "newest", "since_e", "since_i", "recent_counts", "clock"), np.int64)
    for name, array in state._asdict().items():
        shape, kind = shapes.get(name, (N,)), np.dtype(types.get(name, np.float64))
        if array.shape != shape or array.dtype != kind or not array.flags.c_contiguous:
            raise ConfigError(f"state.{name}: {array.dtype} {array.shape}; must be {kind} {shape}, C-contiguous")
    if state.delays.min() < 0 or state.delays.max() >= rows:
        raise ConfigError(f"state.delays: {state.delays.min()}..{state.delays.max()} steps; must be in 0..{rows - 1}")


@numba.njit(cache=True)
def _uniforms(words: Any, n: int) -> Any:
    found = np.empty(n)
    for k in range(n):
        found[k] = uniform(words)
    return found
