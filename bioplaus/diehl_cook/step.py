"""One step of the Diehl & Cook network, compiled.

The order within a step, for all neurons at once:

1. Conductances, voltages, timers, theta and traces move on by dt, from their values at the end of the last step.
2. Excitatory and inhibitory neurons above their thresholds fire, and so do inputs.
3. Each synapse onto a neuron that fires gains ``rate_post x y2``, x and y2 being traces before this step's spikes are written into them.
4. Each input spike whose delay is over adds its weight to the neuron's g_e; then that weight loses ``rate_pre y1``, y1 being read as above.
5. Traces of what fired or arrived are set to 1 (set, not added to); theta gains; inhibitory neurons get w_ei, excitatory ones w_ie; voltages
   reset.

A spike and an arrival in the same step therefore do not see each other, and what fires at step t moves a voltage at t + 1.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

__all__ = ["fire_input", "inner", "sorted_by_delay", "step"]

#: Conductances and traces below this change nothing that float64 could show, and are set to 0: smaller numbers would end up denormal, and slow.
_TINY = 1e-30
#: For functions that only compiled code calls: without the wrappers that unpack a state for Python they compile faster.
inner = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]


@inner
def sorted_by_delay(delays: Any, rows: int) -> Any:
    """Return targets of each input in the order of their delays, uint16 ``[P, N]``, and where delay d begins, uint32 ``[P, rows + 1]``."""
    P, N = delays.shape
    targets, starts = np.empty((P, N), np.uint16), np.zeros((P, rows + 1), np.uint32)
    place = np.empty(rows, np.int32)
    for i in range(P):
        for j in range(N):
            starts[i, delays[i, j] + 1] += 1
        for d in range(rows):
            starts[i, d + 1] += starts[i, d]
            place[d] = starts[i, d]
        for j in range(N):
            d = delays[i, j]
            targets[i, place[d]] = j
            place[d] += 1
    return targets, starts


@inner
def _decay(a: Any, keep: float) -> None:
    for j in range(a.shape[0]):
        value = a[j] * keep
        a[j] = value if value > _TINY else 0.0


@inner
def _move_excitatory(v: Any, g_e: Any, g_i: Any, theta: Any, since: Any, keep_theta: float, c: Any) -> int:
    """Take Euler's step ``v += dt/tau ((rest - v) + g_e (E_e - v) + g_i (E_i - v))``; return how many neurons are above threshold.

    Where conductances are large it would overshoot the reversal voltage that they pull to, and swing; it stops there.
    """
    leak, rest, above, below = c.leak_e, c.rest_e, c.reversal_e, c.reversal_i
    mean_e, mean_i, threshold, clamp, ready = c.mean_ge, c.mean_gi, c.threshold_e, c.clamp_e, c.ready_e
    hits = 0
    for j in range(v.shape[0]):
        old = v[j]
        new = old + leak * ((rest - old) + mean_e * g_e[j] * (above - old) + mean_i * g_i[j] * (below - old))
        new = new if new < above else above
        floor = old if old < below else below  # voltages start below it
        new = new if new > floor else floor
        since[j] += 1
        new = new if since[j] >= clamp else old
        v[j] = new
        theta[j] *= keep_theta
        hits += (new > theta[j] + threshold) & (since[j] >= ready)
    return hits


@inner
def _move_inhibitory(v: Any, g_e: Any, since: Any, c: Any) -> int:
    """Do the same for inhibitory neurons, which nothing inhibits."""
    leak, rest, above = c.leak_i, c.rest_i, c.reversal_e
    mean_e, threshold, clamp = c.mean_ge, c.threshold_i, c.clamp_i
    hits = 0
    for j in range(v.shape[0]):
        old = v[j]
        new = old + leak * ((rest - old) + mean_e * g_e[j] * (above - old))
        new = new if new < above else above
        since[j] += 1
        new = new if since[j] >= clamp else old
        v[j] = new
        hits += (new > threshold) & (since[j] >= clamp)
    return hits


@inner
def _age(past: Any, newest: int, i: int, before: int) -> int:
    """Return how many steps before the step `before` input i last fired."""
    k = newest
    while past[i, k] >= before:
        k = k - 1 if k else past.shape[1] - 1
    return before - past[i, k]


@inner
def _strengthen(s: Any, fired: Any, now: int, c: Any) -> None:
    """Let each synapse onto a neuron that fires gain by its input's trace; what normalisation left above w_max comes back to it."""
    weights, delays, past, newest = s.weights, s.delays, s.past, s.newest
    for j in fired:
        gain = c.rate_post * s.post_2[j]
        for i in range(weights.shape[0]):
            age = _age(past, newest[i], i, now - delays[i, j])
            w = weights[i, j]
            w += gain * c.pre[age] if age < c.pre.shape[0] else 0.0
            weights[i, j] = w if w < c.w_max else c.w_max


@inner
def _deliver(s: Any, targets: Any, starts: Any, now: int, learn: bool, c: Any) -> None:
    """Deliver the input spikes whose delays are over; while learning, weaken the synapses they pass."""
    rows = s.recent.shape[0]
    g_e, post_1, weights, recent, counts = s.g_e, s.post_1, s.weights, s.recent, s.recent_counts
    rate, most = c.rate_pre, c.w_max
    for d in range(rows):
        row = (now - d) % rows
        for k in range(counts[row]):
            i = recent[row, k]
            if learn:
                for m in range(starts[i, d], starts[i, d + 1]):
                    j = targets[i, m]
                    w = weights[i, j]
                    g_e[j] += w
                    w -= rate * post_1[j]
                    w = w if w > 0 else 0.0
                    weights[i, j] = w if w < most else most
            else:
                for m in range(starts[i, d], starts[i, d + 1]):
                    j = targets[i, m]
                    g_e[j] += weights[i, j]


@inner
def _inhibit(g_i: Any, fired: Any, w: float) -> None:
    """Add w per spike to all neurons but the one it comes from."""
    total = w * len(fired)
    for j in fired:
        g_i[j] -= w
    for j in range(g_i.shape[0]):
        g_i[j] += total


@inner
def fire_input(s: Any, i: int) -> None:
    """Let input i fire in the coming step."""
    now = s.clock[0]
    row = now % s.recent.shape[0]
    s.recent[row, s.recent_counts[row]] = i
    s.recent_counts[row] += 1
    s.newest[i] = (s.newest[i] + 1) % s.past.shape[1]
    s.past[i, s.newest[i]] = now


@inner
def step(s: Any, c: Any, targets: Any, starts: Any, learn: bool, fired: Any, answered: Any) -> Any:
    """Advance by one step, after `fire_input` for each input that fires in it.

    Numbers of the neurons that fire go into fired (excitatory) and answered (inhibitory), int64 ``[N]``; returns how many there are of each.
    """
    now = s.clock[0]
    n = _move_excitatory(s.v_e, s.g_e, s.g_i, s.theta, s.since_e, c.keep_theta if learn else 1.0, c)
    m = _move_inhibitory(s.v_i, s.g_ei, s.since_i, c)
    _decay(s.g_e, c.keep_ge)
    _decay(s.g_i, c.keep_gi)
    _decay(s.g_ei, c.keep_ge)
    _decay(s.post_1, c.keep_post_1)
    _decay(s.post_2, c.keep_post_2)
    if n:
        k = 0
        for j in range(s.v_e.shape[0]):
            if s.v_e[j] > s.theta[j] + c.threshold_e and s.since_e[j] >= c.ready_e:
                fired[k] = j
                k += 1
    if m:
        k = 0
        for j in range(s.v_i.shape[0]):
            if s.v_i[j] > c.threshold_i and s.since_i[j] >= c.clamp_i:
                answered[k] = j
                k += 1
    if learn and n:
        _strengthen(s, fired[:n], now, c)
    _deliver(s, targets, starts, now, learn, c)
    for j in fired[:n]:
        s.g_ei[j] += c.w_ei
        s.v_e[j] = c.reset_e
        s.since_e[j] = 0
        s.post_1[j], s.post_2[j] = 1.0, 1.0
        if learn:
            s.theta[j] += c.theta_plus
    if m:
        _inhibit(s.g_i, answered[:m], c.w_ie)
    for j in answered[:m]:
        s.v_i[j] = c.reset_i
        s.since_i[j] = 0
    s.clock[0] = now + 1
    s.recent_counts[(now + 1) % s.recent.shape[0]] = 0
    return n, m
