# SPDX-License-Identifier: MIT
"""tgvoip.aio over TDLib's JSON interface: a scripted TDLib for two accounts,
real media; and the installed TDLib's opinion of what is sent to it."""
import asyncio
import base64
import itertools
import json
import os
import subprocess
import sys

import pytest

import companions
import tgvoip.aio as aio
from phones import run, until
from tgvoip.adapters.tdlib import TdlibAdapter


class Line:
    """Two TDLibs and what is between them. Objects cross as JSON text."""

    def __init__(self, port):
        self.port = port
        self.users = {}
        self.calls = {}
        self.log = []
        self.numbers = itertools.count(1)
        self.reason = None
        self.key = os.urandom(256)
        self.tag = os.urandom(15)
        self.versions = ["2.4.4"]
        self.refuse = {}

    def adapter(self, user_id):
        adapter = TdlibAdapter(lambda q: self.asked(user_id, json.dumps(q)))
        self.users[user_id] = adapter
        return adapter

    def feed(self, user_id, thing):
        self.log.append((user_id, thing))
        asyncio.get_running_loop().call_soon(
            self.users[user_id].feed, json.loads(json.dumps(thing)))

    def asked(self, user_id, query):
        query = json.loads(query)
        self.log.append((user_id, query))
        kind = query["@type"]
        if kind in self.refuse:
            code, message = self.refuse[kind]
            answer = {"@type": "error", "code": code, "message": message}
        else:
            answer = getattr(self, kind)(user_id, query)
        if answer is not None:
            self.feed(user_id, dict(answer, **{"@extra": query["@extra"]}))

    def update(self, user_id, state, **fields):
        caller, callee = self.pair
        self.feed(user_id, {"@type": "updateCall", "call": {
            "@type": "call", "id": self.number, "unique_id": "123456789012",
            "user_id": callee if user_id == caller else caller,
            "is_outgoing": user_id == caller, "is_video": False,
            "state": dict({"@type": state}, **fields)}})

    def getMe(self, user_id, query):
        return {"@type": "user", "id": user_id}

    def createCall(self, user_id, query):
        self.pair = user_id, query["user_id"]
        self.number = next(self.numbers)
        self.update(user_id, "callStatePending", is_created=True,
                    is_received=False)
        self.update(self.pair[1], "callStatePending", is_created=True,
                    is_received=True)
        self.update(user_id, "callStatePending", is_created=True,
                    is_received=True)
        return {"@type": "callId", "id": self.number}

    def acceptCall(self, user_id, query):
        for user in self.pair:
            self.update(user, "callStateExchangingKeys")
            last = user == self.pair[1]
            self.update(
                user, "callStateReady", emojis=["🐐", "🌵", "🚀", "☕"],
                protocol=dict(query["protocol"],
                              library_versions=self.versions),
                encryption_key=base64.b64encode(self.key).decode(),
                config="{}", allow_p2p=False, servers=[{
                    "@type": "callServer", "id": "77", "port": self.port,
                    "ip_address": "127.0.0.1", "ipv6_address": "",
                    "type": {"@type": "callServerTypeTelegramReflector",
                             "is_tcp": False,
                             "peer_tag": base64.b64encode(
                                 self.tag + bytes([last])).decode()}}])
        return {"@type": "ok"}

    def discardCall(self, user_id, query):
        accepted = any(q.get("@type") == "acceptCall" for _, q in self.log)
        reason = "HungUp" if accepted else (
            "Missed" if user_id == self.pair[0] else "Declined")
        if query["is_disconnected"]:
            reason = "Disconnected"
        for user in self.pair:
            self.update(user, "callStateDiscarded", need_rating=accepted,
                        need_debug_information=accepted, need_log=False,
                        reason={"@type": "callDiscardReason" + reason})
        return {"@type": "ok"}

    def sendCallRating(self, user_id, query):
        return {"@type": "ok"}

    def sendCallDebugInformation(self, user_id, query):
        json.loads(query["debug_information"])
        return {"@type": "ok"}

    def sent(self, kind):
        return [q for _, q in self.log
                if q.get("@type") == kind and "@extra" in q]


def world(port):
    line = Line(port)
    return line, aio.Client(line.adapter(11)), aio.Client(line.adapter(22))


def test_tdlib_call_with_media(relay):
    async def main():
        line, anna, boris = world(relay.port)

        @boris.on_incoming
        async def handler(call):
            assert call.user_id == 11
            async with call:
                async for frame in call.audio(rate=16000):
                    await call.write(frame, rate=16000)

        async with anna, boris:
            async with anna.call(22, ring_timeout=20) as call:
                assert call.emoji == ("🐐", "🌵", "🚀", "☕")
                assert call.emoji_names[0] == "GOAT"
                assert call.id == 123456789012
                await call.write(b"\0\x10" * 4800)
                await asyncio.sleep(1.1)
                assert call.stats().packets_in > 0
            assert isinstance(call.outcome, aio.HungUp)
            discard, = line.sent("discardCall")
            assert discard["duration"] >= 1
            assert discard["connection_id"] == "77"
            assert not discard["is_disconnected"]
            assert call.need_rating
            await call.rate(5)
            assert line.sent("sendCallRating")[0]["rating"] == 5
            await until(lambda: line.sent("sendCallDebugInformation"))

    run(main())


def test_tdlib_outcomes(relay):
    async def end_of(client, *args, **more):
        with pytest.raises(aio.CallEnded) as caught:
            async with client.call(*args, **more):
                pass
        return type(caught.value)

    async def main():
        line, anna, boris = world(relay.port)
        async with anna, boris:
            assert await end_of(anna, 22, ring_timeout=0.1) is aio.NoAnswer

            @boris.on_incoming
            async def handler(call):
                await call.reject()

            assert await end_of(anna, 22) is aio.Declined
            for code, message, kind in (
                    (400, "USER_PRIVACY_RESTRICTED", aio.PrivacyRestricted),
                    (400, "User not found", aio.BadTarget),
                    (429, "Too Many Requests: retry after 9", aio.FloodWait),
                    (406, "PARTICIPANT_VERSION_OUTDATED", aio.PeerOutdated),
                    (500, "Odd", aio.ServerError)):
                line.refuse["createCall"] = code, message
                assert await end_of(anna, 22) is kind
            line.refuse.clear()
            line.versions = ["7.0.0"]

            @boris.on_incoming
            async def accept(call):
                await call.accept()

            assert await end_of(anna, 22) is aio.Incompatible
            with pytest.raises(TypeError, match="user"):
                await anna.call("boris")

    run(main())


def test_tdlib_understands_what_is_sent(tmp_path):
    """The real library parses each request; that it is not logged in is all
    that it has to say."""
    folder = companions.find("tdjson")
    if folder is None:
        pytest.skip("tdjson cannot be installed here")
    code = """
import json, os, sys, tdjson
tdjson.td_execute(json.dumps({"@type": "setLogVerbosityLevel",
                              "new_verbosity_level": 0}).encode())
client = tdjson.td_create_client_id()
queries = json.loads(sys.argv[1])
for i, query in enumerate(queries):
    tdjson.td_send(client, 
                   json.dumps(dict(query, **{"@extra": i})).encode())
answers = {}
while len(answers) < len(queries):
    got = tdjson.td_receive(5.0)
    if got is None:
        break
    got = json.loads(got)
    if "@extra" in got:
        answers[got["@extra"]] = got.get("message", "ok")
tdjson.td_send(client, json.dumps({"@type": "close"}).encode())
while True:
    got = tdjson.td_receive(5.0)
    if got is None or "authorizationStateClosed" in str(got):
        break
print(json.dumps([answers.get(i) for i in range(len(queries))]), flush=True)
os._exit(0)
"""
    from tgvoip.adapters.tdlib import PROTOCOL
    over = {"@type": "inputCallDiscarded", "call_id": 1}
    queries = [
        {"@type": "getMe"},
        {"@type": "createCall", "user_id": 1, "protocol": PROTOCOL,
         "is_video": False},
        {"@type": "acceptCall", "call_id": 1, "protocol": PROTOCOL},
        {"@type": "discardCall", "call_id": 1, "is_disconnected": False,
         "duration": 1, "is_video": False, "connection_id": "5"},
        {"@type": "sendCallRating", "call_id": over, "rating": 4,
         "comment": "x", "problems": []},
        {"@type": "sendCallDebugInformation", "call_id": over,
         "debug_information": "{}"},
        {"@type": "noSuchThing"},
    ]
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(queries)], cwd=tmp_path,
        env=dict(os.environ, PYTHONPATH=folder), timeout=60, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    assert "arse" in answers[-1] or "nknown" in answers[-1], answers
    for answer in answers[:-1]:
        assert answer and "parse" not in answer, answers
