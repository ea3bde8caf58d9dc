"""Rules made for tests of the audit, as a third party would write them: honest ones of every kind, and cheats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.changes import Change, Dense, Outer, Wanted
from bioplaus.connections import DenseConnection
from bioplaus.fields import replica
from bioplaus.layer import Layer
from bioplaus.network import Network, Pass
from bioplaus.neurons.smooth import Identity
from bioplaus.passes import downward
from bioplaus.rules.base import Group, Learned, Learning, Plausibility, Rule, RuleConfig, plastic_leaves
from bioplaus.view import Edits, View


@dataclass
class Settings(RuleConfig):
    """Settings of all of them."""

    name: str = "audited"
    lr: float = replica(0.1)


class Base(Rule):
    """What they share: one group, one loss."""

    Config = Settings
    reference = "made for a test"
    plausibility = Plausibility(honoured=("nothing",), violated=("nothing",))

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        rest = tuple(key for name, network in networks.items() if name != "forward" for key in network.leaves)
        return {"forward": Group(plastic_leaves(networks["forward"]), self.config.lr), "fixed": Group(rest, None)}

    def run(self, view: View) -> tuple[Network, Pass, Tensor]:
        network = view.networks["forward"]
        run = network.forward(view.params, view.batch.x, view.buffers, train=True)
        return network, run, view.task.error(run.out, view.batch.y)

    def end(self, view: View, run: Pass, **state: Tensor) -> Learned:
        return Learned({"loss": view.task.loss(run.out, view.batch.y)}, state, run.running)


class Feedback(Base):
    """Feedback alignment: a twin network of fixed weights; `matrix` says what goes down past a layer."""

    def build(self, network: Network) -> dict[str, Network]:
        return {"forward": network, "backward": network.twin("backward", first=1)}

    def matrix(self, view: View, layer: Layer) -> Tensor:
        return view.params[layer.weight.replace("forward", "backward")]

    def learn(self, view: View) -> Learning:
        network, run, error = self.run(view)
        yield Wanted("forward", downward(network, view.params, run, error, lambda layer: self.matrix(view, layer)))
        return self.end(view, run)


class LeakyFeedback(Feedback):
    """Cheat: a tenth of the forward weight is added to the feedback."""

    def matrix(self, view: View, layer: Layer) -> Tensor:
        return super().matrix(view, layer) + 0.1 * view.params[layer.weight]


class Signs(Feedback):
    """Cheat (or sign symmetry): the signs of the forward weight, at the size of the feedback."""

    def matrix(self, view: View, layer: Layer) -> Tensor:
        return super().matrix(view, layer).abs() * view.params[layer.weight].sign()


class LateCopy(Feedback):
    """Cheat: the feedback of a batch is the forward weight as it was a batch before, kept in the state."""

    def init(self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: object) -> dict[str, Tensor]:
        return {layer.weight: params[layer.weight.replace("forward", "backward")].clone() for layer in networks["forward"].layers[1:]}

    def matrix(self, view: View, layer: Layer) -> Tensor:
        return view.state[layer.weight]

    def end(self, view: View, run: Pass, **state: Tensor) -> Learned:
        return super().end(view, run, **{key: view.params[key].clone() for key in view.state})


class CopyAtStart(LateCopy):
    """Cheat: `init` keeps the forward weights, which never change again."""

    def init(self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: object) -> dict[str, Tensor]:
        return {layer.weight: params[layer.weight].clone() for layer in networks["forward"].layers[1:]}

    def end(self, view: View, run: Pass, **state: Tensor) -> Learned:
        return Base.end(self, view, run)


class AssignAtStart(Feedback):
    """Cheat: the feedback weights are assigned the forward ones at the start."""

    def boundary(self, event: str, view: View, scores: object, feed: object) -> Edits | None:
        if event != "start":
            return None
        return Edits({key: view.params[key.replace("backward", "forward")].clone() for key in view.networks["backward"].leaves})


class AroundTheVerbs(Base):
    """Cheat: backpropagation with a bare product, `e @ W`."""

    def learn(self, view: View) -> Learning:
        network, run, error = self.run(view)
        changes: dict[str, Change] = {}
        for layer, trace in reversed(list(zip(network.layers, run.traces))):
            error, found = layer.wanted(trace, error)
            changes |= found
            error = error @ view.params[layer.weight]
        yield Wanted("forward", changes)
        return self.end(view, run)


class ByAutograd(Base):
    """Cheat: backpropagation by autograd through all layers (of tanh units, whatever the network's)."""

    def learn(self, view: View) -> Learning:
        layers, out = view.networks["forward"].layers, view.batch.x
        with torch.enable_grad():
            weights = {layer.weight: self.weight(view, layer) for layer in layers}
            for layer in layers:
                out = layer.connection.send(weights[layer.weight], out if layer is layers[0] else out.tanh())
            found = torch.autograd.grad(view.task.loss(out, view.batch.y).sum(), list(weights.values()))
        yield Wanted("forward", {key: Dense(-value) for key, value in zip(weights, found)})
        return Learned({"loss": view.task.loss(out.detach(), view.batch.y)})

    def weight(self, view: View, layer: Layer) -> Tensor:
        return view.params[layer.weight].detach().clone().requires_grad_()


class ByAutogradOfTheNetwork(Base):
    """Cheat: backpropagation by autograd through the network as it is, its own neurons included."""

    def learn(self, view: View) -> Learning:
        network = view.networks["forward"]
        with torch.enable_grad():
            weights = {key: view.params[key].detach().clone().requires_grad_() for key in network.leaves}
            out = network.forward({**view.params, **weights}, view.batch.x, view.buffers, train=True).out
            found = torch.autograd.grad(view.task.loss(out, view.batch.y).sum(), list(weights.values()))
        yield Wanted("forward", {key: Dense(-value) for key, value in zip(weights, found)})
        return Learned({"loss": view.task.loss(out.detach(), view.batch.y)})


class Within(Base):
    """Honest: each layer descends a loss of its own activity, by autograd inside the layer, with decay of its own weight."""

    def learn(self, view: View) -> Learning:
        network, x, changes = view.networks["forward"], view.batch.x, {}
        for layer in network.layers:
            with torch.enable_grad():
                w = view.params[layer.weight].detach().requires_grad_()
                z = layer.connection.send(w, x.detach().requires_grad_())
                (found,) = torch.autograd.grad((z.tanh().square().mean(1) - 0.5).square().sum(), w)
            changes[layer.weight] = Dense(-found - 0.01 * view.params[layer.weight])
            x = layer.neuron.forward(z.detach())[0]
        yield Wanted("forward", changes)
        return Learned({"loss": view.task.loss(x, view.batch.y)})


class Direct(Base):
    """Direct feedback alignment: a network of dense layers takes the output's error to each hidden layer, by `send`."""

    verb = "send"

    def build(self, network: Network) -> dict[str, Network]:
        k, hidden = network.out_shape, network.layers[:-1]
        if self.verb == "send":
            straight = [DenseConnection(k, layer.connection.out_shape) for layer in hidden]
        else:
            straight = [DenseConnection(layer.connection.out_shape, k) for layer in hidden]
        return {"forward": network, "direct": Network("direct", k, [Layer(f"direct/{i}", c, Identity()) for i, c in enumerate(straight)])}

    def source(self, view: View, error: Tensor) -> Tensor:
        return error

    def learn(self, view: View) -> Learning:
        network, run, error = self.run(view)
        _, changes = network.layers[-1].wanted(run.traces[-1], error)
        told = self.source(view, error)
        for layer, trace, straight in zip(network.layers, run.traces, view.networks["direct"].layers):
            w = view.params[straight.weight]
            _, found = layer.wanted(trace, getattr(straight.connection, self.verb)(w, told))
            changes |= found
        yield Wanted("forward", changes)
        return self.end(view, run)


class DirectBack(Direct):
    """The same, by `give_back`."""

    verb = "give_back"


class RandomTarget(Direct):
    """Direct random target projection: the label itself is sent to each layer."""

    def source(self, view: View, error: Tensor) -> Tensor:
        _, match = view.task.codes(view.batch.y, error.dtype)
        assert match is not None
        return match.expand_as(error) / view.batch.size


class Readouts(Direct):
    """Local readouts: each hidden layer has one, learned, and gets that one's gradient through its transpose."""

    verb = "give_back"

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        return {"forward": Group((*networks["forward"].leaves, *networks["direct"].leaves), self.config.lr)}

    def learn(self, view: View) -> Learning:
        network, run, error = self.run(view)
        _, changes = network.layers[-1].wanted(run.traces[-1], error)
        for layer, trace, reader in zip(network.layers, run.traces, view.networks["direct"].layers):
            w = view.params[reader.weight]
            own = view.task.error(reader.connection.send(w, trace.out), view.batch.y)
            changes[reader.weight] = Outer(reader.connection, ((trace.out, own),))
            changes |= layer.wanted(trace, reader.connection.give_back(w, own))[1]
        yield Wanted("forward", changes)
        return self.end(view, run)


class Reward(Base):
    """Hebb times the batch's loss, the same number for all synapses."""

    def learn(self, view: View) -> Learning:
        network, run, error = self.run(view)
        loss = view.task.loss(run.out, view.batch.y)
        changes: dict[str, Change] = {network.layers[-1].weight: Outer(network.layers[-1].connection, ((run.traces[-1].pre, error),))}
        for layer, trace in list(zip(network.layers, run.traces))[:-1]:
            changes[layer.weight] = Outer(layer.connection, ((trace.pre, trace.out * (1 - loss).view(-1, 1, 1)),))
        yield Wanted("forward", changes)
        return self.end(view, run)


class Oja(Base):
    """Each neuron's own Oja rule, ``y (x - y w)``; one yield per layer."""

    def learn(self, view: View) -> Learning:
        network, run, error = self.run(view)
        for layer, trace in list(zip(network.layers, run.traces))[:-1]:
            hebb = layer.connection.correlate(trace.pre, trace.out)
            yield Wanted("forward", {layer.weight: Dense(self.less(hebb, trace.out, view.params[layer.weight]) / view.batch.size)})
        yield Wanted("forward", network.layers[-1].wanted(run.traces[-1], error)[1])
        return self.end(view, run)

    def less(self, hebb: Tensor, y: Tensor, w: Tensor) -> Tensor:
        return hebb - y.square().sum(1).unsqueeze(-1) * w


class OjaSubspace(Oja):
    """Oja's subspace rule: every neuron takes off what its neighbours explain, ``y (x - W^T y)``."""

    def less(self, hebb: Tensor, y: Tensor, w: Tensor) -> Tensor:
        return hebb - (y.mT @ y) @ w


class Settling(Feedback):
    """Predictive coding with feedback weights of its own, or (`tied`) with the forward ones."""

    tied = False

    def learn(self, view: View) -> Learning:
        network, run, error = self.run(view)
        layers, x = network.layers, [trace.out.clone() for trace in run.traces]
        target = run.out + error * view.batch.size
        for _ in range(4):
            mu = [layer.connection.send(view.params[layer.weight], low) for layer, low in zip(layers, [view.batch.x, *x])]
            off = [high - m for high, m in zip([*x[:-1], target], mu)]
            for i in range(len(x) - 1):
                w = view.params[layers[i + 1].weight] if self.tied else self.matrix(view, layers[i + 1])
                x[i] = x[i] + 0.2 * (layers[i + 1].connection.give_back(w, off[i + 1]) - off[i])
        yield Wanted("forward", {y.weight: Outer(y.connection, ((low, e / 9),)) for y, low, e in zip(layers, [view.batch.x, *x], off)})
        return self.end(view, run)


class SettlingTied(Settling):
    """The same with the forward weights."""

    tied = True


class Mirror(Feedback):
    """Learned feedback: in a phase of its own the forward weights are sent noise, and the feedback learns the correlation."""

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        return {name: Group(plastic_leaves(network), self.config.lr) for name, network in networks.items()}

    def learn(self, view: View) -> Learning:
        for layer in view.networks["forward"].layers[1:]:
            noise = view.streams.normal(f"mirror/{layer.name}", (view.batch.size, *layer.connection.in_shape))
            answer = layer.connection.send(view.params[layer.weight], noise)
            key = layer.weight.replace("forward", "backward")
            learnt = layer.connection.correlate(noise, answer) / view.batch.size
            yield Wanted("backward", {key: Dense(learnt - 0.5 * view.params[key])})
        return (yield from super().learn(view))


class MirrorCopy(Mirror):
    """Cheat: the feedback is drawn towards the forward weight itself."""

    def learn(self, view: View) -> Learning:
        for layer in view.networks["forward"].layers[1:]:
            key = layer.weight.replace("forward", "backward")
            yield Wanted("backward", {key: Dense(view.params[layer.weight] - view.params[key])})
        return (yield from Feedback.learn(self, view))


class TwoPasses(Base):
    """Contrast of two inputs, one of them with a wrong label, layer by layer (as Forward-Forward does); the output layer is a readout."""

    def learn(self, view: View) -> Learning:
        network, k = view.networks["forward"], view.networks["forward"].out_shape[0]
        wrong = (view.batch.y + 1) % k
        runs = [network.forward(view.params, self.marked(view, y), view.buffers) for y in (view.batch.y, wrong)]
        changes: dict[str, Change] = {}
        for i, layer in enumerate(network.layers[:-1]):
            (a, p), (b, n) = ((run.traces[i].pre, run.traces[i].out / view.batch.size) for run in runs)
            changes[layer.weight] = Outer(layer.connection, ((a, p), (b, -n)))
        error = view.task.error(runs[0].out, view.batch.y)
        yield Wanted("forward", changes | network.layers[-1].wanted(runs[0].traces[-1], error)[1])
        return self.end(view, runs[0])

    def marked(self, view: View, y: Tensor) -> Tensor:
        x, k = view.batch.x.clone(), view.networks["forward"].out_shape[0]
        x[..., :k] = torch.nn.functional.one_hot(y, k).to(x.dtype)
        return x


class OtherSamples(Oja):
    """Activity less its mean over the batch."""

    def learn(self, view: View) -> Learning:
        network, run, error = self.run(view)
        changes = network.layers[-1].wanted(run.traces[-1], error)[1]
        for layer, trace in list(zip(network.layers, run.traces))[:-1]:
            changes[layer.weight] = Outer(layer.connection, ((trace.pre, trace.out - trace.out.mean(1, keepdim=True)),))
        yield Wanted("forward", changes)
        return self.end(view, run)


class Late(Feedback):
    """Learns its hidden layers only after the first epoch of a run."""

    def learn(self, view: View) -> Learning:
        network, run, error = self.run(view)
        if view.clock.epoch == 0:
            yield Wanted("forward", network.layers[-1].wanted(run.traces[-1], error)[1])
            return self.end(view, run)
        return (yield from super().learn(view))


class Unsteady(Base):
    """Draws from a generator of its own, so no replay equals another."""

    def learn(self, view: View) -> Learning:
        network, run, _ = self.run(view)
        yield Wanted("forward", {network.layers[0].weight: Dense(torch.randn_like(view.params[network.layers[0].weight]))})
        return self.end(view, run)
