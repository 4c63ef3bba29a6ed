# SPDX-License-Identifier: MIT
"""The founding guide, list by list, each step in its order and as written
there, against the scripted Telegram: a caller and a callee made of nothing but
the module `tgvoip`, a client library, and the guide."""
import asyncio
import hashlib
import random

import pytest

import companions
from telegram import RpcError, Telegram
from telegram import Relay as ServerRelay
from telegram.clients import close_client, open_client
from telegram.server import PRIME
from tgvoip import (CallState, DataSaving, Endpoint, VoIPController,
                    VoIPServerConfig)
from tgvoip.utils import (b2i, calc_fingerprint, check_dhc, check_g,
                          generate_visualization, i2b)

sha256 = hashlib.sha256


def padded(value):
    """The guide writes i2b(value); one value in 256 is shorter than it
    should be then."""
    return i2b(value).rjust(256, b"\0")


class Stopped(Exception):
    """"If check is not passed, stop the call"."""


def check_equal(one, other):
    if not one or one != other:
        raise ValueError("not equal")


def discard_reason(types, name):
    return getattr(types, "PhoneCallDiscardReason" + name)()


class Guide:
    """One account that follows the guide."""

    def __init__(self, client, user):
        from telethon import events
        from telethon.tl import functions, types
        self.client, self.user = client, user
        self.functions, self.types = functions, types
        self.updates = asyncio.Queue()
        self.states, self.bars, self.heard = [], [], []
        self.ctrl = self.auth_key = self.g_a = None
        self.patience = 10

        async def arrived(update):
            self.updates.put_nowait(update.phone_call)

        client.add_event_handler(arrived, events.Raw(types.UpdatePhoneCall))

    # -- Common -----------------------------------------------------------------

    def protocol(self):
        """"You should have a protocol object" (and what newer layers add)."""
        return self.types.PhoneCallProtocol(
            min_layer=65, max_layer=VoIPController.CONNECTION_MAX_LAYER,
            udp_p2p=True, udp_reflector=True, library_versions=["2.4.4"])

    async def update(self, *kinds):
        """"All VoIP-related updates have type of updatePhoneCall"."""
        while True:
            call = await asyncio.wait_for(self.updates.get(), self.patience)
            assert type(call).__name__ in (
                "PhoneCallEmpty", "PhoneCallWaiting", "PhoneCallRequested",
                "PhoneCallAccepted", "PhoneCall", "PhoneCallDiscarded")
            if type(call).__name__ in kinds:
                return call

    def emoji(self):
        """"Use generate_visualization() with auth_key and g_a for outgoing or
        g_a_or_b for incoming calls"."""
        return generate_visualization(self.auth_key, self.g_a)

    # -- Starting conversation -----------------------------------------------------

    async def start_conversation(self, call, is_outgoing):
        # 1. Create a VoIPController instance
        ctrl = self.ctrl = VoIPController(logs_dir=None)
        # 2. set_send_audio_frame_callback() if needed
        ctrl.set_send_audio_frame_callback(lambda length: b"\1\2" * 480)
        # 3. set_recv_audio_frame_callback() if needed
        ctrl.set_recv_audio_frame_callback(self.heard.append)
        # 4. state change handlers, 5. signal bars change handlers
        ctrl.call_state_changed_handlers.append(self.states.append)
        ctrl.signal_bars_changed_handlers.append(self.bars.append)
        # 6. Invoke help.getConfig()
        config = await self.client(self.functions.help.GetConfigRequest())
        # 7. set_config()
        ctrl.set_config(config.call_packet_timeout_ms / 1000.,
                        config.call_connect_timeout_ms / 1000.,
                        DataSaving.NEVER, call.id)
        # 8. set_encryption_key()
        ctrl.set_encryption_key(padded(self.auth_key), is_outgoing)
        # 9. Build a list of Endpoint objects
        connections = (call.connections if hasattr(call, "connections")
                       else [call.connection] + call.alternative_connections)
        endpoints = [Endpoint(c.id, c.ip, c.ipv6, c.port, c.peer_tag)
                     for c in connections]
        # 10. set_remote_endpoints()
        ctrl.set_remote_endpoints(endpoints, bool(call.p2p_allowed), False,
                                  call.protocol.max_layer)
        # 11. start(), 12. connect()
        ctrl.start()
        ctrl.connect()

    # -- Discarding call -------------------------------------------------------------

    async def discard(self, call, reason, access_hash):
        # 1. Build peer
        peer = self.types.InputPhoneCall(id=call.id, access_hash=access_hash)
        # 2. Get call duration
        duration = self.ctrl.call_duration
        # 3. Get connection ID
        connection_id = self.ctrl.get_preferred_relay_id()
        # 4. Build a suitable reason object
        reason = discard_reason(self.types, reason)
        # 5. Invoke; CALL_ALREADY_DECLINED is fine
        from telethon.errors import CallAlreadyDeclinedError
        declined = False
        try:
            await self.client(self.functions.phone.DiscardCallRequest(
                peer=peer, duration=duration, connection_id=connection_id,
                reason=reason))
        except CallAlreadyDeclinedError:
            declined = True
        # 6. Destroy the VoIPController object
        self.ctrl = None
        return declined

    async def check(self, call, check, *values):
        """Stop the call if a check is not passed: it is discarded without
        duration and relay, since there is no controller."""
        try:
            check(*values)
        except ValueError:
            self.auth_key = None
            await self.client(self.functions.phone.DiscardCallRequest(
                peer=self.types.InputPhoneCall(
                    id=call.id, access_hash=call.access_hash),
                duration=0, connection_id=0,
                reason=discard_reason(self.types, "Disconnect")))
            raise Stopped(check.__name__) from None

    # -- Ending conversation -----------------------------------------------------------

    async def end(self, call, access_hash):
        # 1. Send call rating and debug log if call ended normally
        peer = self.types.InputPhoneCall(id=call.id, access_hash=access_hash)
        if call.need_debug:
            await self.client(self.functions.phone.SaveCallDebugRequest(
                peer=peer, debug=self.types.DataJSON(
                    data=self.ctrl.get_debug_log())))
        if call.need_rating or self.ctrl.need_rate():
            await self.client(self.functions.phone.SetCallRatingRequest(
                peer=peer, rating=5, comment=""))
        # 2. Destroy the VoIPController object, everything will be done
        self.ctrl = None

    # -- Making outgoing calls -----------------------------------------------------------

    async def dh_config(self):
        return await self.client(self.functions.messages.GetDhConfigRequest(
            version=0, random_length=256))

    async def make_call(self, peer):
        # 1. Get a user_id object
        user_id = self.types.InputUser(peer.id, peer.access_hash)
        # 2. Request a Diffie-Hellman config, 3. check it. If check is not
        #    passed, do not make the call
        dhc = await self.dh_config()
        p = b2i(dhc.p)
        check_dhc(dhc.g, p)
        # 4. Choose a random value a, 1 < a < dhc.p-1
        a = random.SystemRandom().randrange(2, p - 1)
        # 5. Calculate g_a, 6. g_a_hash
        self.g_a = pow(dhc.g, a, p)
        g_a_hash = sha256(padded(self.g_a)).digest()
        # 7. Choose a random value random_id
        random_id = random.randint(0, 0x7fffffff - 1)
        # 8. Invoke phone.requestCall
        waiting = (await self.client(self.functions.phone.RequestCallRequest(
            user_id=user_id, random_id=random_id, g_a_hash=g_a_hash,
            protocol=self.protocol()))).phone_call
        # 9. Wait for an update with phoneCallAccepted or phoneCallDiscarded
        call = await self.update("PhoneCallAccepted", "PhoneCallDiscarded")
        # 10. If you have got a phoneCallDiscarded object, stop
        if type(call).__name__ == "PhoneCallDiscarded":
            return call, waiting.access_hash
        # 11. Check a g_b value
        await self.check(call, check_g, b2i(call.g_b), p)
        # 12. Calculate auth_key, 13. key_fingerprint
        self.auth_key = pow(b2i(call.g_b), a, p)
        key_fingerprint = calc_fingerprint(padded(self.auth_key))
        # 14. Build peer
        peer = self.types.InputPhoneCall(id=call.id,
                                         access_hash=call.access_hash)
        # 15. Invoke phone.confirmCall
        result = await self.client(self.functions.phone.ConfirmCallRequest(
            key_fingerprint=key_fingerprint, peer=peer,
            g_a=padded(self.g_a), protocol=self.protocol()))
        await self.check(call, check_equal, key_fingerprint,
                         result.phone_call.key_fingerprint)
        # 16. Start the conversation
        await self.start_conversation(result.phone_call, True)
        return result.phone_call, call.access_hash

    # -- Receiving calls ---------------------------------------------------------------------

    async def receive_call(self, at_once=None):
        # 1. You will receive an update containing phoneCallRequested; you
        #    might discard it right away (use 0 for duration and connection_id)
        call = await self.update("PhoneCallRequested")
        peer = self.types.InputPhoneCall(id=call.id,
                                         access_hash=call.access_hash)
        if at_once:
            await self.client(self.functions.phone.DiscardCallRequest(
                peer=peer, duration=0, connection_id=0,
                reason=discard_reason(self.types, at_once)))
            return call, call.access_hash
        # 2. Request a Diffie-Hellman config, 3. check it
        dhc = await self.dh_config()
        p = b2i(dhc.p)
        await self.check(call, check_dhc, dhc.g, p)
        # 4. Choose a random value b, 5. calculate g_b
        b = random.SystemRandom().randrange(2, p - 1)
        g_b = pow(dhc.g, b, p)
        # 6. Save call.g_a_hash, 7. build peer (above)
        g_a_hash = call.g_a_hash
        # 8. Invoke phone.acceptCall
        result = await self.client(self.functions.phone.AcceptCallRequest(
            peer=peer, g_b=padded(g_b), protocol=self.protocol()))
        if type(result.phone_call).__name__ == "PhoneCallDiscarded":
            return result.phone_call, call.access_hash
        # 9. Wait for an update with phoneCall object
        call = await self.update("PhoneCall", "PhoneCallDiscarded")
        if type(call).__name__ == "PhoneCallDiscarded":
            return call, None
        # 10. Check that g_a_or_b is not empty and its hash is g_a_hash
        await self.check(call, check_equal, call.g_a_or_b and
                         sha256(call.g_a_or_b).digest(), g_a_hash)
        # 11. Check g_a_or_b
        self.g_a = b2i(call.g_a_or_b)
        await self.check(call, check_g, self.g_a, p)
        # 12. Calculate auth_key, 13. key_fingerprint, 14. compare
        self.auth_key = pow(self.g_a, b, p)
        await self.check(call, check_equal, call.key_fingerprint,
                         calc_fingerprint(padded(self.auth_key)))
        # 15. Start the conversation
        await self.start_conversation(call, False)
        return call, call.access_hash


async def two(port):
    server = Telegram()
    server.relays = [ServerRelay(port=port)]
    users = server.add_user("Anna"), server.add_user("Boris")
    guides = [Guide(await open_client("telethon", server, u), u)
              for u in users]
    return server, guides


async def eventually(condition):
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it has not come")


async def talk(server, anna, boris):
    (call_a, hash_a), (call_b, hash_b) = await asyncio.gather(
        anna.make_call(boris.user), boris.receive_call())
    await eventually(lambda: CallState.ESTABLISHED in anna.states
                     and CallState.ESTABLISHED in boris.states)
    await eventually(lambda: anna.heard and boris.heard)
    return call_a, hash_a, call_b, hash_b


@pytest.fixture
def guided(relay):
    companions.provide("telethon")
    pytest.importorskip("telethon")

    def run(body):
        async def main():
            server, guides = await two(relay.port)
            try:
                await asyncio.wait_for(body(server, *guides), 40)
            finally:
                for guide in guides:
                    guide.ctrl = None
                    await close_client(guide.client)

        asyncio.run(main())

    return run


def test_guide_common_and_starting_conversation(guided):
    async def body(server, anna, boris):
        await talk(server, anna, boris)
        assert anna.emoji() == boris.emoji()
        emoji, names = anna.emoji()
        assert len(emoji) == len(names) == 4
        # "auth_key" of the guide is a number; the key itself will do as well
        assert generate_visualization(
            padded(anna.auth_key), padded(anna.g_a)) == anna.emoji()
        assert all(len(f) == 1920 for f in anna.heard + boris.heard)

    guided(body)


def test_guide_discarding_call(guided):
    async def body(server, anna, boris):
        call_a, hash_a, call_b, hash_b = await talk(server, anna, boris)
        await asyncio.sleep(1.1)
        assert not await anna.discard(call_a, "Hangup", hash_a)
        request, = server.requests("phone.discardCall")
        assert request.duration >= 1
        assert request.connection_id == server.relays[0].id
        assert await boris.discard(call_b, "Hangup", hash_b)

    guided(body)


def test_guide_ending_conversation(guided):
    async def body(server, anna, boris):
        server.need_rating = server.need_debug = True
        call_a, hash_a, call_b, hash_b = await talk(server, anna, boris)
        await anna.discard(call_a, "Hangup", hash_a)
        ended = await boris.update("PhoneCallDiscarded")
        await boris.end(ended, hash_b)
        assert server.ratings[0].rating == 5
        assert "2.4.4" in server.debug_logs[0].debug.data

    guided(body)


def test_guide_making_outgoing_calls(guided):
    async def body(server, anna, boris):
        call, _ = (await asyncio.gather(
            anna.make_call(boris.user),
            boris.receive_call(at_once="Busy")))[0]
        assert type(call).__name__ == "PhoneCallDiscarded"
        assert type(call.reason).__name__ == "PhoneCallDiscardReasonBusy"
        await talk(server, anna, boris)

    guided(body)


def test_guide_receiving_calls(guided):
    async def body(server, anna, boris):
        await talk(server, anna, boris)
        call = list(server.calls.values())[-1]
        assert server.check_commitment(call)

    guided(body)


P = b2i(PRIME)
OUT_OF_RANGE = {"0": 0, "1": 1, "p-1": P - 1, "p": P, "2^1984": 2**1984,
                "p-2^1984": P - 2**1984}


def bad(value):
    return value.to_bytes(256, "big")


def bad_g_b(server, value):
    server.fault("phoneCallAccepted", change=lambda o: o.but(g_b=bad(value)))


def bad_g_a(server, value):
    """Out of range, and yet what its hash has promised."""
    server.fault("phoneCallRequested", change=lambda o: o.but(
        g_a_hash=sha256(bad(value)).digest()))
    server.fault("phoneCall", change=lambda o: o.but(g_a_or_b=bad(value)))


def bad_field(name, change):
    def spoil(server, field):
        server.fault(name, change=lambda o: o.but(
            **{field: change(getattr(o, field))}))

    return spoil


def bad_result(server, field):
    server.fault("phone.confirmCall:result", change=lambda r: r.but(
        phone_call=r.phone_call.but(
            **{field: getattr(r.phone_call, field) ^ 1})))


def bad_dhc(server, changes):
    server.fault("messages.getDhConfig:result",
                 user=list(server.users.values())[1],
                 change=lambda o: o.but(**changes))


def flipped(data):
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize("who, why, spoil, what", [
    *(pytest.param("caller", "check_g", bad_g_b, value, id=f"g_b-{name}")
      for name, value in OUT_OF_RANGE.items()),
    pytest.param("caller", "check_equal", bad_result, "key_fingerprint",
                 id="fingerprint-of-the-result"),
    *(pytest.param("callee", "check_dhc", bad_dhc, {"g": g}, id=f"g-{g}")
      for g in (1, 2, 5, 6, 8)),
    pytest.param("callee", "check_dhc", bad_dhc, {"p": bad(P + 2)},
                 id="p-composite"),
    pytest.param("callee", "check_dhc", bad_dhc, {"p": PRIME[1:]},
                 id="p-short"),
    *(pytest.param("callee", "check_g", bad_g_a, value, id=f"g_a-{name}")
      for name, value in OUT_OF_RANGE.items()),
    pytest.param("callee", "check_equal",
                 bad_field("phoneCall", lambda g_a: b""), "g_a_or_b",
                 id="g_a-empty"),
    pytest.param("callee", "check_equal", bad_field("phoneCall", flipped),
                 "g_a_or_b", id="g_a-not-what-was-promised"),
    pytest.param("callee", "check_equal",
                 bad_field("phoneCallRequested", flipped), "g_a_hash",
                 id="g_a_hash"),
    pytest.param("callee", "check_equal",
                 bad_field("phoneCall", lambda f: f ^ 1), "key_fingerprint",
                 id="fingerprint"),
])
def test_guide_checks_stop_the_call(guided, who, why, spoil, what):
    """One thing is spoiled at a time, and exactly that check notices: no key,
    no controller, and the server is told of a failure."""
    async def body(server, anna, boris):
        spoil(server, what)
        callee = asyncio.ensure_future(boris.receive_call())
        caller = asyncio.ensure_future(anna.make_call(boris.user))
        stopping, stopped = ((caller, anna) if who == "caller"
                             else (callee, boris))
        with pytest.raises(Stopped) as failure:
            await stopping
        assert str(failure.value) == why
        assert stopped.auth_key is None and stopped.ctrl is None
        request, = server.requests("phone.discardCall")
        assert request.reason._name == "phoneCallDiscardReasonDisconnect"
        assert (request.duration, request.connection_id) == (0, 0)
        assert server.requests("phone.discardCall", stopped.user)
        assert server.calls[request.peer.id].state == "discarded"
        await asyncio.gather(caller, callee, return_exceptions=True)

    guided(body)


@pytest.mark.parametrize("change", [dict(g=2), dict(p=bad(P + 2))],
                         ids=["g", "p"])
def test_guide_no_call_with_bad_parameters(guided, change):
    async def body(server, anna, boris):
        server.fault("messages.getDhConfig:result",
                     change=lambda o: o.but(**change))
        with pytest.raises(ValueError):
            await anna.make_call(boris.user)
        assert not server.requests("phone.requestCall")
        assert anna.g_a is anna.auth_key is anna.ctrl is None

    guided(body)


@pytest.mark.parametrize("error", ["CALL_ALREADY_DISCARDED",
                                   "CALL_ALREADY_ACCEPTED"])
def test_guide_errors_of_accept_call_stop_it(guided, error):
    async def body(server, anna, boris):
        from telethon.errors import RPCError
        server.fault("phone.acceptCall", error=RpcError(400, error))
        caller = asyncio.ensure_future(anna.make_call(boris.user))
        with pytest.raises(RPCError):
            await boris.receive_call()
        assert boris.auth_key is boris.ctrl is None
        assert not server.requests("phone.discardCall")
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)

    guided(body)


def test_guide_common_server_configuration(guided):
    """phone.getCallConfig goes to VoIPServerConfig before a controller is
    made."""
    async def body(server, anna, boris):
        result = await anna.client(
            anna.functions.phone.GetCallConfigRequest())
        before = dict(VoIPServerConfig.config)
        VoIPServerConfig.set_config(result.data)
        await talk(server, anna, boris)
        VoIPServerConfig.set_config(before)

    guided(body)
