# SPDX-License-Identifier: MIT
"""The one engine that all calls of the process share, and its end.

It is created with the first call. When the interpreter exits, what registered
here is stopped, so that every recording is whole. After a fork the child has
no engine; it gets one of its own if it makes calls.
"""
import atexit
import logging
import os
import sys
import threading
import weakref
from typing import Any, Callable, List, Optional

from ._errors import error_of, text
from ._native import ffi, lib

log = logging.getLogger("tgvoip")

_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO,
           4: logging.DEBUG}

# Reentrant: a signal handler may make a call while one is being made.
_lock = threading.RLock()
_engine: Any = None
_pid = os.getpid()
_log_thread: Optional[threading.Thread] = None
_stoppers: "weakref.WeakSet[Any]" = weakref.WeakSet()


def _log_level() -> int:
    level = log.getEffectiveLevel()
    if level <= logging.DEBUG:
        return int(lib.TGVOIP_LOG_DEBUG)
    if level <= logging.INFO:
        return int(lib.TGVOIP_LOG_INFO)
    return int(lib.TGVOIP_LOG_WARNING)


def _pump_log() -> None:
    line = ffi.new("struct tgvpy_line *")
    while lib.tgvpy_log_wait(line):
        try:
            log.log(_LEVELS.get(line.level, logging.ERROR), "%s: %s",
                    text(line.room), text(line.text))
        except Exception:
            pass    # logging has told of it


def get_engine() -> Any:
    """`tgvoip_engine *`; created when first asked for.

    The log level of the logger `tgvoip` at that time decides how much the
    engine tells it.
    """
    global _engine, _log_thread
    with _lock:
        if _engine is None:
            config = ffi.new("struct tgvoip_engine_config *")
            lib.tgvoip_engine_config_default(config)
            lib.tgvpy_log_install(config, _log_level())
            out = ffi.new("tgvoip_engine **")
            failure = ffi.new("struct tgvoip_failure *")
            code = lib.tgvoip_engine_create(out, config, failure)
            if code:
                raise error_of(code, failure)
            _engine = out[0]
            _log_thread = threading.Thread(
                target=_pump_log, name="tgvoip-log", daemon=True)
            _log_thread.start()
        return _engine


def owner() -> int:
    """Number of this process; what was made in another one is dead here."""
    return os.getpid()


def check_owner(pid: int) -> None:
    if pid != os.getpid():
        raise RuntimeError("this call was made before fork(): it belongs to "
                           f"process {pid}, not to process {os.getpid()}")


def stop_at_exit(thing: Any) -> None:
    """Have `thing.shutdown()` called when the interpreter exits."""
    _stoppers.add(thing)


def _at_exit() -> None:
    if _pid != os.getpid():
        return
    things: List[Any] = list(_stoppers)
    for thing in things:    # mark all, then wait for each
        _quietly(thing.close_for_exit)
    for thing in things:
        _quietly(thing.shutdown)
    lib.tgvpy_log_close()
    if _log_thread is not None:
        _log_thread.join(2)


def _quietly(do: Callable[[], None]) -> None:
    try:
        do()
    except Exception as error:
        sys.stderr.write(f"tgvoip: {error}\n")


def _after_fork() -> None:
    global _engine, _pid, _log_thread, _lock
    _lock = threading.RLock()
    _engine = None
    _pid = os.getpid()
    _log_thread = None
    _stoppers.clear()
    lib.tgvpy_log_after_fork()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
