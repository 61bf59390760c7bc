"""Writing: one file or link made whole under a temporary name, then named."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from muniment.errors import ItemNotDelivered
from muniment.model.text import bytes_of
from muniment.model.value import Value
from muniment.sources.base import Given
from muniment.sources.files.content import write_content
from muniment.sources.files.delivery import Delivery, Where, remove
from muniment.sources.files.set_attributes import Wanted, set_on_link, set_on_open
from muniment.sources.tree.attributes import ACL_DEFAULT, HAS_XATTRS
from muniment.sources.tree.folders import split

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Bytes(Value, frozen=True):
    """What goes into a file. `size` is None where the row does not say."""

    content: Iterator[bytes]
    digest: bytes
    size: int | None


class Writer:
    """Writes into one delivery. `devices` are those of the file systems it wrote to."""

    def __init__(self, delivery: Delivery, privileged: bool) -> None:
        self._delivery = delivery
        self._journal = delivery.journal
        self._privileged = privileged
        self._linking = threading.Lock()
        self._gives_acl: dict[bytes, bool] = {}
        self.devices: set[int] = set()

    def symlink(self, where: Where, metadata: Mapping[str, Any], wanted: Wanted) -> Given:
        """A symbolic link. What it points to is neither looked at nor followed."""
        try:
            points_to = bytes_of(metadata["target"])
        except (KeyError, ValueError, AttributeError):
            points_to = b""
        if not points_to or b"\0" in points_to:
            raise ItemNotDelivered("its row does not say where the link points to")
        temporary = self._journal.temporary_in(where.folder)
        os.symlink(points_to, temporary, dir_fd=where.fd)
        try:
            differences, now = set_on_link(where.fd, temporary, wanted, privileged=self._privileged)
            path = self._delivery.name(where, temporary, now, differences)
        except BaseException:
            remove(where.fd, temporary)
            raise
        return given(where.native_id, path, differences)

    def file(
        self, where: Where, metadata: Mapping[str, Any], wanted: Wanted, content: Bytes
    ) -> Given:
        """A file; one file with those of the same hard link key and content that came before."""
        sparse = metadata.get("sparse") is True
        link = metadata.get("hardlink")
        if not isinstance(link, str) or not link:
            return self._new_file(where, wanted, content, sparse)
        # One at a time, or two names of one file would each write it.
        with self._linking:
            first = self._journal.linked(link, content.digest)
            if first is None or first.path == where.path:
                return self._new_file(where, wanted, content, sparse, link)
            linked = self._hard_link(where, link, content.digest)
            return linked or self._new_file(where, wanted, content, sparse, link, ["hardlink"])

    def _new_file(
        self,
        where: Where,
        wanted: Wanted,
        content: Bytes,
        sparse: bool,
        link: str = "",
        differences: list[str] | None = None,
    ) -> Given:
        differences = differences or []
        temporary = self._journal.temporary_in(where.folder)
        descriptor = os.open(temporary, _CREATE, 0o600, dir_fd=where.fd)
        try:
            try:
                written = write_content(descriptor, content.content, sparse=sparse)
                if content.size is not None and written != content.size:
                    raise ItemNotDelivered("its content has not the size that its row says")
                more, now = set_on_open(
                    descriptor,
                    wanted,
                    privileged=self._privileged,
                    inherited_acl=self._inherits_acl(where),
                )
                differences += more
            finally:
                os.close(descriptor)
            self.devices.add(now.st_dev)
            path = self._delivery.name(where, temporary, now, differences, link, content.digest)
        except BaseException:
            remove(where.fd, temporary)
            raise
        return given(where.native_id, path, differences)

    def _hard_link(self, where: Where, link: str, digest: bytes) -> Given | None:
        """Another name for a file given before. None where that cannot be."""
        first = self._journal.linked(link, digest)
        if first is None:
            return None
        folder, name = split(first.path)
        temporary = self._journal.temporary_in(where.folder)
        try:
            with self._delivery.folders.open(folder) as fd:
                os.link(name, temporary, src_dir_fd=fd, dst_dir_fd=where.fd, follow_symlinks=False)
        except OSError:
            return None
        try:
            now = os.stat(temporary, dir_fd=where.fd, follow_symlinks=False)
            if not first.is_this(now):
                # Somebody exchanged the first one: its bytes are not those that were proven.
                remove(where.fd, temporary)
                return None
            differences = list(first.differences)
            path = self._delivery.name(where, temporary, now, differences, link, digest)
        except BaseException:
            remove(where.fd, temporary)
            raise
        return given(where.native_id, path, differences)

    def _inherits_acl(self, where: Where) -> bool:
        """Does what is made in this folder get an ACL from it?"""
        if not HAS_XATTRS:
            return False
        known = self._gives_acl.get(where.folder)
        if known is None:
            try:
                os.getxattr(where.fd, ACL_DEFAULT)
                known = True
            except OSError:
                known = False
            self._gives_acl[where.folder] = known
        return known


def given(native_id: bytes, path: bytes, differences: list[str] | tuple[str, ...]) -> Given:
    """What to say of an item that stands under `path` now."""
    if path == native_id:
        return Given(native_id, tuple(differences))
    if split(path)[1] != split(native_id)[1]:
        differences = (*differences, "name")
    return Given(native_id, tuple(differences), path)
