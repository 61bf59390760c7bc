"""Exporting a source as a plain tree that any archive can check: a BagIt bag."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from muniment import __version__
from muniment.cli import forms, words
from muniment.cli.bag import begun, payload_name, write_tags
from muniment.cli.exits import Exit
from muniment.cli.let_go import LetGo
from muniment.cli.options import AsOf, Yes, moment_of_plan, session_of, source_of
from muniment.cli.receiving import ApprovedBy, For, Receiving, RequestedBy
from muniment.errors import MunimentError, TargetNotEmpty, TargetUnusable

if TYPE_CHECKING:
    from muniment.cli.screen import Advance
    from muniment.model.item import Row
    from muniment.recovery.plan import Choice, RestorePlan
    from muniment.sources.base import Target
    from muniment.vault.pack_reader import PartReader
    from muniment.vault.vault import Vault

THREADS = 2


def register(app: forms.Group) -> None:
    app.command("export", panel="Get back")(export)


def export(
    ctx: forms.Context,
    source: Annotated[str, forms.Argument(help="The source.")],
    to: Annotated[
        Path, forms.Option(metavar="FOLDER", help="A new folder, which becomes the bag.")
    ],
    as_of: AsOf = "",
    received_by: For = "",
    requested_by: RequestedBy = "",
    approved_by: ApprovedBy = None,
    yes: Yes = False,
) -> None:
    """Writes a whole source as plain files with a checksum of each: a BagIt bag (RFC 8493).

    For handing over, for archives, for leaving Muniment. Owners, rights and links stand in a list
    beside the files; for a restore with all attributes use `restore --source`. Repeating it after an
    interruption goes on. Needs an identity.

    Where firm.yaml asks for an approval, this is the breaking of the glass (docs/RESTORE_APPROVAL.md).
    """
    from muniment.recovery.plan import chosen, make_restore_plan
    from muniment.recovery.selected import load_selected
    from muniment.recovery.selection import Scope, Selection
    from muniment.sources.as_files import as_files
    from muniment.sources.files import FileTarget
    from muniment.vault.pack_reader import PartReader

    session = session_of(ctx)
    bag = to.absolute()
    if not begun(bag):
        raise TargetNotEmpty("the folder is there and is no unfinished export", to=str(to))
    vault = session.reading()
    selection = Selection(Scope.SOURCE, "", (source_of(source),))
    receiving = Receiving(session, vault, None, received_by, requested_by, approved_by or (), None)
    at = moment_of_plan(session, vault, as_of, selection.sources)
    with session.screen.progress("Planning: proving the snapshot"):
        plan = make_restore_plan(vault, selection, at, target="export", withhold=receiving.withhold)
    let_go = LetGo(session, receiving)
    let_go.judge(plan, selection)
    choice = plan.choices[0]
    history, record = chosen(vault, choice)
    selected, _ = load_selected(vault, history, record, selection, receiving.withhold)
    # Rows of an API become files with names, as they do in a restore.
    rows = tuple(as_files(selected.rows))
    _say_plan(session.screen, choice)
    if not session.screen.as_json:
        let_go.say()
    session.require_outside(bag)
    session.screen.confirm(f"Export {words.some(choice.items, 'item')} into {to}?", yes)
    let_go.begin(plan)
    try:
        bag.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise TargetUnusable(f"the folder cannot be made ({error.strerror})", to=str(to)) from None
    reader = PartReader(vault.store, vault.keyring, history.chain(record).packs())
    target = FileTarget(bag / "data", restore_id=choice.items_digest)
    with closing(target):
        entries = ((row.kind, name) for row, name in _named(rows))
        if target.conflicts(entries):
            raise TargetNotEmpty("the payload folder holds files that this export did not write")
        exporter = _Exporter(reader, target)
        with session.screen.progress("Exporting") as advance:
            exporter.run(rows, advance, choice.bytes)
    write_tags(bag, exporter.payload, _info(vault, plan, choice, exporter), exporter.lines(rows))
    let_go.end(not exporter.failures)
    failures = [{"id": item, "why": why} for item, why in exporter.failures]
    data = {
        "source": source,
        "seq": choice.seq,
        "taken_at": choice.taken_at,
        "to": str(bag),
        "files": len(exporter.payload),
        "bytes": exporter.size,
        "failures": failures,
        "loss_seconds": choice.loss_seconds,
        "approval": let_go.as_dict(),
    }

    def human() -> None:
        screen = session.screen
        screen.facts(
            [
                ("bag", str(bag)),
                (
                    "payload",
                    f"{words.some(len(exporter.payload), 'file')}, {words.size(exporter.size)}",
                ),
                (
                    "check it with",
                    "any BagIt validator; or `sha256sum -c manifest-sha256.txt` in it, which does not "
                    "understand %25, %0A and %0D in names",
                ),
            ]
        )
        for item, why in exporter.failures:
            screen.note(f"item {item}: {why}", style="red")
        good = not exporter.failures
        screen.say(
            "WHOLE: every file is in the bag and was read back." if good else "NOT WHOLE.",
            style="bold green" if good else "bold red",
        )

    session.screen.answer("export", data, human, Exit.NOT_WHOLE if failures else Exit.GOOD)


def _say_plan(screen: Any, choice: Choice) -> None:
    screen.say(
        f"{choice.source}, snapshot {choice.seq}, {choice.taken_at}, "
        f"{words.some(choice.items, 'item')}, {words.size(choice.bytes)}"
    )
    for seq, why in choice.passed_over:
        screen.note(f"snapshot {seq} is passed over: {why}", style="red")
    for reason, count in choice.withheld.items():
        screen.note(f"withheld: {words.some(count, 'item')} ({reason})", style="red")


@dataclass
class _Exporter:
    """Gives the rows of one snapshot to the payload folder and remembers what came of each."""

    reader: PartReader
    target: Target
    payload: list[tuple[bytes, bytes]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    size: int = 0
    names: dict[bytes, bytes] = field(default_factory=dict)

    def run(self, rows: tuple[Row, ...], advance: Advance, total: int) -> None:
        self.names = {row.item_id: name for row, name in _named(rows)}
        for row in rows:
            if row.kind == "dir":
                self._note(*self._give(row))
        files = sorted((r for r in rows if r.kind not in ("dir", "symlink")), key=_place)
        with ThreadPoolExecutor(THREADS) as pool:
            for outcome in pool.map(self._give, files):
                self._note(*outcome)
                advance(self.size, total)
        self.target.finish()

    def _give(self, row: Row) -> tuple[Row, bytes, MunimentError | None]:
        name = self.names[row.item_id]
        try:
            if self.target.already(row.kind, name, row.digest, row.size):
                return row, name, None
            content = self.reader.content(row.parts)
            given = self.target.give(
                row.kind, name, {}, content, mtime_ns=row.mtime_ns, digest=row.digest, size=row.size
            )
            name = given.delivered_as or name
            if row.kind == "dir" or self.target.already(
                row.kind, self.names[row.item_id], row.digest, row.size
            ):
                return row, name, None
        except MunimentError as error:
            return row, name, error
        return row, name, MunimentError("what stands in the bag is not what was written")

    def _note(self, row: Row, name: bytes, error: MunimentError | None) -> None:
        if error is not None:
            self.failures.append((row.item_id.hex(), f"{error.code} {error.what}"))
            self.names.pop(row.item_id, None)
        elif row.kind != "dir":
            self.names[row.item_id] = name
            self.payload.append((name, row.digest or _EMPTY))
            self.size += row.size

    def lines(self, rows: tuple[Row, ...]) -> list[bytes]:
        """One JSON line an item: what its file cannot say of itself."""
        return list(self._lines(rows))

    def _lines(self, rows: tuple[Row, ...]) -> Iterator[bytes]:
        from muniment.model.text import text_of

        why = dict(self.failures)
        for row in rows:
            name = self.names.get(row.item_id)
            line = {
                "id": row.item_id.hex(),
                "kind": row.kind,
                "path": text_of(row.native_id),
                "payload": text_of(b"data/" + name) if name is not None else None,
                "matter": row.matter,
                "size": row.size,
                "mtime_ns": row.mtime_ns,
                "sha256": row.digest.hex(),
                "metadata": dict(row.metadata),
                "failure": why.get(row.item_id.hex()),
            }
            yield json.dumps(line, ensure_ascii=False).encode() + b"\n"


_EMPTY = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")


def _named(rows: tuple[Row, ...]) -> Iterator[tuple[Row, bytes]]:
    """Rows that become files or folders, with their names in the payload."""
    taken: set[bytes] = set()
    for row in rows:
        if row.kind != "symlink":
            yield row, payload_name(row.native_id, taken)


def _place(row: Row) -> tuple[bytes, int]:
    first = row.parts[0] if row.parts else None
    if first is None or not first.segments:
        return b"", 0
    return first.pack, first.segments[0].frame_offset


def _info(vault: Vault, plan: RestorePlan, choice: Choice, exporter: _Exporter) -> dict[str, str]:
    info = {
        "Bagging-Date": plan.made_at[:10],
        "Bag-Software-Agent": f"muniment {__version__}",
        "External-Identifier": f"{vault.vault_id}/{choice.source}/{choice.seq}",
        "Internal-Sender-Identifier": choice.commit,
        "Internal-Sender-Description": f"Snapshot {choice.seq} of {choice.source}, taken at {choice.taken_at}, "
        f"{choice.completeness.replace('_', ' ')}",
        "Payload-Oxum": f"{exporter.size}.{len(exporter.payload)}",
    }
    if exporter.failures:
        info["Muniment-Not-Exported"] = str(len(exporter.failures))
    return info
