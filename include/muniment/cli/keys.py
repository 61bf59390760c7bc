"""Keys: who may open and sign what. Everything here is signed by root, which is kept offline."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from muniment.cli import words
from muniment.cli.options import Yes, session_of, source_of
from muniment.errors import ConfigError, NothingToRestore

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.vault.documents import Head
    from muniment.vault.signing import Signer
    from muniment.vault.vault import Vault

Root = Annotated[
    Path,
    typer.Option(
        "--root", metavar="FILE", help="The root signing key (PEM, perhaps under a passphrase)."
    ),
]
MatterArgument = Annotated[
    str, typer.Argument(metavar="MATTER", help="The matter: its number, or M-...")
]

keys_app = typer.Typer(
    help="Who may open and sign what. Changes are signed by root and re-seal kilobytes, never packs.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    app.add_typer(keys_app, name="keys", rich_help_panel="Keys and retention")


class SignerRole(StrEnum):
    WORKER = "worker"
    OPERATIONS = "operations"
    RETENTION = "retention"


class RetentionClass(StrEnum):
    RECOVERY_POINTS = "recovery_points"
    RECORDS = "records"


@keys_app.command("list")
def list_keys(ctx: typer.Context) -> None:
    """Lists holders, signers, epochs and matters with keys of their own. Needs no key."""
    session = session_of(ctx)
    trust = session.keyless().trust
    newest = trust.newest
    document = newest.to_payload()
    parts = {name: document[name] for name in ("holders", "signers", "epochs", "matters")}

    def human() -> None:
        screen = session.screen
        screen.say(f"Vault document {newest.number}, {newest.created_at:%Y-%m-%d}", style="bold")
        screen.table(
            ("holder", "role", "since", "until", "recipient"),
            [
                (h.name, h.role, f"{h.since:%Y-%m-%d}", f"{h.until:%Y-%m-%d}" if h.until else "", h.recipient)
                for h in newest.holders
            ],
        )  # fmt: skip
        screen.table(
            ("signer", "role", "sources", "since", "revoked"),
            [
                (s.keyid, s.role, ", ".join(s.sources), f"{s.since:%Y-%m-%d}",
                 f"{s.revoked.at:%Y-%m-%d}" if s.revoked else "")
                for s in newest.signers
            ],
        )  # fmt: skip
        screen.table(
            ("key", "class", "since", "until"),
            [
                *((e.key_id, e.retention_class, f"{e.since:%Y-%m-%d}", f"{e.until:%Y-%m-%d}" if e.until else "")
                  for e in newest.epochs),
                *((m.key_id, "matter", f"{m.since:%Y-%m-%d}", "") for m in newest.matters),
            ],
        )  # fmt: skip

    data = {"document": newest.number, "digest": trust.newest_digest, **parts}
    session.screen.answer("keys list", data, human)


@keys_app.command("roll")
def roll(
    ctx: typer.Context,
    retention_class: Annotated[
        RetentionClass, typer.Argument(metavar="CLASS", help="recovery_points or records.")
    ],
    root: Root,
) -> None:
    """Begins a new epoch: what is written from now on is sealed to a key of its own.

    After an identity that opened everything was lost or stolen, once its holder was replaced.
    """
    from muniment.vault.setup import roll_epoch

    session = session_of(ctx)
    vault, signer = _with_root(session, root)
    key_id = roll_epoch(vault, signer, retention_class.value)
    _told(
        session,
        "keys roll",
        {"key_id": key_id},
        f"From now on {retention_class.value} is sealed to {key_id}.",
    )


@keys_app.command("replace-holder")
def replace_holder(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The holder's name, as `keys list` has it.")],
    root: Root,
    recipient: Annotated[
        str, typer.Option(metavar="AGE1...", help="The new identity's public half.")
    ] = "",
    new_identity: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Make a new identity and write it to this new file (0600)."
        ),
    ] = None,
    new_name: Annotated[str, typer.Option(metavar="NAME", help="The new holder's name.")] = "",
) -> None:
    """Puts a new identity in the place of a holder's: re-seals every key to those who hold keys now.

    Needs an identity that opens the keys (--identity, or operations'). Roll the epochs too if the old
    identity was stolen: what was sealed to it before stays readable to who has it and an old copy of
    the keys.
    """
    from muniment.cli.firm_keys import identity_text
    from muniment.config.keyfiles import write_key_file
    from muniment.vault.age import Identity, Recipient
    from muniment.vault.setup import PublicHolder
    from muniment.vault.setup import replace_holder as perform

    session = session_of(ctx)
    if bool(recipient) == (new_identity is not None):
        raise typer.BadParameter("give --recipient AGE1... or --new-identity FILE")
    vault, signer = _with_root(session, root)
    old = [h for h in vault.trust.newest.holders if h.name == name and h.until is None]
    if not old:
        known = sorted(h.name for h in vault.trust.newest.holders if h.until is None)
        raise ConfigError(
            "there is no such present holder", to=name, todo=f"Known: {', '.join(known)}."
        )
    _opens_keys(vault)
    if new_identity is not None:
        identity = Identity.generate()
        write_key_file(new_identity, identity_text(identity).decode())
        recipient = str(identity.recipient)
    Recipient.parse(recipient)
    taken = {h.name for h in vault.trust.newest.holders}
    new = PublicHolder(old[0].role, new_name or _next_name(name, taken), recipient)
    resealed = perform(vault, signer, name, new)
    _told(
        session,
        "keys replace-holder",
        {"ended": name, "began": new.name, "recipient": recipient, "resealed": resealed},
        f"{name} ended, {new.name} began; {words.some(len(resealed), 'key')} re-sealed. Print the key "
        "card anew if an escrow changed.",
    )


@keys_app.command("add-matter")
def add_matter(
    ctx: typer.Context,
    matter: MatterArgument,
    root: Root,
    custodian: Annotated[
        str,
        typer.Option(metavar="AGE1...", help="Only this recipient and the escrows can open it."),
    ] = "",
) -> None:
    """Gives a matter a key of its own, so that it can be walled off, and erased by order.

    What the next backup writes of it is sealed to that key. With --custodian operations cannot open
    it: verification and drills then pass it by, and say so.
    """
    from muniment.vault import names
    from muniment.vault.age import Recipient
    from muniment.vault.setup import add_matter_key

    session = session_of(ctx)
    vault, signer = _with_root(session, root)
    opaque = _matter(vault, matter)
    key_id = names.matter_key(opaque)
    if any(m.key_id == key_id for m in vault.trust.newest.matters):
        raise ConfigError("this matter has a key of its own already", to=opaque)
    if custodian:
        Recipient.parse(custodian)
    add_matter_key(vault, signer, key_id, custodian or None)
    _told(
        session,
        "keys add-matter",
        {"matter": opaque, "key_id": key_id},
        f"{opaque} has the key {key_id}; the next backup of its sources seals it to that.",
    )


@keys_app.command("erase-matter")
def erase_matter(
    ctx: typer.Context,
    matter: MatterArgument,
    confirm: Annotated[
        str, typer.Option(metavar="M-...", help="The matter's id again, instead of typing it.")
    ] = "",
) -> None:
    """Destroys the key of a matter: everything sealed to it is gone, for good, in every copy.

    Earlier snapshots, from before the matter had its own key, still have it until they are forgotten
    and swept.
    """
    from muniment.vault import names
    from muniment.vault.setup import erase_matter_key

    session = session_of(ctx)
    vault = session.looking()
    opaque = _matter(vault, matter)
    key_id = names.matter_key(opaque)
    if not any(m.key_id == key_id for m in vault.trust.newest.matters):
        raise ConfigError(
            "this matter has no key of its own", to=opaque, todo="See `muniment keys list`."
        )
    session.screen.confirm_by_typing(
        f"What is sealed to {key_id} cannot be read by anybody after this.", opaque, confirm
    )
    erased = erase_matter_key(vault, key_id)
    _told(
        session,
        "keys erase-matter",
        {"matter": opaque, "key_id": key_id, "erased": erased},
        f"{words.some(erased, 'copy', 'copies')} of {key_id} erased. Erase the copies in recovery kits too."
        if erased
        else f"There was no copy of {key_id} left.",
    )


@keys_app.command("add-signer")
def add_signer(
    ctx: typer.Context,
    role: Annotated[SignerRole, typer.Argument(help="worker, operations or retention.")],
    root: Root,
    public: Annotated[
        str, typer.Option(metavar="HEX", help="The public half, 64 hex characters.")
    ] = "",
    new_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Make a new key and write it to this new file (0600)."),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE", help="Only for this source. May be repeated."),
    ] = None,
) -> None:
    """Lets a new signing key sign in a role."""
    from muniment.config.keyfiles import write_key_file
    from muniment.vault.setup import PublicSigner
    from muniment.vault.setup import add_signer as perform
    from muniment.vault.signing import Signer, keyid_of

    session = session_of(ctx)
    if bool(public) == (new_key is not None):
        raise typer.BadParameter("give --public HEX or --new-key FILE")
    vault, signer = _with_root(session, root)
    if new_key is not None:
        made = Signer.generate()
        write_key_file(new_key, made.pem().decode())
        raw = made.public
    else:
        raw = _public(public)
    keyid = keyid_of(raw)
    if any(s.keyid == keyid for s in vault.trust.newest.signers):
        raise ConfigError("this key signs here already, or was revoked", to=keyid)
    perform(
        vault, signer, PublicSigner(role.value, raw, tuple(map(source_of, source or ())) or ("*",))
    )
    _told(
        session,
        "keys add-signer",
        {"role": role.value, "keyid": keyid},
        f"{keyid} signs as {role.value}.",
    )


@keys_app.command("revoke-signer")
def revoke_signer(
    ctx: typer.Context,
    keyid: Annotated[str, typer.Argument(help="The signer, as `keys list` has it.")],
    root: Root,
    trust_until: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE/SEQ", help="Its commits of this source are believed up to this one."
        ),
    ] = None,
    trust_nothing: Annotated[
        bool, typer.Option("--trust-nothing", help="Believe none of its commits.")
    ] = False,
    trust_present: Annotated[
        bool, typer.Option("--trust-present", help="Believe its commits up to the present ones.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Ends a signer, and says which of its commits are still believed.

    For a stolen worker: the last commit before the theft. Later ones are shown, and never restored
    from; the next backup goes on from the last trusted one.
    """
    from muniment.vault.setup import revoke_signer as perform

    session = session_of(ctx)
    if sum((bool(trust_until), trust_nothing, trust_present)) != 1:
        raise typer.BadParameter(
            "say one of --trust-until SOURCE/SEQ, --trust-present, --trust-nothing"
        )
    vault, signer = _with_root(session, root)
    entry = vault.trust.signer(keyid)
    if entry is None:
        raise ConfigError("there is no such signer", to=keyid, todo="See `muniment keys list`.")
    if entry.revoked:
        raise ConfigError("this signer is revoked already", to=keyid)
    trusted = _trusted(vault, keyid, trust_until or (), trust_present)
    shown = {source: head.seq for source, head in sorted(trusted.items())}
    what = ", ".join(f"{source} up to {seq}" for source, seq in shown.items()) or "nothing"
    session.screen.confirm(f"Revoke {entry.role} {keyid}, and believe of it: {what}?", yes)
    perform(vault, signer, keyid, trusted)
    _told(
        session,
        "keys revoke-signer",
        {"keyid": keyid, "trusted": shown},
        f"{keyid} is revoked. Believed of it: {what}.",
    )


# -- parts ---------------------------------------------------------------------------------------


def _with_root(session: Session, path: Path) -> tuple[Vault, Signer]:
    from muniment.cli.keyfiles import read_root

    signer = read_root(path, session.passphrase)
    return session.changing_keys(signer), signer


def _told(session: Session, command: str, data: dict[str, Any], sentence: str) -> None:
    session.screen.answer(command, data, lambda: session.screen.say(sentence))


def _opens_keys(vault: Vault) -> None:
    """Before anything is signed: what cannot be opened cannot be re-sealed. Raises NoKey."""
    key_ids = {v.name.split("/")[1] for v in vault.store.list("keys/")}
    for key_id in sorted(key_ids):
        if key_id.startswith("id-"):
            vault.keyring.id_key(key_id)
        else:
            vault.keyring.identity(key_id)


def _next_name(name: str, taken: set[str]) -> str:
    """`worker-1` -> `worker-2`, or the next number that nobody had."""
    stem, _, tail = name.rpartition("-")
    stem = stem if stem and tail.isdigit() else name
    number = int(tail) + 1 if tail.isdigit() else 2
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"


def _matter(vault: Vault, asked: str) -> str:
    from muniment.cli.show import MATTER_ID
    from muniment.recovery.selection import select_matter

    found = select_matter(vault, asked.upper() if asked.upper().startswith("M-") else asked).value
    if not MATTER_ID.match(found):
        raise typer.BadParameter("a matter is its number, or M- and eight characters")
    return found


def _public(text: str) -> bytes:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise typer.BadParameter("--public is 64 hex characters")
    return raw


def _trusted(vault: Vault, keyid: str, named: Sequence[str], present: bool) -> dict[str, Head]:
    """The last believed commit per source: as named, or the newest that this signer made."""
    from muniment.vault.documents import Head
    from muniment.vault.history import sources_in

    trusted: dict[str, Head] = {}
    if present:
        for source in sources_in(vault.store):
            own = [r for r in vault.history(source).trusted if r.signer == keyid]
            if own:
                trusted[source] = Head(seq=own[-1].seq, digest=own[-1].digest)
    for text in named:
        source, _, seq = text.partition("/")
        if not seq.isdigit():
            raise typer.BadParameter("--trust-until is written SOURCE/SEQ, such as files/12")
        record = vault.history(source_of(source)).at(int(seq))
        if record.signer != keyid or record.untrusted:
            raise NothingToRestore(
                "this signer did not make that commit, or it is not trusted", to=text
            )
        trusted[source] = Head(seq=record.seq, digest=record.digest)
    return trusted
