"""Item ids, made many at a time: the same as one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from muniment.ids import ItemIds, item_id


@given(
    st.binary(min_size=1, max_size=200),
    st.text(alphabet="abcdefgh-", min_size=1),
    st.lists(st.tuples(st.sampled_from(["file", "dir", "message"]), st.binary(max_size=300))),
)
def test_ids_made_together_are_those_made_alone(
    key: bytes, source: str, items: list[tuple[str, bytes]]
) -> None:
    ids = ItemIds(key, source)
    for kind, native_id in items:
        assert ids.of(kind, native_id) == item_id(key, source, kind, native_id)
