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
# # 6. Dendrites that grow
#
# **Question.** A neuron in a usual network is a weighted sum. A real one has dendrites, branches that are nonlinear by themselves. Can a
# network get better by *growing* such branches where its neurons still make errors, without sending any error
# through them? And if it does get better: is it because of the dendrites, or because of something simpler?

# %%
import matplotlib.pyplot as plt
import numpy as np

from bioplaus import simulate
from bioplaus.stats import paired_difference

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})

# %% [markdown]
# ## The equation
#
# A neuron with inputs $x$ and dendrites $k = 1, 2, \dots$ has the current
#
# $$ z = w \cdot x + b + \sum_k u_k\, d_k \qquad d_k = g(v_k \cdot x + c_k) $$
#
# Learning goes in turns. *First* the network learns as always ($w, b, u$) until it improves no more. *Then* it is frozen, and every
# neuron gets a candidate dendrite, which climbs the covariance between its activity and the error $E$ that is left at its neuron:
#
# $$ S = \Big|\frac1P \sum_p (d_p - \bar d)(E_p - \bar E)\Big| $$
#
# The dendrite is frozen and joins with $u = 0$, so that nothing changes at first; then the network learns again. No error passes through
# a dendrite to the layer below: for errors it is a hole ("perforated"). This is Cascade-Correlation
# (Fahlman & Lebiere 1990), used for branches in place of cells. The rule is our reconstruction from the abstracts of Brenner & Itti
# 2025, as `docs/perforated.md` says, which also mentions a patent.
#
# ## One dendrite, and XOR
#
# Without a hidden layer no choice of $w$ and $b$ solves XOR. What does one dendrite for each of the two output neurons do?

# %%
COMMON = {"rule": "perforated", "probes": [], "threads": 1, "run.save": False}
xor = simulate({**COMMON, "rule.max_dendrites": 1, "rule.controls": False, "epochs": 1500}, data="xor", seeds=10)
for k, at in enumerate(xor.summary["cycle_values"]):
    right = sum(value == 1 for value in at["train_accuracy"])
    loss = np.mean(at["train_loss"])
    print(f"{k} dendrites: {right:2d} of 10 networks are right on all four patterns; loss {loss:.4f} (guessing: {np.log(2):.4f})")

side = np.linspace(-0.25, 1.25, 61)
plane = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
scores = xor.predict(xor.scale(plane))[:3]
figure, axes = plt.subplots(1, 3, figsize=(7.5, 2.7))
for seed, (axis, z) in enumerate(zip(axes, scores)):
    chance = (1 / (1 + np.exp(z[:, 0] - z[:, 1]))).reshape(61, 61)
    axis.imshow(chance, origin="lower", extent=(-0.25, 1.25, -0.25, 1.25), cmap="gray_r", vmin=0, vmax=1)
    axis.scatter([0, 1, 0, 1], [0, 1, 1, 0], c=["C0", "C0", "C1", "C1"], edgecolors="white")
    axis.set(title=f"seed {seed}", xticks=(0, 1), yticks=(0, 1))
figure.suptitle("probability of class 1 (dark: 1), one dendrite per neuron", y=1.04, fontsize=10)
plt.show()

# %% [markdown]
# **What one sees.** A dendrite that picks out one corner of the square, where the frozen neuron is wrong, is enough: with this new feature the
# classes can be separated, in more than one way. A corner correlates with the error by $1/\sqrt3$: try to calculate it.
#
# But this is a weak result. *Any* nonlinear unit might do. So on a harder task we put controls beside the dendrites, and believe only
# what is left.
#
# ## A bottleneck, with its controls
#
# The embedded digits through only four hidden neurons, 64-4-10. Each layer may grow two dendrites per neuron. Beside it run, from the
# *same* first weights and with the same turns:
#
# | control | differs in | if it does as well, then |
# |---|---|---|
# | `continued` | no dendrites, only the time | the network had just not finished learning |
# | `random` | dendrites stay as they were drawn | any further features would do |
# | `gd` | dendrites learn by backpropagation | following the error adds nothing to plain gradients |
# | `no_perforation` | errors do pass through dendrites | the "hole" makes no difference |
# | `width_matched` | a plain network with as many numbers | the numbers count, not where they are |

# %%
settings = {**COMMON, "network.hidden": [4], "rule.max_dendrites": 2, "rule.n_epochs_max": 150, "rule.p_epochs": 40, "epochs": 600}
digits = simulate(settings, data="digits", seeds=5)
found, controls = digits.summary, digits.controls
for k, at in enumerate(found["cycle_values"]):
    accuracy, loss = 100 * np.mean(at["test_accuracy"]), np.mean(at["train_loss"])
    print(f"{k} dendrites: {found['cycles'][k]['parameters']:4d} numbers, test accuracy {accuracy:.1f} %, training loss {loss:.3f}")
print("\nperforated less control, points of test accuracy, seed by seed [95 % interval]")
mine, gaps = found["test_accuracy"]["values"], {}
for name, one in controls.items():
    gap = gaps[name] = paired_difference(mine, one["test_accuracy"]["values"])
    low, high = gap["ci95"]
    verdict = "no difference is shown" if low <= 0 <= high else "dendrites that grow are better" if low > 0 else "the control is better"
    print(f"  {name:<16}{100 * gap['mean']:+6.1f} [{100 * low:+5.1f}, {100 * high:+5.1f}]   {verdict}")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.3))
arms = {"perforated": found, **controls}
for i, (name, one) in enumerate(arms.items()):
    sizes = [cycle["parameters"] for cycle in one["cycles"]]
    losses = [cycle["train_loss"] for cycle in one["cycles"]]
    if len(set(sizes)) == 1:  # a network that does not grow: where it ends
        sizes, losses = sizes[-1:], losses[-1:]
    left.plot(sizes, losses, marker="osDv^P"[i], color=f"C{i}", label=name)
left.set(xlabel="numbers (weights and biases)", ylabel="training loss", yscale="log", title="one point per dendrite grown")
left.legend(frameon=False, fontsize=8)
for i, (name, gap) in enumerate(gaps.items(), 1):
    half = 50 * (gap["ci95"][1] - gap["ci95"][0])
    right.errorbar(100 * gap["mean"], name, xerr=half, fmt="osDv^P"[i], color=f"C{i}", capsize=3)
right.axvline(0, color="grey", linestyle=":")
right.invert_yaxis()
right.set(xlabel="perforated less control, points", title="test accuracy, 95 % intervals")
figure.tight_layout()
plt.show()

# %% [markdown]
# **What one sees.** Read the right figure from the top. To the right of the dotted line growing dendrites win against a control: more
# time, or dendrites that do not learn, are no full substitute. Where an interval touches the line,
# five seeds show nothing: backpropagation into the dendrites, or letting errors pass, may be as good.
#
# And now the lowest row. A plain network with as many numbers, which simply has more *hidden neurons*, is far better than the bottleneck
# with dendrites. So growing dendrites help a given network, and they are still not the best way to spend so many numbers on this task. A
# study without this last control would have told half of the story.
#
# Seeds are few and turns are short here, to fit into a minute. `docs/perforated.md` has the same experiment with ten seeds and longer
# turns, and on MNIST.
#
# ## Exercise
#
# For XOR we had no control. Is it necessary that the dendrite *follows the error*? Repeat it with dendrites that stay as they were drawn
# (`rule.mode=random`), with up to three dendrites per neuron. What does XOR prove, and what not?
#
# <details><summary>Solution</summary>
#
# ```python
# own = {"rule.mode": "random", "rule.max_dendrites": 3, "rule.controls": False, "epochs": 3000}
# random = simulate({**COMMON, **own}, data="xor", seeds=10)
# for name, run in (("led by the error", xor), ("as drawn", random)):
#     for k, at in enumerate(run.summary["cycle_values"]):
#         right, loss = sum(value == 1 for value in at["train_accuracy"]), np.mean(at["train_loss"])
#         print(f"{name:<17}{k} dendrites: {right:2d} of 10 right on all patterns, loss {loss:.4f}")
# ```
#
# Random dendrites get there too, given enough of them, though with a larger loss. XOR shows that a neuron with a nonlinear branch can do
# what a sum cannot; that the branch has to be *led by the error* it does not show. For that one needs a task in which
# random features are not enough, and the control beside it.
#
# </details>
#
# ## References
#
# - Fahlman & Lebiere 1990, *The cascade-correlation learning architecture*, NeurIPS 2:524 (the covariance $S$ that candidates climb).
# - Brenner & Itti 2025, *Perforated backpropagation*, arXiv:2501.18018 (dendrites on the remaining error; only its abstract could be read).
# - Poirazi, Brannon & Mel 2003, *Neuron* 37:989 (a pyramidal cell as a two-layer network); Gidon et al. 2020, *Science* 367:83 (single
#   human dendrites that compute XOR).
# - In this project: `docs/perforated.md`; related: `docs/cascor.md`, `docs/dann.md`, `docs/active_dendrites.md`.
