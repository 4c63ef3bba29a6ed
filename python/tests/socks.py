# SPDX-License-Identifier: MIT
"""A SOCKS5 proxy (RFC 1928, RFC 1929) on loopback, for IPv4 only: counts what
passes."""
import select
import socket
import struct
import threading


def read(stream, n):
    data = b""
    while len(data) < n:
        part = stream.recv(n - len(data))
        if not part:
            raise OSError("closed")
        data += part
    return data


def pack(address):
    return socket.inet_aton(address[0]) + struct.pack(">H", address[1])


def unpack(data):
    return socket.inet_ntoa(data[:4]), struct.unpack(">H", data[4:6])[0]


class Proxy:
    """:param login: (user, password) that it asks for, or None
    :param udp: does it do UDP ASSOCIATE?"""

    def __init__(self, login=None, udp=True):
        self.login, self.udp = login, udp
        self.datagrams = self.streams = self.refused = 0
        self.closing = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def close(self):
        self.closing.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(5)

    def accept(self):
        while not self.closing.is_set():
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(
                target=self.serve, args=(stream,), daemon=True))
            self.threads[-1].start()

    def serve(self, stream):
        with stream:
            try:
                if self.greet(stream):
                    self.command(stream)
            except OSError:
                pass

    def greet(self, stream):
        methods = read(stream, read(stream, 2)[1])
        wanted = 2 if self.login else 0
        if wanted not in methods:
            self.refused += 1
            stream.sendall(b"\x05\xff")
            return False
        stream.sendall(bytes([5, wanted]))
        if not self.login:
            return True
        user = read(stream, read(stream, 2)[1])
        password = read(stream, read(stream, 1)[0])
        right = (user.decode(), password.decode()) == self.login
        self.refused += not right
        stream.sendall(b"\x01\x00" if right else b"\x01\x01")
        return right

    def command(self, stream):
        kind, family = read(stream, 4)[1::2]
        if family != 1 or kind not in (1, 3) or kind == 3 and not self.udp:
            stream.sendall(b"\x05\x07\x00\x01" + bytes(6))
            return
        to = unpack(read(stream, 6))
        if kind == 1:
            with socket.create_connection(to, 5) as far:
                stream.sendall(b"\x05\x00\x00\x01" + pack(far.getsockname()))
                self.streams += 1
                self.tunnel(stream, far)
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
            near.bind(("127.0.0.1", 0))
            stream.sendall(b"\x05\x00\x00\x01" + pack(near.getsockname()))
            self.relay(stream, near)

    def ready(self, *sockets):
        while not self.closing.is_set():
            yield from select.select(sockets, [], [], 0.1)[0]

    def tunnel(self, stream, far):
        for source in self.ready(stream, far):
            data = source.recv(65536)
            if not data:
                return
            (far if source is stream else stream).sendall(data)

    def relay(self, stream, near):
        client = None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
            far.bind(("127.0.0.1", 0))
            for source in self.ready(stream, near, far):
                if source is stream:
                    return      # the association ends with its connection
                data, address = source.recvfrom(2048)
                if source is near and data[:4] == b"\0\0\0\x01":
                    client = address
                    self.datagrams += 1
                    far.sendto(data[10:], unpack(data[4:10]))
                elif source is far and client:
                    near.sendto(b"\0\0\0\x01" + pack(address) + data, client)
