#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of fuzz/corpus from the vectors in tests/data.

    fuzz/make_corpus.py [TARGET]...

Seeds are called seed-*; what campaigns have found (other names) stays. Audio
files are made with sox.
"""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(os.path.dirname(HERE), "tests", "data")
with open(os.path.join(DATA, "wire-examples.json")) as f:
    WIRE = json.load(f)
with open(os.path.join(DATA, "trace-relay-setup.jsonl")) as f:
    TRACE = [json.loads(line) for line in f]
FORMS = {"short": 0, "decryptedAudioBlock": 1, "simpleAudioBlock": 2}
# packet type by a word of a vector's name; the first that fits
TYPES = {"init_ack": 2, "init": 1, "stream_state": 3, "stream_ec": 17,
         "stream_data": 4, "video_fragment": 4, "lan_endpoint": 10, "ping": 6,
         "pong": 7}
NOP = 14


def unhex(text):
    return bytes.fromhex(text)


def type_of(vector):
    return next((number for word, number in TYPES.items()
                 if word in vector["name"]), NOP)


def u8(*numbers):
    return bytes(numbers)


def u16(number):
    return struct.pack("<H", number)


def u32(number):
    return struct.pack("<I", number)


def opus_frames(limit):
    """Of the recorded call."""
    frames = []
    for line in TRACE:
        inner = unhex(line["inner"] or "")
        if len(inner) < 40 or inner[0] != 4 or inner[13] != 0:
            continue
        body = inner[14:]
        if body[0] & 0x40:
            frames.append(body[7:7 + (u16_at(body, 1) & 0x7FF)])
        else:
            frames.append(body[6:6 + body[1]])
    frames = [f for f in frames if 0 < len(f) < 200]
    return frames[::max(1, len(frames) // limit)][:limit]


def u16_at(data, at):
    return struct.unpack_from("<H", data, at)[0]


def packet():
    for p in WIRE["packets"]:
        inner = unhex(p["inner"])
        flags = 4 if "to_v3" not in p["name"] else 0
        yield u8(FORMS[p["header"]] | flags, 0) + inner
        yield u8(3 | flags | (16 if p["header"] == "short" else 0), 0) + inner
        yield u8(8, type_of(p)) + unhex(p["payload"])


def control():
    for m in WIRE["reflector"]:
        yield unhex(m["datagram"])
        yield unhex(m["datagram"])[:-3]


def seal():
    for p in WIRE["packets"]:
        body = unhex(p["datagram"])[len(unhex(p["prefix"])):]
        yield u8(1 | (0 if p["sender"] == "caller" else 2)) + body
    for number, p in enumerate(WIRE["packets"]):
        yield u8((number % 3 + 1) << 2 | number % 2 << 1 |
                 (16 if number % 5 == 0 else 0)) + unhex(p["inner"])
    for p in WIRE["negative"]:
        yield u8(2 if p["receiver"] == "caller" else 0) + unhex(
            p["datagram"])[16:]


def relay():
    def datagram(who, step, kind, data=b""):
        return u8(who, step, kind) + data
    ping = datagram(0x20, 1, 64 | 12, u32(0xFFFFFFFE) + bytes(8))
    other = datagram(0x32, 1, 64 | 12, u32(0xFFFFFFFE) + bytes(8))
    peer = datagram(0x20, 1, 64 | 4, u32(0xFFFFFFFF))
    media = datagram(0x20, 20, 62, bytes(62))
    back = datagram(0x32, 20, 62, bytes(62))
    yield u8(1) + ping + other + peer + media + back
    yield u8(1) + (media + back) * 40
    yield u8(0) + ping + other + media
    yield u8(1) + ping * 30 + datagram(0x20, 255, 0) + ping
    yield u8(1) + b"".join(datagram(n << 4, 2, 20, bytes(20))
                           for n in range(16))
    yield u8(1) + other + b"".join(datagram(0x20 | n << 1, 2, 20, bytes(20))
                                   for n in range(8))
    yield u8(1) + datagram(0x20, 1, 63, bytes(63) + u16(1400)) + datagram(
        0x20, 1, 128 | 8, bytes(8))
    yield u8(1) + datagram(0x21, 1, 16, bytes(16)) + peer + datagram(
        0x31, 1, 64 | 4, u32(0xFFFFFFFF))


def relay_tcp():
    def come(where, good=8):
        return u8(good, where, 1)

    def frame(which, tag, words=20, what=1, more=b""):
        return u8(what, which, 10, tag, words) + more

    def datagram(which, tag, words=20, what=3):
        return u8(what, which, 10, tag, words)
    # two connections of one session, then one side changes to UDP and back
    talk = frame(0, 2) + frame(1, 3)
    both = u8(1) + come(0) + come(1) + frame(0, 2, 0) + frame(1, 3, 0)
    yield both + talk * 8
    yield both + talk + datagram(2, 2) + talk + datagram(2, 2, 20, 3 | 64)
    yield both + talk + datagram(2, 2, 6, 3 | 16) + frame(1, 3)
    yield both + frame(0, 2, 255, 7, u8(1)) + frame(1, 3, 200, 7, u8(70))
    yield both + talk + u8(5, 0, 1) + frame(1, 3) + come(0) + frame(0, 2)
    yield both + talk + u8(6, 0, 255) + talk + come(0)
    yield both + u8(6, 0, 255) * 2 + datagram(2, 2)
    yield both + frame(0, 3) + frame(0, 4) + u8(4, 1, 1, 9) + bytes(9)
    yield u8(0) + come(0) + frame(0, 4) + frame(0, 2) + datagram(2, 3)
    yield u8(1) + b"".join(come(n) for n in range(8)) + b"".join(
        frame(n, 2) for n in range(6)) * 2
    yield u8(1) + come(0, 0) + u8(4, 0, 1, 64) + bytes(64) + u8(6, 0, 141)
    yield u8(1) + come(0, 0) + u8(4, 0, 1, 63) + bytes(63) + u8(6, 0, 141)


def obfuscated():
    tcp = WIRE["tcp"]

    def pieces(data, size):
        step = size * 4
        return b"".join(u8(size - 1) + data[at:at + step]
                        for at in range(0, len(data), step))
    up = unhex(tcp["header_on_wire"]) + b"".join(
        unhex(f["on_wire"]) for f in tcp["client_to_relay"])
    for size in (1, 7, 64):
        yield u8(1) + pieces(up, size)
    yield u8(1) + pieces(b"HEAD" * 16, 16)
    yield u8(0) + pieces(bytes(range(256)), 4)
    yield u8(5) + pieces(bytes(range(256)), 9)
    for mode in (2, 3):
        yield u8(mode) + b"".join(u8(words, size) + bytes(words * 8)
                                  for words, size in
                                  ((2, 0), (4, 255), (63, 3), (64, 90)))
        yield u8(mode) + u8(187, 255) + bytes(187 * 8) + u8(188, 1)


def socks5():
    domain = b"relay.example"
    yield u8(0) + u8(5, 0)
    yield u8(0) + u8(5, 2)
    yield u8(1) + u8(5, 2)
    yield u8(1) + u8(5, 255)
    yield u8(2) + u8(1, 0)
    yield u8(2) + u8(1, 1)
    yield u8(3) + u8(5, 0, 0, 1, 203, 0, 113, 7, 0x5D, 0xC0)
    yield u8(3) + u8(5, 0, 0, 1, 0, 0, 0, 0, 0x5D, 0xC0) + bytes(8)
    yield u8(3) + u8(5, 0, 0, 4) + bytes(15) + u8(1, 1, 187)
    yield u8(3) + u8(5, 0, 0, 3, len(domain)) + domain + u8(1, 187)
    yield u8(3) + u8(5, 5, 0, 1) + bytes(6)
    for m in WIRE["socks5"]:
        if m["name"].startswith("udp_header"):
            yield u8(4) + unhex(m["hex"]) + bytes(32)
    yield u8(4) + u8(0, 0, 1, 1) + bytes(16)
    yield u8(4) + u8(0, 0, 0, 3, len(domain)) + domain + bytes(16)


def server_config():
    yield b"{}"
    yield b'{"audio_max_bitrate": 20000, "audio_frame_size": 60}'
    yield json.dumps({
        "audio_init_bitrate": 16000, "audio_congestion_window": 1024,
        "jitter_min_delay_60": 2, "jitter_max_delay_60": 10,
        "packet_loss_for_extra_ec": 0.02, "use_tcp": True,
        "rate_flags": 4294967295, "bad_call_rating": False,
        "relay_switch_threshold": 0.8, "audio_vad_bandwidth": 3}).encode()
    yield b'{"audio_max_bitrate": "20000", "use_tcp": 1, "rate_flags": -1}'
    yield b'{"audio_max_bitrate": 1e30, "rate_min_rtt": -5, "use_tcp": null}'
    yield b'{"jitter_max_delay_60": 3.5, "rate_flags": -2147483649}'
    yield b'{"a": [1, {"b": [[[]]]}], "audio_max_bitrate": 9000}'
    yield b'[1, 2]'
    yield b'{"audio_max_bitrate": 9000, "audio_max_bitrate": 10000}'
    yield b'{"rate_min_rtt": 1e-400, "x": "\\u00e9\\ud83d\\ude00"'
    yield b"\xff\xfe{}"


def inspect():
    lines = []
    for p in WIRE["packets"]:
        lines.append(json.dumps({
            "t_ms": 1.5, "from": p["sender"], "to": "relay",
            "path": "relay-udp" if p["prefix"].startswith("0001") else "p2p",
            "src": "127.0.0.1:1", "dst": "127.0.0.1:2",
            "wire": p["datagram"]}).encode())
    for m in WIRE["reflector"]:
        lines.append(json.dumps({
            "t_ms": 2, "path": "relay-udp", "wire": m["datagram"],
            "from": "relay" if "->client" in m["direction"].replace(" ", "")
            else "caller"}).encode())
    for at in range(0, len(lines), 6):
        yield b"\n".join(lines[at:at + 6]) + b"\n"
    yield b'{"t_ms": "x"}\n\n{}\n[]\nnot json\n'
    yield b'{"t_ms":1,"from":"caller","path":"relay-tcp","wire":"zz"}'


def udp(src, dst, data, six=False):
    """An IP packet; ends are numbers."""
    body = struct.pack(">HHHH", 1000 + src, 1000 + dst, 8 + len(data),
                       0) + data
    if six:
        return struct.pack(">IHBB", 0x60000000, len(body), 17, 64) + b"".join(
            bytes(15) + u8(end) for end in (src, dst)) + body
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, 17,
                       0) + u8(10, 0, 0, src, 10, 0, 0, dst) + body


def link_layer(link, packet):
    kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
    if link == 0:
        return u32(10 if packet[0] >> 4 == 6 else 2) + packet
    if link == 1:
        return bytes(12) + kind + packet
    if link == 2:       # with a VLAN tag
        return bytes(12) + b"\x81\x00\x00\x05" + kind + packet
    if link == 113:
        return bytes(14) + kind + packet
    if link == 276:
        return kind + bytes(18) + packet
    return packet


def pcap(link, packets, order="<", magic=0xA1B2C3D4):
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535,
                      1 if link == 2 else link)
    for number, packet in enumerate(packets):
        data = link_layer(link, packet)
        out += struct.pack(order + "IIII", 1700000000, number * 1000,
                           len(data), len(data)) + data
    return out


def pcapng(link, packets, order="<", simple=False):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        size = 12 + len(body)
        return struct.pack(order + "II", kind, size) + body + struct.pack(
            order + "I", size)
    out = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    out += block(1, struct.pack(order + "HHI", link, 0, 65535)
                 + struct.pack(order + "HHB3xHH", 9, 1, 6, 0, 0))
    out += block(5, struct.pack(order + "III", 0, 0, 0))
    for number, packet in enumerate(packets):
        data = link_layer(link, packet)
        if simple:
            out += block(3, struct.pack(order + "I", len(data)) + data)
        else:
            out += block(6, struct.pack(order + "IIIII", 0, 389000,
                                        number * 1000, len(data), len(data))
                         + data)
    return out


def capture():
    def packets(few, six=False):
        out = []
        for number, p in enumerate(WIRE["packets"][::few]):
            ends = (1, 9) if p["sender"] == "caller" else (2, 9)
            if number % 3 == 2:
                ends = (9, 3 - ends[0])     # as it comes from the relay
            out.append(udp(*ends, unhex(p["datagram"]), six))
        for m in WIRE["reflector"][::few]:
            out.append(udp(1, 9, unhex(m["datagram"]), six))
        return out
    for link in (0, 1, 2, 101, 113, 276):
        yield u8(255, 0) + pcap(link, packets(5))
    yield u8(7, 1) + pcap(1, packets(6, True))
    yield u8(63, 2) + pcap(101, packets(6), ">")
    yield u8(63, 0) + pcap(228, packets(6), "<", 0xA1B23C4D)
    yield u8(0, 0) + pcapng(1, packets(9))
    yield u8(99, 0) + pcapng(1, packets(9), ">")
    yield u8(99, 0) + pcapng(101, packets(9), "<", True)
    yield u8(99, 0) + pcapng(1, packets(9))[:-7]
    yield u8(99, 0) + pcap(1, packets(9))[:-7]
    for lines in list(inspect())[:3]:
        yield u8(200, 0) + lines


def playout():
    def frame(code, data, copies=()):
        code |= len(copies) << 5
        return u8(code, len(data)) + data + b"".join(
            u8(len(c)) + c for c in copies)

    def marker(blocks, number, size):
        data = u8(0xA0 + blocks, 0) + u32(number)
        return data + bytes(max(0, size - len(data)))
    opus = opus_frames(16)
    get60 = u8(0x20)
    yield u8(1) + b"".join(frame(16, f) + get60 for f in opus)
    yield u8(1) + b"".join(frame(16, f, (opus[0],)) + get60 + u8(1, 200)
                           for f in opus[1:5])
    marks = [marker(3, 3 * n, 30) for n in range(30)]
    yield u8(0) + b"".join(frame(16, m) + get60 for m in marks)
    yield u8(0) + b"".join(frame(16, m) for m in marks) + u8(0xE0) * 20
    yield u8(0) + b"".join(frame(17, marker(1, n, 20)) + u8(0)
                           for n in range(40))
    yield u8(0) + frame(16, marks[0]) + u8(2, 200, 90) + get60 + u8(
        3) + get60 + u8(35) + frame(18, marks[1]) + get60
    yield u8(0) + frame(16, marks[0]) + get60 + u8(
        16 | 6, 255, 255, 255, 255, 30) + marks[1] + get60 + u8(
            16 | 7, 255, 255, 255, 255, 30) + marks[2] + get60


def audio_file():
    if not shutil.which("sox"):
        sys.exit("make_corpus.py: needs sox for the audio files")
    endings = ["wav", "flac", "ogg", "mp3", "raw", "au", "aiff"]
    with tempfile.TemporaryDirectory() as folder:
        for number, ending in enumerate(endings):
            if ending == "raw":
                yield u8(4) + bytes(range(256)) * 2
                continue
            if ending == "mp3":
                continue        # sox here cannot write it
            path = os.path.join(folder, "a." + ending)
            for rate, channels in ((8000, 1), (44100, 2)):
                made = subprocess.run(
                    ["sox", "-R", "-n", "-r", str(rate), "-c", str(channels),
                     path, "synth", "0.02", "sine", "440"],
                    stderr=subprocess.DEVNULL)
                if made.returncode == 0:
                    with open(path, "rb") as f:
                        yield u8(number | 0x78) + f.read()
    wav = b"RIFF" + u32(36) + b"WAVEfmt " + u32(16) + u16(1) + u16(1) + u32(
        48000) + u32(96000) + u16(2) + u16(16) + b"data"
    yield u8(0) + wav + u32(8) + bytes(8)
    yield u8(128) + wav + u32(0xFFFFFFFF) + bytes(8)
    yield u8(0) + wav.replace(u32(48000), u32(1)) + u32(8) + bytes(8)


def call():
    caller, callee = 0, 0x80    # bit 7 of an operation: the side
    frame = opus_frames(1)[0]

    def inject(who, type_, body=b"", how=0, extra=b""):
        return u8(6 | who, how, len(body), type_, 1) + extra + body
    media = u8(1, len(frame)) + u32(60) + frame
    ideal = 8 | 128
    for mode in (ideal, ideal | 1, ideal | 2):
        yield u8(mode, 4) + u8(0, 250)
        yield u8(mode, 4) + (inject(caller, 4, media) + u8(0, 30)) * 5
    for layer in range(8):      # by hand, old envelopes allowed
        yield u8(2, layer | 8) + u8(11, 0, 0x8B, 0) + (
            u8(0, 250) + u8(2)) * 6
    for p in WIRE["packets"]:
        body = unhex(p["payload"])
        if len(body) < 256:
            yield u8(ideal, 4) + inject(callee, type_of(p), body) + u8(0, 60)
    for form in (0, 8, 16):
        yield u8(ideal, 4) + inject(caller, 6, how=form) + inject(
            callee, 11, u32(1), how=form)
    yield u8(ideal, 4) + b"".join(
        inject(caller, 14, how=32, extra=u8(t, 8) + bytes(8))
        for t in (1, 2, 3, 4, 5, 6, 7, 0x54))
    yield u8(ideal, 4) + u8(15, 0, 255, 0, 255)      # all lost from here on
    yield u8(ideal, 4) + u8(11, 1, 0, 200, 11, 0, 0, 200)   # socket fails
    yield u8(ideal, 4) + u8(11, 4, 0, 100, 11, 3, 0, 100)   # blocked, writable
    yield u8(ideal, 4) + u8(11, 6, 0, 100, 12, 0, 50, 28, 0, 50)
    yield u8(ideal, 4) + u8(13, 1, 0, 100, 13, 0x86, 0, 100)
    yield u8(ideal, 4) + u8(14 | 16, 0, 200, 14, 0, 200)    # no random bytes
    yield u8(ideal, 4) + u8(0x6F, 0, 100, 2)                # stop
    yield u8(ideal, 4) + u8(10, 4, 40) + u32(0xC01572C7) + bytes(36) + u8(
        10, 4, 20) + u32(0x27D9371C) + bytes(16) + u8(10, 0, 60) + bytes(60)
    yield u8(2, 4) + u8(11, 0, 0x8B, 0, 0, 100, 5, 9, 9, 2, 0, 100, 3, 4, 20,
                        1, 0x11, 0x21, 0, 255, 0, 255)
    # connections: 133 opens the first, 134 fails, 128 closes, 130 fills it
    sockets, streams = u8(11, 0, 0x8B, 0), u8(11, 133, 0x8B, 133)
    some_time = (u8(0, 25) + u8(2)) * 12
    yield u8(4, 4) + sockets + streams + some_time
    yield u8(4, 4) + sockets + streams + some_time + u8(
        11, 130, 0, 100, 11, 129, 0, 50, 0x8B, 128, 0, 40) + some_time
    yield u8(2, 4) + sockets + u8(0, 200) + streams + some_time     # copies
    yield u8(4, 4) + sockets + streams + u8(14 | 32, 64, 32) + bytes(32) + (
        u8(14 | 32, 0, 40) + bytes(range(40)) + some_time)
    yield u8(4, 4) + sockets + u8(11, 134, 0, 150, 11, 140) + some_time
    # the proxy: by address, with and without UDP; by name, with a login
    for reply in (b"\5\0\0\1\313\0\161\10\20\0",
                  b"\5\2\0\1\0\0\0\0\0\0",
                  b"\5\0\0\3\4name\20\0"):
        yield u8(2, 4 | 128) + sockets + streams + u8(
            14 | 32, 0, 2, 5, 0) + u8(14 | 32, 0, len(reply)) + reply + u8(
                11, 12) + some_time
    yield u8(0, 4 | 128) + sockets + u8(11, 12) + streams + u8(
        14 | 32, 0, 2, 5, 0xFF, 0, 100) + some_time
    yield u8(4 | 8, 4 | 128) + sockets + u8(11, 12) + streams + u8(
        14 | 32, 0, 2, 5, 2, 14 | 32, 0, 2, 1, 0, 14 | 32, 16, 10) + (
            b"\5\0\0\1\0\0\0\0\0\0" + some_time)


def negotiation():
    call, well, wait = u8(0x38, 0), u8(0), u8(0x18, 20)
    answer, hang_up, release = u8(0x08), u8(0x0B), u8(0x0F)
    established = u8(0x0C, 3)

    def update(what, odd=0, more=b""):
        return u8(0x10, what, odd) + more
    outgoing = call + well * 2 + update(66) + wait + update(4) + well
    incoming = update(11) + well + answer + well * 2 + update(13)
    yield u8(2) + outgoing
    yield u8(0) + call + well * 6 + update(4) + well * 2
    yield u8(2) + outgoing + established + u8(0x18, 200) + u8(
        0x0C, 8 | 16 | 32) + hang_up + well + update(6, 8 | 16 | 3) + u8(
            0x0D, 4) + well * 2 + release
    yield u8(2) + outgoing + update(6, 2)
    yield u8(2) + outgoing + u8(0x0C, 4 | 32)            # the engine failed
    yield u8(2) + incoming + established + update(6, 3) + release
    yield u8(2) + incoming + established + hang_up + well + release
    yield u8(3) + update(11) + update(11 | 16) + answer + u8(0x09 | 32) + (
        well * 4)
    yield u8(2) + update(11) + u8(0x0A) + release
    yield u8(2) + update(11) + u8(0x18, 250) * 2 + release
    yield u8(2) + call + u8(7, 0x18, 255) * 6
    yield u8(2) + call + well + u8(0x18, 250) * 3
    for error in range(14):
        yield u8(2) + call + well + u8(6, error) + wait + well
        yield u8(2) + update(11) + well + answer + well + u8(6, error)
    for odd in range(8):
        yield u8(2) + call + well * 2 + update(4) + u8(2, 5, 2, odd)
    yield u8(2) + call + well * 2 + update(4, 128, u16(256) + bytes(256))
    yield u8(2) + call + u8(3, 8) + call + u8(3, 2, 7) + call + u8(3, 16)
    yield u8(2) + incoming[:-3] + update(13, 128, u16(256) + bytes(260))


TARGETS = {f.__name__: f for f in (
    packet, control, seal, relay, relay_tcp, obfuscated, socks5,
    server_config, inspect, capture, playout, audio_file, call,
    negotiation)}


def main():
    for name in sys.argv[1:] or TARGETS:
        folder = os.path.join(HERE, "corpus", name)
        os.makedirs(folder, exist_ok=True)
        for old in os.listdir(folder):
            if old.startswith("seed-"):
                os.remove(os.path.join(folder, old))
        seeds = sorted(set(TARGETS[name]()))
        for number, data in enumerate(seeds):
            with open(os.path.join(folder, f"seed-{number:02d}"), "wb") as f:
                f.write(data)
        print(f"{name}: {len(seeds)} seeds, {sum(map(len, seeds))} bytes")


if __name__ == "__main__":
    main()
