"""Summary: everything that one verification came to, as it goes into evidence and onto the first page.

A pure function: what was drawn and what each task left, in; one judgement, out. A source of which a task
left nothing was not verified, and not verified is failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from muniment.vault.evidence import Facts

Json = dict[str, Any]
_ADDED_UP = ("packs", "packs_of", "bytes", "restored_items", "restored_bytes", "young_left_out",
             "documents", "documents_not_opened", "live_looked_at")  # fmt: skip


def summarise(
    firm: str,
    ended_at: str,
    drawn: Sequence[Mapping[str, Any]],
    *,
    restored: Mapping[str, Mapping[str, Any]],
    checked: Mapping[str, Mapping[str, Any]],
    judged: Mapping[str, Mapping[str, Any]],
    trust: Sequence[str] = (),
    reconciled: Mapping[str, Mapping[str, Any]] | None = None,
    rebased: Sequence[str] = (),
) -> Json:
    """`restored`, `checked` and `judged` are what the tasks left, by source; `reconciled` likewise, with a
    key for each source whose trust data should balance, and nothing where that was not found out. `trust`
    are sources whose trust data nobody knows how to reconcile."""
    books = reconciled or {}
    sources = [_source(each["source"], restored, checked, judged, books) for each in drawn]
    first: Mapping[str, Any] = drawn[0] if drawn else {}
    wrong = [f"{s['source']}: {line}" for s in sources for line in s["wrong"]]
    if not drawn:
        wrong.append("nothing was drawn, so nothing was verified")
    return {
        "firm": firm,
        "ended_at": ended_at,
        "good": bool(drawn) and all(s["good"] for s in sources),
        "rotation_n": first.get("rotation_n", 0),
        "rotation_t": first.get("rotation_t", 0),
        "matter": first.get("matter", ""),
        "seed": first.get("seed", 0),
        "sources": sources,
        "wrong": [
            *wrong,
            *(f"{name}: trust data, and this version reconciles none of it" for name in trust),
            *(_anomaly(name, each) for name, each in books.items() if each.get("anomalies")),
        ],
        "trust_not_reconciled": len(trust),
        "trust_entries": sum(each.get("entries", 0) for each in books.values()),
        "trust_differences": sum(each.get("differences", 0) for each in books.values()),
        **{
            f"trust_{key}": sum(int(each.get(key, 0)) for each in books.values())
            for key in ("anomalies", "amendments", "unjudged")
        },
        "rebased": list(rebased),
    }


def _source(
    name: str,
    restored: Mapping[str, Mapping[str, Any]],
    checked: Mapping[str, Mapping[str, Any]],
    judged: Mapping[str, Mapping[str, Any]],
    reconciled: Mapping[str, Mapping[str, Any]],
) -> Json:
    trial, bytes_, judgement = restored.get(name), checked.get(name), judged.get(name)
    wrong = []
    if trial is None:
        wrong.append("the sample was not restored: see the log of `restore_sample`")
    if bytes_ is None:
        wrong.append("the packs were not decrypted: see the log of `check_bytes`")
    elif not bytes_["good"]:
        wrong.append(f"damage or tampering: {', '.join(bytes_['codes'])}")
    if judgement is None:
        wrong.append("the expectations were not judged: see the log of `expectations`")
    else:
        failed = [r for r in judgement["results"] if not r["success"]]
        wrong += [f"{r['name']}: {r['unexpected']:,} of {r['of']:,} are wrong" for r in failed]
    if name in reconciled:
        wrong += _unbalanced(reconciled[name])
    trial, bytes_ = trial or {}, bytes_ or {}
    reached = (
        "not reached" if trial and not trial["live_reached"] else trial.get("live_looked_at", 0)
    )
    return {
        "source": name,
        "good": not wrong,
        "wrong": wrong,
        "results": judgement["results"] if judgement else [],
        "totals": {key: int({**trial, **bytes_}.get(key, 0)) for key in _ADDED_UP},
        "closed": int(trial.get("closed_keys", 0)),
        "numbers": {
            "Packs decrypted": f"{bytes_.get('packs', 0):,} of {bytes_.get('packs_of', 0):,}",
            "Bytes decrypted": bytes_.get("bytes", 0),
            "Items restored": trial.get("restored_items", 0),
            "Bytes restored": trial.get("restored_bytes", 0),
            "Documents opened": f"{trial.get('documents', 0) - trial.get('documents_not_opened', 0):,} "
            f"of {trial.get('documents', 0):,}",
            "Young items not tried": trial.get("young_left_out", 0),
            "Compared with the live source": reached,
            "Asked by the audit": f"{trial.get('audit_requests', 0):,} requests, "
            f"{trial.get('audit_unseen', 0):,} looks given up",
            "Keys withheld": trial.get("closed_keys", 0),
        },
    }


def _unbalanced(books: Mapping[str, Any]) -> list[str]:
    if not books:
        return ["trust records were not reconciled: see the log of `reconcile_trust`"]
    places = books["differences"]
    return [f"trust records do not balance in {places:,} places"] if places else []


def _anomaly(name: str, books: Mapping[str, Any]) -> str:
    return (
        f"{name}: its trust books do not add up in {books['anomalies']:,} places, and did not when they were "
        "backed up: tell the office manager"
    )


def evidence_facts(summary: Mapping[str, Any]) -> Facts:
    """The clear part of the entry `verification.ended`: numbers, and the opaque id of the matter.
    `restored.<source>` says of each source whether its sample came back good (docs/KPIS.md)."""
    sources = summary["sources"]
    results = [r for s in sources for r in s["results"]]
    added = {key: sum(s["totals"][key] for s in sources) for key in _ADDED_UP}
    return {
        "good": summary["good"],
        "rotation_n": summary["rotation_n"],
        "rotation_t": summary["rotation_t"],
        "matter": summary["matter"],
        "seed": summary["seed"],
        "sources": len(sources),
        "sources_good": sum(s["good"] for s in sources),
        "expectations": len(results),
        "expectations_failed": sum(not r["success"] for r in results),
        "keys_withheld": sum(s["closed"] for s in sources),
        "trust_not_reconciled": summary["trust_not_reconciled"],
        "trust_entries": summary["trust_entries"],
        "trust_differences": summary["trust_differences"],
        "trust_anomalies": summary["trust_anomalies"],
        "trust_amendments": summary["trust_amendments"],
        "trust_unjudged": summary["trust_unjudged"],
        "rebased": len(summary["rebased"]),
        **{f"restored.{s['source']}": s["good"] for s in sources},
        **added,
    }
