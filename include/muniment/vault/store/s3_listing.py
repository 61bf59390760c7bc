"""Listing all versions of a bucket in the order of the Store contract.

S3 gives names ascending and, of a name, the newest version first; botocore splits each page into
versions and delete markers.

SeaweedFS 4.48 orders by folder (`files/` before `files-2/`) and then pages on by name, so that
names between two pages are silently lost. Its pages are complete in themselves. So where it says
that there is more, the listing goes down folder by folder. A folder with more than a page of
entries, of which one is a folder and another begins with that folder's name, would still lose some;
a vault has none (docs/FORMAT.md, section 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Any

from muniment.vault.store.base import ObjectVersion

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def list_versions(client: S3Client, bucket: str, prefix: str) -> Iterator[ObjectVersion]:
    """All versions and delete markers of the keys that begin with `prefix`; names are keys.

    Raises what botocore raises.
    """
    pages = _pages(client, bucket, prefix)
    first = next(pages)
    if first.get("IsTruncated") and _orders_by_folder(first):
        yield from _by_folder(client, bucket, prefix)
    else:
        yield from _flat(first, pages)


def _pages(client: S3Client, bucket: str, prefix: str, delimiter: str = "") -> Iterator[Any]:
    paginator = client.get_paginator("list_object_versions")
    return iter(paginator.paginate(Bucket=bucket, Prefix=prefix, Delimiter=delimiter))


def _orders_by_folder(page: Any) -> bool:
    server = page["ResponseMetadata"]["HTTPHeaders"].get("server", "")
    return "seaweedfs" in server.lower()


@dataclass(slots=True)
class _Entries:
    """What a listing has of one name, newest first."""

    versions: list[Any] = field(default_factory=list)
    markers: list[Any] = field(default_factory=list)


def _collect(page: Any, into: dict[str, _Entries]) -> None:
    for version in page.get("Versions", []):
        into.setdefault(version["Key"], _Entries()).versions.append(version)
    for marker in page.get("DeleteMarkers", []):
        into.setdefault(marker["Key"], _Entries()).markers.append(marker)


def _flat(first: Any, others: Iterable[Any]) -> Iterator[ObjectVersion]:
    pending: dict[str, _Entries] = {}
    _collect(first, pending)
    for page in others:
        # The last name of a page may go on in the next one.
        for key in sorted(pending)[:-1]:
            yield from _ordered(pending.pop(key))
        _collect(page, pending)
    for key in sorted(pending):
        yield from _ordered(pending.pop(key))


def _by_folder(client: S3Client, bucket: str, prefix: str) -> Iterator[ObjectVersion]:
    here: dict[str, _Entries] = {}
    folders: list[str] = []
    for page in _pages(client, bucket, prefix, "/"):
        _collect(page, here)
        folders += [each["Prefix"] for each in page.get("CommonPrefixes", [])]
    for key in sorted({*here, *folders}):
        if key in here:
            yield from _ordered(here[key])
        else:
            yield from list_versions(client, bucket, key)


def _ordered(entries: _Entries) -> Iterator[ObjectVersion]:
    """One name, oldest first. Times have whole seconds on some servers, so the order of the
    versions is the server's, and only markers are placed by time."""
    markers = entries.markers[::-1]
    for version in reversed(entries.versions):
        while markers and _before(markers[0], version):
            yield _version(markers.pop(0), delete_marker=True)
        yield _version(version, delete_marker=False)
    for marker in markers:
        yield _version(marker, delete_marker=True)


def _before(marker: Any, version: Any) -> bool:
    return not marker["IsLatest"] and bool(marker["LastModified"] < version["LastModified"])


def _version(entry: Any, *, delete_marker: bool) -> ObjectVersion:
    return ObjectVersion(
        name=entry["Key"],
        version=entry["VersionId"],
        size=0 if delete_marker else entry["Size"],
        written_at=entry["LastModified"].astimezone(UTC),
        latest=entry["IsLatest"],
        delete_marker=delete_marker,
    )
