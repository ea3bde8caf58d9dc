# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 7. Learning on memristors
#
# **Question.** A memristor is a resistor that remembers: every voltage pulse moves its conductance a little, and the conductance stays
# when the power is off. A
# crossbar of memristors multiplies a vector by a matrix in one step, so it would be a natural home for synaptic weights. But a learning
# rule asks for *any* small change,
# and a device offers only *its own* step. What does that cost, and which property of a device matters most?

# %%
import matplotlib.pyplot as plt
import numpy as np

from bioplaus import simulate
from bioplaus.plasticity import devices
from bioplaus.stats import paired_difference

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})

# %% [markdown]
# ## The equation
#
# Take a conductance $g$ between 0 and 1, and $P$ pulses that lead from one end to the other. In many devices the first pulses move it
# far and the last ones hardly at all. The
# model of NeuroSim (Chen, Peng & Yu 2018) is
#
# $$ g_{\uparrow}(n) = E\,(1 - e^{-n u/P}) \qquad E = \frac{1}{1 - e^{-u}} $$
#
# after $n$ pulses up from 0, and its mirror image on the way down. $u$ says how bent the curve is; it is usually quoted as a label
# between 0 (a straight line) and 10 (a jump). One
# pulse therefore does not have *one* size. It depends on where the device stands:
#
# $$ \Delta g_{\uparrow}(g) = (1 - e^{-u/P})\,(E - g) \qquad \Delta g_{\downarrow}(g) = -(1 - e^{-u'/P'})\,(g + E' - 1) $$
#
# Where both steps are equally large lies the *symmetry point*. If a device gets as many pulses up as down, it does not stay where it is:
# it drifts to that point.

# %%
names = ("epiram", "hzo_fefet", "ag_asi", "ecram")
figure, axes = plt.subplots(1, 3, figsize=(10, 3.1))
for i, name in enumerate(names):
    device = devices.get(name)
    up, down = device.curve(+1), device.curve(-1)
    axes[0].plot(np.linspace(0, 1, len(up)), up, color=f"C{i}", label=name)
    axes[0].plot(np.linspace(1, 2, len(down)), down, color=f"C{i}")
    g = np.linspace(0.01, 0.99, 99)
    rise, fall = device.pulse(g, 1) - g, g - device.pulse(g, -1)
    axes[1].plot(g, rise, color=f"C{i}")
    axes[1].plot(g, fall, color=f"C{i}", linestyle="--")
    here, path = 0.9, []
    for _ in range(400):
        path.append(here)
        here = device.pulse(device.pulse(here, 1), -1)
    axes[2].plot(path, color=f"C{i}")
    levels, label = device.levels, device.nonlinearity
    point = device.symmetry_point()
    print(f"{name:<10} pulses {levels[0]:>4} up, {levels[1]:>4} down; nonlinearity {label[0]:.2f} / {label[1]:.2f}; symmetry point "
          + ("none" if point is None else f"{point:.2f}"))
axes[0].set(xlabel="all pulses up, then all down (scaled)", ylabel="conductance g", title="the curves")
axes[0].legend(frameon=False, fontsize=8)
axes[1].set(xlabel="conductance g", ylabel="size of one pulse", yscale="log", title="up (solid), down (dashed)")
axes[2].set(xlabel="pairs of one pulse up and one down", ylabel="g", ylim=(0, 1), title="from 0.9, as many up as down")
figure.tight_layout()
plt.show()

# %% [markdown]
# **What one sees.** Left: straight curves for some devices, strongly bent ones for others, and for `ag_asi` a way down that falls at
# once and then crawls. Middle: the same as step sizes; where
# the solid and the dashed line of a colour cross is the symmetry point. Right: devices that get *no net instruction* drift there anyway.
# This is how asymmetry hurts:
# noise in a gradient, which should average to nothing, becomes forgetting.
#
# ## A network on devices
#
# A weight is a pair, $w \propto g^+ - g^-$. The rule computes its wanted change as always; then the periphery sends the nearest whole
# number of pulses, and the network goes on with what is *read back*.
# A change that is worth less than half a pulse is lost. We train a network 64-32-10 on the embedded digits, with five seeds, first with
# ideal synapses and then on the four devices, with their measured noise and spread.

# %%
COMMON = {
    "data": "digits", "network.hidden": [32], "seeds": 5, "epochs": 10,
    "plasticity.clip": "per_network", "probes": [], "threads": 1, "run.save": False,
}  # fmt: skip


def accuracy(rule: str = "bp", **device) -> list[float]:
    """Return the test accuracy of each seed; without a device on ideal synapses."""
    on = {"plasticity": "memristor", **{f"plasticity.{key}": value for key, value in device.items()}} if device else {}
    return simulate({**COMMON, **on}, rule=rule).summary["test_accuracy"]["values"]


rules = ("bp", "dfa")
ideal = {rule: accuracy(rule) for rule in rules}
real = {(rule, name): accuracy(rule, device=name) for rule in rules for name in names}
print("points below ideal synapses, mean [95 % interval]")
for rule in rules:
    print(f"\n{rule} (ideal {100 * np.mean(ideal[rule]):.1f} %)")
    for name in names:
        gap = paired_difference(ideal[rule], real[rule, name])
        low, high = (100 * one for one in gap["ci95"])
        print(f"  {name:<10}{100 * gap['mean']:5.1f} [{low:5.1f}, {high:5.1f}]" + ("   no loss is shown" if low <= 0 else ""))

# %% [markdown]
# Seeds are the same in all rows (same start, same order of samples), so the differences are taken seed by seed. `bp` is backpropagation;
# `dfa`, direct feedback alignment, needs no copies of the weights
# for its errors, and no rate was tuned for any device here: it is a first look, not a ranking.
#
# ## One property at a time
#
# Real devices differ in everything at once. In a model we may turn one knob alone. Take a noiseless, perfectly regular device, and
# choose its number of pulses $P$ and its label: +x on the way up and -x on the
# way down, so that both branches are bent the usual way, fast first.

# %%
pulses, bends = (16, 64, 256), (0.01, 2.0, 3.5, 5.0)
grid = {}
for P in pulses:
    for x in bends:
        numbers = [f"nl_up={x}", f"nl_down={-x}", f"pulses_up={P}", f"pulses_down={P}"]
        grid[P, x] = np.array(accuracy(device="epiram", changes=numbers, noise=0, variation=0, update="bi"))
figure, axis = plt.subplots(figsize=(6, 3.4))
for i, P in enumerate(pulses):
    values = 100 * np.array([grid[P, x] for x in bends])
    axis.errorbar(bends, values.mean(1), 2.78 * values.std(1, ddof=1) / 5**0.5, marker="o", capsize=3, color=f"C{i}", label=f"{P} pulses")
axis.axhline(100 * np.mean(ideal["bp"]), color="grey", linestyle=":", label="ideal synapses")
axis.set(xlabel="nonlinearity label (up +x, down -x)", ylabel="test accuracy, %", title="bp; bars: 95 % intervals over seeds")
axis.legend(frameon=False)
plt.show()
for words, other in (("16 pulses in place of 256, both straight:", (16, 0.01)), ("label 5 in place of 0, both 256 pulses:  ", (256, 5.0))):
    lost = paired_difference(grid[256, 0.01], grid[other])
    print(f"{words} {100 * lost['mean']:.1f} points lost [{100 * lost['ci95'][0]:.1f}, {100 * lost['ci95'][1]:.1f}]")

# %% [markdown]
# **What one sees.** Straight devices lose little, even with few levels. Bent ones lose much, and *more pulses do not help*: a device
# with 256 bent steps drifts to its symmetry point just as one with 64 does.
# That is the lesson most papers on analog training begin with. Counting levels is the wrong question; the question is whether up and
# down undo each other.
#
# ## A way out: never go down
#
# In many devices one direction is good and the other bad: `ag_asi` climbs step by step and falls at once. In a pair $g^+ - g^-$ nobody
# has to go down: a fall of the weight can be a *rise of $g^-$*.
# Then both devices only ever climb, so that now and then a worn pair has to be read, erased and written anew ("refresh"). In the program
# this is `plasticity.update=uni`; `bi` uses both directions.
#
# ## Exercise
#
# Take a noiseless device with 256 pulses whose way up is nearly straight (label 0.5) and whose way down is bent (label -7). Train on it
# with `update="bi"` and with `update="uni"`, and compare seed by seed. What is the
# price (look at `summary["refreshes"]`)? Then make the way up as bad as the way down, +5 and -5: what do you expect?
#
# <details><summary>Solution</summary>
#
# ```python
# for up, down in ((0.5, -7), (5, -5)):
#     numbers, reached = [f"nl_up={up}", f"nl_down={down}", "pulses_up=256", "pulses_down=256"], {}
#     on = {f"plasticity.{k}": v for k, v in {"device": "epiram", "changes": numbers, "noise": 0, "variation": 0}.items()}
#     for update in ("bi", "uni"):
#         summary = simulate({**COMMON, "plasticity": "memristor", **on, "plasticity.update": update}, rule="bp").summary
#         reached[update] = summary["test_accuracy"]["values"]
#         print(f"{up} / {down}  {update:<4} {100 * np.mean(reached[update]):5.1f} %   {np.mean(summary['refreshes']):,.0f} pairs refreshed")
#     gap = paired_difference(reached["uni"], reached["bi"])
#     print(f"uni less bi, seed by seed: {100 * gap['mean']:+.1f} [{100 * gap['ci95'][0]:+.1f}, {100 * gap['ci95'][1]:+.1f}] points\n")
# ```
#
# Where the way down is the bad one, one-sided writing rescues nearly everything; the price is thousands of pairs that are read, erased
# and written again, in time and energy of a circuit. Where the way up is as bad,
# there is nothing to flee to, and an interval around 0 is what one should expect.
#
# </details>
#
# ## References
#
# - Chen, Peng & Yu 2018, *NeuroSim*, IEEE Trans. CAD 37:3067 (the model of the curves above).
# - Jo et al. 2010, *Nano Lett.* 10:1297 (`ag_asi`); Choi et al. 2018, *Nat. Mater.* 17:335 (`epiram`); Jerry et al. 2017, IEDM
#   (`hzo_fefet`); Tang et al. 2018, IEDM (`ecram`).
# - Gokmen & Vlasov 2016, *Front. Neurosci.* 10:333 (what a device must be able to do); Gokmen & Haensch 2020, *Front. Neurosci.* 14:103
#   (symmetry points, Tiki-Taka).
# - Lim et al. 2019, *Neural Comput. & Applic.* 31:8101, arXiv:1707.06381 (one-sided pairs).
# - In this project: `docs/devices.md`, `docs/memristor.md`; on the command line `bioplaus device show ag_asi`.
