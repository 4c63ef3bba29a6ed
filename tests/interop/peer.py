# SPDX-License-Identifier: MIT
"""One end of a call by the original engine, for the interoperation tests.

Runs in the virtual environment of script/setup-peer, whose module `tgvoip` is
the ORIGINAL engine, not ours. Plays a headerless file (48 kHz mono s16le),
keeps what it hears, and writes at the end:

    PREFIX.sent.pcm, PREFIX.sent.ts    blocks handed to the engine
    PREFIX.recv.pcm, PREFIX.recv.ts    blocks taken from it
    PREFIX.events.jsonl                states, mutes and the end

A .ts file has one line for each 20 ms block: its number and CLOCK_MONOTONIC
in microseconds. The engine writes log lines of its own to standard output, so
nothing of ours goes there.
"""
import argparse
import json
import os
import sys
import time

import tgvoip

BLOCK = 1920


def now_us():
    return time.monotonic_ns() // 1000


class End:
    def __init__(self, args):
        self.args = args
        with open(args.input, "rb") as f:
            self.pcm = f.read()
        self.position = 0
        self.sent, self.sent_us = [], []
        self.heard, self.heard_us = [], []
        self.events = open(args.prefix + ".events.jsonl", "w")

    def event(self, name, **more):
        more.update(event=name, mono_us=now_us())
        self.events.write(json.dumps(more) + "\n")
        self.events.flush()

    # The engine calls these two from its audio threads every 20 ms.
    def send(self, length):
        block = self.pcm[self.position:self.position + length]
        self.position += length
        block = block.ljust(length, b"\0")
        self.sent_us.append(now_us())
        self.sent.append(block)
        return block

    def receive(self, block):
        self.heard_us.append(now_us())
        self.heard.append(bytes(block))

    def write(self):
        for name, blocks, times in (
                ("sent", self.sent, self.sent_us),
                ("recv", self.heard, self.heard_us)):
            # a callback may be adding its last block right now
            n = min(len(blocks), len(times))
            with open(f"{self.args.prefix}.{name}.pcm", "wb") as f:
                f.write(b"".join(blocks[:n]))
            with open(f"{self.args.prefix}.{name}.ts", "w") as f:
                f.writelines(f"{i} {t}\n" for i, t in enumerate(times[:n]))


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--role", choices=("caller", "callee"), required=True)
    p.add_argument("--key", required=True, help="file with 512 hex digits")
    p.add_argument("--relay", action="append", required=True,
                   help="[HOST:]PORT:TAGHEX, 127.0.0.1 without HOST")
    p.add_argument("--tcp", action="store_true",
                   help="the relays are reached by TCP, not by UDP")
    p.add_argument("--p2p", action="store_true")
    p.add_argument("--in", dest="input", required=True)
    p.add_argument("--prefix", required=True)
    p.add_argument("--start-at", type=float, required=True)
    p.add_argument("--duration", type=float, required=True)
    p.add_argument("--event", action="append", default=[],
                   help="T:mute or T:unmute, seconds after --start-at")
    return p.parse_args()


def endpoint(number, text):
    *host, port, tag = text.split(":")
    return tgvoip.Endpoint(number, host[0] if host else "127.0.0.1", "",
                           int(port), bytes.fromhex(tag))


def sleep_until(mono):
    time.sleep(max(0.0, mono - time.monotonic()))


def main():
    args = parse()
    end = End(args)
    with open(args.key) as f:
        key = bytes.fromhex(f.read().strip())

    call = tgvoip.VoIPController()
    call.set_send_audio_frame_callback(end.send)
    call.set_recv_audio_frame_callback(end.receive)
    call.call_state_changed_handlers.append(
        lambda state: end.event("state", state=state.name))
    # This package swaps the first two inside: the handshake's 30 s come
    # first, the 10 s of silence second.
    call.set_config(30, 10, tgvoip.DataSaving.NEVER, 1, False, False, False,
                    log_file_path="", status_dump_path="",
                    log_packet_stats=False)
    call.set_encryption_key(key, args.role == "caller")
    call.set_remote_endpoints(
        [endpoint(i + 1, text) for i, text in enumerate(args.relay)],
        args.p2p, args.tcp, 92)
    sleep_until(args.start_at)
    call.start()
    call.connect()
    end.event("connect")
    todo = sorted((float(t), what) for t, what in
                  (e.split(":") for e in args.event))
    for seconds, what in todo:
        sleep_until(args.start_at + seconds)
        call.set_mic_mute(what == "mute")
        end.event(what)
    sleep_until(args.start_at + args.duration)
    end.event("end", preferred_relay=str(call.get_preferred_relay_id()))
    end.write()
    end.events.close()
    sys.stdout.flush()
    # Destroying a controller whose callback is running may crash.
    os._exit(0)


main()
