# SPDX-License-Identifier: MIT
"""A client's end of the obfuscated TCP stream to a relay, with the openssl
command for AES: independent of our code.
Source: wire specification 1.5
"""
import os
import socket
import subprocess

HEADER = 64
KEY_STREAM = 1 << 18    # bytes of each direction that a test may use


def key_stream(key, iv):
    return subprocess.run(
        ["openssl", "enc", "-aes-256-ctr", "-K", key.hex(), "-iv", iv.hex()],
        input=bytes(KEY_STREAM), stdout=subprocess.PIPE, check=True).stdout


def forbidden(nonce):
    return (nonce[:4] in (b"HEAD", b"POST", b"GET ", b"\xee" * 4)
            or nonce[4:8] == bytes(4) or nonce[0] == 0xEF)


class Mask:
    def __init__(self, key, iv, at=0):
        self.stream, self.at = key_stream(key, iv), at

    def run(self, data):
        mask = self.stream[self.at:self.at + len(data)]
        assert len(mask) == len(data), "more than KEY_STREAM"
        self.at += len(data)
        return bytes(a ^ b for a, b in zip(data, mask))


class Stream:
    """Connects; sends the header unless told not to."""

    def __init__(self, port, header=True):
        nonce = os.urandom(HEADER)
        while forbidden(nonce):
            nonce = os.urandom(HEADER)
        nonce = nonce[:56] + b"\xef" * 4 + nonce[60:]
        back = nonce[8:56][::-1]
        self.up = Mask(nonce[8:40], nonce[40:56])
        self.down = Mask(back[:32], back[32:])
        self.header = nonce[:56] + self.up.run(nonce)[56:]
        self.buffer = b""
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if header:
            self.socket.sendall(self.header)

    def close(self):
        self.socket.close()

    def frame(self, packet):
        words = len(packet) // 4
        length = (bytes([words]) if words < 0x7F
                  else b"\x7f" + words.to_bytes(3, "little"))
        return self.up.run(length + packet)

    def send(self, packet):
        self.socket.sendall(self.frame(packet))

    def take(self, count):
        """The next bytes in clear, fewer at the end of the stream."""
        while len(self.buffer) < count:
            data = self.socket.recv(65536)
            if not data:
                break
            self.buffer += self.down.run(data)
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def recv(self):
        """The next packet, b"" at the end of the stream."""
        length = self.take(1)
        if length and length[0] >= 0x7F:
            length = self.take(3)
        return self.take(4 * int.from_bytes(length, "little"))
