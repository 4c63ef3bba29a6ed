# SPDX-License-Identifier: MIT
"""Clients of the real libraries whose wire ends at the scripted server.

What is replaced is the sending of one request and the arrival of updates; the
library's own code for everything above (retries, flood waits, errors, peers,
dispatching to handlers) runs as it does for its users.
"""
import asyncio
import time
from typing import Any, List

from .server import Lost, Obj, RpcError, Telegram, User
from .tl import PyrogramDialect, TelethonDialect


class Link:
    """One device: requests to the server, updates from it, as TL objects of
    the library."""

    def __init__(self, server: Telegram, user: User, dialect: Any,
                 arrived: Any) -> None:
        self.server, self.user, self.dialect = server, user, dialect
        self.arrived = arrived
        self.down = False       # the connection is lost
        self.session = server.connect(user, self._push)

    def _push(self, update: Obj) -> None:
        if not self.down:
            self.arrived(self.dialect.to_library(Obj(
                "updates", updates=[update],
                users=[u.tl(self.user) for u in self.server.users.values()],
                chats=[], date=int(time.time()), seq=0)))

    async def ask(self, request: Any) -> Any:
        if self.down:
            raise ConnectionError("the wire is cut")
        neutral = self.dialect.to_neutral(request)
        result = await self.server.handle(self.session, neutral)
        return self.dialect.to_library(result)

    def close(self) -> None:
        if not self.session.closed:
            self.server.disconnect(self.session)


# -- Telethon ------------------------------------------------------------------

def telethon_client(server: Telegram, user: User) -> Any:
    """A `telethon.TelegramClient` that is connected and logged in."""
    from telethon import TelegramClient
    from telethon.errors import rpc_message_to_error
    from telethon.sessions import MemorySession

    client = TelegramClient(MemorySession(), 1, "0" * 32,
                            receive_updates=True)
    loop = asyncio.get_running_loop()
    order: "asyncio.Queue[Any]" = asyncio.Queue()

    async def ask(request: Any, future: "asyncio.Future[Any]") -> None:
        try:
            result = await link.ask(request)
        except RpcError as error:
            raised: Exception = rpc_message_to_error(
                _TelethonError(error), request)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            raised = error
        else:
            if not future.done():
                future.set_result(result)
            return
        if not future.done():
            future.set_exception(raised)

    class Sender:
        def send(self, request: Any, ordered: bool = False) -> Any:
            future = loop.create_future()
            task = loop.create_task(ask(request, future))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            return future

        def is_connected(self) -> bool:
            return not link.down

        def _transport_connected(self) -> bool:
            return not link.down

        async def disconnect(self) -> None:
            link.close()

    async def dispatch() -> None:
        while True:
            updates = await order.get()
            await client.session.process_entities(updates) if (
                asyncio.iscoroutinefunction(client.session.process_entities)
            ) else client.session.process_entities(updates)
            for update in updates.updates:
                update._entities = {}
                # As the library: a task for each, in order of arrival.
                task = loop.create_task(client._dispatch_update(update))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    tasks: set = set()
    link = Link(server, user, TelethonDialect(), order.put_nowait)
    client._sender = Sender()
    client._loop = loop
    client._mb_entity_cache.set_self_user(user.id, False, user.access_hash)
    client.link = link
    dispatcher = loop.create_task(dispatch())
    client.link_tasks = lambda: [dispatcher, *tasks]
    return client


class _TelethonError:
    def __init__(self, error: RpcError) -> None:
        self.error_code, self.error_message = error.code, error.name


# -- Pyrogram 1.4 and Kurigram ---------------------------------------------------

def pyrogram_client(server: Telegram, user: User) -> Any:
    """A `pyrogram.Client` that is started. Needs `await start_pyrogram()`."""
    import pyrogram
    if hasattr(pyrogram.Client, "invoke"):
        return pyrogram.Client("test", api_id=1, api_hash="0" * 32,
                               in_memory=True)
    return pyrogram.Client(":memory:", 1, "0" * 32)


async def start_pyrogram(client: Any, server: Telegram, user: User) -> Any:
    from pyrogram.errors import RPCError
    from pyrogram.raw import types
    from pyrogram.session import Session

    dialect = PyrogramDialect()
    loop = asyncio.get_running_loop()
    order: "asyncio.Queue[Any]" = asyncio.Queue()

    async def one(request: Any, timeout: float) -> Any:
        try:
            return await asyncio.wait_for(link.ask(request), timeout)
        except asyncio.TimeoutError:
            raise TimeoutError("Request timed out") from None
        except RpcError as error:
            query = getattr(request, "query", request)
            RPCError.raise_it(types.RpcError(
                error_code=error.code, error_message=error.name), type(query))

    class Wire(Session):
        async def _send(self, data: Any, wait_response: bool = True,
                        timeout: float = Session.WAIT_TIMEOUT) -> Any:
            return await one(data, timeout)

        if hasattr(Session, "invoke"):
            async def send(self, data: Any, wait_response: bool = True,
                           timeout: float = Session.WAIT_TIMEOUT) -> Any:
                return await one(data, timeout)

        async def start(self) -> None:
            getattr(self, "is_started", self.is_connected).set()

        async def stop(self) -> None:
            pass

    link = Link(server, user, dialect, order.put_nowait)
    await client.storage.open()
    for call, value in (("user_id", user.id), ("is_bot", False),
                        ("dc_id", 2), ("test_mode", False)):
        await getattr(client.storage, call)(value)
    client.loop = loop
    client.session = Wire.__new__(Wire)
    client.session.client = client
    client.session.is_connected = asyncio.Event()
    client.session.is_started = asyncio.Event()
    client.session.is_connected.set()
    client.session.is_started.set()
    client.is_connected = True
    client.is_initialized = True
    client.dispatcher.loop = loop
    await client.dispatcher.start()
    await client.fetch_peers([dialect.to_library(u.tl(user))
                              for u in server.users.values()])
    client.me = await client.get_me()

    async def dispatch() -> None:
        while True:
            await client.handle_updates(await order.get())

    client.link = link
    dispatcher = loop.create_task(dispatch())
    client.link_tasks = lambda: [dispatcher]
    return client


# -- any -------------------------------------------------------------------------

async def open_client(library: str, server: Telegram, user: User) -> Any:
    """@param library "telethon" or "pyrogram" (also Kurigram)"""
    if library == "telethon":
        return telethon_client(server, user)
    return await start_pyrogram(pyrogram_client(server, user), server, user)


async def close_client(client: Any) -> None:
    client.link.close()
    tasks: List[Any] = client.link_tasks()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if hasattr(client, "dispatcher"):
        await client.dispatcher.stop()
        await client.storage.close()


__all__ = ["Link", "Lost", "close_client", "open_client", "pyrogram_client",
           "start_pyrogram", "telethon_client"]
