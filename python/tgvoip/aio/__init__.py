# SPDX-License-Identifier: MIT
"""Calls with asyncio: one object for a call, from ringing to hang-up.

    async with Client(telethon_client) as client:
        async with client.call("anna", ring_timeout=30) as call:
            print(*call.emoji)
            await call.play("hello.ogg")
"""
from .adapter import (Adapter, CallProtocol, CallRef, CallType, Connection,
                      DhConfig, DiscardReason, NetworkFailure, PhoneCall,
                      PhoneConfig, RpcError, Target)
from .call import Call, Playback
from .client import Client
from .events import (CallStats, Ended, Event, Feedback, FileFailed, Played,
                     RouteChanged, SignalBars, StateChanged, Verified)
from ._media import AudioStream
from .outcomes import (AnsweredElsewhere, BadTarget, Blocked, Busy, CallEnded,
                       Cancelled, Declined, Dropped, FloodWait, HungUp,
                       Ignored, Incompatible, InternalError, Migrated, Missed,
                       NetworkFailed, NoAnswer, PeerHungUp, PeerOutdated,
                       PrivacyRestricted, ServerError, VerificationFailed)

__all__ = [
    "Adapter", "AnsweredElsewhere", "AudioStream", "BadTarget", "Blocked",
    "Busy", "Call", "CallEnded", "CallProtocol", "CallRef", "CallStats",
    "CallType", "Cancelled", "Client", "Connection", "Declined", "DhConfig",
    "DiscardReason", "Dropped", "Ended", "Event", "Feedback", "FileFailed",
    "FloodWait", "HungUp", "Ignored", "Incompatible", "InternalError",
    "Migrated", "Missed", "NetworkFailed", "NetworkFailure", "NoAnswer",
    "PeerHungUp", "PeerOutdated", "PhoneCall", "PhoneConfig", "Playback",
    "Played", "PrivacyRestricted", "RouteChanged", "RpcError", "ServerError",
    "SignalBars", "StateChanged", "Target", "VerificationFailed", "Verified",
]
