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
# # 10. Write your own rule, and audit it
#
# **Question.** You have an idea of how a hidden synapse could learn. How do you try it on real data, beside backpropagation, and how do
# you find out
# whether it *really* is as local as you believe?
#
# Our idea: in direct feedback alignment every hidden cell hears the errors of *all* output units through random wires. That is a lot of
# wiring. What if every hidden cell had a
# *single* wire, to one output unit, excitatory or inhibitory? We write this rule, compare it with backpropagation, and let the program
# measure what
# information it uses. Then we look at a rule that cheats, and see whether it is caught.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from bioplaus import compare, simulate
from bioplaus.audit import card_of
from bioplaus.changes import Wanted
from bioplaus.registry import RULES
from bioplaus.rules.base import Learned, Plausibility, Rule
from bioplaus.stats import paired_difference

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})
folder = Path(tempfile.mkdtemp())  # a comparison keeps its runs; ours may be lost

# %% [markdown]
# ## The equation
#
# A network with activities $h_l = \varphi(z_l)$, $z_l = W_l h_{l-1} + b_l$, has the output error $e = y - \mathrm{softmax}(z_L)$. Its
# output layer learns by
# the delta rule. Cell $j$ of hidden layer $l$ hears the output unit $k(j) = j \bmod K$ of $K$, with the sign $s_j = +1$ for one half of
# the cells and $-1$ for the other:
#
# $$ \delta_{l,j} = s_j\, e_{k(j)}\, \varphi'(z_{l,j}) \qquad \Delta W_{l,ji} = \eta\, \delta_{l,j}\, h_{l-1,i} $$
#
# Nothing in it is random, and nothing looks at another weight. With a full random matrix in place of the single wires it would be direct
# feedback alignment
# (Nøkland 2016).
#
# ## The rule as a program
#
# A rule is a class with a method `learn`, which looks at one batch and *yields* what it wants to change. It never writes a weight
# itself: that is
# the job of the plasticity (plain steps, Adam, a memristor), so your rule runs on all of them. `layer.wanted(trace, heard)` multiplies
# what a layer hears by $\varphi'(z)$ and by the activity
# below. All arrays carry an axis in front, because the networks of all seeds are trained at the same time.


# %%
class OneWire(Rule):
    """Every hidden cell hears the error of one output unit, through a wire of strength +1 or -1."""

    plausibility = Plausibility(
        honoured=("no weight transport", "no backward locking", "one wire per cell"),
        violated=("hidden layers wait for the output's error", "two phases"),
        update_locking=True,
        phases=2,
        modulators=("output error",),
    )

    def heard(self, error: torch.Tensor, cells: int) -> torch.Tensor:
        """Return what each of so many cells hears, given the errors [networks, samples, outputs]."""
        j, outputs = torch.arange(cells), error.shape[-1]
        sign = 1 - 2 * (j // outputs % 2)
        return error[..., j % outputs] * sign

    def learn(self, view):
        network = view.networks["forward"]
        run = network.forward(view.params, view.batch.x, view.buffers, train=True)
        error = view.task.error(run.out, view.batch.y)  # the mean over the batch is inside
        _, changes = network.layers[-1].wanted(run.traces[-1], error)
        for layer, trace in zip(network.layers[:-1], run.traces):
            _, found = layer.wanted(trace, self.heard(error, layer.out_shape[0]))
            changes |= found
        yield Wanted("forward", changes)
        return Learned({"loss": view.task.loss(run.out, view.batch.y)}, running=run.running)


RULES.register("one_wire", OneWire)

# %% [markdown]
# That is all. `RULES.register` makes the name known in this session; an installed package does the same with an entry point of the group
# `bioplaus.rules`.
#
# ## Does it learn?
#
# Always ask first whether the *hidden* layers learn: on easy data a network whose output layer alone learns is not bad at all. So one of
# the rows is the rule `top`, which does just that. The others are
# backpropagation (`bp`) and direct feedback alignment with all wires (`dfa`). `compare` tries the same number of rates for each of them
# and chooses by validation data; the test set chooses nothing.

# %%
network = {"network.hidden": [64, 64], "plasticity.clip": "per_network", "threads": 1}
found = compare(
    {**network, "run.root": str(folder), "grid": [0.5, 2, 8], "tune_epochs": 8, "probes": []},
    rules="bp,dfa,one_wire,top",
    data="digits",
    seeds=5,
    epochs=15,
    workers=0,  # in this process, which alone knows our rule
)
accuracy = {row["rule"]: row["accuracy"]["values"] for row in found.rows if row["name"] == row["rule"]}


def less(a: str, b: str) -> list[float]:
    """Print by how many points a is above b, seed by seed, with its 95 % interval, and return the interval."""
    gap = paired_difference(accuracy[a], accuracy[b])
    low, high = (100 * one for one in gap["ci95"])
    verdict = "no difference is shown" if low <= 0 <= high else f"{a} is {'better' if low > 0 else 'worse'}"
    print(f"{a} less {b}: {100 * gap['mean']:+.1f} points [{low:+.1f}, {high:+.1f}]: {verdict}")
    return [low, high]


for name, values in accuracy.items():
    print(f"{name:<9} {100 * np.mean(values):5.1f} %")
print()
for other in ("top", "dfa", "bp"):
    less("one_wire", other)

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.2))
for i, values in enumerate(accuracy.values()):
    left.plot(np.full(5, i) + np.linspace(-0.12, 0.12, 5), 100 * np.array(values), "o", color=f"C{i}", alpha=0.8)
left.set(xticks=range(len(accuracy)), xticklabels=list(accuracy), ylabel="test accuracy, %", title="one point per seed")
for i, name in ((1, "dfa"), (2, "one_wire")):
    settings = {**network, "rule.lr": 0.2, "probes": ["angle"], "run.save": False}
    rows = simulate(settings, rule=name, data="digits", seeds=5, epochs=15).metrics.to_pylist()
    seen = [row for row in rows if row["metric"] == "angle_to_bp" and row["layer"] == 0]
    epochs = sorted({row["epoch"] for row in seen})
    right.plot(epochs, [np.mean([row["value"] for row in seen if row["epoch"] == one]) for one in epochs], ".-", color=f"C{i}", label=name)
right.axhline(90, color="grey", linestyle=":", label="unrelated")
right.set(xlabel="epoch", ylabel="degrees", title="first layer: angle to the gradient")
right.legend(frameon=False)
figure.tight_layout()
plt.show()

# %% [markdown]
# **What one sees.** On the right is the angle between what the rule wants for the first layer and what backpropagation would want. It
# starts near 90 degrees: the wires know nothing of the weights. Then it shrinks, although
# nobody ever adjusts a wire. The forward weights come to agree with the wires, and not the other way round. That is "feedback
# alignment", and single wires are enough for it.
#
# ## The audit: what does the rule really use?
#
# A statement of plausibility is a claim by its author. The audit runs the rule on a small network, records it, and *runs it again with
# one thing changed*: another layer's
# weights, the labels, the error at the top, one sample. Whatever then moves in a layer's wanted change, bit for bit, has used the thing
# that was changed.


# %%
def show(card) -> None:
    """Print the answers of a card, and where the rule's author says something else."""
    for key in ("weight_transport", "backward_locking", "update_locking", "needs_labels"):
        print(f"{key.replace('_', ' '):<17}{'yes' if getattr(card, key) else 'no'}")
    print(f"{'phases':<17}{card.phases}\n{'broadcast':<17}{', '.join(card.modulators) or 'nothing'}")
    print("the author agrees" if not card.differs else f"the author says: {'; '.join(card.differs)}")


show(card_of(rule="one_wire"))

# %% [markdown]
# No weight is read but the synapse's own, and no layer waits for a pass through the layers above (backward locking). But hidden layers
# do wait for the output error (update locking), which is broadcast.
#
# ## A cheat
#
# Now somebody hands in a rule with a fine accuracy and the statement "no weight transport: errors travel through separate feedback
# synapses". Look how it is done: after every batch
# the feedback synapses are *overwritten by the forward weights*, in the rule's state. When errors travel, the rule reads its own
# feedback synapses and nothing else. We write it into a file, as a
# colleague would send it, and audit the file (which executes it).

# %%
cheat = folder / "wonderful.py"
cheat.write_text('''
from bioplaus.changes import Wanted
from bioplaus.passes import downward
from bioplaus.rules.base import Learned, Plausibility, Rule


class Wonderful(Rule):
    """Errors travel through separate feedback synapses."""

    plausibility = Plausibility(
        honoured=("no weight transport: feedback synapses of their own",),
        violated=("backward locking",),
        backward_locking=True, update_locking=True, phases=2,
    )

    def init(self, networks, params, streams):
        return {layer.weight: params[layer.weight].clone() for layer in networks["forward"].layers}

    def learn(self, view):
        network = view.networks["forward"]
        run = network.forward(view.params, view.batch.x, view.buffers, train=True)
        error = view.task.error(run.out, view.batch.y)
        yield Wanted("forward", downward(network, view.params, run, error, lambda layer: view.state[layer.weight]))
        secretly = {layer.weight: view.params[layer.weight].clone() for layer in network.layers}
        return Learned({"loss": view.task.loss(run.out, view.batch.y)}, state=secretly, running=run.running)
''')
caught = card_of(rule=f"{cheat}:Wonderful")
show(caught)
print("\nwhat its changes use beyond the two sides of their synapses:")
for sentence in caught.non_local_terms:
    print(" -", sentence)

# %% [markdown]
# **What one sees.** Weight transport is found, against the author's statement. The audit did not look for a transpose in the
# source: it exchanged the weights of other layers, followed the copy through the state into the next batch, and saw the change move.
#
# An audit has limits, and they are written down (`docs/audit.md`, "What is not measured"). A threshold that none of the disturbances
# crosses, for example, hides what is behind it. And that a signal
# is not needed says nothing about how a brain would bring those that are.
#
# ## Exercise
#
# Cells may not be able to send precise numbers. Write a rule `Shout` in which an output unit sends only the *sign* of its error. Before
# you audit it, write down the card that you expect. One line
# will surprise you: why?
#
# <details><summary>Solution</summary>
#
# ```python
# class Shout(OneWire):
#     """Every hidden cell hears the sign of the error of one output unit."""
#
#     plausibility = OneWire.plausibility
#
#     def heard(self, error, cells):
#         return super().heard(error.sign() / error.shape[1], cells)  # over the size of the batch
#
# RULES.register("shout", Shout)
# show(card_of(rule="shout"))
# settings = {**network, "rule.lr": 0.2, "probes": [], "run.save": False}
# shout = simulate(settings, rule="shout", data="digits", seeds=5, epochs=15).summary["test_accuracy"]
# print(f"\ntest accuracy {100 * shout['mean']:.1f} %")
# ```
#
# The audit finds no update locking: the hidden layers do not wait for the output at all. For a softmax lies between 0 and 1, so $y_k -
# p_k$ is positive for the right class and negative for all others, whatever the network
# answers. The sign of the error *is the label*, and the audit says so under "broadcast". The accuracy shows the price. A cell is never
# told that the network has got it right, so it is pushed on for ever; and since only one class in ten is "its own", it is
# pushed the same way nine times out of ten.
#
# </details>
#
# ## References
#
# - Nøkland 2016, *Direct feedback alignment provides learning in deep neural networks*, NeurIPS, arXiv:1609.01596 (errors sent straight
#   to every layer).
# - Crafton, Parihar, Gebhardt & Raychowdhury 2019, *Frontiers in Neuroscience* 13:525, arXiv:1903.02083 (sparse wires, down to one per
#   cell).
# - Lillicrap, Cownden, Tweed & Akerman 2016, *Nature Communications* 7:13276 (why fixed feedback works).
# - Frenkel, Lefebvre & Bol 2021, *Frontiers in Neuroscience* 15:629892 (labels in place of errors: the exercise).
# - Grossberg 1987, *Cognitive Science* 11:23; Crick 1989, *Nature* 337:129 (weight transport as a problem).
# - In this project: `docs/architecture.md` ("Adding a rule"), `docs/audit.md`, `docs/compare.md`.
