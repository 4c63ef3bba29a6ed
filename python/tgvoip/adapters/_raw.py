# SPDX-License-Identifier: MIT
"""Adapters of libraries that generate classes from the schema. Such classes
have the same names and fields everywhere (`types.PhoneCallWaiting`,
`g_a_hash`); where the libraries differ is left to the subclasses.
"""
import asyncio
import datetime
import inspect
from typing import Any, List, Optional, Tuple

from ..aio.adapter import (CallProtocol, CallRef, CallType, Connection,
                           DhConfig, DiscardReason, NetworkFailure, OnUpdate,
                           PhoneCall, PhoneConfig, RpcError, Target)

# How often a request is tried while there is no connection or the server is in
# trouble, and the pause between. [s]
TRIES = 4
PAUSE_S = 1.0
# The negotiation repeats these itself, and knows what an answer means then.
_REPEATED = ("phone.ReceivedCall", "phone.AcceptCall", "phone.ConfirmCall",
             "phone.DiscardCall", "phone.SaveCallDebug",
             "phone.SetCallRating")

_TYPES = {
    "PhoneCallEmpty": CallType.EMPTY,
    "PhoneCallWaiting": CallType.WAITING,
    "PhoneCallRequested": CallType.REQUESTED,
    "PhoneCallAccepted": CallType.ACCEPTED,
    "PhoneCall": CallType.ACTIVE,
    "PhoneCallDiscarded": CallType.DISCARDED,
}
_REASON = "PhoneCallDiscardReason"
_REASONS = {
    _REASON + "Missed": DiscardReason.MISSED,
    _REASON + "Disconnect": DiscardReason.DISCONNECT,
    _REASON + "Hangup": DiscardReason.HANGUP,
    _REASON + "Busy": DiscardReason.BUSY,
    _REASON + "MigrateConferenceCall": DiscardReason.MIGRATE,
}


def _of(thing: Any) -> str:
    return type(thing).__name__


def _number(value: Any) -> int:
    """A field that may be missing, or a date."""
    if isinstance(value, datetime.datetime):
        return int(value.timestamp())
    return int(value or 0)


def _passes(error: RpcError) -> bool:
    """The server is in trouble; it may answer when asked again."""
    return error.code >= 500 and not error.name.startswith(
        ("CALL_", "RANDOM_ID_"))


def read_protocol(thing: Any) -> CallProtocol:
    if thing is None:
        return CallProtocol(0, 0)
    return CallProtocol(
        thing.min_layer, thing.max_layer, bool(thing.udp_p2p),
        bool(thing.udp_reflector),
        tuple(getattr(thing, "library_versions", None) or ()))


def read_connection(thing: Any) -> Connection:
    return Connection(
        thing.id, thing.ip or "", thing.ipv6 or "", thing.port,
        bytes(getattr(thing, "peer_tag", b"") or b""),
        tcp=bool(getattr(thing, "tcp", False)),
        webrtc=_of(thing) != "PhoneConnection")


def read_call(thing: Any) -> PhoneCall:
    """Any PhoneCall of any layer; both shapes of its connections."""
    kind = _TYPES.get(_of(thing), CallType.UNKNOWN)
    connections: List[Any] = []
    if getattr(thing, "connection", None) is not None:  # layers below 98
        connections = [thing.connection] + list(
            getattr(thing, "alternative_connections", None) or ())
    elif kind == CallType.ACTIVE:
        connections = list(thing.connections or ())
    reason = getattr(thing, "reason", None)
    data: Any = b""
    for name in ("g_a_hash", "g_b", "g_a_or_b"):
        data = getattr(thing, name, None) or data
    return PhoneCall(
        kind, id=getattr(thing, "id", 0),
        access_hash=_number(getattr(thing, "access_hash", 0)),
        admin_id=_number(getattr(thing, "admin_id", 0)),
        participant_id=_number(getattr(thing, "participant_id", 0)),
        date=_number(getattr(thing, "date", 0)),
        video=bool(getattr(thing, "video", False)),
        protocol=read_protocol(getattr(thing, "protocol", None)),
        receive_date=_number(getattr(thing, "receive_date", 0)),
        data=bytes(data),
        key_fingerprint=_number(getattr(thing, "key_fingerprint", 0)),
        p2p_allowed=bool(getattr(thing, "p2p_allowed", False)),
        connections=tuple(read_connection(c) for c in connections),
        start_date=_number(getattr(thing, "start_date", 0)),
        need_rating=bool(getattr(thing, "need_rating", False)),
        need_debug=bool(getattr(thing, "need_debug", False)),
        reason=DiscardReason.NONE if reason is None else _REASONS.get(
            _of(reason), DiscardReason.OTHER),
        slug=getattr(reason, "slug", None) or "",
        duration=_number(getattr(thing, "duration", 0)))


class RawAdapter:
    """`types` and `functions` are the library's namespaces, `suffix` what it
    appends to the names of functions."""

    types: Any
    functions: Any
    suffix = ""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._on_update: Optional[OnUpdate] = None

    # -- what differs -------------------------------------------------------------

    async def start(self, on_update: OnUpdate) -> int:
        raise NotImplementedError

    async def stop(self) -> None:
        raise NotImplementedError

    async def input_user(self, user: Any) -> Tuple[int, Any]:
        """User id and InputUser. ValueError if there is none."""
        raise NotImplementedError

    async def invoke(self, query: Any) -> Any:
        """Send a request once; raise RpcError, or let OSError pass."""
        raise NotImplementedError

    # -- what does not --------------------------------------------------------------

    def updated(self, update: Any) -> None:
        if self._on_update is not None and (
                _of(update) == "UpdatePhoneCall"):
            self._on_update(read_call(update.phone_call))

    async def _method(self, name: str, **fields: Any) -> Any:
        """Where a library repeats a request, it does so after any error of
        the server, and forgets which it was; calls have errors of that kind
        that are answers."""
        space, _, last = name.partition(".")
        function = getattr(getattr(self.functions, space),
                           last + self.suffix)
        tries = 1
        while True:
            try:
                return await self.invoke(function(**fields))
            except RpcError as error:
                if not _passes(error):
                    raise
                if name in _REPEATED:
                    raise NetworkFailure(str(error)) from error
                if tries == TRIES:
                    raise
            except OSError as error:    # not sent, but for a TimeoutError
                if (name in _REPEATED or tries == TRIES
                        or isinstance(error, TimeoutError)):
                    raise
            await asyncio.sleep(PAUSE_S)
            tries += 1

    def _peer(self, call: CallRef) -> Any:
        return self.types.InputPhoneCall(id=call.id,
                                         access_hash=call.access_hash)

    def _protocol(self, protocol: CallProtocol) -> Any:
        cls = self.types.PhoneCallProtocol
        fields: Any = dict(min_layer=protocol.min_layer,
                      max_layer=protocol.max_layer,
                      udp_p2p=protocol.udp_p2p,
                      udp_reflector=protocol.udp_reflector)
        if "library_versions" in inspect.signature(cls).parameters:
            fields["library_versions"] = list(protocol.library_versions)
        return cls(**fields)

    async def find_user(self, user: Any) -> Target:
        user_id, handle = await self.input_user(user)
        private = False
        try:
            result = await self._method("users.GetFullUser", id=handle)
            full = getattr(result, "full_user", result)
            private = bool(getattr(full, "phone_calls_private", False))
        except RpcError:
            pass    # calling will tell
        return Target(user_id, handle, private)

    async def get_config(self) -> PhoneConfig:
        config = await self._method("help.GetConfig")
        return PhoneConfig(
            config.call_receive_timeout_ms, config.call_ring_timeout_ms,
            config.call_connect_timeout_ms, config.call_packet_timeout_ms,
            # A flag of old layers, of which newer servers know nothing.
            phonecalls_enabled=True, date=_number(config.date))

    async def get_call_config(self) -> str:
        return str((await self._method("phone.GetCallConfig")).data)

    async def get_dh_config(self, version: int,
                            random_length: int) -> DhConfig:
        dh = await self._method("messages.GetDhConfig", version=version,
                                random_length=random_length)
        if _of(dh) == "DhConfigNotModified":
            return DhConfig(bytes(dh.random))
        return DhConfig(bytes(dh.random), dh.g, bytes(dh.p), dh.version)

    async def _call(self, name: str, **fields: Any) -> PhoneCall:
        return read_call((await self._method(name, **fields)).phone_call)

    async def request_call(self, user: Any, random_id: int, g_a_hash: bytes,
                           protocol: CallProtocol) -> PhoneCall:
        return await self._call(
            "phone.RequestCall", user_id=user, random_id=random_id,
            g_a_hash=g_a_hash, protocol=self._protocol(protocol))

    async def received_call(self, call: CallRef) -> None:
        await self._method("phone.ReceivedCall", peer=self._peer(call))

    async def accept_call(self, call: CallRef, g_b: bytes,
                          protocol: CallProtocol) -> PhoneCall:
        return await self._call(
            "phone.AcceptCall", peer=self._peer(call), g_b=g_b,
            protocol=self._protocol(protocol))

    async def confirm_call(self, call: CallRef, g_a: bytes,
                           key_fingerprint: int,
                           protocol: CallProtocol) -> PhoneCall:
        return await self._call(
            "phone.ConfirmCall", peer=self._peer(call), g_a=g_a,
            key_fingerprint=key_fingerprint,
            protocol=self._protocol(protocol))

    async def discard_call(self, call: CallRef, duration: int,
                           reason: DiscardReason,
                           connection_id: int) -> None:
        name = _REASON + reason.name.capitalize()
        self._apply(await self._method(
            "phone.DiscardCall", peer=self._peer(call), duration=duration,
            reason=getattr(self.types, name)(),
            connection_id=connection_id))

    async def save_call_debug(self, call: CallRef, text: str) -> None:
        await self._method("phone.SaveCallDebug", peer=self._peer(call),
                           debug=self.types.DataJSON(data=text))

    async def set_call_rating(self, call: CallRef, rating: int, comment: str,
                              user_initiative: bool) -> None:
        self._apply(await self._method(
            "phone.SetCallRating", peer=self._peer(call), rating=rating,
            comment=comment, user_initiative=user_initiative or None))

    def _apply(self, updates: Any) -> None:
        for update in getattr(updates, "updates", None) or ():
            self.updated(update)
