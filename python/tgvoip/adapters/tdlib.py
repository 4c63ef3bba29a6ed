# SPDX-License-Identifier: MIT
"""Adapter for TDLib's JSON interface.

TDLib negotiates by itself and hands out the key, the servers and the emoji;
this adapter carries that to the engine. It is given a function that sends a
request (a dict), and is fed with everything that comes from TDLib:

    adapter = TdlibAdapter(send)        # send(dict) -> None
    ...
    adapter.feed(received)              # on the asyncio loop, each dict

    async with tgvoip.aio.Client(adapter) as client:
        async with client.call(user_id) as call:
            ...

The numbers of users are those of TDLib.
"""
import asyncio
import base64
import itertools
import logging
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from .._errors import error_of, text
from .._native import ffi, lib
from ..aio._convert import connections_struct, fill_protocol
from ..aio._signaling import Leg, LegInfo, LegListener, is_final
from ..aio.adapter import CallProtocol, Connection

log = logging.getLogger("tgvoip.adapters.tdlib")

REQUEST_TIMEOUT_S = 30.0
HANG_UP_TIMEOUT_S = 5.0

PROTOCOL = {"@type": "callProtocol", "udp_p2p": True, "udp_reflector": True,
            "min_layer": 65, "max_layer": 92, "library_versions": ["2.4.4"]}

_ERRORS = {
    "USER_PRIVACY_RESTRICTED": lib.TGVOIP_OUTCOME_PRIVACY,
    "USER_IS_BLOCKED": lib.TGVOIP_OUTCOME_BLOCKED,
    "PARTICIPANT_VERSION_OUTDATED": lib.TGVOIP_OUTCOME_PEER_OUTDATED,
    "CALL_PROTOCOL_COMPAT_LAYER_INVALID": lib.TGVOIP_OUTCOME_INCOMPATIBLE,
    "CALL_PROTOCOL_LAYER_INVALID": lib.TGVOIP_OUTCOME_INCOMPATIBLE,
    "USER_ID_INVALID": lib.TGVOIP_OUTCOME_BAD_TARGET,
    "INPUT_USER_DEACTIVATED": lib.TGVOIP_OUTCOME_BAD_TARGET,
}


class TdlibError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code, self.message = code, message

    def info(self) -> LegInfo:
        info = LegInfo(state=lib.TGVOIP_SIGNAL_FAILED, why=self.message,
                       outcome=_ERRORS.get(self.message,
                                           lib.TGVOIP_OUTCOME_SERVER_ERROR))
        if self.code == 429:
            last = self.message.rpartition(" ")[2]
            info.outcome = lib.TGVOIP_OUTCOME_FLOOD_WAIT
            info.retry_after_s = int(last) if last.isdigit() else 0
        elif self.code == 400 and "not found" in self.message.lower():
            info.outcome = lib.TGVOIP_OUTCOME_BAD_TARGET
        return info


class TdlibAdapter:
    """@param send sends one request to TDLib"""

    def __init__(self, send: Callable[[Dict[str, Any]], None]) -> None:
        self._send = send
        self._extras = itertools.count(1)
        self._waiting: "Dict[str, asyncio.Future[Dict[str, Any]]]" = {}
        self._legs: Dict[int, "TdlibLeg"] = {}
        self._early: Dict[int, Dict[str, Any]] = {}
        self._placing = 0
        self._on_incoming: Optional[Callable[[Leg], None]] = None
        self._tasks: "Set[asyncio.Task[Any]]" = set()
        self.user_id = 0

    # -- with TDLib --------------------------------------------------------------

    def feed(self, received: Dict[str, Any]) -> None:
        """Take anything that TDLib has sent; what is for others is ignored."""
        waiter = self._waiting.pop(str(received.get("@extra", "")), None)
        if waiter is not None:
            if not waiter.done():
                waiter.set_result(received)
        elif received.get("@type") == "updateCall":
            self._call(received["call"])

    async def request(self, kind: str, **fields: Any) -> Dict[str, Any]:
        """Send a request; its answer, or TdlibError."""
        extra = f"tgvoip-{next(self._extras)}"
        future: "asyncio.Future[Dict[str, Any]]" = (
            asyncio.get_running_loop().create_future())
        self._waiting[extra] = future
        try:
            self._send({"@type": kind, "@extra": extra, **fields})
            answer = await asyncio.wait_for(future, REQUEST_TIMEOUT_S)
        finally:
            self._waiting.pop(extra, None)
        if answer.get("@type") == "error":
            raise TdlibError(int(answer.get("code", 0)),
                             str(answer.get("message", "")))
        return answer

    async def feedback(self, kind: str, call_id: int, **fields: Any) -> None:
        """A request about a call that is over. What names the call is an
        object in newer versions of TDLib,
        and its number in older ones."""
        name: Any = {"@type": "inputCallDiscarded", "call_id": call_id}
        try:
            await self.request(kind, call_id=name, **fields)
        except TdlibError as error:
            if "parse" not in error.message:
                raise
            await self.request(kind, call_id=call_id, **fields)

    def in_background(self, leg: "TdlibLeg", kind: str,
                      **fields: Any) -> "asyncio.Task[None]":
        async def send() -> None:
            try:
                if kind == "discardCall":
                    await self.request(kind, **fields)
                else:
                    await self.feedback(kind, **fields)
            except (TdlibError, asyncio.TimeoutError) as error:
                log.info("%s: %s", kind, error)

        task = asyncio.ensure_future(send())
        for tasks in (self._tasks, leg.sending):
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        return task

    # -- for the client ------------------------------------------------------------

    async def start(self, on_incoming: Callable[[Leg], None]) -> int:
        self._on_incoming = on_incoming
        me = await self.request("getMe")
        self.user_id = int(me["id"])
        return self.user_id

    async def stop(self) -> None:
        self._on_incoming = None
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=HANG_UP_TIMEOUT_S)

    def new_leg(self) -> "TdlibLeg":
        return TdlibLeg(self)

    async def create_call(self, leg: "TdlibLeg", user_id: int) -> None:
        self._placing += 1
        try:
            answer = await self.request("createCall", user_id=user_id,
                                        protocol=PROTOCOL, is_video=False)
        finally:
            self._placing -= 1
        leg.call_id = int(answer["id"])
        self._legs[leg.call_id] = leg
        early = self._early.pop(leg.call_id, None)
        if early is not None:
            leg.updated(early)

    def forget(self, leg: "TdlibLeg") -> None:
        self._legs.pop(leg.call_id, None)

    def _call(self, call: Dict[str, Any]) -> None:
        number = int(call["id"])
        leg = self._legs.get(number)
        if leg is None:
            pending = call["state"].get("@type") == "callStatePending"
            if call.get("is_outgoing"):
                if self._placing:       # its number is not known yet
                    self._early[number] = call
                return
            if not pending or self._on_incoming is None:
                return
            leg = self._legs[number] = TdlibLeg(self, call)
            self._on_incoming(leg)
        leg.updated(call)


class TdlibLeg:
    """One call of TDLib's."""

    def __init__(self, adapter: TdlibAdapter,
                 incoming: Optional[Dict[str, Any]] = None) -> None:
        self.adapter = adapter
        self.listener: Optional[LegListener] = None
        self.sending: "Set[asyncio.Task[Any]]" = set()
        self.call_id = int(incoming["id"]) if incoming else 0
        self._loop = asyncio.get_running_loop()
        self._info = LegInfo(outgoing=incoming is None)
        if incoming:
            self._info.id = int(incoming.get("unique_id") or 0)
            self._info.video = bool(incoming.get("is_video"))
            self._info.admin_id = int(incoming["user_id"])
            self._info.participant_id = adapter.user_id
            self._info.state = lib.TGVOIP_SIGNAL_WAITING_INCOMING
        self._ready: Optional[Dict[str, Any]] = None
        self._answered = self._received = False
        self._given_up = 0              # outcome of an end by this side
        self._established_at: Optional[float] = None
        self._timer: Optional[asyncio.TimerHandle] = None
        self._relay, self._debug_log = 0, ""
        self._rated = False

    # -- commands ------------------------------------------------------------------

    async def place(self, user: Any, ring_timeout_ms: int) -> None:
        if isinstance(user, bool) or not isinstance(user, int):
            raise TypeError("user: int (TDLib's user id) expected, got "
                            f"{type(user).__name__}")
        if user == self.adapter.user_id:
            raise ValueError("user: oneself cannot be called")
        self._info.admin_id = self.adapter.user_id
        self._info.participant_id = user
        self._become(lib.TGVOIP_SIGNAL_REQUESTING)
        try:
            await self.adapter.create_call(self, user)
        except TdlibError as error:
            self._over(error.info())
            return
        except asyncio.TimeoutError:
            self._over(LegInfo(state=lib.TGVOIP_SIGNAL_FAILED,
                               outcome=lib.TGVOIP_OUTCOME_NETWORK,
                               why="TDLib does not answer"))
            return
        if self._given_up and not is_final(self._info.state):
            self._discard()
        elif ring_timeout_ms:
            self._timer = self._loop.call_later(
                ring_timeout_ms / 1000, self._no_answer)

    async def answer(self) -> None:
        self._must_ring()
        self._answered = True
        self._become(lib.TGVOIP_SIGNAL_EXCHANGING_KEYS)
        try:
            await self.adapter.request("acceptCall", call_id=self.call_id,
                                       protocol=PROTOCOL)
        except TdlibError as error:
            self._over(error.info())

    async def decline(self) -> None:
        self._must_ring()
        self._give_up(lib.TGVOIP_OUTCOME_DECLINED)

    async def ignore(self) -> None:
        self._must_ring()
        self._over(LegInfo(state=lib.TGVOIP_SIGNAL_ENDED,
                           outcome=lib.TGVOIP_OUTCOME_IGNORED))

    async def hang_up(self) -> None:
        if is_final(self._info.state) or self._given_up:
            return
        if self._info.outgoing and not self._answered:
            self._give_up(lib.TGVOIP_OUTCOME_CANCELLED)
        elif not self._info.outgoing and not self._answered:
            self._give_up(lib.TGVOIP_OUTCOME_DECLINED)
        else:
            self._give_up(lib.TGVOIP_OUTCOME_HUNG_UP)

    def _must_ring(self) -> None:
        if is_final(self._info.state):
            raise self._info.ended()
        if self._info.state != lib.TGVOIP_SIGNAL_WAITING_INCOMING:
            raise RuntimeError("the call does not ring here")

    def _no_answer(self) -> None:
        if not self._answered and not is_final(self._info.state):
            self._give_up(lib.TGVOIP_OUTCOME_NO_ANSWER)

    def _give_up(self, outcome: int) -> None:
        self._given_up = outcome
        if not self._info.state:
            return              # was never placed
        self._become(lib.TGVOIP_SIGNAL_HANGING_UP)
        if self.call_id:
            self._discard()
        self._loop.call_later(HANG_UP_TIMEOUT_S, self._ended_anyway)

    def _discard(self, disconnected: bool = False) -> None:
        self.adapter.in_background(
            self, "discardCall", call_id=self.call_id,
            is_disconnected=disconnected, duration=self._duration(),
            is_video=False, connection_id=str(self._relay))

    def _ended_anyway(self) -> None:
        self._over(LegInfo(state=lib.TGVOIP_SIGNAL_ENDED,
                           outcome=self._given_up))

    # -- what TDLib tells ----------------------------------------------------------

    def updated(self, call: Dict[str, Any]) -> None:
        if is_final(self._info.state):
            return
        self._info.id = int(call.get("unique_id") or self._info.id)
        state = call["state"]
        kind = state.get("@type")
        if kind == "callStatePending":
            self._pending(state)
        elif kind == "callStateExchangingKeys":
            self._answered = True
            self._become(lib.TGVOIP_SIGNAL_EXCHANGING_KEYS)
        elif kind == "callStateReady" and self._ready is None:
            self._answered = True
            self._become_ready(state)
        elif kind == "callStateDiscarded":
            self._discarded(state)
        elif kind == "callStateError":
            error = state.get("error", {})
            self._over(TdlibError(int(error.get("code", 0)),
                                  str(error.get("message", ""))).info())

    def _pending(self, state: Dict[str, Any]) -> None:
        if not self._info.outgoing or self._given_up:
            return
        if state.get("is_received"):
            self._received = True
            self._become(lib.TGVOIP_SIGNAL_RINGING)
        elif state.get("is_created"):
            self._become(lib.TGVOIP_SIGNAL_WAITING)

    def _become_ready(self, state: Dict[str, Any]) -> None:
        self._ready = state
        try:
            lib.tgvoip_call_setup_destroy(self.setup())
        except Exception as error:
            self._discard(disconnected=True)
            self._over(LegInfo(
                state=lib.TGVOIP_SIGNAL_FAILED, why=str(error),
                outcome=lib.TGVOIP_OUTCOME_INCOMPATIBLE if getattr(
                    error, "code", 0) == lib.TGVOIP_ERR_INCOMPATIBLE
                else lib.TGVOIP_OUTCOME_VERIFICATION_FAILED))
            return
        self._info.key_agreed = True
        self._become(lib.TGVOIP_SIGNAL_WAIT_INIT)
        self._tell(lib.TGVOIP_SIGNAL_EVENT_READY)

    def _discarded(self, state: Dict[str, Any]) -> None:
        reason = state.get("reason", {}).get("@type", "")
        final = LegInfo(state=lib.TGVOIP_SIGNAL_ENDED,
                        outcome=self._given_up or self._outcome(reason))
        if final.outcome == lib.TGVOIP_OUTCOME_BUSY:
            final.state = lib.TGVOIP_SIGNAL_BUSY
        final.need_rating = bool(state.get("need_rating"))
        final.need_debug = bool(state.get("need_debug_information"))
        self._over(final)

    def _outcome(self, reason: str) -> int:
        outgoing, answered = self._info.outgoing, self._answered
        if reason == "callDiscardReasonDeclined":
            if not outgoing:
                return int(lib.TGVOIP_OUTCOME_DECLINED)
            return int(lib.TGVOIP_OUTCOME_DECLINED if self._received
                       else lib.TGVOIP_OUTCOME_BUSY)
        if reason == "callDiscardReasonMissed":
            return int(lib.TGVOIP_OUTCOME_NO_ANSWER if outgoing
                       else lib.TGVOIP_OUTCOME_MISSED)
        if reason == "callDiscardReasonUpgradeToGroupCall":
            return int(lib.TGVOIP_OUTCOME_MIGRATED)
        if reason == "callDiscardReasonDisconnected":
            return int(lib.TGVOIP_OUTCOME_DROPPED)
        if answered:
            return int(lib.TGVOIP_OUTCOME_PEER_HUNG_UP)
        return int(lib.TGVOIP_OUTCOME_NO_ANSWER if outgoing
                   else lib.TGVOIP_OUTCOME_ELSEWHERE)

    # -- for the call --------------------------------------------------------------

    def _tell(self, kind: int) -> None:
        if self.listener is not None:
            self.listener(kind, self.info())

    def _become(self, state: int) -> None:
        if state != self._info.state and not is_final(self._info.state):
            self._info.state = state
            self._tell(lib.TGVOIP_SIGNAL_EVENT_STATE)

    def _over(self, final: LegInfo) -> None:
        if is_final(self._info.state):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._info.duration = self._duration()
        self._info.outcome, self._info.why = final.outcome, final.why
        self._info.retry_after_s = final.retry_after_s
        self._info.need_rating = final.need_rating
        self._info.need_debug = final.need_debug
        self._become(final.state)
        self._ready = None              # the key with it
        self._tell(lib.TGVOIP_SIGNAL_EVENT_ENDED)
        if final.need_debug and self._debug_log:
            self.adapter.in_background(
                self, "sendCallDebugInformation", call_id=self.call_id,
                debug_information=self._debug_log)

    def _duration(self) -> int:
        if is_final(self._info.state):
            return self._info.duration
        if self._established_at is None:
            return 0
        return int(self._loop.time() - self._established_at)

    def info(self) -> LegInfo:
        return LegInfo(**{**self._info.__dict__,
                          "duration": self._duration()})

    def emoji(self) -> Tuple[Tuple[str, str], ...]:
        found = (self._ready or {}).get("emojis", ())
        return tuple((str(e), _emoji_name(str(e))) for e in found)

    def setup(self) -> Any:
        if self._ready is None:
            raise RuntimeError("the call is not ready")
        ready = self._ready
        keep: List[Any] = []
        struct = ffi.new("struct tgvoip_ready_call *")
        lib.tgvoip_ready_call_default(struct)
        secret = base64.b64decode(ready["encryption_key"])
        key = ffi.new("uint8_t[]", secret)
        struct.outgoing = self._info.outgoing
        struct.key, struct.key_len = key, len(secret)
        fill_protocol(struct.protocol, _protocol(ready["protocol"]), keep)
        servers = [_connection(s) for s in ready["servers"]]
        struct.connections = connections_struct(servers, keep)
        struct.connection_count = len(servers)
        struct.p2p_allowed = bool(ready.get("allow_p2p"))
        if ready.get("config"):
            keep.append(ffi.new("char[]", ready["config"].encode()))
            struct.call_config = keep[-1]
        out = ffi.new("tgvoip_call_setup **")
        failure = ffi.new("struct tgvoip_failure *")
        code = lib.tgvoip_call_setup_create(out, struct, failure)
        lib.tgvoip_wipe(key, len(secret))
        if code:
            raise error_of(code, failure)
        return out[0]

    def media_state(self, state: int, error: int) -> None:
        if is_final(self._info.state) or self._given_up:
            return
        if state == lib.TGVOIP_STATE_FAILED:
            self._info.call_error = error
            self._discard(disconnected=True)
            self._over(LegInfo(
                state=lib.TGVOIP_SIGNAL_FAILED, why="the engine failed",
                outcome=lib.TGVOIP_OUTCOME_INCOMPATIBLE
                if error == lib.TGVOIP_CALL_ERROR_INCOMPATIBLE
                else lib.TGVOIP_OUTCOME_DROPPED))
            return
        if state == lib.TGVOIP_STATE_ESTABLISHED and (
                self._established_at is None):
            self._established_at = self._loop.time()
        self._become(state)

    def media_facts(self, call: Any) -> None:
        self._relay = int(lib.tgvoip_call_preferred_relay(call))
        out = ffi.new("char **")
        if not lib.tgvoip_call_debug_log(call, out):
            self._debug_log = text(out[0])
            lib.tgvoip_free(out[0])

    async def settled(self) -> None:
        if self.sending:
            await asyncio.wait(self.sending, timeout=HANG_UP_TIMEOUT_S)

    async def rate(self, stars: int, comment: str) -> None:
        if self._rated or self._established_at is None:
            raise RuntimeError("rate: rated already, or a call that nobody "
                               "has heard")
        self._rated = True
        await self.adapter.feedback(
            "sendCallRating", call_id=self.call_id, rating=stars,
            comment=comment[:200] if stars < 5 else "", problems=[])

    def release(self) -> None:
        self.adapter.forget(self)


def _protocol(p: Dict[str, Any]) -> CallProtocol:
    return CallProtocol(
        int(p.get("min_layer", 0)), int(p.get("max_layer", 0)),
        bool(p.get("udp_p2p")), bool(p.get("udp_reflector")),
        tuple(p.get("library_versions", ())))


def _connection(server: Dict[str, Any]) -> Connection:
    kind = server.get("type", {})
    return Connection(
        int(server["id"]), server.get("ip_address", ""),
        server.get("ipv6_address", ""), int(server["port"]),
        base64.b64decode(kind.get("peer_tag", "")),
        tcp=bool(kind.get("is_tcp")),
        webrtc=kind.get("@type") != "callServerTypeTelegramReflector")


def _emoji_name(emoji: str) -> str:
    index = 0
    while True:
        known = lib.tgvoip_emoji_at(index)
        if known.utf8 == ffi.NULL:
            return ""
        if ffi.string(known.utf8).decode() == emoji:
            return str(ffi.string(known.name).decode())
        index += 1
