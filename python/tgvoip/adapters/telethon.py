# SPDX-License-Identifier: MIT
"""Adapter for Telethon (1.x)."""
import copy
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
            return await self._once()(query)
        except RPCError as error:
            raise RpcError(abs(error.code or 500), _name(error)) from error
        except ValueError as error:
            # An older Telethon's word for "so many times a server error".
            raise NetworkFailure(str(error)) from error

    def _once(self) -> Any:
        """The client as if made with request_retries=0, flood_sleep_threshold=0
        and raise_last_call_error=True, which cannot be asked for one request:
        a copy, which shares its connection and its session. Made each time,
        for the client may have another connection by then."""
        once = copy.copy(self.client)
        once._request_retries, once._raise_last_call_error = 0, True
        once.flood_sleep_threshold = 0
        return once


def _name(error: RPCError) -> str:
    """The server's name of it, which Telethon turns into a class."""
    for name, cls in rpc_errors_dict.items():
        if type(error) is cls:
            return str(name)
    seconds = getattr(error, "seconds", None)
    if seconds is not None:
        return f"FLOOD_WAIT_{seconds}"
    return str(error.message or "UNKNOWN")
