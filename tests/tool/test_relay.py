# SPDX-License-Identifier: MIT
"""`tgvoip relay` seen from its socket."""
import secrets

from helper import Case, json_lines, signal, socket, tags, time

PING = b"\xff" * 12 + b"\xfe\xff\xff\xff"
PEER = b"\xff" * 16


class Relay(Case):
    def end(self, tag):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(s.close)
        s.settimeout(2)
        s.connect(("127.0.0.1", self.port))
        return s, bytes.fromhex(tag)

    def nothing(self, s):
        s.settimeout(0.3)
        try:
            data = s.recv(2048)
        except socket.timeout:
            s.settimeout(2)
            return
        self.fail(f"came: {data.hex()}")

    def test_self_info_peer_info_and_forwarding(self):
        process, self.port = self.relay()
        (a, tag_a), (b, tag_b) = map(self.end, tags())
        for s, tag in ((a, tag_a), (b, tag_b)):
            query = secrets.token_bytes(8)
            s.send(tag + PING + query)
            reply = s.recv(2048)
            self.assertEqual(len(reply), 64)
            self.assertEqual(reply[:16], tag)
            self.assertEqual(reply[28:32], bytes.fromhex("c77215c0"))
            self.assertEqual(reply[36:44], query)
            self.assertEqual(int.from_bytes(reply[60:64], "little"),
                             s.getsockname()[1])
        a.send(tag_a + PEER)
        reply = a.recv(2048)
        self.assertEqual((len(reply), reply[28:32]),
                         (48, bytes.fromhex("1c37d927")))
        payload = secrets.token_bytes(80)
        a.send(tag_a + payload)
        self.assertEqual(b.recv(2048), tag_b + payload)
        b.send(tag_b + payload)
        self.assertEqual(a.recv(2048), tag_a + payload)
        process.send_signal(signal.SIGTERM)
        out, err = self.finish(process)
        self.assertEqual(process.returncode, 0, err)
        text = out.replace(" ", "")
        self.assertIn('"packets_forwarded":2', text)
        self.assertTrue(json_lines(out))

    def test_only_listed_sessions_are_served(self):
        mine, other = tags(), tags()
        process, self.port = self.listed(mine[0])
        (a, tag_a), (x, tag_x) = self.end(mine[1]), self.end(other[0])
        x.send(tag_x + PING + b"\1" * 8)
        self.nothing(x)
        a.send(tag_a + PING + b"\1" * 8)
        self.assertEqual(len(a.recv(2048)), 64)

    def listed(self, tag):
        from helper import free_port
        port = free_port()
        p = self.start("relay", "--listen", f"127.0.0.1:{port}", "--session",
                       tag, "--json")
        query = bytes.fromhex(tag) + PING + b"\2" * 8
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.1)
            for _ in range(50):
                try:
                    s.sendto(query, ("127.0.0.1", port))
                    s.recv(2048)
                    return p, port
                except OSError:
                    time.sleep(0.05)
        self.fail("the relay does not answer")

    def test_control_answers_are_limited(self):
        _, self.port = self.relay()
        a, tag = self.end(tags()[0])
        for i in range(200):
            a.send(tag + PING + i.to_bytes(8, "little"))
        a.settimeout(0.3)
        answers = 0
        try:
            while a.recv(2048):
                answers += 1
        except socket.timeout:
            pass
        self.assertGreaterEqual(answers, 1)
        self.assertLessEqual(answers, 21)

    def test_short_and_long_datagrams_are_dropped(self):
        _, self.port = self.relay()
        (a, tag_a), (b, tag_b) = map(self.end, tags())
        for s, tag in ((a, tag_a), (b, tag_b)):
            s.send(tag)
        time.sleep(0.1)
        for data in (b"", b"x", tag_a[:15], tag_a, tag_a + b"z" * 1600):
            a.send(data)
        self.nothing(b)
        a.send(tag_a + b"end of it")
        self.assertEqual(b.recv(2048), tag_b + b"end of it")
