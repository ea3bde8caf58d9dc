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
    low, high = found["ci95"]
    return f"{100 * found['mean']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


print("test accuracy, %, mean [95 % interval]")
trained = train("atan")
print(f"  {'atan':<24}{percent(trained.summary['test_accuracy'])}")
for name in ("triangular", "boxcar", "gaussian"):
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
images, labels = trained.simulator.feeds.test.x.flatten(1), trained.simulator.feeds.test.y
untrained = simulate({"run.save": False, "network.hidden": [20, 20]}, rule="surrogate", data="digits", epochs=0, seeds=1)


def respond(parameters, which):
    """Return spikes of the layers and membranes of the output for one image over 25 steps."""
    current, seen = images[which].repeat(25, 1), []
    for layer in range(3):
        W = torch.from_numpy(parameters[f"forward/{layer}/weight"])
        b = parameters.get(f"forward/{layer}/bias")
        current = current @ W.T if b is None else current @ W.T + torch.from_numpy(b)
        spikes, membrane = Lif(beta=BETA).run(current)
        seen.append(spikes.numpy())
        current = spikes
    return seen, membrane.numpy()


before, after = untrained.parameters(seed=0), trained.parameters(seed=0)
answers = (int(respond(after, k)[0][2].sum(0).argmax()) for k in range(len(labels)))
which = next(k for k, answer in enumerate(answers) if answer == labels[k])
figure, axes = plt.subplots(1, 4, figsize=(10, 2.9), layout="constrained", width_ratios=(0.8, 1, 1, 1.3))
axes[0].imshow(images[which].reshape(8, 8), cmap="gray_r")
axes[0].set(title=f"a {labels[which]}", xticks=[], yticks=[])
for axis, weights, when in ((axes[1], before, "before"), (axes[2], after, "after")):
    step, unit = np.nonzero(respond(weights, which)[0][0])
    axis.plot(step + 1, unit, "|", color=BLUE, ms=6)
    axis.set(title=f"hidden layer 1, {when}", xlabel="step", ylabel="cell", xlim=(0, 26), ylim=(-1, 20))
seen, membrane = respond(after, which)
for k in range(10):
    right = k == labels[which]
    style = {"color": RED, "lw": 2, "zorder": 3} if right else {"color": GREY, "lw": 0.8}
    axes[3].plot(np.arange(1, 26), membrane[:, k], **style)
axes[3].axhline(1, color="k", ls="--", lw=0.8)
axes[3].set(title="output membranes (own class red)", xlabel="step")
plt.show()
counts = seen[2].sum(0).astype(int)
print(f"output spikes, class 0 to 9: {counts.tolist()}; the image is a {labels[which]}")
for weights, when in ((before, "before"), (after, "after")):
    rates = [spikes.mean() for spikes in respond(weights, which)[0]]
    print(f"spikes per cell and step {when} learning, layer by layer: {', '.join(f'{rate:.2f}' for rate in rates)}")

# %% [markdown]
# The network answers by counting: the class whose cell fires most often wins. See at which step the red membrane parts from the others:
# an answer could be had about then.

# %% [markdown]
# ## Exercise
#
# At every layer the error is multiplied by the surrogate, so its *height* acts once per layer. The surrogate `sigmoid` with slope $k$ has
# its peak at $k/4$. Take a deeper network with four hidden layers of 20 cells, and the slopes 0.4, 4 and 25, whose peaks are 0.1, 1 and
# 6.25. How does the length of the gradient at the first layer depend on the peak, and what does accuracy say? The optimiser here is Adam,
# which divides by the size of the gradient: will it notice?
#
# <details><summary>Solution</summary>
#
# The first layer lies below four surrogates (the output is read from its membrane, which needs none), so that a peak $p$ enters its
# gradient about like $p^4$, less what the width of the bump does. We measure the gradient of the fresh network by hand with the same
# equations: one batch, and the change that `bp` wants by plain gradient descent, which is the first update over the rate.
#
# ```python
# def first_gradient(slope):
#     deep = {"run.save": False, "network.hidden": [20] * 4, "neuron.surrogate": "sigmoid", "neuron.slope": slope}
#     start = simulate(deep, rule="surrogate", data="digits", epochs=0).parameters(seed=0)
#     one = simulate({**deep, "plasticity": "sgd", "rule.lr": 1e-3, "steps": 1}, rule="surrogate", data="digits")
#     after = one.simulator.packs[0].world.params
#     names = [f"forward/{k}/weight" for k in range(5)]
#     return [np.linalg.norm(after[name][0].numpy() - start[name]) / 1e-3 for name in names]
#
# for slope in (0.4, 4, 25):
#     lengths = ", ".join(f"{length:.1e}" for length in first_gradient(slope))
#     found = train("sigmoid", slope, hidden=[20] * 4).summary["test_accuracy"]
#     print(f"peak {slope / 4:<5} gradient, layer 1 to 5: {lengths}; test accuracy {percent(found)} %")
# ```
#
# Adam divides by the size of a layer's gradient, so that its *scale* is hidden. But a high and narrow bump makes the gradient explode
# with depth *and* point in a direction that a few cells near their thresholds have set; read from the table what that costs.
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
