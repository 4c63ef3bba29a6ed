# SPDX-License-Identifier: MIT
"""`tgvoip inspect` decodes the recorded call of tests/data."""
import hashlib
import json
import os
import pty
import secrets
import select
import struct
import subprocess

import captures
from helper import (Case, DATA, ScriptedRelay, TGVOIP, json_lines, run, signal,
                    socket, tags, time)

TRACE = os.path.join(DATA, "trace-relay-setup.jsonl")
KEY = b"".join(hashlib.sha512(b"tgcall test vector key %d" % i).digest()
               for i in range(4)).hex()


class Inspect(Case):
    def setUp(self):
        super().setUp()
        self.keyfile = "@" + self.write("key", KEY)

    def test_every_datagram_of_the_recorded_call_is_decoded(self):
        with open(TRACE) as f:
            want = json_lines(f.read())
        done = run("inspect", "--key", self.keyfile, "--json", TRACE)
        self.assertEqual(done.returncode, 0, done.stderr)
        got = json_lines(done.stdout)
        self.assertEqual(got[-1], {"event": "end", "packets": len(want),
                                   "failed": 0})
        for line, (mine, theirs) in enumerate(zip(got, want), 1):
            self.compare(line, mine, theirs)

    def compare(self, line, mine, theirs):
        for field in ("from", "path", "crypto", "prefix", "inner", "padding"):
            if theirs.get(field) is not None and field in mine:
                self.assertEqual(mine[field], theirs[field],
                                 f"line {line}: {field}")
        self.assertIn("parsed", mine, f"line {line}")
        for field in ("type", "seq", "ack", "mask", "tlid", "name",
                      "query_id"):
            if field in theirs["parsed"]:
                self.assertEqual(mine["parsed"].get(field),
                                 theirs["parsed"][field],
                                 f"line {line}: {field}")

    def test_text_has_a_line_for_each_packet(self):
        done = run("inspect", "--key", self.keyfile, TRACE)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(TRACE) as f:
            self.assertGreaterEqual(len(done.stdout.splitlines()),
                                    len(f.readlines()))

    def test_wrong_key_fails_and_says_how_many(self):
        key = "@" + self.write("wrong", "00" * 256)
        done = run("inspect", "--key", key, "--json", TRACE)
        self.assertEqual(done.returncode, 1)
        end = json_lines(done.stdout)[-1]
        self.assertEqual(end["event"], "end")
        self.assertGreater(end["failed"], 100)

    def test_one_damaged_datagram_is_one_failure(self):
        with open(TRACE) as f:
            lines = f.readlines()
        number = next(i for i, line in enumerate(lines)
                      if json.loads(line).get("inner"))
        broken = json.loads(lines[number])
        wire = bytearray.fromhex(broken["wire"])
        wire[-1] ^= 1
        broken["wire"] = wire.hex()
        lines[number] = json.dumps(broken) + "\n"
        done = run("inspect", "--key", self.keyfile, "--json",
                   self.write("t.jsonl", "".join(lines)))
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json_lines(done.stdout)[-1]["failed"], 1)

    # -- captures -----------------------------------------------------------

    START_US = 1_790_000_000_000_000

    def recorded(self, ipv6=False, extensions=False):
        """The trace as (time, IP packet), and its lines."""
        packets, lines = [], []
        with open(TRACE) as f:
            lines = json_lines(f.read())
        for line in lines:
            ends = [line["src"], line["dst"]]
            if ipv6:
                ends = [e.replace("127.0.0.1", "[fd00::1]") for e in ends]
            packets.append((
                self.START_US + round(line["t_ms"] * 1000),
                captures.ip(captures.address(ends[0]),
                            captures.address(ends[1]),
                            bytes.fromhex(line["wire"]), extensions)))
        return packets, lines

    def inspect(self, name, data, *args, key=None):
        done = run("inspect", "--key", key or self.keyfile, "--json", *args,
                   self.write(name, data))
        self.assertNotIn("Sanitizer", done.stderr)
        return done, json_lines(done.stdout)

    def same_packets(self, name, data, timed=True):
        done, got = self.inspect(name, data)
        _, lines = self.recorded()
        self.assertEqual(done.returncode, 0, (name, done.stderr))
        self.assertEqual(got[-1], {"event": "end", "packets": len(lines),
                                   "failed": 0}, name)
        self.assertIsNone(got[-2]["problem"])
        for line, (mine, theirs) in enumerate(zip(got, lines), 1):
            self.compare(line, mine, theirs)
            self.assertEqual(mine["wire"], theirs["wire"])
            self.assertEqual(mine.get("to"), theirs.get("to"))
            if timed:
                self.assertAlmostEqual(mine["t_ms"], theirs["t_ms"], 2)

    def test_pcap_gives_the_packets_of_the_trace(self):
        for ipv6 in (False, True):
            packets, _ = self.recorded(ipv6, extensions=ipv6)
            for link in (captures.ETHERNET, captures.SLL, captures.SLL2,
                         captures.RAW, captures.NULL, captures.LOOP, 12):
                frames = [(t, captures.frame(link, p)) for t, p in packets]
                self.same_packets(f"link {link} {ipv6}",
                                  captures.pcap(frames, link))
        frames = [(t, captures.frame(captures.ETHERNET, p, vlans=2))
                  for t, p in packets]
        for order in "<>":
            for nanos in (False, True):
                self.same_packets(
                    f"order {order} {nanos}",
                    captures.pcap(frames, captures.ETHERNET, order, nanos))

    def test_pcapng_gives_the_packets_of_the_trace(self):
        packets, _ = self.recorded()
        for order in "<>":
            for resolution in (None, 3, 6, 9, 0x80 + 30):
                self.same_packets(
                    f"resolution {resolution}",
                    captures.pcapng(packets, captures.RAW, order, resolution),
                    timed=resolution != 3)
            self.same_packets("offset", captures.pcapng(
                packets, captures.IPV4, order, 9, 3600))
            self.same_packets("simple", captures.simple(
                packets, captures.RAW, order), timed=False)
        half = len(packets) // 2
        self.same_packets("two sections", captures.pcapng(
            packets[:half], captures.RAW, "<") + captures.pcapng(
            packets[half:], captures.RAW, ">", 9))

    def test_capture_of_one_side_only_and_through_a_pipe(self):
        packets, lines = self.recorded()
        mine = [(p, line) for p, line in zip(packets, lines)
                if "127.0.0.1:29850" in (line["src"], line["dst"])
                and line["from"] != "callee"]
        data = captures.pcap([p for p, _ in mine], captures.RAW)
        done = subprocess.run(
            [TGVOIP, "inspect", "--key", self.keyfile, "--json", "-"],
            input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        got = json_lines(done.stdout.decode())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(got[-1]["packets"], len(mine))
        self.assertEqual([g["from"] for g in got[:-2]],
                         [line["from"] for _, line in mine])
        self.assertEqual(got[-2]["problem"], "one_sided")

    def test_other_traffic_is_left_out(self):
        packets, lines = self.recorded()
        noise = []
        for i, (t, p) in enumerate(packets):
            source = (bytes([10, 0, 0, i % 200]), 53)
            noise.append((t, captures.ip(source, (b"\x08\x08\x08\x08", 53),
                                         secrets.token_bytes(i * 5))))
            noise.append((t, b"\x45" + secrets.token_bytes(40)))
            noise.append((t, p))
        self.same_packets("noise", captures.pcap(noise, captures.RAW))

    def test_another_call_in_the_same_capture_is_left_out(self):
        """It has another key, and its own messages with the same relay."""
        packets, lines = self.recorded()
        both = []
        for (t, p), line in zip(packets, lines):
            wire = bytes.fromhex(line["wire"])
            tag = bytes(b ^ 0x55 for b in wire[:15]) + wire[15:16]
            body = wire[16:]
            if line.get("inner"):
                body = bytes(b ^ 0xaa for b in body)
            src, dst = (captures.address(line[end]) for end in
                        ("src", "dst"))
            move = {29850: 11111, 25831: 22222}
            other = captures.ip((src[0], move.get(src[1], src[1])),
                                (dst[0], move.get(dst[1], dst[1])),
                                tag + body)
            both += [(t, other), (t, p)]
        self.same_packets("both", captures.pcap(both, captures.RAW))
        late = [(t - 10_000_000, p) for t, p in both[::2] * 4] + both
        self.same_packets("late", captures.pcap(late, captures.RAW))

    def test_damaged_datagram_of_a_capture_is_one_failure(self):
        packets, lines = self.recorded()
        at = [i for i, line in enumerate(lines) if line.get("inner")]
        for i in (at[0], at[50]):   # also before any other has opened
            broken = list(packets)
            data = bytearray(broken[i][1])
            data[-1] ^= 1
            broken[i] = (broken[i][0], bytes(data))
            done, got = self.inspect("broken",
                                     captures.pcap(broken, captures.RAW))
            self.assertEqual(done.returncode, 1)
            self.assertEqual((got[-1]["packets"], got[-1]["failed"]),
                             (len(lines), 1))
            self.assertEqual(got[i]["from"], lines[i]["from"])
            self.assertIn("error", got[i])

    def test_call_without_relay_has_other_prefixes(self):
        packets, lines = [], []
        call_id = hashlib.sha256(bytes.fromhex(KEY)).digest()[16:]
        for line in self.recorded()[1]:
            if line["from"] == "relay" or not line.get("inner"):
                continue
            wire = bytes.fromhex(line["wire"])[16:]
            if line["from"] == "callee":
                wire = call_id + wire
            ends = [(b"\x0a\0\0\1", 5000), (b"\x0a\0\0\2", 6000)]
            if line["from"] == "callee":
                ends.reverse()
            packets.append((round(line["t_ms"] * 1000),
                            captures.ip(*ends, wire)))
            lines.append(line)
        done, got = self.inspect("p2p", captures.pcap(packets, captures.RAW))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(got[-1]["packets"], len(lines))
        for mine, theirs in zip(got, lines):
            self.assertEqual((mine["from"], mine["path"], mine["inner"]),
                             (theirs["from"], "p2p", theirs["inner"]))
            self.assertEqual(mine["prefix"], "call_id"
                             if mine["from"] == "callee" else "none")

    def test_wrong_key_on_a_capture(self):
        packets, _ = self.recorded()
        key = "@" + self.write("wrong", "5a" * 256)
        done, got = self.inspect("w", captures.pcap(packets, captures.RAW),
                                 key=key)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(got[-2]["problem"], "wrong_key")
        self.assertEqual(got[-1]["failed"], 208)
        self.assertIn("not the key of this call", got[-2]["text"][-1])
        self.assertEqual({g["from"] for g in got[:-2]}, {"unknown", "relay"})

    def test_hostile_captures_end_with_a_message(self):
        packets, _ = self.recorded()
        head = captures.pcap([], captures.RAW)
        ng = captures.section("<") + captures.interface("<", captures.RAW)
        for name, data in (
                ("short head", head[:20]),
                ("short record", head + b"\0" * 15),
                ("absurd record", head + struct.pack("<IIII", 0, 0, 1 << 31,
                                                     1 << 31)),
                ("cut", captures.pcap(packets, captures.RAW)[:-3]),
                ("no byte order", captures.section("<")[:8] + b"\0" * 20),
                ("block of 0", ng + struct.pack("<II", 6, 0)),
                ("block of 13", ng + struct.pack("<II", 6, 13) + b"\0" * 99),
                ("absurd block", ng + struct.pack("<II", 6, 0xfffffffc)),
                ("two lengths", ng + struct.pack("<III", 6, 12, 16))):
            done, got = self.inspect("hostile", data)
            self.assertEqual(done.returncode, 1, name)
            self.message(done, "hostile: capture")
            self.assertEqual(got[-1]["failed"], 1, name)
        for name, data in (("empty", head), ("empty ng", ng), ("nothing", b""),
                           ("one byte", b"\n"),
                           ("unknown interface", ng + captures.enhanced(
                               "<", 7, 0, b"\0" * 40)),
                           ("long unknown block", ng + struct.pack(
                               "<II", 0xbad, 0xfffffffc))):
            done, got = self.inspect("hostile", data)
            self.assertEqual(done.returncode, 1, name)
            self.message(done, "holds no packet")
            self.assertEqual(got[-2]["problem"], "empty", name)

    # -- the verdict --------------------------------------------------------

    def verdict(self, lines):
        done, got = self.inspect("t.jsonl", "".join(
            json.dumps(line) + "\n" for line in lines))
        verdict = got[-2]
        self.assertEqual(verdict["event"], "verdict")
        text = run("inspect", "--key", self.keyfile, self.path("t.jsonl"))
        for line in verdict["text"]:
            self.assertIn(line + "\n", text.stdout)
        return verdict

    def keep(self, wanted):
        return [line for line in self.recorded()[1]
                if wanted(line, line["parsed"].get("name"))]

    def test_verdict_of_a_good_call(self):
        v = self.verdict(self.recorded()[1])
        self.assertIsNone(v["problem"])
        self.assertEqual(v["caller"]["frames"], 83)
        self.assertEqual(v["callee"]["frames"], 100)
        (start, end), = v["caller"]["muted_ms"]
        self.assertAlmostEqual(start, 3000, delta=300)
        self.assertAlmostEqual(end, 4000, delta=300)
        self.assertEqual(v["callee"]["muted_ms"], [])
        self.assertEqual((v["caller"]["lost"], v["callee"]["lost"]), (0, 0))
        self.assertLess(v["rtt_ms"], 5)
        self.assertEqual(v["text"][-1], "Sound went both ways.")

    def test_verdict_counts_gaps_and_what_a_relay_dropped(self):
        lines = self.recorded()[1]
        media = [i for i, line in enumerate(lines)
                 if line["from"] == "caller"
                 and line["parsed"].get("name") == "STREAM_DATA"]
        for i in media[10:14]:
            lines[i]["fate"] = "drop"
        del lines[media[20]], lines[media[30] - 1]
        v = self.verdict(lines)
        self.assertEqual(v["caller"]["lost"], 6)
        self.assertIn("lost 6 of 96 packets (6.2 %)", v["text"][0])
        self.assertEqual(v["callee"]["lost"], 0)

    def test_verdict_tells_what_a_relay_lost(self):
        """A capture at the relay shows what comes in and what goes out."""
        ends = {"caller": "127.0.0.1:29850", "callee": "127.0.0.1:25831"}
        frames, dropped = [], 0
        media = 0
        for (t, p), line in zip(*self.recorded()):
            frames.append((t, p))
            if line["from"] == "relay" or not line.get("inner"):
                continue
            other = "callee" if line["from"] == "caller" else "caller"
            wire = bytearray.fromhex(line["wire"])
            wire[14:16] = b"\xbb\x01" if other == "callee" else b"\xaa\0"
            media += line["parsed"]["name"] == "STREAM_DATA"
            if line["from"] == "caller" and media % 20 == 3:
                dropped += 1
                media += 1
                continue
            frames.append((t + 30000, captures.ip(
                captures.address(line["dst"]), captures.address(ends[other]),
                bytes(wire))))
        frames.sort(key=lambda f: f[0])
        done, got = self.inspect("relay", captures.pcap(frames, captures.RAW))
        v = got[-2]
        self.assertEqual(done.returncode, 0, v["text"])
        self.assertGreater(dropped, 3)
        self.assertEqual(v["caller"]["lost_at_relay"], dropped)
        self.assertEqual(v["callee"]["lost_at_relay"], 0)
        self.assertEqual(v["caller"]["lost"], 0)
        self.assertIn("did not leave the relay", v["text"][0])

    def test_verdict_tells_when_confirmations_end(self):
        v = self.verdict(self.keep(
            lambda line, n: line["from"] == "callee" or line["t_ms"] < 2000))
        self.assertIsNone(v["problem"])
        self.assertRegex(v["text"][-2], r"The caller confirmed nothing of the "
                         r"callee after (1\.9|2\.0) s")

    def test_verdict_tells_why_there_is_no_sound(self):
        media = ("STREAM_DATA", "STREAM_DATA_X2", "STREAM_DATA_X3")
        first = next(line["t_ms"] for line in self.recorded()[1]
                     if line["from"] == "callee"
                     and line["parsed"].get("name") in media)
        for problem, end, lines, words in (
                ("one_sided", "callee",
                 self.keep(lambda line, n: line["from"] != "callee"),
                 "Nothing came from the callee"),
                ("relay_only", None,
                 self.keep(lambda line, n: not line["inner"]),
                 "only messages with relays"),
                ("no_init_ack", "caller",
                 self.keep(lambda line, n: n == "INIT"),
                 "never answered the handshake"),
                ("no_media", "callee",
                 self.keep(lambda line, n: line["from"] != "callee"
                           or n not in media),
                 "No sound from the callee"),
                ("not_acknowledged", "callee",
                 self.keep(lambda line, n: line["from"] == "callee" or
                           line["t_ms"] < first),
                 "never confirmed")):
            v = self.verdict(lines)
            self.assertEqual(v["problem"], problem, v)
            if end:
                self.assertEqual(v[end]["problem"], problem, v)
            self.assertTrue(any(words in t for t in v["text"]), v["text"])

    def test_verdict_of_a_wrong_key(self):
        done = run("inspect", "--key", "@" + self.write("w", "01" * 256),
                   TRACE)
        self.assertIn("this is not the key of this call", done.stdout)

    def test_real_call_that_says_nothing_looks_like_silence(self):
        """A call of ours, caught by a relay of a few lines."""
        caught = []
        key = secrets.token_hex(256)
        keyfile = "@" + self.write("call", key)
        relay = CatchingRelay(caught)
        self.addCleanup(relay.stop)
        first, second = tags()
        speech = os.path.join(os.path.dirname(DATA), os.pardir, "assets",
                              "speech.flac")
        ends = [self.call("caller", keyfile, relay.port, first, "--duration",
                          "4", "--in", speech),
                self.call("callee", keyfile, relay.port, second, "--duration",
                          "4")]
        for p in ends:
            self.assertEqual(p.wait(30), 0, p.communicate())
        done, got = self.inspect("caught", captures.pcap(caught, captures.RAW),
                                 key=keyfile)
        v = got[-2]
        self.assertEqual(done.returncode, 0, v["text"])
        self.assertEqual(v["problem"], "silence", v)
        self.assertIsNone(v["caller"]["problem"], v)
        self.assertGreater(v["callee"]["frames"], 30)

    # -- progress -----------------------------------------------------------

    def progress(self, *args):
        """stderr of a long inspection, which is a terminal."""
        with open(TRACE) as f:
            text = f.read()
        name = self.write("long.jsonl", text * 240)
        master, slave = pty.openpty()
        with open(self.path("out"), "w") as out:
            p = subprocess.Popen([TGVOIP, "inspect", "--key", self.keyfile,
                                  "--json", *args, name], stdout=out,
                                 stdin=subprocess.DEVNULL, stderr=slave)
        os.close(slave)
        seen = b""
        try:
            while True:
                data = os.read(master, 4096)
                if not data:
                    break
                seen += data
        except OSError:
            pass
        os.close(master)
        self.assertEqual(p.wait(), 0)
        return seen.decode()

    def inspect_pipe(self):
        p = subprocess.Popen([TGVOIP, "inspect", "--key", self.keyfile,
                              "--json", "-"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.started.append(p)
        return p

    def test_a_pipe_is_shown_while_it_goes_on(self):
        p = self.inspect_pipe()
        with open(TRACE, "rb") as f:
            for _ in range(3):
                p.stdin.write(f.readline())
                p.stdin.flush()
                self.assertTrue(select.select([p.stdout], [], [], 10)[0])
                self.assertIn("parsed", json.loads(p.stdout.readline()))
        p.send_signal(signal.SIGINT)    # nothing more comes
        self.assertEqual(p.wait(10), 0)
        end = json_lines(p.stdout.read().decode())[-1]
        self.assertEqual((end["packets"], end["failed"]), (3, 0))

    def test_one_signal_ends_what_has_no_packet(self):
        p = self.inspect_pipe()
        time.sleep(0.3)
        for _ in range(3):
            p.stdin.write(1000 * b"\n")
            p.stdin.flush()
        p.send_signal(signal.SIGTERM)
        self.assertEqual(p.wait(10), 1)
        self.assertIn(b"holds no packet", p.stderr.read())

    def test_long_inspection_shows_how_far_it_is(self):
        self.assertRegex(self.progress(), r"long\.jsonl: +\d+ %")
        self.assertEqual(self.progress("-q"), "")


class CatchingRelay(ScriptedRelay):
    """Keeps every datagram as (time, IP packet)."""

    def __init__(self, caught):
        self.caught = caught
        super().__init__(lambda data: [data])

    def handle(self, data, source):
        now = round(time.time() * 1e6)
        self.caught.append((now, captures.ip(
            (socket.inet_aton(source[0]), source[1]),
            (b"\x7f\0\0\1", self.port), data)))
        super().handle(data, source)
