"""What an audit found, as data and as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["NEIGHBOURS", "Card", "LayerCard"]

#: What Oja's rule transports: weights of the layer's other synapses, not those of the layer above, as backpropagation does.
NEIGHBOURS = "neighbours' weights"


@dataclass(frozen=True)
class LayerCard:
    """What was found at one layer.

    Parameters
    ----------
    layer
        Its name.
    learns
        Whether anything was wanted for it in the window.
    reads_forward, reads_other
        Layers of the forward network (of other networks) whose weights its change uses other than through activity.
    reads_neighbours
        Whose weights in the layer itself a synapse reads beside its own: "" | "other cells" | "its cell's other synapses".
    waits
        "" | "for the top" | "for a pass from above" | "for the network to settle".
    signals
        What of the batch its change depends on beside its input, by any way: "output error", "label", "output", "loss".
    broadcast
        Those of the signals that arrive in one step.
    other_samples
        Whether one sample moves what the layer wants for another; None where its changes do not show their samples.
    phases
        Phases of activity that its change compares or waits for.
    """

    layer: str
    learns: bool
    reads_forward: tuple[str, ...] = ()
    reads_other: tuple[str, ...] = ()
    reads_neighbours: str = ""
    waits: str = ""
    signals: tuple[str, ...] = ()
    broadcast: tuple[str, ...] = ()
    other_samples: bool | None = None
    phases: int = 1

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}


@dataclass(frozen=True)
class Card:
    """The measured plausibility of a rule.

    Parameters
    ----------
    rule, network
        What was audited, and on which network.
    weight_transport, backward_locking, update_locking, needs_labels, phases, modulators
        As the fields of `bioplaus.rules.base.Plausibility`, measured.
    settles
        Whether layers exchange signals at every step of a relaxation.
    non_local_terms
        What changes use beyond the two sides of their synapses, one sentence each.
    global_signals
        Signals beyond the two sides that some hidden layer depends on, by whatever way.
    stored
        Entries of state that the rule carries from batch to batch.
    per_layer
        One card per layer, network by network.
    declared
        Field -> why it could not be measured and is what the rule declares.
    differs
        Fields in which the rule's own statement says something else.
    """

    rule: str
    network: str
    weight_transport: bool
    backward_locking: bool
    update_locking: bool
    needs_labels: bool
    phases: int
    settles: bool = False
    non_local_terms: tuple[str, ...] = ()
    global_signals: tuple[str, ...] = ()
    modulators: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()
    per_layer: tuple[LayerCard, ...] = ()
    declared: Mapping[str, str] = field(default_factory=dict)
    differs: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as ``--json`` prints it."""
        found = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}
        layers = [layer.as_dict() for layer in self.per_layer]
        return found | {"declared": dict(self.declared), "per_layer": layers, "neighbours_only": self.neighbours_only}

    @property
    def neighbours_only(self) -> bool:
        """Whether all weights that are seen to be transported are those of other synapses of the same layer, as in Oja's rule."""
        measured = self.weight_transport and "weight_transport" not in self.declared
        return measured and not any(one.reads_forward for one in self.per_layer)

    def short(self) -> str:
        """Return the card in a few words, e.g. "weight transport, backward locking, needs labels"."""
        locking = "backward locking" if self.backward_locking else "update locking"
        words = [NEIGHBOURS if self.neighbours_only else "weight transport"] if self.weight_transport else []
        words += [locking + (" (settles)" if self.settles else "")] if self.update_locking or self.backward_locking else []
        words += ["needs labels"] if self.needs_labels else []
        words += ["other samples"] if any(layer.other_samples for layer in self.per_layer) else []
        return ", ".join(words) or "local"

    def table(self) -> Table:
        """Return the card as a table: one row per layer that learns or is read."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        title = Text(f"audit of {self.rule} on {self.network}: what its changes use", style="bold")
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, caption=Text(self._answers()), caption_justify="left")
        for header in ("layer", "reads the weights of", "waits", "depends on", "other samples"):
            table.add_column(header, overflow="fold")
        for one in self.per_layer:
            if not one.learns:
                table.add_row(Text(one.layer), "learns nothing", "", "", "")
                continue
            reads = [*one.reads_forward, *one.reads_other, *([one.reads_neighbours] if one.reads_neighbours else [])]
            mixes = {True: "yes", False: "no", None: "not shown"}[one.other_samples]
            signals = [f"{s} (broadcast)" if s in one.broadcast else s for s in one.signals]
            table.add_row(*(Text(cell) for cell in (one.layer, ", ".join(reads) or "no other", one.waits or "no", ", ".join(signals), mixes)))
        return table

    def _answers(self) -> str:
        """Return the card's fields, one a line, and what it could not measure."""
        fields = {
            "weight transport": self.weight_transport,
            "backward locking": self.backward_locking,
            "update locking": self.update_locking,
            "needs labels": self.needs_labels,
        }
        lines = [f"{name:<17} {'yes' if value else 'no'}" for name, value in fields.items()]
        lines[0] += f", but of {NEIGHBOURS} alone" if self.neighbours_only else ""
        lines[1] += ", but the network settles first" if self.settles and not self.backward_locking else ""
        lines.append(f"{'phases':<17} {self.phases}")
        lines += [f"{name:<17} {', '.join(words) or 'none'}" for name, words in (("global signals", self.global_signals),)]
        lines += [f"{'kept in state':<17} {', '.join(self.stored)}"] if self.stored else []
        lines += [f"not measured, as declared: {name.replace('_', ' ')} ({why})" for name, why in self.declared.items()]
        lines += [f"the rule's own statement says otherwise: {', '.join(self.differs)}"] if self.differs else []
        return "\n".join(lines)
