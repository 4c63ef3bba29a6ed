# SPDX-License-Identifier: MIT
"""One call under a controller: what was set, the engine's call, the thread
that runs Python callbacks, and the order in which all of it ends.

The engine takes a call's settings when the call is created, which is at
`start()`; until then they wait here. A core knows its controller by a weak
reference only, so that dropping the controller ends the call.

Nothing here holds a Python lock while it waits or calls back: the waiting is
done in C, without the interpreter lock.
"""
import os
import stat
import tempfile
import threading
import time
import weakref
from typing import Any, Dict, List, Optional, Protocol, Tuple

from . import _engine
from ._errors import VoIPError, as_pcm, error_of, report, text
from ._native import ffi, lib
from ._proxy import Proxy, proxy_struct
from ._types import Endpoint

FRAME_BYTES = int(lib.TGVPY_FRAME_BYTES)

_STATE_BYTES_MAX = 524287

_RAW = "raw:"
# How files begin that are no headerless PCM.
_MAGIC = {b"RIFF": "WAV", b"OggS": "Ogg", b"fLaC": "FLAC", b"ID3": "MP3"}

# Waiting for a callback lets signals through this often. [ms]
_WAIT_MS = 100
# What runs while the interpreter exits is waited for so long. [ms]
_EXIT_WAIT_MS = 2000

_dispatchers = threading.local()


class Listener(Protocol):
    """What a controller offers to the dispatcher thread."""

    def _on_state(self, state: int) -> None: ...

    def _on_bars(self, bars: int) -> None: ...

    def _on_send(self, length: int) -> Any: ...

    def _on_receive(self, frame: bytes) -> None: ...


class Settings:
    """What a call is created with."""

    def __init__(self) -> None:
        self.key = b""
        self.outgoing = False
        self.endpoints: List[Tuple[int, str, str, int, bytes]] = []
        self.allow_p2p = False
        self.tcp = False
        self.max_layer = 92
        self.init_timeout_ms: Optional[int] = None
        self.receive_timeout_ms: Optional[int] = None
        self.data_saving = 0
        self.network = 0
        self.muted = False
        self.proxy: Optional[Proxy] = None
        self.log_file = ""
        self.stats_file = ""
        self.packet_stats = False
        self.server_config = "{}"
        self.state = ""
        self.debug: Dict[int, int] = {}
        # Accepted and kept; file and callback audio is not processed.
        self.aec = self.ns = self.agc = True


class Core:
    """The life of one call: new - started - connected - stopped."""

    def __init__(self) -> None:
        self.pid = _engine.owner()
        bridge = lib.tgvpy_bridge_create()
        if bridge == ffi.NULL:
            raise MemoryError("out of memory")
        self.bridge = ffi.gc(bridge, lib.tgvpy_bridge_destroy)
        self.settings = Settings()
        self.call: Any = ffi.NULL
        self.started = self.connected = self.stopped = False
        self.native = False
        self.wants = 0
        self.state_file = ""
        self._saved = False
        self._stop_later = False
        self._thread: Optional[threading.Thread] = None
        self._finisher: Optional[threading.Thread] = None
        self._listener: "Optional[weakref.ref[Listener]]" = None
        self._lock = threading.RLock()      # start() against start()
        self._play: List[str] = []
        self._hold: List[str] = []
        self._output: Optional[str] = None
        _engine.stop_at_exit(self)

    # -- checks --------------------------------------------------------------

    def check(self) -> None:
        _engine.check_owner(self.pid)

    def check_new(self, what: str) -> Settings:
        """Settings, which may be changed before start() only."""
        self.check()
        if self.stopped:
            raise RuntimeError(f"{what}: the call has been stopped")
        if self.started:
            raise RuntimeError(f"{what}: must be called before start()")
        return self.settings

    def delivering(self) -> bool:
        """Is this the thread that runs the call's callbacks?"""
        return getattr(_dispatchers, "core", None) is self

    def alive(self) -> bool:
        return bool(self.call != ffi.NULL) and not self.stopped

    # -- start ---------------------------------------------------------------

    def start(self, listener: Listener) -> None:
        with self._lock:
            settings = self.check_new("start")
            if not settings.key:
                raise RuntimeError("start: set_encryption_key() comes first")
            if not settings.endpoints:
                raise RuntimeError("start: set_remote_endpoints() comes first")
            if not any(settings.key):
                raise ValueError("key: is nothing but zeros")
            self._listener = weakref.ref(listener)
            self.call = self._create()
            self.started = True
            self._apply()
            code = lib.tgvoip_call_start(self.call)
            if code and self.stopped:   # meanwhile, in a signal handler
                raise RuntimeError("start: the call has been stopped")
            if code:
                raise error_of(code)
        self.listen(self.wants)
        if self.stopped:    # meanwhile, by another thread
            lib.tgvoip_call_stop(self.call)

    def _create(self) -> Any:
        s = self.settings
        config = ffi.new("struct tgvoip_call_config *")
        lib.tgvoip_call_config_default(config)
        key = ffi.new("uint8_t[]", s.key)
        # What C borrows has to live until the call is created.
        keep = [key]
        try:
            config.outgoing = s.outgoing
            config.key = key
            config.key_len = len(s.key)
            config.endpoints = self._endpoints(keep)
            config.endpoint_count = len(s.endpoints)
            config.proxy = proxy_struct(s.proxy, keep)
            config.max_layer = s.max_layer
            config.allow_p2p = s.allow_p2p
            config.allow_v1 = True
            if s.init_timeout_ms is not None:
                config.init_timeout_ms = s.init_timeout_ms
            if s.receive_timeout_ms is not None:
                config.receive_timeout_ms = s.receive_timeout_ms
            config.data_saving = s.data_saving
            config.network_type = s.network
            config.muted = s.muted
            server = self._server_config(keep)
            config.server_config = server
            if s.state:
                state = ffi.new("char[]", s.state.encode())
                keep.append(state)
                config.persistent_state = state
            lib.tgvpy_bridge_install(self.bridge, config)
            out = ffi.new("tgvoip_call **")
            failure = ffi.new("struct tgvoip_failure *")
            code = lib.tgvoip_call_create(_engine.get_engine(), out, config,
                                          failure)
            if code:
                raise error_of(code, failure)
            return out[0]
        finally:
            lib.tgvoip_wipe(key, len(s.key))

    def _endpoints(self, keep: List[Any]) -> Any:
        s = self.settings
        array = ffi.new("struct tgvoip_endpoint[]", len(s.endpoints))
        keep.append(array)
        for e, (number, ip, ipv6, port, tag) in zip(array, s.endpoints):
            lib.tgvoip_endpoint_default(ffi.addressof(e))
            e.id = number
            e.port = port
            e.type = (lib.TGVOIP_ENDPOINT_TCP_RELAY if s.tcp
                      else lib.TGVOIP_ENDPOINT_UDP_RELAY)
            for name, value in (("ipv4", ip), ("ipv6", ipv6)):
                if value:
                    chars = ffi.new("char[]", value.encode())
                    keep.append(chars)
                    setattr(e, name, chars)
            ffi.memmove(e.tag, tag, len(tag))
        return array

    def _server_config(self, keep: List[Any]) -> Any:
        out = ffi.new("tgvoip_server_config **")
        code = lib.tgvoip_server_config_create(out)
        if code:
            raise error_of(code)
        config = ffi.gc(out[0], lib.tgvoip_server_config_destroy)
        keep.append(config)
        data = self.settings.server_config.encode()
        failure = ffi.new("struct tgvoip_failure *")
        code = lib.tgvoip_server_config_merge(config, data, len(data),
                                              ffi.NULL, failure)
        if code or failure.code:
            _engine.log.warning("VoIPServerConfig: %s",
                                error_of(code or failure.code, failure))
        return config

    def _apply(self) -> None:
        """What was asked for before there was a call."""
        lib.tgvpy_bridge_set_native(self.bridge, self.native)
        play, hold = self._play, self._hold
        self._play, self._hold = [], []
        for path in play:
            self._queue(lib.tgvoip_call_play, path)
        for path in hold:
            self._queue(lib.tgvoip_call_play_on_hold, path)
        if self._output is not None and self.native:
            self._record(self._output)
        self.write_reports()
        for request, param in self.settings.debug.items():
            self._debug(request, param)

    def write_reports(self) -> None:
        """Open the files that set_config() has named."""
        s = self.settings
        packets = s.log_file + ".packets" if (
            s.log_file and s.packet_stats) else ""
        failure = ffi.new("struct tgvoip_failure *")
        for report_, path in ((lib.TGVOIP_REPORT_LOG, s.log_file),
                              (lib.TGVOIP_REPORT_STATS, s.stats_file),
                              (lib.TGVOIP_REPORT_PACKETS, packets)):
            code = lib.tgvoip_call_report(
                self.call, report_, os.fsencode(path) if path else ffi.NULL,
                failure)
            if code:
                _engine.log.warning("set_config: %s", error_of(code, failure))

    def change(self) -> None:
        """set_config() of a call that runs."""
        s = self.settings
        lib.tgvoip_call_set_timeouts(self.call, s.init_timeout_ms,
                                     s.receive_timeout_ms)
        lib.tgvoip_call_set_data_saving(self.call, s.data_saving)
        self.write_reports()

    def connect(self) -> None:
        self.check()
        if self.stopped:
            raise RuntimeError("connect: the call has been stopped")
        if not self.started:
            raise RuntimeError("connect: start() comes first")
        code = 0 if not self.connected else lib.TGVOIP_ERR_STATE
        if not code:
            self.connected = True
            code = lib.tgvoip_call_connect(self.call)
        if code and self.stopped:
            raise RuntimeError("connect: the call has been stopped")
        if code == lib.TGVOIP_ERR_STATE:
            raise RuntimeError("connect: has been called already, or the "
                               "call has failed")
        if code:
            raise error_of(code)

    # -- the dispatcher ------------------------------------------------------

    def listen(self, wants: int) -> None:
        """Say which callbacks somebody waits for. A call that runs gets its
        dispatcher thread with the first of them."""
        self.wants = wants
        if self.pid != os.getpid():
            return
        lib.tgvpy_bridge_want(self.bridge, wants)
        audio = lib.TGVPY_WANT_SEND | lib.TGVPY_WANT_RECEIVE
        if not self.started or not wants or (
                self.native and not wants & ~audio):
            return
        with self._lock:
            if self._thread is None and not self.stopped:
                self._thread = threading.Thread(
                    target=_dispatch, args=(self, self._listener),
                    name="tgvoip-call", daemon=True)
                self._thread.start()

    def set_native(self, native: bool) -> None:
        self.native = native
        lib.tgvpy_bridge_set_native(self.bridge, native)
        if not self.alive():
            return
        if native:
            if self._output is not None:
                self._record(self._output)
        elif self._output is not None:
            self.unset_output()
        self.listen(self.wants)

    def facts(self) -> Tuple[Optional[float], Optional[float]]:
        """When the call was established and when it ended, by the clock of
        `time.perf_counter`."""
        facts = ffi.new("struct tgvpy_facts *")
        lib.tgvpy_bridge_facts(self.bridge, facts)
        now = time.perf_counter()

        def at(age_us: int) -> Optional[float]:
            return None if age_us < 0 else now - age_us / 1e6

        return at(facts.established_us), at(facts.ended_us)

    def losses(self) -> Tuple[int, int]:
        """Frames that a late send callback has missed, and frames that a
        late receive callback has not seen."""
        facts = ffi.new("struct tgvpy_facts *")
        lib.tgvpy_bridge_facts(self.bridge, facts)
        return int(facts.send_missed), int(facts.receive_dropped)

    # -- files ---------------------------------------------------------------

    def play(self, path: str) -> Optional[str]:
        """@return what is wrong, or None"""
        return self._add(self._play, lib.tgvoip_call_play, path)

    def play_on_hold(self, path: str) -> Optional[str]:
        return self._add(self._hold, lib.tgvoip_call_play_on_hold, path)

    def _add(self, waiting: List[str], add: Any, path: str) -> Optional[str]:
        try:
            _warn_of_header(path)
        except OSError as error:
            return f"{path}: {error.strerror}"
        path = os.path.abspath(path)
        with self._lock:
            if not self.started:
                waiting.append(path)
                return None
        return self._queue(add, path)

    def _queue(self, add: Any, path: str) -> Optional[str]:
        failure = ffi.new("struct tgvoip_failure *")
        code = add(self.call, _raw(path), failure)
        return None if not code else _without_raw(error_of(code, failure))

    def clear_play(self) -> None:
        self._play.clear()
        if self.alive():
            lib.tgvoip_call_clear_play_queue(self.call)

    def clear_hold(self) -> None:
        self._hold.clear()
        if self.alive():
            lib.tgvoip_call_clear_hold_queue(self.call)

    def set_output(self, path: str) -> Optional[str]:
        path = os.path.abspath(path)
        if path == self._output:
            return None     # goes on; what is recorded stays
        if self.stopped:
            return f"{path}: the call has been stopped"
        if self.alive() and self.native:
            wrong = self._record(path)
        else:
            wrong = None
            try:
                with open(path, "wb"):
                    pass
            except OSError as error:
                wrong = f"{path}: {error.strerror}"
        if wrong is None:
            self._output = path
        return wrong

    def _record(self, path: str) -> Optional[str]:
        failure = ffi.new("struct tgvoip_failure *")
        code = lib.tgvoip_call_record(self.call, _raw(path), failure)
        return None if not code else _without_raw(error_of(code, failure))

    def unset_output(self) -> None:
        self._output = None
        if self.alive():
            lib.tgvoip_call_stop_recording(self.call)

    # -- the end -------------------------------------------------------------

    def stop(self) -> None:
        """End the call. In a callback: mark, and the rest follows when it
        has returned. Elsewhere: wait for the callback that runs, and for
        files."""
        self.check()
        lib.tgvpy_bridge_close(self.bridge)
        first, self.stopped = not self.stopped, True
        if getattr(_dispatchers, "core", None) is not None:
            if first:
                self._leave_to_dispatcher()
            return
        self.wait_idle(-1)
        self._finish()

    def _leave_to_dispatcher(self) -> None:
        if _dispatchers.core is self:
            self._stop_later = True
        else:
            # Another call's callback: waiting here for ours, which may wait
            # for that one, could last for ever.
            self._finisher = threading.Thread(
                target=self._finish_quietly, name="tgvoip-stop", daemon=True)
            self._finisher.start()

    def _finish_quietly(self) -> None:
        try:
            self._finish()
        except Exception:
            report(self._finish)

    def _finish(self) -> None:
        if self.call != ffi.NULL:
            lib.tgvoip_call_stop(self.call)
        if self.state_file and not self._saved:
            self._saved = True
            self._save_state()

    def wait_idle(self, timeout_ms: int) -> bool:
        left = timeout_ms
        while not lib.tgvpy_bridge_wait_idle(self.bridge, _WAIT_MS):
            if timeout_ms >= 0:
                left -= _WAIT_MS
                if left <= 0:
                    return False
        return True

    def close_for_exit(self) -> None:
        if self.pid == os.getpid():
            lib.tgvpy_bridge_close(self.bridge)
            self.stopped = True

    def shutdown(self) -> None:
        """At the exit of the interpreter, the controller still alive."""
        if self.pid != os.getpid():
            return
        self.wait_idle(_EXIT_WAIT_MS)
        self._finish()
        if self._thread is not None and (
                self._thread is not threading.current_thread()):
            self._thread.join(_EXIT_WAIT_MS / 1000)

    def destroy(self) -> None:
        """The controller is gone: nobody can call anything any more."""
        if self.pid != os.getpid():
            return
        lib.tgvpy_bridge_close(self.bridge)
        self.stopped = True
        if not self.delivering():
            self.wait_idle(-1)
        self._finish_quietly()
        if self._finisher is not None:
            self._finisher.join()
        call, self.call = self.call, ffi.NULL
        lib.tgvoip_call_destroy(call)

    # -- reading -------------------------------------------------------------

    def stats(self) -> Any:
        """`struct tgvoip_call_stats *`, zeros before start()."""
        stats = ffi.new("struct tgvoip_call_stats *")
        lib.tgvoip_call_stats_default(stats)
        if self.call != ffi.NULL:
            code = lib.tgvoip_call_get_stats(self.call, stats)
            if code:
                raise error_of(code)
        return stats

    def traffic(self) -> Tuple[int, int, int, int]:
        """Bytes sent by Wi-Fi and by mobile networks, and received."""
        s = self.stats()
        return (int(s.bytes_out_wifi), int(s.bytes_out_mobile),
                int(s.bytes_in_wifi), int(s.bytes_in_mobile))

    def debug_string(self) -> str:
        if self.call == ffi.NULL:
            return ""
        return self.text_of(lib.tgvoip_call_debug_string)

    def debug_ctl(self, request: int, param: int) -> None:
        self.settings.debug[request] = param
        if request == lib.TGVOIP_DEBUG_ALLOW_P2P and not self.started:
            self.settings.allow_p2p = bool(param)
        if request == lib.TGVOIP_DEBUG_ECHO_CANCELLING:
            self.settings.aec = bool(param)
        if self.alive():
            self._debug(request, param)

    def _debug(self, request: int, param: int) -> None:
        code = lib.tgvoip_call_debug_ctl(self.call, request, param)
        if code == lib.TGVOIP_ERR_UNSUPPORTED:
            _engine.log.info("debug_ctl: %d has no effect in this version",
                             request)
        elif code and code != lib.TGVOIP_ERR_STATE:
            raise error_of(code)

    # -- what one call tells the next ----------------------------------------

    def load_state(self, path: str) -> None:
        self.state_file = path
        try:
            with open(path, "rb") as f:
                data = f.read(_STATE_BYTES_MAX + 1)
            if len(data) > _STATE_BYTES_MAX:
                raise ValueError("is too long")
            text_of_file = data.decode()
            if "\0" in text_of_file:
                raise ValueError("is not text")
            self.settings.state = text_of_file
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            _engine.log.warning("state file %s is ignored: %s", path, error)

    def _save_state(self) -> None:
        path = self.state_file
        try:
            if self.call == ffi.NULL:
                _replace(path, self.settings.state or '{"ver":1}')
                return
            failure = ffi.new("struct tgvoip_failure *")
            code = lib.tgvoip_call_save_state(self.call, os.fsencode(path),
                                              failure)
            if code:
                raise error_of(code, failure)
        except (OSError, RuntimeError, MemoryError) as error:
            _engine.log.warning("state file %s is not written: %s", path,
                                error)

    def text_of(self, function: Any) -> str:
        """Text that a C function hands out."""
        out = ffi.new("char **")
        code = function(self.call, out)
        if code:
            raise error_of(code)
        try:
            return text(out[0])
        finally:
            lib.tgvoip_free(out[0])


def _replace(path: str, content: str) -> None:
    """Write a file as a whole or not at all."""
    handle, temporary = tempfile.mkstemp(
        dir=os.path.dirname(os.path.abspath(path)))
    try:
        with os.fdopen(handle, "wb") as f:
            f.write(content.encode())
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def _raw(path: str) -> bytes:
    """The files of this interface have no header, whatever their names."""
    return _RAW.encode() + os.fsencode(path)


def _without_raw(error: Exception) -> str:
    """The message, with the file's name as it was given."""
    message = str(error)
    return message[len(_RAW):] if message.startswith(_RAW) else message


def _warn_of_header(path: str) -> None:
    """Compressed sound taken for samples is loud noise: a line in the log.
    Raises OSError if the file cannot be read."""
    with open(path, "rb") as f:
        if not stat.S_ISREG(os.fstat(f.fileno()).st_mode):
            return      # what is read from a pipe is gone
        head = f.read(4)
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            _engine.log.warning(
                "%s is a file of the kind %s; the files of VoIPController "
                "are headerless PCM, so it will be heard as noise", path,
                kind)


def endpoint_values(endpoint: Endpoint) -> Tuple[int, str, str, int, bytes]:
    return (endpoint._id, endpoint.ip or "", endpoint.ipv6 or "",
            endpoint.port, endpoint.peer_tag or b"")


# -- the dispatcher thread ---------------------------------------------------

def _dispatch(core: Core, listener: "weakref.ref[Listener]") -> None:
    _dispatchers.core = core
    bridge = core.bridge
    event = ffi.new("struct tgvpy_event *")
    while True:
        kind = lib.tgvpy_bridge_wait(bridge, event)
        if kind == lib.TGVPY_CLOSED:
            break
        target = listener()
        if target is None:
            lib.tgvpy_bridge_close(bridge)
            continue
        try:
            _deliver(bridge, event, target)
        except BaseException:
            report(target)
        # Dropping the last reference ends the call, here.
        del target
        if core._stop_later:
            core._stop_later = False
            core._finish_quietly()


def _deliver(bridge: Any, event: Any, target: Listener) -> None:
    if event.kind == lib.TGVPY_STATE:
        target._on_state(event.value)
    elif event.kind == lib.TGVPY_BARS:
        target._on_bars(event.value)
    elif event.kind == lib.TGVPY_RECEIVE:
        target._on_receive(bytes(ffi.buffer(event.frame)))
    elif event.kind == lib.TGVPY_SEND:
        data: Any = b""
        try:
            data = _pcm(target._on_send(FRAME_BYTES))
        finally:    # silence, whatever went wrong
            lib.tgvpy_bridge_put(bridge, data, len(data))


def _pcm(frame: Any) -> Any:
    """What a send callback returned, as something that cffi can read."""
    if frame is None:
        return b""
    if isinstance(frame, bytes):
        return frame
    return as_pcm("send_audio_frame_callback", frame).tobytes()


__all__ = ["Core", "FRAME_BYTES", "Listener", "Settings", "VoIPError",
           "endpoint_values"]
