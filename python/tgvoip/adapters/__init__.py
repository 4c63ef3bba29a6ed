# SPDX-License-Identifier: MIT
"""Adapters of client libraries for `tgvoip.aio`. Each is imported only when it
is used; `tgvoip` itself needs none of those libraries."""
from typing import Any

from ..aio.adapter import Adapter

_FAMILIES = {"telethon": "telethon", "pyrogram": "pyrogram",
             "kurigram": "pyrogram"}


def adapter_for(client: Any) -> Adapter:
    """The adapter of a client object; an adapter is its own.

    Raises TypeError for an object of no known library.
    """
    if all(hasattr(client, name) for name in
           ("start", "find_user", "request_call", "discard_call")):
        found: Adapter = client
        return found
    for cls in type(client).__mro__:
        family = _FAMILIES.get(cls.__module__.partition(".")[0])
        if family == "telethon":
            from .telethon import TelethonAdapter
            return TelethonAdapter(client)
        if family == "pyrogram":
            from .pyrogram import PyrogramAdapter
            return PyrogramAdapter(client)
    raise TypeError(
        "client: a client of Telethon, Pyrogram or Kurigram, or an object "
        f"with the methods of tgvoip.aio.Adapter expected, got "
        f"{type(client).__name__}")


__all__ = ["adapter_for"]
