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
# # 3. Hebbian multitasking, seen in images
#
# **Question.** A Hopfield network stores patterns in its synapses and recalls one of them from a damaged copy. One state, one memory. If
# patterns have *blanks*, neurons that they say nothing about, can the network use the blanks of one memory for another, and recall
# several at once?

# %% [markdown]
# ## The equations
#
# Pattern $\mu$ has an entry $\xi_i^\mu = \pm 1$ for neuron $i$, or 0 for a blank, which has probability $d$, the *dilution*. Hebb's rule
# adds up the product of the two cells of a synapse over all $K$ patterns,
#
# $$J_{ij} = \frac{g}{N} \sum_{\mu=1}^K \xi_i^\mu \xi_j^\mu , \qquad g = \frac{1}{1-d},$$
#
# and neurons $s_i = \pm 1$ follow their field $h_i = \sum_j J_{ij} s_j$ one after the other, with thermal noise of temperature $T$:
# $P(s_i = 1) = 1/(1 + e^{-2h_i/T})$. How much of a pattern is recalled is its overlap, which is 1 if all of its entries are there:
#
# $$m_\mu = \frac{1}{N (1-d)} \sum_i \xi_i^\mu s_i .$$

# %%
import matplotlib.pyplot as plt
import numpy as np

from bioplaus import simulate
from bioplaus.errors import DataError
from bioplaus.stats import t_interval
from bioplaus.theory import multitasking
from bioplaus.theory.monte_carlo import monte_carlo

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})
COLOURS = ("#0072B2", "#D55E00", "#009E73")


def show(pictures, columns):
    """Draw pictures side by side: white +1, black -1, grey a blank."""
    rows = -(-len(pictures) // columns)
    size = (1.25 * columns, 1.5 * rows)
    _, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.axis("off")
    for axis, (caption, picture) in zip(axes.flat, pictures):
        axis.imshow(picture, vmin=-1, vmax=1, cmap="gray")
        axis.set_title(caption, fontsize=9)
    plt.show()


# %% [markdown]
# ## By hand
#
# Three pictures of digits of 8 x 8 pixels: each shows one third of itself, and has blanks elsewhere. We store them by Hebb's rule, take
# the state in which all three can be seen, spoil a fifth of its pixels, and let the network go.

# %%
run = simulate({"run.save": False}, rule="multitasking", images="digits", K=3)
shape = run.simulator.splits.patterns.image
xi = run.simulator.splits.patterns.xi[0].astype(int)  # [pattern, neuron]
K, N = xi.shape
share = (xi != 0).mean(1)  # entries that are not blank
J = xi.T @ xi / N / share.mean()


def relax(s, sweeps, draw):
    """Let every neuron follow its field, one after the other in random order, without noise."""
    s = s.copy()
    for _ in range(sweeps):
        for i in draw.permutation(N):
            field = J[i] @ s
            s[i] = np.sign(field) if field else s[i]
    return s


def overlaps(s):
    return xi @ s / (N * share)


whole = np.sign(xi.sum(0))
draw = np.random.default_rng(0)
cue = np.where(draw.random(N) < 0.2, -whole, whole)
states = {"cue": cue, "one sweep": relax(cue, 1, draw), "five sweeps": relax(cue, 5, draw)}
stored = [(f"stored {mu + 1}", xi[mu].reshape(shape)) for mu in range(K)]
show([*stored, *((name, s.reshape(shape)) for name, s in states.items())], 6)
for name, s in states.items():
    print(f"{name:<12} overlaps {np.round(overlaps(s), 2)}")

# %%
cues = [np.where(draw.random(N) < 0.2, -whole, whole) for _ in range(40)]
trials = np.array([overlaps(relax(cue, 5, draw)) for cue in cues])
mean, _, low, high = t_interval(trials)
print("forty other cues, spoiled alike: overlaps after five sweeps, mean [95 % interval]")
for mu in range(K):
    print(f"  pattern {mu + 1}: {mean[mu]:.3f} [{low[mu]:.3f}, {high[mu]:.3f}]")

# %% [markdown]
# *One* state holds all the memories. Here they do not meet at all: no neuron has an entry in two pictures, so that no synapse joins two
# of them, and each third is a small Hopfield network of its own.
#
# ## Memories that get into each other's way
#
# Here each picture instead loses every pixel with probability 0.6, at random, so that two pictures often want different things of one
# neuron. The program stores them and recalls, at temperature 0.1.


# %%
def recall(images):
    """Show what the program recalls of three pictures with random blanks."""
    settings = {"run.save": False, "data.mask": "random"}
    found = simulate(settings, rule="multitasking", images=images, K=3, d=0.6, T=0.1, start="parallel")
    rows = next(picture for picture in found.findings.pictures if picture.name == "recalled_images.png").rows
    show([*rows[0], *rows[1]], 5)
    print("overlaps:", np.round(found.summary["overlaps"], 2))


recall("digits")
try:
    recall("mnist")
except DataError:
    print("MNIST is not here, so its larger pictures are left out (see BIOPLAUS_DATA in the README).")

# %% [markdown]
# The state shows parts of all three. Where they agree or only one has something to say, all is well; where they fight for a pixel, the
# majority has it.
#
# ## Theory over simulation
#
# For patterns drawn at random and very many neurons the overlaps follow from the *equations of state*. With the average $\mathbb{E}$ over
# the $3^K$ possible columns $\xi = (\xi^1, \dots, \xi^K)$ that a neuron may have,
#
# $$m_\mu = \frac{1}{1-d}\,\mathbb{E}\Big[\xi^\mu \tanh\Big(\frac{1}{T} \sum_\nu \xi^\nu m_\nu\Big)\Big] .$$
#
# Started from the *hierarchical* state, in which pattern 1 has all of its neurons, pattern 2 those that pattern 1 leaves blank, and so
# on, we solve them for every dilution; beside the lines stand networks of 2,000 neurons, started alike. Without noise the hierarchy would
# be $m_\mu = d^{\,\mu-1}$ (dashed).

# %%
T, SAMPLES = 0.1, 8
lines = np.linspace(0.01, 0.98, 60)
theory = np.array([multitasking.solve(K, d, T).m for d in lines])
dots = np.linspace(0.1, 0.9, 9)
size = {"N": 2000, "samples": SAMPLES, "sweeps": 60, "burn_in": 60, "threads": 1}
networks = [monte_carlo(K, d, T, **size) for d in dots]
measured = np.array([found.values_m for found in networks])  # [dilution, sample, pattern]

figure, axis = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for mu, colour in enumerate(COLOURS):
    mean, _, low, high = t_interval(measured[:, :, mu].T)
    axis.plot(lines, theory[:, mu], color=colour, label=f"pattern {mu + 1}")
    axis.plot(lines, lines**mu, color=colour, ls="--", lw=0.8)
    axis.errorbar(dots, mean, yerr=(mean - low, high - mean), fmt="o", ms=4, color=colour, capsize=2)
axis.set(xlabel="dilution d", ylabel="overlap", ylim=(-0.05, 1.1))
axis.set_title(f"K = {K}, T = {T}: theory (lines), networks with 95 % intervals", fontsize=10)
axis.legend(frameon=False, loc="lower right")
plt.show()

beside = np.array([multitasking.solve(K, d, T).m for d in dots])
mean, _, low, high = t_interval(measured.transpose(1, 0, 2))
inside = (low <= beside) & (beside <= high)
print(f"theory lies inside the 95 % interval at {inside.sum()} of {inside.size} points;")
print(f"largest difference {np.abs(mean - beside).max():.3f}")
print(f"at T = 0 the hierarchy ends at d = {multitasking.critical_dilution(K):.4f}")

# %% [markdown]
# Read the figure from left to right. Without blanks the network recalls pattern 1 and nothing else: the classical Hopfield network. As
# blanks grow, the second pattern moves into the neurons that the first leaves free, then the third into what is left by both; while such a
# remainder is small its field is weaker than the noise, and its line stays at 0, below the dashed one. For strong dilution hardly any
# neuron has two patterns, and all are recalled in full: *parallel* retrieval. In between the hierarchy ends, with a jump. Without noise
# that is at $d_c$, the root of $1 - 2d + d^3$ in $(\frac12, 1)$, where the other two patterns together outvote the first ($1 = d + d^2$);
# at the temperature of the figure it comes a little sooner. Beyond it the network is in another state.
#
# About one point in twenty should lie outside its interval even if theory is exact. Networks of finite size also differ from the limit,
# most of all near the jump.

# %% [markdown]
# ## Exercise
#
# Go back to the three pictures with their thirds. Start the network from pattern 1 alone: its own third as it is, all other pixels thrown
# as fair coins. How many of the *other* pictures come back, and do they come back as they were stored? Look at the energy $-\frac12
# \sum_{ij} J_{ij} s_i s_j$ before you guess.
#
# <details><summary>Solution</summary>
#
# The energy is $-\frac{N(1-d)}{2} \sum_\mu m_\mu^2$: it holds squares, and does not know the sign of a memory. Each third relaxes by
# itself, to its picture or to the negative of it, mostly whichever is nearer to what the coins have shown. So the other two come back in
# full as well, but as their negatives about half of the time.
#
# ```python
# ends = []
# for _ in range(100):
#     coins = np.where(draw.random(N) < 0.5, 1, -1)
#     ends.append(relax(np.where(xi[0] != 0, xi[0], coins), 5, draw))
# found = np.array([overlaps(end) for end in ends])
# for mu in range(K):
#     full, upright = np.isclose(np.abs(found[:, mu]), 1).mean(), (found[:, mu] > 0).mean()
#     print(f"pattern {mu + 1}: in full {100 * full:.0f} %, upright {100 * upright:.0f} % of 100 starts")
# show([(f"start {k + 1}", ends[k].reshape(shape)) for k in range(6)], 6)
# ```
#
# A cue therefore has to say of *each* memory at least on which side of it the state is.
#
# </details>

# %% [markdown]
# ## References
#
# - Hopfield 1982, *Neural networks and physical systems with emergent collective computational abilities*, PNAS 79:2554.
# - Agliari, Barra, Galluzzi, Guerra & Moauro 2012, *Multitasking associative networks*, Physical Review Letters 109:268101,
#   arXiv:1111.5191 (blanks, and the hierarchy).
# - Agliari et al. 2013, *Multitasking network with fast noise*, arXiv:1304.4488 (the same with temperature).
# - Agliari, Alessandrelli, Barra & Ricci-Tersenghi 2023, *Parallel learning by multitasking neural networks*, J. Stat. Mech.,
#   arXiv:2308.04106 (memories learnt from noisy examples).
