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
# # 2. Counter-current learning, step by step
#
# **Question.** Two liquids that flow past each other in opposite directions exchange heat all along the way. Could two networks exchange
# knowledge in the same manner, one running from the image up to the label, the other from the label down to the image, each layer
# learning from the layer that it passes, with no error sent from anywhere else?

# %% [markdown]
# ## The equations
#
# The forward network maps an image $a_0 = x$ to scores, the feedback network maps the label (one row per class, $b_L = I$) towards the
# image:
#
# $$a_l = \phi(a_{l-1} U_l^\top), \qquad b_{l-1} = \phi(b_l V_l^\top).$$
#
# Layers of the same width meet. At each meeting we ask that the activity of a sample has product 1 with the activity of its own class and
# 0 with those of the others. With $T$ the class match ($T_{nk} = 1$ where sample $n$ belongs to class $k$):
#
# $$E_l = a_l b_l^\top - T, \qquad \mathcal{L}_l = c_l \, \mathrm{mean}(E_l^2), \qquad c_l = \lambda\,\frac{256}{d_l}.$$
#
# The loss of pair $l$ changes exactly two matrices: the last one that $a_l$ has come through, and the last one that $b_l$ has come
# through. With $k_l = 2c_l/(BK)$ for $B$ samples and $K$ classes,
#
# $$\Delta U_l = -\big[(k_l E_l b_l) \odot \phi'(z^a_l)\big]^\top a_{l-1}, \qquad
# \Delta V_{l+1} = -\big[(k_l E_l^\top a_l) \odot \phi'(z^b_l)\big]^\top b_{l+1}.$$
#
# Only the output layer $U_L$ hears the error, by the usual delta rule. Its own inputs are all that this needs.

# %%
import matplotlib.pyplot as plt
import numpy as np

from bioplaus import simulate
from bioplaus.stats import t_interval

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})
RATE, LAMBDA = 0.5, 0.5
SETTINGS = {"run.save": False, "network.hidden": [32, 16], "dtype": "float64"}
SETTINGS |= {"rule.lr": RATE, "rule.lambda_cross": LAMBDA}

# %% [markdown]
# ## Two passes by hand
#
# We take the starting weights from the program (no epoch of training) and all training images as one batch. The network is 64-32-16-10.

# %%
fresh = simulate(SETTINGS, rule="ccl", data="digits", epochs=0)
start = fresh.parameters(seed=0)
U = {layer: start[f"forward/{layer - 1}/weight"] for layer in (1, 2, 3)}
V = {layer: start[f"feedback/{3 - layer}/weight"] for layer in (1, 2, 3)}
x = fresh.simulator.feeds.train.x.reshape(-1, 64).double().numpy()
y = fresh.simulator.feeds.train.y.numpy()
T = np.eye(10)[y]


def phi(z):
    """The unit of both networks: exponential linear."""
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def slope(z):
    return np.where(z > 0, 1.0, np.exp(np.minimum(z, 0)))


def upwards(U):
    """Return activity and current of each forward level; scores are linear."""
    a, z = {0: x}, {}
    for layer in (1, 2, 3):
        z[layer] = a[layer - 1] @ U[layer].T
        a[layer] = phi(z[layer]) if layer < 3 else z[layer]
    return a, z


def downwards(V):
    """Return activity and current of each feedback level, for one row per class; the image is linear."""
    b, z = {3: np.eye(10)}, {}
    for level in (2, 1, 0):
        z[level] = b[level + 1] @ V[level + 1].T
        b[level] = phi(z[level]) if level else z[level]
    return b, z


(a, za), (b, zb) = upwards(U), downwards(V)
for level in (1, 2):
    print(f"level {level}: forward {a[level].shape}, feedback {b[level].shape}: the same width, so they can be compared")

# %% [markdown]
# Neither pass has looked at the other: the two may run at the same time.
#
# ## One local loss by hand
#
# Here are the loss of level 1 and the change of $U_1$ that it asks for. To see that the formula is right we move one synapse by a little
# and watch the loss, which needs no calculus at all.


# %%
def weight(level):
    return LAMBDA * 256 / a[level].shape[1]


def loss(level, a, b):
    return weight(level) * np.mean((a[level] @ b[level].T - T) ** 2)


def changes(level):
    """Return what the pair at a level wants of the matrix below (forward) and of the matrix above (feedback)."""
    E, k = a[level] @ b[level].T - T, 2 * weight(level) / T.size
    below = -((k * E @ b[level]) * slope(za[level])).T @ a[level - 1] if level else None
    gain = slope(zb[level]) if level else 1.0
    above = -((k * E.T @ a[level]) * gain).T @ b[level + 1]
    return below, above


formula = changes(1)[0]
i, j = np.unravel_index(np.abs(formula).argmax(), formula.shape)
step, moved = 1e-5, {}
for sign in (1, -1):
    nudged = {**U, 1: U[1].copy()}
    nudged[1][i, j] += sign * step
    moved[sign] = loss(1, upwards(nudged)[0], b)
slope_by_hand = -(moved[1] - moved[-1]) / (2 * step)
print(f"synapse ({i}, {j}) of U_1: formula {formula[i, j]:.8f}, by moving it {slope_by_hand:.8f}")

# %% [markdown]
# ## The whole step beside the program
#
# All six matrices, against one update of `rule=ccl` on the same batch (no clipping). Mind the two ends: $V_1$ learns from the images
# themselves, $U_3$ from the error at the output.

# %%
p = np.exp(a[3] - a[3].max(1, keepdims=True))
error = (T - p / p.sum(1, keepdims=True)) / len(x)
by_hand = {"forward/2": error.T @ a[2]}
for level in (0, 1, 2):
    below, above = changes(level)
    by_hand[f"feedback/{2 - level}"] = above
    if level:
        by_hand[f"forward/{level - 1}"] = below

once = simulate({**SETTINGS, "plasticity.clip": "none", "batch_size": len(x), "steps": 1}, rule="ccl", data="digits")
after = once.simulator.packs[0].world.params  # the last weights; `parameters()` gives those of best validation
for name in sorted(by_hand):
    program = (after[f"{name}/weight"][0].numpy() - start[f"{name}/weight"]) / RATE
    gap = np.abs(program - by_hand[name]).max() / np.abs(program).max()
    print(f"{name:<11} {program.shape!s:<9} largest difference, relative: {gap:.0e}")

# %% [markdown]
# ## What learning does to the meetings
#
# Now the program trains five networks. We look at the product matrix $a_2 b_2^\top$ at the upper meeting, averaged over the test images
# of each class: row, the class of the image; column, the class whose feedback code it meets. The loss asks for ones on the diagonal and
# zeros elsewhere.

# %%
trained = simulate({**SETTINGS, "probe_every": 30}, rule="ccl", data="digits", epochs=30, seeds=5)
test_x = trained.simulator.feeds.test.x.reshape(-1, 64).double().numpy()
test_y = trained.simulator.feeds.test.y.numpy()


def products(weights):
    """Return the mean of a_2 b_2^T over the test images of each class, [class of the image, class of the code]."""
    up = phi(phi(test_x @ weights["forward/0/weight"].T) @ weights["forward/1/weight"].T)
    met = up @ phi(weights["feedback/0/weight"].T).T
    return np.stack([met[test_y == digit].mean(0) for digit in range(10)])


figure, axes = plt.subplots(1, 2, figsize=(6.6, 3.1), layout="constrained")
for axis, weights, title in zip(axes, (start, trained.parameters(seed=0)), ("before learning", "after learning")):
    image = axis.imshow(products(weights), vmin=-1, vmax=1, cmap="RdBu_r")
    axis.set(title=title, xlabel="class of the feedback code", ylabel="class of the image")
    axis.set(xticks=range(10), yticks=range(10))
figure.colorbar(image, ax=axes, label="product", shrink=0.85)
plt.show()
diagonal = np.eye(10, dtype=bool)
for weights, when in ((start, "before"), (trained.parameters(seed=0), "after")):
    M = products(weights)
    own, others = M[diagonal].mean(), M[~diagonal].mean()
    print(f"{when:<7} mean product with the own class {own:.2f}, with the others {others:.2f}")


# %% [markdown]
# Do the two networks come to represent the same? A measure that does not care about rotations and scale is the linear centred kernel
# alignment (CKA),
#
# $$\mathrm{CKA}(A, B) = \frac{\|A^\top B\|_F^2}{\|A^\top A\|_F\,\|B^\top B\|_F} \in [0, 1],$$
#
# with $A$ the activity of the samples in the forward layer and $B$ the feedback code of each sample's class, columns centred.


# %%
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


def percent(found):
    low, high = found["ci95"]
    return f"{100 * found['mean']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.1), layout="constrained")
steps, values = curve(trained, "accuracy", "validation")
band(axes[0], steps, 100 * values, "#D55E00")
axes[0].set(xlabel="update", ylabel="validation accuracy, %", ylim=(0, 100))
for level, colour in ((1, "#0072B2"), (2, "#D55E00")):
    band(axes[1], *curve(trained, "cka", "probe", level), colour, label=f"level {level}")
axes[1].set(xlabel="update", ylabel="CKA of the two networks", ylim=(0, 1))
axes[1].legend(frameon=False, loc="lower right")
plt.show()
print(f"test accuracy, %: {percent(trained.summary['test_accuracy'])} (95 % interval over five seeds)")
for level in (1, 2):
    mean, _, low, high = t_interval(curve(trained, "cka", "probe", level)[1])
    print(f"CKA at level {level}: {mean[0]:.2f} before, {mean[-1]:.2f} [{low[-1]:.2f}, {high[-1]:.2f}] after")

# %% [markdown]
# CKA is above 0 even before learning: images of one class resemble each other in any random layer, and share one feedback code. What
# counts is that it rises. Each pair draws its two sides together: the forward side learns to say which class it sees, the feedback side
# learns a code that the forward side can reach. No weight has been carried from one network to the other, and no layer has waited for an
# error from above.

# %% [markdown]
# ## Exercise
#
# Freeze the feedback network (`rule.lr_feedback=0`): its codes stay as random as they started. Do you expect the forward network to learn
# at all? Say what its hidden layers are still asked to do. Then measure accuracy, and its difference seed by seed.
#
# <details><summary>Solution</summary>
#
# A frozen feedback network gives every class a fixed random code at every level, and each forward layer is still asked to have product 1
# with its own class's code and 0 with the others: random *targets* take the place of learned ones, much as random *feedback weights* do
# in feedback alignment. So it learns. What is lost is that codes can no longer move to where the forward network can reach them, and away
# from each other.
#
# ```python
# from bioplaus.stats import paired_difference
#
# frozen = simulate({**SETTINGS, "rule.lr_feedback": 0, "probe_every": 30}, rule="ccl", data="digits", epochs=30, seeds=5)
# print(f"frozen feedback, test accuracy, %: {percent(frozen.summary['test_accuracy'])}")
# values = [run.summary["test_accuracy"]["values"] for run in (trained, frozen)]
# gap = paired_difference(*values)
# print(f"learned minus frozen, seed by seed: {percent(gap)}")
# if gap["ci95"][0] <= 0 <= gap["ci95"][1]:
#     print("the interval holds 0: five seeds do not tell the two apart")
# for level in (1, 2):
#     print(f"CKA at level {level}, frozen: {curve(frozen, 'cka', 'probe', level)[1].mean(0)[-1]:.2f}")
# ```
#
# </details>

# %% [markdown]
# ## References
#
# - Kao & Hariharan 2024, *Counter-current learning: a biologically plausible dual network approach for deep learning*, NeurIPS,
#   arXiv:2409.19841 (equation 2 is the pair loss between directions; the raw products used here are those of the published code for
#   multilayer perceptrons).
# - Kornblith, Norouzi, Lee & Hinton 2019, *Similarity of neural network representations revisited*, ICML, arXiv:1905.00414 (CKA, section
#   3).
# - Lillicrap et al. 2016, Nature Communications 7:13276 (feedback alignment, for the exercise).
