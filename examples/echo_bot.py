# SPDX-License-Identifier: MIT
"""Answers every call and says back what it hears.

    python echo_bot.py
"""
import asyncio

from tgvoip.aio import CallEnded, Client


async def echo(call):
    try:
        async with call:                    # answers
            print("in a call with", call.user_id, *call.emoji)
            async for frame in call.audio(rate=16000):
                await call.write(frame, rate=16000)
    except CallEnded as end:                # it did not come about
        print("no call:", end)
    else:
        print("the call took", call.duration, "s")


async def main(telegram):
    async with Client(telegram) as client:
        calls = set()
        async for call in client.incoming():
            task = asyncio.create_task(echo(call))
            calls.add(task)
            task.add_done_callback(calls.discard)


if __name__ == "__main__":
    from telegram_login import run
    run(main)
