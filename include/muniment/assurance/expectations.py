"""Expectations: runs a suite over facts with Great Expectations, and leaves its Data Docs.

Nouns
- Result: what came of one expectation, in numbers. Judgement: all results of one source.
- Data Docs: the pages that Great Expectations writes. One folder for each source of each run: a second
  run into the same folder would wipe the first one's pages.

Invariants: no value of any cell leaves this module but for the ids of failing items, which go into
`Judgement.offenders` and from there sealed into evidence; pages carry counts only. Importing Great
Expectations takes ten seconds, so it happens inside `judge` and nowhere else.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from muniment.assurance.contracts import (
    AUDIT,
    COLUMNS,
    ITEMS,
    ExpectationContract,
    Expected,
    Value,
    suite_of,
)
from muniment.assurance.data_docs import tidy

OFFENDERS = 1_000
"""Ids of failing items that are kept for each expectation; the counts are always whole."""
_NO_VALUES = {"result_format": "BASIC", "partial_unexpected_count": 0}
_IDS = {"result_format": "COMPLETE", "unexpected_index_column_names": ["item"]}

Tables = Mapping[str, Sequence[Mapping[str, Value]]]


@dataclass(frozen=True, slots=True)
class Result:
    """`of` cells were judged, `unexpected` of them were wrong; `error` is the type of an exception that
    kept the expectation from being judged at all, which counts as failed."""

    name: str
    success: bool
    of: int
    unexpected: int
    means: str
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Judgement:
    """`offenders` is expectation name -> ids of failing items: sealed, never in a log."""

    results: tuple[Result, ...]
    offenders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def failed(self) -> tuple[Result, ...]:
        return tuple(r for r in self.results if not r.success)

    @property
    def good(self) -> bool:
        return bool(self.results) and not self.failed


def judge(contract: ExpectationContract, tables: Tables, docs: Path | None = None) -> Judgement:
    """Judges the facts of one source by the whole suite of its contract.

    Args:
        docs: where the Data Docs go, replaced as a whole; None writes none.
    """
    suite = suite_of(contract)
    draft = docs.with_name(docs.name + ".new") if docs else None
    if draft:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
    session = _Session(contract, tables, draft)
    results = session.run(suite)
    offenders = {
        expected.name: ids
        for expected in suite
        if not results[expected.name].success and (ids := session.offenders(expected))
    }
    if docs and draft:
        tidy(draft)
        shutil.rmtree(docs, ignore_errors=True)
        draft.rename(docs)
    return Judgement(tuple(results[e.name] for e in suite), offenders)


class _Session:
    """One ephemeral context of Great Expectations over the tables of one source."""

    def __init__(self, contract: ExpectationContract, tables: Tables, docs: Path | None) -> None:
        # No word to anybody outside, and no progress bars in a log.
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        self._gx: Any = import_module("great_expectations")
        self._context = self._gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        self._docs = docs
        columns = {**COLUMNS, ITEMS: (*COLUMNS[ITEMS], *contract.columns)}
        self._frames = {name: _frame(tables[name], columns[name]) for name in columns}
        source = self._context.data_sources.add_pandas("restored")
        self._batches = {
            name: source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
            for name in columns
        }

    def run(self, suite: Sequence[Expected]) -> dict[str, Result]:
        # Table by table: what is passed to a checkpoint goes to all of its validations.
        results: dict[str, Result] = {}
        for table in self._batches:
            mine = {e.name: e for e in suite if e.table == table}
            definition = self._context.validation_definitions.add(
                self._gx.ValidationDefinition(
                    name=table,
                    data=self._batches[table],
                    suite=self._context.suites.add(
                        self._gx.ExpectationSuite(
                            name=table, expectations=[self._made(e) for e in mine.values()]
                        )
                    ),
                )
            )
            checkpoint = self._context.checkpoints.add(
                self._gx.Checkpoint(
                    name=table,
                    validation_definitions=[definition],
                    result_format=_NO_VALUES,
                )
            )
            outcome = checkpoint.run(batch_parameters={"dataframe": self._frames[table]})
            for validated in outcome.run_results.values():
                for each in validated.results:
                    name = each.expectation_config.meta["name"]
                    results[name] = _result(mine[name], each)
        if self._docs:
            self._write_data_docs(self._docs)
        return results

    def offenders(self, expected: Expected) -> tuple[str, ...]:
        """Ids of the items that failed it, for expectations of tables of items."""
        if expected.table not in (ITEMS, AUDIT):
            return ()
        batch = self._batches[expected.table].get_batch({"dataframe": self._frames[expected.table]})
        outcome = batch.validate(self._made(expected), result_format=_IDS)
        rows = outcome.result.get("unexpected_index_list") or ()
        return tuple(sorted({str(row["item"]) for row in rows}))[:OFFENDERS]

    def _made(self, expected: Expected) -> Any:
        kind = getattr(self._gx.expectations, expected.kind)
        return kind(**expected.arguments, notes=expected.means, meta={"name": expected.name})

    def _write_data_docs(self, folder: Path) -> None:
        """All pages at once: an action of each checkpoint would read all templates again for each table."""
        self._context.add_data_docs_site(
            "run",
            {
                "class_name": "SiteBuilder",
                "show_how_to_buttons": False,
                "store_backend": {
                    "class_name": "TupleFilesystemStoreBackend",
                    "base_directory": str(folder),
                },
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            },
        )
        self._context.build_data_docs(site_names=["run"])


def _frame(rows: Sequence[Mapping[str, Value]], columns: Sequence[str]) -> Any:
    pandas: Any = import_module("pandas")
    # As objects: numbers beside empty cells would become floats, and lose their last digits.
    return pandas.DataFrame(
        [[row[column] for column in columns] for row in rows], columns=list(columns), dtype=object
    )


def _result(expected: Expected, outcome: Any) -> Result:
    numbers = outcome.result or {}
    info = outcome.exception_info or {}
    raised = bool(info.get("raised_exception")) or any(
        isinstance(each, Mapping) and each.get("raised_exception") for each in info.values()
    )
    return Result(
        name=expected.name,
        success=bool(outcome.success) and not raised,
        of=int(numbers.get("element_count") or 0) - int(numbers.get("missing_count") or 0),
        unexpected=int(numbers.get("unexpected_count") or 0),
        means=expected.means,
        error="not judged" if raised else "",
    )
