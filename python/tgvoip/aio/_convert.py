# SPDX-License-Identifier: MIT
"""Between the dataclasses of adapters and the structs of C.

What a struct points to is kept alive by the list `keep`, until the function
that borrows it has returned.
"""
from typing import Any, List

from .._native import ffi, lib
from .adapter import CallProtocol, Connection, DhConfig, PhoneCall, PhoneConfig


def _chars(text: str, keep: List[Any]) -> Any:
    chars = ffi.new("char[]", text.encode("utf-8", "replace"))
    keep.append(chars)
    return chars


def _bytes(data: bytes, keep: List[Any]) -> Any:
    array = ffi.new("uint8_t[]", data if data else 1)
    keep.append(array)
    return array


def _within(value: int, bits: int) -> int:
    """A number from outside, made to fit its field; what does not fit is
    wrong, and 0 fails the check that its meaning has."""
    return value if -(1 << bits - 1) <= value < 1 << bits - 1 else 0


def fill_protocol(out: Any, protocol: CallProtocol, keep: List[Any]) -> None:
    out.udp_p2p = protocol.udp_p2p
    out.udp_reflector = protocol.udp_reflector
    out.min_layer = _within(protocol.min_layer, 32)
    out.max_layer = _within(protocol.max_layer, 32)
    names = [_chars(v, keep) for v in protocol.library_versions]
    array = ffi.new("const char *[]", names or 1)
    keep.append(array)
    out.library_versions = array
    out.library_version_count = len(names)


def read_protocol(struct: Any) -> CallProtocol:
    return CallProtocol(
        struct.min_layer, struct.max_layer, bool(struct.udp_p2p),
        bool(struct.udp_reflector), tuple(
            ffi.string(struct.library_versions[i]).decode()
            for i in range(struct.library_version_count)))


def fill_connection(out: Any, connection: Connection,
                    keep: List[Any]) -> None:
    out.webrtc, out.tcp = connection.webrtc, connection.tcp
    out.id = _within(connection.id, 64)
    out.ip = _chars(connection.ip, keep)
    out.ipv6 = _chars(connection.ipv6, keep)
    out.port = _within(connection.port, 32)
    out.peer_tag = _bytes(connection.peer_tag, keep)
    out.peer_tag_len = len(connection.peer_tag)


def connections_struct(connections: Any, keep: List[Any]) -> Any:
    array = ffi.new("struct tgvoip_phone_connection[]",
                    max(1, len(connections)))
    keep.append(array)
    for out, connection in zip(array, connections):
        fill_connection(out, connection, keep)
    return array


def phone_call_struct(call: PhoneCall, keep: List[Any]) -> Any:
    out = ffi.new("struct tgvoip_phone_call *")
    keep.append(out)
    lib.tgvoip_phone_call_default(out)
    out.type = int(call.type)
    out.video = call.video
    for name in ("id", "access_hash", "admin_id", "participant_id",
                 "key_fingerprint"):
        setattr(out, name, _within(getattr(call, name), 64))
    for name in ("date", "receive_date", "start_date", "duration"):
        setattr(out, name, _within(getattr(call, name), 32))
    out.bytes = _bytes(call.data, keep)
    out.bytes_len = len(call.data)
    fill_protocol(out.protocol, call.protocol, keep)
    out.p2p_allowed = call.p2p_allowed
    out.connections = connections_struct(call.connections, keep)
    out.connection_count = len(call.connections)
    out.need_rating, out.need_debug = call.need_rating, call.need_debug
    out.reason = int(call.reason)
    if call.slug:
        out.slug = _chars(call.slug, keep)
    return out


def dh_struct(dh: DhConfig, keep: List[Any]) -> Any:
    out = ffi.new("struct tgvoip_dh_config *")
    keep.append(out)
    out.g, out.version = _within(dh.g, 32), _within(dh.version, 32)
    out.p, out.p_len = _bytes(dh.p, keep), len(dh.p)
    out.random, out.random_len = _bytes(dh.random, keep), len(dh.random)
    return out


def config_struct(config: PhoneConfig, keep: List[Any]) -> Any:
    out = ffi.new("struct tgvoip_phone_config *")
    keep.append(out)
    lib.tgvoip_phone_config_default(out)
    for name in ("receive", "ring", "connect", "packet"):
        field = f"{name}_timeout_ms"
        setattr(out, field, _within(getattr(config, field), 32))
    out.phonecalls_enabled = config.phonecalls_enabled
    return out
