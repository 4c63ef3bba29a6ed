# SPDX-License-Identifier: MIT
"""More datagrams than a call could ever want. This needs all of the machine;
run_all.py runs it when nothing else does."""
import os
import secrets
import socket
import threading
import time

from test_call import SPEECH, SPEECH_B, Ends


class Flood(Ends):
    def udp_ports(self, pid):
        """Ports that the process has bound, from /proc."""
        inodes = set()
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                link = os.readlink(f"/proc/{pid}/fd/{fd}")
            except OSError:
                continue
            if link.startswith("socket:["):
                inodes.add(link[8:-1])
        ports = []
        for table in ("udp", "udp6"):
            with open(f"/proc/net/{table}") as f:
                for row in list(f)[1:]:
                    fields = row.split()
                    if fields[9] in inodes:
                        ports.append(int(fields[1].split(":")[1], 16))
        return ports

    def test_flood_of_garbage_does_not_stop_a_call(self):
        _, port = self.relay()
        ends = self.pair(port, 6, ("--in", SPEECH), ("--in", SPEECH_B))
        time.sleep(1.5)
        targets = [p for e in ends for p in self.udp_ports(e.pid)]
        self.assertTrue(targets, "no socket of the calls found")
        sent = self.flood(targets + [port], seconds=3)
        self.assertGreater(sent, 10_000)
        for p in ends:
            events = self.well(p)
            self.assertNotIn("FAILED", self.states(events))
            self.assertGreater(events[-1]["frames_played"], 40)

    def flood(self, ports, seconds):
        """@return datagrams sent by one sender at full rate, in turn"""
        noise = [secrets.token_bytes(n) for n in
                 (1, 16, 28, 32, 40, 64, 100, 300, 1000, 1472)]
        count, end = 0, time.monotonic() + seconds

        def send():
            nonlocal count
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                while time.monotonic() < end and count < 2_000_000:
                    for data in noise:
                        for target in ports:
                            try:
                                s.sendto(data, ("127.0.0.1", target))
                            except OSError:
                                pass
                            count += 1
        t = threading.Thread(target=send)
        t.start()
        t.join()
        return count
