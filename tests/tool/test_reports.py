# SPDX-License-Identifier: MIT
"""What a call writes down: log, table, packets, state, the end event."""
import json
import os
import re
import resource
import stat

from helper import (ASSETS, Case, free_port, json_lines, run, signal, tags,
                    time)

SPEECH = os.path.join(ASSETS, "speech.flac")
COLUMNS = ("Time RTT LRSeq LSSeq LASeq LostR LostS InFlight Bitrate Loss% "
           "Jitter JDelay AJDelay").split()
LINE = re.compile(r"\d\d-\d\d \d\d:\d\d:\d\d [EWID]: [a-z]+: \S.*")
DEBUG_LOG = {
    "log_type": str, "libtgvoip_version": str, "network": dict,
    "protocol_version": int, "udp_avail": bool, "tcp_used": bool,
    "relay_rtt": int, "p2p_type": str, "rtt": int, "packet_stats": dict,
    "problems": list, "pref_relay": str}


class Reports(Case):
    def pair(self, *caller, seconds=5, relay=()):
        _, port = self.relay(*relay)
        key, (first, second) = self.key(), tags()
        common = ("--duration", str(seconds), "--in", SPEECH)
        callee = self.call("callee", key, port, second, *common)
        return self.call("caller", key, port, first, *common, *caller), callee

    def good(self, *caller, **more):
        """@return the events of the caller"""
        ends = self.pair(*caller, **more)
        events = []
        for p in ends:
            out, err = self.finish(p)
            self.assertEqual(p.returncode, 0, err)
            events.append(json_lines(out))
        return events[0]

    def lines(self, name):
        with open(self.path(name)) as f:
            return f.read().splitlines()

    def alone(self, *args):
        return run("call", "--role", "caller", "--key", self.key(), "--relay",
                   f"127.0.0.1:{free_port()}:{tags()[0]}", "--init-timeout",
                   "0.4", *args)

    # -- files ----------------------------------------------------------------

    def test_log_has_header_and_states_and_is_appended(self):
        log = self.write("a.log", "what was there\n")
        self.good("--log", log)
        lines = self.lines("a.log")
        self.assertEqual(lines[0], "what was there")
        self.assertRegex(lines[2], r"^tgvoip \d+\.\d+\.\d+ \(protocol 2.4.4\)")
        body = lines[lines.index(lines[1], 2) + 1:]
        for line in body:
            self.assertRegex(line, LINE)
        text = "\n".join(body)
        for part in ("state ESTABLISHED", "route: udp relay 1 (init)",
                     "peer speaks versions 3..9", "ended after"):
            self.assertIn(part, text)
        self.assertNotIn("127.0.0.1", "\n".join(
            line for line in body if " D: " not in line))

    def test_stats_table_has_ten_rows_a_second(self):
        self.good("--stats", self.path("a.tsv"), seconds=6)
        head, *rows = [line.split("\t") for line in self.lines("a.tsv")]
        self.assertEqual(head, COLUMNS)
        table = [dict(zip(head, map(float, row))) for row in rows]
        times = [row["Time"] for row in table]
        self.assertGreater(len(times), 45)
        self.assertEqual(times, sorted(times))
        self.assertGreater(times[-1] - times[0], 4.5)
        self.assertLess((times[-1] - times[0]) / (len(times) - 1), 0.12)
        last = table[-1]
        self.assertGreaterEqual(last["Bitrate"], 8000)
        self.assertGreater(last["LRSeq"], 60)
        self.assertGreaterEqual(last["LSSeq"], last["LASeq"])
        self.assertTrue(all(0 <= row["AJDelay"] < 1 for row in table))

    def test_stats_of_a_csv_are_the_wide_table(self):
        self.good("--stats", self.path("a.csv"), seconds=3)
        head, *rows = self.lines("a.csv")
        self.assertIn("playout_delay_ms", head.split(","))
        self.assertGreater(len(rows), 8)

    def test_eng_35_packets_are_written_with_every_number(self):
        end = self.good("--packets", self.path("p"))[-1]
        head, *rows = [line.split("\t") for line in self.lines("p")]
        self.assertEqual(head, "Time Dir Seq Type Bytes Endpoint Ack "
                               "Mask".split())
        count = {"in": 0, "out": 0}
        for row in rows:
            count[row[1]] += 1
            self.assertEqual(row[5], "1")
            self.assertRegex(row[7], "^[0-9a-f]{8}$")
        self.assertEqual(count["out"], end["stats"]["packets_out"])
        self.assertEqual(count["in"], end["stats"]["packets_in"])
        self.assertLessEqual({"INIT", "INIT_ACK", "STREAM_DATA"},
                             {row[3] for row in rows})

    def test_interrupted_call_loses_nothing(self):
        state = self.write("state", '{"ver":1,"proxy":{"server":"p:1080",'
                                    '"udp":true,"tcp":false}}')
        a, b = self.pair("--log", self.path("a.log"), "--stats",
                         self.path("a.tsv"), "--state", state, seconds=30)
        time.sleep(3)
        # killed: what happened so far is in the files
        self.assertIn("state ESTABLISHED", "\n".join(self.lines("a.log")))
        self.assertGreater(len(self.lines("a.tsv")), 10)
        a.send_signal(signal.SIGKILL)
        b.send_signal(signal.SIGTERM)
        self.finish(a)
        self.finish(b)
        for line in self.lines("a.tsv")[1:]:
            self.assertEqual(line.count("\t"), 12)
        with open(state) as f:
            self.assertEqual(json.load(f)["proxy"]["server"], "p:1080")

    def test_bad_paths_are_named_before_the_call(self):
        for option in ("--log", "--stats", "--packets", "--state", "--ts"):
            bad = self.path("none/file")
            done = self.alone(option, bad)
            self.assertEqual(done.returncode, 1, option)
            self.message(done, bad)

    def test_full_disk_costs_the_report_only(self):
        """The limit on the size of files plays the full disk."""
        _, port = self.relay()
        key, (first, second) = self.key(), tags()
        common = ("--duration", "6", "--in", SPEECH)
        callee = self.call("callee", key, port, second, *common)
        caller = self.start(
            "call", "--role", "caller", "--key", key, "--relay",
            f"127.0.0.1:{port}:{first}", "--json", *common, "--stats",
            self.path("a.tsv"), restore_signals=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                  (2000, 2000)))
        self.assertEqual((self.finish(callee)[1], callee.returncode), ("", 0))
        out, err = self.finish(caller)
        self.assertEqual(caller.returncode, 1)
        self.assertEqual(err.count(self.path("a.tsv")), 1, err)
        end = json_lines(out)[-1]
        self.assertIsNone(end["error"])
        self.assertGreater(end["frames_played"], 60)
        with open(self.path("a.tsv")) as f:
            text = f.read()
        self.assertTrue(1900 < len(text) <= 2000 and text.endswith("\n"))
        self.assertEqual(text.splitlines()[-1].count("\t"), 12)

    def test_full_disk_from_the_beginning_is_told_before_the_call(self):
        done = self.alone("--stats", "/dev/full")
        self.assertEqual(done.returncode, 1)
        self.message(done, "/dev/full", "no space")

    # -- state ----------------------------------------------------------------

    def state_after(self, content):
        path = self.path("state")
        if os.path.exists(path):
            os.remove(path)
        if content is not None:
            with open(path, "wb") as f:
                f.write(content)
        done = self.alone("--state", path, "--log", self.path("log"))
        self.assertEqual(done.returncode, 1)    # nobody answered
        with open(path, encoding="utf-8") as f:
            return json.load(f)

    def test_state_is_made_kept_and_repaired(self):
        known = {"ver": 1, "proxy": {"server": "h:1", "udp": False,
                                     "tcp": True}}
        self.assertEqual(self.state_after(None), {"ver": 1})
        self.assertEqual(self.state_after(b""), {"ver": 1})
        self.assertEqual(self.state_after(json.dumps(known).encode()), known)
        self.assertNotIn("ignored", "\n".join(self.lines("log")))
        for bad in (b"{", b"\xff\0\xfe", b"[1,2]", b"x" * 600_000):
            self.assertEqual(self.state_after(bad), {"ver": 1})
        self.assertIn("persistent state is ignored",
                      "\n".join(self.lines("log")))

    def test_state_keeps_its_access_rights_and_leaves_no_litter(self):
        path = self.write("state", "{}")
        os.chmod(path, 0o600)
        self.alone("--state", path)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual([n for n in os.listdir(self.folder)
                          if n.startswith("state")], ["state"])

    # -- events ---------------------------------------------------------------

    def test_end_event_has_real_values(self):
        events = self.good("--network", "lte", "--config",
                           '{"bad_call_rating":true}', seconds=6)
        end = events[-1]
        log = end["debug_log"]
        self.assertEqual({k: type(v) for k, v in log.items()}, DEBUG_LOG)
        self.assertEqual(log["network"]["type"], "lte")
        self.assertGreaterEqual(log["rtt"], 1)
        self.assertGreaterEqual(log["relay_rtt"], 1)
        self.assertTrue(log["udp_avail"])
        self.assertEqual(log["problems"], [])
        self.assertEqual(log["protocol_version"], 9)
        stats = end["stats"]
        self.assertEqual(stats["bytes_out_mobile"], stats["bytes_out"])
        self.assertEqual(stats["bytes_in_wifi"], 0)
        self.assertEqual(stats["frames_played"], end["frames_played"])
        self.assertGreater(stats["level_in"], 0.01)
        self.assertEqual(stats["signal_bars"], 4)
        self.assertIs(end["need_rate"], False)
        self.assertGreater(end["cpu_s"], 0)
        self.assertGreater(end["rss_peak_kb"], 2000)
        self.assertLess(end["threads"], 12)
        bars = [e["bars"] for e in events if e["event"] == "signal_bars"]
        self.assertEqual(bars, [4])
        delays = [e["playout_delay_ms"] for e in events
                  if e["event"] == "stats" and e["t_ms"] > 1500]
        self.assertTrue(all(d > 0 for d in delays), delays)
        self.assertLess(max(abs(a - b) for a, b in zip(delays, delays[1:])),
                        25)

    def test_bad_network_asks_for_a_rating_if_the_server_offers_it(self):
        loss = ("--loss", "35", "--seed", "3")
        end = self.good("--config", '{"bad_call_rating":true,'
                        '"rate_flags":4294967295}', relay=loss, seconds=7)[-1]
        self.assertIs(end["need_rate"], True)
        end = self.good(relay=loss, seconds=7)[-1]
        self.assertIs(end["need_rate"], False)
        self.assertLessEqual(end["stats"]["signal_bars"], 2)


if __name__ == "__main__":
    import unittest
    unittest.main()
