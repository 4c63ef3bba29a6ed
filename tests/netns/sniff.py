#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes down every frame that leaves the interfaces here, but loopback's,
until SIGTERM; a line each: PROTOCOL DESTINATION PORT, e.g. `udp 1.2.3.4 53`,
`arp - -`.

    sniff.py FILE
"""
import ipaddress
import signal
import socket
import sys

OUTGOING = 4
EVERYTHING = 0x0003
NAMES = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}


def describe(kind, frame):
    if kind == 0x0806:
        return "arp - -"
    if kind == 0x0800:
        at, proto, to = (frame[0] & 15) * 4, frame[9], frame[16:20]
    elif kind == 0x86dd:
        at, proto, to = 40, frame[6], frame[24:40]
        if proto == 0 and frame[40] == 58:     # MLD has a hop-by-hop option
            proto = 58
    else:
        return f"{kind:#06x} - -"
    port = int.from_bytes(frame[at + 2:at + 4], "big") \
        if proto in (6, 17) else "-"
    return f"{NAMES.get(proto, proto)} {ipaddress.ip_address(to)} {port}"


def main():
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                       socket.htons(EVERYTHING)) as s, \
            open(sys.argv[1], "w") as out:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        s.settimeout(0.1)
        print("ready", flush=True)
        while not ended:
            try:
                frame, (device, kind, direction, *_) = s.recvfrom(65535)
            except socket.timeout:
                continue
            if direction == OUTGOING and device != "lo":
                out.write(describe(kind, frame) + "\n")


if __name__ == "__main__":
    main()
