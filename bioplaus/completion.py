"""``bioplaus completion SHELL``: the script that completes verbs, options, keys and names of components.

shtab writes it from the parser; what is added here are the words of the form ``key=value``.
"""

from __future__ import annotations

import argparse
from typing import Any

from bioplaus import config, data, registry
from bioplaus.errors import ConfigError
from bioplaus.registry import nearest

__all__ = ["SHELLS", "script"]

SHELLS = ("bash", "zsh", "fish")
#: name of the function that completes ``key=value``
KEYS = "_bioplaus_keys"

_BASH = """\
# bash parts words at "=": in rule=cc the word is cc, the one before it "=" and the key before that
_bioplaus_keys() {
  local word="$1" key=""
  if [[ "$word" == "=" ]]; then
    key="${COMP_WORDS[COMP_CWORD-1]}" word=""
  elif [[ "${COMP_WORDS[COMP_CWORD-1]}" == "=" ]]; then
    key="${COMP_WORDS[COMP_CWORD-2]}"
  fi
  case "$key" in
    "") compgen -W "KEYS" -- "$word" ;;
CASES
  esac
}"""
_BASH_END = """
_bioplaus_completed() {
  _shtab_bioplaus "$@"
  [[ "${COMPREPLY[*]}" == *= ]] && compopt -o nospace 2>/dev/null  # a value follows
  return 0
}
complete -o bashdefault -F _bioplaus_completed bioplaus"""
_ZSH = """\
_bioplaus_keys() {
  local key="${PREFIX%%=*}"
  if compset -P '*='; then
    case "$key" in
CASES
    esac
  else
    compadd -S '' -- KEYS
  fi
}"""
_FISH = """\
function _bioplaus_keys
  printf '%s\\n' KEYS
end"""


def _values() -> dict[str, list[str]]:
    """Return the names that keys of components may have, and the options of those that have some."""
    found = {"rule": registry.RULES.names(), "data": data.names(), "network": registry.NETWORKS.names(), "neuron": registry.NEURONS.names()}
    return found | {"plasticity": registry.PLASTICITY.names(), "backend": registry.ENGINES.names(), "device": ["auto", "cpu", "cuda"]}


def _keys() -> list[str]:
    """Return the keys that every run has: those of the default components."""
    flat = [key for key in config.flat(config.resolve({}, locate=False)) if not key.endswith(".name")]
    return [*(key for key in _values() if key not in flat), *flat]


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """Return the script of a shell for a command line.

    Raises
    ------
    ConfigError
        If the shell is none of `SHELLS`.
    """
    if shell not in SHELLS:
        raise ConfigError(f"shell {shell} is not known{nearest(shell, list(SHELLS))} Write bioplaus completion {' | '.join(SHELLS)}")
    import shtab

    for verb in parser._subparsers._group_actions[0].choices.values():  # type: ignore[union-attr]
        for action in verb._actions:
            if action.dest == "overrides":
                action.complete = dict.fromkeys(SHELLS, KEYS)
            elif action.dest in ("run", "config"):
                action.complete = shtab.DIRECTORY if action.dest == "run" else shtab.FILE
    values, keys = _values(), [f"{key}=" for key in _keys()]
    if shell == "fish":
        keys = [*keys, *(f"{key}={name}" for key, names in values.items() for name in names)]
        preamble = _FISH
    else:
        add = 'compgen -W "{}" -- "$word"' if shell == "bash" else "compadd -- {}"
        cases = "\n".join(f"    {key}) {add.format(' '.join(names))} ;;" for key, names in values.items())
        preamble = {"bash": _BASH, "zsh": _ZSH}[shell].replace("CASES", cases)
    own: Any = {shell: preamble.replace("KEYS", " ".join(keys))}
    text: str = shtab.complete(parser, shell=shell, preamble=own)
    return text + (_BASH_END if shell == "bash" else "")
