"""Each expectation is killed by a planted corruption, and none by clean data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from demo.firm import STORY_MATTER
from muniment.assurance.contracts import suite_of
from muniment.assurance.files_contract import CONTRACTS
from muniment.ids import matter_id
from muniment.vault import names
from muniment.vault.age import Identity
from muniment.vault.setup import add_matter_key
from muniment.vault.store.local import LocalStore
from tests.assurance.expectations.bench import Bench, copy_of, example
from tests.assurance.expectations.corruptions import CORRUPTIONS, Corruption
from tests.assurance.expectations.test_clio_contract import KILLS
from tests.campaigns.test_clio_faults import AUDIT_KILLS
from tests.sources.databases.test_sqlserver_trials import KILLS as SQL_SERVER_KILLS
from tests.sources.databases.test_trials import KILLS as DATABASE_KILLS
from tests.sources.mail_archives.test_mail_trials import KILLS as MAIL_KILLS
from tests.sources.smb.test_smb_trials import KILLS as SMB_KILLS
from tests.sources.vendor_backups.test_vendor_trials import KILLS as SET_KILLS
from tests.support.practice import Practice


@pytest.fixture(scope="module")
def unspoiled(tmp_path_factory: pytest.TempPathFactory) -> Practice:
    """The example firm, backed up."""
    practice = example(tmp_path_factory.mktemp("unspoiled") / "firm", 7, dump=False)
    practice.back_up()
    return practice


def bench_of(corruption: Corruption, unspoiled: Practice, folder: Path) -> Bench:
    if corruption.before is None:
        return Bench(copy_of(unspoiled, folder))
    bench = Bench(example(folder, 7, dump=corruption.dump))
    corruption.before(bench)
    bench.back_up()
    return bench


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=str)
def test_a_planted_corruption_is_seen(
    corruption: Corruption, unspoiled: Practice, tmp_path: Path
) -> None:
    bench = bench_of(corruption, unspoiled, tmp_path / "firm")
    if corruption.after:
        corruption.after(bench)

    judgement = bench.judged()

    failed = {result.name for result in judgement.failed}
    assert corruption.kills <= failed
    assert not any(result.error for result in judgement.results)
    for name in corruption.kills:
        if name.startswith("items."):
            assert judgement.offenders[name]


def test_every_expectation_of_every_contract_is_killed_by_something() -> None:
    killed = (
        KILLS | AUDIT_KILLS | DATABASE_KILLS | SQL_SERVER_KILLS | MAIL_KILLS | SET_KILLS | SMB_KILLS
    ).union(*(corruption.kills for corruption in CORRUPTIONS))
    for contract in CONTRACTS.values():
        assert {expected.name for expected in suite_of(contract)} <= killed


def seeds() -> list[int]:
    """Two of the twenty; all twenty where the campaigns run (MUNIMENT_SEEDS)."""
    return list(range(100, 120 if os.environ.get("MUNIMENT_SEEDS") else 102))


@pytest.mark.campaign
@pytest.mark.parametrize("seed", seeds())
def test_clean_data_kills_no_expectation(seed: int, tmp_path: Path) -> None:
    practice = example(tmp_path / "firm", seed, dump=seed % 5 == 0, days=seed % 4)
    practice.back_up()
    bench = Bench(practice)

    facts = bench.facts(seed)
    judgement = bench.judged(seed)

    assert [result.name for result in judgement.failed] == []
    assert len(judgement.results) == len(suite_of(bench.contract))
    assert facts.totals["live_looked_at"] > 0
    assert facts.totals["documents_not_opened"] == 0


def test_a_matter_that_the_firm_withholds_is_counted_and_makes_nothing_red(tmp_path: Path) -> None:
    practice = example(tmp_path / "firm", 5, dump=False)
    practice.matter_keys = LocalStore.create(tmp_path / "matter keys")
    vault = practice.vault()
    matter = matter_id(vault.keyring.id_key(names.MATTERS_ID_KEY), STORY_MATTER)
    add_matter_key(
        vault, practice.keys.root, names.matter_key(matter), str(Identity.generate().recipient)
    )
    practice.back_up()
    bench = Bench(practice)

    facts = bench.facts()
    judgement = bench.judged()

    assert facts.totals["closed_keys"] == 1
    assert not any(item["matter"] == matter for item in facts.tables["items"])
    assert judgement.failed == ()
