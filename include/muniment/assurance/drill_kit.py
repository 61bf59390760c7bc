"""The recovery kit: a drill as if machines and product were lost, with recover.py and an escrow identity alone.

What a firm keeps in its safe is the escrow identity and the key card; `recover.py` lies beside them and at the root of the
store. So a plain copy of the store is made, as a person would, and recover.py runs on it in a bare environment: Python without
site packages, `age` and `zstd` on the PATH, no variable of ours, no key of operations. What it gave is then looked at as
in every drill, by the rows that the engine reads.

Invariants: a passphrase of the escrow identity is asked for by `age` on the terminal; it never passes through this process,
and nothing stores it. A recover.py that is not known is not run.

The copy holds everything but packs that the drawn items do not need: a drill that copied a vault whole would take a night.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from muniment.assurance.drill_draw import Drawn, Place, destination_of
from muniment.errors import RestoreError, VerificationFailed
from muniment.model.item import Row
from muniment.recovery.plan import Choice, RestorePlan, chosen
from muniment.recovery.selected import load_selected
from muniment.recovery.selection import Scope
from muniment.vault import names
from muniment.vault.setup import recovery_files
from muniment.vault.store.base import Store
from muniment.vault.vault import Vault

PROGRAM = "recover.py"
PROGRAMS = ("age", "zstd")
_WINDOW = 8 << 20


@dataclass(frozen=True, slots=True)
class Kit:
    """`identity` is a file as it lies in the safe; `program` the recover.py that is run."""

    identity: Path
    program: Path

    @classmethod
    def at_hand(cls, identity: Path, store: Store, folder: Path, kit: Path | None = None) -> Kit:
        """Takes recover.py from the safe's medium where `kit` names it, else from the store, into `folder`.

        Raises RestoreError without it or one of the programs, VerificationFailed for one from the store that this version
        does not know.
        """
        missing = [name for name in PROGRAMS if shutil.which(name) is None]
        if missing:
            raise RestoreError(
                f"the recovery kit needs {' and '.join(missing)} on this machine",
                todo="Install age (https://age-encryption.org) and zstd, as RECOVER.txt says.",
            )
        if not identity.is_file():
            raise RestoreError("the escrow identity is not there", to=str(identity))
        if kit is not None:
            if not (kit / PROGRAM).is_file():
                raise RestoreError("there is no recover.py in this folder", to=str(kit))
            return cls(identity, kit / PROGRAM)
        content = store.get(PROGRAM)
        if content != recovery_files()[PROGRAM]:
            # Whoever may write to the store could have it run anything here.
            raise VerificationFailed(
                "the recover.py in the store is not the one of this version, so it is not run",
                to=PROGRAM,
                safe="Nothing was restored. Older ones restore every vault as well.",
                todo="Compare its SHA-256 with the key card, and name the folder that holds it with --kit.",
            )
        program = folder / PROGRAM
        program.write_bytes(content)
        return cls(identity, program)


def copy_store(place: Place, plans: Mapping[str, RestorePlan], drawn: Drawn, folder: Path) -> int:
    """A plain copy of this store with the packs that the plans need; answers how many bytes.

    Of several versions the oldest is taken, as docs/FORMAT.md says.
    """
    vault = place.vault
    packs = {
        names.pack(part.pack.hex())
        for key, plan in plans.items()
        if destination_of(key) == place.destination
        for choice in plan.choices
        for row in _rows(vault, choice, drawn, key, place)
        for part in row.parts
    }
    total = 0
    done: set[str] = set()
    for version in vault.store.list():
        name = version.name
        wanted = not name.startswith("packs/") or name in packs
        # What no vault has is not copied: its name could lead anywhere.
        if version.delete_marker or name in done or not wanted or not names.known(name):
            continue
        done.add(name)
        total += version.size
        _copy(vault.store, name, version.version or None, version.size, folder)
    return total


def _rows(vault: Vault, choice: Choice, drawn: Drawn, key: str, place: Place) -> Iterable[Row]:
    history, record = chosen(vault, choice)
    return load_selected(vault, history, record, drawn.wanted(place)[key])[0].rows


def _copy(store: Store, name: str, version: str | None, size: int, folder: Path) -> None:
    path = folder / name
    if ".." in path.parts:
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("wb") as out:
        for start in range(0, size, _WINDOW):
            out.write(store.get(name, version=version, start=start, length=_WINDOW))


def recover(kit: Kit, store: Path, vault: Vault, drawn: Drawn, choice: Choice, out: Path) -> None:
    """Runs recover.py for one source of a matter; `out` is made by it.

    Raises VerificationFailed when it says that something was not restored or not proven.
    """
    if drawn.scope is not Scope.MATTER:
        raise RestoreError("a drill from the recovery kit gives a matter back")
    command = [
        sys.executable, "-I", "-S", str(kit.program), str(store),
        "--identity", str(kit.identity),
        "--vault-id", vault.pin.vault_id, "--root-key", vault.pin.root_public.hex(),
        "--source", choice.source, "--seq", str(choice.seq), "--matter", drawn.value,
        str(out),
    ]  # fmt: skip
    # What it prints may name clients, and goes nowhere; age asks for a passphrase on the terminal itself.
    done = subprocess.run(command, env=_bare(out.parent), capture_output=True, check=False)
    if done.returncode or b"trust proven" not in done.stdout + done.stderr:
        raise VerificationFailed(
            f"recover.py did not give everything back (exit status {done.returncode})"
            if done.returncode
            else "recover.py could not prove who wrote the vault",
            to=choice.source,
            safe="The vault was only read.",
            todo="Run it by hand as RECOVER.txt says: it lists what it could not restore. A wrong passphrase "
            "ends it with 2.",
        )


def _bare(folder: Path) -> dict[str, str]:
    found = {str(Path(path).parent) for name in PROGRAMS if (path := shutil.which(name))}
    return {"PATH": os.pathsep.join(sorted(found)), "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"}
