# SPDX-License-Identifier: MIT
"""The lower half of a controller: what the original's extension module has.

`tgvoip.VoIPController` adds files, logs, handler lists and times to it. The
module `_tgvoip` shows it under its old name.
"""
import json
import math
import weakref
from typing import Any, Iterable, Optional, Set, Union

from . import _engine
from ._core import Core, endpoint_values
from ._errors import (as_bool, as_bytes, as_enum, as_int, as_list, as_path,
                      as_str, text, wrong_type)
from ._native import ffi, lib
from ._proxy import Proxy
from ._types import (Bytes, CallError, CallState, DataSaving, Endpoint,
                     NetType, Path, Stats, make_stats)

# Some values that only this file knows how to keep.
_MAX_LAYER = int(lib.TGVOIP_MAX_LAYER)
_MIN_LAYER = int(lib.TGVOIP_MIN_LAYER)

# What debug_ctl() takes.
_DEBUG_RANGES = {1: (500, 510000), 2: (-1, 100), 3: (0, 1), 4: (0, 1)}

_said: Set[str] = set()


def say_once(key: str, level: int, message: str) -> None:
    if key not in _said:
        _said.add(key)
        _engine.log.log(level, message)


def milliseconds(name: str, seconds: Any) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise wrong_type(name, "number of seconds", seconds)
    if not math.isfinite(seconds) or not 0.001 <= seconds <= 600:
        raise ValueError(f"{name}: {seconds} is out of range 0.001..600")
    return max(1, round(seconds * 1000))


# The server's configuration, one for the process, as the interface has it.
_server_config = "{}"


def set_server_config(text_of_json: str) -> None:
    global _server_config
    _server_config = text_of_json


class BaseController:
    """One end of a call, without handler lists and file names."""

    LIBTGVOIP_VERSION: str = text(lib.tgvpy_protocol_version())
    CONNECTION_MAX_LAYER: int = _MAX_LAYER

    _core_or_none: Optional[Core] = None

    def __init__(self, persistent_state_file: Path = "") -> None:
        self._persistent_state_file = as_path("persistent_state_file",
                                              persistent_state_file)
        self._init()

    # -- life ----------------------------------------------------------------

    @property
    def _core(self) -> Core:
        core = self._core_or_none
        if core is None:
            raise RuntimeError(f"{type(self).__name__}.__init__ has not run")
        return core

    def _init(self) -> None:
        if self._core_or_none is not None:
            raise RuntimeError("_init: has been called already")
        core = Core()
        core.settings.server_config = _server_config
        self._core_or_none = core
        # Not at exit: then _engine stops what is still alive.
        weakref.finalize(self, core.destroy).atexit = False

    def start(self) -> None:
        """Open sockets and begin to look for the best relay."""
        core = self._core
        core.check_new("start")
        self._refresh()
        core.start(self)

    def connect(self) -> None:
        """Begin the call. What becomes of it the state handlers hear."""
        self._core.connect()

    def stop(self) -> None:
        """End the call, finish files and write the state file.

        May be repeated, and happens by itself when the controller is deleted.
        In a handler or callback it marks and returns, elsewhere it waits for
        the callback that is running. Nothing is called back afterwards; what
        the getters return stays.
        """
        self._core.stop()

    # -- settings ------------------------------------------------------------

    def set_proxy(self, address: str, port: int = 1080, username: str = "",
                  password: str = "") -> None:
        """Go through a SOCKS5 proxy, with everything: nothing goes out beside
        it, no direct path is tried, and a call that it does not let through
        ends with `CallError.PROXY`. Before `start` only.

        :param address: name or address, up to 255 bytes
        :param port: 1..65535
        :param username: up to 255 bytes; empty for a proxy without login
        :param password: up to 255 bytes
        """
        settings = self._core.check_new("set_proxy")
        if not as_str("address", address):
            raise ValueError("address: is empty")
        settings.proxy = Proxy(address, as_int("port", port, 1, 65535),
                               as_str("username", username),
                               as_str("password", password))

    def set_encryption_key(self, key: Bytes, is_outgoing: bool) -> None:
        """Set the shared key: 256 bytes, on the left padded with zeros.

        :param is_outgoing: this side has called
        """
        settings = self._core.check_new("set_encryption_key")
        settings.key = as_bytes("key", key, 256)
        settings.outgoing = as_bool("is_outgoing", is_outgoing)

    def set_remote_endpoints(self, endpoints: Iterable[Endpoint],
                             allow_p2p: Optional[bool], tcp: bool,
                             connection_max_layer: int) -> None:
        """Set the relays.

        :param allow_p2p: the server's `phoneCall.p2p_allowed`; the call goes
            straight to the other side if that side allows it too, and the
            other side learns the address of this machine. None, as client
            libraries have a flag that is not set, is False
        :param tcp: reach all of them by TCP
        :param connection_max_layer: the server's
            `phoneCall.protocol.max_layer`, not the library's maximum
        """
        settings = self._core.check_new("set_remote_endpoints")
        values = [self._check_endpoint(e) for e in as_list("endpoints",
                                                           endpoints)]
        if not values:
            raise ValueError("endpoints: is empty")
        if len(values) > 64:
            raise ValueError(f"endpoints: {len(values)} are more than 64")
        # A flag that a client leaves out is None.
        p2p = allow_p2p is not None and as_bool("allow_p2p", allow_p2p)
        over_tcp = as_bool("tcp", tcp)
        layer = as_int("connection_max_layer", connection_max_layer)
        if layer < _MIN_LAYER:
            raise ValueError(f"connection_max_layer: {layer} is less than "
                             f"{_MIN_LAYER}")
        settings.endpoints = values
        settings.allow_p2p, settings.tcp = p2p, over_tcp
        settings.max_layer = min(layer, _MAX_LAYER)

    @staticmethod
    def _check_endpoint(e: Any) -> Any:
        from socket import AF_INET, AF_INET6, inet_pton

        if not isinstance(e, Endpoint):
            raise wrong_type("endpoints", "list of Endpoint", e)
        if not e.ip:
            raise ValueError(f"endpoints: ip is empty in {e!r}")
        for name, value, family in (("ip", e.ip, AF_INET),
                                    ("ipv6", e.ipv6, AF_INET6)):
            if value:
                try:
                    inet_pton(family, as_str(f"endpoints: {name}", value))
                except OSError:
                    raise ValueError(f"endpoints: {name} is not an address "
                                     f"in {e!r}") from None
        as_int("endpoints: _id", e._id, -2**63, 2**63 - 1)
        as_int("endpoints: port", e.port, 1, 65535)
        if not e.peer_tag:
            raise ValueError(f"endpoints: peer_tag is empty in {e!r}")
        if len(as_bytes("endpoints: peer_tag", e.peer_tag)) != 16:
            raise ValueError("endpoints: peer_tag must be 16 bytes, got "
                             f"{len(e.peer_tag)} in {e!r}")
        return endpoint_values(e)

    def _set_engine_config(
            self, recv_timeout: float, init_timeout: float,
            data_saving_mode: Union[DataSaving, int], enable_aec: bool,
            enable_ns: bool, enable_agc: bool, log_file_path: Path,
            status_dump_path: Path, log_packet_stats: bool) -> None:
        core = self._core
        core.check()
        if core.stopped:
            raise RuntimeError("set_config: the call has been stopped")
        settings = core.settings
        receive = milliseconds("recv_timeout", recv_timeout)
        init = milliseconds("init_timeout", init_timeout)
        saving = as_enum("data_saving_mode", data_saving_mode, DataSaving)
        processing = (as_bool("enable_aec", enable_aec),
                      as_bool("enable_ns", enable_ns),
                      as_bool("enable_agc", enable_agc))
        files = (as_path("log_file_path", log_file_path),
                 as_path("status_dump_path", status_dump_path))
        packets = as_bool("log_packet_stats", log_packet_stats)
        settings.receive_timeout_ms, settings.init_timeout_ms = receive, init
        settings.data_saving = saving.value
        settings.aec, settings.ns, settings.agc = processing
        settings.log_file, settings.stats_file = files
        settings.packet_stats = packets
        if any(processing):
            say_once("processing", 20, "echo cancelling, noise suppression "
                     "and gain control have no effect on audio of callbacks "
                     "and files")

    def _apply_engine_config(self) -> None:
        """After _set_engine_config, when the files have their names."""
        core = self._core
        if core.alive():
            core.change()

    def set_network_type(self, _type: Union[NetType, int]) -> None:
        """Tell which network the device is on; any time."""
        core = self._core
        core.check()
        number = as_enum("_type", _type, NetType).value
        core.settings.network = number
        if core.alive():
            lib.tgvoip_call_set_network_type(core.call, number)

    def set_mic_mute(self, mute: bool) -> None:
        """Send nothing, and tell the peer so. The send callback rests and
        files stay where they are meanwhile. Any time."""
        core = self._core
        core.check()
        core.settings.muted = as_bool("mute", mute)
        if core.alive():
            lib.tgvoip_call_set_mute(core.call, core.settings.muted)

    def debug_ctl(self, request: int, param: int) -> None:
        """1: highest bitrate; 2: loss in percent that the encoder prepares
        for, -1 as measured; 3: direct connections, 0 or 1, at any time; 4:
        echo cancelling, 0 or 1, which has no effect in this version."""
        core = self._core
        core.check()
        request = as_int("request", request, 1, 4)
        param = as_int("param", param, *_DEBUG_RANGES[request])
        core.debug_ctl(request, param)

    def set_audio_output_gain_control_enabled(self, enabled: bool) -> None:
        """Kept for old programs; without effect."""
        self._core.check()
        as_bool("enabled", enabled)

    def set_echo_cancellation_strength(self, strength: int) -> None:
        """Kept for old programs; without effect."""
        self._core.check()
        as_int("strength", strength)

    # -- reading -------------------------------------------------------------

    def get_debug_string(self) -> str:
        """What a person who looks into a call wants to see; several lines."""
        core = self._core
        core.check()
        return core.debug_string()

    def get_debug_log(self) -> str:
        """JSON for `phone.saveCallDebug`."""
        core = self._core
        core.check()
        if core.call == ffi.NULL:
            return "{}"
        return core.text_of(lib.tgvoip_call_debug_log)

    def get_preferred_relay_id(self) -> int:
        """Id, as the server gave it, of the relay that served best; 0 if
        none. For `phone.discardCall`."""
        core = self._core
        core.check()
        if core.call == ffi.NULL:
            return 0
        return int(lib.tgvoip_call_preferred_relay(core.call))

    def get_last_error(self) -> CallError:
        """Why the call has failed."""
        core = self._core
        core.check()
        return CallError(int(core.stats().error))

    def get_stats(self) -> Stats:
        """Bytes sent and received."""
        core = self._core
        core.check()
        return make_stats(*core.traffic())

    def get_peer_capabilities(self) -> int:
        """What the peer has announced; bits, 0 before it has."""
        core = self._core
        core.check()
        return int(core.stats().peer_capabilities)

    def need_rate(self) -> bool:
        """Should the user be asked to rate the call? Never, unless the
        server's configuration says so by `bad_call_rating`."""
        core = self._core
        core.check()
        if core.call == ffi.NULL:
            return False
        return bool(lib.tgvoip_call_need_rate(core.call))

    # -- files ---------------------------------------------------------------

    def play(self, path: Path) -> bool:
        """Append a file of raw PCM to what is played, with `native_io`.

        :return: could it be opened? If not, a line on stderr says why.
        """
        return self._told(self._core.play(as_path("path", path)))

    def play_on_hold(self, paths: Iterable[Path]) -> None:
        """Replace the files that are played over and over while there is
        nothing else to play. Those that cannot be read are told of on stderr
        and left out."""
        core = self._core
        names = [as_path("paths", p) for p in as_list("paths", paths)]
        core.check()
        core.clear_hold()
        for name in names:
            self._told(core.play_on_hold(name))

    def set_output_file(self, path: Path) -> bool:
        """Record what is heard to a file of raw PCM, with `native_io`; an
        earlier file is finished.

        :return: could it be opened? If not, the earlier one goes on.
        """
        return self._told(self._core.set_output(as_path("path", path)))

    def clear_play_queue(self) -> None:
        """Play nothing of what is queued."""
        self._core.check()
        self._core.clear_play()

    def clear_hold_queue(self) -> None:
        """Play nothing on hold."""
        self._core.check()
        self._core.clear_hold()

    def unset_output_file(self) -> None:
        """Finish the recording."""
        self._core.check()
        self._core.unset_output()

    @staticmethod
    def _told(wrong: Optional[str]) -> bool:
        if wrong is None:
            return True
        import sys
        print(f"tgvoip: {wrong}", file=sys.stderr)
        return False

    def _native_io_get(self) -> bool:
        return self._core.native

    def _native_io_set(self, status: bool) -> None:
        self._core.check()
        self._core.set_native(as_bool("native_io", status))

    # -- called by the dispatcher --------------------------------------------

    def _handle_state_change(self, state: CallState) -> None:
        raise NotImplementedError("_handle_state_change")

    def _handle_signal_bars_change(self, count: int) -> None:
        raise NotImplementedError("_handle_signal_bars_change")

    def _send_audio_frame_impl(self, length: int) -> bytes:
        return b""

    def _recv_audio_frame_impl(self, frame: bytes) -> None:
        pass

    def _on_state(self, state: int) -> None:
        self._handle_state_change(CallState(state))

    def _on_bars(self, bars: int) -> None:
        self._handle_signal_bars_change(bars)

    def _on_send(self, length: int) -> Any:
        return self._send_audio_frame_impl(length)

    def _on_receive(self, frame: bytes) -> None:
        self._recv_audio_frame_impl(frame)

    def _overrides(self, name: str, base: type) -> bool:
        """Did a subclass, or the object itself, put something else here?"""
        return (name in self.__dict__
                or getattr(type(self), name) is not getattr(base, name))

    def _wanted(self) -> int:
        """Bits of what has somebody to hear it."""
        wants = 0
        for name, bit in (("_handle_state_change", lib.TGVPY_WANT_STATE),
                          ("_handle_signal_bars_change", lib.TGVPY_WANT_BARS),
                          ("_send_audio_frame_impl", lib.TGVPY_WANT_SEND),
                          ("_recv_audio_frame_impl",
                           lib.TGVPY_WANT_RECEIVE)):
            if self._overrides(name, BaseController):
                wants |= int(bit)
        return wants

    def _refresh(self) -> None:
        core = self._core_or_none
        if core is not None:
            core.listen(self._wanted())


class BaseServerConfig:
    """The server's configuration as JSON; for controllers made later."""

    @staticmethod
    def set_config(_json: str) -> None:
        json.loads(as_str("_json", _json))
        set_server_config(_json)


__all__ = ["BaseController", "BaseServerConfig"]
