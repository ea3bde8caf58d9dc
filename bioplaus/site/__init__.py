"""Pages of the documentation site that are made from the program itself: rules, neurons, devices, results, the reference.

`pages.pages` returns all of them as text; ``docs/site/hooks.py`` hands them to MkDocs. Nothing here knows MkDocs.
"""
