# SPDX-License-Identifier: MIT
"""Voice calls by handlers and callbacks: the interface of pytgvoip.

Everything here is also in `tgvoip` itself. A call in short::

    with VoIPController() as call:
        call.set_send_audio_frame_callback(send)        # 20 ms of PCM
        call.set_recv_audio_frame_callback(receive)
        call.call_state_changed_handlers.append(print)
        call.set_config(10, 30, DataSaving.NEVER, call_id)
        call.set_encryption_key(key, True)
        call.set_remote_endpoints(endpoints, False, False, 92)
        call.start()
        call.connect()
        ...

Audio is 48 kHz, mono, signed 16 bit little-endian PCM, in frames of 960
samples (1920 bytes, 20 ms). Handlers and callbacks run on a thread of their
own, one for each call; an exception in them is reported through
`sys.unraisablehook` and the call goes on.
"""
import json
import os
import sys
import time
from typing import (Any, Callable, ClassVar, Dict, Iterable, List, Optional,
                    SupportsIndex, Type, TypeVar, Union)
from types import TracebackType
import weakref

from . import _engine
from ._base import BaseController, set_server_config
from ._errors import as_bool, as_enum, as_int, as_path, report, wrong_type
from ._native import lib
from ._types import (CallError, CallState, DataSaving, Endpoint, NetType,
                     Path, Stats)
from .utils import get_real_elapsed_time

__all__ = ["NetType", "DataSaving", "CallState", "CallError", "Stats",
           "Endpoint", "VoIPController", "VoIPServerConfig"]

T = TypeVar("T")
Self = TypeVar("Self", bound="VoIPController")
StateHandler = Callable[[CallState], Any]
BarsHandler = Callable[[int], Any]
SendCallback = Callable[[int], Any]
ReceiveCallback = Callable[[bytes], Any]

_NOT_GIVEN: Any = object()
_OVER = (CallState.FAILED, CallState.ENDED)


def _refuse_processing(value: Any) -> None:
    if value is not _NOT_GIVEN:
        raise ValueError("process_pcm: not available in this version")


def _silence(length: int) -> bytes:
    return b""


def _ignore(frame: bytes) -> None:
    pass


class _Handlers(List[T]):
    """A list that tells its controller when something is put into it."""

    def __init__(self, owner: "VoIPController",
                 items: Iterable[T] = ()) -> None:
        super().__init__(items)
        self._owner = weakref.ref(owner)

    def _changed(self) -> None:
        owner = self._owner()
        if owner is not None:
            owner._refresh()

    def append(self, item: T) -> None:
        super().append(item)
        self._changed()

    def extend(self, items: Iterable[T]) -> None:
        super().extend(items)
        self._changed()

    def insert(self, index: SupportsIndex, item: T) -> None:
        super().insert(index, item)
        self._changed()

    def __iadd__(self, items: Iterable[T]) -> "_Handlers[T]":  # type: ignore[override,misc]
        super().extend(items)
        self._changed()
        return self

    def __setitem__(self, index: Any, item: Any) -> None:
        super().__setitem__(index, item)
        self._changed()

    def __reduce__(self) -> Any:
        return list, (list(self),)


class VoIPController(BaseController):
    """One end of an encrypted call whose key is already agreed.

    :param persistent_state_file: what the engine learns for later calls is
        read from this file, and written to it when the call stops
    :param debug: log files named by time, and statistics of packets
    :param logs_dir: folder of log files; None or `''` for none

    Dropping the last reference ends the call, as `stop` and leaving a `with`
    block do. Every value of the wrong type is refused with `TypeError`, of the
    right type but impossible with `ValueError`, and what comes too late with
    `RuntimeError`.
    """

    _start_time: float = 0
    _end_time: Optional[float] = None

    def __init__(self, persistent_state_file: Path = "", debug: bool = False,
                 logs_dir: Optional[Path] = "logs", *,
                 process_pcm: Any = _NOT_GIVEN) -> None:
        _refuse_processing(process_pcm)
        self.debug = as_bool("debug", debug)
        self.logs_dir = (None if logs_dir is None
                         else as_path("logs_dir", logs_dir))
        self._send_callback: Any = _silence
        self._recv_callback: Any = _ignore
        self._state_handlers: List[StateHandler] = _Handlers(self)
        self._bars_handlers: List[BarsHandler] = _Handlers(self)
        super().__init__(persistent_state_file)

    def _init(self) -> None:
        super()._init()
        core = self._core
        if self._persistent_state_file:
            core.load_state(self._persistent_state_file)
        try:
            self._handle_state_change(CallState.WAIT_INIT)
        except Exception:
            report(self._handle_state_change)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]],
                 value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.stop()

    # -- attributes ----------------------------------------------------------

    @property
    def persistent_state_file(self) -> str:
        """Path of the state file, `''` for none."""
        return self._persistent_state_file

    @property
    def call_state_changed_handlers(self) -> List[StateHandler]:
        """Functions called with each new `CallState`, in order."""
        return self._state_handlers

    @call_state_changed_handlers.setter
    def call_state_changed_handlers(self, value: List[StateHandler]) -> None:
        self._state_handlers = _Handlers(self, value)
        self._refresh()

    @property
    def signal_bars_changed_handlers(self) -> List[BarsHandler]:
        """Functions called with the quality of the line, 1..4, on change and
        at most once a second."""
        return self._bars_handlers

    @signal_bars_changed_handlers.setter
    def signal_bars_changed_handlers(self, value: List[BarsHandler]) -> None:
        self._bars_handlers = _Handlers(self, value)
        self._refresh()

    @property
    def send_audio_frame_callback(self) -> SendCallback:
        """Called with a number of bytes, 1920, every 20 ms; returns so much
        PCM to be sent. Less is filled up with silence, more is cut, None is
        silence."""
        return self._send_callback      # type: ignore[no-any-return]

    @send_audio_frame_callback.setter
    def send_audio_frame_callback(self, func: SendCallback) -> None:
        self._send_callback = func
        self._refresh()

    @property
    def recv_audio_frame_callback(self) -> ReceiveCallback:
        """Called with 1920 bytes of PCM every 20 ms from the first sound
        on; silence where nothing came."""
        return self._recv_callback      # type: ignore[no-any-return]

    @recv_audio_frame_callback.setter
    def recv_audio_frame_callback(self, func: ReceiveCallback) -> None:
        self._recv_callback = func
        self._refresh()

    def set_send_audio_frame_callback(self, func: SendCallback) -> None:
        """Set `send_audio_frame_callback`."""
        self.send_audio_frame_callback = func

    def set_recv_audio_frame_callback(self, func: ReceiveCallback) -> None:
        """Set `recv_audio_frame_callback`."""
        self.recv_audio_frame_callback = func

    @property
    def native_io(self) -> bool:
        """Files speak and record (`play`, `set_output_file`) in place of the
        two frame callbacks. Switching it off finishes the recording."""
        return self._native_io_get()

    @native_io.setter
    def native_io(self, status: bool) -> None:
        self._native_io_set(status)

    # -- time ----------------------------------------------------------------

    @property
    def start_time(self) -> float:
        """`utils.get_real_elapsed_time` of the first ESTABLISHED; 0 before."""
        if not self._start_time:
            established = self._core.facts()[0]
            if established is not None:
                self._start_time = established
        return self._start_time

    @start_time.setter
    def start_time(self, value: float) -> None:
        self._start_time = value

    @property
    def call_duration(self) -> int:
        """Whole seconds since the call was established, until it ended."""
        start = self.start_time
        if not start:
            return 0
        ends = [t for t in (self._end_time, self._core.facts()[1])
                if t is not None]
        end = min(ends) if ends else get_real_elapsed_time()
        return max(0, int(end - start))

    # -- settings ------------------------------------------------------------

    def set_config(
            self, recv_timeout: float, init_timeout: float,
            data_saving_mode: Union[DataSaving, int], call_id: int,
            enable_aec: bool = True, enable_ns: bool = True,
            enable_agc: bool = True, log_file_path: Optional[Path] = None,
            status_dump_path: Optional[Path] = None,
            log_packet_stats: Optional[bool] = None, *,
            process_pcm: Any = _NOT_GIVEN) -> None:
        """Set times and files. May be repeated, also while the call runs;
        files are opened anew then.

        :param recv_timeout: give up after so many seconds of silence: the
            server's `call_packet_timeout_ms / 1000`
        :param init_timeout: give up if the call is not established after so
            many seconds: the server's `call_connect_timeout_ms / 1000`
        :param call_id: `phoneCall.id`; names the log file
        :param enable_aec: kept; audio of callbacks and files is not processed
        :param enable_ns: kept
        :param enable_agc: kept
        :param log_file_path: None: a name made of `logs_dir` and the id or,
            with `debug`, the time; `''`: no file
        :param status_dump_path: None: none or, with `debug`, a name made of
            the time; `''`: no file
        :param log_packet_stats: write a line for each packet to the log
            file's name with `.packets` behind it; None: the value of `debug`
        """
        _refuse_processing(process_pcm)
        number = as_int("call_id", call_id)
        # Everything is checked before a folder is made.
        self._set_engine_config(
            recv_timeout, init_timeout, data_saving_mode, enable_aec,
            enable_ns, enable_agc, log_file_path or "",
            status_dump_path or "",
            self.debug if log_packet_stats is None else log_packet_stats)
        settings = self._core.settings
        if log_file_path is None and self.logs_dir:
            settings.log_file = (
                self._get_log_file_path(f"voip{number}") if self.debug
                else self._get_log_file_path_for_call_id(number))
        if status_dump_path is None and self.logs_dir and self.debug:
            settings.stats_file = self._get_log_file_path("voip_stats")
        self._apply_engine_config()

    def _get_log_file_path(self, name: str) -> str:
        t = time.localtime()
        return os.path.join(
            self._logs_folder(),
            f"{t.tm_year}_{t.tm_mon}_{t.tm_mday}_{t.tm_hour}_{t.tm_min}_"
            f"{t.tm_sec}_{name}.txt")

    def _get_log_file_path_for_call_id(self, call_id: int) -> str:
        return os.path.join(self._logs_folder(), f"{call_id}.log")

    def _logs_folder(self) -> str:
        folder = os.path.abspath(self.logs_dir or ".")
        os.makedirs(folder, exist_ok=True)
        return folder

    # -- states --------------------------------------------------------------

    def update_state(self, state: Union[CallState, int]) -> None:
        """Tell the state handlers, here and now, of a state that the engine
        does not know: ringing, busy, ended."""
        self._core.check()
        self._handle_state_change(as_enum("state", state, CallState))

    def _handle_state_change(self, state: CallState) -> None:
        self._note(state)
        self._tell(self._state_handlers, state)

    def _handle_signal_bars_change(self, count: int) -> None:
        self._tell(self._bars_handlers, count)

    def _tell(self, handlers: Iterable[Any], value: Any) -> None:
        core = self._core
        for handler in list(handlers):
            # The one before may have called stop().
            if core.delivering() and core.stopped:
                break
            if not callable(handler):
                continue
            try:
                handler(value)
            except BaseException:
                report(handler)

    def _note(self, state: CallState) -> None:
        if state is CallState.ESTABLISHED and not self.start_time:
            self._start_time = get_real_elapsed_time()
        if state in _OVER and self._end_time is None:
            self._end_time = get_real_elapsed_time()

    # -- audio ---------------------------------------------------------------

    def _send_audio_frame_impl(self, length: int) -> bytes:
        if callable(self._send_callback):
            return self._send_callback(length)  # type: ignore[no-any-return]
        return b""

    def _recv_audio_frame_impl(self, frame: bytes) -> None:
        if callable(self._recv_callback):
            self._recv_callback(frame)

    def _wanted(self) -> int:
        base = VoIPController
        wants = 0
        for bit, somebody in (
                (lib.TGVPY_WANT_STATE, self._state_handlers
                 or self._overrides("_handle_state_change", base)),
                (lib.TGVPY_WANT_BARS, self._bars_handlers
                 or self._overrides("_handle_signal_bars_change", base)),
                (lib.TGVPY_WANT_SEND,
                 (self._send_callback is not _silence
                  and callable(self._send_callback))
                 or self._overrides("_send_audio_frame_impl", base)),
                (lib.TGVPY_WANT_RECEIVE,
                 (self._recv_callback is not _ignore
                  and callable(self._recv_callback))
                 or self._overrides("_recv_audio_frame_impl", base))):
            if somebody:
                wants |= int(bit)
        return wants


class VoIPServerConfig:
    """The server's call configuration, one for the process.

    It holds for controllers that are created afterwards. `config` has
    defaults; the values of the server (`phone.getCallConfig`) are merged into
    it. A value that the engine does not take is told of in the log when a
    call starts, which goes on with the one before.
    """

    config: ClassVar[Dict[str, Any]] = {
        "audio_max_bitrate": 20000,
        "audio_max_bitrate_gprs": 8000,
        "audio_max_bitrate_edge": 16000,
        "audio_max_bitrate_saving": 8000,
        "audio_init_bitrate": 16000,
        "audio_init_bitrate_gprs": 8000,
        "audio_init_bitrate_edge": 8000,
        "audio_init_bitrate_saving": 8000,
        "audio_bitrate_step_incr": 1000,
        "audio_bitrate_step_decr": 1000,
        "audio_min_bitrate": 8000,
        "relay_switch_threshold": 0.8,
        "p2p_to_relay_switch_threshold": 0.6,
        "relay_to_p2p_switch_threshold": 0.8,
        "reconnecting_state_timeout": 2.0,
        "rate_flags": 0xFFFFFFFF,
        "rate_min_rtt": 0.6,
        "rate_min_send_loss": 0.2,
        "packet_loss_for_extra_ec": 0.02,
        "max_unsent_stream_packets": 2,
    }

    @classmethod
    def set_config(cls, _json: Union[str, Dict[str, Any]]) -> None:
        """Merge values, given as JSON or as a dict.

        What is not a JSON object prints one line to stderr and changes
        nothing.
        """
        try:
            values = json.loads(_json) if isinstance(
                _json, (str, bytes, bytearray)) else _json
            if not isinstance(values, dict):
                raise wrong_type("_json", "JSON object or dict", values)
            merged = dict(cls.config)
            merged.update(values)
            text = json.dumps(merged, allow_nan=False)
        except (TypeError, ValueError) as error:
            print(f"tgvoip: VoIPServerConfig.set_config: {error}",
                  file=sys.stderr)
            return
        cls.config.update(values)
        set_server_config(text)

    @classmethod
    def set_bitrate_config(cls, init_bitrate: int = 16000,
                           max_bitrate: int = 20000, min_bitrate: int = 8000,
                           decrease_step: int = 1000,
                           increase_step: int = 1000) -> None:
        """Set the bitrates of the encoder, in bits a second."""
        cls.set_config({
            "audio_init_bitrate": init_bitrate,
            "audio_max_bitrate": max_bitrate,
            "audio_min_bitrate": min_bitrate,
            "audio_bitrate_step_decr": decrease_step,
            "audio_bitrate_step_incr": increase_step,
        })
