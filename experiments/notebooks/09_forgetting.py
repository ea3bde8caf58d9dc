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
# # 9. Forgetting, and its statistical mechanics
#
# **Question.** Why does a network that learns a second task lose the first, and what does it cost to keep both? We look at real networks
# first, then at a
# model that is so simple that its errors can be *calculated*.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np

from bioplaus import simulate
from bioplaus.answers.taught import LEARNER, learned, overlaps, two_tasks
from bioplaus.progress import Silent
from bioplaus.theory import continual, perceptron

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})

# %% [markdown]
# ## Four tasks, one network
#
# Task 1 are the 8x8 digits; in each further task their pixels are shuffled in a new way, the same for all images. A network 64-64-10
# learns the tasks in order and never sees an old image again. $R_{tk}$ is its test accuracy on task $k$ after task
# $t$. *Forgetting* is how far a task has fallen from its best, on average over all tasks but the last; *learning accuracy* is how well
# each task was learned in its turn.
#
# Elastic weight consolidation (Kirkpatrick et al. 2017) ties every weight to where the old tasks left it, the more so the more they
# depended on it:
#
# $$ L(w) = L_{\mathrm{new}}(w) + \frac{\lambda}{2} \sum_i F_i\, (w_i - w_i^{\mathrm{old}})^2 $$
#
# with the Fisher information $F_i$ and a strength $\lambda$. At $\lambda = 0$ it is backpropagation.

# %%
DIGITS = {
    "data": "permuted_digits", "tasks": 4, "epochs": 8, "seeds": 5, "network.hidden": [64], "neuron": "relu", "data.standardise": "none",
    "batch_size": 32, "plasticity.clip": "per_network", "probes": [], "threads": 1, "run.save": False,
}  # fmt: skip
strengths = (0.0, 10.0, 30.0, 100.0, 300.0)
sequences = {s: simulate({**DIGITS, "rule.strength": s}, rule="ewc").summary for s in strengths}
print("strength   average at the end, %   forgetting, points   learning accuracy, %     (mean of 5 seeds [95 % interval])")
for s, found in sequences.items():
    cells = (f"{100 * one['mean']:5.1f} [{100 * one['ci95'][0]:5.1f}, {100 * one['ci95'][1]:5.1f}]" for one in (
        found["average_accuracy"], found["forgetting"], found["learning_accuracy"]))
    print(f"{s:8g}   " + "   ".join(cells))

# %%
figure, axes = plt.subplots(1, 3, figsize=(10, 3.1))
for axis, s in zip(axes, (0.0, 30.0)):
    matrix = 100 * np.array(sequences[s]["accuracy_matrix"]["mean"], dtype=float)
    axis.imshow(matrix, vmin=0, vmax=100, cmap="viridis")
    for (t, k), value in np.ndenumerate(matrix):
        axis.text(k, t, f"{value:.0f}", ha="center", va="center", color="white" if value < 60 else "black")
    axis.set(xticks=range(4), xticklabels=range(1, 5), yticks=range(4), yticklabels=range(1, 5), xlabel="tested on task", ylabel="after task")
    axis.set_title("backpropagation" if s == 0 else f"tied, strength {s:g}")
place = np.arange(len(strengths))
axes[2].plot(place, [100 * sequences[s]["learning_accuracy"]["mean"] for s in strengths], "o-", label="learning accuracy")
axes[2].plot(place, [100 * sequences[s]["forgetting"]["mean"] for s in strengths], "s-", label="forgetting")
axes[2].plot(place, [100 * sequences[s]["average_accuracy"]["mean"] for s in strengths], "^-", label="average at the end")
axes[2].set(xticks=place, xticklabels=[f"{s:g}" for s in strengths], xlabel="strength", ylabel="%", ylim=(0, 100))
axes[2].set_title("what it costs to remember")
axes[2].legend(frameon=False, fontsize=8)
figure.tight_layout()
plt.show()

# %% [markdown]
# **What one sees.** Row by row of the left matrix the old tasks fade; in the middle one they fade more slowly. On the right is the
# price: the stronger the ties, the less is forgotten *and the less is learned*. Best on the whole is something
# in between. This is the dilemma of stability and plasticity, and tests of one method at one strength hide it. (The middle matrix was
# chosen for its look, not by its score; choosing a strength is a job for validation data.)
#
# ## A model that can be solved
#
# Take one neuron with $N$ binary weights, $w_i = \pm 1$. A teacher $B_i = \pm 1$ of the same kind labels $\alpha N$ random patterns by
# $\mathrm{sign}(B \cdot x)$. A student that agrees with the teacher by the overlap
# $p = \frac1N \sum_i w_i B_i$ gives a wrong label with probability
#
# $$ \epsilon = \frac{1}{\pi} \arccos p $$
#
# How large is $p$? For $N \to \infty$ all students that make no mistake on the patterns have the same overlap $q$, which solves two
# equations (Györgyi 1990; Sompolinsky, Tishby & Seung 1990):
#
# $$ q = \mathrm{E}_z \tanh\!\big(\sqrt{\hat q}\, z + \hat q\big) \qquad
# \hat q = \frac{\alpha}{\pi (1-q)}\, \mathrm{E}_z\, \frac{e^{-a^2 z^2}}{H(a z)}, \quad a = \sqrt{q/(1-q)} $$
#
# Below we solve them along $\alpha$, and let networks learn from teachers: synapses whose probability of being $+1$ is $(1 + m_i)/2$,
# trained by `rule=vcl_binary`, and read by their signs.

# %%
turn, end = perceptron.transition().alpha, perceptron.spinodal().alpha
print(f"from alpha = {turn:.4f} on the teacher itself is the typical student; the state with q < 1 ends at {end:.4f}")
N, loads, points = 201, (0.5, 1.0, 1.4, 1.8, 2.4), {}
for alpha in loads:
    batch = math.ceil(alpha * N / 10)
    settings = {**LEARNER, "data.N": N, "data.alpha": alpha, "epochs": 150, "batch_size": batch, "rule.lr": 0.03 * batch, "seeds": 10}
    points[alpha] = np.array([p[0] for p, _ in overlaps(simulate({**settings, "run.save": False}))])
    print(f"alpha = {alpha}: {int((points[alpha] == 1).sum()):2d} of 10 networks have found the teacher exactly")
x = np.arange(0.05, end, 0.02)
states = [perceptron.teacher_student(a) for a in x]
figure, axis = plt.subplots(figsize=(6.2, 3.3))
axis.plot(x, [s.error_gibbs for s in states], color="C0", label="theory, a student at random")
axis.plot([turn, 2.6], [0, 0], color="C0", linewidth=3, label="theory, the teacher")
axis.axvline(turn, color="grey", linestyle=":")
for alpha, p in points.items():
    label = f"10 networks, N = {N}" if alpha == loads[0] else None
    axis.plot(alpha + np.linspace(-0.04, 0.04, 10), np.arccos(p) / np.pi, "o", color="C1", alpha=0.7, label=label)
axis.set(xlabel="patterns per weight, alpha", ylabel="probability of a wrong label", title="learning from one teacher")
axis.legend(frameon=False, fontsize=8)
plt.show()

# %% [markdown]
# **What one sees.** Learning is not gradual: at the dotted line the best state *jumps* to the teacher, like water that freezes. And as
# water may stay liquid below zero, learners may stay in the old state for a while beyond the transition: between the
# perfect ones you may find others that have not made the jump. With few weights the jump is blurred; and trained networks are no
# students drawn at random, so that they may lie on either side of the curve.
#
# ## Two teachers, one after the other
#
# Now the second task has another teacher, and the student is tied to what the first left, here by the distance of the two
# *distributions* of weights:
#
# $$ L = L_{\mathrm{new}} + \gamma\, \mathrm{KL}\big(Q_\theta \,\|\, Q_{\theta_{\mathrm{old}}}\big) $$
#
# Theory follows both errors (Li, Huang, Zou & Huang 2022): a student drawn at random under this loss, with the first student as a fixed
# reference (the method is that of Franz and Parisi for glasses). Teachers are unrelated, and each task has $2 N$ patterns.

# %%
gammas = (0.0, 0.25, 0.5, 1.0, 2.0)
theory = [continual.second_task(2.0, 2.0, 0.0, g) for g in gammas]
networks = {g: learned({**two_tasks(N, 2.0, 2.0, 0.0, g), "epochs": 200, "rule.lr": 0.02, "seeds": 5}, Silent()) for g in (0.0, 0.5, 2.0)}
figure, axis = plt.subplots(figsize=(6.2, 3.3))
for k in (1, 2):
    axis.plot(gammas, [getattr(one, f"error_{k}") for one in theory], color=f"C{k - 1}", label=f"task {k}, theory")
    means = [one[f"error_{k}"]["mean"] for one in networks.values()]
    halves = [(one[f"error_{k}"]["ci95"][1] - one[f"error_{k}"]["ci95"][0]) / 2 for one in networks.values()]
    axis.errorbar(list(networks), means, halves, fmt="os"[k - 1], color=f"C{k - 1}", capsize=3, label=f"task {k}, 5 networks, N = {N}")
axis.axhline(0.5, color="grey", linestyle=":", label="guessing")
axis.set(xlabel="ties to the first task, gamma", ylabel="probability of a wrong label", title="after both tasks; bars: 95 % intervals")
axis.legend(frameon=False, fontsize=8)
plt.show()
first = continual.left_by_first(2.0).Q
print(f"how hard the first task was pressed, <m^2>: theory {first:.3f}, networks {networks[0.0]['Q_1']['mean']:.3f}")
print("gamma     task 1: networks, theory     task 2: networks, theory     p_1 + p_2: networks, theory")
for g, one in networks.items():
    at = theory[gammas.index(g)]
    both = one["p_1"]["mean"] + one["p_2"]["mean"]
    cells = (one["error_1"]["mean"], at.error_1, one["error_2"]["mean"], at.error_2, both, at.p_1 + at.p_2)
    print(f"{g:5.2f}" + "".join(f"{cell:18.3f}" if i % 2 == 0 else f"{cell:9.3f}" for i, cell in enumerate(cells)))

# %% [markdown]
# **What one sees.** The same dilemma as with the digits, without any digits: without ties the second teacher wins and the first is
# nearly or wholly forgotten; with strong ties it is the other way round.
#
# Could a cleverer rule get both right? No. A weight can agree with both teachers only where they agree with each other, so for any student
#
# $$ p_1 + p_2 = \frac1N \sum_i w_i\, (B^{(1)}_i + B^{(2)}_i) \le 1 + r_0 $$
#
# with $r_0$ the overlap of the teachers, here 0. The last two columns show how close theory comes to this bound: ties do not lift the
# total, they only *share it out*. What is lost is not lost by a bad optimiser, it is a question of space.
#
# **How far the agreement goes.** Theory describes students drawn *at random* in the limit of many weights; training *minimises*, from
# one start, for a limited time, with few weights. The line above says how hard the first task was pressed: where the networks'
# $\langle m^2 \rangle$ is smaller than theory's, their first task is less rigid, and points need not lie on the lines. `docs/theory.md`
# and `docs/continual.md` have longer runs.
#
# ## Exercise
#
# Tasks need not be unrelated. Let the teachers have the overlap $r_0$ (the third argument of `second_task`), and calculate both errors
# for $r_0$ between $-0.5$ and $0.5$ at $\gamma = 1$. How much of the bound $1 + r_0$ is used? And does the second task ever *help* the
# first?
#
# <details><summary>Solution</summary>
#
# ```python
# print("   r0   error 1   error 2   p_1 + p_2   bound")
# for r0 in (-0.5, -0.25, 0.0, 0.25, 0.5):
#     found = continual.second_task(2.0, 2.0, r0, 1.0)
#     print(f"{r0:5.2f}   {found.error_1:7.3f}   {found.error_2:7.3f}   {found.p_1 + found.p_2:9.3f}   {1 + r0:5.2f}")
# print(f"before the second task, error 1 was {continual.left_by_first(2.0).error:.3f}")
# ```
#
# Both errors fall as the teachers become more alike: similar tasks share weights, and nearly all of the bound is used. But even then
# error 1 stays above what it was before: the second task never *helps* the first here, because the first had been learned almost
# perfectly already. It only harms it less.
#
# </details>
#
# ## References
#
# - Kirkpatrick et al. 2017, *PNAS* 114:3521, arXiv:1612.00796 (elastic weight consolidation); Lopez-Paz & Ranzato 2017,
#   arXiv:1706.08840, and Chaudhry et al. 2018, arXiv:1801.10112 (accuracy matrix, forgetting).
# - Györgyi 1990, *Phys. Rev. A* 41:7097; Sompolinsky, Tishby & Seung 1990, *Phys. Rev. Lett.* 65:1683 (the transition).
# - Li, Huang, Zou & Huang 2022, arXiv:2212.02846 (two tasks; the learning rule). The equations that are solved here were derived anew,
#   see `docs/theory.md`.
# - In this project: `docs/continual.md`, `docs/theory.md`; on the command line `bioplaus theory perceptron` and `bioplaus theory
#   continual`.
