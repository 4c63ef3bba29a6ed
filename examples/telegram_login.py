# SPDX-License-Identifier: MIT
"""What the examples share: a Telethon client of your account."""
import asyncio
import os

from telethon import TelegramClient


def login():
    return TelegramClient("tgvoip-example", int(os.environ["TG_API_ID"]),
                          os.environ["TG_API_HASH"])


def run(main, *args):
    """Log in and run `main(client, *args)` until it ends or Ctrl-C."""
    async def logged_in():
        async with login() as client:
            await main(client, *args)

    try:
        asyncio.run(logged_in())
    except KeyboardInterrupt:
        pass
