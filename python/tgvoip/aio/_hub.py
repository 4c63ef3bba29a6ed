# SPDX-License-Identifier: MIT
"""What all calls of one asyncio loop share: the descriptor that tells of
their news, and the one wake-up, every 20 ms while any of them has audio to
move, that moves it."""
import asyncio
import weakref
from typing import Any, Dict, MutableMapping, Optional, Protocol

from .._native import ffi, lib

TICK_S = 0.02


class Member(Protocol):
    def on_event(self, event: Any) -> None:
        """`struct tgvpy_hub_event *`, valid until it returns."""

    def on_tick(self) -> bool:
        """Move audio. False: not needed any more."""


class Hub:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        pointer = lib.tgvpy_hub_create()
        if pointer == ffi.NULL:
            raise OSError("no more descriptors, or no memory")
        self.pointer = ffi.gc(pointer, lib.tgvpy_hub_destroy)
        self.ticks = 0
        self.ticks_late = 0     # by more than a tick
        self._loop = loop
        self._event = ffi.new("struct tgvpy_hub_event *")
        self._members: Dict[int, Member] = {}
        self._moving: Dict[int, Member] = {}
        self._timer: Optional[asyncio.TimerHandle] = None
        self._numbers = 0
        self._watching = False

    def join(self, member: Member) -> int:
        self._numbers += 1
        self._members[self._numbers] = member
        if not self._watching:
            self._loop.add_reader(lib.tgvpy_hub_fd(self.pointer), self.read)
            self._watching = True
        return self._numbers

    def leave(self, number: int) -> None:
        self._members.pop(number, None)
        self._moving.pop(number, None)
        if not self._members and self._watching:
            self._loop.remove_reader(lib.tgvpy_hub_fd(self.pointer))
            self._watching = False

    def read(self) -> None:
        while lib.tgvpy_hub_next(self.pointer, self._event):
            member = self._members.get(self._event.call)
            if member is not None:
                member.on_event(self._event)

    # -- audio -----------------------------------------------------------------

    def move(self, number: int, member: Member) -> None:
        """Have `on_tick` called every 20 ms, until it returns False."""
        self._moving[number] = member
        if self._timer is None:
            self._timer = self._loop.call_later(
                TICK_S, self._tick, self._loop.time() + TICK_S)

    def _tick(self, due: float) -> None:
        now = self._loop.time()
        self.ticks += 1
        if now - due > TICK_S:
            self.ticks_late += 1
        for number, member in list(self._moving.items()):
            if not member.on_tick():
                self._moving.pop(number, None)
        if not self._moving:
            self._timer = None
            return
        # On a fixed grid; after a long sleep without making up for it.
        due += TICK_S
        if due < now:
            due = now
        self._timer = self._loop.call_at(due, self._tick, due)


_hubs: MutableMapping[Any, Hub] = weakref.WeakKeyDictionary()


def hub_of(loop: asyncio.AbstractEventLoop) -> Hub:
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub(loop)
    return hub


