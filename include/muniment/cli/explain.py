"""Explain: what a code means, and why a source, a matter or an item is as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from muniment import __version__
from muniment.cli import forms, words
from muniment.cli.exits import exit_of
from muniment.cli.finding_codes import FINDING_CODES
from muniment.cli.options import session_of
from muniment.errors import MunimentError, NothingToRestore

if TYPE_CHECKING:
    from muniment.cli.session import Session

CODE = re.compile(r"[MDTW][0-9]{3}\Z")


def register(app: forms.Group) -> None:
    app.command("explain", panel="Look")(explain)
    app.command("version", panel="Look")(version)


def error_classes() -> list[type[MunimentError]]:
    """Every class of the error tree, by code. A class without a code of its own is not listed."""
    found: dict[str, type[MunimentError]] = {}
    waiting = [MunimentError]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.code, kind)
        waiting.extend(kind.__subclasses__())
    return [found[code] for code in sorted(found)]


def explain(
    ctx: forms.Context,
    what: Annotated[
        str,
        forms.Argument(
            metavar="CODE|SOURCE|M-...|ITEM", help="An error or finding code, or an id."
        ),
    ],
) -> None:
    """Says what a code means; or why a source, a matter or an item is as it is, and what to do.

    Of an item: where it is, why that matter, in which snapshots, what could not be read and why.
    """
    from muniment.cli.show import ITEM_ID, MATTER_ID

    session = session_of(ctx)
    if CODE.match(what.upper()):
        return _code(session, what.upper())
    if MATTER_ID.match(what.upper()):
        from muniment.cli.show import show

        return show(ctx, [what.upper()])
    if ITEM_ID.match(what) and not _is_source(session, what):
        return _item(session, what)
    return _source(session, what)


# -- codes ---------------------------------------------------------------------------------------


def _code(session: Session, code: str) -> None:
    finding = FINDING_CODES.get(code)
    kind = {k.code: k for k in error_classes()}.get(code)
    if finding is not None:
        data = {
            "code": code,
            "meaning": finding.meaning,
            "safe": finding.safe,
            "todo": finding.todo,
            "seen_by": finding.seen_by,
        }
    elif kind is not None:
        data = {
            "code": code,
            "meaning": meaning_of(kind),
            "safe": kind.default_safe,
            "todo": kind.default_todo,
            "retry": kind.retry.value,
            "exit_code": str(int(exit_of(kind))),
        }
    else:
        raise forms.BadParameter("there is no such code; docs/ERRORS.md lists all")

    def human() -> None:
        session.screen.say(f"{code}  {data['meaning']}", style="bold")
        rest = [(label, str(data.get(key, ""))) for label, key in _LABELS]
        session.screen.facts(rest)

    session.screen.answer("explain", {"explained": data}, human)


_LABELS = (
    ("safe", "safe"),
    ("to do", "todo"),
    ("seen by", "seen_by"),
    ("retry", "retry"),
    ("exit code", "exit_code"),
)


def meaning_of(kind: type[MunimentError]) -> str:
    """The class's docstring as one paragraph; of the root, its first sentence."""
    text = " ".join((kind.__doc__ or "").split())
    return text.split(" Args:")[0]


# -- sources and items ---------------------------------------------------------------------------


def _is_source(session: Session, text: str) -> bool:
    return session.has_firm and any(row.source_id == text for row in session.firm.rows)


def _source(session: Session, source: str) -> None:
    from muniment.clock import to_text
    from muniment.config.risks import risks
    from muniment.vault.history import sources_in

    data: dict[str, Any] = {"source": source}
    facts: list[tuple[str, str]] = []
    if session.has_firm:
        row = session.firm.row(source)
        found = [
            r
            for r in risks(session.firm.firm, session.firm.rows, session.clock.now())
            if r.source_id == source
        ]
        data |= {
            "method": row.backup_method.value,
            "classification": row.classification.value,
            "schedule": row.schedule.words if row.schedule else "",
            "retention": row.retention,
            "destination": row.destination,
            "risks": [r.text for r in found],
        }
        facts += [
            ("backed up by", row.backup_method.value),
            (
                "classification",
                row.classification.value + (", trust data" if row.trust_data else ""),
            ),
            ("schedule", data["schedule"]),
            ("retention", row.retention),
        ]
        if row.by_muniment:
            due = session.wiring.next_due(source)
            data["next_due"] = to_text(due) if due else None
            facts.append(("next due", words.moment(due, session.zone) if due else ""))
        facts += [("risk", r.text) for r in found]
    vault = session.keyless()
    if source in sources_in(vault.store):
        history = vault.history(source)
        head = history.head
        data["snapshots"] = {
            "live": len(history.live),
            "trusted": len(history.trusted),
            "all": len(history.records),
        }
        facts.append(("snapshots", f"{len(history.live):,} restorable of {len(history.records):,}"))
        if head is not None:
            data["newest"] = {
                "seq": head.seq,
                "ended_at": to_text(head.commit.ended_at),
                "completeness": head.commit.completeness.value,
            }
            facts.append(
                (
                    "newest",
                    f"{head.seq}, {words.moment(head.commit.ended_at, session.zone)}, {head.commit.completeness.value.replace('_', ' ')}",
                )
            )
            facts.append(
                (
                    "unassigned",
                    f"{head.commit.counts.unassigned:,} items that no matter rule maps"
                    if head.commit.counts.unassigned
                    else "",
                )
            )
            facts += [
                ("problem", f"{c.count:,} {c.cause}{' (accepted)' if c.accepted else ''}")
                for c in head.commit.exceptions
            ]
        facts += [("finding", f.line()) for f in history.findings]
        data["findings"] = [f.line() for f in history.findings]
    elif not session.has_firm:
        raise NothingToRestore(
            "this vault knows no such source", to=source, todo="See `muniment snapshots`."
        )
    else:
        facts.append(("snapshots", "none yet"))

    def human() -> None:
        session.screen.say(source, style="bold")
        session.screen.facts(facts)

    session.screen.answer("explain", {"explained": data}, human)


def _item(session: Session, asked: str) -> None:
    from muniment.cli.show import item_versions

    versions = item_versions(session, asked)
    last = versions[-1]
    ids = {v["id"] for v in versions}
    if len(ids) > 1:
        raise forms.BadParameter(f"{len(ids)} items begin with these characters; give more of them")
    data: dict[str, Any] = {"item": last["id"], "source": last["source"], "path": last["path"]}
    facts = [("source", last["source"]), ("path", last["path"])]
    facts.append(("last event", f"{last['event']}, snapshot {last['seq']}"))
    if last["event"] == "removed":
        facts.append(("now", "it is no longer in the source; earlier snapshots still give it back"))
    if last["event"].startswith("problem"):
        facts.append(
            ("now", "the run could not read it; an earlier copy stands if there is one below")
        )
    why = _why_matter(session, versions, last)
    data["matter"], data["why"] = last["matter"], why
    facts.append(("matter", f"{last['matter'] or 'unassigned'}: {why}"))
    taken = [v for v in versions if v["event"] in ("added", "changed")]
    data["versions"] = [
        {"seq": v["seq"], "event": v["event"], "state": v["state"]} for v in versions
    ]
    facts.append(("versions", ", ".join(f"snapshot {v['seq']} ({v['state']})" for v in taken)))

    def human() -> None:
        session.screen.say(last["id"], style="bold")
        session.screen.facts(facts)

    session.screen.answer("explain", {"explained": data}, human)


def _why_matter(session: Session, versions: list[dict[str, Any]], last: dict[str, Any]) -> str:
    """Which matter rule says so, as far as the firm's configuration is at hand."""
    from muniment.model.text import bytes_of

    if not session.has_firm:
        return "the rules stand in firm.yaml, which is not at hand"
    rules = [r for r in session.firm.firm.matter_rules if r.source == last["source"]]
    if not rules:
        return "firm.yaml has no matter rule for this source"
    found = session.firm.matter_rules(last["source"]).match(bytes_of(last["path"]))
    if found is None:
        return f"none of the {len(rules)} matter rules of this source matches its path today"
    return f"a matter rule reads the number {found.number} from its path"


# -- version -------------------------------------------------------------------------------------


def version(ctx: forms.Context) -> None:
    """Says which versions are at work: Muniment, the format, Python, and the programs for by-hand recovery."""
    import platform
    import shutil
    from importlib.metadata import version as installed

    session = session_of(ctx)
    programs = {name: shutil.which(name) or "" for name in ("age", "zstd", "tar")}
    data = {
        "version": __version__,
        "format": 1,
        "python": platform.python_version(),
        "cryptography": installed("cryptography"),
        "programs": programs,
    }

    def human() -> None:
        session.screen.say(f"muniment {__version__}", style="bold")
        found = ", ".join(f"{n} {'found' if p else 'not found'}" for n, p in programs.items())
        session.screen.facts(
            [("format", "1 (docs/FORMAT.md)"), ("python", str(data["python"])),
             ("cryptography", str(data["cryptography"])), ("by hand", found)]
        )  # fmt: skip

    session.screen.answer("version", data, human)
