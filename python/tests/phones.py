# SPDX-License-Identifier: MIT
"""Accounts on the scripted Telegram with `tgvoip.aio` clients on top."""
import asyncio
import contextlib
import os

import companions
from telegram import Relay, Telegram
from telegram.clients import close_client, open_client
from telegram.clock import run_jumping
from tgvoip.aio import Client

LIBRARY = os.environ.get("TGVOIP_TEST_LIBRARY", "telethon")
if LIBRARY == "telethon":
    companions.provide(LIBRARY)
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                    "tests", "data")


@contextlib.asynccontextmanager
async def world(count=2, port=1, library=LIBRARY, kind=None, **options):
    """A server and so many clients: `async with world() as (server, a, b)`.
    `client.phone` is the library's client, `client.user` the account.
    `kind(i)` is the class of the i-th, `Client` if not given."""
    server = Telegram()
    server.relays = [Relay(port=port)]
    users = [server.add_user(f"User{i}") for i in range(count)]
    clients = []
    try:
        for i, user in enumerate(users):
            phone = await open_client(library, server, user)
            client = (kind(i) if kind else Client)(phone, **options)
            client.phone, client.user = phone, user
            clients.append(client)
            await client.start()
        await asyncio.sleep(0)
        yield (server, *clients)
    finally:
        for client in clients:
            await client.close()
            await close_client(client.phone)


def run(main, limit=60):
    """In real time, for calls with media."""
    async def limited():
        return await asyncio.wait_for(main, limit)

    return asyncio.run(limited())


def run_fast(main):
    """Without waiting, for calls that come to nothing."""
    return run_jumping(main)


async def until(condition, limit=20):
    loop = asyncio.get_running_loop()
    end = loop.time() + limit
    while not condition():
        assert loop.time() < end, "it has not come"
        await asyncio.sleep(0.005)


def discards(server, user=None):
    """Reasons of phone.discardCall, shortened."""
    return [r.reason._name.replace("phoneCallDiscardReason", "")
            for r in server.requests("phone.discardCall", user)]
