"""Setting up a firm: configuration, keys, vault, key card - whole, or nothing left behind."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from muniment.cli import forms
from muniment.cli.options import session_of

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.config.example import Answers

CARD = "key-card.txt"


def register(app: forms.Group) -> None:
    app.command("init-firm", panel="Set up")(init_firm)


def init_firm(
    ctx: forms.Context,
    folder: Annotated[
        Path, forms.Argument(metavar="FOLDER", help="A new folder; its name is the firm's id.")
    ],
    keys: Annotated[
        Path | None,
        forms.Option(metavar="FOLDER", help="Where the key files go; never below FOLDER."),
    ] = None,
    name: Annotated[str, forms.Option(metavar="TEXT", help="The firm's name.")] = "",
    time_zone: Annotated[str, forms.Option(metavar="ZONE", help="Such as America/New_York.")] = "",
    staging: Annotated[
        Path | None, forms.Option(metavar="FOLDER", help="For sealed work in progress.")
    ] = None,
    source_id: Annotated[str, forms.Option(metavar="ID", help="Id of the first source.")] = "",
    source_root: Annotated[
        Path | None, forms.Option(metavar="FOLDER", help="The folder of the first source.")
    ] = None,
    connection: Annotated[
        str, forms.Option(metavar="ID", help="The Airflow connection of an s3 store.")
    ] = "",
    lock: Annotated[
        int | None, forms.Option(metavar="DAYS", min=0, help="The bucket's default lock.")
    ] = None,
    passphrases: Annotated[
        Path | None,
        forms.Option(
            metavar="FILE",
            help="Lines `root: ...`, `escrow-1: ...`, `escrow-2: ...` (mode 0600). Else from "
            "MUNIMENT_PASSPHRASE_ROOT, _ESCROW_1, _ESCROW_2. Else they are made and shown once.",
        ),
    ] = None,
    no_vault: Annotated[
        bool, forms.Option("--no-vault", help="Only write the example configuration.")
    ] = False,
) -> None:
    """Sets up a firm: commented configuration, all keys, the vault, and the key card to print.

    Asks for what was not said. Overwrites nothing. If it fails before the vault exists it removes what
    it made; after that, running it again goes on. Run it on the managing partner's machine: the root
    and escrow keys must never lie on a server.
    """
    session = session_of(ctx)
    folder = folder.absolute()
    answers = _answers(
        session, folder, keys, name, time_zone, staging, source_id, source_root, connection, lock
    )
    if folder in (answers.keys, *answers.keys.parents):
        raise forms.BadParameter("--keys must not lie below the firm's folder, which others read")
    from muniment.cli.set_up import set_up, write_configuration

    if no_vault:
        write_configuration(folder, answers)
        session.screen.answer(
            "init-firm",
            {"folder": str(folder), "vault_id": None},
            lambda: session.screen.say(
                f"Written: {folder}/firm.yaml and inventory.csv. Edit them."
            ),
        )
        return
    done = set_up(session, folder, answers, passphrases)
    data = {
        "folder": str(folder),
        "keys": str(answers.keys),
        "vault_id": done.pin.vault_id,
        "root_public": done.pin.root_public.hex(),
        "key_card": str(done.card),
        "files": [str(path) for path in done.files],
        "resumed": done.resumed,
    }

    def human() -> None:
        screen = session.screen
        screen.say(done.card.read_text(encoding="utf-8"))
        screen.say("What to do now", style="bold")
        for line in _NEXT:
            screen.say(f"  - {line.format(keys=answers.keys, folder=folder)}")

    session.screen.answer("init-firm", data, human)


_NEXT = (
    "Print {keys}/key-card.txt twice: for the managing partner and for the firm's safe.",
    "Move root.pem and the two escrow files in {keys} to two sticks, away from this machine; try both "
    "passphrases; keep sticks and passphrases apart.",
    "Move worker.*, operations.* and retention.pem each to the machine that does that work.",
    "Edit inventory.csv and firm.yaml in {folder}, then run `muniment --firm {folder} doctor`.",
    "Make the first snapshot: `muniment --firm {folder} backup --all`.",
)


def _answers(
    session: Session,
    folder: Path,
    keys: Path | None,
    name: str,
    time_zone: str,
    staging: Path | None,
    source_id: str,
    source_root: Path | None,
    connection: str,
    lock: int | None,
) -> Answers:
    from muniment.config.example import Answers

    firm_id = folder.name
    usual = Answers(firm_id)
    screen = session.screen

    def ask(given: Any, question: str, default: Any) -> str:
        return str(given) if given else screen.ask(question, str(default))

    store = ask(
        session.given.store, "Address of the store", f"file://{folder.parent}/{firm_id}-vault"
    )
    address, options = _parted(store)
    local = store.startswith("file:")
    days = lock if lock is not None else 0 if local else usual.lock.days
    return Answers(
        firm_id,
        name=ask(name, "Name of the firm", usual.name),
        time_zone=ask(time_zone, "Time zone", usual.time_zone),
        destination=address,
        endpoint=options.get("endpoint"),
        region=options.get("region"),
        connection=None if local else connection or f"{firm_id}_store",
        lock=timedelta(days=days),
        staging=Path(ask(staging, "Staging folder", f"{folder.parent}/{firm_id}-staging")),
        keys=Path(
            ask(keys, "Folder for the key files", f"{folder.parent}/{firm_id}-keys")
        ).absolute(),
        source_id=ask(source_id, "Id of the first source", usual.source_id),
        source_root=Path(ask(source_root, "Folder of the first source", usual.source_root)),
        reviewed_on=session.clock.now().date(),
    )


def _parted(store: str) -> tuple[str, dict[str, str]]:
    """An address without its options, which are keys of their own in firm.yaml."""
    from urllib.parse import parse_qsl, urlsplit

    options = dict(parse_qsl(urlsplit(store).query))
    if unknown := sorted(set(options) - {"endpoint", "region", "path_style"}):
        raise forms.BadParameter(f"--store: firm.yaml has no place for the option {unknown[0]}")
    return store.partition("?")[0], options
