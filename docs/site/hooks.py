"""Hooks of MkDocs: adds the pages and figures that `bioplaus.site` makes, fills the navigation, and turns links into the checkout."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from bioplaus.site import pages as made

ROOT = Path(__file__).resolve().parent.parent.parent
_work = tempfile.TemporaryDirectory()
WORK = Path(_work.name)
PAGES: dict[str, str] = {}


@event_priority(100)  # before mkdocstrings looks at its settings
def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Make the pages, fill the navigation, and tell mkdocstrings where the sources lie."""
    PAGES.update(made.pages(ROOT))
    written = [file.name for file in sorted((ROOT / "docs").glob("*.md"))]
    assert config.nav is not None
    named = _named(config.nav)
    config.nav = _filled(config.nav, [name for name in written if name not in named])
    python = config.plugins["mkdocstrings"].config.handlers["python"]
    python["paths"] = [str(_sources())]
    python["options"]["extensions"] = [str(Path(__file__).with_name("blocks.py"))]
    return config


def _named(nav: Any) -> set[str]:
    """Return the pages that a navigation names."""
    if isinstance(nav, str):
        return {nav}
    parts = nav.values() if isinstance(nav, dict) else nav
    return {name for part in parts for name in _named(part)}


def _filled(nav: Any, rest: list[str]) -> Any:
    """Return a navigation with the pages that its stars stand for."""
    if isinstance(nav, dict):
        return {title: _filled(part, rest) for title, part in nav.items()}
    found: list[Any] = []
    for entry in nav if isinstance(nav, list) else [nav]:
        if isinstance(entry, str) and entry.endswith("*"):
            folder = entry[:-1]
            inside = [name for name in PAGES if folder and name.startswith(folder) and not name.endswith("/index.md")]
            short = folder not in ("results/", "reference/")  # rules, neurons and devices are known by their names
            found += ([{Path(name).stem: name} for name in inside] if short else inside) if folder else rest
        else:
            found.append(_filled(entry, rest) if isinstance(entry, dict) else entry)
    return found if isinstance(nav, list) else found[0]


def _sources() -> Path:
    """Return a folder in which the package lies as a wheel has it: rules, neurons and experiments inside it."""
    package = WORK / "sources" / "bioplaus"
    package.mkdir(parents=True, exist_ok=True)
    for source in [*(ROOT / "bioplaus").iterdir(), *(ROOT / name for name in ("rules", "neurons", "experiments"))]:
        link = package / source.name
        if source.name != "__pycache__" and not link.exists():
            link.symlink_to(source)
    return package.parent


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add generated pages and their figures."""
    for name, text in PAGES.items():
        files.append(File.generated(config, name, content=text))
    drawn = WORK / "figures"
    drawn.mkdir(exist_ok=True)
    for name, file in made.figures(ROOT, drawn).items():
        files.append(File.generated(config, name, abs_src_path=str(file)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links of written pages into the checkout to the pages that stand for it; lists of all there is take the whole width."""
    if page.file.src_uri in PAGES and page.file.src_uri.endswith("/index.md"):
        page.meta["hide"] = ["toc"]
    return markdown if page.file.src_uri in PAGES else made.on_site(markdown)
