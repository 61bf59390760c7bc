"""FrameCache: the decompressed frames that were needed last, bounded in bytes.

Neighbouring items lie in one frame, and several threads restore neighbours: each frame is fetched and
decompressed once, by whoever asks first, and the others wait for it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

Key = tuple[str, str, int, int]
"""Pack, version, frame offset, frame length."""


class _Loading:
    """A frame on its way. Its lock is held by whoever loads it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lock.acquire()
        self.data = b""
        self.error: BaseException | None = None

    def result(self) -> bytes:
        with self.lock:
            if self.error is not None:
                raise self.error
            return self.data


class FrameCache:
    """Least recently used goes first. For any number of threads."""

    def __init__(self, limit: int) -> None:
        """`limit` in bytes. A frame larger than that is handed on and not kept."""
        self._limit = limit
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._size = 0
        self._loading: dict[Key, _Loading] = {}

    def get(self, key: Key, load: Callable[[], bytes]) -> bytes:
        """The frame, from memory or by `load`. What `load` raises, everybody who waits gets."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            others = self._loading.get(key)
            if others is None:
                mine = self._loading[key] = _Loading()
        if others is not None:
            return others.result()
        try:
            mine.data = load()
        except BaseException as error:
            mine.error = error
            raise
        finally:
            with self._lock:
                del self._loading[key]
                if mine.error is None:
                    self._keep(key, mine.data)
            mine.lock.release()
        return mine.data

    def clear(self) -> None:
        """Lets go of all frames."""
        with self._lock:
            self._kept.clear()
            self._size = 0

    def _keep(self, key: Key, data: bytes) -> None:
        if len(data) > self._limit:
            return
        self._kept[key] = data
        self._size += len(data)
        while self._size > self._limit:
            _, dropped = self._kept.popitem(last=False)
            self._size -= len(dropped)
