"""Defects of the audit: guilty rules that it would clear, innocent ones that it would accuse, and cards that lie."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["AUDITING"]

RULES = ("audit/test_audit_rules.py",)
ENTRY = ("audit/test_audit_entry.py",)

AUDITING = (
    Defect(
        "the audit forgets the state between batches",
        "bioplaus/audit/weights.py",
        "state = {**state, **run.learned.state}",
        "state = frame.before.state",
        RULES,
    ),
    Defect(
        "the audit does not run init again",
        "bioplaus/audit/weights.py",
        "return state, moved(window.assigned, assignments(edits))",
        "return dict(window.frames[0].before.state), moved(window.assigned, assignments(edits))",
        RULES,
    ),
    Defect(
        "the audit does not look at edits of the start",
        "bioplaus/audit/weights.py",
        "moved(window.assigned, assignments(edits))",
        "set()",
        RULES,
    ),
    Defect(
        "a replaced weight is overwritten by the recorded one",
        "bioplaus/audit/window.py",
        "if key not in held:",
        "if True:",
        RULES,
    ),
    Defect(
        "sends are live while weights are replaced",
        "bioplaus/audit/weights.py",
        'pin=lambda call: call.verb == "send")',
        "pin=lambda call: False)",
        RULES,
    ),
    Defect(
        "give_back is pinned while weights are replaced",
        "bioplaus/audit/weights.py",
        'pin=lambda call: call.verb == "send")',
        "pin=lambda call: True)",
        RULES,
    ),
    Defect(
        "a pinned send has no graph",
        "bioplaus/audit/ears.py",
        "out = kept + (out - out.detach()) if out.requires_grad else kept.clone()",
        "out = kept.clone()",
        RULES,
    ),
    Defect(
        "any foreign weight is called transport",
        "bioplaus/audit/weights.py",
        'return self.kind == "forward"',
        "return True",
        RULES,
    ),
    Defect(
        "a step that relaxes is called a pass",
        "bioplaus/audit/signals.py",
        "settling = ends & (repeated[a] | repeated[b])",
        "settling = set()",
        RULES,
    ),
    Defect(
        "a pass that walks round the verbs is not seen",
        "bioplaus/audit/measure.py",
        "name not in found.through_verbs and weights_read > 1",
        "False",
        RULES,
    ),
    Defect(
        "one step is taken for a chain",
        "bioplaus/audit/signals.py",
        "self.found.chained |= ends - settling if a != b else set()",
        "self.found.chained |= hits[a]",
        RULES,
    ),
    Defect(
        "only the start of a run is audited",
        "bioplaus/audit/measure.py",
        "steps = [*range(BATCHES), *range(total - BATCHES, total)]",
        "steps = [*range(BATCHES)]",
        RULES,
    ),
    Defect(
        "the disturbed sample's own row counts as another's",
        "bioplaus/audit/signals.py",
        "not torch.equal(a[:, 1:], b[:, 1:])",
        "not torch.equal(a, b)",
        RULES,
    ),
    Defect(
        "labels are not changed",
        "bioplaus/audit/signals.py",
        "y=(batch.y + 1) % classes",
        "y=batch.y % classes",
        RULES,
    ),
    Defect(
        "a rule that differs from itself is judged",
        "bioplaus/audit/weights.py",
        "if any(_moved(window, {})):",
        "if False:",
        ENTRY,
    ),
    Defect(
        "a rule's file stays registered",
        "bioplaus/registry.py",
        "self._targets, self._classes = kept",
        "pass",
        ENTRY,
    ),
    Defect(
        "one hidden layer is said to show a pass",
        "bioplaus/audit/measure.py",
        "if len(self.hidden) < 2 and waiting:",
        "if False:",
        ENTRY,
    ),
    Defect(
        "the card does not tell where the statement differs",
        "bioplaus/audit/measure.py",
        "if getattr(card, name) != getattr(stated, name)]",
        "if False]",
        RULES,
    ),
)
