"""The interface of a learning rule: data plus pure functions.

::

    build(network)        -> {name: Network}      which networks there are; ccl adds a mirror
    groups(networks)      -> {group: Group}       which leaves share an optimiser, at what rate
    init(...)             -> state                traces, phases, means; weights never hide here
    learn(view)           yields Wanted, returns Learned
    predict(...)          -> output               default: the forward pass
    boundary(event, ...)  -> Edits                act between batches: grow, switch phases, store in one shot

`learn` is a generator: at each ``yield Wanted(...)`` plasticity writes before the rule goes on, so a rule of several updates per batch sees
the weights that its last one left. A rule with one update yields once. Rules never write to params and draw random numbers only from
``view.streams``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from bioplaus.changes import Wanted
from bioplaus.fields import replica
from bioplaus.network import Network
from bioplaus.pictures import Findings
from bioplaus.recipes import Recipe
from bioplaus.streams import Streams
from bioplaus.view import Edits, Learned, View

__all__ = ["Group", "Learning", "Plausibility", "Recipe", "Rule", "RuleConfig", "StageScores", "plastic_leaves", "replica"]

Learning = Generator[Wanted, None, Learned]
Rate = float | tuple[float, ...]
StageScores = Mapping[str, Mapping[str, Sequence[float | None]]]


@dataclass
class RuleConfig:
    """Settings that every rule has."""

    name: str = "bp"
    """Registered name of the rule."""
    lr: float = replica(0.1)
    """Base rate handed to the plasticity, >= 0; a list gives each seed its own."""


@dataclass(frozen=True)
class Group:
    """Leaves that share an optimiser.

    Parameters
    ----------
    leaves
        Keys of the leaves.
    rate
        Base rate, one number or one per replica; None freezes the group.
    bounds
        Range that the weights stay in, (lowest, highest), such as that of an excitatory synapse; None for no bounds.
    """

    leaves: tuple[str, ...]
    rate: Rate | None
    bounds: tuple[float, float] | None = None

    @property
    def frozen(self) -> bool:
        """Whether nothing in it can ever change."""
        return self.rate is None or self.rate == 0 or (isinstance(self.rate, tuple) and not any(self.rate))


@dataclass(frozen=True)
class Plausibility:
    """What a rule honours of the constraints of biology, and what it does not; printed with its results.

    Only what is the rule's own: mini-batches, clipping and the loss at the output are the run's, and are added to it when they are on.
    The sentences are for readers; the fields below them are claims that ``bioplaus audit`` measures.
    """

    honoured: tuple[str, ...]
    violated: tuple[str, ...]
    weight_transport: bool = False
    """Whether a synapse's change uses another synapse's forward weight other than through activity."""
    backward_locking: bool = False
    """Whether a hidden layer's change waits for a layer-by-layer pass from above that can start only once this batch has reached the top."""
    update_locking: bool = False
    """Whether a hidden layer's change waits for what the top does with this batch (an output error, a nudge, a pass from above)."""
    needs_labels: bool = True
    """Whether a hidden layer's change depends on the labels (targets) of the batch."""
    phases: int = 1
    """Distinct phases of activity that one change compares or waits for."""
    modulators: tuple[str, ...] = ()
    """Signals broadcast to a layer beside its two sides, e.g. "output error", "label"."""


class Rule(ABC):
    """A learning rule. Final classes hold their settings and nothing else."""

    Config: ClassVar[type[RuleConfig]] = RuleConfig
    plausibility: ClassVar[Plausibility]
    recipes: ClassVar[tuple[Recipe, ...]] = ()
    reference: ClassVar[str] = ""
    aliases: ClassVar[Mapping[str, str]] = {}
    #: what networks and data may ask of it: "classification", "regression", "autoencoding", "retrieval", "labelling", "spike times",
    #: "classification in context"
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression", "autoencoding")
    #: why it refuses networks that are made for other tasks, in a few words, where that is not plain
    refusal: ClassVar[str] = ""
    #: whether the output's error is one of its own, and not that of the task's loss
    own_error: ClassVar[bool] = False
    #: settings that the rule is made for, e.g. "neuron"; a comparison gives all rows those of its recipe
    conditions: ClassVar[tuple[str, ...]] = ()
    #: whether `boundary` acts at the start alone, on the rule's own state, so that a rule that wraps this one may hand it on
    prepares: ClassVar[bool] = False
    #: neuron of the published results where it is not the common one of comparisons, which then add a row with it
    published_neuron: ClassVar[str] = ""

    def __init__(self, config: Any = None) -> None:
        self.config: Any = self.Config() if config is None else config

    @classmethod
    def home(cls, given: Mapping[str, Any]) -> Mapping[str, str]:
        """Return the components ("data", "network") that the rule is run on unless others are named, given the user's keys."""
        return {}

    def statement(self) -> Plausibility:
        """Return the statement of plausibility under these settings; what batch, clipping and task add is added by the program."""
        return self.plausibility

    def build(self, network: Network) -> dict[str, Network]:
        """Return all networks of the rule, given the one that the user described (which is always called "forward")."""
        return {"forward": network}

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        """Return the groups of leaves; the default is one group of the forward network's leaves, dendritic ones apart."""
        return {"forward": Group(plastic_leaves(networks["forward"]), self.config.lr)}

    def init(
        self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: Streams
    ) -> dict[str, Tensor]:
        """Return the rule's own state, tensors ``[R, ...]``; empty by default."""
        return {}

    @abstractmethod
    def learn(self, view: View) -> Learning:
        """Yield the wanted changes for one batch, in order, and return the metrics."""

    def feedback(self, view: View) -> dict[str, Tensor]:
        """Return the matrix that takes errors down past each forward weight, key of that weight -> array of its shape, as it is *used*.

        For probes, which compare it with the weight; empty by default. A mirrored network named "feedback" needs no entry here.
        """
        return {}

    def predict(self, view: View, *, mode: str = "default") -> Tensor:
        """Return the output for ``view.batch.x``; the default is the forward pass with running means."""
        return view.networks["forward"].forward(view.params, view.batch.x, view.buffers).out

    def findings(self, views: Sequence[View]) -> Findings:
        """Return what there is to say about a finished run beside its scores, given a view of each pack at its selected weights."""
        return Findings()

    def boundary(
        self, event: str, view: View, scores: Mapping[str, Tensor], feed: Callable[[], Any]
    ) -> Edits | tuple[Edits, ...] | None:
        """Act between batches: return edits, which are carried out in order.

        Events: "start", "epoch", "task", "end"; `feed()` yields `Batch` after `Batch` of the training set.
        """
        return None

    def finished(self, state: Mapping[str, Tensor]) -> bool:
        """Return whether every replica is done, so that the run may end before its last epoch; False by default."""
        return False

    def stages(self, view: View) -> Sequence[Mapping[str, Tensor]]:
        """Return networks of the past that are measured at the end beside the selected one, each by keys ``params/KEY`` and ``buffers/KEY``."""
        return ()

    def stage_findings(self, views: Sequence[View], scores: Sequence[StageScores], seconds: Sequence[float]) -> Findings:
        """Return what there is to say about the stages.

        Parameters
        ----------
        views
            One per pack, with the rule's state as the run left it.
        scores
            Per stage: split -> metric -> one value per seed.
        seconds
            What the updates of each epoch took, all seeds together.
        """
        return Findings()

    def controls(self, summary: Mapping[str, Any], network: Network) -> Mapping[str, Mapping[str, Any]]:
        """Return further runs that belong beside this one, name -> the settings in which they differ; none by default."""
        return {}

    def beside(self, summary: Mapping[str, Any], controls: Mapping[str, Mapping[str, Any]]) -> Findings:
        """Return what there is to say about the run beside its controls, given the summaries of all."""
        return Findings()


def plastic_leaves(network: Network) -> tuple[str, ...]:
    """Return the leaves that an error at a layer changes: all but candidates, and the inner arrays of dendrites unless they are learned."""
    grown = [layer.dendrites for layer in network.layers if layer.dendrites]
    others = {one.candidate(key) for one in grown for key in one.inner} | {key for one in grown if not one.learned for key in one.inner}
    return tuple(key for key in network.leaves if key not in others)
