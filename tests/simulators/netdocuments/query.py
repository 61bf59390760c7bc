"""What a search is asked for. platform.yaml: search.syntax, search.fields, search.date_range."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.simulators.clio.store import Row
from tests.simulators.netdocuments import ids
from tests.simulators.netdocuments.errors import bad_request, not_simulated
from tests.simulators.netdocuments.world import World

Test = Callable[[Row], bool]
_TOKEN = re.compile(r"\s*(?:=(\d+)\(|(\()|(\))|([^\s()=]+))")
_RANGE = re.compile(r"\^\s*(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)?$")
# platform.yaml: search.field_confidence
NAME, CABINET, EXTENSION, CUSTOM = 3, 10, 11, "10"


@dataclass
class _Reading:
    text: str
    place: int = 0


class Query:
    """A test of rows. Raises ApiError (400) for what cannot be understood; parts that stand side by side must all
    hold, as must what `AND` joins."""

    def __init__(self, text: str, world: World) -> None:
        self._world = world
        self._dated = world.settings.modified_field
        if not text.strip():
            raise bad_request("The query is empty", "InvalidQuery")
        reading = _Reading(text)
        self.test = self._either(reading)
        if text[reading.place :].strip():
            raise bad_request(f"The query has a stray {text[reading.place :]!r}", "InvalidQuery")

    def _either(self, reading: _Reading) -> Test:
        found = [self._all(reading)]
        while self._word(reading, "or"):
            found.append(self._all(reading))
        return found[0] if len(found) == 1 else lambda row: any(one(row) for one in found)

    def _all(self, reading: _Reading) -> Test:
        found = [self._one(reading)]
        while True:
            self._word(reading, "and")
            following = _TOKEN.match(reading.text, reading.place)
            if following is None or following[3] or (following[4] or "").lower() == "or":
                break
            found.append(self._one(reading))
        return found[0] if len(found) == 1 else lambda row: all(one(row) for one in found)

    def _word(self, reading: _Reading, word: str) -> bool:
        following = _TOKEN.match(reading.text, reading.place)
        if following is None or (following[4] or "").lower() != word:
            return False
        reading.place = following.end()
        return True

    def _one(self, reading: _Reading) -> Test:
        if self._word(reading, "not"):
            inner = self._one(reading)
            return lambda row: not inner(row)
        following = _TOKEN.match(reading.text, reading.place)
        if following is None or following[3]:
            raise bad_request("The query ends too early", "InvalidQuery")
        if following[4]:
            # platform.yaml: search.index_lag - the full-text index is another one, and late
            raise not_simulated(
                "Words are looked up in the full-text index, which is not simulated"
            )
        reading.place = following.end()
        if following[2]:
            inner = self._either(reading)
            closing = _TOKEN.match(reading.text, reading.place)
            if closing is None or not closing[3]:
                raise bad_request("A parenthesis is not closed", "InvalidQuery")
            reading.place = closing.end()
            return inner
        end = reading.text.find(")", reading.place)
        if end < 0:
            raise bad_request("A parenthesis is not closed", "InvalidQuery")
        criterion = reading.text[reading.place : end].strip()
        reading.place = end + 1
        return self._field(int(following[1]), following[1], criterion)

    def _field(self, number: int, written: str, criterion: str) -> Test:
        if number == self._dated:
            return _between(criterion)
        words = [one.strip().strip("{}").lower() for one in re.split(r"\s+(?:OR|or)\s+", criterion)]
        if not all(words):
            raise bad_request(f"Field {number} has no criterion", "InvalidQuery")
        if number == NAME:
            exact = criterion.startswith("{")
            return lambda row: any(
                one == row["name"].lower() if exact else one in row["name"].lower() for one in words
            )
        if number == EXTENSION:
            return lambda row: str(row["extension"]).lower() in words
        if number == CABINET:
            return lambda row: str(self._world.row(row["cabinet"])["id"]).lower() in words
        if written.startswith(CUSTOM):
            # platform.yaml: search.field_confidence.10NN - the number of the attribute without the leading 10
            attribute = int(written[2:])
            return lambda row: str(row["attributes"].get(attribute, "")).lower() in words
        raise bad_request(f"There is no field {number}", "InvalidQuery")


def _between(criterion: str) -> Test:
    """examples.json: v2_modified_query - both ends belong to it; the upper one is required, and no far future"""
    match = _RANGE.match(criterion)
    if match is None or match[2] is None or float(match[2]) >= ids.OLE_MOST:
        raise bad_request("A range of dates is ^from-to, in days since 1899-12-30", "InvalidQuery")
    # Half a second: decimals of a day do not hold a second exactly.
    half = 0.5 / 86_400
    first, last = float(match[1]) - half, float(match[2]) + half
    return lambda row: first <= ids.ole(row["modified"]) <= last
