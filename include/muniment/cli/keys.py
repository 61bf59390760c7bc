"""Keys: who may open and sign what. Everything here is signed by root, which is kept offline."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from muniment.cli import forms, words
from muniment.cli.options import session_of, source_of
from muniment.errors import ConfigError

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.vault.signing import Signer
    from muniment.vault.vault import Vault

Root = Annotated[
    Path,
    forms.Option(
        "--root", metavar="FILE", help="The root signing key (PEM, perhaps under a passphrase)."
    ),
]
MatterArgument = Annotated[
    str, forms.Argument(metavar="MATTER", help="The matter: its number, or M-...")
]

keys_app = forms.Group(
    help="Who may open and sign what. Changes are signed by root and re-seal kilobytes, never packs.",
)


def register(app: forms.Group) -> None:
    from muniment.cli import signers  # noqa: F401 - imported, its commands join those below

    app.add_group(keys_app, name="keys", panel="Keys and retention")


class RetentionClass(StrEnum):
    RECOVERY_POINTS = "recovery_points"
    RECORDS = "records"


@keys_app.command("list")
def list_keys(ctx: forms.Context) -> None:
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
    ctx: forms.Context,
    retention_class: Annotated[
        RetentionClass, forms.Argument(metavar="CLASS", help="recovery_points or records.")
    ],
    root: Root,
) -> None:
    """Begins a new epoch: what is written from now on is sealed to a key of its own.

    After an identity that opened everything was lost or stolen, once its holder was replaced.
    """
    from muniment.vault.setup import roll_epoch

    session = session_of(ctx)
    vault, signer = with_root(session, root)
    key_id = roll_epoch(vault, signer, retention_class.value)
    told(
        session,
        "keys roll",
        {"key_id": key_id},
        f"From now on {retention_class.value} is sealed to {key_id}.",
    )


@keys_app.command("replace-holder")
def replace_holder(
    ctx: forms.Context,
    name: Annotated[str, forms.Argument(help="The holder's name, as `keys list` has it.")],
    root: Root,
    recipient: Annotated[
        str, forms.Option(metavar="AGE1...", help="The new identity's public half.")
    ] = "",
    new_identity: Annotated[
        Path | None,
        forms.Option(
            metavar="FILE", help="Make a new identity and write it to this new file (0600)."
        ),
    ] = None,
    new_name: Annotated[str, forms.Option(metavar="NAME", help="The new holder's name.")] = "",
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
        raise forms.BadParameter("give --recipient AGE1... or --new-identity FILE")
    vault, signer = with_root(session, root)
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
    matters = sorted(m.key_id for m in vault.trust.newest.matters)
    if matters and old[0].role in ("escrow", "operations"):
        session.screen.note(
            f"Not re-sealed: {words.some(len(matters), 'key')} of matters ({', '.join(matters)}). Who "
            "keeps them has to seal them anew."
        )
    told(
        session,
        "keys replace-holder",
        {
            "ended": name,
            "began": new.name,
            "recipient": recipient,
            "resealed": resealed,
            "matters_not_resealed": matters,
        },
        f"{name} ended, {new.name} began; {words.some(len(resealed), 'key')} re-sealed. Print the key "
        "card anew if an escrow changed.",
    )


@keys_app.command("reseal")
def reseal(ctx: forms.Context) -> None:
    """Seals every key anew to those who hold keys now: after `replace-holder` was broken off, or when
    key objects are damaged. Needs an identity that still opens them; signs nothing.
    """
    from muniment.vault.setup import reseal_keys

    session = session_of(ctx)
    vault = session.reading()
    _opens_keys(vault)
    resealed = reseal_keys(vault)
    told(
        session,
        "keys reseal",
        {"resealed": resealed},
        f"{words.some(len(resealed), 'key')} re-sealed.",
    )


@keys_app.command("add-source")
def add_source(
    ctx: forms.Context, source: Annotated[str, forms.Argument(help="The new source's id.")]
) -> None:
    """Makes the key behind the item ids of a source that was added to the inventory after set-up.

    Uses operations' keys. Does nothing where the key is there.
    """
    from muniment.vault.setup import add_source as perform

    session = session_of(ctx)
    perform(session.acting("operations"), source_of(source))
    told(session, "keys add-source", {"source": source}, f"{source} has its key: back it up now.")


@keys_app.command("add-matter")
def add_matter(
    ctx: forms.Context,
    matter: MatterArgument,
    root: Root,
    custodian: Annotated[
        str,
        forms.Option(metavar="AGE1...", help="Only this recipient and the escrows can open it."),
    ] = "",
) -> None:
    """Gives a matter a key of its own, so that it can be walled off, and erased by order.

    What the next backup writes of it is sealed to that key. With --custodian operations cannot open
    it: verification and drills then pass it by, and say so. What earlier backups sealed to other keys
    is listed, with the date at which it can be gone; `keys where-matter` says it again later.
    """
    from muniment.assurance.residue import residue
    from muniment.vault import names
    from muniment.vault.age import Recipient
    from muniment.vault.setup import add_matter_key

    session = session_of(ctx)
    vault, signer = with_root(session, root)
    opaque = _matter(vault, matter)
    key_id = names.matter_key(opaque)
    if any(m.key_id == key_id for m in vault.trust.newest.matters):
        raise ConfigError("this matter has a key of its own already", to=opaque)
    if custodian:
        Recipient.parse(custodian)
    add_matter_key(vault, signer, key_id, custodian or None)
    left = residue(vault, key_id)
    told(
        session,
        "keys add-matter",
        {"matter": opaque, "key_id": key_id, "residue": left.as_dict()},
        f"{opaque} has the key {key_id}; the next backup of its sources seals it to that. {left.text}",
    )


@keys_app.command("where-matter")
def where_matter(ctx: forms.Context, matter: MatterArgument) -> None:
    """Says what of a matter is sealed to other keys than its own, in which snapshots, and when the last
    of it can be gone.

    To be asked before its key is erased: that reaches only what is sealed to it. Needs an identity
    that opens rows.
    """
    from muniment.assurance.residue import residue
    from muniment.vault import names

    session = session_of(ctx)
    vault = session.reading()
    opaque = _matter(vault, matter)
    key_id = names.matter_key(opaque)
    if not any(m.key_id == key_id for m in vault.trust.newest.matters):
        raise ConfigError(
            "this matter has no key of its own", to=opaque, todo="See `muniment keys list`."
        )
    left = residue(vault, key_id)
    told(session, "keys where-matter", left.as_dict(), left.text)


@keys_app.command("erase-matter")
def erase_matter(
    ctx: forms.Context,
    matter: MatterArgument,
    confirm: Annotated[
        str, forms.Option(metavar="M-...", help="The matter's id again, instead of typing it.")
    ] = "",
) -> None:
    """Destroys the key of a matter: everything sealed to it is gone, for good, in every copy.

    Earlier snapshots, from before the matter had its own key, still have it until they are forgotten
    and swept: what they have, and until when, is said before you confirm and reported after.
    """
    from muniment.assurance.residue import residue
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
    left = residue(vault, key_id)
    session.screen.confirm_by_typing(
        f"What is sealed to {key_id} cannot be read by anybody after this. {left.text}",
        opaque,
        confirm,
    )
    erased = erase_matter_key(vault, key_id)
    told(
        session,
        "keys erase-matter",
        {"matter": opaque, "key_id": key_id, "erased": erased, "residue": left.as_dict()},
        f"{words.some(erased, 'copy', 'copies')} of {key_id} erased. Erase the copies in recovery kits "
        f"too. {left.text}"
        if erased
        else f"There was no copy of {key_id} left.",
    )


# -- parts ---------------------------------------------------------------------------------------


def with_root(session: Session, path: Path) -> tuple[Vault, Signer]:
    from muniment.cli.keyfiles import read_root

    signer = read_root(path, session.passphrase)
    return session.changing_keys(signer), signer


def told(session: Session, command: str, data: dict[str, Any], sentence: str) -> None:
    session.screen.answer(command, data, lambda: session.screen.say(sentence))


def _opens_keys(vault: Vault) -> None:
    """Before anything is signed: what cannot be opened cannot be re-sealed. Raises NoKey."""
    for epoch in vault.trust.newest.epochs:
        vault.keyring.identity(epoch.key_id)
    for key_id in sorted({v.name.split("/")[1] for v in vault.store.list("keys/id-")}):
        vault.keyring.id_key(key_id)


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
        raise forms.BadParameter("a matter is its number, or M- and eight characters")
    return found
