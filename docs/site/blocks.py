"""An extension of Griffe: equations in docstrings, which stand behind ``::``, become blocks in the reference too."""

from __future__ import annotations

from typing import Any

import griffe

from bioplaus.site.markup import with_blocks


class Blocks(griffe.Extension):
    """Rewrites docstrings as they are read."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Give an object its docstring in Markdown."""
        if obj.docstring:
            obj.docstring.value = with_blocks(obj.docstring.value)
