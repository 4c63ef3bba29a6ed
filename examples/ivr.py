# SPDX-License-Identifier: MIT
"""A menu for callers who have no keys to press: each choice is read out, and
whoever says anything in the pause after it has chosen; silence goes on to the
next one.

    python ivr.py opening-hours.ogg stock.ogg person.ogg
"""
import asyncio
import sys

from tgvoip.aio import CallEnded, Client

RATE = 16000
PAUSE_S = 2.0           # to speak up
LOUD = 1000             # of 32767: speech, not breath


def loudness(frame):
    samples = memoryview(frame).cast("h")
    return sum(map(abs, samples)) / len(samples)


async def spoken(call, seconds):
    """Does the caller speak within so many seconds?"""
    heard = call.audio(rate=RATE)
    left = int(seconds * 50)
    loud = 0
    async for frame in heard:
        loud = loud + 1 if loudness(frame) > LOUD else 0
        left -= 1
        if loud >= 5 or left <= 0:          # 100 ms of speech will do
            break
    await heard.aclose()
    return loud >= 5


async def menu(call, choices, rounds=3):
    """The number of the choice, or None."""
    for _ in range(rounds):
        for number, file in enumerate(choices):
            await call.play(file)
            if await spoken(call, PAUSE_S):
                return number
    return None


async def serve(call, choices, chosen):
    try:
        async with call:
            number = await menu(call, choices)
            chosen(call.user_id, number)
    except CallEnded as end:
        print("no call:", end)


async def main(telegram, choice, *more, chosen=print):
    choices = (choice, *more)
    async with Client(telegram) as client:
        calls = set()
        async for call in client.incoming():
            task = asyncio.create_task(serve(call, choices, chosen))
            calls.add(task)
            task.add_done_callback(calls.discard)


if __name__ == "__main__":
    from telegram_login import run
    run(main, *sys.argv[1:])
