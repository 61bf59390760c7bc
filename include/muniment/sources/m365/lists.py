"""Lists of Outlook, whole: pages are counted from the beginning, so what goes in between moves the rest by one.

Who reads a list of several pages reads its ids once more, and asks for those that he missed.
"""

from __future__ import annotations

from collections.abc import Iterator

from muniment.sources.m365 import naming
from muniment.sources.m365.batch import looked_up
from muniment.sources.m365.rounds import NEXT, Shown, asked, page_of, rows
from muniment.sources.m365.transport import Transport
from muniment.sources.web.transport import Pairs


def whole(outlook: Transport, path: str, single: str, query: Pairs = ()) -> Iterator[Shown]:
    """Each row of the list at `path` once; `single` is where one of them is asked for by its id. Raises as
    `rounds.asked`."""
    seen: set[str] = set()
    held = asked(outlook, path, query)
    several = bool(held.get(NEXT))
    while True:
        for row in page_of(outlook, held):
            id_ = row.get("id")
            if naming.is_id(id_) and id_ not in seen:
                seen.add(str(id_))
                yield row
        if not held.get(NEXT):
            break
        held = asked(outlook, str(held[NEXT]))
    if not several:
        return
    again = [
        row["id"]
        for row in rows(outlook, path, (("$select", "id"),))
        if naming.is_id(row.get("id"))
    ]
    missed = [id_ for id_ in dict.fromkeys(again) if id_ not in seen]
    for _, found in looked_up(outlook, single, missed, query):
        if found is not None:
            yield {name: value for name, value in found.items() if name != "@odata.context"}
