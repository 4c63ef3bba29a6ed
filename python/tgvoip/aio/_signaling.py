# SPDX-License-Identifier: MIT
"""What a call needs of whoever rings and hangs up for it: a leg. There are two
kinds, of our own negotiation (`_account`) and of TDLib's (`adapters.tdlib`)."""
from dataclasses import dataclass
from typing import Any, Callable, Optional, Protocol, Tuple

from .._native import ffi, lib
from .._types import CallError
from .outcomes import OUTCOMES, CallEnded, Dropped, FloodWait, Migrated


@dataclass
class LegInfo:
    """`struct tgvoip_negotiation_info` in short."""

    outgoing: bool = True
    video: bool = False
    state: int = 0
    id: int = 0
    admin_id: int = 0
    participant_id: int = 0
    key_agreed: bool = False
    outcome: int = 0
    call_error: int = 0
    why: str = ""
    retry_after_s: int = 0
    slug: str = ""
    duration: int = 0
    need_rating: bool = False
    need_debug: bool = False

    def ended(self) -> CallEnded:
        outcome = OUTCOMES.get(self.outcome, CallEnded)(self.why)
        if isinstance(outcome, Dropped):
            outcome.error = CallError(self.call_error)
        elif isinstance(outcome, FloodWait):
            outcome.seconds = self.retry_after_s
        elif isinstance(outcome, Migrated):
            outcome.slug = self.slug
        return outcome


#: Kind of event (TGVOIP_SIGNAL_EVENT_*), and how things are now.
LegListener = Callable[[int, LegInfo], None]


class Leg(Protocol):
    listener: Optional[LegListener]

    async def place(self, user: Any, ring_timeout_ms: int) -> None:
        """Ring. Whom, is only looked up here."""

    async def answer(self) -> None: ...

    async def decline(self) -> None: ...

    async def ignore(self) -> None: ...

    async def hang_up(self) -> None: ...

    def info(self) -> LegInfo: ...

    def emoji(self) -> Tuple[Tuple[str, str], ...]: ...

    def setup(self) -> Any:
        """`tgvoip_call_setup *`; whoever asks frees it."""

    def media_state(self, state: int, error: int) -> None: ...

    def media_facts(self, call: Any) -> None: ...

    async def settled(self) -> None:
        """Wait for what is being sent, for some seconds."""

    async def rate(self, stars: int, comment: str) -> None: ...

    def release(self) -> None: ...


class Signaling(Protocol):
    """Makes legs."""

    async def start(self, on_incoming: Callable[[Leg], None]) -> int: ...

    async def stop(self) -> None: ...

    def new_leg(self) -> Leg: ...


def emoji_pairs(array: Any) -> Tuple[Tuple[str, str], ...]:
    return tuple((ffi.string(e.utf8).decode(), ffi.string(e.name).decode())
                 for e in array)


def is_final(state: int) -> bool:
    return state in (lib.TGVOIP_SIGNAL_FAILED, lib.TGVOIP_SIGNAL_ENDED,
                     lib.TGVOIP_SIGNAL_BUSY)


