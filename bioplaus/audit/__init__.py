"""What information does a rule really use? Measured by record and replay; what is measured and how is told in ``docs/audit.md``.

`card_of` audits a rule; `bioplaus audit rule=NAME` prints its card.
"""

from bioplaus.audit.card import Card, LayerCard
from bioplaus.audit.entry import card_of

__all__ = ["Card", "LayerCard", "card_of"]
