# SPDX-License-Identifier: MIT
"""`tgvoip relay` seen from its socket."""
import json
import secrets

from helper import Case, json_lines, run, signal, socket, tags, time
from stream import Stream

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

    def listed(self, tag, *args):
        from helper import free_port
        port = free_port()
        p = self.start("relay", "--listen", f"127.0.0.1:{port}", "--session",
                       tag, "--json", *args)
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

    def stream(self, header=True):
        stream = Stream(self.tcp_port, header)
        self.addCleanup(stream.close)
        return stream

    def counters(self, process):
        process.send_signal(signal.SIGTERM)
        out, err = self.finish(process)
        self.assertEqual(process.returncode, 0, err)
        return json_lines(out)[-1]

    def learn_tcp_port(self, process):
        event = json.loads(process.stdout.readline())
        self.assertEqual(event["tcp_address"],
                         f"127.0.0.1:{event['tcp_port']}")
        self.tcp_port = event["tcp_port"]

    def both(self, *args):
        """A relay that serves UDP and TCP."""
        process, self.port = self.relay("--tcp", "127.0.0.1:0", *args)
        self.learn_tcp_port(process)
        return process

    def test_a_tcp_client_meets_a_udp_client(self):
        process = self.both()
        tag_a, tag_b = map(bytes.fromhex, tags())
        a = self.stream(header=False)
        for byte in a.header:
            a.socket.sendall(bytes([byte]))
        b = self.end(tag_b.hex())[0]
        b.send(tag_b)
        for size in (4, 80, 1484):
            payload = secrets.token_bytes(size)
            time.sleep(0.05)
            a.send(tag_a + payload)
            self.assertEqual(b.recv(2048), tag_b + payload)
            b.send(tag_b + payload)
            self.assertEqual(a.recv(), tag_a + payload)
        # What is no multiple of four bytes cannot go by TCP.
        b.send(tag_b + b"odd")
        b.send(tag_b + b"even")
        self.assertEqual(a.recv(), tag_a + b"even")
        end = self.counters(process)
        self.assertEqual(
            (end["tcp_accepted"], end["tcp_connections"],
             end["tcp_frames_in"], end["packets_forwarded"],
             end["dropped_tcp_length"]), (1, 1, 3, 7, 1))

    def test_probes_by_udp_do_not_pull_a_client_from_tcp(self):
        self.both()
        (udp, tag_a), (b, tag_b) = map(self.end, tags())
        b.send(tag_b)
        udp.send(tag_a + b"data")
        self.assertEqual(b.recv(2048), tag_b + b"data")
        a = self.stream()
        a.send(tag_a + b"data")
        self.assertEqual(b.recv(2048), tag_b + b"data")
        for i in range(3):
            udp.send(tag_a + PING + bytes(8))
            self.assertEqual(len(udp.recv(2048)), 64)
            b.send(tag_b + b"%04d" % i)
            self.assertEqual(a.recv(), tag_a + b"%04d" % i)
        a.close()
        time.sleep(0.2)
        b.send(tag_b + b"back")
        self.assertEqual(udp.recv(2048), tag_a + b"back")

    def test_two_tcp_clients(self):
        process = self.both()
        ends = [(self.stream(), bytes.fromhex(tag)) for tag in tags()]
        for stream, tag in ends:
            stream.send(tag)
        time.sleep(0.1)
        for i in range(40):
            (a, tag_a), (b, tag_b) = ends if i % 2 else ends[::-1]
            payload = secrets.token_bytes(4 + i * 8)
            a.send(tag_a + payload)
            self.assertEqual(b.recv(), tag_b + payload)
        end = self.counters(process)
        self.assertEqual((end["packets_forwarded"], end["tcp_frames_in"]),
                         (40, 42))

    def test_wrong_streams_are_closed_and_the_rest_is_served(self):
        process = self.both()
        tag_a, tag_b = map(bytes.fromhex, tags())
        good, udp = self.stream(), self.end(tag_b.hex())[0]
        udp.send(tag_b)
        wrong = self.stream(header=False)
        wrong.socket.sendall(bytes(range(64)))
        self.assertEqual(wrong.socket.recv(1), b"")
        for words in (0, 3, 376, 0xFFFFFF):
            wrong = self.stream()
            wrong.socket.sendall(wrong.up.run(
                b"\x7f" + words.to_bytes(3, "little") + bytes(100)))
            self.assertEqual(wrong.take(1), b"", words)
        good.send(tag_a + b"call")
        self.assertEqual(udp.recv(2048), tag_b + b"call")
        end = self.counters(process)
        self.assertEqual((end["tcp_closed_broken"], end["tcp_connections"]),
                         (5, 1))

    def test_silent_connections_and_too_many_are_closed(self):
        process = self.both(
            "--limit", "tcp-header-s=1", "--limit", "tcp-frame-s=1",
            "--limit", "tcp-idle-s=2", "--limit", "tcp-side=3")
        tag = bytes.fromhex(tags()[0])
        silent, headed = self.stream(header=False), self.stream()
        side = [self.stream() for _ in range(4)]
        for stream in side:
            stream.send(tag)
            time.sleep(0.02)
        self.assertEqual(side[3].take(1), b"")
        start = time.monotonic()
        for stream in (silent, headed, *side[:3]):
            self.assertEqual(stream.take(1), b"")
        self.assertLess(time.monotonic() - start, 4)
        end = self.counters(process)
        self.assertEqual((end["tcp_refused"], end["tcp_closed_silent"],
                          end["tcp_closed_idle"], end["tcp_connections"]),
                         (1, 2, 3, 0))

    def test_only_listed_sessions_are_served_by_tcp(self):
        mine, other = tags(), tags()
        process, self.port = self.listed(mine[0], "--tcp", "127.0.0.1:0")
        self.learn_tcp_port(process)
        stranger, a, b = self.stream(), self.stream(), self.stream()
        stranger.send(bytes.fromhex(other[0]) + b"data")
        b.send(bytes.fromhex(mine[1]))
        time.sleep(0.1)
        a.send(bytes.fromhex(mine[0]) + b"data")
        self.assertEqual(b.recv(), bytes.fromhex(mine[1]) + b"data")
        self.assertEqual(self.counters(process)["dropped_unknown_tag"], 1)

    def test_both_addresses_are_told_and_both_must_be_allowed(self):
        for args in (("--tcp", "0.0.0.0:0"), ("--tcp", "[::]:0")):
            done = run("relay", "--listen", "127.0.0.1:0", *args)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.message(done, args[1], "--open")
        done = run("relay", "--listen", "127.0.0.1:0", "--tcp", "nowhere")
        self.assertEqual(done.returncode, 2)
        self.message(done, "nowhere")
        process = self.start("relay", "--listen", "127.0.0.1:0", "--tcp",
                             "127.0.0.1:0")
        first, second = process.stdout.readline(), process.stdout.readline()
        self.assertRegex(first, r"^listening on 127\.0\.0\.1:\d+\n$")
        self.assertRegex(second,
                         r"^listening on 127\.0\.0\.1:\d+ by TCP\n$")
        process.send_signal(signal.SIGINT)
        out, err = self.finish(process)
        self.assertEqual((process.returncode, err), (0, ""))
        self.assertIn("tcp_accepted ", out)

    def test_impairment_holds_for_tcp(self):
        process = self.both("--loss", "100")
        a, b = self.stream(), self.stream()
        tag_a, tag_b = map(bytes.fromhex, tags())
        b.send(tag_b)
        time.sleep(0.1)
        for _ in range(5):
            a.send(tag_a + b"lost")
        b.socket.settimeout(0.3)
        with self.assertRaises(socket.timeout):
            b.recv()
        end = self.counters(process)
        self.assertEqual((end["packets_forwarded"], end["impaired_lost"]),
                         (5, 5))
