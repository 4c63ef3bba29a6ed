# SPDX-License-Identifier: MIT
"""What the examples share: a Telethon client of your account."""
import asyncio
import inspect
import os
import signal
import sys

from telethon import TelegramClient


def login():
    try:
        number, secret = os.environ["TG_API_ID"], os.environ["TG_API_HASH"]
    except KeyError as missing:
        sys.exit(f"Set {missing.args[0]} first; my.telegram.org has it.")
    return TelegramClient("tgvoip-example", int(number), secret)


def run(main, *args):
    """Log in and run `main(client, *args)` until it ends or Ctrl-C."""
    try:
        inspect.signature(main).bind(None, *args)
    except TypeError:       # too few words, or too many
        sys.exit(inspect.getdoc(inspect.getmodule(main)))

    async def logged_in():
        # Ctrl-C leaves the blocks of `main`, which hang up. What asyncio.run()
        # does before Python 3.11 would stop the client library as well.
        task = asyncio.current_task()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        async with login() as client:
            await main(client, *args)

    try:
        asyncio.run(logged_in())
    except asyncio.CancelledError:
        pass
