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
# # 4. Spikes and surrogate gradients
#
# **Question.** A spike is all or nothing: nudge a membrane a little, and almost always nothing changes; now and then everything does. The
# derivative of a spike is therefore 0 nearly everywhere, and gradient descent has nothing to hold on to. How can a network of spiking
# cells be trained by gradients all the same?

# %% [markdown]
# ## The equations
#
# A leaky integrate-and-fire cell in steps of time forgets a share of its membrane, adds its input current, and fires above a threshold
# $\vartheta$:
#
# $$U[t] = \beta\,U[t-1] + I[t] - \text{reset}, \qquad S[t] = \Theta(U[t] - \vartheta).$$
#
# With reset to zero (the step after a spike starts from nothing) and a constant current the membrane is a geometric sum,
# $U = I\,(1 - \beta^n)/(1 - \beta)$ after $n$ steps, so that the cell fires every
#
# $$n(I) = \text{the smallest } n \text{ with } \; I\,\frac{1 - \beta^n}{1 - \beta} > \vartheta$$
#
# steps, and never if $I \le (1 - \beta)\,\vartheta$.
#
# For learning, the step $\Theta$ stays as it is on the way forward. On the way back its derivative is replaced by a *surrogate*, a smooth
# bump around the threshold, for instance
#
# $$\frac{\partial S}{\partial U} \to \frac{\alpha/2}{1 + (\pi\alpha x/2)^2} \;\; (\texttt{atan}), \qquad
# \frac{\partial S}{\partial U} \to \frac{1}{(1 + k|x|)^2} \;\; (\texttt{fast\_sigmoid}), \qquad x = U - \vartheta .$$

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from bioplaus import simulate
from bioplaus.neurons import Lif, surrogates
from bioplaus.stats import t_interval

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})
BLUE, RED, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"
BETA = 0.95

# %% [markdown]
# ## One cell
#
# Three constant currents, one of them too weak. The dashed line is the threshold; a membrane above it means a spike, and the reset comes
# in the next step.

# %%
currents = torch.tensor([0.045, 0.07, 0.14])
spikes, membrane = Lif(beta=BETA, reset="zero").run(currents.repeat(60, 1))
figure, axes = plt.subplots(1, 2, figsize=(8.6, 3), layout="constrained", width_ratios=(1.5, 1))
for k, colour in enumerate((GREY, BLUE, RED)):
    axes[0].plot(np.arange(1, 61), membrane[:, k], color=colour, label=f"I = {currents[k]:.3f}")
    fired = np.flatnonzero(spikes[:, k]) + 1
    axes[0].plot(fired, np.full(len(fired), 1.45 + 0.1 * k), "|", color=colour, ms=8)
axes[0].axhline(1, color="k", ls="--", lw=0.8)
axes[0].set(xlabel="step", ylabel="membrane U (spikes above)", ylim=(0, 2.1))
axes[0].legend(frameon=False, ncols=3, loc="upper center")


def interval(current):
    """Return the steps between spikes, from the geometric sum; infinite for a current that is too weak."""
    room = 1 - (1 - BETA) / current
    return np.floor(np.log(room) / np.log(BETA)) + 1 if room > 0 else np.inf


grid = torch.linspace(0.03, 0.3, 80)
counted = Lif(beta=BETA, reset="zero").run(grid.repeat(2000, 1))[0].mean(0)
formula = np.array([1 / interval(float(current)) for current in grid])
axes[1].plot(grid, formula, color=GREY, lw=3, label="1 / n(I)")
axes[1].plot(grid, counted, ".", color=RED, ms=3, label="counted")
axes[1].set(xlabel="current I", ylabel="spikes per step")
axes[1].legend(frameon=False)
plt.show()
gap = np.abs(formula - counted.numpy()).max()
print(f"largest difference between formula and count, 2000 steps: {gap:.1e} spikes per step")
print(f"the weakest current that fires: {(1 - BETA):.3f}")

# %% [markdown]
# The count may miss by part of one spike in 2,000 steps, which is the difference that is printed.
#
# ## What stands in for the derivative

# %%
x = torch.linspace(-1.5, 1.5, 601)
figure, axis = plt.subplots(figsize=(6.4, 3), layout="constrained")
shapes = {"atan": BLUE, "fast_sigmoid": RED, "triangular": GREEN, "boxcar": "#CC79A7", "gaussian": "#E69F00"}
for name, colour in shapes.items():
    axis.plot(x, surrogates.derivative(name, x), color=colour, label=name)
axis.set(xlabel="membrane minus threshold", ylabel="surrogate dS/dU")
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Does it matter which?
#
# We train spiking networks 64-20-20-10 on the embedded digits: 25 steps, the pixels as constant currents, backpropagation through time,
# five seeds each. First other *shapes*; then `fast_sigmoid` with a larger and larger $k$: the bump gets narrower, and closer to the true
# derivative of the spike.


# %%
def train(surrogate, slope=None, hidden=(20, 20), epochs=10):
    settings = {"run.save": False, "network.hidden": list(hidden), "probes": []}
    settings |= {"neuron.surrogate": surrogate, "neuron.slope": slope}
    return simulate(settings, rule="surrogate", data="digits", epochs=epochs, seeds=5)


def percent(found):
    """Say the mean over seeds with its 95 % interval."""
    mean, _, low, high = 100 * np.array(t_interval(found["values"]))
    return f"{mean:.1f} [{low:.1f}, {high:.1f}]"


print("test accuracy, %, mean [95 % interval]")
trained = train("atan")
print(f"  {'atan':<24}{percent(trained.summary['test_accuracy'])}")
for name in ("triangular", "boxcar"):
    print(f"  {name:<24}{percent(train(name).summary['test_accuracy'])}")
slopes = (1, 25, 200, 2000)
by_slope = [train("fast_sigmoid", slope).summary["test_accuracy"] for slope in slopes]
for slope, found in zip(slopes, by_slope):
    print(f"  fast_sigmoid, k = {slope:<6}{percent(found)}")

# %% [markdown]
# Compare the spread over shapes with the fall along $k$. A bump of any shape does, as long as it is wide enough that some cells are
# within it. The narrower it gets the fewer synapses hear anything: in the limit, the exact derivative, hidden layers stay as they were
# drawn.

# %% [markdown]
# ## One image on its way
#
# From the trained weights we rebuild a forward pass by hand and look at one test image, the first that the network reads right: the
# current is the image; spikes of the first hidden layer before and after learning; membranes of the ten output cells.

# %%
images = trained.simulator.feeds.test.x.flatten(1)
labels = trained.simulator.feeds.test.y.numpy()
untrained = simulate({"run.save": False, "network.hidden": [20, 20]}, rule="surrogate", data="digits", epochs=0)


def respond(parameters, steps=25):
    """Return the spikes of each layer and the membranes of the output, [step, image, cell], for all test images."""
    current, seen = images.repeat(steps, 1, 1), []
    for layer in range(3):
        W = torch.from_numpy(parameters[f"forward/{layer}/weight"])
        b = parameters.get(f"forward/{layer}/bias")
        current = current @ W.T if b is None else current @ W.T + torch.from_numpy(b)
        current, membrane = Lif(beta=BETA).run(current)
        seen.append(current.numpy())
    return seen, membrane.numpy()


before, _ = respond(untrained.parameters(seed=0))
after, membrane = respond(trained.parameters(seed=0))
right = after[2].sum(0).argmax(1) == labels
which = int(np.flatnonzero(right)[0])
program = trained.summary["test_accuracy"]["values"][0]
print(f"test accuracy of the first seed, %: by hand {100 * right.mean():.2f}, program {100 * program:.2f}")

figure, axes = plt.subplots(1, 4, figsize=(10, 2.9), layout="constrained", width_ratios=(0.8, 1, 1, 1.3))
axes[0].imshow(images[which].reshape(8, 8), cmap="gray_r")
axes[0].set(title=f"a {labels[which]}", xticks=[], yticks=[])
for axis, spikes, when in ((axes[1], before, "before"), (axes[2], after, "after")):
    step, unit = np.nonzero(spikes[0][:, which])
    axis.plot(step + 1, unit, "|", color=BLUE, ms=6)
    axis.set(title=f"hidden layer 1, {when}", xlabel="step", ylabel="cell", xlim=(0, 26), ylim=(-1, 20))
for k in range(10):
    style = {"color": RED, "lw": 2, "zorder": 3} if k == labels[which] else {"color": GREY, "lw": 0.8}
    axes[3].plot(np.arange(1, 26), membrane[:, which, k], **style)
axes[3].axhline(1, color="k", ls="--", lw=0.8)
axes[3].set(title="output membranes (own class red)", xlabel="step")
plt.show()
counts = after[2][:, which].sum(0).astype(int)
print(f"output spikes, class 0 to 9: {counts.tolist()}; the image is a {labels[which]}")
for spikes, when in ((before, "before"), (after, "after")):
    rates = ", ".join(f"{layer.mean():.2f}" for layer in spikes)
    print(f"spikes per cell and step {when} learning, all test images, layer by layer: {rates}")

# %% [markdown]
# The network answers by counting: the class whose cell fires most often wins. See at which step the red membrane parts from the others:
# an answer could be had about then.

# %% [markdown]
# ## Exercise
#
# How long does the network need? Read it after $t$ steps instead of 25, for all test images and all five seeds, and print accuracy
# against $t$. Before you do: what will it be at $t = 1$?
#
# <details><summary>Solution</summary>
#
# `argmax` over the spikes counted so far is all it takes. In the first step hardly any output cell has fired. Where none has, all counts
# are 0, the tie goes to class 0, and accuracy is the share of that class. (Spikes have no delay here: a step takes them through all
# layers.)
#
# ```python
# counted = [respond(trained.parameters(seed=seed))[0][2].cumsum(0) for seed in range(5)]
# by_time = np.array([(c.argmax(2) == labels).mean(1) for c in counted])  # [seed, step]
# mean, _, low, high = t_interval(by_time)
# for t in (1, 2, 3, 5, 8, 12, 18, 25):
#     print(f"after {t:2} steps: {100 * mean[t - 1]:.1f} % [{100 * low[t - 1]:.1f}, {100 * high[t - 1]:.1f}]")
# print(f"share of class 0: {100 * (labels == 0).mean():.1f} %")
# ```
#
# </details>

# %% [markdown]
# ## References
#
# - Neftci, Mostafa & Zenke 2019, *Surrogate gradient learning in spiking neural networks*, IEEE Signal Processing Magazine 36:51,
#   arXiv:1901.09948.
# - Zenke & Ganguli 2018, *SuperSpike*, Neural Computation 30:1514 (`fast_sigmoid`).
# - Fang et al. 2021, *Incorporating learnable membrane time constant*, ICCV, arXiv:2007.05785 (`atan`).
# - Zenke & Vogels 2021, *The remarkable robustness of surrogate gradient learning*, Neural Computation 33:899 (shape matters little,
#   scale a lot).
# - Eshraghian et al. 2023, *Training spiking neural networks using lessons from deep learning*, Proceedings of the IEEE 111:1016 (the
#   discrete cell used here).
