# SPDX-License-Identifier: MIT
"""Every public name, used as users do, for the type checker. Nothing of it is
run; `test_types` sees to it that nothing is missing."""
from array import array
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import _tgvoip
import tgvoip.tgvoip
from tgvoip import (CallError, CallState, DataSaving, Endpoint, NetType,
                    Stats, VoIPController, VoIPServerConfig, adapters, aio,
                    utils)
from tgvoip.adapters.tdlib import TdlibAdapter
from tgvoip.aio.adapter import OnUpdate


class Mine(VoIPController):
    def _handle_state_change(self, state: CallState) -> None:
        super()._handle_state_change(state)

    def _send_audio_frame_impl(self, length: int) -> bytes:
        return bytes(length)

    def _recv_audio_frame_impl(self, frame: bytes) -> None:
        return None


def send(length: int) -> bytes:
    return bytes(length)


def send_samples(length: int) -> "array[int]":
    return array("h", [0] * (length // 2))


def send_nothing(length: int) -> None:
    return None


def receive(frame: bytes) -> None:
    print(len(frame))


def on_state(state: CallState) -> None:
    print(state.name, state.value)


def on_bars(bars: int) -> None:
    print(bars + 1)


def set_up(call: VoIPController) -> None:
    for callback in (send, send_samples, send_nothing):
        call.set_send_audio_frame_callback(callback)
    call.send_audio_frame_callback = send
    call.set_recv_audio_frame_callback(receive)
    call.recv_audio_frame_callback = receive
    call.call_state_changed_handlers.append(on_state)
    call.call_state_changed_handlers += [on_state]
    call.call_state_changed_handlers = [on_state]
    call.signal_bars_changed_handlers.append(on_bars)
    call.native_io = not call.native_io
    call.debug, call.logs_dir, call.start_time = False, None, 5.0
    call.set_config(10.0, 30, DataSaving.NEVER, 5, True, True, True, None,
                    None, None)
    call.set_config(10, 30, 0, 5, log_file_path="",
                    status_dump_path=Path("x"))
    call.set_encryption_key(bytes(256), True)
    call.set_encryption_key(bytearray(256), is_outgoing=True)
    relay = Endpoint(_id=1, ip="1.2.3.4", ipv6="", port=5,
                     peer_tag=bytes(16))
    relay.port += 1
    call.set_remote_endpoints([relay], False, False,
                              VoIPController.CONNECTION_MAX_LAYER)
    call.set_remote_endpoints((relay,), None, tcp=True,
                              connection_max_layer=92)
    call.set_proxy("host", 1080, username="anna", password="secret")
    call.set_network_type(NetType.WIFI)
    call.set_network_type(6)
    call.set_mic_mute(True)
    call.debug_ctl(1, 8000)
    call.set_audio_output_gain_control_enabled(True)
    call.set_echo_cancellation_strength(5)


def converse(call: VoIPController) -> Tuple[str, int, bool, CallError]:
    call.start()
    call.connect()
    call.update_state(CallState.RINGING)
    call.update_state(17)
    call.play_on_hold(["x", "y"])
    call.play_on_hold([Path("x")])
    done: bool = (call.play("x") or call.play(Path("x"))
                  or call.set_output_file(Path("x")))
    call.clear_play_queue()
    call.clear_hold_queue()
    call.unset_output_file()
    words: str = (call.get_debug_string() + call.get_debug_log()
                  + call.persistent_state_file + call.LIBTGVOIP_VERSION)
    number: int = (call.get_preferred_relay_id() + call.call_duration
                   + call.get_peer_capabilities())
    stats: Stats = call.get_stats()
    number += (stats.bytes_sent_wifi + stats.bytes_sent_mobile
               + stats.bytes_recvd_wifi + stats.bytes_recvd_mobile)
    call.stop()
    return words, number, done or call.need_rate(), call.get_last_error()


def module() -> None:
    print(tgvoip.__version__, tgvoip.tgvoip.__all__, _tgvoip.LTE,
          _tgvoip.CallState.FAILED is _tgvoip.FAILED)
    with Mine(Path("state.json"), debug=True, logs_dir=None) as call:
        mine: Mine = call
        set_up(mine)
        print(*converse(mine))
    config: Dict[str, Any] = VoIPServerConfig.config
    VoIPServerConfig.set_config("{}")
    VoIPServerConfig.set_config(dict(config))
    VoIPServerConfig.set_bitrate_config(16000, 20000, 8000, 1000, 1000)
    _tgvoip.VoIPServerConfig.set_config("{}")
    _tgvoip.VoIPController().set_config(
        1.0, 2.0, DataSaving.NEVER, True, True, True, "", "", False)


def keys() -> None:
    p: int = utils.b2i(utils.common_prime)
    utils.check_dhc(3, p)
    a: int = utils.random_secret(p, b"")
    utils.check_g(utils.twoe1984 + 1, p)
    key: bytes = utils.i2b(pow(3, a, p), 256)
    print(utils.calc_fingerprint(key) + 1, utils.get_real_elapsed_time() + .5)
    names: List[str] = utils.generate_visualization(key, 5)[1]
    emoji, name = utils.emojis[0]
    print(names + [emoji, name])


class MyAdapter:
    async def start(self, on_update: OnUpdate) -> int:
        on_update(aio.PhoneCall(aio.CallType.WAITING, connections=(
            aio.Connection(5, peer_tag=bytes(16)),)))
        return 1

    async def stop(self) -> None:
        pass

    async def find_user(self, user: Any) -> aio.Target:
        return aio.Target(1, user)

    async def get_config(self) -> aio.PhoneConfig:
        return aio.PhoneConfig()

    async def get_call_config(self) -> str:
        return "{}"

    async def get_dh_config(self, version: int,
                            random_length: int) -> aio.DhConfig:
        return aio.DhConfig(bytes(random_length))

    async def request_call(self, user: Any, random_id: int, g_a_hash: bytes,
                           protocol: aio.CallProtocol) -> aio.PhoneCall:
        return aio.PhoneCall(aio.CallType.WAITING, protocol=protocol)

    async def received_call(self, call: aio.CallRef) -> None:
        pass

    async def accept_call(self, call: aio.CallRef, g_b: bytes,
                          protocol: aio.CallProtocol) -> aio.PhoneCall:
        raise aio.RpcError(400, "CALL_PEER_INVALID")

    async def confirm_call(self, call: aio.CallRef, g_a: bytes,
                           key_fingerprint: int,
                           protocol: aio.CallProtocol) -> aio.PhoneCall:
        raise aio.NetworkFailure

    async def discard_call(self, call: aio.CallRef, duration: int,
                           reason: aio.DiscardReason,
                           connection_id: int) -> None:
        pass

    async def save_call_debug(self, call: aio.CallRef, text: str) -> None:
        pass

    async def set_call_rating(self, call: aio.CallRef, rating: int,
                              comment: str, user_initiative: bool) -> None:
        pass


def describe(event: aio.Event) -> str:
    if isinstance(event, aio.StateChanged):
        return event.state.name
    if isinstance(event, aio.Verified):
        return " ".join(event.emoji)
    if isinstance(event, aio.SignalBars):
        return "#" * event.bars
    if isinstance(event, aio.RouteChanged):
        return event.endpoint + event.reason + str(event.id + 1)
    if isinstance(event, aio.FileFailed):
        return event.message
    if isinstance(event, aio.Ended):
        return event.outcome.why
    if isinstance(event, aio.Feedback):
        return "rate!" if event.need_rating else ""
    played: aio.Played = event
    return repr(played)


def why(end: aio.CallEnded) -> str:
    if isinstance(end, aio.Dropped):
        return end.error.name
    if isinstance(end, aio.FloodWait):
        return str(end.seconds + 1)
    if isinstance(end, aio.Migrated):
        return end.slug
    if isinstance(end, (aio.Busy, aio.Declined, aio.NoAnswer, aio.Cancelled,
                        aio.Missed, aio.AnsweredElsewhere, aio.Ignored)):
        return "not now"
    if isinstance(end, (aio.HungUp, aio.PeerHungUp)):
        return "over"
    if isinstance(end, (aio.PrivacyRestricted, aio.Blocked, aio.BadTarget,
                        aio.PeerOutdated, aio.Incompatible)):
        return "never"
    assert isinstance(end, (aio.VerificationFailed, aio.NetworkFailed,
                            aio.ServerError, aio.InternalError))
    return end.why


async def speak(call: aio.Call) -> None:
    playback: aio.Playback = call.play(Path("x"))
    whole: bool = await playback
    print(whole or playback.done(), playback.path)
    call.play_on_hold("x")
    call.stop_hold()
    paths: List[str] = call.record("x.wav", sides="both")
    await call.stop_recording()
    stream: aio.AudioStream = call.audio(rate=16000, frame_ms=20)
    async for frame in stream:
        await call.write(frame, rate=16000)
    await stream.aclose()
    print(paths, stream.dropped + stream.frame_bytes + stream.rate
          + stream.frame_ms)
    await call.write(array("h", [0] * 960))
    await call.drain()
    call.clear()
    call.muted = not call.muted


async def look(call: aio.Call) -> None:
    async for event in call.events():
        print(describe(event))
    stats: aio.CallStats = call.stats()
    failed: Tuple[CallError, CallError] = (stats.error, call.error)
    end: Optional[aio.CallEnded] = call.outcome
    print(failed, end, stats.rtt_ms + .5, call.id + call.user_id + 1,
          call.duration + call.signal_bars, call.outgoing or call.video,
          call.need_rating, call.state.name, *call.emoji, *call.emoji_names)
    print(why(await call.wait_ended()))
    await call.hang_up()
    await call.rate(5, "well")


async def account() -> None:
    adapter: aio.Adapter = adapters.adapter_for(MyAdapter())
    other = aio.Client(TdlibAdapter(print))
    await other.start()
    await other.close()
    async with aio.Client(
            adapter, busy="ring", direct=False, complexity=5, allow_v1=True,
            network_type=NetType.LTE, data_saving=DataSaving.ALWAYS,
            proxy="socks5://localhost:1080") as client:
        @client.on_incoming
        async def answer(call: aio.Call) -> None:
            await call.accept()
            async with call as same:
                await speak(same)

        async for incoming in client.incoming():
            await incoming.reject()
            await incoming.ignore()
        async with client.call(client.user_id, ring_timeout=30.5) as call:
            await look(call)
        held: aio.Call = await client.call("anna")
        await answer(held)
