# SPDX-License-Identifier: MIT
"""Adapter for the Pyrogram family: Pyrogram (1.4 and 2) and Kurigram."""
import asyncio
import inspect
from typing import Any, Tuple

from pyrogram.errors import RPCError
from pyrogram.handlers import RawUpdateHandler
from pyrogram.raw import functions, types

from ..aio.adapter import OnUpdate, RpcError
from ._raw import RawAdapter

# So that handlers of the application, in group 0, do not hide updates.
_GROUP = -7010

# The library may be connecting anew. [s]
_RECONNECTING_S = 15.0


class PyrogramAdapter(RawAdapter):
    """@param client a started `pyrogram.Client`"""

    types, functions = types, functions

    async def start(self, on_update: OnUpdate) -> int:
        me = await self.client.get_me()
        self._on_update = on_update
        self._handler = RawUpdateHandler(self._raw)
        self.client.add_handler(self._handler, _GROUP)
        return int(me.id)

    async def stop(self) -> None:
        self._on_update = None
        self.client.remove_handler(self._handler, _GROUP)

    async def _raw(self, client: Any, update: Any, users: Any,
                   chats: Any) -> None:
        self.updated(update)

    async def input_user(self, user: Any) -> Tuple[int, Any]:
        try:
            peer = await self.client.resolve_peer(user)
        except (KeyError, RPCError) as error:
            raise ValueError(f"user: {user!r} is not known") from error
        user_id = getattr(peer, "user_id", None)
        if user_id is None:
            raise ValueError(f"user: {user!r} is not another user")
        return user_id, types.InputUser(user_id=user_id,
                                        access_hash=peer.access_hash)

    async def invoke(self, query: Any) -> Any:
        send = getattr(self.client, "invoke", None) or self.client.send
        try:
            if "retry_delay" in inspect.signature(send).parameters:
                return await self._send_once(query)
            return await send(query, retries=0, sleep_threshold=0)
        except RPCError as error:
            raise _translated(error) from error

    async def _send_once(self, query: Any) -> Any:
        """Kurigram's invoke() ends each server error as a TimeoutError."""
        client = self.client
        if not client.is_connected:
            raise ConnectionError("the Kurigram client has not been started")
        await asyncio.wait_for(client.session.is_started.wait(),
                               _RECONNECTING_S)
        result = await client.session.send(query)
        for peers in ("users", "chats"):
            await client.fetch_peers(getattr(result, peers, []))
        return result


def _translated(error: RPCError) -> RpcError:
    """With the server's name of it: FLOOD_WAIT_7, CALL_PEER_INVALID."""
    value = getattr(error, "value", getattr(error, "x", None))
    if error.ID:
        return RpcError(error.CODE or 500,
                        str(error.ID).replace("_X", f"_{value}"))
    # One that the library does not know: "[406 NAME]".
    words = str(value or "").strip("[]").split()
    if len(words) == 2 and words[0].lstrip("-").isdigit():
        return RpcError(abs(int(words[0])), words[1])
    return RpcError(error.CODE or 500, "UNKNOWN")
