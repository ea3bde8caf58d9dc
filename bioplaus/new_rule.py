"""`bioplaus new-rule`: write a package that brings a learning rule, with an entry point, tests and a README. Imports nothing heavy."""

from __future__ import annotations

import importlib.util
import keyword
import re
from importlib import resources
from pathlib import Path

from bioplaus import registry
from bioplaus.errors import ConfigError, RunError

__all__ = ["FILES", "write"]

#: file of the package -> its template
FILES = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "src/@name@/__init__.py": "rule.py.txt",
    "tests/test_@name@.py": "test_rule.py.txt",
}


def write(name: str, folder: str | Path | None = None) -> Path:
    """Write the package of a rule and return its folder.

    Parameters
    ----------
    name
        Of the rule and of its module: small letters, digits and underscores, the first a letter.
    folder
        Where to write it; a new folder of that name here by default.

    Raises
    ------
    ConfigError
        If the name is no identifier, or taken by a rule or a module, or the folder exists.
    RunError
        If the files cannot be written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise ConfigError(f"'{name}' cannot be the name of a rule: use small letters, digits and underscores, a letter first, such as my_rule")
    if name in registry.RULES.names():
        raise ConfigError(f"rule={name} exists already; choose another name")
    where = Path(name if folder is None else folder).expanduser()
    if where.exists():
        raise ConfigError(f"{where} exists already; nothing was written, name another one with folder=DIR")
    if importlib.util.find_spec(name) is not None:
        raise ConfigError(f"a module called {name} is installed here, and yours would hide it; choose another name")
    words = {"@name@": name, "@Class@": "".join(part.capitalize() for part in name.split("_"))}
    templates = resources.files("bioplaus") / "templates" / "rule"
    try:
        for path, template in FILES.items():
            target = where / _filled(path, words)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_filled((templates / template).read_text(encoding="utf-8"), words), encoding="utf-8")
    except OSError as error:
        raise RunError(f"{where} cannot be written: {error.strerror or error}; name another one with folder=DIR") from error
    return where


def _filled(text: str, words: dict[str, str]) -> str:
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text
