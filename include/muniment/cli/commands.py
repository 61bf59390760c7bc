"""Commands: which module has which; it is imported when one of its commands is asked for.

To import all modules costs more than many a command's work.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from muniment.cli.forms import Command, Group

MODULES: dict[str, tuple[str, ...]] = {
    "init_firm": ("init-firm",),
    "doctor": ("doctor",),
    "consent": ("consent",),
    "backup": ("backup",),
    "upkeep": ("checkpoint", "rebase", "rebuild-state"),
    "look": ("snapshots", "ls", "show", "diff", "matters"),
    "explain": ("explain", "version"),
    "assure": ("check", "verify"),
    "drill": ("drill",),
    "drills": ("drills",),
    "departures": ("departures",),
    "discovery": ("discovery",),
    "watch": ("watch",),
    "papers": ("papers",),
    "trust": ("trust",),
    "kpi": ("kpi",),
    "restore": ("restore",),
    "restore_database": ("restore-database",),
    "approvals": ("approvals",),
    "export": ("export",),
    "retention": ("forget", "sweep"),
    "evidence": ("evidence",),
    "anomaly": ("anomaly",),
    "keys": ("keys",),
}
"""In the order of `muniment --help`. What a module's `register` gives must be what stands here."""

_MODULE_OF = {name: module for module, names in MODULES.items() for name in names}

_built: dict[str, dict[str, Command | Group]] = {}


class ReadEnough(Exception):
    """Who reads us has read enough (`muniment ls | head`): no error of anybody."""


def built(module: str) -> dict[str, Command | Group]:
    """The commands of one module, by name."""
    if module not in _built:
        its_own = Group()
        import_module(f"muniment.cli.{module}").register(its_own)
        _built[module] = its_own.commands
    return _built[module]


def names() -> list[str]:
    """Every command and group of commands, in the order of the table."""
    return list(_MODULE_OF)


def find(name: str) -> Command | Group:
    """Raises KeyError for a name that none has."""
    return built(_MODULE_OF[name])[name]


def named_by(words: Sequence[str]) -> tuple[str, ...]:
    """The words that name a command, of words that begin with it; empty where none is named so."""
    found: list[str] = []
    below: dict[str, Command | Group] | None = None
    for word in words:
        if below is None:
            if word not in _MODULE_OF:
                break
            at: Command | Group | None = find(word)
        else:
            at = below.get(word)
        if at is None:
            break
        found.append(word)
        if isinstance(at, Command):
            break
        below = at.commands
    return tuple(found)
