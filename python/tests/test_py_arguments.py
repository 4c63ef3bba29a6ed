# SPDX-License-Identifier: MIT
"""What test_py.py is about, for arguments, and calls at the wrong moment."""
import inspect
import json

import pytest
from conftest import KEY, prepare, tags, wait_for

import tgvoip
from tgvoip import (CallError, CallState, DataSaving, Endpoint,
                    NetType, VoIPController)


# -- 09 to 13: arguments -----------------------------------------------------

@pytest.mark.parametrize("number", [2 ** 62 + 5, -2 ** 63, 3])
def test_py_09_preferred_relay_id_is_as_given(relay, controller, number):
    call = controller()
    assert call.get_preferred_relay_id() == 0
    prepare(call, relay.port, tags()[0], True)
    call.set_remote_endpoints(
        [Endpoint(number, "127.0.0.1", "", relay.port, tags()[0])], False,
        False, 92)
    call.start()
    call.connect()
    wait_for(lambda: call.get_preferred_relay_id() == number, "the id")


def test_py_10_endpoint_takes_keywords_and_checks(controller):
    e = Endpoint(_id=1, ip="1.2.3.4", ipv6="", port=5, peer_tag=bytes(16))
    assert (e._id, e.ip, e.ipv6, e.port, e.peer_tag) == (
        1, "1.2.3.4", "", 5, bytes(16))
    e._id, e.ip, e.ipv6, e.port = 2, "4.3.2.1", "::1", 6
    e.peer_tag = bytes(range(16))
    call = controller()
    call.set_remote_endpoints([e], False, False, 92)
    for port in (0, 65536, -1, 99999):
        with pytest.raises(ValueError, match="port"):
            Endpoint(1, "1.2.3.4", "", port, bytes(16))
        e.port = port
        with pytest.raises(ValueError, match="port"):
            call.set_remote_endpoints([e], False, False, 92)
    e.port = 6
    for tag in (None, b"", bytes(15), bytes(17)):
        e.peer_tag = tag
        with pytest.raises(ValueError, match="peer_tag.*_tgvoip.Endpoint"):
            call.set_remote_endpoints([e], False, False, 92)
        Endpoint(1, "1.2.3.4", "", 5, tag)
    e.peer_tag = bytes(16)
    for ip in (None, ""):
        e.ip = ip
        with pytest.raises(ValueError, match="ip.*_tgvoip.Endpoint"):
            call.set_remote_endpoints([e], False, False, 92)
    for wrong in ((None, "1.2.3.4", "", 5, bytes(16)), (1, 5, "", 5, b""),
                  (1, "1.2.3.4", 6, 5, b""), (1, "1.2.3.4", "", "5", b""),
                  (1, "1.2.3.4", "", 5, "tag")):
        with pytest.raises(TypeError):
            Endpoint(*wrong)
    with pytest.raises(ValueError, match="_id"):
        Endpoint(2 ** 63, "1.2.3.4", "", 5, bytes(16))


def test_py_11_what_is_no_address_is_refused(controller):
    call = controller()
    for ip, ipv6 in (("1.2.3", ""), ("localhost", ""), ("1.2.3.4.5", ""),
                     ("1.2.3.4 ", ""), ("::1", ""), ("1.2.3.4", "x"),
                     ("1.2.3.4", "1.2.3.4"), ("1.2.3.4", "[::1]")):
        with pytest.raises(ValueError, match="not an address"):
            call.set_remote_endpoints(
                [Endpoint(1, ip, ipv6, 5, bytes(16))], False, False, 92)
    for ipv6 in ("", "::1", "2001:db8::5"):
        call.set_remote_endpoints([Endpoint(1, "1.2.3.4", ipv6, 5,
                                            bytes(16))], False, False, 92)


def test_py_13_numbers_stand_for_enumerations(controller):
    assert CallState(3) is CallState.ESTABLISHED
    call = controller()
    call.set_network_type(6)
    call.set_network_type(NetType.WIFI)
    call.set_config(10, 30, 2, 5, log_file_path="")
    heard = []
    call.call_state_changed_handlers.append(heard.append)
    call.update_state(17)
    assert heard == [CallState.BUSY]
    for wrong in ("6", None, 6.0, True, CallState.FAILED):
        with pytest.raises(TypeError, match="_type"):
            call.set_network_type(wrong)
        with pytest.raises(TypeError, match="data_saving_mode"):
            call.set_config(10, 30, wrong, 5)
    with pytest.raises(TypeError, match="state"):
        call.update_state("BUSY")
    for number in (12, -1):
        with pytest.raises(ValueError, match="_type"):
            call.set_network_type(number)


# -- 22 to 25: wrong moments and values --------------------------------------

def test_py_22_settings_after_start_are_refused(relay, controller):
    call = prepare(controller(), relay.port, tags()[0], True)
    call.start()
    endpoint = Endpoint(1, "127.0.0.1", "", 5, bytes(16))
    for name, args in (("set_encryption_key", (KEY, True)),
                       ("set_remote_endpoints", ([endpoint], False, False,
                                                 92)),
                       ("start", ())):
        with pytest.raises(RuntimeError, match=f"{name}.*before start"):
            getattr(call, name)(*args)
    call.connect()
    with pytest.raises(RuntimeError, match="connect"):
        call.connect()
    call.stop()
    for name, args in (("start", ()), ("connect", ()),
                       ("set_encryption_key", (KEY, True)),
                       ("set_config", (10, 30, DataSaving.NEVER, 1))):
        with pytest.raises(RuntimeError, match="stopped"):
            getattr(call, name)(*args)


def test_py_22_order_of_setting_up_is_said(relay, controller):
    call = controller()
    with pytest.raises(RuntimeError, match="start.. comes first"):
        call.connect()
    with pytest.raises(RuntimeError, match="set_encryption_key"):
        call.start()
    call.set_encryption_key(KEY, True)
    with pytest.raises(RuntimeError, match="set_remote_endpoints"):
        call.start()
    call.set_encryption_key(bytes(256), True)
    call.set_remote_endpoints([Endpoint(1, "1.2.3.4", "", 5, bytes(16))],
                              False, False, 92)
    with pytest.raises(ValueError, match="key.*zeros"):
        call.start()
    with pytest.raises(RuntimeError, match="_init"):
        call._init()


def test_py_22_half_made_objects_are_harmless(unraisable):
    class Half(VoIPController):
        def __init__(self):
            pass

    half = Half()
    for name in ("start", "connect", "get_stats", "stop", "get_debug_log"):
        with pytest.raises(RuntimeError, match="__init__ has not run"):
            getattr(half, name)()
    with pytest.raises(RuntimeError):
        half.start_time
    del half
    for wrong in ({"persistent_state_file": 5}, {"debug": "yes"},
                  {"logs_dir": 5}):
        with pytest.raises((TypeError, ValueError), match=list(wrong)[0]):
            VoIPController(**wrong)
    assert unraisable == []


@pytest.mark.parametrize("name, good, wrong", [
    ("set_encryption_key", (KEY, True), {0: ["x", None, 5], 1: ["x", None]}),
    ("set_config", (10, 30, DataSaving.NEVER, 1, True, True, True, "", "",
                    False),
     {0: ["1", None, True], 1: ["1", None], 2: ["x"], 3: ["1", None, 1.5],
      4: [None, "x"], 5: [None], 6: [None], 7: [5], 8: [5], 9: ["x"]}),
    ("set_mic_mute", (True,), {0: [None, "x", 1.0]}),
    ("set_network_type", (NetType.LTE,), {0: [None, "x"]}),
    ("set_remote_endpoints",
     ([Endpoint(1, "1.2.3.4", "", 5, bytes(16))], False, False, 92),
     {0: [None, 5, "x", [5]], 1: ["x"], 2: [None, "x"], 3: ["92", None]}),
    ("debug_ctl", (1, 8000), {0: ["x", None], 1: ["x", None]}),
    ("play_on_hold", ([],), {0: [None, 5, [5]]}),
    ("set_output_file", ("/dev/null",), {0: [None, 5, b"x"]}),
    ("set_echo_cancellation_strength", (1,), {0: ["x", None]}),
    ("set_audio_output_gain_control_enabled", (True,), {0: ["x", None]}),
])
def test_py_22_wrong_types_name_the_argument(controller, name, good, wrong):
    call = controller()
    names = list(inspect.signature(getattr(call, name)).parameters)
    getattr(call, name)(*good)
    for position, values in wrong.items():
        for value in values:
            args = list(good)
            args[position] = value
            with pytest.raises(TypeError, match=names[position]):
                getattr(call, name)(*args)


def test_py_22_impossible_values_name_the_argument(controller):
    call = controller()
    for length in (0, 255, 257):
        with pytest.raises(ValueError, match=f"key.*{length}"):
            call.set_encryption_key(bytes(length), True)
    for i, value in ((0, 0), (0, -1), (1, float("nan")), (1, 1e9)):
        times = [10, 30]
        times[i] = value
        with pytest.raises(ValueError, match=["recv_timeout",
                                              "init_timeout"][i]):
            call.set_config(*times, DataSaving.NEVER, 1)
    with pytest.raises(ValueError, match="endpoints"):
        call.set_remote_endpoints([], False, False, 92)
    for request in (0, 5):
        with pytest.raises(ValueError, match="request"):
            call.debug_ctl(request, 1)


def test_py_22_getters_answer_at_any_time(relay, controller):
    call = controller()
    for _ in range(2):
        assert isinstance(call.get_debug_string(), str)
        assert isinstance(json.loads(call.get_debug_log()), dict)
        assert call.need_rate() is False
        assert call.get_peer_capabilities() == 0
        assert call.get_stats().bytes_recvd_wifi == 0
        assert call.call_duration == 0
        call.clear_play_queue()
        call.clear_hold_queue()
        call.unset_output_file()
        call.set_mic_mute(True)
        call.stop()


def test_py_23_no_error_yet_is_unknown(relay, controller):
    call = controller()
    assert call.get_last_error() is CallError.UNKNOWN
    prepare(call, relay.port, tags()[0], True).start()
    assert call.get_last_error() is CallError.UNKNOWN


def test_py_24_no_sound_device_is_needed_or_listed():
    assert not [n for n in dir(VoIPController) if "device" in n.lower()]


def test_py_25_no_decoding_for_nobody():
    said = "^process_pcm: not available in this version$"
    with pytest.raises(ValueError, match=said):
        VoIPController(process_pcm=True)
    call = VoIPController(logs_dir=None)
    for value in (True, False, None):
        with pytest.raises(ValueError, match=said):
            call.set_config(10, 30, DataSaving.NEVER, 1, process_pcm=value)
