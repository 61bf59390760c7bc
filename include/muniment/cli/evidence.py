"""evidence: the signed, chained record of what happened - listed, and proven whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from muniment.cli import forms, words
from muniment.cli.exits import Exit
from muniment.cli.options import session_of

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.evidence.verify import EvidenceReport
    from muniment.vault.documents import EvidenceEntry
    from muniment.vault.vault import Vault

PANEL = "Prove"
_LONG = 90
"""Characters of a fact that a list shows; --json shows all."""

app = forms.Group(
    help="What happened, signed and chained: list it, prove that nothing of it is missing.",
)


def register(parent: forms.Group) -> None:
    parent.add_group(app, name="evidence", panel=PANEL)


@app.command("verify")
def verify(ctx: forms.Context) -> None:
    """Proves the evidence: chains and signers of all streams, checkpoints, monthly roll-ups. Needs no key.

    Reads every entry and every commit, and computes the roll-ups again.
    """
    from muniment.evidence.verify import verify_evidence

    session = session_of(ctx)
    with session.screen.progress("Reading the evidence"):
        report = verify_evidence(session.keyless())
    code = Exit.GOOD if report.good else Exit.DAMAGE
    session.screen.answer(
        "evidence verify", report.as_dict(), lambda: _print(session, report), code
    )


def _print(session: Session, report: EvidenceReport) -> None:
    screen = session.screen
    screen.table(
        ("stream", ">entries"), [(name, words.number(n)) for name, n in report.streams.items()]
    )
    screen.facts(
        [
            ("roll-ups", words.some(report.rollups, "month")),
            ("checkpoints", words.number(report.checkpoints)),
            ("newest entry", report.newest),
        ]
    )
    for finding in report.findings:
        screen.say(finding.line(), style="red" if finding.severity.value != "warning" else "yellow")
    if report.good:
        screen.say("WHOLE: every stream is an unbroken chain.", style="bold green")
    else:
        screen.say("NOT WHOLE: see `muniment explain CODE`.", style="bold red")


@app.command("ls")
def ls(
    ctx: forms.Context,
    stream: Annotated[str, forms.Option("--stream", metavar="NAME", help="Only this stream.")] = "",
    event: Annotated[
        list[str] | None,
        forms.Option("--event", metavar="EVENT", help="Only this event. May be repeated."),
    ] = None,
    newest: Annotated[
        int, forms.Option("--newest", metavar="N", min=1, help="How many, newest last.")
    ] = 50,
    detail: Annotated[
        bool,
        forms.Option("--detail", help="Open what is sealed; needs keys, and may show names."),
    ] = False,
) -> None:
    """Lists what happened, newest last. The clear part needs no key."""
    from muniment.clock import to_text
    from muniment.vault.evidence import load_stream, streams_in

    session = session_of(ctx)
    vault = session.reading() if detail else session.keyless()
    known = streams_in(vault.store)
    if stream and stream not in known:
        raise forms.BadParameter(
            f"there is no such stream; there are: {', '.join(known) or 'none'}"
        )
    findings = 0
    entries: list[EvidenceEntry] = []
    for name in [stream] if stream else known:
        found = load_stream(vault.store, vault.trust, name)
        findings += len(found.findings)
        entries += found.events(*(event or ()))
    entries.sort(key=lambda e: (e.at, e.stream, e.seq))
    shown = [(e, _opened(vault, e) if detail else {}) for e in entries[-newest:]]
    data = {
        "entries": [
            {
                "at": to_text(e.at), "stream": e.stream, "seq": e.seq, "event": e.event,
                "subject": e.subject, "facts": e.facts, "sealed": e.detail is not None,
                **({"detail": opened} if opened else {}),
            }
            for e, opened in shown
        ],
        "findings": findings,
    }  # fmt: skip

    def human() -> None:
        session.screen.table(
            ("when", "stream", "event", "about", "facts"),
            [
                (words.moment(e.at, session.zone), e.stream, e.event, e.subject, _facts(e, opened))
                for e, opened in shown
            ],
        )
        if findings:
            session.screen.note(
                f"{words.some(findings, 'finding')}: see `muniment evidence verify`", style="red"
            )

    session.screen.answer("evidence ls", data, human)


def _facts(entry: EvidenceEntry, opened: dict[str, Any]) -> str:
    pairs = [f"{k}={v}" for k, v in entry.facts.items() if v not in ("", None)]
    pairs += [f"{k}: {v}" for k, v in opened.items()]
    return "\n".join(p if len(p) <= _LONG else p[: _LONG - 3] + "..." for p in pairs)


def _opened(vault: Vault, entry: EvidenceEntry) -> dict[str, Any]:
    """The sealed part; the two documents of a configuration as they were."""
    from muniment.evidence.configuration import CHANGED, document_of
    from muniment.vault.evidence import open_detail

    opened = open_detail(vault, entry)
    if entry.event == CHANGED:
        return {n: document_of(opened, n).decode("utf-8", "replace") for n in opened}
    return opened
