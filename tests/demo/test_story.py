"""The closing page says every figure it was given, on any width, with and without a terminal."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from demo import closing, story
from demo.teller import Teller


def verification(*, good: bool = True) -> story.Verification:
    return story.Verification(
        seconds=38.4,
        good=good,
        expectations=20,
        failed=0 if good else 7,
        packs=9 if good else 8,
        packs_of=9,
        decrypted=402_000_000,
        items=3_311,
        documents=2_876,
        opened=2_876,
        pages="http://localhost:8080/dags/v/runs/good/plugin/verification",
        trust_entries=1_023,
    )


def example(
    *, found: bool = True, identical: int = 269, wrong: int = 0, found_in_trust: int = 328_803
) -> story.Story:
    stages = (
        story.Stage("extract", 2.1, 4),
        story.Stage("encrypt", 11.4, 4),
        story.Stage("upload", 5.0, 4),
        story.Stage("validate checksums", 0.8, 4),
        story.Stage("commit snapshot", 0.4, 0),
    )
    first = story.Backup(
        *("First day", 41.2, 3002, 0, 0, 0, 505_592_508, 401_000_111, stages),
        beside=[story.Beside("clio", 22.2, 1441, 0, 0), story.Beside("books", 9.8, 58, 0, 0)],
    )
    second = story.Backup(
        *("Second day", 14, 48, 32, 19, 2951, 61_234_567, 3_210_000, stages),
        beside=[story.Beside("clio", 12.1, 28, 1048, 7), story.Beside("books", 8.8, 9, 18, 0)],
    )
    return story.Story(
        firm="Harrow, Okafor & Lindqvist LLP [bold]protected[/bold]",
        seconds=187,
        protected=story.Protected(
            3002,
            523,
            9,
            60,
            234,
            505_592_508,
            {"mbox": (1, 300_466_565), "pdf": (948, 125_346_221)},
            [(12, "matters"), (1_779, "versions of documents")],
        ),
        backups=(first, second),
        day=(("documents edited", 30), ("files moved", 90)),
        restore=story.Restore(
            "2024-0113",
            "the first evening",
            6.4,
            269,
            31_000_000,
            identical,
            "/home/x/.demo/given",
            story.Clio(1_042, 11, 394_903, wrong),
            story.Trust(328_803, found_in_trust, 2),
        ),
        verification=verification(),
        drill=story.Drill(
            71.6,
            14_400,
            {"restore": 21.5, "verify": 33.3},
            412,
            412,
            55_500_000,
            True,
            "yes",
            "managing-partner",
        ),
        alarm=story.Alarm(
            "a bit turned",
            verification(good=False),
            44.4,
            "[firm] SERIOUS: the [verification] found something",
            ("technician@firm.example",),
            52.7,
            ("safe: it only reads",),
            "/home/x/.demo/mail/mails/002.eml",
        ),
        check=story.Check(
            "one bit turned in a pack", found, True, 1.9, ("packs/ab/abc123 is not its name",)
        ),
        door=story.Door(
            "http://localhost:8080/dags/example-firm__share__backup/grid?and=a-long-query-"
            + "x" * 60,
            "admin",
            "in .demo/password",
            "make demo-stop",
            (("a restore by hand", "muniment restore --matter 2024-0113"),),
        ),
    )


def told(width: int, *, terminal: bool = False, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    console = Console(file=file, width=width, force_terminal=terminal, highlight=False)
    closing.tell(example(), console)
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [32, 40, 60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(cell_len(line) for line in told(width).splitlines()) <= width


def test_the_page_says_every_figure_it_was_given() -> None:
    page = told(120)
    for figure in ("3,002 files", "506 MB", "60 matters", "234 files", "41 s", "14 s", "61.2 MB",
                   "3.21 MB", "2,951", "6.4 s", "269 of 269", "2024-0113", "3 min 07 s",
                   "without any key, in 1.9 s", "packs/ab/abc123", "in .demo/password",
                   "make demo-stop", "validate checksums", "4 shards",
                   "20 of 20 hold; 1,023 trust transactions added up", "9 of 9 packs (100%)", "402 MB", "38 s", "3,311 items",
                   "2,876 of 2,876 documents", "runs/good/plugin/verification",
                   "412 of 412 items, 55.5 MB", "1 min 12 s from the request",
                   "4 h 00 min", "restore 22 s, verify 33 s", "yes, says the managing-partner",
                   "red after 44 s", "13 of 20 hold", "8 of 9 packs decrypt",
                   "mail to technician@firm.example, 53 s after", "SERIOUS: the [verification]",
                   "002.eml", "12 matters, 1,779 versions of documents",
                   "1,441, 0, 0 in 22 s", "28, 1,048, 7 in 12 s", "9, 18, 0 in 8.8 s",
                   "1,042 rows and 11 document versions, 395 kB, byte for byte",
                   "$3,288.03, to the cent", "2 transactions"):  # fmt: skip
        assert figure in page, figure


def test_what_is_handed_in_is_text_and_never_markup() -> None:
    assert "LLP [bold]protected[/bold]" in told(120)


def test_a_long_address_is_folded_and_not_cut() -> None:
    page = told(60)
    assert "http://localhost:8080" in page
    assert page.count("x") >= 60


def test_without_unicode_the_story_is_told_in_ascii() -> None:
    page = told(80, encoding="ascii")
    assert page.isascii()
    assert "ok found without any key" in page


def test_without_a_terminal_there_are_no_control_sequences() -> None:
    assert "\x1b" not in told(80)
    assert "\x1b" in told(80, terminal=True)


GOOD = example()


@pytest.mark.parametrize(
    "bad",
    [
        example(found=False),
        example(identical=268),
        example(wrong=1),
        example(found_in_trust=328_802),
        example(found_in_trust=-1),
        replace(GOOD, verification=verification(good=False)),
        replace(GOOD, drill=replace(GOOD.drill, whole=False)),
        replace(GOOD, drill=replace(GOOD.drill, seconds=14_400)),
        replace(GOOD, drill=replace(GOOD.drill, answer="partly")),
        replace(GOOD, alarm=replace(GOOD.alarm, red=verification())),
        replace(GOOD, alarm=replace(GOOD.alarm, to=())),
    ],
)
def test_a_bad_end_does_not_look_like_a_good_one(bad: story.Story) -> None:
    for told_story, mark in ((GOOD, "✓ Harrow"), (bad, "✗ Harrow")):
        console = Console(file=(out := io.StringIO()), width=100)
        closing.tell(told_story, console)
        assert mark in out.getvalue()
        assert ("✗" in out.getvalue()) is (told_story is bad)


def test_the_page_fits_a_screen() -> None:
    assert len(told(100).splitlines()) <= 55


def test_steps_are_plain_lines_where_there_is_no_terminal() -> None:
    file = io.StringIO()
    teller = Teller(Console(file=file, width=80))
    with teller.step("Writing the [example] firm") as step:
        for done in range(100):
            step.at(done, 100, "documents")
        step.note("3,002 files")
    lines = file.getvalue().splitlines()
    assert lines[0] == "  … Writing the [example] firm"
    assert lines[1].startswith("  ✓ Writing the [example] firm: 3,002 files  ")
    assert len(lines) == 2


def test_a_step_that_fails_is_marked_and_its_error_goes_on() -> None:
    for terminal in (False, True):
        file = io.StringIO()
        teller = Teller(Console(file=file, width=80, force_terminal=terminal))
        with pytest.raises(OSError), teller.step("Starting PostgreSQL"):
            raise OSError
        assert "✗" in file.getvalue() and "✓" not in file.getvalue()


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.00 kB"), (9_996, "10.0 kB"),
     (99_960, "100 kB"), (999_499, "999 kB"), (999_500, "1.00 MB"), (1_720_000_000, "1.72 GB"),
     (10**16, "10000 TB")],
)  # fmt: skip
def test_sizes_have_three_digits(size: int, text: str) -> None:
    assert story.size_text(size) == text


@pytest.mark.parametrize(
    ("cents", "text"),
    [
        (0, "$0.00"),
        (5, "$0.05"),
        (328_803, "$3,288.03"),
        (-1, "-$0.01"),
        (100_000_00, "$100,000.00"),
    ],
)
def test_money_is_told_to_the_cent(cents: int, text: str) -> None:
    assert story.money_text(cents) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (0.84, "0.8 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 00 s"),
     (185, "3 min 05 s"), (3599.7, "1 h 00 min"), (3720, "1 h 02 min")],
)  # fmt: skip
def test_durations_read_as_one_says_them(seconds: float, text: str) -> None:
    assert story.time_text(seconds) == text


def test_longer_times_never_read_shorter() -> None:
    def minutes(text: str) -> float:
        units = {"s": 1.0, "min": 60.0, "h": 3600.0}
        parts = text.split()
        return sum(float(n) * units[u] for n, u in zip(parts[::2], parts[1::2], strict=True))

    texts = [minutes(story.time_text(tenth / 10)) for tenth in range(40_000)]
    assert all(a <= b for a, b in itertools.pairwise(texts))


def test_what_is_quoted_is_indented_and_never_markup() -> None:
    file = io.StringIO()
    Teller(Console(file=file, width=40)).quote(["Subject: [firm] red", "a " * 30])
    lines = file.getvalue().splitlines()
    assert lines[0] == "      Subject: [firm] red"
    assert len(lines) > 2
    assert all(line.startswith("      ") and len(line) <= 40 for line in lines)
