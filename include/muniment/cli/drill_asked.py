"""What a drill of the command line asks for: before it, a folder and keys that go together; after it, a person's answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from muniment.cli import forms
from muniment.model.drill import Answer, Scenario

if TYPE_CHECKING:
    from muniment.assurance.sandbox import Sandbox
    from muniment.cli.session import Session


def require_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise forms.BadParameter("FOLDER holds something: name a new or an empty folder")


def require_escrow(scenario: Scenario, escrow: Path | None, kit: Path | None) -> None:
    if scenario is Scenario.RECOVERY_KIT and escrow is None:
        raise forms.BadParameter("recovery-kit needs the escrow identity: --escrow FILE")
    if scenario is not Scenario.RECOVERY_KIT and (escrow or kit):
        raise forms.BadParameter("--escrow and --kit belong to --scenario recovery-kit")


def asked(session: Session, sandbox: Sandbox) -> Answer | None:
    """None when nobody is there."""
    screen = session.screen
    if not screen.somebody_there:
        return None
    screen.say(f"It stands in {sandbox.restored}. Look at it; it is removed after the answer.")
    while True:
        typed = screen.ask("Is it usable: yes, partly or no?", "no answer").strip().lower()
        if typed == "no answer":
            return None
        if typed in list(Answer):
            return Answer(typed)
