# SPDX-License-Identifier: MIT
"""Rings people one after another until one of them has heard an alarm.

    python alert_caller.py alarm.ogg anna boris clara
"""
import asyncio
import sys

from tgvoip import aio


async def ring(client, person, file):
    """True when the person has heard all of the file."""
    try:
        async with client.call(person, ring_timeout=30) as call:
            await asyncio.sleep(1)          # time to lift the phone
            return await call.play(file)
    except (aio.Busy, aio.Declined, aio.NoAnswer) as end:
        print(f"{person}: {end}")
    except aio.FloodWait as end:
        print(f"{person}: Telegram asks to wait {end.seconds} s")
    except aio.CallEnded as end:
        print(f"{person}: cannot be called: {end}")
    except ValueError as error:             # Telethon knows nobody of the name
        print(f"{person}: {error}")
    return False


async def main(telegram, file, person, *more):
    async with aio.Client(telegram) as client:
        for person in (person, *more):
            if await ring(client, person, file):
                print(f"{person} knows")
                return person
    print("nobody could be reached")
    return None


if __name__ == "__main__":
    from telegram_login import run
    run(main, *sys.argv[1:])
