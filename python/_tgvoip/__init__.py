# SPDX-License-Identifier: MIT
"""Names of the original's extension module, for programs that reach below
`tgvoip`. Nothing new should use them."""
from enum import Enum
from typing import Any

from tgvoip import CallError, DataSaving, Endpoint, NetType, Stats
from tgvoip import __version__ as __version__
from tgvoip._base import BaseController
from tgvoip._base import BaseServerConfig as VoIPServerConfig

__all__ = ["NetType", "CallState", "DataSaving", "CallError", "Stats",
           "Endpoint", "VoIPController", "VoIPServerConfig"]


class CallState(Enum):
    """States of the engine."""

    WAIT_INIT = 1
    WAIT_INIT_ACK = 2
    ESTABLISHED = 3
    FAILED = 4
    RECONNECTING = 5


# The members, too; UNKNOWN is the one of the last class, as it was.
GPRS = NetType.GPRS
EDGE = NetType.EDGE
NET_3G = NetType.NET_3G
HSPA = NetType.HSPA
LTE = NetType.LTE
WIFI = NetType.WIFI
ETHERNET = NetType.ETHERNET
OTHER_HIGH_SPEED = NetType.OTHER_HIGH_SPEED
OTHER_LOW_SPEED = NetType.OTHER_LOW_SPEED
DIALUP = NetType.DIALUP
OTHER_MOBILE = NetType.OTHER_MOBILE
WAIT_INIT = CallState.WAIT_INIT
WAIT_INIT_ACK = CallState.WAIT_INIT_ACK
ESTABLISHED = CallState.ESTABLISHED
FAILED = CallState.FAILED
RECONNECTING = CallState.RECONNECTING
NEVER = DataSaving.NEVER
MOBILE = DataSaving.MOBILE
ALWAYS = DataSaving.ALWAYS
UNKNOWN = CallError.UNKNOWN
INCOMPATIBLE = CallError.INCOMPATIBLE
TIMEOUT = CallError.TIMEOUT
AUDIO_IO = CallError.AUDIO_IO
PROXY = CallError.PROXY


class VoIPController(BaseController):
    """A controller whose subclass says what to do with states and frames."""

    def set_config(self, recv_timeout: float, init_timeout: float,
                   data_saving_mode: DataSaving, enable_aec: bool,
                   enable_ns: bool, enable_agc: bool, log_file_path: str,
                   status_dump_path: str, log_packet_stats: bool) -> None:
        """As `tgvoip.VoIPController.set_config`, without the call's id and
        with all file names given."""
        self._set_engine_config(
            recv_timeout, init_timeout, data_saving_mode, enable_aec,
            enable_ns, enable_agc, log_file_path, status_dump_path,
            log_packet_stats)
        self._apply_engine_config()

    def _on_state(self, state: int) -> None:
        engine_state: Any = CallState(state)
        self._handle_state_change(engine_state)
