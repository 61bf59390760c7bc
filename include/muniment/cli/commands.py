"""Commands: which module has which; it is imported, and its command built, when that is asked for.

To import all modules and build all of about forty commands costs more than many a command's work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer

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


def built(module: str) -> dict[str, Any]:
    """The commands of one module, by name."""
    its_own = typer.Typer()
    import_module(f"muniment.cli.{module}").register(its_own)
    return dict(typer.main.get_group(its_own).commands)


class Commands(Mapping[str, Any]):
    """Name -> command, each built when it is first looked at."""

    def __init__(self) -> None:
        self._module = {name: module for module, names in MODULES.items() for name in names}
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            self._built.update(built(self._module[name]))
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._module)

    def __len__(self) -> int:
        return len(self._module)
