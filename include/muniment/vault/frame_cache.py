"""FrameCache: the decompressed frames that were needed last, bounded in bytes.

Neighbouring items lie in one frame, and several threads restore neighbours: each frame is fetched and
decompressed once, by whoever asks first, and the others wait for it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

Key = tuple[str, str, int, int]
"""Pack, version, frame offset, frame length."""


class FrameCache:
    """Least recently used goes first. For any number of threads."""

    def __init__(self, limit: int) -> None:
        """`limit` in bytes. A frame larger than that is handed on and not kept."""
        self._limit = limit
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._size = 0
        self._loading: dict[Key, Future[bytes]] = {}

    def get(self, key: Key, load: Callable[[], bytes]) -> bytes:
        """The frame, from memory or by `load`. What `load` raises, everybody who waits gets."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            future = self._loading.get(key)
            if future is None:
                mine: Future[bytes] = Future()
                self._loading[key] = mine
        if future is not None:
            return future.result()
        try:
            data = load()
        except BaseException as error:
            with self._lock:
                del self._loading[key]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._loading[key]
            self._keep(key, data)
        mine.set_result(data)
        return data

    def _keep(self, key: Key, data: bytes) -> None:
        if len(data) > self._limit:
            return
        self._kept[key] = data
        self._size += len(data)
        while self._size > self._limit:
            _, dropped = self._kept.popitem(last=False)
            self._size -= len(dropped)
