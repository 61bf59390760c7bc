"""A row of e-mail archives, sources.<id>.mail_archive of firm.yaml, and which matter a message belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from muniment.config.mail_archive import MailArchiveOptions
from muniment.model.item import NO_MATTER
from muniment.sources.mail_archives.items import Clues
from muniment.sources.mail_archives.source import MailArchiveSource
from muniment.wiring import Wiring
from muniment.wiring_mail_archives import wishes_of
from tests.support.firms import FIRM_YAML, cells, loaded

RULES = """
sources:
  old-mail:
    mail_archive:
      copies: all
      matters:
        - {address: "*@client.example", matter: 2024-0113}
        - {subject: "*[{number}]*"}
        - {folder: "**/Matters/{number} {title}/**"}
"""


def clues(path: str = "Old/a.pst", folder: str = "Old/a.pst/Inbox", subject: str = "Lunch", *addresses: str) -> Clues:  # fmt: skip
    return Clues(path.encode(), folder, subject, addresses)


def test_the_source_of_a_row_is_made_with_what_firm_yaml_says(tmp_path: Path) -> None:
    rule = 'matter_rules:\n  - source: old-mail\n    pattern: "Closed/{number}/**"\n'
    text = FIRM_YAML.replace("matter_rules:\n", rule).replace("\nsources:\n", RULES)
    config = loaded(tmp_path, text, (cells("files"), cells("old-mail", system="Mail_Archive")))
    assert config.row("old-mail").system == "mail-archive"
    assert isinstance(Wiring(config).source("old-mail"), MailArchiveSource)
    wishes = wishes_of(config, "old-mail")
    assert wishes.everything and wishes.index
    found = {
        wishes.assign(each).text
        for each in (
            clues("a.pst", "a.pst/Inbox", "x [2024-0200] y"),
            clues("Old/a.pst", "Old/a.pst/Matters/2024-0300 Estate/2019"),
            clues("a.pst", "a.pst/Inbox", "Lunch", "bob@client.example"),
            # No clue, but its archive lies in a matter's folder.
            clues("Closed/2023-0007/a.pst"),
        )
    }
    assert found == {b"2024-0113", b"2024-0200", b"2024-0300", b"2023-0007"}
    assert wishes.assign(clues()) == NO_MATTER
    # Other rules for where archives lie are other rules for their messages.
    other = loaded(tmp_path, text.replace("Closed/", "Ended/"), (cells("files"), cells("old-mail", system="mail-archive")))  # fmt: skip
    assert wishes_of(other, "old-mail").mark != wishes.mark


@pytest.mark.parametrize(
    "given",
    [
        {"copies": "some"},
        {"settle": "5d"},
        {"matters": [{"matter": "2024-0113"}]},
        {"matters": [{"subject": "*", "address": "*@x.example", "matter": "1"}]},
        {"matters": [{"subject": "a/b", "matter": "1"}]},
        {"matters": [{"subject": "*[{number}]*", "matter": "1"}]},
        {"matters": [{"subject": "*"}]},
        {"matters": [{"category": "x", "matter": "1"}]},
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MailArchiveOptions.model_validate(given)
