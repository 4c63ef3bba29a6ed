# SPDX-License-Identifier: MIT
"""A call, from ringing to hang-up."""
import asyncio
import logging
import os
from types import TracebackType
from typing import (Any, AsyncIterator, Generator, List, Optional, Tuple,
                    Type)

from .._errors import as_int, as_path, wrong_type
from .._native import ffi, lib
from .._proxy import proxy_struct
from .._types import CallError, CallState, Path
from ._feed import Feeds, check_loop
from ._media import AudioStream, Media
from ._signaling import Leg, LegInfo
from .events import (CallStats, Ended, Event, Feedback, FileFailed, Played,
                     RouteChanged, SignalBars, StateChanged, Verified,
                     call_stats)
from .outcomes import CallEnded, InternalError, PeerHungUp

log = logging.getLogger("tgvoip.aio")

# The server has 5 s to answer a hang-up; files are finished besides. [s]
END_TIMEOUT_S = 7.0


class Playback:
    """A file in the play queue. Awaiting it waits until all of the queue has
    been played: True; or until it was cleared: False."""

    def __init__(self, call: "Call", path: str) -> None:
        self.path = path
        self._future: "asyncio.Future[bool]" = (
            asyncio.get_running_loop().create_future())
        self._call = call

    def done(self) -> bool:
        return self._future.done()

    def _finish(self, whole: bool) -> None:
        if not self._future.done():
            self._future.set_result(whole)

    def __await__(self) -> Generator[Any, None, bool]:
        return asyncio.shield(self._future).__await__()


class Call:
    """One call, made by `Client.call()` or found by `Client.incoming()`.

    Used with `async with`: it rings, or answers an incoming call, and enters
    the block when both sides can hear each other; leaving the block hangs up,
    however it is left. What comes instead of a conversation is raised: see
    `tgvoip.aio.outcomes`. If the other side hangs up, audio ends, `write()`
    raises `PeerHungUp`, and a block that this ends is left without an error.

    All of it belongs to the event loop of its client; another thread gets a
    `RuntimeError`.
    """

    def __init__(self, leg: Leg, options: Any, user: Any = None,
                 ring_timeout: Optional[float] = None) -> None:
        self._leg = leg
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._user, self._ring_timeout = user, ring_timeout
        self._info: LegInfo = leg.info()
        self._emoji: Tuple[Tuple[str, str], ...] = ()
        self._media: Optional[Media] = None
        self._playbacks: List[Playback] = []
        self._listeners: "Feeds[Event]" = Feeds()
        self._established = self._future()
        self._over = self._future()     # everything is finished
        self._begun = False
        self._begun_by: "Optional[asyncio.Task[Any]]" = None
        self._to_enter = False      # begun, and not yet entered
        self._stats: Any = ffi.NULL
        self._outcome: Optional[CallEnded] = None
        self._bars = 0
        self._muted = False
        leg.listener = self._on_signal

    def _future(self) -> "asyncio.Future[None]":
        future: "asyncio.Future[None]" = self._loop.create_future()
        # Nobody has to look at it.
        future.add_done_callback(
            lambda f: f.cancelled() or f.exception())
        return future

    # -- what it is ------------------------------------------------------------

    @property
    def outgoing(self) -> bool:
        """True if this side has called."""
        return self._user is not None

    @property
    def id(self) -> int:
        """The server's number of the call; 0 until known."""
        return self._info.id

    @property
    def user_id(self) -> int:
        """The other side."""
        return (self._info.participant_id if self.outgoing
                else self._info.admin_id)

    @property
    def video(self) -> bool:
        """An incoming call whose caller would show a picture."""
        return self._info.video

    @property
    def state(self) -> CallState:
        """As of `VoIPController`; REQUESTING before it begins."""
        try:
            return CallState(self._info.state)
        except ValueError:
            return (CallState.REQUESTING if self.outgoing
                    else CallState.WAITING_INCOMING)

    @property
    def emoji(self) -> Tuple[str, ...]:
        """Four emoji, equal on both sides unless somebody listens in. Empty
        until the key is agreed."""
        return tuple(pair[0] for pair in self._emoji)

    @property
    def emoji_names(self) -> Tuple[str, ...]:
        return tuple(pair[1] for pair in self._emoji)

    @property
    def outcome(self) -> Optional[CallEnded]:
        """How it ended; None while it has not."""
        return self._outcome

    @property
    def duration(self) -> int:
        """Whole seconds of conversation."""
        check_loop(self._loop, "duration")
        return (self._info if self._outcome else self._leg.info()).duration

    @property
    def signal_bars(self) -> int:
        """1 to 4; 0 until known."""
        return self._bars

    @property
    def need_rating(self) -> bool:
        """The server asks for a rating; see `rate()`."""
        return self._info.need_rating

    def __repr__(self) -> str:
        return (f"<tgvoip.aio.Call {'to' if self.outgoing else 'from'} "
                f"{self.user_id} {self.state.name}>")

    # -- begin and end -----------------------------------------------------------

    async def __aenter__(self) -> "Call":
        if not self._to_enter:
            await self._begin()
        elif self._outcome is not None:
            raise self._outcome
        self._to_enter = False
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]],
                        error: Optional[BaseException],
                        trace: Optional[TracebackType]) -> bool:
        await self._end()
        return error is not None and error is self._outcome and (
            isinstance(error, PeerHungUp))

    def __await__(self) -> Generator[Any, None, "Call"]:
        """Ring, or answer, without `async with`: call `hang_up()` yourself,
        or enter it afterwards."""
        return self._begin().__await__()

    async def accept(self) -> "Call":
        """Answer an incoming call, and wait until both sides can hear."""
        if self.outgoing:
            raise RuntimeError("accept: this side has called")
        return await self

    async def reject(self) -> None:
        """Decline an incoming call."""
        check_loop(self._loop, "reject")
        if self.outgoing:
            raise RuntimeError("reject: this side has called")
        await self._leg.decline()

    async def ignore(self) -> None:
        """Let an incoming call ring elsewhere."""
        check_loop(self._loop, "ignore")
        if self.outgoing:
            raise RuntimeError("ignore: this side has called")
        await self._leg.ignore()

    async def hang_up(self) -> None:
        """End it, whatever its state; returns when everything is finished."""
        check_loop(self._loop, "hang_up")
        await self._end()

    async def _forsake(self) -> None:
        """(The client: the task that runs has failed.)"""
        if self._outcome is None and (
                self._begun_by is asyncio.current_task()):
            await self._end()

    async def wait_ended(self) -> CallEnded:
        """Wait until it is over, whoever ends it; say how."""
        check_loop(self._loop, "wait_ended")
        await asyncio.shield(self._over)
        assert self._outcome is not None
        return self._outcome

    async def _begin(self) -> "Call":
        check_loop(self._loop, "call")
        if self._begun:     # whoever has begun it goes on
            raise RuntimeError("the call has begun already")
        if self.outgoing:
            self._options.keep(self)
        self._begun, self._begun_by = True, asyncio.current_task()
        try:
            await self._connect()
        except BaseException:
            await self._end()
            raise
        self._to_enter = True
        return self

    async def _connect(self) -> None:
        if self._outcome is not None:
            raise self._outcome
        if self.outgoing:
            await self._place()
            self._info = self._leg.info()
        else:
            await self._leg.answer()
        await asyncio.shield(self._established)

    async def _place(self) -> None:
        try:
            await self._leg.place(self._user, self._ring_ms())
        except CallEnded as outcome:    # before anything was sent
            self._finish(LegInfo(state=lib.TGVOIP_SIGNAL_FAILED), outcome)
            raise

    def _ring_ms(self) -> int:
        if self._ring_timeout is None:
            return 0
        return max(1, int(self._ring_timeout * 1000))

    async def _end(self) -> None:
        """Hang up with the reason that fits, and wait. Goes on in the
        background if its waiter is cancelled."""
        await asyncio.shield(asyncio.ensure_future(self._ending()))

    async def _ending(self) -> None:
        if self._outcome is None:
            self._give_facts()
            await self._leg.hang_up()
            if not self._leg.info().state:      # was never placed
                self._finish(LegInfo(
                    state=lib.TGVOIP_SIGNAL_ENDED,
                    outcome=lib.TGVOIP_OUTCOME_CANCELLED))
        done, _ = await asyncio.wait([self._over], timeout=END_TIMEOUT_S)
        if not done:
            self._finish(LegInfo(state=lib.TGVOIP_SIGNAL_FAILED,
                                 outcome=lib.TGVOIP_OUTCOME_INTERNAL,
                                 why="the end was not confirmed"))
            await asyncio.wait([self._over])
        # A program may end now: the server has to know by then.
        await self._leg.settled()

    # -- news of the negotiation ---------------------------------------------------

    def _on_signal(self, kind: int, info: LegInfo) -> None:
        changed = info.state != self._info.state
        self._info = info
        if kind == lib.TGVOIP_SIGNAL_EVENT_READY:
            self._emoji = self._leg.emoji()
            self._publish(Verified(self.emoji))
            self._start_media()
        elif kind == lib.TGVOIP_SIGNAL_EVENT_STATE or changed:
            self._publish(StateChanged(self.state))
        if kind == lib.TGVOIP_SIGNAL_EVENT_ENDED:
            self._finish(info)
        elif info.state == lib.TGVOIP_SIGNAL_ESTABLISHED and (
                not self._established.done()):
            self._established.set_result(None)

    def _start_media(self) -> None:
        setup = ffi.NULL
        try:
            setup = self._leg.setup()
            self._media = Media(setup, self._on_media, self._configure)
            self._media.mute(self._muted)
        except Exception as error:
            log.error("the engine refuses the call: %s", error)
            failed = InternalError(str(error))
            if not self._established.done():
                self._established.set_exception(failed)
            self._loop.call_soon(self._engine_failed)
        finally:
            lib.tgvoip_call_setup_destroy(setup)

    def _engine_failed(self) -> None:
        self._leg.media_state(lib.TGVOIP_STATE_FAILED,
                              lib.TGVOIP_CALL_ERROR_UNKNOWN)

    def _configure(self, config: Any, keep: List[Any]) -> None:
        config.complexity = self._options.complexity
        config.allow_v1 = self._options.allow_v1
        config.proxy = proxy_struct(self._options.proxy, keep)
        if not self._options.direct:
            config.allow_p2p = False
        config.network_type = self._options.network_type.value
        config.data_saving = self._options.data_saving.value
        config.muted = self._muted

    def _finish(self, info: LegInfo,
                outcome: Optional[CallEnded] = None) -> None:
        if self._outcome is not None:
            return
        self._info = info
        outcome = self._outcome = outcome or info.ended()
        if not self._established.done():
            self._established.set_exception(outcome)
        for playback in self._playbacks:
            playback._finish(False)
        self._playbacks.clear()
        media = self._media
        if media is None:
            self._finished()
            return
        self._give_facts()
        media.end(outcome)
        self._stats = self._read_stats()
        stopping = self._loop.run_in_executor(None, media.stop)
        stopping.add_done_callback(lambda _: self._stopped(media))

    def _stopped(self, media: Media) -> None:
        self._stats = self._read_stats()
        media.destroy()
        self._finished()

    def _finished(self) -> None:
        assert self._outcome is not None
        self._publish(Ended(self._outcome))
        if self._info.need_rating:
            self._publish(Feedback(True))
        self._listeners.end()
        if not self._over.done():
            self._over.set_result(None)
        self._options.forget(self)

    def _give_facts(self) -> None:
        if self._media is not None and self._media.call != ffi.NULL:
            self._leg.media_facts(self._media.call)

    # -- news of the engine ----------------------------------------------------------

    def _on_media(self, event: Any) -> None:
        kind = event.kind
        if kind == lib.TGVPY_HUB_STATE:
            if event.value == lib.TGVOIP_STATE_FAILED:
                self._give_facts()
            self._leg.media_state(event.value, event.error)
        elif kind == lib.TGVPY_HUB_BARS:
            self._bars = event.value
            self._publish(SignalBars(event.value))
        elif kind == lib.TGVPY_HUB_ROUTE:
            name = lib.tgvoip_endpoint_type_str(event.value)
            self._publish(RouteChanged(ffi.string(name).decode(), event.id,
                                       ffi.string(event.text).decode()))
        elif kind == lib.TGVPY_HUB_PLAYED:
            for playback in self._playbacks:
                playback._finish(True)
            self._playbacks.clear()
            self._publish(Played())
        elif kind == lib.TGVPY_HUB_FILE:
            message = ffi.string(event.text).decode("utf-8", "replace")
            log.warning("%s", message)
            self._publish(FileFailed(message))

    # -- events ------------------------------------------------------------------------

    def events(self) -> AsyncIterator[Event]:
        """Everything that happens from now on: `async for event in
        call.events()`. Ends with the call."""
        check_loop(self._loop, "events")
        feed = self._listeners.new()
        if self._over.done():
            feed.end()
        return feed

    def _publish(self, event: Event) -> None:
        self._listeners.put(event)

    # -- audio ---------------------------------------------------------------------------

    def _need_media(self, what: str) -> Media:
        check_loop(self._loop, what)
        if self._outcome is not None:
            raise self._outcome
        if self._media is None:
            raise RuntimeError("the call has no audio yet: it is "
                               + self.state.name)
        return self._media

    def play(self, path: Path) -> Playback:
        """Append an audio file (WAV, FLAC, Ogg, MP3, headerless .raw/.pcm at
        48 kHz mono) to what is said. A file that cannot be played raises
        here; `await` the result to wait for its end."""
        name = as_path("path", path)
        media = self._need_media("play")
        media.with_path(lib.tgvoip_call_play, name)
        playback = Playback(self, name)
        self._playbacks.append(playback)
        return playback

    def play_on_hold(self, path: Path) -> None:
        """Append a file to what is said, in turn and without end, while there
        is nothing else to say."""
        name = as_path("path", path)
        self._need_media("play_on_hold").with_path(
            lib.tgvoip_call_play_on_hold, name)

    def stop_hold(self) -> None:
        """Forget the files of `play_on_hold()`."""
        lib.tgvoip_call_clear_hold_queue(self._need_media("stop_hold").call)

    def record(self, path: Path, sides: str = "heard") -> List[str]:
        """Record until the end of the call or `stop_recording()`. The ending
        of `path` is the format: .wav, .flac, .ogg, .opus, .mp3, or .raw and
        .pcm without a header. Without gaps: silence where nothing came.

        :param sides: `"heard"`, the other side; `"sent"`, this side as the
            other one would hear it on a perfect network; `"both"`, two files
            of the same length, `NAME-heard.EXT` and `NAME-sent.EXT`
        :return: the paths
        """
        name = as_path("path", path)
        if sides not in ("heard", "sent", "both"):
            raise ValueError("sides: 'heard', 'sent' or 'both' expected, "
                             f"got {sides!r}")
        media = self._need_media("record")
        start, dot = os.path.splitext(name)
        paths = []
        for side, function in (("heard", lib.tgvoip_call_record),
                               ("sent", lib.tgvoip_call_record_sent)):
            if sides in (side, "both"):
                one = f"{start}-{side}{dot}" if sides == "both" else name
                media.with_path(function, one)
                paths.append(one)
        return paths

    async def stop_recording(self) -> None:
        """Finish what is recorded; the files are whole on return."""
        media = self._need_media("stop_recording")
        await self._loop.run_in_executor(
            None, lib.tgvoip_call_stop_recording, media.call)

    def audio(self, rate: int = 48000, frame_ms: int = 20) -> AudioStream:
        """What is heard, as frames of PCM: `async for frame in
        call.audio(rate=16000)`. Ends with the call."""
        as_int("frame_ms", frame_ms, 5, 1000)
        check_loop(self._loop, "audio")
        media = self._media or self._need_media("audio")
        return media.new_stream(rate, frame_ms)

    async def write(self, pcm: Any, rate: int = 48000) -> None:
        """Say PCM: mono, signed 16 bit in the machine's byte order. Returns
        when all of it is in the ring of the call, which holds half a second:
        whoever makes speech faster than it is said is slowed down. Leave the
        buffer alone until then.

        :param pcm: bytes, or an array of 16-bit samples (`array`, NumPy)
        """
        await self._need_media("write").write(pcm, rate)

    async def drain(self) -> None:
        """Wait until all PCM that was written has been said."""
        await self._need_media("drain").drain()

    def clear(self) -> None:
        """Be silent at once: written PCM and queued files are dropped, and
        whoever waits for them is woken. For barge-in."""
        media = self._need_media("clear")
        media.clear()
        lib.tgvoip_call_clear_play_queue(media.call)
        for playback in self._playbacks:
            playback._finish(False)
        self._playbacks.clear()

    @property
    def muted(self) -> bool:
        """The microphone is off: nothing is sent, and the other side is
        told. What was written or queued waits. May be set at any time."""
        return self._muted

    @muted.setter
    def muted(self, muted: bool) -> None:
        if not isinstance(muted, bool):
            raise wrong_type("muted", "bool", muted)
        check_loop(self._loop, "muted")
        self._muted = muted
        if self._media is not None:
            self._media.mute(muted)

    # -- measures and feedback --------------------------------------------------------------

    def _read_stats(self) -> Any:
        if self._media is None or self._media.call == ffi.NULL:
            return self._stats
        stats = ffi.new("struct tgvoip_call_stats *")
        lib.tgvoip_call_stats_default(stats)
        lib.tgvoip_call_get_stats(self._media.call, stats)
        return stats

    def stats(self) -> CallStats:
        """Counters and measures, also after the end."""
        check_loop(self._loop, "stats")
        return call_stats(self._read_stats(), self.state)

    @property
    def error(self) -> CallError:
        """Why the engine has failed, if it has."""
        return CallError(self._info.call_error)

    async def rate(self, stars: int, comment: str = "") -> None:
        """Send the user's opinion, 1 to 5 stars, once and after the end."""
        check_loop(self._loop, "rate")
        as_int("stars", stars, 1, 5)
        if not isinstance(comment, str):
            raise wrong_type("comment", "str", comment)
        if self._outcome is None:
            raise RuntimeError("rate: the call is not over")
        await self._leg.rate(stars, comment)
