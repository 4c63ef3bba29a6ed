# SPDX-License-Identifier: MIT
"""Run by test_old_programs.py in a process of its own: two accounts that use
the old integration package unmodified, as its documentation shows.

    old_program.py KIND FOLDER      KIND: file or native
"""
import asyncio
import math
import os
import struct
import sys

asyncio.set_event_loop(asyncio.new_event_loop())

import tgvoip_pyrogram  # noqa: E402
from conftest import Relay  # noqa: E402
from telegram import Relay as ServerRelay, Telegram  # noqa: E402
from telegram.clients import close_client, open_client  # noqa: E402
from tgvoip import CallState  # noqa: E402

KINDS = {"file": tgvoip_pyrogram.VoIPFileStreamService,
         "native": tgvoip_pyrogram.VoIPNativeIOService}


def speech(path, hz):
    n = 48000 * 2
    with open(path, "wb") as f:
        f.write(struct.pack(f"<{n}h", *(
            int(9000 * math.sin(2 * math.pi * hz * i / 48000))
            for i in range(n))))


def peak(path):
    with open(path, "rb") as f:
        data = f.read()
    return max((abs(v) for v in struct.unpack(
        f"<{len(data) // 2}h", data[:len(data) // 2 * 2])), default=0)


async def until(condition, what):
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise SystemExit(f"{what} has not come")


async def main(kind, folder):
    os.chdir(folder)
    relay = Relay()
    server = Telegram()
    server.relays = [ServerRelay(port=relay.port)]
    users = server.add_user("Anna"), server.add_user("Boris")
    apps = [await open_client("pyrogram", server, u) for u in users]
    speech("input.raw", 440)
    events = []

    # accepting incoming calls
    callee = KINDS[kind](apps[1])

    @callee.on_incoming_call
    async def handle_call(call):
        events.append("incoming")
        await call.accept()
        call.play("input.raw")
        call.play_on_hold(["input.raw"])
        call.set_output_file("callee.raw")

        @call.on_call_ended
        async def call_ended(call):
            events.append("callee ended")

    # making outgoing calls
    caller = KINDS[kind](apps[0], receive_calls=False)
    await asyncio.sleep(0.1)
    call = await caller.start_call("@boris")
    states = []
    call.on_call_state_changed(lambda call, state: states.append(state))
    call.play("input.raw")
    call.play_on_hold(["input.raw"])
    call.set_output_file("caller.raw")

    @call.on_call_ended
    async def call_ended(call):
        events.append("caller ended")

    await until(lambda: CallState.ESTABLISHED in states, "ESTABLISHED")
    await until(lambda: call.ctrl.call_duration >= 3, "duration")
    assert call.ctrl.get_preferred_relay_id() == server.relays[0].id
    await call.discard_call()
    await until(lambda: "caller ended" in events
                and "callee ended" in events, "the end")
    assert states[-1] == CallState.ENDED, states
    del call
    for app in apps:
        await close_client(app)
    for side in ("caller.raw", "callee.raw"):
        print(side, os.path.getsize(side), peak(side))
    print("states", *(s.name for s in states))
    print("events", *events)
    print("discard", server.requests("phone.discardCall")[0].reason._name)
    sys.stdout.flush()


asyncio.get_event_loop().run_until_complete(main(*sys.argv[1:]))
