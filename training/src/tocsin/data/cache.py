# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A cache with a limit in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

CACHE_BYTES = 400_000_000


class Cache:
    """Arrays by key. The least recently used are dropped where all are too many bytes. Threads may share it."""

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self.limit = limit
        self.bytes = 0
        self._items: OrderedDict[Any, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any) -> Any:
        """What was put under a key, or None."""
        with self._lock:
            if key not in self._items:
                return None
            self._items.move_to_end(key)
            return self._items[key][0]

    def put(self, key: Any, value: Any, size: int) -> None:
        """Cache something of `size` bytes, unless it is there or is larger than everything may be."""
        with self._lock:
            if key in self._items or size > self.limit:
                return
            self._items[key] = (value, size)
            self.bytes += size
            while self.bytes > self.limit:
                _, (_, dropped) = self._items.popitem(last=False)
                self.bytes -= dropped
