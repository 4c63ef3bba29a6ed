# SPDX-License-Identifier: MIT
"""The calls of one account."""
import asyncio
import inspect
import logging
from types import TracebackType
from typing import (Any, AsyncIterator, Awaitable, Callable, Dict, Optional,
                    Set, Type)

from .._errors import as_bool, as_enum, as_int, wrong_type
from .._proxy import parse_proxy
from .._types import DataSaving, NetType
from ._account import Account
from ._feed import Feeds, check_loop
from ._signaling import Leg, Signaling
from .call import Call

log = logging.getLogger("tgvoip.aio")

Handler = Callable[[Call], Awaitable[None]]


class Client:
    """Makes and takes calls with an account.

    :param client: a logged-in client of Telethon, Pyrogram or Kurigram, or
        an object with the methods of `tgvoip.aio.Adapter`, or a
        `tgvoip.adapters.tdlib.TdlibAdapter`
    :param busy: what happens to an incoming call during another one:
        `"reject"` refuses it as busy, `"ring"` offers it too; one at a time
        is answered
    :param direct: may the call go straight to the other side, without a
        relay, if the server and the other side want it too? The other side
        learns the address of this machine then
    :param complexity: of the encoder, 0 (least work) to 10
    :param allow_v1: accept the old encryption that layers below 74 have
    :param network_type: the network that this machine is on
    :param data_saving: when to use less data
    :param proxy: `"socks5://[user:password@]host:port"` for the audio of all
        calls; what is special in a URL is written as %XX. Nothing of a call
        goes past it, and none is direct. The client library has a proxy of
        its own

    Use it with `async with`, or call `start()` and `close()`.
    """

    def __init__(self, client: Any, *, busy: str = "reject",
                 direct: bool = True, complexity: int = 10,
                 allow_v1: bool = False,
                 network_type: NetType = NetType.UNKNOWN,
                 data_saving: DataSaving = DataSaving.NEVER,
                 proxy: Optional[str] = None) -> None:
        self.direct = as_bool("direct", direct)
        self.proxy = parse_proxy(proxy)
        self.complexity = as_int("complexity", complexity, 0, 10)
        self.allow_v1 = as_bool("allow_v1", allow_v1)
        self.network_type = as_enum("network_type", network_type, NetType)
        self.data_saving = as_enum("data_saving", data_saving, DataSaving)
        self.user_id = 0
        self._signaling: Signaling
        if hasattr(client, "new_leg"):
            self._signaling = client
        else:
            from ..adapters import adapter_for
            self._signaling = Account(adapter_for(client), busy=busy,
                                      forbid_p2p=not self.direct)
        self._calls: Dict[int, Call] = {}
        self._handler: Optional[Handler] = None
        self._listeners: "Feeds[Call]" = Feeds()
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._tasks: "Set[asyncio.Task[Any]]" = set()
        self._running = False

    # -- life ------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to listen for calls."""
        if self._running:
            raise RuntimeError("start: the client is running")
        self._running = True
        self._loop = asyncio.get_running_loop()
        try:
            self.user_id = await self._signaling.start(self._incoming)
        except BaseException:
            self._running = False
            raise

    async def close(self) -> None:
        """Hang up all calls, wait until that is done, and listen no more."""
        if not self._running:
            return
        check_loop(self._loop, "close")
        self._running = False
        self._listeners.end()
        calls = list(self._calls.values())
        if calls:
            await asyncio.gather(*(call.hang_up() for call in calls),
                                 return_exceptions=True)
        for task in self._tasks:
            task.cancel()
        await self._signaling.stop()

    async def __aenter__(self) -> "Client":
        await self.start()
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]],
                        error: Optional[BaseException],
                        trace: Optional[TracebackType]) -> None:
        await asyncio.shield(asyncio.ensure_future(self.close()))

    # -- out --------------------------------------------------------------------

    def call(self, user: Any, *, ring_timeout: Optional[float] = None) -> Call:
        """A call to a user, by whatever the client library calls users by.
        It rings when entered: `async with client.call("anna") as call:`.

        :param ring_timeout: give up after so many seconds without an answer;
            None leaves it to the server (90 s)
        """
        if user is None:
            raise wrong_type("user", "a user", user)
        if ring_timeout is not None:
            if isinstance(ring_timeout, bool) or (
                    not isinstance(ring_timeout, (int, float))):
                raise wrong_type("ring_timeout", "number", ring_timeout)
            if not 0 < ring_timeout <= 600:
                raise ValueError(f"ring_timeout: {ring_timeout} is out of "
                                 "range 0..600")
        if not self._running:
            raise RuntimeError("call: the client has not been started")
        check_loop(self._loop, "call")
        leg = self._signaling.new_leg()
        return Call(leg, self, user, ring_timeout)

    # -- in ---------------------------------------------------------------------

    def incoming(self) -> AsyncIterator[Call]:
        """Calls that ring here: `async for call in client.incoming():`. Give
        each to a task of its own: `async with call:` answers it. Ends when
        the client is closed."""
        if not self._running:
            raise RuntimeError("incoming: the client has not been started")
        check_loop(self._loop, "incoming")
        return self._listeners.new()

    def on_incoming(self, handler: Handler) -> Handler:
        """Have `handler(call)` run in a task for each call that rings here.
        If it neither answers nor rejects, the call rings on until somebody
        gives up. An error in it is logged, and ends a call that it has
        answered. May be used as a decorator."""
        if not inspect.iscoroutinefunction(handler):
            raise wrong_type("handler", "coroutine function", handler)
        self._handler = handler
        return handler

    def _incoming(self, leg: Leg) -> None:
        if not self._running or not (self._handler or self._listeners):
            # Nobody waits for calls: let it ring on other devices.
            self._spawn(leg.ignore())
            return
        call = Call(leg, self)
        self.keep(call)
        self._listeners.put(call)
        if self._handler is not None:
            self._spawn(self._handle(self._handler, call))

    @staticmethod
    async def _handle(handler: Handler, call: Call) -> None:
        try:
            await handler(call)
        except Exception:
            await call._forsake()
            raise

    def _spawn(self, coroutine: Awaitable[None]) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._spawned)

    def _spawned(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            from .outcomes import CallEnded
            error = task.exception()
            if isinstance(error, CallEnded):
                log.info("a call has ended: %s: %s", type(error).__name__,
                         error)
            else:
                log.error("the handler of a call failed", exc_info=error)

    # -- for the calls ----------------------------------------------------------

    def keep(self, call: Call) -> None:
        """(A call says that it begins.)"""
        if not self._running:
            raise RuntimeError("call: the client has been closed")
        self._calls[id(call)] = call

    def forget(self, call: Call) -> None:
        """(A call says that it is over.)"""
        self._calls.pop(id(call), None)
