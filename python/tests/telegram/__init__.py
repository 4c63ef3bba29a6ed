# SPDX-License-Identifier: MIT
"""A scripted Telegram: what its servers do for voice calls, without a
network, for clients made of the real libraries.

    server.py    accounts, calls, the phone.* methods, updates, faults
    tl.py        TL objects of an installed library <-> neutral ones, by bytes
    clients.py   clients of Telethon, Pyrogram and Kurigram whose wire ends here
    clock.py     an event loop whose time jumps over waiting
"""
from .server import Fault, Obj, Relay, RpcError, Telegram, User

__all__ = ["Fault", "Obj", "Relay", "RpcError", "Telegram", "User"]
