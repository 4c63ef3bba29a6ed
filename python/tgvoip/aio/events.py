# SPDX-License-Identifier: MIT
"""What `Call.events()` yields, and what `Call.stats()` returns."""
from dataclasses import dataclass, fields
from typing import Any, Tuple, Union

from .._native import ffi, lib
from .._types import CallError, CallState
from .outcomes import CallEnded


@dataclass(frozen=True)
class StateChanged:
    state: CallState


@dataclass(frozen=True)
class Verified:
    """The key is agreed: four emoji to compare with the other side's."""

    emoji: Tuple[str, ...]


@dataclass(frozen=True)
class SignalBars:
    """1 to 4."""

    bars: int


@dataclass(frozen=True)
class RouteChanged:
    """Media takes another road: `"udp_relay"`, `"tcp_relay"`, ..."""

    endpoint: str
    id: int
    reason: str


@dataclass(frozen=True)
class Played:
    """All queued files have been played."""


@dataclass(frozen=True)
class FileFailed:
    """A file failed while the call goes on."""

    message: str


@dataclass(frozen=True)
class Ended:
    """It is over; the last one, unless Feedback follows."""

    outcome: CallEnded


@dataclass(frozen=True)
class Feedback:
    """The server asks for a rating of 1 to 5 stars: see `Call.rate()`. One
    that it asks for later shows in `Call.need_rating` only."""

    need_rating: bool


Event = Union[StateChanged, Verified, SignalBars, RouteChanged, Played,
              FileFailed, Ended, Feedback]


@dataclass(frozen=True)
class CallStats:
    """Counters and measures of a call; the same fields as the C struct
    `tgvoip_call_stats`. Times count from the start of the handshake."""

    state: CallState
    error: CallError
    route: str = ""
    rtt_ms: float = 0.0
    loss_out: float = 0.0
    loss_in: float = 0.0
    bitrate_bps: int = 0
    jitter_ms: float = 0.0
    playout_delay_ms: float = 0.0
    level_in: float = 0.0
    level_out: float = 0.0
    bytes_out: int = 0
    bytes_in: int = 0
    packets_out: int = 0
    packets_in: int = 0
    packets_lost_out: int = 0
    packets_lost_in: int = 0
    packets_bad: int = 0
    packets_duplicate: int = 0
    frames_played: int = 0
    frames_recovered: int = 0
    frames_concealed: int = 0
    frames_late: int = 0
    blocks_silence: int = 0
    source_underruns: int = 0
    sink_overruns: int = 0
    connected_us: int = 0
    established_us: int = -1
    first_audio_us: int = -1
    peer_version: int = 0
    frame_ms: int = 0
    peer_is_ours: bool = False
    peer_muted: bool = False
    encryption_v1: bool = False


_PLAIN = [f.name for f in fields(CallStats)
          if f.name not in ("state", "error", "route")]


def call_stats(stats: Any, state: CallState) -> CallStats:
    """@param stats `struct tgvoip_call_stats *`, or NULL before media"""
    if stats == ffi.NULL:
        return CallStats(state, CallError.UNKNOWN)
    route = ""
    if stats.route.type:
        route = ffi.string(
            lib.tgvoip_endpoint_type_str(stats.route.type)).decode()
    return CallStats(state, CallError(stats.error), route,
                     **{name: getattr(stats, name) for name in _PLAIN})
