"""The cycle of neuron and dendrite phases, between epochs: scores, switches, what is reloaded, drawn, installed and dropped.

1. Neurons learn until their validation score has not improved for a while; the best network of the phase is loaded again.
2. If it is no better than that of the last cycle, its dendrites are dropped and new candidates are tried, a few times; then the run stops.
3. Candidates grow, one (or a pool) per neuron, until none improves; each neuron gets the best of its own, at its best.

All decisions are masks over replicas.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.rules.perforated_candidates import TINY, Moments
from bioplaus.rules.perforated_settings import PerforatedConfig
from bioplaus.rules.perforated_state import DENDRITES, DONE, NEURONS, corrected, dendrites_of, fitting, memory, record
from bioplaus.shapes import per_weight
from bioplaus.view import Edits, View

__all__ = ["Boundary", "opening"]

Arrays = Mapping[str, Tensor]


def opening(config: PerforatedConfig, view: View) -> tuple[Edits, ...]:
    """Return what stands at the start: the network as it is drawn, as the best so far.

    Raises
    ------
    ConfigError
        If no switch can fire within the run.
    """
    epochs = view.clock.steps_total // view.clock.steps_per_epoch
    soonest = {
        "history": min(config.initial_history_after_switches + config.n_epochs_to_switch, config.n_epochs_max or math.inf),
        "fixed": config.fixed_switch_num,
        "every_epoch": 1,
        "none": 0,  # asked for by name
    }[config.switch_mode]
    if view.clock.steps_total > 1 and config.max_dendrites and config.mode != "continued" and soonest >= epochs:
        key = {"fixed": "fixed_switch_num", "history": "n_epochs_to_switch"}.get(config.switch_mode, "switch_mode")
        raise ConfigError(
            f"rule.{key}={getattr(config, key)} can never fire in epochs={epochs}, so no dendrite would ever learn; "
            f"raise epochs, or lower rule.{key}"
        )
    return (Edits(state={f"{name}/{key}": value for name in ("snap", "kept") for key, value in _network(view).items()}),)


def _network(view: View) -> dict[str, Tensor]:
    """Return all arrays of the networks but those of candidates, by kind and key."""
    hidden = {one.candidate(key) for one in dendrites_of(view).values() for key in one.inner}
    found = {f"params/{key}": value for key, value in view.params.items() if key not in hidden}
    return found | {f"buffers/{key}": value for key, value in view.buffers.items()}


class Boundary:
    """One boundary between epochs: arrays and state are changed here, as copies, and handed over as edits.

    Parameters
    ----------
    scores
        Validation scores of this epoch.
    moments
        Exact moments of the candidates, given params and buffers.
    groups
        Groups of the neurons, which start anew when the network has changed.
    """

    def __init__(
        self,
        config: PerforatedConfig,
        view: View,
        scores: Arrays,
        moments: Callable[[Arrays, Arrays], Mapping[str, Moments]],
        groups: tuple[str, ...],
    ) -> None:
        self.c, self.view, self.scores, self.moments, self.groups = config, view, scores, moments, groups
        self.state: dict[str, Tensor] = dict(view.state)
        self.params: dict[str, Tensor] = dict(view.params)
        self.buffers: dict[str, Tensor] = dict(view.buffers)
        self.dendrites = dendrites_of(view)
        self.network = tuple(_network(view))
        nobody = torch.zeros_like(view.state["phase"], dtype=torch.bool)
        self.fresh = self.growing = nobody
        self.highest = config.score == "accuracy"

    def edits(self) -> tuple[Edits, ...] | None:
        """Return what becomes of the epoch's end."""
        s, phase = self.state, self.state["phase"]
        neurons, dendrites = phase == NEURONS, phase == DENDRITES
        if not bool((neurons | dendrites).any()):
            return None
        s["since"] = s["since"] + (phase != DONE)
        self._score(neurons)
        if bool(dendrites.any()):
            self._follow(dendrites)
        closing, installing = neurons & self._neurons_are_done(), dendrites & self._dendrites_are_done()
        if bool(installing.any()):
            self._install(installing)
        if bool(closing.any()):
            self._close(closing)
        return self._result()

    # -- scores and switches

    def _score(self, neurons: Tensor) -> None:
        """Note improvements of the neurons, and keep the network where there was one."""
        s, c = self.state, self.c
        if not self.scores and c.switch_mode == "history":
            raise ConfigError("rule.switch_mode=history needs a validation set; give data.validation, or use rule.switch_mode=fixed")
        if self.scores and c.score not in self.scores:
            raise ConfigError(f"rule.score={c.score} is not measured on this task; use rule.score=loss")
        if self.scores:
            score = self.scores[c.score].double().to(s["best"].device)
            first = s["since"] == 1
            run = torch.where(first, score, s["run"] * (1 - 1 / c.history_lookback) + score / c.history_lookback)
            better = neurons & self._beats(run, s["best"])
            s["run"], s["best"] = torch.where(neurons, run, s["run"]), torch.where(better, run, s["best"])
            for key in self.scores:
                s[f"best_{key}"] = torch.where(better, self.scores[key].double().to(run.device), s[f"best_{key}"])
        else:  # nothing chooses: the latest network counts
            better = neurons
            s["best"] = torch.where(better, 0.0, s["best"])
        s["stale"] = torch.where(better, 0, s["stale"] + neurons)
        if bool(better.any()):
            for key in self.network:
                value = self._get(key)
                s[f"snap/{key}"] = torch.where(per_weight(better, value), value, fitting(s[f"snap/{key}"], value))

    def _beats(self, score: Tensor, best: Tensor) -> Tensor:
        """Return where a score is better than the best by both thresholds."""
        later = self.state["cycle"] > 0
        r = torch.where(later, self.c.improvement_threshold_later, self.c.improvement_threshold)
        raw = self.c.improvement_threshold_raw
        if self.highest:
            return (score * (1 - r) > best) & (score - raw > best)
        return (score * (1 + r) < best) & (score + raw < best)

    def _neurons_are_done(self) -> Tensor:
        c, since = self.c, self.state["since"]
        if c.switch_mode == "history":
            over = (self.state["stale"] >= c.n_epochs_to_switch) & (since >= c.initial_history_after_switches + c.n_epochs_to_switch)
            return over if c.n_epochs_max is None else over | (since >= c.n_epochs_max)
        return since >= {"fixed": c.fixed_switch_num, "every_epoch": 1, "none": math.inf}[c.switch_mode]

    def _dendrites_are_done(self) -> Tensor:
        c, since = self.c, self.state["since"]
        if c.switch_mode == "every_epoch":
            return since >= 1
        over = self.state["p_stale"] >= c.p_epochs_to_switch if c.p_epochs is None else since >= c.p_epochs
        return over | (since >= self.state["first_n"]) if c.cap_at_n else over

    # -- candidates

    def _follow(self, growing: Tensor) -> None:
        """Measure the candidates, and keep for each neuron what was best so far."""
        s, c = self.state, self.c
        share = memory(c, self.view)
        exact = self.moments(self.params, self.buffers) if share is None else {}
        improved = torch.zeros_like(growing)
        for name, one in self.dendrites.items():
            if share is None:
                m = exact[name]
                found = {"cov": m.covariance, "mean_e": m.mean_e, "var_e": m.var_e, "var_d": m.var_d, **m.of_norm}
                s |= {f"{name}/{key}": torch.where(per_weight(growing, v), v, s[f"{name}/{key}"]) for key, v in found.items()}
                seen: Arrays = s
            else:
                seen = corrected(name, s, share)
            cov, var_d, std_e = seen[f"{name}/cov"], seen[f"{name}/var_d"], seen[f"{name}/var_e"].sqrt().unsqueeze(1)
            size = cov.abs() / (std_e + TINY) if c.normalise else cov.abs()
            now = {"S": size, "C": cov, "var": var_d, "rho": cov.abs() / (var_d.sqrt() * std_e + TINY)}
            now |= {key: seen[f"{name}/{key}"] for key in one.means}
            larger = growing.view(-1, 1, 1) & (size > s[f"{name}/top/S"])
            for key, value in now.items():
                s[f"{name}/top/{key}"] = torch.where(larger, value, s[f"{name}/top/{key}"])
            for key in one.inner:
                value = self.params[one.candidate(key)] if share is None else s[f"seen/{one.candidate(key)}"]
                s[f"top/{key}"] = torch.where(_of_neurons(larger, value, key == one.q), value, s[f"top/{key}"])
            mark = s[f"{name}/mark"]
            counts = (size > mark * (1 + c.dendrite_improvement_threshold)) & (size > mark + c.dendrite_improvement_threshold_raw)
            s[f"{name}/mark"] = torch.where(counts, size, mark)
            improved |= counts.flatten(1).any(1)
        s["p_stale"] = torch.where(improved, 0, s["p_stale"] + growing)

    def _draw(self, rows: Tensor) -> None:
        """Draw candidates for some replicas, and forget what was known of older ones."""
        s = self.state
        for name, one in self.dendrites.items():
            for key in one.inner:
                leaf = one.candidate(key)
                old = self.params[leaf]
                if key in (one.v, one.c):
                    fresh = self.view.streams.normal(f"dendrites/{leaf}", old.shape[1:]) * self.c.dendrite_init
                else:
                    fresh = torch.full_like(old, float(one.norm is not None and key == one.norm.gain))
                self.params[leaf] = torch.where(per_weight(rows, old), fresh, old)
            pool = self.params[one.candidate(one.c)].double()
            neuron = pool[:, 0]
            start = {key: torch.zeros_like(pool) for key in ("cov", "var_d", *one.means)}
            start |= {key: torch.zeros_like(neuron) for key in ("mean_e", "var_e")}
            fresh_state = {f"{name}/{key}": value for key, value in start.items()}
            fresh_state |= {f"{name}/avg/{key}": value for key, value in start.items()}
            fresh_state |= {f"{name}/batches": torch.zeros_like(rows, dtype=torch.int64), f"{name}/mark": torch.zeros_like(pool)}
            fresh_state |= {f"{name}/top/{key}": torch.zeros_like(pool) for key in ("C", "var", "rho", *one.means)}
            fresh_state[f"{name}/top/S"] = torch.full_like(pool, -1.0)
            fresh_state |= {f"{head}{key}": self.params[one.candidate(key)] for key in one.inner for head in ("top/",)}
            fresh_state |= {f"seen/{one.candidate(key)}": self.params[one.candidate(key)] for key in one.inner}
            for key, value in fresh_state.items():
                s[key] = torch.where(per_weight(rows, value), value, fitting(s[key], value)) if key in s else value
        s["p_stale"] = torch.where(rows, 0, s["p_stale"])

    def _install(self, rows: Tensor) -> None:
        """Give each neuron the best of its candidates, with weight 0 (or what least squares would give it), and let the neurons learn again."""
        s = self.state
        self._room(int(s["K"][rows].max()) + 1)
        r = rows.nonzero().squeeze(1)
        at = s["K"][r]
        followed = self.c.mode == "pb"
        rhos, covs = [], []
        for name, one in self.dendrites.items():
            which = s[f"{name}/top/S"].argmax(1)
            for key in one.inner:
                pool = s[f"top/{key}"]
                self.params[key] = _put(self.params[key], r, at, _chosen(pool, which, key == one.q))
            for key in one.means:
                fresh = _chosen(s[f"{name}/top/{key}"], which, False) if followed else torch.zeros_like(which, dtype=torch.float64)
                empty = float(one.norm is not None and key == one.norm.variance and not followed)
                self.buffers[key] = _put(self.buffers[key], r, at, fresh.to(self.buffers[key].dtype) + empty)
            u = torch.zeros_like(self.params[one.u][:, 0])
            C, var = (_chosen(s[f"{name}/top/{key}"], which, False) for key in ("C", "var"))
            if followed and self.c.u_init == "ols":
                u = (-self.c.u_step * C / (var + TINY)).to(u.dtype)
            self.params[one.u] = _put(self.params[one.u], r, at, u)
            rhos.append(_chosen(s[f"{name}/top/rho"], which, False))
            covs.append(_chosen(s[f"{name}/top/S"], which, False))
        if followed:
            record(s, "epochs_p", rows, s["cycle"], s["since"])
            record(s, "epoch_p", rows, s["cycle"], torch.full_like(s["cycle"], self.view.clock.epoch))
            for what, values in (("rho", rhos), ("covariance", covs)):
                record(s, what, rows, s["cycle"], torch.stack([value.mean(1) for value in values], 1))
                record(s, f"{what}_max", rows, s["cycle"], torch.stack([value.amax(1) for value in values], 1))
        s["K"] = s["K"] + rows
        self._begin(rows, NEURONS)
        self.fresh = self.fresh | rows

    def _room(self, dendrites: int) -> None:
        """Make all arrays large enough for so many dendrites."""
        for one in self.dendrites.values():
            if dendrites <= one.count(self.params):
                return
            for kept, keys in ((self.params, (*one.inner, one.u)), (self.buffers, one.means)):
                for key in keys:
                    old = kept[key]
                    axes = (dendrites, dendrites, *old.shape[3:]) if key == one.q else (dendrites, *old.shape[2:])
                    kept[key] = fitting(old, old.new_zeros(old.shape[0], *axes))
            for where, key in ((self.params, one.candidate(one.q)), (self.state, f"top/{one.q}"), (self.state, f"seen/{one.candidate(one.q)}")):
                if key in where:
                    old = where[key]
                    where[key] = fitting(old, old.new_zeros(*old.shape[:2], dendrites, *old.shape[3:]))

    # -- cycles

    def _close(self, rows: Tensor) -> None:
        """End the neuron phase of some replicas: the best network comes back, and a next cycle follows, or another try, or the end."""
        s, c = self.state, self.c
        self._load("snap", rows)
        grown = torch.zeros_like(s["K"]) if c.mode == "continued" else s["K"]
        notes = {"dendrites": grown, "epochs_n": s["since"], "epoch_end": torch.full_like(s["K"], self.view.clock.epoch)}
        for key, value in {**notes, "validation_loss": s["best_loss"], "validation_accuracy": s["best_accuracy"]}.items():
            record(s, key, rows, s["cycle"], value)
        for number in s["cycle"][rows].unique().tolist():
            here = rows & (s["cycle"] == number)
            for key in self.network:
                value = self._get(key)
                old = s.get(f"cycle/{number}/{key}", torch.zeros_like(value))
                s[f"cycle/{number}/{key}"] = torch.where(per_weight(here, value), value, fitting(old, value))
        s["first_n"] = torch.where(rows & (s["cycle"] == 0), s["since"], s["first_n"])
        better = rows & (s["best"] > s["kept_best"] if self.highest else s["best"] < s["kept_best"])
        worse = rows & ~better & (not c.keep_cycles) & bool(self.scores)
        better = rows & ~worse
        for key in self.network if not c.keep_cycles else ():
            value = self._get(key)
            s[f"kept/{key}"] = torch.where(per_weight(better, value), value, fitting(s[f"kept/{key}"], value))
        s["kept_best"], s["kept_K"] = torch.where(better, s["best"], s["kept_best"]), torch.where(better, s["K"], s["kept_K"])
        self._load("kept", worse)
        s["K"] = torch.where(worse, s["kept_K"], s["K"])
        again = worse & (s["tries"] < c.max_dendrite_tries)
        s["tries"] = torch.where(better, 0, s["tries"] + again)
        on = (better & (s["K"] < c.max_dendrites)) | again
        s["phase"] = torch.where(rows & ~on, DONE, s["phase"])
        self.fresh = self.fresh | rows
        s["cycle"] = s["cycle"] + on
        if bool(on.any()):
            self._next(on)

    def _next(self, rows: Tensor) -> None:
        """Let the next cycle begin for some replicas."""
        if self.c.mode == "continued":
            self.state["K"] = self.state["K"] + rows
            self._begin(rows, NEURONS)
            return
        self._draw(rows)
        if self.c.mode != "pb":
            self._install(rows)
            return
        self.growing = self.growing | rows
        self._begin(rows, DENDRITES)
        if memory(self.c, self.view) is None:
            kept = self.state["p_stale"]
            self._follow(rows)
            self.state["p_stale"] = torch.where(rows, 0, kept)

    def _begin(self, rows: Tensor, phase: int) -> None:
        s = self.state
        s["phase"] = torch.where(rows, phase, s["phase"])
        for key in ("since", "stale"):
            s[key] = torch.where(rows, 0, s[key])
        s["best"] = torch.where(rows, -math.inf if self.highest else math.inf, s["best"])

    # -- arrays

    def _get(self, key: str) -> Tensor:
        kind, _, name = key.partition("/")
        return (self.params if kind == "params" else self.buffers)[name]

    def _load(self, head: str, rows: Tensor) -> None:
        """Put a snapshot in place, in some replicas."""
        if not bool(rows.any()):
            return
        for key in self.network:
            kind, _, name = key.partition("/")
            where, value = self.params if kind == "params" else self.buffers, self._get(key)
            where[name] = torch.where(per_weight(rows, value), fitting(self.state[f"{head}/{key}"], value), value)

    def _result(self) -> tuple[Edits, ...]:
        old = {**self.view.params, **self.view.buffers}
        new = {key: value for key, value in {**self.params, **self.buffers}.items() if value is not old[key]}
        larger = {key: fitting(old[key], value) for key, value in new.items() if value.shape != old[key].shape}
        state = {key: value for key, value in self.state.items() if value is not self.view.state.get(key)}
        rows = self.fresh | self.growing
        found = [Edits(assign=larger)] if larger else []
        found.append(Edits(new if bool(rows.any()) else {}, mask=rows, state=state))
        if bool(self.fresh.any()):
            found.append(Edits(mask=self.fresh, forget=self.groups))
        if bool(self.growing.any()):
            found.append(Edits(mask=self.growing, forget=("dendrites",)))
        return tuple(found)


def _of_neurons(mask: Tensor, like: Tensor, chain: bool) -> Tensor:
    """View a mask ``[R, pool, m]`` so that it broadcasts against candidates; chain: whether their neurons are on the last axis."""
    return mask.unsqueeze(2) if chain else mask.view(*mask.shape, *([1] * (like.dim() - 3)))


def _chosen(pool: Tensor, which: Tensor, chain: bool) -> Tensor:
    """Return each neuron's chosen candidate: ``[R, pool, m, ...]`` and ``[R, m]`` to ``[R, m, ...]`` (chain: to ``[R, K, m]``)."""
    front = pool.movedim(3, 2) if chain else pool
    index = which.view(which.shape[0], 1, which.shape[1], *([1] * (front.dim() - 3))).expand(-1, 1, -1, *front.shape[3:])
    found = front.gather(1, index).squeeze(1)
    return found.movedim(2, 1) if chain else found


def _put(array: Tensor, rows: Tensor, at: Tensor, value: Tensor) -> Tensor:
    """Return the array with ``value[r]`` in row ``at`` of replica r."""
    found = array.clone()
    found[rows, at] = value[rows]
    return found
