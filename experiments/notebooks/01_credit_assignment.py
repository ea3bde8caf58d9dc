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
# # 1. Credit assignment without backpropagation
#
# **Question.** A synapse deep inside a network cannot see the error at the output. Backpropagation tells it what to do, but asks for
# something that brains are not known to have: a second copy of every forward synapse, with the same strength, that carries errors back.
# Can hidden layers learn when the error comes down another way, and how close do their changes come to the gradient?

# %% [markdown]
# ## The equations
#
# A layer computes $a_l = \phi(z_l)$ with $z_l = W_l\,a_{l-1}$, and the error at the output is $\delta_L = y - \mathrm{softmax}(z_L)$.
# Every rule below changes a synapse by *what the cell hears* times *what the synapse carries*,
#
# $$\Delta W_l = \eta\,\delta_l\,a_{l-1}^\top ,$$
#
# and they differ only in how $\delta_l$ of a hidden layer comes about:
#
# | rule | what a hidden cell hears | what it needs |
# |---|---|---|
# | `bp`, backpropagation | $\delta_l = (W_{l+1}^\top \delta_{l+1}) \odot \phi'(z_l)$ | the forward weights, backwards |
# | `fa`, feedback alignment | $\delta_l = (B_{l+1}\,\delta_{l+1}) \odot \phi'(z_l)$ | fixed random weights $B$ |
# | `dfa`, direct feedback alignment | $\delta_l = (B_l\,\delta_L) \odot \phi'(z_l)$ | fixed random weights from the output to each layer |
# | `ccl`, counter-current learning | a local loss with a second network, which runs from the label down (notebook 2) | no error is sent at all |
#
# We compare a change with the gradient by the angle between them, all entries of a weight matrix taken as one long vector:
#
# $$\theta_l = \arccos \frac{\langle \Delta W_l, \Delta W_l^{\mathrm{bp}}\rangle}{\|\Delta W_l\|\,\|\Delta W_l^{\mathrm{bp}}\|} .$$
#
# At $0^\circ$ the rule goes straight down the gradient; at any angle below $90^\circ$ a small enough step still lowers the loss; at
# $90^\circ$ it is as good as a random direction.

# %%
import matplotlib.pyplot as plt
import numpy as np

from bioplaus import simulate
from bioplaus.stats import paired_difference, t_interval

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})
COLOURS = {"bp": "#222222", "fa": "#0072B2", "dfa": "#009E73", "ccl": "#D55E00", "top": "#999999", "usf": "#CC79A7"}
RULES = ("bp", "fa", "dfa", "ccl", "top")
RATES = (0.2, 0.4, 0.8, 1.6, 3.2)


def train(rule, rate, seed=0, seeds=5):
    """Train networks 64-20-20-10 on the embedded digits; nothing is written to disk."""
    settings = {"run.save": False, "network.hidden": [20, 20], "rule.lr": rate}
    return simulate(settings, rule=rule, data="digits", epochs=30, seed=seed, seeds=seeds)


def curve(result, metric, split, layer=None):
    """Return the steps of a measured quantity, and its values as an array [seed, step]."""
    wanted = (metric, split, layer)
    rows = [r for r in result.metrics.to_pylist() if (r["metric"], r["split"], r["layer"]) == wanted]
    steps = sorted({row["step"] for row in rows})
    values = {(row["seed"], row["step"]): row["value"] for row in rows}
    return steps, np.array([[values[seed, step] for step in steps] for seed in result.summary["seeds"]])


def band(axis, steps, values, colour, **style):
    """Draw the mean over seeds and its 95 % interval."""
    mean, _, low, high = t_interval(values)
    axis.plot(steps, mean, color=colour, **style)
    axis.fill_between(steps, low, high, color=colour, alpha=0.2, lw=0)


# %% [markdown]
# ## The experiment
#
# The network is narrow, 64-20-20-10, so that it matters what the hidden cells compute. Beside the four rules there is a control, `top`,
# in which the output layer learns and hidden layers keep their random weights: a rule that does not beat `top` has not shown that its
# hidden layers learn anything of use.
#
# Each rule gets the learning rate of highest validation accuracy on three seeds that are used for nothing else. Then five networks per
# rule are trained, with the same seeds for all rules: the same starting weights and the same order of samples. The test set chooses
# nothing.


# %%
def best_rate(rule):
    scores = [train(rule, rate, seed=100, seeds=3).summary["validation_accuracy"]["mean"] for rate in RATES]
    return RATES[int(np.argmax(scores))]


rates = {rule: best_rate(rule) for rule in RULES}
runs = {rule: train(rule, rates[rule]) for rule in RULES}
accuracy = {rule: run.summary["test_accuracy"] for rule, run in runs.items()}


def percent(found):
    low, high = found["ci95"]
    return f"{100 * found['mean']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


print(f"{'rule':<6}{'rate':>5}   {'test accuracy, %':<22}difference to top (same seeds)")
for rule in RULES:
    gap = paired_difference(accuracy[rule]["values"], accuracy["top"]["values"])
    beside = "" if rule == "top" else percent(gap)
    edge = "*" if rates[rule] in (RATES[0], RATES[-1]) else " "
    print(f"{rule:<6}{rates[rule]:>5}{edge}  {percent(accuracy[rule]):<22}{beside}")

# %% [markdown]
# In brackets: the 95 % interval of the mean over seeds. A star: the chosen rate lies at an end of the grid, so that another might do
# better. Where the interval of the difference to `top` lies above 0, hidden layers have learned something that helps, without the
# gradient.

# %%
figure, axis = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
for rule, run in runs.items():
    steps, values = curve(run, "accuracy", "validation")
    band(axis, steps, 100 * values, COLOURS[rule], label=rule)
axis.set(xlabel="update", ylabel="validation accuracy, %", ylim=(0, 100))
axis.legend(frameon=False, loc="lower right")
plt.show()

# %% [markdown]
# ## The angle over time
#
# The gradient is computed beside each rule, at the same weights and on the same batch; the rule never sees it.

# %%
figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.3), sharey=True, layout="constrained")
for layer, axis in enumerate(axes):
    for rule in RULES[:4]:
        band(axis, *curve(runs[rule], "angle_to_bp", "probe", layer), COLOURS[rule], label=rule)
    axis.axhline(90, color="#999999", ls="--", lw=1)
    axis.set(title=f"hidden layer {layer + 1}", xlabel="update", ylim=(-5, 110))
axes[0].set_ylabel("angle to the gradient, degrees")
axes[0].legend(frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 0.04))
plt.show()


def angles(result, layer):
    """Say the angle before learning and at the end: mean and half of the 95 % interval."""
    mean, _, low, high = t_interval(curve(result, "angle_to_bp", "probe", layer)[1])
    start, end = (f"{mean[k]:.0f} +- {(high[k] - low[k]) / 2:.0f}" for k in (0, -1))
    return f"{start:>9} at the start, {end:>8} at the end"


print("angle in degrees, mean and half of its 95 % interval")
for rule in RULES[1:4]:
    for layer in (0, 1):
        print(f"{rule:<4} hidden layer {layer + 1}: {angles(runs[rule], layer)}")

# %% [markdown]
# Backpropagation lies at 0 by definition: it is what we compare with. The others start near $90^\circ$, as they have to: their feedback
# knows nothing of the forward weights yet. Then the angle of `fa` and `dfa` falls, although their feedback weights never change. It is
# the *forward* weights that move. The first layer, taught at random, moves its cells so that the layer above can use them, and while the
# layer above learns to use them its weights grow along the fixed feedback weights. This is *feedback alignment*: the network learns to
# make use of the feedback that it has. In `ccl` the feedback network learns as well.
#
# Two things to keep in mind. An angle says nothing about the length of a step; and a rule may learn well at an angle far from 0, since
# all that a step needs is to be on the right side of $90^\circ$.

# %% [markdown]
# ## Exercise
#
# The rule `usf` sends errors down through the *signs* of the forward weights: $B_{l+1} = c\,\mathrm{sign}(W_{l+1})^\top$. Before you run
# it: the starting weights are uniform between $-w$ and $w$. At which angle do you expect its changes at the start, in the layer just
# below the output? Compute the number by hand, then measure it.
#
# <details><summary>Solution</summary>
#
# The cosine between a matrix and its signs is $\sum|W_{ij}| \,/\, \sqrt{n \sum W_{ij}^2}$. For uniform weights the mean of $|W|$ is $w/2$
# and that of $W^2$ is $w^2/3$, so that the cosine is $\sqrt{3}/2$ and the angle $30^\circ$. What arrives at a hidden cell is a product of
# these weights with the error, so its direction differs from the exact one by about as much. One layer further down the errors go through
# two such matrices, and the angle is larger.
#
# ```python
# usf = train("usf", best_rate("usf"))
# for layer in (1, 0):
#     print(f"usf  hidden layer {layer + 1}: {angles(usf, layer)}")
# print(f"usf  test accuracy, %: {percent(usf.summary['test_accuracy'])}")
# ```
#
# The price: `usf` knows the sign of every forward weight, which is a part of the very transport that `fa` does without.
#
# </details>

# %% [markdown]
# ## References
#
# - Rumelhart, Hinton & Williams 1986, *Learning representations by back-propagating errors*, Nature 323:533 (`bp`).
# - Crick 1989, *The recent excitement about neural networks*, Nature 337:129 (why brains are not thought to do it).
# - Lillicrap, Cownden, Tweed & Akerman 2016, *Random synaptic feedback weights support error backpropagation for deep learning*, Nature
#   Communications 7:13276 (`fa`; it shows the angle, too).
# - Nokland 2016, *Direct feedback alignment provides learning in deep neural networks*, NeurIPS, arXiv:1609.01596 (`dfa`).
# - Kao & Hariharan 2024, *Counter-current learning*, NeurIPS, arXiv:2409.19841 (`ccl`).
# - Liao, Leibo & Poggio 2016, *How important is weight symmetry in backpropagation?*, AAAI, arXiv:1510.05067 (`usf`).
