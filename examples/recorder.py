# SPDX-License-Identifier: MIT
"""Answers every call, says that it is recorded, and records both sides without
gaps: two files of the same length, and a text file with what happened when.

    python recorder.py announcement.ogg recordings/
"""
import asyncio
import datetime
import os
import sys

from tgvoip.aio import CallEnded, Client


async def take_notes(call, path):
    start = asyncio.get_running_loop().time()
    with open(path, "w", encoding="utf-8") as notes:
        async for event in call.events():
            t = asyncio.get_running_loop().time() - start
            notes.write(f"{t:8.3f} {event}\n")
            notes.flush()


async def record(call, announcement, folder):
    now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    path = os.path.join(folder, f"{now}-{call.user_id}")
    notes = asyncio.create_task(take_notes(call, path + ".txt"))
    try:
        async with call:
            call.record(path + ".flac", sides="both")
            await call.play(announcement)
            await call.wait_ended()
    except CallEnded as end:
        print("no call:", end)
    await notes
    print("recorded", path, call.stats().packets_in, "packets")


async def main(telegram, announcement, folder):
    os.makedirs(folder, exist_ok=True)
    async with Client(telegram) as client:
        calls = set()
        async for call in client.incoming():
            task = asyncio.create_task(record(call, announcement, folder))
            calls.add(task)
            task.add_done_callback(calls.discard)


if __name__ == "__main__":
    from telegram_login import run
    run(main, *sys.argv[1:])
