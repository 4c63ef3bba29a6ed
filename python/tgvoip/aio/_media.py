# SPDX-License-Identifier: MIT
"""The engine's half of a call: `tgvoip_call` in C, its files, and PCM by its
rings. Blocking calls are left to the caller's judgement, who uses threads for
`stop()`; all others return at once."""
import asyncio
import os
import weakref
from typing import Any, Callable, List, Optional, Set

from .. import _engine
from .._errors import as_pcm, error_of
from .._native import ffi, lib
from ._hub import hub_of
from .outcomes import QUIET, CallEnded

RATE_HZ = int(lib.TGVOIP_SAMPLE_RATE)
RING_SAMPLES = RATE_HZ // 2     # what a ring of the call holds
MIN_RATE_HZ, MAX_RATE_HZ = 8000, 192000
_QUALITY = 3                    # of the resampler: telephone speech
_STREAM_S = 1.0                 # unread audio that a stream keeps


def check_rate(rate: Any) -> int:
    if isinstance(rate, bool) or not isinstance(rate, int):
        raise TypeError(f"rate: int expected, got {type(rate).__name__}")
    if not MIN_RATE_HZ <= rate <= MAX_RATE_HZ:
        raise ValueError(f"rate: {rate} is out of range "
                         f"{MIN_RATE_HZ}..{MAX_RATE_HZ}")
    return rate


class Resampler:
    def __init__(self, from_hz: int, to_hz: int) -> None:
        out = ffi.new("tgvoip_resampler **")
        code = lib.tgvoip_resampler_create(out, from_hz, to_hz, _QUALITY)
        if code:
            raise error_of(code)
        self._pointer = ffi.gc(out[0], lib.tgvoip_resampler_destroy)
        self._from, self._to = from_hz, to_hz
        self._used = ffi.new("size_t *")
        self._made = ffi.new("size_t *")
        self._room = 0
        self._out: Any = None

    def run(self, pcm: Any, samples: int) -> Any:
        """@param pcm `int16_t *` @return (`int16_t *`, samples), valid until
        the next time"""
        room = samples * self._to // self._from + 64
        if room > self._room:
            self._room = room
            self._out = ffi.new("int16_t[]", room)
        self._used[0], self._made[0] = samples, self._room
        code = lib.tgvoip_resampler_run(self._pointer, pcm, self._used,
                                        self._out, self._made)
        if code:
            raise error_of(code)
        return self._out, self._made[0]


class AudioStream:
    """What is heard, as an asynchronous iterator over frames of PCM: mono,
    signed 16 bit in the machine's byte order, `frame_ms` long.

    It ends when the call ends. Frames that nobody takes for a second are
    dropped, the oldest first, and counted in `dropped`.
    """

    def __init__(self, media: "Media", rate: int, frame_ms: int) -> None:
        self.rate, self.frame_ms = check_rate(rate), frame_ms
        self.frame_bytes = rate * frame_ms // 1000 * 2
        if not self.frame_bytes:
            raise ValueError("frame_ms: too short")
        self.dropped = 0
        self._limit = max(int(rate * _STREAM_S) * 2, 2 * self.frame_bytes)
        self._resampler = (None if rate == RATE_HZ
                           else Resampler(RATE_HZ, rate))
        self._media = media
        self._buffer = bytearray()
        self._waiter: "Optional[asyncio.Future[None]]" = None
        self._outcome: Optional[CallEnded] = None
        self._closed = False

    def __aiter__(self) -> "AudioStream":
        return self

    async def __anext__(self) -> bytes:
        n = self.frame_bytes
        while len(self._buffer) < n:
            if self._closed:
                self._finish()
            if self._waiter is not None:
                raise RuntimeError("audio: another task waits for the next "
                                   "frame; make a stream for each")
            # Of the call's loop: another one is refused, not hung up on.
            self._waiter = self._media.loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        frame = bytes(self._buffer[:n])
        del self._buffer[:n]
        return frame

    def _finish(self) -> None:
        if self._outcome is not None and not isinstance(self._outcome, QUIET):
            raise self._outcome
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Take no more."""
        self._media.drop_stream(self)
        self.close(None)

    # -- from the media ----------------------------------------------------------

    def feed(self, pcm: Any, samples: int) -> None:
        if self._resampler is not None:
            pcm, samples = self._resampler.run(pcm, samples)
        buffer = self._buffer
        buffer += ffi.buffer(pcm, samples * 2)
        while len(buffer) > self._limit:
            del buffer[:self.frame_bytes]
            self.dropped += 1
        if len(buffer) >= self.frame_bytes:
            self._wake()

    def close(self, outcome: Optional[CallEnded]) -> None:
        if not self._closed:
            self._closed, self._outcome = True, outcome
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Media:
    """@param on_event gets each `struct tgvpy_hub_event *`
    @param configure sets more of a `struct tgvoip_call_config *`; what that
        points to goes into the list"""

    def __init__(self, setup: Any, on_event: Callable[[Any], None],
                 configure: Callable[[Any, List[Any]], None]) -> None:
        self.pid = _engine.owner()
        self.loop = asyncio.get_running_loop()
        self.hub = hub_of(self.loop)
        self.call: Any = ffi.NULL
        self.on_event = on_event
        self._number = self.hub.join(_Weakly(self))
        self._member = lib.tgvpy_member_create(self.hub.pointer, self._number)
        self.streams: List[AudioStream] = []
        self._in = ffi.new("int16_t[]", RING_SAMPLES)
        self._writing = asyncio.Lock()
        self._writers: "Set[asyncio.Future[None]]" = set()
        self._resampler: Optional[Resampler] = None
        self._resampler_rate = 0
        self._cleared = 0
        self._said_at = 0.0     # when all that was written will be said
        self._muted = False
        self._left_s = 0.0      # what is still to be said, while muted
        self._outcome: Optional[CallEnded] = None
        self.stopped = False
        try:
            self._create(setup, configure)
        except BaseException:
            self.hub.leave(self._number)
            lib.tgvpy_member_destroy(self._member)
            raise
        _engine.stop_at_exit(self)

    def _create(self, setup: Any,
                configure: Callable[[Any, List[Any]], None]) -> None:
        if self._member == ffi.NULL:
            raise MemoryError("out of memory")
        config = ffi.new("struct tgvoip_call_config *")
        lib.tgvoip_call_config_default(config)
        lib.tgvoip_call_setup_apply(setup, config)
        lib.tgvpy_member_install(self._member, config)
        keep: List[Any] = []
        configure(config, keep)
        out = ffi.new("tgvoip_call **")
        failure = ffi.new("struct tgvoip_failure *")
        code = lib.tgvoip_call_create(_engine.get_engine(), out, config,
                                      failure)
        if code:
            raise error_of(code, failure)
        self.call = out[0]
        code = (lib.tgvoip_call_start(self.call)
                or lib.tgvoip_call_connect(self.call))
        if code:
            lib.tgvoip_call_destroy(self.call)
            self.call = ffi.NULL
            raise error_of(code)

    def alive(self) -> bool:
        return not self.stopped and bool(self.call != ffi.NULL)

    # -- the end -------------------------------------------------------------------

    def end(self, outcome: CallEnded) -> None:
        """No audio any more; what waits for some is woken."""
        if self.streams and self.alive():
            self._pump_in()     # the last of it
        self._outcome = outcome
        self.stopped = True
        for stream in self.streams:
            stream.close(outcome)
        self.streams.clear()
        self._wake_writers()

    def stop(self) -> None:
        """Blocks until recordings are whole. Any thread."""
        if self.call != ffi.NULL:
            lib.tgvoip_call_stop(self.call)

    def destroy(self) -> None:
        """After stop(), on the loop."""
        call, self.call = self.call, ffi.NULL
        if call != ffi.NULL:
            lib.tgvoip_call_destroy(call)
            self.hub.leave(self._number)
            lib.tgvpy_member_destroy(self._member)

    def close_for_exit(self) -> None:
        """Nothing to mark: no Python runs on a loop thread."""

    def shutdown(self) -> None:
        if self.pid == os.getpid():
            self.stop()

    # -- files -----------------------------------------------------------------------

    def with_path(self, function: Any, path: str) -> None:
        failure = ffi.new("struct tgvoip_failure *")
        code = function(self.call, os.fsencode(path), failure)
        if code:
            raise _file_error(code, failure)

    # -- PCM in ------------------------------------------------------------------------

    def new_stream(self, rate: int, frame_ms: int) -> AudioStream:
        stream = AudioStream(self, rate, frame_ms)
        if self.stopped:
            stream.close(self._outcome)
            return stream
        if not self.streams:
            # The ring is filled from the first look on; drop what is old.
            lib.tgvoip_call_read(self.call, self._in, RING_SAMPLES)
        self.streams.append(stream)
        self._move()
        return stream

    def drop_stream(self, stream: AudioStream) -> None:
        if stream in self.streams:
            self.streams.remove(stream)

    def _pump_in(self) -> None:
        n = lib.tgvoip_call_read(self.call, self._in, RING_SAMPLES)
        if n > 0:
            for stream in self.streams:
                stream.feed(self._in, n)

    def _move(self) -> None:
        self.hub.move(self._number, _Weakly(self))

    def on_tick(self) -> bool:
        if not self.alive():
            return False
        if self.streams:
            self._pump_in()
        self._wake_writers()
        return bool(self.streams or self._writing.locked())

    # -- PCM out -----------------------------------------------------------------------

    def _wake_writers(self) -> None:
        writers, self._writers = self._writers, set()
        for writer in writers:
            if not writer.done():
                writer.set_result(None)

    async def write(self, pcm: Any, rate: int) -> None:
        data = as_pcm("pcm", pcm)
        if len(data) % 2:
            raise ValueError(f"pcm: {len(data)} bytes are no whole number of "
                             "16-bit samples")
        check_rate(rate)
        cleared = self._cleared
        async with self._writing:
            if cleared != self._cleared:
                return
            self.check()
            samples = len(data) // 2
            source = ffi.from_buffer("int16_t[]", data)
            if rate != RATE_HZ:
                source, samples = self._resampled(source, samples, rate)
            await self._put(source, samples, cleared)

    def check(self) -> None:
        if self._outcome is not None:
            raise self._outcome
        if not self.alive():
            raise RuntimeError("the call has no audio yet")

    def _resampled(self, source: Any, samples: int, rate: int) -> Any:
        if self._resampler is None or self._resampler_rate != rate:
            self._resampler = Resampler(rate, RATE_HZ)
            self._resampler_rate = rate
        return self._resampler.run(source, samples)

    async def _put(self, source: Any, samples: int, cleared: int) -> None:
        done = 0
        while done < samples:
            self.check()
            n = lib.tgvoip_call_write(self.call, source + done,
                                      samples - done)
            if n < 0:
                raise error_of(n)
            done += n
            self._note(n / RATE_HZ)
            if done < samples:
                writer = self.loop.create_future()
                self._writers.add(writer)
                self._move()
                await writer
                if cleared != self._cleared:
                    return

    def clear(self) -> None:
        if self.alive():
            lib.tgvoip_call_clear(self.call)
        self._cleared += 1
        self._said_at = self._left_s = 0.0
        self._resampler = None
        self._wake_writers()

    def mute(self, muted: bool) -> None:
        """What was written waits for the end of it."""
        if muted and not self._muted:
            self._left_s = self._to_say()
        elif self._muted and not muted:
            self._said_at = self.loop.time() + self._left_s
        self._muted = muted
        if self.alive():
            lib.tgvoip_call_set_mute(self.call, muted)

    def _note(self, seconds: float) -> None:
        """More to say."""
        if self._muted:
            self._left_s += seconds
        else:
            self._said_at = max(self._said_at, self.loop.time()) + seconds

    def _to_say(self) -> float:
        return (self._left_s if self._muted
                else max(0.0, self._said_at - self.loop.time()))

    async def drain(self) -> None:
        """Wait until what was written has been said."""
        while self.alive():
            left = self._to_say()
            if left <= 0:
                return
            cleared = self._cleared
            await asyncio.sleep(min(left, 0.1))
            if cleared != self._cleared:
                return


class _Weakly:
    """A member that does not keep a forgotten call alive."""

    def __init__(self, media: Media) -> None:
        self._media = weakref.ref(media)

    def on_event(self, event: Any) -> None:
        media = self._media()
        if media is not None:
            media.on_event(event)

    def on_tick(self) -> bool:
        media = self._media()
        return media is not None and media.on_tick()


def _file_error(code: int, failure: Any) -> Exception:
    error = error_of(code, failure)
    if code == lib.TGVOIP_ERR_NOT_FOUND:
        return FileNotFoundError(str(error))
    if code == lib.TGVOIP_ERR_ACCESS:
        return PermissionError(str(error))
    if code in (lib.TGVOIP_ERR_FORMAT, lib.TGVOIP_ERR_UNSUPPORTED):
        return ValueError(str(error))
    return error
