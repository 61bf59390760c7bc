"""Matter rules, and every example of docs/MATTERS.md."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from demo import firm
from muniment.config.matters import MatterRules, normal_number
from muniment.config.policy import MatterRule
from tests.support.needs import REPOSITORY

PAGE = (REPOSITORY / "docs" / "MATTERS.md").read_text(encoding="utf-8")


def examples() -> list[tuple[str, ...]]:
    found = []
    wanted = False
    for line in PAGE.splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if line.startswith("| pattern | number | path |"):
            wanted = True
        elif not line.startswith("|"):
            wanted = False
        elif wanted and not cells[0].startswith("---"):
            found.append(tuple(cells))
    return found


def rules(*patterns: str, number: str | None = None) -> MatterRules:
    made = [MatterRule(source="files", pattern=p, number=number) for p in patterns]
    return MatterRules.compile(made, "files")


def matter(of: MatterRules, path: str) -> str | None:
    found = of.match(path.encode())
    return found.number if found else None


@pytest.mark.parametrize(("pattern", "number", "path", "wanted", "title"), examples())
def test_the_page_tells_the_truth(
    pattern: str, number: str, path: str, wanted: str, title: str
) -> None:
    if wanted == "mistake":
        with pytest.raises(ValidationError):
            rules(pattern, number=number or None)
        return
    found = rules(pattern, number=number or None).match(path.encode())
    assert (found.number if found else "unassigned") == wanted
    assert (found.title if found else "") == title


def test_the_page_has_its_examples() -> None:
    assert len(examples()) >= 25
    assert re.search(r"^```yaml\nmatter_rules:", PAGE, re.MULTILINE)


def test_the_first_rule_that_matches_decides() -> None:
    both = rules("Closed/{number} {title}/**", "*/{number}*/**")
    assert both.match(b"Closed/2020-0001 Moss/a") == ("2020-0001", "Moss")
    assert both.match(b"Open/2020-0001 Moss/a") == ("2020-0001", "")


def test_rules_of_other_sources_do_not_count() -> None:
    made = [MatterRule(source="mail", pattern="{number}/**")]
    assert MatterRules.compile(made, "files").match(b"2024-0001/a") is None


def test_a_name_is_found_in_either_unicode_form() -> None:
    of = rules("Müller/{number}/**")
    for form in ("NFC", "NFD"):
        assert matter(of, unicodedata.normalize(form, "Müller/2024-0001/a")) == "2024-0001"


def test_a_path_that_is_no_utf8_is_matched_like_any_other() -> None:
    found = rules("Matters/{number} {title}/**").match(b"Matters/2024-0001 M\xfcller/\xff\n.txt")
    assert found == ("2024-0001", "M\\xfcller")


def test_numbers_are_compared_with_plain_dashes() -> None:
    assert normal_number(" 2024\u20130113 ") == "2024-0113"
    assert normal_number("\uff12024-0113") == "2024-0113"


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_path_is_matched_without_error_and_alike_when_asked_twice(a: bytes, b: bytes) -> None:
    of = rules("Matters/{number} {title}/**", "*{number}*")
    for path in (a, b, b"Matters/2024-0113 " + a, b"Matters/2024-0113 " + a + b"/" + b):
        assert of.match(path) == of.match(path)
        fresh = rules("Matters/{number} {title}/**", "*{number}*")
        assert of.match(path) == fresh.match(path)


@given(st.lists(st.sampled_from([b"Matters", b"2024-0113 Moss", b"x", b"2020-0007"]), max_size=4))
@pytest.mark.parametrize(
    "patterns",
    [
        [], ["Matters/{number} {title}/**"], ["Matters/*/{number}*/**", "{number}/**"],
        ["Matters/{number}*"], ["**/{number} {title}/**"],
    ],
)  # fmt: skip
def test_where_a_folder_decides_all_in_it_is_of_one_matter(
    patterns: list[str], folders: list[bytes]
) -> None:
    of, folder = rules(*patterns), b"/".join(folders)
    if of.by_folder(folder):
        inside = folder + b"/" if folder else b""
        names = (b"a", b"2024-0113 Moss", b"2020-0007", b"Matters", b"\xff\n")
        assert len({rules(*patterns).match(inside + name) for name in names}) == 1


def test_a_folder_decides_where_every_rule_ends_with_all_that_is_below() -> None:
    of = rules("Matters/{number} {title}/**")
    assert of.by_folder(b"Matters/2024-0113 Moss")
    assert not of.by_folder(b"Matters")
    assert not rules("Matters/{number}*").by_folder(b"Matters/2024-0113 Moss")


@given(st.from_regex(r"[0-9]{4}-[0-9]{4}", fullmatch=True), st.text("abc äß._-", max_size=20))
def test_the_number_of_a_well_named_folder_is_always_found(number: str, title: str) -> None:
    of = rules("Matters/{number} {title}/**", number="####-####")
    assert matter(of, f"Matters/{number} {title}/a/b.txt") == number


@pytest.mark.parametrize(
    "pattern",
    ["**/{title}{number}*-*/**", "{client}-{title}{number}*", "**/*{number}*/**/*.pdf"],
)
@pytest.mark.parametrize(
    "name", ["1" * 255, "1-" * 127, "a1" * 127, "-" * 255, "1a1-1." * 42, "é" * 127]
)
def test_no_name_makes_matching_run_away(pattern: str, name: str) -> None:
    # Backtracking over such names would take years: the suite's own time limit would notice.
    rules(pattern).match("/".join([name] * 12).encode())


def test_the_example_firms_matters_are_those_of_its_own_truth(tmp_path: object) -> None:
    truth = firm.small(tmp_path / "share", seed=7)  # type: ignore[operator]
    of = rules("Matters/{number} {title}/**", number="####-####")
    assert truth.entries
    for path, entry in truth.entries.items():
        found = of.match(path)
        assert (found.number if found else None) == entry.matter, path
