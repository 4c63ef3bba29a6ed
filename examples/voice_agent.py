# SPDX-License-Identifier: MIT
"""The skeleton of a voice agent: it listens sentence by sentence, answers with
speech that comes in pieces, and is silent at once when it is interrupted.

Put your own speech recogniser, model and voice into `answer()`, which gets a
sentence (PCM, 16 kHz mono) and yields pieces of PCM at 24 kHz. The one here
repeats the sentence, an octave higher.

    python voice_agent.py
"""
import array
import asyncio

from tgvoip.aio import CallEnded, Client

HEAR_HZ = 16000
SAY_HZ = 24000
LOUD = 700              # of 32767
SENTENCE_END = 30       # frames of 20 ms without speech
SPEECH_START = 4        # frames of speech that make an interruption


def loud(frame):
    samples = memoryview(frame).cast("h")
    return sum(map(abs, samples)) / len(samples) > LOUD


async def answer(sentence):
    samples = memoryview(sentence).cast("h")
    piece = SAY_HZ // 5
    higher = array.array("h", samples.tolist()[::2])
    for i in range(0, len(higher), piece):
        yield higher[i:i + piece].tobytes()


async def say(call, sentence):
    async for piece in answer(sentence):
        await call.write(piece, rate=SAY_HZ)    # waits when it is ahead
    await call.drain()


async def converse(call, on_event=print):
    speaking = None         # the task that says the answer
    sentence, quiet, speech = bytearray(), 0, 0
    async for frame in call.audio(rate=HEAR_HZ):
        if loud(frame):
            speech, quiet = speech + 1, 0
            if speech == SPEECH_START and speaking and not speaking.done():
                speaking.cancel()
                call.clear()                    # barge-in
                on_event("interrupted")
        else:
            speech, quiet = 0, quiet + 1
        if sentence or speech:
            sentence += frame
        if sentence and quiet >= SENTENCE_END:
            on_event(f"heard {len(sentence) / 2 / HEAR_HZ:.1f} s")
            speaking = asyncio.create_task(say(call, bytes(sentence)))
            sentence.clear()
    if speaking:
        speaking.cancel()


async def serve(call, on_event):
    try:
        async with call:
            await converse(call, on_event)
    except CallEnded as end:
        on_event(f"no call: {end}")


async def main(telegram, on_event=print):
    async with Client(telegram) as client:
        calls = set()
        async for call in client.incoming():
            task = asyncio.create_task(serve(call, on_event))
            calls.add(task)
            task.add_done_callback(calls.discard)


if __name__ == "__main__":
    from telegram_login import run
    run(main)
