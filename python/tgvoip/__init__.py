# SPDX-License-Identifier: MIT
"""Encrypted Telegram voice calls.

The names here are those of the module that pytgvoip documents, and programs
written for it run unmodified; `tgvoip.tgvoip` shows a call. Each class and
method has its own description. `tgvoip.utils` has what negotiating a key
needs. New programs do better with `tgvoip.aio`, from ringing to hang-up.
"""
from ._version import __version__ as __version__
from .tgvoip import (CallError, CallState, DataSaving, Endpoint, NetType,
                     Stats, VoIPController, VoIPServerConfig)

__all__ = ["NetType", "DataSaving", "CallState", "CallError", "Stats",
           "Endpoint", "VoIPController", "VoIPServerConfig"]
