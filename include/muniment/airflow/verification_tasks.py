"""VerificationTasks: the functions behind the tasks of a verification, in terms of the engine.

XCom carries ids, numbers and digests, each marked with the draw it belongs to: after a clear, XCom still
holds what an earlier attempt left. What names items goes sealed into evidence, by way of the scratch folder.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from muniment.airflow.names import EVERYTHING as EVERYTHING_FIELD
from muniment.airflow.settings import reports_area
from muniment.airflow.verification_parts import Json, VerificationParts
from muniment.airflow.verification_trust import TrustTasks, trust_rows
from muniment.assurance.check import finding_dict
from muniment.assurance.data_docs import KEPT, forget_old, write_index
from muniment.assurance.expectations import judge
from muniment.assurance.files_contract import contract_of
from muniment.assurance.reconcile import RECONCILERS
from muniment.assurance.rotation import EVERYTHING, Rotation
from muniment.assurance.sample import Limits, draw_matter, matter_sizes
from muniment.assurance.summary import evidence_facts, summarise
from muniment.assurance.trial import Draw, Facts, read_snapshot, restore_sample
from muniment.assurance.verify import verify
from muniment.clock import to_text
from muniment.config.inventory import InventoryRow
from muniment.errors import (
    MunimentError,
    NothingToRestore,
    StagingError,
    VerificationFailed,
)
from muniment.ids import sha256_hex
from muniment.vault.bases import base_due, rebase
from muniment.vault.evidence import append
from muniment.vault.history import History, sources_in
from muniment.vault.vault import Vault

log = logging.getLogger(__name__)

STREAM = "operations-verification"
ENDED = "verification.ended"
ROWS_HURT = frozenset({"D150", "D151"})
"""Findings that say a source's rows are not to be believed: no base is written from them."""


class VerificationTasks(VerificationParts):
    """Verifications of one firm. `dag_id` is the id of the DAG."""

    # -- what is tried -----------------------------------------------------------------------------

    def choose(self) -> list[Json]:
        """Draws the slice, the matter and the seed; returns one entry a source."""
        scratch = self._scratch()
        scratch.prepare()
        for left in scratch.purge_abandoned():
            log.warning("Removed what the abandoned run %s left in the scratch folder", left)
        now = self._wiring.clock.now()
        every = bool(get_current_context()["params"].get(EVERYTHING_FIELD))
        rotation = EVERYTHING if every else Rotation.of_week(now)
        seed = secrets.randbelow(1 << 53)
        found = list(self._sources())
        sizes: Counter[str] = Counter()
        for vault, history, _ in found:
            sizes.update(_matters(vault, history))
        matter = draw_matter(sizes, seed, Limits().bytes)
        log.info(
            "Slice %d of %d; seed %d; %s is restored whole", rotation.n, rotation.t, seed,
            f"matter {matter}" if matter else "no matter",
        )  # fmt: skip
        mark = secrets.token_hex(8)
        parts = []
        for _, history, row in found:
            head = history.live[-1] if history.live else None
            drawn = Draw(
                source=history.source,
                system=row.system if row else "",
                seq=head.seq if head else 0,
                commit=head.digest if head else "",
                at=to_text(now),
                seed=seed,
                matter=matter,
                allowed_hours=row.rpo.total_seconds() / 3600 if row and row.rpo else None,
            )
            parts.append(
                {
                    **drawn.as_dict(),
                    "mark": mark,
                    "rotation_n": rotation.n,
                    "rotation_t": rotation.t,
                    "label": f"{drawn.source}: snapshot {drawn.seq}",
                }
            )
        return parts

    def _sources(self) -> Iterator[tuple[Vault, History, InventoryRow | None]]:
        """Every source of the inventory, and what a vault still holds of sources that left it."""
        rows = {row.source_id: row for row in self._config.protected}
        seen: set[str] = set()
        for name in sorted({row.destination for row in rows.values()}):
            vault = self._wiring.vault("operations", name)
            mine = {s for s, row in rows.items() if row.destination == name}
            for source in sorted(mine | (set(sources_in(vault.store)) - rows.keys() - seen)):
                seen.add(source)
                yield vault, vault.history(source), rows.get(source)

    # -- a source ----------------------------------------------------------------------------------

    def restore_sample(self, part: Json) -> Json:
        """Restores the sample, looks at it, removes it; leaves the facts for `expectations`."""
        drawn = Draw.of(part)
        if not drawn.seq:
            raise NothingToRestore(
                "this source has no snapshot at all",
                to=drawn.source,
                todo="Look at the runs of its backup, or take its row out of the inventory.",
            )
        scratch = self._scratch()
        facts = restore_sample(
            self._vault(drawn.source),
            drawn,
            contract_of(drawn.system),
            scratch,
            live=self._live(drawn),
        )
        scratch.write(f"{drawn.source}.facts", facts.to_bytes())
        log.info(
            "Restored %s items, %s bytes, by plan %s; removed again",
            f"{facts.totals['restored_items']:,}",
            f"{facts.totals['restored_bytes']:,}",
            facts.plan_digest[:16],
        )
        log.info(
            "Opened: %s of %s documents. Compared with the live source: %s",
            f"{facts.totals['documents'] - facts.totals['documents_not_opened']:,}",
            f"{facts.totals['documents']:,}",
            f"{facts.totals['live_looked_at']:,}"
            if facts.totals["live_reached"]
            else "not reached",
        )
        for item, why in facts.failures[:50]:
            log.error("Item %s: %s", item, why)
        return self._leave(part, facts.totals)

    def check_bytes(self, part: Json) -> Json:
        """Decrypts and hashes the slice of packs, young ones, and all rows. Raises VerificationFailed."""
        source = part["source"]
        rotation = Rotation(part["rotation_n"], part["rotation_t"])
        found = verify(self._vault(source), rotation, seed=part["seed"], sources=[source])
        codes = sorted({f.code for f in found.findings if not f.code.startswith("W")})
        log.info(
            "Decrypted and hashed: %s of %s packs, %s bytes, %s members; %s rows read",
            f"{found.packs:,}", f"{found.packs_of:,}", f"{found.bytes:,}", f"{found.members:,}",
            f"{found.rows:,}",
        )  # fmt: skip
        for key in sorted(found.closed):
            log.warning("Not verified, because its key is withheld from operations: %s", key)
        for finding in found.findings[:50]:
            log.error("%s", finding.line())
        self._scratch().write(
            f"{source}.findings", json.dumps([finding_dict(f) for f in found.findings]).encode()
        )
        numbers = {"packs": found.packs, "packs_of": found.packs_of, "bytes": found.bytes}
        left = self._leave(part, {**numbers, "good": found.good, "codes": codes})
        if not found.good:
            raise VerificationFailed(
                f"{len(found.findings):,} findings: {', '.join(codes)}",
                to=f"source {source}",
                safe="This task only reads. What is damaged was damaged before it.",
                todo="The log names objects, snapshots and matters. See docs/ERRORS.md for the codes, and "
                "restore what is touched from the second store.",
            )
        return left

    def expectations(self, part: Json) -> Json:
        """Judges the facts by the suite of the source's contract. Raises VerificationFailed."""
        source = part["source"]
        scratch = self._scratch()
        try:
            facts = Facts.from_bytes(scratch.read(f"{source}.facts"))
        except StagingError as error:
            raise AirflowSkipException(f"{error.what}: see the log of `restore_sample`") from None
        judgement = judge(contract_of(part["system"]), facts.tables, self._reports() / source)
        for result in judgement.results:
            (log.info if result.success else log.error)(
                "%s %s: %s (%s of %s are wrong)", "holds:" if result.success else "FAILED:",
                result.name, result.means, f"{result.unexpected:,}", f"{result.of:,}",
            )  # fmt: skip
        offenders = {name: list(ids) for name, ids in judgement.offenders.items()}
        scratch.write(f"{source}.offenders", json.dumps(offenders).encode())
        results = [result.as_dict() for result in judgement.results]
        left = self._leave(part, {"good": judgement.good, "results": results})
        if not judgement.good:
            names = ", ".join(result.name for result in judgement.failed)
            raise VerificationFailed(
                f"{len(judgement.failed)} of {len(results)} expectations do not hold: {names}",
                to=f"source {source}",
                safe="Nothing in production was touched, and the vault was only read.",
                todo="Open the tab Verification of this run; docs/VERIFICATION.md says what each means "
                "and what to do. The ids of the items are sealed in the evidence of this run.",
            )
        return left

    # -- the firm ----------------------------------------------------------------------------------

    def reconcile_trust(self, drawn: Sequence[Json]) -> list[Json]:
        """See `TrustTasks.reconcile`."""
        return TrustTasks(self._config, self._dag_id).reconcile(drawn)

    def rebase(self, drawn: Sequence[Json], checked: Sequence[Json]) -> list[str]:
        """Writes a new base for each source that is due and whose rows were found whole."""
        done: list[str] = []
        believed = {
            each["source"] for each in _marked(drawn, checked) if not ROWS_HURT & set(each["codes"])
        }
        for part in drawn:
            source = part["source"]
            vault = self._vault(source)
            history = vault.history(source)
            due = base_due(history)
            if not due.due or history.head is None:
                log.info("%s: no new base is due: %s", source, due.reason)
            elif source not in believed:
                log.warning("%s: a new base is due, but its rows were not found whole", source)
            else:
                place = self._scratch().prepare() / "rebase"
                place.mkdir(mode=0o700, exist_ok=True)
                made = rebase(vault, history, history.head, place)
                log.info("%s: new base of %s rows: %s", source, f"{made.base.rows:,}", due.reason)
                done.append(source)
        return done

    def report(
        self,
        drawn: Sequence[Json],
        left: Mapping[str, Sequence[Json]],
        rebased: Sequence[str],
        reconciled: Sequence[Json] = (),
    ) -> Json:
        """Stores the evidence, writes the first page, and raises VerificationFailed on any shortfall."""
        balanced = {each["source"]: each for each in _marked(drawn, reconciled)}
        by_task = {name: {e["source"]: e for e in _marked(drawn, left[name])} for name in left}
        summary = summarise(
            self._config.firm_id,
            to_text(self._wiring.clock.now()),
            drawn,
            restored=by_task["restore_sample"],
            checked=by_task["check_bytes"],
            judged=by_task["expectations"],
            trust=[r.source_id for r in trust_rows(self._config) if r.system not in RECONCILERS],
            reconciled={
                row.source_id: balanced.get(row.source_id, {})
                for row in trust_rows(self._config)
                if row.system in RECONCILERS
            },
            rebased=rebased,
        )
        page = write_index(self._reports(), summary)
        data = json.dumps(summary, indent=2, sort_keys=True).encode()
        (page.parent / "summary.json").write_bytes(data)
        facts = {**evidence_facts(summary), "report_sha256": sha256_hex(data)}
        for vault in self._vaults():
            written = append(
                vault,
                STREAM,
                ENDED,
                subject=self._run_id(),
                facts=facts,
                detail=self._detail(drawn),
            )
            log.info("Evidence: %s, digest %s", written.name, written.digest)
        log.info("Pages: /dags/%s/runs/%s/plugin/verification", self._dag_id, quote(self._run()))
        for line in summary["wrong"]:
            log.error("%s", line)
        if not summary["good"]:
            raise VerificationFailed(
                f"{sum(not s['good'] for s in summary['sources'])} of {len(drawn)} sources are not "
                "verified",
                to=f"firm {self._config.firm_id}, run {self._run_id()}",
                safe="The vault was only read; the evidence of this run is stored.",
                todo="Do what the log of the first red task says, then trigger this DAG again.",
            )
        return {key: facts[key] for key in ("good", "sources", "expectations", "report_sha256")}

    def _detail(self, drawn: Sequence[Json]) -> Json:
        """What names items and objects: sealed."""
        scratch = self._scratch()
        detail: Json = {}
        for part in drawn:
            for kind in ("offenders", "findings", "trust"):
                try:
                    found = json.loads(scratch.read(f"{part['source']}.{kind}"))
                except StagingError:
                    continue
                if found:
                    detail[f"{part['source']}.{kind}"] = found if kind == "trust" else _cut(found)
        return detail

    def purge_scratch(self) -> None:
        """Removes what this run left in the scratch folder, and pages that are older than anyone asks for."""
        self._scratch().purge()
        gone = forget_old(reports_area(self._config.firm_id), self._wiring.clock.now())
        if gone:
            log.info("Pages of %s runs older than %s days removed", gone, KEPT.days)


def _matters(vault: Vault, history: History) -> Counter[str]:
    """Sizes of the matters of a source; none where its rows cannot be read, which `restore_sample` says."""
    if not history.live:
        return Counter()
    try:
        return matter_sizes(read_snapshot(vault, history, history.live[-1]).items.values())
    except MunimentError as error:
        log.error("%s: no matter is drawn from it: [%s] %s", history.source, error.code, error.what)
        return Counter()


def _marked(drawn: Sequence[Json], left: Sequence[Json]) -> list[Json]:
    """What belongs to this draw, and not to one of an earlier attempt."""
    mark = drawn[0]["mark"] if drawn else ""
    return [each for each in left if each["mark"] == mark]


def _cut(found: Any) -> Any:
    """An entry of evidence holds a megabyte; the counts beside it are always whole."""
    if isinstance(found, list):
        return found[:500]
    return {name: ids[:500] for name, ids in found.items()}
