# SPDX-License-Identifier: MIT
"""What comes one by one from now on, and whose loop all of it belongs to."""
import asyncio
import weakref
from typing import (AsyncIterator, Generic, MutableSet, Optional, Set,
                    TypeVar)

T = TypeVar("T")


def check_loop(loop: Optional[asyncio.AbstractEventLoop], what: str) -> None:
    """Refuse what comes from another thread or from another loop. None of it
    is made for that, and it would go wrong only now and then."""
    here: Optional[asyncio.AbstractEventLoop] = None
    try:
        here = asyncio.get_running_loop()
    except RuntimeError:
        pass
    if loop is None or here is loop or here is None and not loop.is_running():
        return
    raise RuntimeError(
        f"{what}: this call belongs to another event loop; from a thread use "
        "loop.call_soon_threadsafe() or asyncio.run_coroutine_threadsafe()")


class Feed(Generic[T]):
    """What is put in after it was made, as an asynchronous iterator. One that
    is dropped is forgotten.

    :param waited_for: has it while somebody waits: a task that waits may have
        nobody else to keep it alive
    """

    def __init__(self, waited_for: "Set[Feed[T]]") -> None:
        self._queue: "asyncio.Queue[Optional[T]]" = asyncio.Queue()
        self._waited_for = waited_for
        self._closed = False

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        if self._closed:
            raise StopAsyncIteration
        self._waited_for.add(self)
        try:
            item = await self._queue.get()
        finally:
            self._waited_for.discard(self)
        if item is None:
            self._closed = True
            raise StopAsyncIteration
        return item

    async def aclose(self) -> None:
        """Take no more."""
        self._closed = True
        self.end()

    @property
    def open(self) -> bool:
        return not self._closed

    def put(self, item: T) -> None:
        if not self._closed:
            self._queue.put_nowait(item)

    def end(self) -> None:
        """What has been put in is still handed out."""
        self._queue.put_nowait(None)


class Feeds(Generic[T]):
    """Everybody who listens."""

    def __init__(self) -> None:
        self._feeds: "MutableSet[Feed[T]]" = weakref.WeakSet()
        self._waited_for: "Set[Feed[T]]" = set()

    def new(self) -> "Feed[T]":
        feed: "Feed[T]" = Feed(self._waited_for)
        self._feeds.add(feed)
        return feed

    def __bool__(self) -> bool:
        return any(feed.open for feed in list(self._feeds))

    def put(self, item: T) -> None:
        for feed in list(self._feeds):
            feed.put(item)

    def end(self) -> None:
        for feed in list(self._feeds):
            feed.end()
