# SPDX-License-Identifier: MIT
"""An event loop whose clock jumps over waiting, so that a ring time-out of 90
seconds takes none. Only for what needs no media: engines have clocks of their
own."""
import asyncio
import selectors
from typing import Any, Coroutine, Optional


class _Selector(selectors.DefaultSelector):
    # What other threads do (storages of client libraries) is waited for, for
    # this long; else no time passes but the loop's own.
    GRACE_S = 0.002
    STUCK_S = 5

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.idle = 0

    def select(self, timeout: Optional[float] = None) -> Any:
        wait = self.GRACE_S if timeout is None or timeout > 0 else 0
        ready = super().select(wait)
        self.idle = 0 if ready or timeout is not None else self.idle + 1
        if self.idle * self.GRACE_S > self.STUCK_S:
            raise RuntimeError("everything waits, and for nothing")
        if not ready and timeout:
            self.now += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Selector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run_jumping(main: Coroutine[Any, Any, Any]) -> Any:
    """As asyncio.run(), in no time."""
    loop = JumpingLoop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()
