# SPDX-License-Identifier: MIT
"""Every documented name, signature, default and value, from a table."""
import ast
import enum
import hashlib
import inspect
import os
import re

import pytest

import _tgvoip
import tgvoip
import tgvoip.tgvoip
import tgvoip.utils

# Ours may be added behind what is documented.
ADDED = {("VoIPController", "__init__"): ["process_pcm"],
         ("VoIPController", "set_config"): ["process_pcm"],
         ("", "i2b"): ["length"]}

with open(os.path.join(os.path.dirname(__file__), "interface.txt")) as f:
    TABLE = [line.split(None, 1) for line in f
             if line.strip() and not line.startswith("#")]


def rows(kind):
    return [rest.strip() for k, rest in TABLE if k == kind]


def parameters(text):
    """'a, b=1' -> [('a', empty), ('b', 1)]"""
    args = ast.parse(f"lambda {text}: 0", mode="eval").body.args
    defaults = ([inspect.Parameter.empty]
                * (len(args.args) - len(args.defaults))
                + [ast.literal_eval(d) for d in args.defaults])
    return list(zip([a.arg for a in args.args], defaults))


def check_signature(function, text, added, bound):
    found = list(inspect.signature(function).parameters.values())[bound:]
    wanted = parameters(text)
    assert [(p.name, p.default) for p in found[:len(wanted)]] == wanted
    for p in found[:len(wanted)]:
        assert p.kind is p.POSITIONAL_OR_KEYWORD
    assert [p.name for p in found[len(wanted):]] == added
    assert all(p.default is not p.empty for p in found[len(wanted):])


@pytest.mark.parametrize("name", ["NetType", "DataSaving", "CallState",
                                  "CallError"])
def test_enum_members_and_numbers(name):
    wanted = {}
    for row in rows("enum"):
        kind, member, value = row.split()
        if kind == name:
            wanted[member] = int(value)
    kind = getattr(tgvoip, name)
    assert issubclass(kind, enum.Enum)
    assert {m.name: m.value for m in kind} == wanted
    for number in wanted.values():
        assert type(kind(number).value) is int
        assert kind(number).value == number


@pytest.mark.parametrize("row", rows("method"))
def test_method_signature(row):
    kind, rest = row.split(None, 1)
    name, text = re.fullmatch(r"(\w+)\((.*)\)", rest).groups()
    owner = getattr(tgvoip, kind)
    static = inspect.getattr_static(owner, name)
    bound = 0 if isinstance(static, classmethod) else 1
    check_signature(getattr(owner, name), text, ADDED.get((kind, name), []),
                    bound)
    assert inspect.getdoc(getattr(owner, name) if name != "__init__"
                          else owner)


@pytest.mark.parametrize("row", rows("function"))
def test_function_signature(row):
    name, text = re.fullmatch(r"(\w+)\((.*)\)", row).groups()
    function = getattr(tgvoip.utils, name)
    check_signature(function, text, ADDED.get(("", name), []), 0)
    assert inspect.getdoc(function)


def test_attributes_of_a_fresh_controller(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call = tgvoip.VoIPController()
    for row in rows("attr"):
        _, name, value = row.split()
        found = getattr(call, name)
        assert callable(found) if value == "*" else (
            found == ast.literal_eval(value)), name
        setattr(call, name, found)
    assert isinstance(call.call_state_changed_handlers, list)
    assert isinstance(call.signal_bars_changed_handlers, list)
    assert call.send_audio_frame_callback(1920) == b""
    assert call.recv_audio_frame_callback(bytes(1920)) is None
    assert not os.listdir(tmp_path)


def test_properties(controller):
    objects = {"VoIPController": controller(), "Stats": controller()
               .get_stats()}
    for row in rows("property"):
        kind, name, access, value = row.split()
        thing = objects[kind]
        assert getattr(thing, name) == ast.literal_eval(value)
        if access == "rw":
            setattr(thing, name, ast.literal_eval(value))
        else:
            with pytest.raises(AttributeError):
                setattr(thing, name, 1)


def test_values_of_class_and_instance(controller):
    for row in rows("value"):
        kind, name, value = row.split()
        assert getattr(tgvoip.VoIPController, name) == ast.literal_eval(value)
        assert getattr(controller(), name) == ast.literal_eval(value)


def test_private_names_are_methods():
    for row in rows("private"):
        kind, name = row.split()
        assert callable(getattr(getattr(tgvoip, kind), name))


def test_constants_of_utils():
    for row in rows("constant"):
        name, kind = row.split()
        assert type(getattr(tgvoip.utils, name)).__name__ == kind
    assert tgvoip.utils.twoe1984 == 2 ** 1984
    assert len(tgvoip.utils.common_prime) == 256


def test_modules_and_their_lists():
    names = ["NetType", "DataSaving", "CallState", "CallError", "Stats",
             "Endpoint", "VoIPController", "VoIPServerConfig"]
    assert tgvoip.__all__ == names == tgvoip.tgvoip.__all__
    for name in names:
        assert getattr(tgvoip, name) is getattr(tgvoip.tgvoip, name)
    for name in ("i2b", "emojis"):
        assert not hasattr(tgvoip, name)
    assert re.fullmatch(r"\d+\.\d+\.\d+", tgvoip.__version__)


def test_everything_public_has_a_description():
    for name in tgvoip.__all__:
        kind = getattr(tgvoip, name)
        assert kind.__doc__
        for member, value in vars(kind).items():
            if not member.startswith("_") and callable(value):
                assert inspect.getdoc(value), (name, member)


def test_extension_module_names():
    assert _tgvoip.__version__ == tgvoip.__version__
    for name in ("NetType", "DataSaving", "CallError", "Stats", "Endpoint"):
        assert getattr(_tgvoip, name) is getattr(tgvoip, name)
    assert [s.value for s in _tgvoip.CallState] == [1, 2, 3, 4, 5]
    assert _tgvoip.LTE is tgvoip.NetType.LTE
    assert _tgvoip.ESTABLISHED is _tgvoip.CallState.ESTABLISHED
    assert _tgvoip.TIMEOUT is tgvoip.CallError.TIMEOUT
    call = _tgvoip.VoIPController()
    assert _tgvoip.VoIPController("")._native_io_get() is False
    call.set_config(10.0, 30.0, _tgvoip.DataSaving.NEVER, True, True, True,
                    "", "", False)
    for method, value in (("_handle_state_change", _tgvoip.FAILED),
                          ("_handle_signal_bars_change", 4)):
        with pytest.raises(NotImplementedError):
            getattr(call, method)(value)
    _tgvoip.VoIPServerConfig.set_config("{}")
    for row in rows("method"):
        kind, rest = row.split(None, 1)
        name = rest.split("(")[0]
        if kind == "VoIPController" and name not in (
                "update_state", "set_send_audio_frame_callback",
                "set_recv_audio_frame_callback"):
            assert callable(getattr(_tgvoip.VoIPController, name)), name


def test_stats_and_endpoint_repr(controller):
    assert repr(controller().get_stats()) == (
        "<_tgvoip.Stats bytes_sent_wifi=0 bytes_sent_mobile=0 "
        "bytes_recvd_wifi=0 bytes_recvd_mobile=0>")
    with pytest.raises(TypeError):
        tgvoip.Stats()
    e = tgvoip.Endpoint(-5, "1.2.3.4", "::1", 99, bytes(16))
    assert repr(e) == '<_tgvoip.Endpoint _id=-5 ip="1.2.3.4" ipv6="::1" port=99>'


def test_server_config_defaults():
    text = """audio_max_bitrate 20000, audio_max_bitrate_gprs 8000,
        audio_max_bitrate_edge 16000, audio_max_bitrate_saving 8000,
        audio_init_bitrate 16000, audio_init_bitrate_gprs 8000,
        audio_init_bitrate_edge 8000, audio_init_bitrate_saving 8000,
        audio_bitrate_step_incr 1000, audio_bitrate_step_decr 1000,
        audio_min_bitrate 8000, relay_switch_threshold 0.8,
        p2p_to_relay_switch_threshold 0.6, relay_to_p2p_switch_threshold 0.8,
        reconnecting_state_timeout 2.0, rate_flags 4294967295,
        rate_min_rtt 0.6, rate_min_send_loss 0.2,
        packet_loss_for_extra_ec 0.02, max_unsent_stream_packets 2"""
    wanted = {k: ast.literal_eval(v)
              for k, v in (item.split() for item in text.split(","))}
    assert tgvoip.VoIPServerConfig.config == wanted


def test_emoji_table_is_the_official_one():
    emojis = tgvoip.utils.emojis
    assert len(emojis) == 333 == len({e for e, _ in emojis})
    assert len({n for _, n in emojis}) == 333
    for column, digest in (
            (0, "bfae463f768800e2f624948a756025ca1a3ff55c8a858b9f0e4ebec8c1d6"
                "6815"),
            (1, "e48bb9e4a1f59ff0f5e171fc80e47638f0af06997878f1b5f8e2035a2678"
                "c287")):
        text = "\n".join(pair[column] for pair in emojis)
        assert hashlib.sha256(text.encode()).hexdigest() == digest
