"""Defects of STDP: in layers, its reward and its theory; in the network of Diehl & Cook its protocol, labels, test mode, Brian2."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["SPIKE_TIMING"]

LAYERED = ("rules/test_stdp.py",)
RULE, RESPOND = ("rules/test_diehl_cook.py",), ("diehl_cook/test_diehl_respond.py",)
SPIKE_TIMING = (
    Defect(
        "diehl_cook: all replicas see the images of the first",
        "rules/diehl_cook.py",
        "found = network.present(state, images[r % len(images)], r)",
        "found = network.present(state, images[0], r)",
        RULE,
    ),
    Defect(
        "diehl_cook: old responses are never forgotten",
        "rules/diehl_cook.py",
        "if (begin + some.start) % size == 0:",
        "if False and (begin + some.start) % size == 0:",
        RULE,
    ),
    Defect(
        "diehl_cook: theta of the epoch that is selected is not kept with it",
        "rules/diehl_cook.py",
        "network.theta: torch.from_numpy(np.stack([one.theta for one in after])).to(theta),",
        "network.theta: theta.clone(),",
        RULE,
    ),
    Defect(
        "diehl_cook: in a test an image finds what the last one left",
        "bioplaus/diehl_cook/kernels.py",
        "            _rest(s, c)\n",
        "            s.words[0] += np.uint64(0)\n",
        RESPOND,
    ),
    Defect(
        "diehl_cook: in a test all images evoke the same draws",
        "bioplaus/dynamics/random.py",
        "mark = (mark ^ np.uint64(image[i])) * _PRIME",
        "mark = (mark ^ np.uint64(0)) * _PRIME",
        RESPOND,
    ),
    Defect(
        "diehl_cook: the gain of thresholds does not follow the size",
        "bioplaus/networks/diehl_cook.py",
        "THETA_PLUS * min(1.0, config.neurons / NEURONS)",
        "THETA_PLUS",
        RULE,
    ),
    Defect(
        "diehl_cook in Brian2: an input spike reads the trace that it has just set",
        "bioplaus/diehl_cook/brian.py",
        "self.plastic.post.order, self.plastic.pre.order = 0, 1",
        "self.plastic.post.order, self.plastic.pre.order = 1, 0",
        ("diehl_cook/test_diehl_in_brian.py",),
    ),
    Defect(
        "stdp: a spike of the same step is seen",
        "rules/spike_timing.py",
        "        found[:, :, t] = kept\n        now = x[:, :, t]\n",
        "        now = x[:, :, t]\n        found[:, :, t] = kept + now\n",
        LAYERED,
    ),
    Defect(
        "stdp: nearest neighbours add up",
        "rules/spike_timing.py",
        "torch.where(now != 0, now, kept) if nearest else kept + now",
        "kept + now",
        LAYERED,
    ),
    Defect(
        "stdp: depression depends on the weight as potentiation does",
        "rules/spike_timing.py",
        "w.clamp(min=0).pow(config.mu)",
        "(config.w_max - w).clamp(min=0).pow(config.mu)",
        LAYERED,
    ),
    Defect(
        "stdp: synapses have no bounds",
        "bioplaus/plasticity/base.py",
        "        if step.bounds:\n",
        "        if False and step.bounds:\n",
        LAYERED,
    ),
    Defect(
        "stdp: thresholds run away from the rate",
        "rules/layered_stdp.py",
        "Dense(rate - spikes.mean((1, 2)))",
        "Dense(spikes.mean((1, 2)) - rate)",
        LAYERED,
    ),
    Defect(
        "rstdp: eligibility does not decay",
        "rules/rstdp.py",
        "(left.exp() * total)",
        "(left.exp().new_ones(left.shape) * total)",
        ("rules/test_rstdp.py",),
    ),
    Defect(
        "rstdp: every answer is rewarded",
        "rules/rstdp.py",
        "right.to(out.dtype) * (c.reward - c.penalty)",
        "(right | ~right).to(out.dtype) * (c.reward - c.penalty)",
        ("rules/test_rstdp.py",),
    ),
    Defect(
        "theory stdp: a spike counts itself among those before",
        "bioplaus/theory/stdp.py",
        "k + (delay > 0), period, t.tau_plus",
        "k + 1, period, t.tau_plus",
        ("theory/test_stdp_window.py",),
    ),
    Defect(
        "labelling: a tie counts as right",
        "bioplaus/tasks.py",
        "return (1 - right.double() / winners.sum(-1)).mean(-1)",
        "return (1 - right.double()).mean(-1)",
        ("test_tasks.py",),
    ),
    Defect(
        "simulator: what was saved within an epoch is not",
        "bioplaus/simulator.py",
        "return self._stop or self._save_is_due()",
        "return self._stop",
        ("test_resume.py",),
    ),
)
