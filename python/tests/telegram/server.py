# SPDX-License-Identifier: MIT
"""The server's side of voice calls, in neutral objects (`Obj`).

It does what the signalling notes say: section 3 (methods), 5.2 (merging of
protocols), 5.3 (connections), 7 (who is told what), 8.2 (errors). What it
sends may be spoiled on order by faults. Every request and every update is
kept in `log`, for tests to look at.
"""
import asyncio
import hashlib
import itertools
import random
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

PRIME = bytes.fromhex(
    "C71CAEB9C6B1C9048E6C522F70F13F73980D40238E3E21C14934D037563D930F"
    "48198A0AA7C14058229493D22530F4DBFA336F6E0AC925139543AED44CCE7C37"
    "20FD51F69458705AC68CD4FE6B6B13ABDC9746512969328454F18FAF8C595F64"
    "2477FE96BB2A941D5BCD1D4AC8CC49880708FA9B378E3C4F3A9060BEE67CF9A4"
    "A4A695811051907E162753B56B0F6B410DBA74D8A84B2A14B3144E0EF1284754"
    "FD17ED950D5965B4B9DD46582DB1178D169C6BC465B0D6FF9CA3928FEF5B9AE4"
    "E418FC15E83EBEA0F87FA9FF5EED70050DED2849F47BF959D956850CE929851F"
    "0D8115F635B105EE2E4E15D04B2454BF6F4FADF034B10403119CD8E3B92FCC5B")

REASONS = {"phoneCallDiscardReason" + name for name in
           ("Missed", "Disconnect", "Hangup", "Busy")}


class Obj:
    """A TL object: constructor name as in the schema, and its fields."""

    def __init__(self, _name: str, **fields: Any) -> None:
        self.__dict__.update(fields)
        self._name = _name

    def but(self, **changes: Any) -> "Obj":
        fields = {k: v for k, v in self.__dict__.items() if k != "_name"}
        fields.update(changes)
        return Obj(self._name, **fields)

    def get(self, field: str, default: Any = None) -> Any:
        value = self.__dict__.get(field)
        return default if value is None else value

    def __repr__(self) -> str:
        fields = ", ".join(f"{k}={v!r}" for k, v in self.__dict__.items()
                           if k != "_name" and v is not None)
        return f"{self._name}({fields})"


class RpcError(Exception):
    def __init__(self, code: int, name: str) -> None:
        super().__init__(f"{code} {name}")
        self.code = code
        self.name = name


class Lost(Exception):
    """The answer is never sent."""


class Relay:
    """A relay as the server names it. A call has two tags there, one for each
    side; they are the call's own unless given."""

    _ids = itertools.count(0x1122334455667788)

    def __init__(self, host: str = "127.0.0.1", port: int = 1,
                 tag: bytes = b"", ipv6: str = "", tcp: bool = False) -> None:
        self.host, self.port, self.ipv6, self.tcp = host, port, ipv6, tcp
        self.tag = tag
        self.id = next(self._ids)

    def connection(self, outgoing: bool, tag: bytes) -> Obj:
        tag = self.tag or tag
        tag = tag[:15] + bytes([tag[15] & 0xFE | (not outgoing)])
        return Obj("phoneConnection", id=self.id, ip=self.host,
                   ipv6=self.ipv6, port=self.port, peer_tag=tag,
                   tcp=self.tcp)


class User:
    def __init__(self, number: int, name: str) -> None:
        self.id, self.name = number, name
        self.access_hash = number * 7919 + 12345
        self.phone = str(100000 + number)
        self.calls_private = False
        self.calls_available = True
        self.privacy_error: Optional[RpcError] = None
        self.sessions: List["Session"] = []
        self.call: Optional["ServerCall"] = None

    def tl(self, seen_by: Optional["User"] = None) -> Obj:
        return Obj("user", id=self.id, access_hash=self.access_hash,
                   first_name=self.name, phone=self.phone,
                   username=self.name.lower(), is_self=seen_by is self,
                   contact=True, mutual_contact=True)


class Session:
    """One device of an account. `push` gives it an update."""

    def __init__(self, user: User, push: Callable[[Obj], None]) -> None:
        self.user, self.push = user, push
        self.closed = False


class ServerCall:
    _ids = itertools.count(6_000_000_000_000_000_001)

    def __init__(self, caller: Session, callee: User, random_id: int,
                 g_a_hash: bytes, protocol: Obj, video: bool) -> None:
        self.id = next(self._ids)
        self.hashes = {caller.user.id: random.getrandbits(63) | 1,
                       callee.id: random.getrandbits(63) | 1}
        self.caller, self.callee = caller, callee
        self.answered_by: Optional[Session] = None
        self.random_id, self.g_a_hash, self.g_b = random_id, g_a_hash, b""
        self.protocol, self.agreed = protocol, protocol
        self.video = video
        self.date = int(time.time())
        self.state = "requested"        # accepted, active, discarded
        self.reason: Optional[str] = None
        self.duration: Optional[int] = None
        self.g_a = b""
        self.fingerprint = 0
        self.tag = random.randbytes(16)

    def sides(self, viewer: User) -> Dict[str, Any]:
        return dict(id=self.id, access_hash=self.hashes[viewer.id],
                    date=self.date, admin_id=self.caller.user.id,
                    participant_id=self.callee.id, video=self.video or None)


class Fault:
    """What to do to the things whose name is `name`: a method
    ("phone.acceptCall"), a result of one ("phone.acceptCall:result") or an
    update ("phoneCallAccepted"). Holds for `times` of them, after `skip`.

    drop    never comes            error  RPC error (methods)
    delay   comes so much later    change function of the object, giving
    twice   comes twice                   another one, or a list of them
    """

    def __init__(self, name: str, *, drop: bool = False, delay: float = 0,
                 twice: bool = False, error: Optional[RpcError] = None,
                 change: Optional[Callable[[Obj], Any]] = None,
                 times: int = 1, skip: int = 0,
                 user: Optional[User] = None) -> None:
        self.name, self.user = name, user
        self.drop, self.delay, self.twice = drop, delay, twice
        self.error, self.change = error, change
        self.times, self.skip = times, skip

    def applies(self, name: str, user: User) -> bool:
        if self.name != name or self.times <= 0 or (
                self.user is not None and self.user is not user):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class Telegram:
    """The server. `relays` are handed out with each call."""

    def __init__(self) -> None:
        self.users: Dict[int, User] = {}
        self.calls: Dict[int, ServerCall] = {}
        self.relays: List[Relay] = [Relay()]
        self.faults: List[Fault] = []
        #: (user id, "request" | "result" | "error" | "update", Obj or error)
        self.log: List[Tuple[int, str, Any]] = []
        self.ratings: List[Obj] = []
        self.debug_logs: List[Obj] = []
        self.prime, self.g, self.dh_version = PRIME, 3, 3
        self.call_config = '{"audio_frame_size": 60}'
        self.timeouts = dict(
            call_receive_timeout_ms=20000, call_ring_timeout_ms=90000,
            call_connect_timeout_ms=30000, call_packet_timeout_ms=10000)
        self.layer = 92                 # highest that the server agrees to
        self.p2p_allowed = True
        self.need_rating = self.need_debug = False
        self.server_version: Optional[str] = None  # forced library version
        self._random_ids: set = set()

    # -- the world ------------------------------------------------------------

    def add_user(self, name: str) -> User:
        user = User(1000 + len(self.users), name)
        self.users[user.id] = user
        return user

    def connect(self, user: User, push: Callable[[Obj], None]) -> Session:
        session = Session(user, push)
        user.sessions.append(session)
        return session

    def disconnect(self, session: Session) -> None:
        session.closed = True
        session.user.sessions.remove(session)

    def fault(self, name: str, **what: Any) -> Fault:
        fault = Fault(name, **what)
        self.faults.append(fault)
        return fault

    def requests(self, name: str, user: Optional[User] = None) -> List[Obj]:
        return [what for who, kind, what in self.log
                if kind == "request" and what._name == name
                and (user is None or user.id == who)]

    # -- requests -------------------------------------------------------------

    async def handle(self, session: Session, request: Obj) -> Obj:
        """Answer a request, or raise RpcError, or never return."""
        user = session.user
        self.log.append((user.id, "request", request))
        faults = self._take(request._name, user)
        for fault in faults:
            if fault.delay:
                await asyncio.sleep(fault.delay)
            if fault.change:
                request = fault.change(request)
            if fault.error:
                self.log.append((user.id, "error", fault.error))
                raise fault.error
            if fault.drop:
                await asyncio.Event().wait()
        method = getattr(self, "_" + request._name.replace(".", "_"), None)
        try:
            if method is None:
                raise RpcError(400, "METHOD_INVALID")
            result = method(session, request)
        except RpcError as error:
            self.log.append((user.id, "error", error))
            raise
        for fault in self._take(request._name + ":result", user):
            if fault.delay:
                await asyncio.sleep(fault.delay)
            if fault.error:
                raise fault.error
            if fault.drop:
                await asyncio.Event().wait()
            if fault.change:
                result = fault.change(result)
        self.log.append((user.id, "result", result))
        return result

    def _take(self, name: str, user: User) -> List[Fault]:
        return [fault for fault in self.faults if fault.applies(name, user)]

    # -- updates --------------------------------------------------------------

    def push(self, user: User, phone_call: Obj,
             but: Optional[Session] = None,
             only: Optional[Session] = None) -> None:
        objects = [phone_call]
        delay = 0.0
        for fault in self._take(phone_call._name, user):
            if fault.drop:
                objects = []
            if fault.change:
                changed = [fault.change(o) for o in objects]
                objects = [o for c in changed
                           for o in (c if isinstance(c, list) else [c])]
            if fault.twice:
                objects = objects * 2
            delay += fault.delay
        # An update never overtakes the code that causes it.
        asyncio.get_running_loop().call_later(
            delay, self._deliver, user, objects, but, only)

    def _deliver(self, user: User, objects: List[Obj],
                 but: Optional[Session], only: Optional[Session]) -> None:
        for o in objects:
            self.log.append((user.id, "update", o))
            for session in list(user.sessions):
                if session is not but and (only is None or session is only):
                    session.push(Obj("updatePhoneCall", phone_call=o))

    # -- objects --------------------------------------------------------------

    def waiting(self, call: ServerCall, viewer: User,
                ringing: bool = False) -> Obj:
        return Obj("phoneCallWaiting", **call.sides(viewer),
                   protocol=call.agreed,
                   receive_date=int(time.time()) if ringing else None)

    def active(self, call: ServerCall, viewer: User) -> Obj:
        outgoing = viewer is call.caller.user
        connections = [r.connection(outgoing, call.tag) for r in self.relays]
        return Obj("phoneCall", **call.sides(viewer), protocol=call.agreed,
                   g_a_or_b=call.g_b if outgoing else call.g_a,
                   key_fingerprint=call.fingerprint,
                   p2p_allowed=self.p2p_allowed or None,
                   connections=connections, start_date=int(time.time()))

    def discarded(self, call: ServerCall) -> Obj:
        return Obj("phoneCallDiscarded", id=call.id, video=call.video or None,
                   need_rating=self.need_rating and call.g_a != b"" or None,
                   need_debug=self.need_debug and call.g_a != b"" or None,
                   reason=Obj(call.reason) if call.reason else None,
                   duration=call.duration)

    @staticmethod
    def _phone(call: Obj, *users: User) -> Obj:
        return Obj("phone.phoneCall", phone_call=call,
                   users=[u.tl() for u in users])

    def _both(self, call: ServerCall) -> Tuple[User, User]:
        return call.caller.user, call.callee

    def _updates(self, *updates: Obj) -> Obj:
        return Obj("updates", updates=list(updates), users=[], chats=[],
                   date=int(time.time()), seq=0)

    # -- methods that are not about one call ----------------------------------

    def _help_getConfig(self, session: Session, request: Obj) -> Obj:
        now = int(time.time())
        return Obj("config", date=now, expires=now + 3600, this_dc=2,
                   dc_options=[], **self.timeouts)

    def _phone_getCallConfig(self, session: Session, request: Obj) -> Obj:
        return Obj("dataJSON", data=self.call_config)

    def _messages_getDhConfig(self, session: Session, request: Obj) -> Obj:
        if not 0 <= request.random_length <= 1024:
            raise RpcError(400, "RANDOM_LENGTH_INVALID")
        data = random.randbytes(request.random_length)
        if request.version == self.dh_version:
            return Obj("messages.dhConfigNotModified", random=data)
        return Obj("messages.dhConfig", g=self.g, p=self.prime,
                   version=self.dh_version, random=data)

    def _find(self, viewer: User, peer: Obj) -> User:
        if peer._name in ("inputUserSelf", "inputPeerSelf"):
            return viewer
        user = self.users.get(peer.get("user_id", 0))
        if user is None:
            raise RpcError(400, "USER_ID_INVALID")
        return user

    def _users_getUsers(self, session: Session, request: Obj) -> List[Obj]:
        return [self._find(session.user, peer).tl(session.user)
                for peer in request.id]

    def _users_getFullUser(self, session: Session, request: Obj) -> Obj:
        user = self._find(session.user, request.id)
        full = Obj("userFull", id=user.id, user=user.tl(session.user),
                   phone_calls_available=user.calls_available or None,
                   phone_calls_private=user.calls_private or None,
                   settings=Obj("peerSettings"), common_chats_count=0,
                   notify_settings=Obj("peerNotifySettings"))
        return Obj("users.userFull", full_user=full, chats=[],
                   users=[user.tl(session.user)])

    def _updates_getState(self, session: Session, request: Obj) -> Obj:
        return Obj("updates.state", pts=1, qts=0, date=int(time.time()),
                   seq=0, unread_count=0)

    def _contacts_resolveUsername(self, session: Session,
                                  request: Obj) -> Obj:
        for user in self.users.values():
            if user.name.lower() == request.username.lower():
                return Obj("contacts.resolvedPeer",
                           peer=Obj("peerUser", user_id=user.id), chats=[],
                           users=[user.tl(session.user)])
        raise RpcError(400, "USERNAME_NOT_OCCUPIED")

    # -- a call ---------------------------------------------------------------

    def _call(self, session: Session, peer: Obj) -> ServerCall:
        call = self.calls.get(peer.id)
        if call is None or (
                call.hashes.get(session.user.id) != peer.access_hash):
            raise RpcError(400, "CALL_PEER_INVALID")
        return call

    @staticmethod
    def _check_protocol(protocol: Obj) -> None:
        if not protocol.get("udp_p2p") and not protocol.get("udp_reflector"):
            raise RpcError(400, "CALL_PROTOCOL_FLAGS_INVALID")
        if not 0 < protocol.min_layer <= protocol.max_layer:
            raise RpcError(400, "CALL_PROTOCOL_LAYER_INVALID")

    def _merge(self, a: Obj, b: Obj) -> Obj:
        """What both sides have offered. Section 5.2"""
        layer = min(a.max_layer, b.max_layer, self.layer)
        if layer < max(a.min_layer, b.min_layer):
            raise RpcError(406, "CALL_PROTOCOL_COMPAT_LAYER_INVALID")
        # A client of an old layer names none: it has the 2.4.4 family.
        offers = [o.get("library_versions") or ["2.4.4"] for o in (a, b)]
        common = [v for v in offers[0] if v in offers[1]]
        if not common and "2.7" in offers[0] + offers[1]:
            common = ["2.4.4"]  # SIG-D12: offered by clients that have not it
        if not common:
            raise RpcError(406, "CALL_PROTOCOL_COMPAT_LAYER_INVALID")
        return Obj("phoneCallProtocol", min_layer=max(a.min_layer, b.min_layer),
                   max_layer=layer,
                   udp_p2p=bool(a.get("udp_p2p") and b.get("udp_p2p")),
                   udp_reflector=True,
                   library_versions=[self.server_version or common[0]])

    def _phone_requestCall(self, session: Session, request: Obj) -> Obj:
        callee = self._find(session.user, request.user_id)
        if callee is session.user:
            raise RpcError(400, "USER_ID_INVALID")
        if callee.privacy_error:
            raise callee.privacy_error
        if request.random_id in self._random_ids:
            raise RpcError(500, "RANDOM_ID_DUPLICATE")
        self._random_ids.add(request.random_id)
        self._check_protocol(request.protocol)
        if len(request.g_a_hash) != 32:
            raise RpcError(400, "DH_G_A_INVALID")
        call = ServerCall(session, callee, request.random_id,
                          request.g_a_hash, request.protocol,
                          bool(request.get("video")))
        self.calls[call.id] = call
        self.push(callee, Obj("phoneCallRequested", **call.sides(callee),
                              g_a_hash=call.g_a_hash, protocol=call.protocol))
        return self._phone(self.waiting(call, session.user),
                           *self._both(call))

    def _phone_receivedCall(self, session: Session, request: Obj) -> Obj:
        call = self._call(session, request.peer)
        if call.state == "discarded":
            raise RpcError(400, "CALL_ALREADY_DECLINED")
        if call.state == "requested":
            self.push(call.caller.user,
                      self.waiting(call, call.caller.user, ringing=True),
                      only=call.caller)
        return Obj("boolTrue")

    def _phone_acceptCall(self, session: Session, request: Obj) -> Obj:
        call = self._call(session, request.peer)
        if call.state == "discarded":
            raise RpcError(400, "CALL_ALREADY_DECLINED")
        if call.state != "requested":
            raise RpcError(400, "CALL_ALREADY_ACCEPTED")
        self._check_protocol(request.protocol)
        call.agreed = self._merge(call.protocol, request.protocol)
        call.state, call.g_b = "accepted", request.g_b
        call.answered_by = session
        self.push(call.caller.user,
                  Obj("phoneCallAccepted", **call.sides(call.caller.user),
                      g_b=call.g_b, protocol=call.agreed), only=call.caller)
        # The account's other devices stop ringing.
        self.push(call.callee, self.discarded(call), but=session)
        return self._phone(self.waiting(call, session.user),
                           *self._both(call))

    def _phone_confirmCall(self, session: Session, request: Obj) -> Obj:
        call = self._call(session, request.peer)
        if call.state == "discarded":
            raise RpcError(400, "CALL_ALREADY_DECLINED")
        if call.state != "accepted":
            raise RpcError(400, "CALL_PEER_INVALID")
        if not 0 < len(request.g_a) <= 256:
            raise RpcError(400, "DH_G_A_INVALID")
        call.state, call.g_a = "active", request.g_a
        call.fingerprint = request.key_fingerprint
        self.push(call.callee, self.active(call, call.callee),
                  only=call.answered_by)
        return self._phone(self.active(call, session.user),
                           *self._both(call))

    def _phone_discardCall(self, session: Session, request: Obj) -> Obj:
        call = self._call(session, request.peer)
        if request.reason._name not in REASONS:
            raise RpcError(400, "REASON_INVALID")
        if call.state == "discarded":
            raise RpcError(400, "CALL_ALREADY_DECLINED")
        self.end(call, request.reason._name, request.duration, session)
        return self._updates(Obj("updatePhoneCall",
                                 phone_call=self.discarded(call)))

    def end(self, call: ServerCall, reason: Optional[str], duration: int = 0,
            by: Optional[Session] = None) -> None:
        """End a call and tell everybody but `by`."""
        call.state, call.reason = "discarded", reason
        call.duration = duration or None
        for user in self._both(call):
            self.push(user, self.discarded(call), but=by)

    def _phone_setCallRating(self, session: Session, request: Obj) -> Obj:
        self._call(session, request.peer)
        if not 1 <= request.rating <= 5:
            raise RpcError(400, "RATING_INVALID")
        self.ratings.append(request)
        return self._updates()

    def _phone_saveCallDebug(self, session: Session, request: Obj) -> Obj:
        self._call(session, request.peer)
        self.debug_logs.append(request)
        return Obj("boolTrue")

    # -- a check for tests ----------------------------------------------------

    def check_commitment(self, call: ServerCall) -> bool:
        """What an honest callee would find."""
        return hashlib.sha256(call.g_a).digest() == call.g_a_hash
