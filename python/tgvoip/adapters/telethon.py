# SPDX-License-Identifier: MIT
"""Adapter for Telethon (1.x)."""
from typing import Any, Tuple

from telethon import events, utils
from telethon.errors import RPCError
from telethon.errors.rpcerrorlist import rpc_errors_dict
from telethon.tl import functions, types

from ..aio.adapter import NetworkFailure, OnUpdate, RpcError
from ._raw import RawAdapter


class TelethonAdapter(RawAdapter):
    """@param client a connected and authorised `telethon.TelegramClient`"""

    types, functions, suffix = types, functions, "Request"

    async def start(self, on_update: OnUpdate) -> int:
        me = await self.client.get_me(input_peer=True)
        if me is None:
            raise RuntimeError("the Telethon client is not logged in")
        self._on_update = on_update
        self.client.add_event_handler(
            self._event, events.Raw(types.UpdatePhoneCall))
        return int(me.user_id)

    async def stop(self) -> None:
        self._on_update = None
        self.client.remove_event_handler(self._event)

    async def _event(self, update: Any) -> None:
        self.updated(update)

    async def input_user(self, user: Any) -> Tuple[int, Any]:
        handle = utils.get_input_user(
            await self.client.get_input_entity(user))
        if not isinstance(handle, types.InputUser):
            raise ValueError("user: oneself cannot be called")
        return handle.user_id, handle

    async def invoke(self, query: Any) -> Any:
        try:
            return await self.client(query)
        except RPCError as error:
            raise RpcError(error.code or 500, _name(error)) from error
        except ValueError as error:
            # Telethon's word for "five times a server error".
            raise NetworkFailure(str(error)) from error


def _name(error: RPCError) -> str:
    """The server's name of it, which Telethon turns into a class."""
    for name, cls in rpc_errors_dict.items():
        if type(error) is cls:
            return str(name)
    seconds = getattr(error, "seconds", None)
    if seconds is not None:
        return f"FLOOD_WAIT_{seconds}"
    return str(error.message or "UNKNOWN")
