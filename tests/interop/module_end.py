# SPDX-License-Identifier: MIT
"""One end of a call by whatever module is called `tgvoip`: the original one
or ours, in the same words.

    module_end.py ROLE PORT TAGHEX KEYHEX IN.pcm PREFIX START_AT DURATION ORDER

ORDER is "documented" or "swapped": in which order set_config takes its two
times; the original has them exchanged inside. Follows the module's guide step
by step. Writes PREFIX.sent.* and PREFIX.recv.* as peer.py does, and
PREFIX.result.json.
"""
import json
import os
import sys
import time

import tgvoip
from tgvoip.utils import calc_fingerprint, generate_visualization


def now_us():
    return time.monotonic_ns() // 1000


def main():
    role, port, tag, key, source, prefix, start_at, duration, order = \
        sys.argv[1:]
    with open(source, "rb") as f:
        pcm = f.read()
    key = bytes.fromhex(key)
    sent, heard, states, bars = [], [], [], []

    def send(length):
        position = len(sent) * length
        block = pcm[position:position + length].ljust(length, b"\0")
        sent.append((now_us(), block))
        return block

    call = tgvoip.VoIPController()
    call.set_send_audio_frame_callback(send)
    call.set_recv_audio_frame_callback(
        lambda block: heard.append((now_us(), block)))
    call.call_state_changed_handlers.append(
        lambda state: states.append(state.name))
    call.signal_bars_changed_handlers.append(bars.append)
    times = (10.0, 30.0) if order == "documented" else (30.0, 10.0)
    call.set_config(times[0], times[1], tgvoip.DataSaving.NEVER, 1, True,
                    True, True, "", "", False)
    call.set_encryption_key(key, role == "caller")
    call.set_remote_endpoints(
        [tgvoip.Endpoint(1, "127.0.0.1", "", int(port), bytes.fromhex(tag))],
        False, False, tgvoip.VoIPController.CONNECTION_MAX_LAYER)
    time.sleep(max(0.0, float(start_at) - time.monotonic()))
    call.start()
    call.connect()
    time.sleep(max(0.0, float(start_at) + float(duration)
                   - time.monotonic()))
    for name, blocks in (("sent", list(sent)), ("recv", list(heard))):
        with open(f"{prefix}.{name}.pcm", "wb") as f:
            f.write(b"".join(block for _, block in blocks))
        with open(f"{prefix}.{name}.ts", "w") as f:
            f.writelines(f"{i} {at}\n" for i, (at, _) in enumerate(blocks))
    with open(prefix + ".result.json", "w") as f:
        json.dump({
            "version": tgvoip.VoIPController.LIBTGVOIP_VERSION,
            "states": list(states), "bars": list(bars),
            "duration": call.call_duration,
            "relay": call.get_preferred_relay_id(),
            "fingerprint": calc_fingerprint(key),
            "emoji": generate_visualization(key, key)[1],
            "bytes": [call.get_stats().bytes_sent_wifi,
                      call.get_stats().bytes_recvd_wifi],
            "debug_log": json.loads(call.get_debug_log()),
        }, f)
    sys.stdout.flush()
    os._exit(0)     # destroying the original may crash


main()
