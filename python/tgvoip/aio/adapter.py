# SPDX-License-Identifier: MIT
"""What `tgvoip.aio` needs of a client of Telegram's API.

A client library is joined by an object with the methods of `Adapter`. Adapters
for Telethon and for the Pyrogram family are in `tgvoip.adapters`; for another
library, write these methods: each is one request of the API, and the
objects below mirror those of the API's schema. No method checks anything;
what is received is checked by the negotiation under `tgvoip.aio`.
"""
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Callable, Protocol, Tuple


class CallType(IntEnum):
    """Constructors of PhoneCall."""

    UNKNOWN = 0
    EMPTY = 1
    WAITING = 2
    REQUESTED = 3
    ACCEPTED = 4
    ACTIVE = 5          #: the constructor `phoneCall`
    DISCARDED = 6


class DiscardReason(IntEnum):
    """Constructors of PhoneCallDiscardReason."""

    NONE = 0
    MISSED = 1
    DISCONNECT = 2
    HANGUP = 3
    BUSY = 4
    MIGRATE = 5
    OTHER = 6


@dataclass(frozen=True)
class CallProtocol:
    """phoneCallProtocol. Layers below 111 have no `library_versions`."""

    min_layer: int = 65
    max_layer: int = 92
    udp_p2p: bool = False
    udp_reflector: bool = False
    library_versions: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Connection:
    """phoneConnection; phoneConnectionWebrtc with `webrtc` set."""

    id: int
    ip: str = ""
    ipv6: str = ""
    port: int = 0
    peer_tag: bytes = b""
    tcp: bool = False
    webrtc: bool = False


@dataclass(frozen=True)
class PhoneCall:
    """Any PhoneCall. `data` is g_a_hash, g_b or g_a_or_b, as received."""

    type: CallType
    id: int = 0
    access_hash: int = 0
    admin_id: int = 0
    participant_id: int = 0
    date: int = 0
    video: bool = False
    protocol: CallProtocol = field(default_factory=CallProtocol)
    receive_date: int = 0
    data: bytes = b""
    key_fingerprint: int = 0
    p2p_allowed: bool = False
    connections: Tuple[Connection, ...] = ()
    start_date: int = 0
    need_rating: bool = False
    need_debug: bool = False
    reason: DiscardReason = DiscardReason.NONE
    slug: str = ""
    duration: int = 0


@dataclass(frozen=True)
class DhConfig:
    """messages.dhConfig; messages.dhConfigNotModified with `p` empty."""

    random: bytes
    g: int = 0
    p: bytes = b""
    version: int = 0


@dataclass(frozen=True)
class PhoneConfig:
    """What of help.getConfig concerns calls."""

    receive_timeout_ms: int = 20000
    ring_timeout_ms: int = 90000
    connect_timeout_ms: int = 30000
    packet_timeout_ms: int = 10000
    phonecalls_enabled: bool = True
    date: int = 0       #: the server's time, 0 if unknown


@dataclass(frozen=True)
class Target:
    """Whom to call. `handle` is what `request_call` gets: an InputUser."""

    user_id: int
    handle: Any
    calls_private: bool = False     #: `phone_calls_private` of userFull


@dataclass(frozen=True)
class CallRef:
    """inputPhoneCall."""

    id: int
    access_hash: int


class RpcError(Exception):
    """The API refused a request: `RpcError(400, "CALL_PEER_INVALID")`."""

    def __init__(self, code: int, name: str) -> None:
        super().__init__(f"{code} {name}")
        self.code, self.name = code, name


class NetworkFailure(Exception):
    """A request got no answer."""


#: Takes the `phone_call` of each updatePhoneCall, in order, on the loop.
OnUpdate = Callable[[PhoneCall], None]


class Adapter(Protocol):
    """A logged-in client. All methods run on the asyncio loop.

    Methods raise RpcError for an error of the API and NetworkFailure (or
    OSError, TimeoutError) when there was no answer.
    """

    async def start(self, on_update: OnUpdate) -> int:
        """Have each updatePhoneCall handed to `on_update` from now on.
        Return the account's own user id."""

    async def stop(self) -> None:
        """No update any more."""

    async def find_user(self, user: Any) -> Target:
        """Whatever the library's users call a user by. Raise ValueError if
        there is none."""

    async def get_config(self) -> PhoneConfig:
        """help.getConfig"""

    async def get_call_config(self) -> str:
        """phone.getCallConfig: its JSON"""

    async def get_dh_config(self, version: int,
                            random_length: int) -> DhConfig:
        """messages.getDhConfig"""

    async def request_call(self, user: Any, random_id: int, g_a_hash: bytes,
                           protocol: CallProtocol) -> PhoneCall:
        """phone.requestCall"""

    async def received_call(self, call: CallRef) -> None:
        """phone.receivedCall"""

    async def accept_call(self, call: CallRef, g_b: bytes,
                          protocol: CallProtocol) -> PhoneCall:
        """phone.acceptCall"""

    async def confirm_call(self, call: CallRef, g_a: bytes,
                           key_fingerprint: int,
                           protocol: CallProtocol) -> PhoneCall:
        """phone.confirmCall"""

    async def discard_call(self, call: CallRef, duration: int,
                           reason: DiscardReason,
                           connection_id: int) -> None:
        """phone.discardCall"""

    async def save_call_debug(self, call: CallRef, text: str) -> None:
        """phone.saveCallDebug"""

    async def set_call_rating(self, call: CallRef, rating: int, comment: str,
                              user_initiative: bool) -> None:
        """phone.setCallRating"""


__all__ = ["Adapter", "CallProtocol", "CallRef", "CallType", "Connection",
           "DhConfig", "DiscardReason", "NetworkFailure", "OnUpdate",
           "PhoneCall", "PhoneConfig", "RpcError", "Target"]
