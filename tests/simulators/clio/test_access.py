"""A restricted user sees less, and is not told so. platform.yaml: oauth.user_permissions"""

from __future__ import annotations

from tests.simulators.clio.running import Running


def test_hidden_matters_are_missing_and_their_rows_too(clio: Running) -> None:
    limited = clio.told["restricted_access_token"]
    everything = {one["id"] for one in clio.rows("matters.json")}
    answer = clio.request("GET", "matters.json", token=limited).json()
    seen = {one["id"] for one in answer["data"]}
    hidden = everything - seen
    assert hidden and seen
    assert answer["meta"]["records"] == len(seen)
    assert clio.request("GET", f"matters/{min(hidden)}.json", token=limited).status_code == 404
    documents = clio.rows("documents.json", matter_id=min(hidden))
    assert documents
    assert (
        clio.request("GET", "documents.json", token=limited, matter_id=min(hidden)).json()["data"]
        == []
    )
    path = f"documents/{documents[0]['id']}/download.json"
    assert clio.request("GET", path, token=limited).status_code == 404


def test_contacts_of_hidden_matters_alone_are_missing(clio: Running) -> None:
    limited = clio.told["restricted_access_token"]
    everyone = clio.rows("contacts.json")
    seen = clio.request("GET", "contacts.json", token=limited).json()["data"]
    assert 0 < len(seen) < len(everyone)


def test_other_peoples_hours_are_redacted(clio: Running) -> None:
    limited = clio.told["restricted_access_token"]
    fields = "id,quantity,quantity_redacted,user{id}"
    rows = clio.request("GET", "activities.json", token=limited, fields=fields).json()["data"]
    me = clio.request("GET", "users/who_am_i.json", token=limited).json()["data"]["id"]
    for one in rows:
        assert one["quantity_redacted"] == (one["user"]["id"] != me)
        assert (one["quantity"] is None) == one["quantity_redacted"]


def test_roles_tell_who_is_asking(clio: Running) -> None:
    limited = clio.told["restricted_access_token"]
    mine = clio.get("users/who_am_i.json", fields="roles,account{id,name}").json()["data"]
    assert mine["roles"] == ["admin", "accounts", "billing", "reports"]
    assert mine["account"]["name"]
    other = clio.request("GET", "users/who_am_i.json", token=limited, fields="roles").json()["data"]
    assert other["roles"] == []
    for path in ("bills", "reports", "trust_line_items", "bank_accounts"):
        assert clio.request("GET", f"{path}.json", token=limited).status_code == 403


def test_permissions_may_go_while_somebody_reads(common: Running) -> None:
    first = common.get("matters.json", limit=5).json()
    hidden = [one["id"] for one in common.rows("matters.json")][5:8]
    common.control("restrict", user=common.told["backup_user"], matters=hidden)
    rest = common.rows(first["meta"]["paging"]["next"])
    assert not {one["id"] for one in rest} & set(hidden)
    common.control("restrict", user=common.told["backup_user"])
    assert len(common.rows("matters.json")) == len(first["data"]) + len(rest) + 3


def test_what_is_hidden_is_cut_down_where_it_is_nested(common: Running) -> None:
    row = next(
        one for one in common.rows("documents.json", fields="id,matter{id}") if one["matter"]
    )
    common.control(
        "restrict", user=common.told["backup_user"], contacts=True, matters=[row["matter"]["id"]]
    )
    try:
        bills = common.rows("bills.json", fields="id,client{id,name},matters{id}")
        assert all(row["matter"]["id"] not in [m["id"] for m in one["matters"]] for one in bills)
    finally:
        common.control("restrict", user=common.told["backup_user"])
