"""What a run honours of the constraints of biology, as it is set: the rule's own statement, and what its surroundings add to it."""

from __future__ import annotations

from dataclasses import replace

from bioplaus import registry
from bioplaus.rules.base import Plausibility, Rule
from bioplaus.settings import Settings

__all__ = ["statement"]


def statement(rule: Rule, settings: Settings) -> Plausibility:
    """Return the rule's statement under its settings, with what batch size, clipping and task add.

    The rule speaks for how it forms a change; averaging over a batch, clipping by a network's norm and the error at the output belong to
    the run, and are named only when they are on.
    """
    own = rule.statement()
    added = []
    task = getattr(registry.NETWORKS.get(settings.network.name), "task", "")
    # one example after the other, however they are batched, and no error but the rule's own
    alone = task in ("retrieval", "labelling", "classification on devices")
    if settings.top.batch_size > 1 and not alone:
        added.append(f"mini-batch averaging (batch_size={settings.top.batch_size})")
    if settings.plasticity.clip == "per_network":
        added.append("clipping by the norm of a whole network (plasticity.clip=per_layer or none avoids it)")
    if getattr(settings.network, "norm", "none") != "none":
        added.append("normalisation by statistics of the batch")
    if settings.top.norm_per_task:
        added.append("it is told the task when it is read: normalisations of each task's own (norm_per_task=true)")
    if not alone and not rule.own_error:
        squared = task in ("autoencoding", "spike times") or getattr(settings.neuron, "loss", "").startswith("mse")
        loss = "squared error" if squared else "minus the log probability of the right sign" if task == "decision" else "softmax cross-entropy"
        added.append(f"{loss} at the output layer, computed outside the network")
    return replace(own, violated=(*own.violated, *added))
