# SPDX-License-Identifier: MIT
"""Drives the negotiation of an account (`tgvoip_account` in C) on an asyncio
loop, over an adapter: sends its requests, hands in answers and updates, lets
its timers run out, and tells the legs what has happened.

Everything happens on the loop's thread, but for the check of a prime that
nobody knows, which takes seconds: that goes to a worker thread, and what comes
meanwhile waits.
"""
import asyncio
import logging
from collections import deque
from typing import (Any, Awaitable, Callable, Deque, Dict, List, Optional, Set,
                    Tuple)

from .._errors import error_of, text
from .._native import ffi, lib
from ._convert import (config_struct, dh_struct, phone_call_struct,
                       read_protocol)
from ._signaling import Leg, LegInfo, LegListener, emoji_pairs
from .adapter import (Adapter, CallRef, DhConfig, DiscardReason,
                      NetworkFailure, PhoneCall, RpcError, Target)

log = logging.getLogger("tgvoip.aio")

# A request without an answer for so long has failed. [s]
REQUEST_TIMEOUT_S = 30.0
# What is left to be sent when the account is closed has so long. [s]
CLOSE_TIMEOUT_S = 5.0
_NEVER = 2**63 - 1
_EMOJI = 4

Reply = Callable[[Any, Any, int, int], None]


def info_of(struct: Any) -> LegInfo:
    return LegInfo(
        outgoing=bool(struct.outgoing), video=bool(struct.video),
        state=int(struct.state), id=struct.id, admin_id=struct.admin_id,
        participant_id=struct.participant_id,
        key_agreed=bool(struct.key_agreed), outcome=int(struct.outcome),
        call_error=struct.call_error, why=text(struct.why),
        retry_after_s=struct.retry_after_s, slug=text(struct.slug),
        duration=struct.duration, need_rating=bool(struct.need_rating),
        need_debug=bool(struct.need_debug))


class NegotiatedLeg:
    """One `tgvoip_negotiation`."""

    def __init__(self, account: "Account", pointer: Any = ffi.NULL) -> None:
        self.account = account
        self.pointer = pointer
        self.target: Optional[Target] = None
        self.listener: Optional[LegListener] = None
        self.sending: "Set[asyncio.Task[Any]]" = set()

    async def place(self, user: Any, ring_timeout_ms: int) -> None:
        self.target = await self.account.find_user(user)
        await self.account.idle()
        outgoing = ffi.new("struct tgvoip_outgoing *")
        lib.tgvoip_outgoing_default(outgoing)
        outgoing.user_id = self.target.user_id
        outgoing.phone_calls_private = self.target.calls_private
        outgoing.ring_timeout_ms = ring_timeout_ms
        out = ffi.new("tgvoip_negotiation **")
        failure = ffi.new("struct tgvoip_failure *")
        code = lib.tgvoip_account_call(self.account.pointer, out, outgoing,
                                       self.account.now_us(), failure)
        if code:
            raise self._refused(code, failure)
        self.pointer = out[0]
        self.account.add(self)
        self.account.pump()

    def _refused(self, code: int, failure: Any) -> Exception:
        if code == lib.TGVOIP_ERR_ACCESS:
            return LegInfo(outcome=lib.TGVOIP_OUTCOME_PRIVACY,
                           why=text(failure.why)).ended()
        if code == lib.TGVOIP_ERR_IN_USE:
            return RuntimeError("another call of this account is active")
        return error_of(code, failure)

    async def _do(self, function: Any) -> None:
        await self.account.idle()
        if self.pointer == ffi.NULL:
            return
        code = function(self.pointer, self.account.now_us())
        self.account.pump()
        if code == lib.TGVOIP_ERR_IN_USE:
            raise RuntimeError("another call of this account is active")
        if code == lib.TGVOIP_ERR_STATE:
            info = self.info()
            raise info.ended() if info.outcome else RuntimeError(
                "the call does not ring here")

    async def answer(self) -> None:
        await self._do(lib.tgvoip_negotiation_answer)

    async def decline(self) -> None:
        await self._do(lib.tgvoip_negotiation_decline)

    async def ignore(self) -> None:
        await self._do(lib.tgvoip_negotiation_ignore)

    async def hang_up(self) -> None:
        await self._do(lib.tgvoip_negotiation_hang_up)

    def info(self) -> LegInfo:
        if self.pointer == ffi.NULL:
            return LegInfo()
        struct = ffi.new("struct tgvoip_negotiation_info *")
        lib.tgvoip_negotiation_info_default(struct)
        lib.tgvoip_negotiation_get_info(self.pointer, struct,
                                        self.account.now_us())
        return info_of(struct)

    def emoji(self) -> Tuple[Tuple[str, str], ...]:
        array = ffi.new("struct tgvoip_emoji[]", _EMOJI)
        if self.pointer == ffi.NULL or (
                lib.tgvoip_negotiation_emoji(self.pointer, array)):
            return ()
        return emoji_pairs(array)

    def setup(self) -> Any:
        out = ffi.new("tgvoip_call_setup **")
        failure = ffi.new("struct tgvoip_failure *")
        code = lib.tgvoip_negotiation_setup(self.pointer, out, failure)
        if code:
            raise error_of(code, failure)
        return out[0]

    def media_state(self, state: int, error: int) -> None:
        if self.pointer != ffi.NULL:
            lib.tgvoip_negotiation_media_state(
                self.pointer, state, error, self.account.now_us())
            self.account.pump()

    def media_facts(self, call: Any) -> None:
        if self.pointer != ffi.NULL:
            lib.tgvoip_negotiation_media_facts_of(self.pointer, call,
                                                  self.account.now_us())
            self.account.pump()

    async def rate(self, stars: int, comment: str) -> None:
        await self.account.idle()
        chars = ffi.new("char[]", comment.encode())
        code = lib.tgvoip_negotiation_rate(self.pointer, stars, chars,
                                           self.account.now_us())
        if code == lib.TGVOIP_ERR_STATE:
            raise RuntimeError("rate: not over, rated already, or a call "
                               "that nobody has heard")
        if code:
            raise error_of(code)
        self.account.pump()

    async def settled(self) -> None:
        if self.sending:
            await asyncio.wait(self.sending, timeout=CLOSE_TIMEOUT_S)

    def release(self) -> None:
        pointer, self.pointer = self.pointer, ffi.NULL
        if pointer != ffi.NULL:
            self.account.release(pointer)


class Account:
    """@param adapter what speaks to Telegram"""

    def __init__(self, adapter: Adapter, *, busy: str = "reject",
                 forbid_p2p: bool = False) -> None:
        policies = {"reject": lib.TGVOIP_BUSY_REJECT,
                    "ring": lib.TGVOIP_BUSY_RING}
        if busy not in policies:
            raise ValueError(f"busy: 'reject' or 'ring' expected, "
                             f"got {busy!r}")
        self.adapter = adapter
        self.pointer: Any = ffi.NULL
        self._busy, self._forbid_p2p = policies[busy], forbid_p2p
        self._legs: Dict[int, NegotiatedLeg] = {}
        self._tasks: Set["asyncio.Task[Any]"] = set()
        self._waiting: Deque[Callable[[], None]] = deque()
        self._checking: Optional["asyncio.Future[Any]"] = None
        self._timer: Optional[asyncio.TimerHandle] = None
        self._pumping = False
        self._closing = False
        self._on_incoming: Optional[Callable[[Leg], None]] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None

    # -- life ------------------------------------------------------------------

    async def start(self, on_incoming: Callable[[Leg], None]) -> int:
        self._loop = asyncio.get_running_loop()
        self._closing = False
        self._on_incoming = on_incoming
        user_id = await self.adapter.start(self._updated)
        config = ffi.new("struct tgvoip_account_config *")
        lib.tgvoip_account_config_default(config)
        config.self_id = user_id
        config.busy = self._busy
        config.forbid_p2p = self._forbid_p2p
        out = ffi.new("tgvoip_account **")
        failure = ffi.new("struct tgvoip_failure *")
        code = lib.tgvoip_account_create(out, config, failure)
        if code:
            raise error_of(code, failure)
        self.pointer = out[0]
        waiting, self._waiting = self._waiting, deque()
        for do in waiting:
            do()
        self.pump()
        return user_id

    async def stop(self) -> None:
        """Everything hung up, everything sent, for some seconds."""
        self._closing = True
        await self.idle()
        for leg in list(self._legs.values()):
            leg.release()
        self.pump()
        loop = asyncio.get_running_loop()
        end = loop.time() + CLOSE_TIMEOUT_S
        while self._tasks and loop.time() < end:
            await asyncio.wait(self._tasks, timeout=end - loop.time())
        for task in self._tasks:
            task.cancel()
        await self.adapter.stop()
        if self._timer is not None:
            self._timer.cancel()
        pointer, self.pointer = self.pointer, ffi.NULL
        if pointer != ffi.NULL:
            lib.tgvoip_account_destroy(pointer)

    def new_leg(self) -> NegotiatedLeg:
        return NegotiatedLeg(self)

    def add(self, leg: NegotiatedLeg) -> None:
        self._legs[_address(leg.pointer)] = leg

    def release(self, pointer: Any) -> None:
        self._legs.pop(_address(pointer), None)
        if self.pointer != ffi.NULL:
            self._run(lambda: lib.tgvoip_negotiation_release(
                pointer, self.now_us()))

    def now_us(self) -> int:
        assert self._loop is not None
        return int(self._loop.time() * 1e6)

    async def find_user(self, user: Any) -> Target:
        try:
            return await self.adapter.find_user(user)
        except RpcError as error:
            if error.name.startswith("FLOOD_WAIT_"):
                raise LegInfo(
                    outcome=lib.TGVOIP_OUTCOME_FLOOD_WAIT, why=error.name,
                    retry_after_s=int(error.name.rpartition("_")[2])
                ).ended() from error
            raise LegInfo(outcome=lib.TGVOIP_OUTCOME_BAD_TARGET,
                          why=error.name).ended() from error
        except (NetworkFailure, OSError, asyncio.TimeoutError) as error:
            raise LegInfo(outcome=lib.TGVOIP_OUTCOME_NETWORK,
                          why="the user could not be looked up"
                          ).ended() from error

    # -- one thing after the other ---------------------------------------------

    async def idle(self) -> None:
        """Wait for a check that is under way."""
        while self._checking is not None:
            await asyncio.wait([self._checking])

    def _run(self, do: Callable[[], Any]) -> None:
        if self._checking is not None or self.pointer == ffi.NULL:
            self._waiting.append(do)
        else:
            do()
            self.pump()

    def _updated(self, call: PhoneCall) -> None:
        def do() -> None:
            if self.pointer == ffi.NULL:
                return
            keep: List[Any] = []
            lib.tgvoip_account_update(
                self.pointer, phone_call_struct(call, keep), self.now_us())

        if not (self._closing and self.pointer == ffi.NULL):
            self._run(do)

    # -- out: requests, events, timers -----------------------------------------

    def pump(self) -> None:
        """Look for what the negotiation wants; after each call into it."""
        if self._pumping or self._checking is not None or (
                self.pointer == ffi.NULL):
            return
        self._pumping = True
        try:
            self._drain()
        finally:
            self._pumping = False
        self._arm()

    def _drain(self) -> None:
        request = ffi.new("struct tgvoip_request *")
        event = ffi.new("struct tgvoip_signal_event *")
        while self.pointer != ffi.NULL:
            lib.tgvoip_request_default(request)
            if lib.tgvoip_account_next_request(self.pointer, request):
                self._send(request)
                continue
            lib.tgvoip_signal_event_default(event)
            if not lib.tgvoip_account_next_event(self.pointer, event):
                break
            self._tell(event)

    def _tell(self, event: Any) -> None:
        kind, info = int(event.type), info_of(event.info)
        if kind == lib.TGVOIP_SIGNAL_EVENT_INCOMING:
            leg = NegotiatedLeg(self, event.negotiation)
            self.add(leg)
            if self._on_incoming is not None:
                self._on_incoming(leg)
            return
        found = self._legs.get(_address(event.negotiation))
        if found is not None and found.listener is not None:
            found.listener(kind, info)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.pointer == ffi.NULL or self._loop is None:
            return
        deadline = lib.tgvoip_account_deadline(self.pointer)
        if deadline != _NEVER:
            # Never early: rounding up.
            self._timer = self._loop.call_at((deadline + 1) / 1e6,
                                             self._expire)

    def _expire(self) -> None:
        self._timer = None
        self._run(lambda: lib.tgvoip_account_expire(self.pointer,
                                                    self.now_us()))

    # -- in: answers -------------------------------------------------------------

    def _send(self, request: Any) -> None:
        number = int(request.id)
        sending, reply = _REQUESTS[int(request.type)](self, request)
        task = asyncio.ensure_future(self._answered(number, sending, reply))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        leg = self._legs.get(_address(request.negotiation))
        if leg is not None:
            leg.sending.add(task)
            task.add_done_callback(leg.sending.discard)

    async def _answered(self, number: int, sending: Awaitable[Any],
                        reply: Reply) -> None:
        try:
            answer = await asyncio.wait_for(sending, REQUEST_TIMEOUT_S)
        except RpcError as error:
            code, name = error.code, error.name.encode()
            self._run(lambda: lib.tgvoip_account_reply_error(
                self.pointer, number, code, name, self.now_us()))
        except (NetworkFailure, OSError, asyncio.TimeoutError) as error:
            log.debug("request failed: %s", type(error).__name__)
            self._network_failed(number)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("the adapter failed")
            self._network_failed(number)
        else:
            if isinstance(answer, DhConfig) and answer.p and (
                    answer.p != _known_prime()):
                await self._check_slowly(number, answer)
            else:
                self._run(lambda: reply(self, answer, number, self.now_us()))

    def _network_failed(self, number: int) -> None:
        self._run(lambda: lib.tgvoip_account_reply_network_failure(
            self.pointer, number, self.now_us()))

    async def _check_slowly(self, number: int, dh: DhConfig) -> None:
        await self.idle()
        loop = asyncio.get_running_loop()
        keep: List[Any] = []
        struct = dh_struct(dh, keep)
        self._checking = loop.run_in_executor(
            None, lib.tgvoip_account_reply_dh, self.pointer, number, struct,
            self.now_us())
        try:
            await asyncio.shield(self._checking)
        finally:
            self._checking = None
            waiting, self._waiting = self._waiting, deque()
            for do in waiting:
                do()
            self.pump()


def _address(pointer: Any) -> int:
    return int(ffi.cast("uintptr_t", pointer))


_prime = b""


def _known_prime() -> bytes:
    global _prime
    if not _prime:
        _prime = bytes(ffi.buffer(lib.tgvoip_dh_known_prime(), 256))
    return _prime


# -- requests: what to await, and how to hand the answer in ----------------------

def _ref(request: Any) -> CallRef:
    return CallRef(request.call_id, request.access_hash)


def _words(request: Any) -> str:
    return "" if request.text == ffi.NULL else text(request.text)


def _data(request: Any) -> bytes:
    return bytes(ffi.buffer(request.bytes, request.bytes_len))


def _reply_call(account: Account, call: PhoneCall, number: int,
                now: int) -> None:
    keep: List[Any] = []
    lib.tgvoip_account_reply_phone_call(
        account.pointer, number, phone_call_struct(call, keep), now)


def _reply_done(account: Account, answer: Any, number: int,
                now: int) -> None:
    lib.tgvoip_account_reply_done(account.pointer, number, now)


def _reply_config(account: Account, config: Any, number: int,
                  now: int) -> None:
    keep: List[Any] = []
    if config.date > 0:
        lib.tgvoip_account_set_server_time(account.pointer, config.date, now)
    lib.tgvoip_account_reply_config(account.pointer, number,
                                    config_struct(config, keep), now)


def _reply_call_config(account: Account, json: str, number: int,
                       now: int) -> None:
    data = json.encode()
    lib.tgvoip_account_reply_call_config(account.pointer, number, data,
                                         len(data), now)


def _reply_dh(account: Account, dh: DhConfig, number: int, now: int) -> None:
    keep: List[Any] = []
    struct = dh_struct(dh, keep)
    if dh.p:
        lib.tgvoip_account_reply_dh(account.pointer, number, struct, now)
    else:
        lib.tgvoip_account_reply_dh_not_modified(
            account.pointer, number, struct.random, struct.random_len, now)


def _request_call(a: Account, r: Any) -> Any:
    leg = a._legs.get(_address(r.negotiation))
    handle = leg.target.handle if leg and leg.target else r.user_id
    return a.adapter.request_call(handle, r.random_id, _data(r),
                                  read_protocol(r.protocol)), _reply_call


_REQUESTS: Dict[int, Callable[[Account, Any], Tuple[Any, Any]]] = {
    lib.TGVOIP_REQUEST_GET_CONFIG: lambda a, r: (
        a.adapter.get_config(), _reply_config),
    lib.TGVOIP_REQUEST_GET_CALL_CONFIG: lambda a, r: (
        a.adapter.get_call_config(), _reply_call_config),
    lib.TGVOIP_REQUEST_GET_DH_CONFIG: lambda a, r: (
        a.adapter.get_dh_config(r.dh_version, r.random_length), _reply_dh),
    lib.TGVOIP_REQUEST_REQUEST_CALL: _request_call,
    lib.TGVOIP_REQUEST_RECEIVED_CALL: lambda a, r: (
        a.adapter.received_call(_ref(r)), _reply_done),
    lib.TGVOIP_REQUEST_ACCEPT_CALL: lambda a, r: (
        a.adapter.accept_call(_ref(r), _data(r), read_protocol(r.protocol)),
        _reply_call),
    lib.TGVOIP_REQUEST_CONFIRM_CALL: lambda a, r: (
        a.adapter.confirm_call(_ref(r), _data(r), r.key_fingerprint,
                               read_protocol(r.protocol)), _reply_call),
    lib.TGVOIP_REQUEST_DISCARD_CALL: lambda a, r: (
        a.adapter.discard_call(_ref(r), r.duration, DiscardReason(r.reason),
                               r.connection_id), _reply_done),
    lib.TGVOIP_REQUEST_SAVE_DEBUG: lambda a, r: (
        a.adapter.save_call_debug(_ref(r), _words(r)), _reply_done),
    lib.TGVOIP_REQUEST_SET_RATING: lambda a, r: (
        a.adapter.set_call_rating(_ref(r), r.rating, _words(r),
                                  bool(r.user_initiative)), _reply_done),
}
