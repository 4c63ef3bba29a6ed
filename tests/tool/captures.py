# SPDX-License-Identifier: MIT
"""Writes datagrams as the captures of other programs: pcap and pcapng in both
byte orders, every link layer that is understood, IPv4 and IPv6.
Source: the drafts of pcap and pcapng, and the registry of link types
"""
import ipaddress
import struct

NULL, ETHERNET, RAW, LOOP, SLL, IPV4, SLL2 = 0, 1, 101, 108, 113, 228, 276


def address(text):
    """("1.2.3.4:5") -> (bytes, port)"""
    host, port = text.rsplit(":", 1)
    return ipaddress.ip_address(host.strip("[]")).packed, int(port)


def udp(src, dst, data):
    return struct.pack(">HHHH", src[1], dst[1], 8 + len(data), 0) + data


def ip(src, dst, data, extensions=False):
    body = udp(src, dst, data)
    if len(src[0]) == 4:
        return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0, 64,
                           17, 0, src[0], dst[0]) + body
    following = 17
    if extensions:
        body = struct.pack(">BB6x", 60, 0) + struct.pack(">BB14x", 17, 1) \
            + body
        following = 0
    return struct.pack(">IHBB16s16s", 0x60000000, len(body), following, 64,
                       src[0], dst[0]) + body


def frame(link, packet, vlans=0):
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86dd
    if link == ETHERNET:
        tags = b"".join(struct.pack(">HH", 0x8100 if i else 0x88a8, 7)
                        for i in range(vlans))
        data = b"\2" * 6 + b"\4" * 6 + tags + struct.pack(">H", kind) + packet
        return data + b"\0" * max(0, 60 - len(data))
    if link == SLL:
        return struct.pack(">HHH8sH", 0, 1, 6, b"\2" * 8, kind) + packet
    if link == SLL2:
        return struct.pack(">HHIHBB8s", kind, 0, 2, 1, 0, 6,
                           b"\2" * 8) + packet
    if link == NULL:
        return struct.pack("<I", 2 if kind == 0x0800 else 30) + packet
    if link == LOOP:
        return struct.pack(">I", 2 if kind == 0x0800 else 24) + packet
    return packet


def pcap(frames, link, order="<", nanos=False):
    """frames: (time in us, bytes)"""
    magic = 0xa1b23c4d if nanos else 0xa1b2c3d4
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)
    for us, data in frames:
        part = us % 1000000 * (1000 if nanos else 1)
        out += struct.pack(order + "IIII", us // 1000000, part, len(data),
                           len(data)) + data
    return out


def block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    size = 12 + len(body)
    return struct.pack(order + "II", kind, size) + body \
        + struct.pack(order + "I", size)


def section(order):
    return block(order, 0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d,
                                                1, 0, -1))


def interface(order, link, resolution=None, offset=0):
    options = b""
    if resolution is not None:
        options += struct.pack(order + "HHB3x", 9, 1, resolution)
    if offset:
        options += struct.pack(order + "HHq", 14, 8, offset)
    if options:
        options += struct.pack(order + "HH", 0, 0)
    return block(order, 1, struct.pack(order + "HHI", link, 0, 0) + options)


def enhanced(order, number, ticks, data):
    return block(order, 6, struct.pack(
        order + "IIIII", number, ticks >> 32, ticks & 0xffffffff, len(data),
        len(data)) + data)


def pcapng(frames, link, order="<", resolution=None, offset=0):
    """@param resolution as in if_tsresol: 9 = ns, 0x80 + n = 2^-n s"""
    per_second = 10 ** 6 if resolution is None else \
        2 ** (resolution & 0x7f) if resolution & 0x80 else 10 ** resolution
    out = section(order) + interface(order, 147) \
        + interface(order, link, resolution, offset) \
        + block(order, 0x0bad, b"skip me!" * 10)
    for us, data in frames:
        ticks = -(-(us - offset * 1000000) * per_second // 1000000)
        out += enhanced(order, 1, ticks, data)
    return out


def simple(frames, link, order="<"):
    """pcapng of simple packets, which have no time"""
    out = section(order) + interface(order, link)
    for _, data in frames:
        out += block(order, 3, struct.pack(order + "I", len(data)) + data)
    return out
