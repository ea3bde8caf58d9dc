"""Defects of what is learnt: errors, connections, layers, normalisation, rules."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["LEARNING"]

TRAINING = ("conformance/test_conformance_rule_training.py",)

LEARNING = (
    # errors and losses
    Defect(
        "error has the wrong sign",
        "bioplaus/tasks.py",
        "(one_hot(y, self.classes, out.dtype) - F.softmax(out, -1))",
        "(F.softmax(out, -1) - one_hot(y, self.classes, out.dtype))",
        ("test_tasks.py",),
    ),
    Defect("error lacks the batch mean", "bioplaus/tasks.py", ".div_(out.shape[-2])", "", ("test_tasks.py",)),
    Defect("squared error lacks its 2", "bioplaus/tasks.py", ".mul_(2 / values)", ".mul_(1 / values)", ("test_tasks.py",)),
    Defect(
        "evaluation weighs a short last chunk like a full one",
        "bioplaus/evaluation.py",
        "value.double() * batch.size",
        "value.double() * chunk",
        ("test_evaluation.py",),
    ),
    # the three verbs, layers, operations
    Defect(
        "feedback through the transposed matrix",
        "bioplaus/connections/dense.py",
        "else torch.mm(x[0], w[0])).unsqueeze(0)",
        "else torch.mm(x[0], w[0].T)).unsqueeze(0)",
        ("connections/test_verbs.py",),
    ),
    Defect(
        "pre and post swapped in a change",
        "bioplaus/connections/dense.py",
        "return torch.matmul(e.mT, x)",
        "return torch.matmul(x.mT, e)",
        ("connections/test_verbs.py",),
    ),
    Defect(
        "fused update forgets the rate",
        "bioplaus/connections/dense.py",
        "(e * rate.view(-1, 1, 1)).mT",
        "e.mT",
        ("connections/test_verbs.py",),
    ),
    Defect(
        "padding off by one: the extra zero goes before",
        "bioplaus/connections/conv2d.py",
        "return total // 2, total - total // 2",
        "return total - total // 2, total // 2",
        ("connections/test_verbs.py",),
    ),
    Defect(
        "max-pool sends the error to the corner of the map",
        "bioplaus/operations.py",
        "False, where\n",
        "False, torch.zeros_like(where)\n",
        ("test_operations.py",),
    ),
    Defect(
        "a layer's slope is left out on the way down",
        "bioplaus/passes.py",
        "layer.give_back(trace, at_current, w)",
        "layer.give_back(trace, error, w)",
        ("test_passes.py", "rules/test_bp.py"),
    ),
    Defect(
        "a second pair of a factored change overwrites the first",
        "bioplaus/changes.py",
        "total += self.connection",
        "total = self.connection",
        ("conformance/test_conformance_plasticity.py",),
    ),
    Defect(
        "slope of elu read from the current instead of the activity",
        "neurons/smooth.py",
        "1.0, 1.0, True, out)",
        "1.0, 1.0, False, out)",
        ("neurons/test_static.py",),
    ),
    Defect(
        "weights start with the variance of fan_in instead of its root",
        "bioplaus/leaves.py",
        "bound = scale / math.sqrt(max(self.fan_in, 1))",
        "bound = scale / max(self.fan_in, 1)",
        ("test_leaves.py",),
    ),
    Defect(
        "a dendrite sees its own younger siblings",
        "bioplaus/dendrites.py",
        "inside.params[self.q][:, j], a",
        "inside.params[self.q][:, -1 - j], a",
        ("test_dendrites.py",),
    ),
    # normalisation
    Defect("evaluation with batch statistics", "bioplaus/norm.py", "if scope.train:", "if True:", ("test_norm.py", "test_evaluation.py")),
    Defect(
        "running variance without n / (n - 1)",
        "bioplaus/norm.py",
        "variance * (n / max(n - 1, 1))",
        "variance",
        ("test_norm.py",),
    ),
    Defect(
        "the error through a norm forgets that the variance moves",
        "bioplaus/norm.py",
        "return cache.scale * (centred - cache.normal * (error * cache.normal).mean(cache.axes, keepdim=True))",
        "return cache.scale * centred",
        ("test_norm.py",),
    ),
    Defect(
        "running means are not committed", "bioplaus/engines/loop.py", "(world.buffers, learned.running)", "(world.buffers, {})", TRAINING
    ),
    Defect("a rule forgets its running means", "rules/exact.py", ", running=running)", ")", TRAINING),
    # rules
    Defect(
        "a rule wants nothing",
        "rules/exact.py",
        "error.pop()))",
        "error.pop() * 0))",
        TRAINING,
    ),
    Defect(
        "the control teaches the first layer", "rules/top.py", '["forward"].layers[-1]', '["forward"].layers[0]', ("rules/test_top.py",)
    ),
    Defect(
        "counter-current: feedback weights tied to the forward ones",
        "rules/ccl.py",
        "feedback.forward(view.params, codes",
        "feedback.forward({**view.params, **{v.weight: view.params[u.weight].transpose(1, 2)"
        " for u, v in zip(forward.layers, reversed(feedback.layers))}}, codes",
        ("rules/test_ccl_autograd.py",),
    ),
    Defect(
        "counter-current: c_l without 256 / d",
        "rules/ccl.py",
        "self.config.lambda_cross * 256 / a.shape[-1]",
        "self.config.lambda_cross",
        ("rules/test_ccl_values.py",),
    ),
    Defect(
        "counter-current: the feedback side has the wrong sign",
        "rules/pairs.py",
        "else None, _product(e.mT, a)",
        "else None, -_product(e.mT, a)",
        ("rules/test_ccl_values.py",),
    ),
    Defect(
        "counter-current: pair error lacks its 2",
        "rules/pairs.py",
        "e.mul_(-2 * weight / entries)",
        "e.mul_(-weight / entries)",
        ("rules/test_ccl_values.py",),
    ),
    Defect(
        "counter-current: self term with 2 instead of 4",
        "rules/pairs.py",
        "-4 * weight / (rows * rows)",
        "-2 * weight / (rows * rows)",
        ("rules/test_ccl_autograd.py",),
    ),
    Defect(
        "counter-current: the length of a row is not taken out of its error",
        "rules/pairs.py",
        "(error - n * (n * error).sum(-1, keepdim=True))",
        "(error * 1)",
        ("rules/test_ccl_values.py",),
    ),
    Defect(
        "counter-current: flooding keeps the learnt samples",
        "rules/ccl.py",
        "((1 - true) >= self.config.flooding)",
        "((1 - true) < self.config.flooding)",
        ("rules/test_ccl_autograd.py",),
    ),
    Defect(
        "backpropagation denies its weight transport",
        "rules/bp.py",
        "weight_transport=True",
        "weight_transport=False",
        ("conformance/test_conformance_rule_locality.py",),
    ),
    Defect(
        "counter-current: an error comes down through the forward matrix, undeclared",
        "rules/ccl.py",
        "error_a.view(a.shape))",
        "error_a.view(a.shape) + forward.layers[level].give_back("
        "up.traces[level], up.traces[level].current, view.params[forward.layers[level].weight])[0])",
        ("conformance/test_conformance_rule_locality.py",),
    ),
)
