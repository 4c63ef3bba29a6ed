# SPDX-License-Identifier: MIT
"""The scripted Telegram itself: a whole call by hand, with each library."""
import asyncio
import hashlib
import random

import pytest

import companions
from telegram import RpcError, Telegram
from telegram.clients import close_client, open_client
from telegram.clock import run_jumping
from telegram.server import PRIME, Obj


def libraries():
    companions.provide("telethon")
    found = []
    for name in ("telethon", "pyrogram"):
        try:
            __import__(name)
        except ImportError:
            continue
        found.append(name)
    return found


class Hand:
    """A client used without any of our code."""

    def __init__(self, library, client, user):
        self.library, self.client, self.user = library, client, user
        self.updates = asyncio.Queue()
        if library == "telethon":
            from telethon import events
            from telethon.tl import functions, types

            async def arrived(update):
                self.updates.put_nowait(update.phone_call)

            client.add_event_handler(
                arrived, events.Raw(types.UpdatePhoneCall))
        else:
            from pyrogram.handlers import RawUpdateHandler
            from pyrogram.raw import functions, types

            async def arrived(_client, update, users, chats):
                if isinstance(update, types.UpdatePhoneCall):
                    self.updates.put_nowait(update.phone_call)

            client.add_handler(RawUpdateHandler(arrived))
        self.types, self.functions = types, functions

    def method(self, name, **fields):
        space, _, last = name.partition(".")
        module = getattr(self.functions, space)
        suffix = "Request" if self.library == "telethon" else ""
        query = getattr(module, last + suffix)(**fields)
        if self.library == "telethon":
            return self.client(query)
        send = getattr(self.client, "invoke", None) or self.client.send
        return send(query)

    async def next(self):
        return await asyncio.wait_for(self.updates.get(), 5)

    def protocol(self):
        return self.types.PhoneCallProtocol(
            min_layer=65, max_layer=92, udp_p2p=True, udp_reflector=True,
            library_versions=["2.4.4"])


async def by_hand(library):
    server = Telegram()
    server.need_rating = True
    a, b = server.add_user("Anna"), server.add_user("Boris")
    one = Hand(library, await open_client(library, server, a), a)
    two = Hand(library, await open_client(library, server, b), b)
    await asyncio.sleep(0)
    p = int.from_bytes(PRIME, "big")

    config = await one.method("help.GetConfig")
    assert config.call_ring_timeout_ms == 90000
    dh = await one.method("messages.GetDhConfig", version=0,
                          random_length=256)
    assert dh.p == PRIME and dh.g == 3 and len(dh.random) == 256
    x, y = (random.randrange(2, p - 1) for _ in "ab")
    g_a = pow(3, x, p).to_bytes(256, "big")
    g_b = pow(3, y, p).to_bytes(256, "big")

    result = await one.method(
        "phone.RequestCall",
        user_id=one.types.InputUser(user_id=b.id, access_hash=b.access_hash),
        random_id=77, g_a_hash=hashlib.sha256(g_a).digest(),
        protocol=one.protocol())
    waiting = result.phone_call
    assert type(waiting).__name__ == "PhoneCallWaiting"
    assert (waiting.admin_id, waiting.participant_id) == (a.id, b.id)
    peer_a = one.types.InputPhoneCall(id=waiting.id,
                                      access_hash=waiting.access_hash)

    requested = await two.next()
    assert type(requested).__name__ == "PhoneCallRequested"
    assert requested.access_hash != waiting.access_hash
    peer_b = two.types.InputPhoneCall(id=requested.id,
                                      access_hash=requested.access_hash)
    assert await two.method("phone.ReceivedCall", peer=peer_b)
    assert (await one.next()).receive_date
    result = await two.method("phone.AcceptCall", peer=peer_b, g_b=g_b,
                              protocol=two.protocol())
    assert type(result.phone_call).__name__ == "PhoneCallWaiting"
    accepted = await one.next()
    assert accepted.g_b == g_b
    result = await one.method("phone.ConfirmCall", peer=peer_a, g_a=g_a,
                              key_fingerprint=-5, protocol=one.protocol())
    assert result.phone_call.g_a_or_b == g_b
    active = await two.next()
    assert active.g_a_or_b == g_a and active.key_fingerprint == -5
    tags = [c.phone_call.connections[0].peer_tag if hasattr(c, "phone_call")
            else c.connections[0].peer_tag for c in (result, active)]
    assert tags[0] != tags[1] and tags[0][:15] == tags[1][:15]
    await two.method("phone.DiscardCall", peer=peer_b, duration=3,
                     reason=two.types.PhoneCallDiscardReasonHangup(),
                     connection_id=active.connections[0].id)
    ended = await one.next()
    assert ended.duration == 3 and ended.need_rating
    with pytest.raises(Exception) as failure:
        await one.method("phone.DiscardCall", peer=peer_a, duration=3,
                         reason=two.types.PhoneCallDiscardReasonHangup(),
                         connection_id=0)
    assert "ALREADY" in str(failure.value).upper().replace(" ", "_")
    for hand in (one, two):
        await close_client(hand.client)


@pytest.mark.parametrize("library", libraries())
def test_a_whole_call_by_hand(library, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)     # Pyrogram notes unknown errors there
    run_jumping(by_hand(library))


@pytest.mark.parametrize("library", libraries())
def test_faults_on_order(library, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def main():
        server = Telegram()
        user = server.add_user("Anna")
        client = await open_client(library, server, user)
        hand = Hand(library, client, user)
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        server.fault("help.getConfig", error=RpcError(400, "CALL_PEER_INVALID"))
        with pytest.raises(Exception, match="(?i)peer"):
            await hand.method("help.GetConfig")
        server.fault("help.getConfig:result", delay=30)
        t = loop.time()
        try:
            await hand.method("help.GetConfig")
        except (TimeoutError, asyncio.TimeoutError):
            pass    # the library's own patience
        assert loop.time() - t >= 10
        call = Obj("phoneCallEmpty", id=5)
        server.fault("phoneCallEmpty", drop=True)
        server.push(user, call)
        server.fault("phoneCallEmpty", twice=True)
        server.push(user, call)
        server.fault("phoneCallEmpty", delay=9)
        server.push(user, call)
        server.push(user, call.but(id=6))
        got = [(await asyncio.wait_for(hand.updates.get(), 20)).id
               for _ in range(4)]
        assert got == [5, 5, 6, 5] or got == [6, 5, 5, 5]
        assert hand.updates.empty()
        await close_client(client)

    run_jumping(main())
