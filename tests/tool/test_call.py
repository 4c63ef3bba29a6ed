# SPDX-License-Identifier: MIT
"""One end, or two, of a call by the tool over a relay on this machine."""
import ctypes
import os
import secrets
import subprocess

import sealed
from helper import (ASSETS, Case, ScriptedRelay, TGVOIP, free_port,
                    json_lines, measure, read_wav, run, signal, socket, tags,
                    time)

SPEECH = os.path.join(ASSETS, "speech.flac")
SPEECH_B = os.path.join(ASSETS, "speech-b.flac")
STATS = ("rtt_ms", "loss_out", "loss_in", "bitrate_bps", "jitter_ms",
         "playout_delay_ms", "bytes_out", "bytes_in")
END = ("error", "frames_played", "frames_concealed", "frames_late",
       "preferred_relay", "need_rate", "stats", "debug_log", "cpu_s",
       "rss_peak_kb", "threads")


def pcm_of(flac):
    done = subprocess.run(
        ["sox", flac, "-t", "raw", "-r", "48000", "-c", "1", "-b", "16", "-e",
         "signed-integer", "-L", "-"], stdout=subprocess.PIPE, check=True)
    return done.stdout


class Ends(Case):
    """Two ends of a call, and what each says of it."""

    def pair(self, port, seconds, caller=(), callee=(), key=None):
        key = key or self.key()
        first, second = tags()
        at = f"{time.monotonic() + 0.5:.3f}"
        common = ("--start-at", at, "--duration", str(seconds))
        return (self.call("caller", key, port, first, *common, *caller),
                self.call("callee", key, port, second, *common, *callee))

    def well(self, p):
        out, err = self.finish(p)
        self.assertEqual(p.returncode, 0, err)
        return json_lines(out)

    def states(self, events):
        return [e["state"] for e in events if e["event"] == "state"]


class Calls(Ends):
    # -- a good call --------------------------------------------------------

    def test_two_calls_talk_and_report(self):
        relay, port = self.relay()
        ends = self.pair(port, 6, ("--in", SPEECH, "--out", self.path("a.wav"),
                                   "--stats", self.path("a.stats")),
                         ("--in", SPEECH_B, "--out", self.path("b.wav")))
        for p, wav in zip(ends, ("a.wav", "b.wav")):
            events = self.well(p)
            self.check_events(events)
            pcm = read_wav(self.path(wav))
            self.assertGreater(len(pcm) / 48000, 4)
            self.assertGreater(measure.mean_square(pcm, 0, len(pcm)), 1e4)
        relay.send_signal(signal.SIGTERM)
        out, err = self.finish(relay)
        self.assertEqual(relay.returncode, 0, err)
        self.assertTrue(json_lines(out))

    def check_events(self, events):
        kinds = {e["event"] for e in events}
        self.assertLessEqual({"state", "route", "stats", "end"}, kinds)
        times = [e["t_ms"] for e in events]
        self.assertTrue(all(isinstance(t, int) for t in times))
        self.assertIn("ESTABLISHED", self.states(events))
        self.assertNotIn("FAILED", self.states(events))
        route = next(e for e in events if e["event"] == "route")
        self.assertEqual((route["endpoint"], route["id"]),
                         ("udp_relay", "1"))
        self.assertIsInstance(route["reason"], str)
        for e in events:
            if e["event"] == "signal_bars":
                self.assertIn(e["bars"], (1, 2, 3, 4))
            if e["event"] == "stats":
                for field in STATS:
                    self.assertIsInstance(e[field], (int, float), field)
        end = events[-1]
        self.assertEqual(end["event"], "end")
        self.assertLessEqual(set(END), set(end))
        self.assertIsNone(end["error"])
        self.assertGreater(end["frames_played"], 30)
        self.assertEqual(end["preferred_relay"], "1")
        self.assertIsInstance(end["debug_log"], dict)
        self.assertGreater(end["threads"], 0)

    def test_ids_are_strings_and_keep_64_bits(self):
        port = free_port()
        tag, _ = tags()
        p = self.start("call", "--role", "caller", "--key", self.key(),
                       "--relay", f"127.0.0.1:{port}:{tag}:"
                       "-9223372036854775807", "--json", "--init-timeout",
                       "0.5")
        events = json_lines(self.finish(p)[0])
        self.assertEqual(events[-1]["preferred_relay"],
                         "-9223372036854775807")

    def test_bad_network_leaves_speech_intelligible(self):
        _, port = self.relay("--loss", "10", "--jitter", "60", "--delay",
                             "100", "--seed", "7")
        a = self.write("a.raw", pcm_of(SPEECH))
        b = self.write("b.raw", pcm_of(SPEECH_B))
        began = time.monotonic()
        ends = self.pair(
            port, 14,
            ("--in", a, "--out", self.path("a.wav"), "--ts",
             self.path("a.ts")),
            ("--in", b, "--out", self.path("b.wav"), "--ts",
             self.path("b.ts")))
        for p in ends:
            events = self.well(p)
            self.assertIn("ESTABLISHED", self.states(events))
        start, stop = int((began + 3.5) * 1e6), int((began + 12.5) * 1e6)
        for here, there in (("a", "b"), ("b", "a")):
            sent = measure.envelope(
                measure.read_pcm(self.path(here + ".raw")),
                self.blocks(here, "i"))
            heard = measure.envelope(read_wav(self.path(there + ".wav")),
                                     self.blocks(there, "o"))
            windows = measure.compare(sent, heard, start, stop)
            median = measure.median([c for _, c, _ in windows])
            self.assertGreaterEqual(median, 0.6, windows)

    def blocks(self, who, direction):
        with open(self.path(who + ".ts")) as f:
            rows = [line.split() for line in f]
        self.assertTrue(all(len(r) == 4 and r[0] in "io" for r in rows))
        rows = [r for r in rows if r[0] == direction]
        numbers = [int(r[1]) for r in rows]
        self.assertEqual(numbers, sorted(set(numbers)))
        return [(int(r[3]), int(r[2])) for r in rows if int(r[2]) >= 0]

    def test_raw_sound_on_standard_input_and_output(self):
        _, port = self.relay()
        first, second = tags()
        key, at = self.key(), f"{time.monotonic() + 0.5:.3f}"
        common = ("--key", key, "--start-at", at, "--duration", "4")
        with open(self.path("heard.raw"), "wb") as out:
            heard = subprocess.Popen(
                [TGVOIP, "call", "--role", "callee", "--relay",
                 f"127.0.0.1:{port}:{second}", "--out", "-", *common],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE)
        self.started.append(heard)
        speaks = subprocess.Popen(
            [TGVOIP, "call", "--role", "caller", "--relay",
             f"127.0.0.1:{port}:{first}", "--in", "-", *common],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.started.append(speaks)
        speaks.communicate(pcm_of(SPEECH)[:96000 * 5], timeout=30)
        _, err = heard.communicate(timeout=30)
        self.assertEqual((speaks.returncode, heard.returncode), (0, 0), err)
        self.assertEqual(os.path.getsize(self.path("heard.raw")) % 1920, 0)
        pcm = measure.read_pcm(self.path("heard.raw"))
        self.assertGreater(len(pcm) / 48000, 2)
        self.assertGreater(measure.mean_square(pcm, 0, len(pcm)), 1e4)

    # -- calls that fail ----------------------------------------------------

    def failed(self, p, error):
        out, err = self.finish(p)
        self.assertEqual(p.returncode, 1, err)
        events = json_lines(out)
        self.assertEqual(self.states(events).count("FAILED"), 1)
        self.assertEqual(events[-1]["event"], "end")
        self.assertEqual(events[-1]["error"], error)
        self.assertRegex(err, r"(?m)^tgvoip: call: .+")
        return err

    def test_relay_that_never_answers(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            began = time.monotonic()
            p = self.call("caller", self.key(), s.getsockname()[1], tags()[0],
                          "--init-timeout", "1")
            self.failed(p, "TIMEOUT")
        self.assertLess(time.monotonic() - began, 4)

    def test_relay_port_that_nobody_listens_on(self):
        p = self.call("callee", self.key(), free_port(), tags()[0],
                      "--init-timeout", "1")
        self.failed(p, "TIMEOUT")

    def test_peer_that_never_comes(self):
        _, port = self.relay()
        p = self.call("caller", self.key(), port, tags()[0],
                      "--init-timeout", "1")
        self.failed(p, "TIMEOUT")

    def test_wrong_key_on_one_side(self):
        _, port = self.relay()
        first, second = tags()
        other = "@" + self.write("other", secrets.token_hex(256))
        ends = (self.call("caller", self.key(), port, first,
                          "--init-timeout", "2"),
                self.call("callee", other, port, second,
                          "--init-timeout", "2"))
        for p in ends:
            self.failed(p, "TIMEOUT")

    def test_both_sides_with_the_same_role_never_meet(self):
        _, port = self.relay()
        key = self.key()
        ends = [self.call("caller", key, port, tag, "--init-timeout", "1.5")
                for tag in tags()]
        for p in ends:
            self.failed(p, "TIMEOUT")

    def incompatible(self, version, minimum):
        _, port = self.relay()
        first, second = tags()
        key = secrets.token_bytes(256)
        p = self.call("callee", "@" + self.write("k", key.hex()), port,
                      second, "--init-timeout", "8")
        packet = bytes.fromhex(first) + sealed.seal_short(
            key, True, sealed.init_packet(version, minimum))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for _ in range(40):
                s.sendto(packet, ("127.0.0.1", port))
                if p.poll() is not None:
                    break
                time.sleep(0.1)
        err = self.failed(p, "INCOMPATIBLE")
        self.assertIn(f"speaks versions {minimum}..{version} ", err)

    def test_peer_of_a_version_too_new(self):
        self.incompatible(12, 10)

    def test_peer_of_a_version_too_old(self):
        self.incompatible(2, 1)

    def test_old_encryption_is_refused_unless_allowed(self):
        done = run("call", "--role", "caller", "--key", self.key(), "--relay",
                   f"127.0.0.1:{free_port()}:{tags()[0]}", "--layer", "65",
                   "--init-timeout", "1")
        self.assertIn(done.returncode, (1, 2))
        self.message(done, "--allow-v1")

    def test_silence_ends_the_call_after_the_receive_timeout(self):
        relay, port = self.relay()
        ends = self.pair(port, 20, ("--recv-timeout", "3"),
                         ("--recv-timeout", "3"))
        time.sleep(3)
        relay.kill()
        for p in ends:
            out, _ = self.finish(p)
            self.assertEqual(p.returncode, 1)
            events = json_lines(out)
            states = self.states(events)
            self.assertIn("RECONNECTING", states)
            self.assertEqual(states[-1], "FAILED")
            self.assertEqual(events[-1]["error"], "TIMEOUT")

    # -- interruption -------------------------------------------------------

    def interrupted(self, number):
        _, port = self.relay()
        ends = self.pair(port, 40, ("--in", SPEECH, "--out",
                                    self.path("a.wav")),
                         ("--in", SPEECH_B, "--out", self.path("b.flac")))
        time.sleep(4)
        for p in ends:
            self.assertIsNone(p.poll())
            p.send_signal(number)
        for p in ends:
            out, err = self.finish(p, 5)
            self.assertGreaterEqual(p.returncode, 0, "died of the signal")
            self.assertIn(p.returncode, (0, 1), err)
            self.assertEqual(json_lines(out)[-1]["event"], "end")
        self.assertGreater(len(read_wav(self.path("a.wav"))) / 48000, 1.5)
        subprocess.run(["sox", self.path("b.flac"), "-n", "stat"], check=True,
                       stderr=subprocess.DEVNULL)

    def test_sigint_finishes_every_file(self):
        self.interrupted(signal.SIGINT)

    def test_sigterm_finishes_every_file(self):
        self.interrupted(signal.SIGTERM)

    # -- TCP relays and proxies ---------------------------------------------

    def refused(self, *parts, option="--proxy", **more):
        """Bad usage of these arguments of a call."""
        done = run("call", "--role", "caller", "--key", self.key(), *parts,
                   "--init-timeout", "0.2", **more)
        self.assertEqual(done.returncode, 2, (parts, done.stderr))
        self.message(done, f"tgvoip: {option}: ")
        return done

    def test_tcp_relays_are_checked_like_others(self):
        tag = "0" * 32
        for relay in (f"127.0.0.1:0:{tag}", "127.0.0.1:1", "127.0.0.1:1:00",
                      f"127.0.0.1:1:{tag}:x", f"127.0.0.1:1:{tag},ipv6=1",
                      f"1.2.3.4.5:1:{tag}", f"[1.2.3.4]:1:{tag}"):
            with self.subTest(relay):
                self.refused("--tcp-relay", relay, option="--tcp-relay")

    def test_relays_of_both_kinds_share_their_numbers(self):
        at = f"127.0.0.1:{free_port()}:{tags()[0]}"
        done = self.refused("--relay", at + ":7", "--tcp-relay", at + ":7",
                            option="--tcp-relay")
        self.assertIn("7 is used twice", done.stderr)
        done = self.refused("--tcp-relay", at, "--relay", at + ":1",
                            option="--relay")
        self.assertIn("1 is used twice", done.stderr)

    def test_bad_proxies_are_refused_without_showing_them(self):
        relay = ("--relay", f"127.0.0.1:1:{tags()[0]}")
        secret = "Xs3cret"
        for url in ("", "@", "@/nowhere/at/all", "127.0.0.1:1080",
                    f"http://u:{secret}@127.0.0.1:1", "socks5://",
                    "socks5://127.0.0.1", "socks5://127.0.0.1:",
                    "socks5://127.0.0.1:0", "socks5://127.0.0.1:65536",
                    "socks5://127.0.0.1:1x", "socks5://:1080",
                    "socks5://h:1/path", "socks5://::1:1080",
                    "socks5://[::1]", "socks5://[::1:1", "socks5://[h]:1",
                    f"socks5://{secret}@h:1", f"socks5://:{secret}@h:1",
                    "socks5://user:@h:1", f"socks5://u:{secret}%@h:1",
                    f"socks5://u:{secret}%4@h:1",
                    f"socks5://u:{secret}%zz@h:1",
                    f"socks5://u:{secret}%00@h:1",
                    f"socks5://u:{secret}{'x' * 256}@h:1",
                    f"socks5://{'x' * 256}:{secret}@h:1",
                    f"socks5://u:{secret}@{'h' * 256}:1",
                    f"socks5://u:{secret}@h:1:{'1' * 5000}",
                    f"socks5://@{secret}:1", f"socks5://u:{secret}@",
                    f"SOCKS5://u:{secret}@h:1", f"socks5h://u:{secret}@h:1",
                    f"socks5://{secret}:+1", f"socks5://{secret}: 1",
                    f"socks5://{secret}:-1", f"socks5:// {secret}:1",
                    f"socks5://a\nb.{secret}:1", f"socks5://\x7f{secret}:1",
                    f"socks5://[fe80::1%lo]{secret}:1"):
            for value in (url, "@" + self.write("url", url)):
                with self.subTest(value):
                    done = self.refused(*relay, "--proxy", value)
                    self.assertNotIn(secret, done.stderr + done.stdout)
                    self.assertNotIn("s3c", done.stderr + done.stdout)

    def test_proxy_file_with_a_zero_byte_is_refused(self):
        path = self.write("url", "socks5://127.0.0.1:1\0.example:2")
        self.refused("--relay", f"127.0.0.1:1:{tags()[0]}", "--proxy",
                     "@" + path)

    def test_proxy_needs_relays_with_addresses(self):
        """Whichever stands first; a name query would leave beside it."""
        proxy = ("--proxy", "socks5://127.0.0.1:1")
        for kind in ("--relay", "--tcp-relay"):
            relay = (kind, f"localhost:1:{tags()[0]}")
            for args in (proxy + relay, relay + proxy):
                done = self.refused(*args, option=kind)
                self.assertIn("host 'localhost'", done.stderr)

    def test_password_of_a_proxy_leaves_the_process_list(self):
        p = self.call("caller", self.key(), 1, tags()[0], "--proxy",
                      "socks5://us%40er:s%3Acret@127.0.0.1:1")
        for _ in range(200):
            with open(f"/proc/{p.pid}/cmdline") as f:
                line = f.read()
            if line and "socks5" not in line:
                break
            time.sleep(0.01)
        self.assertIn("--proxy\0xxxx", line)
        self.assertNotIn("cret", line)
        p.send_signal(signal.SIGTERM)
        out, err = self.finish(p)
        self.assertNotIn("cret", out + err)

    # -- a full disk --------------------------------------------------------

    def small_disk(self, kilobytes):
        folder = self.path("disk")
        os.mkdir(folder)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"none", folder.encode(), b"tmpfs", 0,
                      f"size={kilobytes}k".encode()) != 0:
            self.skipTest("no right to mount a small file system")
        self.addCleanup(libc.umount2, folder.encode(), 2)
        return folder

    def test_full_disk_keeps_what_was_recorded(self):
        folder = self.small_disk(128)
        _, port = self.relay()
        wav = os.path.join(folder, "a.wav")
        a, b = self.pair(port, 6, ("--out", wav), ("--in", SPEECH))
        out, err = self.finish(a)
        self.finish(b)
        self.assertEqual(a.returncode, 1)
        self.assertRegex(err, r"(?m)^tgvoip: .*a\.wav: .*(full|o space)")
        end = json_lines(out)[-1]
        self.assertEqual((end["event"], end["error"]), ("end", "AUDIO_IO"))
        seconds = len(read_wav(wav)) / 48000
        self.assertGreater(seconds, 0.5)
        self.assertLess(seconds, 1.4)

    # -- garbage ------------------------------------------------------------

    def test_garbage_from_the_relays_address_does_no_harm(self):
        def mangle(data):
            noise = [data[:16] + secrets.token_bytes(n)
                     for n in (0, 1, 15, 16, 31, 64, 200, 1400)]
            turned = bytearray(data)
            turned[-1] ^= 1
            return [data[:20], *noise, bytes(turned), data, data]
        relay = ScriptedRelay(mangle)
        self.addCleanup(relay.stop)
        ends = self.pair(relay.port, 5, ("--in", SPEECH), ("--in", SPEECH_B))
        for p in ends:
            events = self.well(p)
            self.assertGreater(events[-1]["frames_played"], 40)
            self.assertNotIn("FAILED", self.states(events))

    # -- mute ---------------------------------------------------------------

    def test_mute_events_silence_the_other_end(self):
        _, port = self.relay()
        ends = self.pair(port, 7, ("--in", SPEECH, "--event", "3:mute",
                                   "--event", "5:unmute"),
                         ("--out", self.path("b.wav"), "--ts",
                          self.path("b.ts")))
        began = time.monotonic() + 0.5
        for p in ends:
            self.well(p)
        heard = measure.envelope(read_wav(self.path("b.wav")),
                                 self.blocks("b", "o"))
        at = int(began * 100)
        before = heard.power(at + 130, at + 300)
        muted = heard.power(at + 370, at + 490)
        self.assertLess(measure.decibel(muted, before), -40)
        self.assertGreater(measure.decibel(heard.power(at + 540, at + 690),
                                           before), -20)
