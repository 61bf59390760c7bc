"""Signers: whose signatures count, and until when. Signed by root, as all of `muniment keys`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from muniment.cli import forms
from muniment.cli.keys import Root, keys_app, told, with_root
from muniment.cli.options import Yes, moment_of, session_of, source_of
from muniment.errors import ConfigError, NothingToRestore

if TYPE_CHECKING:
    from muniment.vault.documents import Head
    from muniment.vault.vault import Vault


class SignerRole(StrEnum):
    WORKER = "worker"
    OPERATIONS = "operations"
    RETENTION = "retention"


@keys_app.command("add-signer")
def add_signer(
    ctx: forms.Context,
    role: Annotated[
        SignerRole, forms.Argument(metavar="ROLE", help="worker, operations or retention.")
    ],
    root: Root,
    public: Annotated[
        str, forms.Option(metavar="HEX", help="The public half, 64 hex characters.")
    ] = "",
    new_key: Annotated[
        Path | None,
        forms.Option(metavar="FILE", help="Make a new key and write it to this new file (0600)."),
    ] = None,
    source: Annotated[
        list[str] | None,
        forms.Option(metavar="SOURCE", help="Only for this source. May be repeated."),
    ] = None,
) -> None:
    """Lets a new signing key sign in a role."""
    from muniment.config.keyfiles import write_key_file
    from muniment.vault.setup import PublicSigner
    from muniment.vault.setup import add_signer as perform
    from muniment.vault.signing import Signer, keyid_of

    session = session_of(ctx)
    if bool(public) == (new_key is not None):
        raise forms.BadParameter("give --public HEX or --new-key FILE")
    vault, signer = with_root(session, root)
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
    told(
        session,
        "keys add-signer",
        {"role": role.value, "keyid": keyid},
        f"{keyid} signs as {role.value}.",
    )


@keys_app.command("revoke-signer")
def revoke_signer(
    ctx: forms.Context,
    keyid: Annotated[str, forms.Argument(help="The signer, as `keys list` has it.")],
    root: Root,
    trust_until: Annotated[
        list[str] | None,
        forms.Option(
            metavar="SOURCE/SEQ", help="Its commits of this source are believed up to this one."
        ),
    ] = None,
    trust_nothing: Annotated[
        bool, forms.Option("--trust-nothing", help="Believe none of its commits.")
    ] = False,
    trust_present: Annotated[
        bool, forms.Option("--trust-present", help="Believe its commits up to the present ones.")
    ] = False,
    since: Annotated[
        str,
        forms.Option(
            metavar="TIME",
            help="Of retention or operations: believed is what a checkpoint from before then records.",
        ),
    ] = "",
    yes: Yes = False,
) -> None:
    """Ends a signer, and says what of it is still believed.

    For a stolen worker: the last commit before the theft. Later ones are shown, and never restored
    from; the next backup goes on from the last trusted one. A stolen retention key: --since its theft.
    An operations key: after its successor has signed a checkpoint. For these two say --trust-present.
    """
    from muniment.vault.setup import revoke_signer as perform

    session = session_of(ctx)
    if sum((bool(trust_until), trust_nothing, trust_present)) != 1:
        raise forms.BadParameter(
            "say one of --trust-until SOURCE/SEQ, --trust-present, --trust-nothing"
        )
    vault, signer = with_root(session, root)
    entry = vault.trust.signer(keyid)
    if entry is None:
        raise ConfigError("there is no such signer", to=keyid, todo="See `muniment keys list`.")
    if entry.revoked:
        raise ConfigError("this signer is revoked already", to=keyid)
    trusted = _trusted(vault, keyid, trust_until or (), trust_present)
    shown = {source: head.seq for source, head in sorted(trusted.items())}
    what = ", ".join(f"{source} up to {seq}" for source, seq in shown.items()) or "nothing"
    if entry.role != "worker":
        what = f"what a checkpoint from before {since or 'now'} records"
    session.screen.confirm(f"Revoke {entry.role} {keyid}, and believe of it: {what}?", yes)
    at = moment_of(session, since, "--since")
    if at is not None and entry.role == "worker":
        raise forms.BadParameter(
            "--since is for operations and retention; a worker has --trust-until"
        )
    perform(vault, signer, keyid, trusted, at)
    told(
        session,
        "keys revoke-signer",
        {"keyid": keyid, "trusted": shown},
        f"{keyid} is revoked. Believed of it: {what}.",
    )


def _public(text: str) -> bytes:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise forms.BadParameter("--public is 64 hex characters")
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
            raise forms.BadParameter("--trust-until is written SOURCE/SEQ, such as files/12")
        record = vault.history(source_of(source)).at(int(seq))
        if record.signer != keyid or record.untrusted:
            raise NothingToRestore(
                "this signer did not make that commit, or it is not trusted", to=text
            )
        trusted[source] = Head(seq=record.seq, digest=record.digest)
    return trusted
