"""What there is to choose from, by name, without importing any of it.

Built-in components stand in one explicit table per family, ``name -> "module:Class"``; third parties enter through entry points of the groups
``bioplaus.rules``, ``bioplaus.neurons``, ``bioplaus.plasticity`` and ``bioplaus.devices``. Listing names and summaries reads source text, so
``bioplaus list`` imports neither torch nor the components.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.metadata
import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bioplaus.errors import ConfigError

__all__ = [
    "DEVICES",
    "ENGINES",
    "FAMILIES",
    "NETWORKS",
    "NEURONS",
    "PLASTICITY",
    "PROBES",
    "RULES",
    "THEORIES",
    "Registry",
    "is_file",
    "nearest",
]


def nearest(word: str, known: list[str], cutoff: float = 0.5) -> str:
    """Return a hint such as ", did you mean 'ccl'?", or a full stop if nothing is near."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=cutoff)
    return f", did you mean '{close[0]}'?" if close else "."


def is_file(name: str) -> bool:
    """Return whether a name is that of a file: ``mine.py``, ``mine.py:Mine``, ``folder/mine``."""
    return "/" in name or name.partition(":")[0].endswith(".py")


class Registry:
    """Names of one family of components.

    Parameters
    ----------
    kind
        What a member is called in messages, e.g. "rule".
    table
        Name -> ``"module:Class"`` of the built-in members, in the order a reader should meet them.
    group
        Entry-point group for third parties; None if there is none.
    """

    def __init__(self, kind: str, table: Mapping[str, str], group: str | None = None) -> None:
        self.kind = kind
        self._targets = dict(table)
        self._built_in = frozenset(table)
        self._classes: dict[str, Any] = {}
        self._group = group
        self._scanned = False

    def _scan(self) -> None:
        """Add third-party members; a name that is taken is refused."""
        if self._scanned or self._group is None:
            return
        self._scanned = True
        for point in importlib.metadata.entry_points(group=self._group):
            if self._targets.setdefault(point.name, point.value) != point.value:
                raise ConfigError(
                    f"two {self.kind}s are called '{point.name}': {self._targets[point.name]} and {point.value}; uninstall one"
                )

    def names(self) -> list[str]:
        """Return all names, built-in ones first."""
        self._scan()
        return list(self._targets)

    def is_built_in(self, name: str) -> bool:
        """Return whether the member came with the program."""
        return name in self._built_in

    def built_in(self) -> list[tuple[str, str]]:
        """Return (module, class name) of every built-in member."""
        return [(module, name) for module, _, name in (self._targets[one].partition(":") for one in self._targets if one in self._built_in)]

    def register(self, name: str, component: Any) -> None:
        """Add a class at run time.

        Raises
        ------
        ConfigError
            If the name is taken by something else.
        """
        self._scan()
        known = self._classes.get(name, self._targets.get(name))
        if known is not None and known is not component:
            raise ConfigError(f"{self.kind} '{name}' is registered already, as {known}; import it from bioplaus.*, not from the folder")
        self._targets[name] = f"{component.__module__}:{component.__qualname__}"
        self._classes[name] = component

    @contextmanager
    def lent(self, name: str, component: Any) -> Iterator[None]:
        """Have a class under a name for a while, and whatever was there before afterwards."""
        self._scan()
        kept = dict(self._targets), dict(self._classes)
        self._targets[name], self._classes[name] = f"{component.__module__}:{component.__qualname__}", component
        try:
            yield
        finally:
            self._targets, self._classes = kept

    def check(self, name: str) -> str:
        """Return the name, or raise ConfigError with the nearest one and the list."""
        names = self.names()
        if name not in names and self.kind == "rule" and is_file(name):
            raise ConfigError(
                f"rule {name}: a rule file can be audited (bioplaus audit rule={name}); to simulate or compare it register an entry point, "
                "which bioplaus new-rule NAME writes, see docs/adding_a_rule.md"
            )
        if name not in names:
            raise ConfigError(f"unknown {self.kind} '{name}'{nearest(name, names)} Known: {', '.join(names)}")
        return name

    def get(self, name: str) -> Any:
        """Import and return the class of a name."""
        self.check(name)
        if name not in self._classes:
            module, _, attribute = self._targets[name].partition(":")
            try:
                self._classes[name] = getattr(importlib.import_module(module), attribute)
            except (ImportError, AttributeError) as error:
                if name in self._built_in:
                    raise
                raise ConfigError(f"{self.kind} '{name}' is installed but {module}:{attribute} cannot be imported: {error}") from error
        return self._classes[name]

    def summary(self, name: str) -> str:
        """Return the first line of the class's docstring, or of the string under a value, read from the source without importing it."""
        module, _, attribute = self._targets[self.check(name)].partition(":")
        if isinstance(self._classes.get(name), type):
            return _first_line(self._classes[name].__doc__)
        try:
            spec = importlib.util.find_spec(module)
            if spec is None or spec.origin is None:
                return f"from {module}"
            with open(spec.origin, encoding="utf-8") as file:
                tree = ast.parse(file.read())
        except (ImportError, OSError, ValueError, SyntaxError):  # another package's trouble must not break the list
            return f"from {module}"
        for node, after in zip(tree.body, [*tree.body[1:], None]):
            if isinstance(node, ast.ClassDef) and node.name == attribute:
                return _first_line(ast.get_docstring(node))
            if _assigns(node, attribute) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                return _first_line(str(after.value.value))
        return _first_line(ast.get_docstring(tree))


def _assigns(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def _first_line(text: str | None) -> str:
    return text.strip().splitlines()[0] if text else ""


RULES = Registry(
    "rule",
    {
        # the reference
        "bp": "bioplaus.rules.bp:Backprop",
        "surrogate": "bioplaus.rules.surrogate:Surrogate",
        # spikes, forward in time
        "eprop": "bioplaus.rules.eprop:Eprop",
        "decolle": "bioplaus.rules.decolle:Decolle",
        # spikes alone
        "stdp": "bioplaus.rules.stdp:Stdp",
        "rstdp": "bioplaus.rules.rstdp:Rstdp",
        # spike times
        "spikeprop": "bioplaus.rules.spikeprop:SpikeProp",
        # pulses on devices
        "memristor": "bioplaus.rules.memristor:Memristor",
        # dual networks
        "ccl": "bioplaus.rules.ccl:CounterCurrent",
        # errors sent down through other weights
        "fa": "bioplaus.rules.fa:FeedbackAlignment",
        "dfa": "bioplaus.rules.dfa:DirectFeedback",
        "usf": "bioplaus.rules.usf:UniformSign",
        "frsf": "bioplaus.rules.frsf:FixedRandomSign",
        "brsf": "bioplaus.rules.brsf:BatchRandomSign",
        "drtp": "bioplaus.rules.drtp:TargetProjection",
        "kp": "bioplaus.rules.kp:KolenPollack",
        "mirror": "bioplaus.rules.mirror:WeightMirror",
        # targets sent down
        "dtp": "bioplaus.rules.dtp:DifferenceTargets",
        "drl": "bioplaus.rules.drl:DifferenceReconstruction",
        "ldrl": "bioplaus.rules.ldrl:LocalReconstruction",
        "fwdtp": "bioplaus.rules.fwdtp:FixedTargets",
        # two phases of one network
        "ff": "bioplaus.rules.ff:ForwardForward",
        "pc": "bioplaus.rules.pc:PredictiveCoding",
        "ep": "bioplaus.rules.ep:EquilibriumPropagation",
        # errors in apical dendrites
        "microcircuit": "bioplaus.rules.microcircuit:Microcircuit",
        # one set of synapses, two directions
        "bidirectional": "bioplaus.rules.bidirectional:Bidirectional",
        "han": "bioplaus.rules.han:HybridAdversarial",
        # dendrites, on the error of another rule
        "perforated": "bioplaus.rules.perforated:Perforated",
        # hidden units that grow one by one
        "cascor": "bioplaus.rules.cascor:CascadeCorrelation",
        # Hebbian
        "oja": "bioplaus.rules.oja:Oja",
        "bcm": "bioplaus.rules.bcm:Bcm",
        "softhebb": "bioplaus.rules.softhebb:SoftHebb",
        "multitasking": "bioplaus.rules.multitasking:Multitasking",
        # one task after the other
        "vcl_binary": "bioplaus.rules.vcl_binary:VclBinary",
        "ewc": "bioplaus.rules.ewc:Ewc",
        # controls
        "readout": "bioplaus.rules.readout:Readout",
        "top": "bioplaus.rules.top:TopLayer",
    },
    "bioplaus.rules",
)
NEURONS = Registry(
    "neuron",
    {
        "identity": "bioplaus.neurons.smooth:Identity",
        "relu": "bioplaus.neurons.rectified:Relu",
        "leaky_relu": "bioplaus.neurons.rectified:LeakyRelu",
        "elu": "bioplaus.neurons.smooth:Elu",
        "tanh": "bioplaus.neurons.smooth:Tanh",
        "sigmoid": "bioplaus.neurons.smooth:Sigmoid",
        "symmetric_sigmoid": "bioplaus.neurons.smooth:SymmetricSigmoid",
        "softplus": "bioplaus.neurons.smooth:Softplus",
        "hard_sigmoid": "bioplaus.neurons.rectified:HardSigmoid",
        "clip": "bioplaus.neurons.rectified:Clip",
        "step": "bioplaus.neurons.threshold:Step",
        "sign": "bioplaus.neurons.threshold:Sign",
        "ising": "bioplaus.neurons.ising:Ising",
        "lif": "bioplaus.neurons.lif:Lif",
        "synaptic": "bioplaus.neurons.synaptic:Synaptic",
        "alif": "bioplaus.neurons.alif:Alif",
        "if": "bioplaus.neurons.integrate_fire:IntegrateFire",
        "izhikevich": "bioplaus.neurons.izhikevich:Izhikevich",
        "hodgkin_huxley": "bioplaus.neurons.hodgkin_huxley:HodgkinHuxley",
        "srm": "bioplaus.neurons.srm:Srm",
    },
    "bioplaus.neurons",
)
PLASTICITY = Registry(
    "plasticity",
    {
        "sgd": "bioplaus.plasticity.sgd:Sgd",
        "adam": "bioplaus.plasticity.adaptive:Adam",
        "adamw": "bioplaus.plasticity.adaptive:AdamW",
        "rmsprop": "bioplaus.plasticity.adaptive:RmsProp",
        "rprop": "bioplaus.plasticity.resilient:Rprop",
        "sign": "bioplaus.plasticity.sgd:SignStep",
        "metaplastic": "bioplaus.plasticity.metaplastic:Metaplastic",
        "memristor": "bioplaus.plasticity.memristor:Memristor",
    },
    "bioplaus.plasticity",
)
DEVICES = Registry(
    "device",
    {
        # pulse curves
        "ag_asi": "bioplaus.plasticity.devices.presets:AG_ASI",
        "epiram": "bioplaus.plasticity.devices.presets:EPIRAM",
        "hzo_fefet": "bioplaus.plasticity.devices.presets:HZO_FEFET",
        "taox_hfox": "bioplaus.plasticity.devices.presets:TAOX_HFOX",
        "pcmo": "bioplaus.plasticity.devices.presets:PCMO",
        "alox_hfo2": "bioplaus.plasticity.devices.presets:ALOX_HFO2",
        "gst_pcm": "bioplaus.plasticity.devices.presets:GST_PCM",
        # steps
        "reram_es": "bioplaus.plasticity.devices.presets:RERAM_ES",
        "reram_sb": "bioplaus.plasticity.devices.presets:RERAM_SB",
        "capacitor": "bioplaus.plasticity.devices.presets:CAPACITOR",
        "ecram": "bioplaus.plasticity.devices.presets:ECRAM",
        "ecram_mo": "bioplaus.plasticity.devices.presets:ECRAM_MO",
        "gokmen_vlasov": "bioplaus.plasticity.devices.presets:GOKMEN_VLASOV",
        "idealized": "bioplaus.plasticity.devices.presets:IDEALIZED",
        "pcm": "bioplaus.plasticity.devices.presets:PCM",
        "reram_array_om": "bioplaus.plasticity.devices.presets:RERAM_ARRAY_OM",
        "reram_array_hfo2": "bioplaus.plasticity.devices.presets:RERAM_ARRAY_HFO2",
    },
    "bioplaus.devices",
)
NETWORKS = Registry(
    "network",
    {
        "mlp": "bioplaus.networks.mlp:Mlp",
        "cnn5": "bioplaus.networks.convolutional:Cnn5",
        "lenet": "bioplaus.networks.convolutional:Lenet",
        "autoencoder": "bioplaus.networks.autoencoder:Autoencoder",
        "dense_autoencoder": "bioplaus.networks.dense_autoencoder:DenseAutoencoder",
        "strided": "bioplaus.networks.strided:Strided",
        "fc0": "bioplaus.networks.published:Fc0",
        "fc0_nobias": "bioplaus.networks.published:Fc0NoBias",
        "fc1": "bioplaus.networks.published:Fc1",
        "fc1_nobias": "bioplaus.networks.published:Fc1NoBias",
        "fc2": "bioplaus.networks.published:Fc2",
        "fc2_nobias": "bioplaus.networks.published:Fc2NoBias",
        "fc4": "bioplaus.networks.published:Fc4",
        "fc4_nobias": "bioplaus.networks.published:Fc4NoBias",
        "cnn3": "bioplaus.networks.published:Cnn3",
        "cnn3_nobias": "bioplaus.networks.published:Cnn3NoBias",
        "han_fc1": "bioplaus.networks.published:HanFc1",
        "han_fc1_nobias": "bioplaus.networks.published:HanFc1NoBias",
        "han_cnn2": "bioplaus.networks.published:HanCnn2",
        "han_cnn2_nobias": "bioplaus.networks.published:HanCnn2NoBias",
        "memory": "bioplaus.networks.memory:Memory",
        "recurrent": "bioplaus.networks.memory:Recurrent",
        "diehl_cook": "bioplaus.networks.diehl_cook:DiehlCook",
        "spike_times": "bioplaus.networks.spike_times:SpikeTimesPreset",
        "neurosim": "bioplaus.networks.neurosim:NeuroSim",
        "perceptron": "bioplaus.networks.perceptron:Perceptron",
        "dann": "bioplaus.networks.dann:Dann",
        "cascade": "bioplaus.networks.cascade:Cascade",
        "active_dendrites": "bioplaus.networks.active_dendrites:ActiveDendrites",
    },
)
PROBES = Registry(
    "probe",
    {
        "angle": "bioplaus.probes.angle:AngleProbe",
        "feedback": "bioplaus.probes.feedback:FeedbackProbe",
        "cka": "bioplaus.probes.cka:CkaProbe",
        "updates": "bioplaus.probes.updates:UpdatesProbe",
        "dead": "bioplaus.probes.dead:DeadProbe",
        "spikes": "bioplaus.probes.spikes:SpikesProbe",
        "overlap": "bioplaus.probes.overlap:OverlapProbe",
    },
)
ENGINES = Registry(
    "backend",
    {
        "loop": "bioplaus.engines.loop:LoopEngine",
        "numba": "bioplaus.engines.numba_online:NumbaOnlineEngine",
        "snntorch": "bioplaus.engines.snntorch_loop:SnntorchEngine",
        "brian2": "bioplaus.engines.brian2_diehl_cook:Brian2Engine",
    },
)
THEORIES = Registry(
    "theory",
    {
        "multitasking": "bioplaus.answers.multitasking:Multitasking",
        "hopfield": "bioplaus.answers.hopfield:Hopfield",
        "dense": "bioplaus.answers.dense:Dense",
        "curie_weiss": "bioplaus.answers.curie_weiss:CurieWeiss",
        "lif": "bioplaus.answers.lif:Lif",
        "stdp": "bioplaus.answers.stdp:Stdp",
        "perceptron": "bioplaus.answers.perceptron:Perceptron",
        "continual": "bioplaus.answers.continual:Continual",
    },
)
FAMILIES = {
    "rules": RULES,
    "neurons": NEURONS,
    "plasticity": PLASTICITY,
    "devices": DEVICES,
    "networks": NETWORKS,
    "probes": PROBES,
    "backends": ENGINES,
    "theories": THEORIES,
}
