# SPDX-License-Identifier: MIT
"""Enumerations and data classes of the public interface."""
import os
from enum import Enum
from typing import Any, List, Optional, Union

from ._errors import as_int, wrong_type


#: The name of a file.
Path = Union[str, "os.PathLike[str]"]
Bytes = Union[bytes, bytearray, memoryview]


class NetType(Enum):
    """The network that the device is on."""

    UNKNOWN = 0
    GPRS = 1
    EDGE = 2
    NET_3G = 3
    HSPA = 4
    LTE = 5
    WIFI = 6
    ETHERNET = 7
    OTHER_HIGH_SPEED = 8
    OTHER_LOW_SPEED = 9
    DIALUP = 10
    OTHER_MOBILE = 11


class CallState(Enum):
    """State of a call: up to RECONNECTING from the engine, the others for
    whoever rings and hangs up, by `VoIPController.update_state`."""

    WAIT_INIT = 1
    WAIT_INIT_ACK = 2
    ESTABLISHED = 3
    FAILED = 4
    RECONNECTING = 5
    HANGING_UP = 10
    ENDED = 11
    EXCHANGING_KEYS = 12
    WAITING = 13
    REQUESTING = 14
    WAITING_INCOMING = 15
    RINGING = 16
    BUSY = 17


class DataSaving(Enum):
    """When to use less data."""

    NEVER = 0
    MOBILE = 1
    ALWAYS = 2


class CallError(Enum):
    """Why a call has failed; UNKNOWN also while it has not."""

    UNKNOWN = 0
    INCOMPATIBLE = 1
    TIMEOUT = 2
    AUDIO_IO = 3
    PROXY = 4


class Stats:
    """Bytes of a call, by the kind of network that they crossed.

    Returned by `VoIPController.get_stats`; a snapshot, read-only.
    """

    __slots__ = ("_values",)
    _values: List[int]

    def __init__(self) -> None:
        raise TypeError("Stats: made by VoIPController.get_stats only")

    @property
    def bytes_sent_wifi(self) -> int:
        """Sent while the network was not a mobile one."""
        return self._values[0]

    @property
    def bytes_sent_mobile(self) -> int:
        """Sent while it was."""
        return self._values[1]

    @property
    def bytes_recvd_wifi(self) -> int:
        """Received while the network was not a mobile one."""
        return self._values[2]

    @property
    def bytes_recvd_mobile(self) -> int:
        """Received while it was."""
        return self._values[3]

    def __repr__(self) -> str:
        return ("<_tgvoip.Stats bytes_sent_wifi={} bytes_sent_mobile={} "
                "bytes_recvd_wifi={} bytes_recvd_mobile={}>"
                .format(*self._values))


def make_stats(sent_wifi: int, sent_mobile: int, recvd_wifi: int,
               recvd_mobile: int) -> Stats:
    stats = Stats.__new__(Stats)
    stats._values = [sent_wifi, sent_mobile, recvd_wifi, recvd_mobile]
    return stats


class Endpoint:
    """A relay, as the server's `phoneConnection` describes it.

    :param _id: `phoneConnection.id`
    :param ip: IPv4 address
    :param ipv6: IPv6 address, `''` for none
    :param port: 1..65535
    :param peer_tag: 16 bytes

    The attributes may be changed; `VoIPController.set_remote_endpoints` checks
    all of them.
    """

    def __init__(self, _id: int, ip: str, ipv6: str, port: int,
                 peer_tag: Bytes) -> None:
        self._id: int = as_int("_id", _id, -2**63, 2**63 - 1)
        self.ip: Optional[str] = optional_str("ip", ip)
        self.ipv6: Optional[str] = optional_str("ipv6", ipv6)
        self.port: int = as_int("port", port, 1, 65535)
        if peer_tag is not None and not isinstance(
                peer_tag, (bytes, bytearray, memoryview)):
            raise wrong_type("peer_tag", "bytes", peer_tag)
        self.peer_tag: Optional[bytes] = (
            None if peer_tag is None else bytes(peer_tag))

    def __repr__(self) -> str:
        return (f'<_tgvoip.Endpoint _id={self._id} ip="{self.ip}" '
                f'ipv6="{self.ipv6}" port={self.port}>')


def optional_str(name: str, value: Any) -> Optional[str]:
    if value is not None and not isinstance(value, str):
        raise wrong_type(name, "str", value)
    return value
