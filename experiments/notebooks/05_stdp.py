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
# # 5. Spike timing: a window, and what grows in it
#
# **Question.** A synapse can know two things for itself: when its input fired and when its own cell fired. If the input came just before,
# it may have helped; if just after, it cannot have. Does it suffice to reward the one and punish the other, with no label and no error
# anywhere, for cells to become detectors of something?

# %% [markdown]
# ## The equations
#
# Spike-timing-dependent plasticity (STDP) of pairs: a pair of spikes at the distance $D = t_\text{post} - t_\text{pre}$ changes the
# weight by the *window*
#
# $$\Delta w = A_+\, e^{-D/\tau_+} \quad (D > 0, \text{ input first}), \qquad \Delta w = -A_-\, e^{D/\tau_-} \quad (D < 0, \text{ cell first}),$$
#
# and all pairs add up. No synapse needs to remember a list of spikes: a *trace* $r$ that each input spike raises by 1 and that decays
# with $\tau_+$ holds at every moment what the next spike of the cell has to add, $A_+ r$; another trace of the cell's own spikes does the
# same for the other side.
#
# Triplets of spikes (Pfister & Gerstner) let the gain of a pair depend on the cell's *earlier* spikes too: with a slow trace $o_2$ of them,
# $\Delta w = r_1 (A_2^+ + A_3^+ o_2)$ at a spike of the cell.

# %%
import matplotlib.pyplot as plt
import numpy as np

from bioplaus import simulate
from bioplaus.dynamics.plastic_cell import song_cell
from bioplaus.stats import paired_difference, t_interval
from bioplaus.theory.stdp import PAIR, TRIPLET, by_events, protocol, window

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})
BLUE, RED, GREY = "#0072B2", "#D55E00", "#999999"

# %% [markdown]
# ## The window, and a sum over pairs
#
# To see that traces do what the window says: two random trains of spikes, once with traces, event by event, and once as a plain double
# sum over all pairs.

# %%
draw = np.random.default_rng(0)
pre, post = (np.sort(draw.uniform(0, 1000, 20)) for _ in range(2))
pairs = window(post[:, None] - pre[None, :], PAIR)
print(f"sum over {pairs.size} pairs {pairs.sum():+.10f}, by traces {by_events(pre, post, PAIR):+.10f}")

figure, axes = plt.subplots(1, 2, figsize=(8.6, 3), layout="constrained")
for side, colour in ((np.linspace(0.1, 80, 200), BLUE), (np.linspace(-80, -0.1, 200), RED)):
    axes[0].plot(side, 100 * window(side, PAIR), color=colour)
axes[0].axhline(0, color=GREY, lw=0.8)
axes[0].set(xlabel="t_post - t_pre, ms", ylabel="change, % of the largest weight", title="one pair")
frequencies = np.arange(1.0, 50.5, 0.5)
for rule, name, style in ((PAIR, "pairs", "--"), (TRIPLET, "triplets", "-")):
    for delay, colour in ((10.0, BLUE), (-10.0, RED)):
        change = np.array([protocol(delay, f, pairs=60, timing=rule) for f in frequencies])
        label = f"{name}, {delay:+.0f} ms"
        axes[1].plot(frequencies, change / np.abs(change).max(), style, color=colour, label=label)
axes[1].axhline(0, color=GREY, lw=0.8)
axes[1].set(xlabel="frequency of 60 pairs, Hz", ylabel="change, scaled to its largest", title="many pairs")
axes[1].set_ylim(-1.7, 1.1)
axes[1].legend(frameon=False, fontsize=8, ncols=2, loc="lower center")
plt.show()
low, high = (protocol(-10.0, f, pairs=60, timing=TRIPLET) for f in (5.0, 50.0))
print(f"triplets, cell 10 ms before input: {low:+.4f} at 5 Hz, {high:+.4f} at 50 Hz")

# %% [markdown]
# Read the two signs that are printed. In slices of cortex, pairs at a high frequency strengthen a synapse in either order; that is what
# the triplet model was made for.
#
# ## One cell, a thousand inputs
#
# A leaky cell (Song, Miller & Abbott) gets a thousand inputs that fire at random at 15 Hz. Its weights start uniform between 0 and a
# largest value, and only STDP changes them. Nothing in the inputs is worth learning. What becomes of the weights? Three seeds.

# %%
times = (0.0, 10.0, 50.0, 200.0)
ends = {seconds: [song_cell(seed=seed, seconds=seconds)[0] for seed in range(3)] for seconds in times}
figure, axes = plt.subplots(1, len(times), figsize=(9, 2.4), sharey=True, layout="constrained")
for axis, (seconds, found) in zip(axes, ends.items()):
    axis.hist(np.concatenate(found), bins=20, range=(0, 1), color=BLUE, weights=np.full(3000, 1 / 3000))
    axis.set(title=f"after {seconds:.0f} s", xlabel="weight")
axes[0].set_ylabel("share of synapses")
plt.show()
for seconds, found in ends.items():
    outer = [np.mean((w < 0.1) | (w > 0.9)) for w in found]
    mean, _, low, high = t_interval(outer)
    interval = f"[{100 * low:.0f}, {100 * high:.0f}]"
    print(f"after {seconds:3.0f} s: {100 * mean:.0f} % {interval} of the weights below .1 or above .9")

# %% [markdown]
# Synapses *compete*: one that is a little stronger takes part in more spikes of the cell and is rewarded more often, and every spike that
# it brings about punishes the others. Weights drift to the two ends although all inputs are alike. Had some inputs fired together, they
# would have been the ones to win.
#
# ## Many cells that compete: receptive fields
#
# Diehl & Cook put such cells side by side: each digit is shown as spikes, a cell that fires silences the others, and each own spike makes
# a cell harder to excite, so that all get their turn. No label enters learning. Afterwards each cell is named after the class it has
# fired for most, and a test image is read by the cells that answer. The control has the same cells, thresholds and naming, but no STDP:
# its fields stay as they were drawn.


# %%
def train(**settings):
    """Train 25 cells on the embedded digits, shown three times; three seeds."""
    given = {"run.save": False, "network.neurons": 25, "network.window": 1290, **settings}
    return simulate(given, rule="stdp", network="diehl_cook", data="digits", epochs=3, seeds=3)


def percent(found):
    low, high = found["ci95"]
    return f"{100 * found['mean']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


learned = train()
control = train(**{"network.rate_pre": 0, "network.rate_post": 0})
accuracy = {name: run.summary["test_accuracy"] for name, run in (("STDP", learned), ("no STDP", control))}
for name, found in accuracy.items():
    print(f"{name:<8} test accuracy, %: {percent(found)}")
gap = paired_difference(accuracy["STDP"]["values"], accuracy["no STDP"]["values"])
print(f"difference, seed by seed:  {percent(gap)}")

# %%
widths = [1] * 5 + [0.4] + [1] * 5
figure, axes = plt.subplots(5, 11, figsize=(8.6, 4.1), layout="constrained", width_ratios=widths)
for first, run in ((0, control), (6, learned)):
    fields = run.parameters(seed=0)["forward/0/weight"].reshape(25, 8, 8)
    for cell in range(25):
        axes[cell // 5, first + cell % 5].imshow(fields[cell], cmap="magma", vmin=0, vmax=fields.max())
for axis in axes.flat:
    axis.axis("off")
figure.suptitle("input weights of 25 cells: without STDP (left), and learned (right)", fontsize=10)
plt.show()

# %% [markdown]
# Each small square holds the weights from the 8 x 8 pixels to one cell. On the left, noise, as drawn. On the right, each cell has taken on
# what the images that made it fire have in common, since the pixels that were bright just before a spike have grown: some cells show a
# digit, others still the middle of all digits, which longer training tells apart.

# %% [markdown]
# ## Exercise
#
# In the thousand-input cell, $A_- = 1.05\,A_+$. For spikes that have nothing to do with each other the mean change is proportional to the
# area under the window, $A_+\tau_+ - A_-\tau_-$. What do you expect of the cell's rate and of its weights if depression is a little
# *weaker* than potentiation? And if it is much stronger?
#
# <details><summary>Solution</summary>
#
# With a positive area even chance pairs strengthen: all weights grow towards the largest value, the cell fires wildly, and nothing is
# told apart. With a negative area chance weakens, and only inputs that come *before* spikes more often than chance hold out; the stronger
# depression is, the lower the rate. A cell that fires rarely also learns slowly, so that in 100 seconds its weights have not come far.
# Stability of this rule rests on the sign of the area.
#
# ```python
# for ratio in (0.95, 1.05, 1.2, 1.5):
#     runs = [song_cell(seed=seed, seconds=100.0, a_minus=ratio * 0.01) for seed in range(3)]
#     rates, means = [fired / 100.0 for _, fired in runs], [w.mean() for w, _ in runs]
#     rate, _, low, high = t_interval(rates)
#     print(f"A-/A+ = {ratio:<5} rate {rate:6.1f} Hz [{low:.1f}, {high:.1f}], mean weight {np.mean(means):.2f}")
# ```
#
# </details>

# %% [markdown]
# ## References
#
# - Bi & Poo 1998, *Synaptic modifications in cultured hippocampal neurons*, Journal of Neuroscience 18:10464 (the window, measured).
# - Song, Miller & Abbott 2000, *Competitive Hebbian learning through spike-timing-dependent synaptic plasticity*, Nature Neuroscience
#   3:919.
# - Pfister & Gerstner 2006, *Triplets of spikes in a model of spike timing-dependent plasticity*, Journal of Neuroscience 26:9673.
# - Diehl & Cook 2015, *Unsupervised learning of digit recognition using spike-timing-dependent plasticity*, Frontiers in Computational
#   Neuroscience 9:99.
