# SPDX-License-Identifier: MIT
"""How a call has ended, as exceptions: one class for each way.

They are raised where a call does not come about or where its audio is used
after the end, and kept in `Call.outcome`.
"""
from typing import Dict, Type

from .._native import lib
from .._types import CallError


class CallEnded(Exception):
    """A call is over. `why` is one clause for people, perhaps empty."""

    def __init__(self, why: str = "") -> None:
        super().__init__(why or _words(type(self).__name__))
        self.why = why


class HungUp(CallEnded):
    """An answered call, ended by this side."""


class PeerHungUp(CallEnded):
    """An answered call, ended by the other side."""


class Busy(CallEnded):
    """The callee is in another call."""


class Declined(CallEnded):
    """The callee declined; or this side has declined an incoming call."""


class Missed(CallEnded):
    """An incoming call that was gone before it was answered."""


class NoAnswer(CallEnded):
    """Nobody answered in time."""


class Cancelled(CallEnded):
    """An outgoing call, given up by this side before it was answered."""


class AnsweredElsewhere(CallEnded):
    """An incoming call, answered on another device of the account."""


class Ignored(CallEnded):
    """An incoming call that this side lets ring elsewhere."""


class Dropped(CallEnded):
    """Lost after it had been answered. `error` is the engine's."""

    error: CallError = CallError.UNKNOWN


class Incompatible(CallEnded):
    """Both ends have no protocol or no kind of relay in common."""


class VerificationFailed(CallEnded):
    """A check of what the server or the peer sent has failed."""


class PrivacyRestricted(CallEnded):
    """The callee does not accept calls from this account."""


class Blocked(CallEnded):
    """One of the two has blocked the other."""


class PeerOutdated(CallEnded):
    """The callee's application cannot take calls."""


class BadTarget(CallEnded):
    """No such user, or one who cannot be called."""


class FloodWait(CallEnded):
    """Too many requests; try again in `seconds`."""

    seconds = 0


class NetworkFailed(CallEnded):
    """Telegram could not be reached."""


class ServerError(CallEnded):
    """Telegram answered what it should not."""


class Migrated(CallEnded):
    """The call went on as a conference; `slug` names it."""

    slug = ""


class InternalError(CallEnded):
    """No memory, or the system's random source failed."""


OUTCOMES: Dict[int, Type[CallEnded]] = {
    lib.TGVOIP_OUTCOME_HUNG_UP: HungUp,
    lib.TGVOIP_OUTCOME_PEER_HUNG_UP: PeerHungUp,
    lib.TGVOIP_OUTCOME_BUSY: Busy,
    lib.TGVOIP_OUTCOME_DECLINED: Declined,
    lib.TGVOIP_OUTCOME_MISSED: Missed,
    lib.TGVOIP_OUTCOME_NO_ANSWER: NoAnswer,
    lib.TGVOIP_OUTCOME_CANCELLED: Cancelled,
    lib.TGVOIP_OUTCOME_ELSEWHERE: AnsweredElsewhere,
    lib.TGVOIP_OUTCOME_IGNORED: Ignored,
    lib.TGVOIP_OUTCOME_DROPPED: Dropped,
    lib.TGVOIP_OUTCOME_INCOMPATIBLE: Incompatible,
    lib.TGVOIP_OUTCOME_VERIFICATION_FAILED: VerificationFailed,
    lib.TGVOIP_OUTCOME_PRIVACY: PrivacyRestricted,
    lib.TGVOIP_OUTCOME_BLOCKED: Blocked,
    lib.TGVOIP_OUTCOME_PEER_OUTDATED: PeerOutdated,
    lib.TGVOIP_OUTCOME_BAD_TARGET: BadTarget,
    lib.TGVOIP_OUTCOME_FLOOD_WAIT: FloodWait,
    lib.TGVOIP_OUTCOME_NETWORK: NetworkFailed,
    lib.TGVOIP_OUTCOME_SERVER_ERROR: ServerError,
    lib.TGVOIP_OUTCOME_MIGRATED: Migrated,
    lib.TGVOIP_OUTCOME_INTERNAL: InternalError,
}

#: Ends that are nobody's fault: audio simply stops.
QUIET = (HungUp, PeerHungUp)


def _words(name: str) -> str:
    return "".join(" " + c.lower() if c.isupper() else c
                   for c in name).strip()
