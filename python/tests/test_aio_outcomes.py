# SPDX-License-Identifier: MIT
"""How calls of tgvoip.aio come to nothing: every way has its type, and the
server is told the right reason. The loop's clock jumps, so no test waits."""
import asyncio
import hashlib

import pytest

import tgvoip.aio as aio
from phones import LIBRARY, discards, run_fast, world
from telegram import RpcError
from telegram.clients import open_client
from telegram.server import PRIME
from tgvoip import CallState

P = int.from_bytes(PRIME, "big")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)     # Pyrogram notes unknown errors there


def ringing(client):
    """Have calls ring at the client, and nothing else. What came."""
    calls = []

    async def handler(call):
        calls.append(call)

    client.on_incoming(handler)
    return calls


def accepting(client):
    """Have calls answered; how each ended."""
    ends = []

    async def handler(call):
        try:
            async with call:
                await call.wait_ended()
        except aio.CallEnded as end:
            ends.append(end)

    client.on_incoming(handler)
    return ends


async def place(client, name="User1", **more):
    """Call, and tell how that ended."""
    call = client.call(name, **more)
    try:
        async with call:
            raise AssertionError("it should not come about")
    except aio.CallEnded as end:
        assert call.outcome is end
        assert call.state in (CallState.ENDED, CallState.FAILED,
                              CallState.BUSY)
        return end


def now():
    return asyncio.get_running_loop().time()


# -- time-outs, hang-ups -----------------------------------------------------------

def test_no_answer_within_ones_own_ring_timeout():
    async def main():
        async with world() as (server, anna, boris):
            calls = ringing(boris)
            t = now()
            end = await place(anna, ring_timeout=30)
            assert type(end) is aio.NoAnswer
            assert 29 < now() - t < 32
            assert discards(server) == ["Missed"]
            await asyncio.sleep(1)
            assert type(calls[0].outcome) is aio.Missed

    run_fast(main())


def test_no_answer_within_the_servers_ring_timeout():
    async def main():
        async with world() as (server, anna, boris):
            ringing(boris)
            server.timeouts.update(call_ring_timeout_ms=70000)
            await anna.phone.link.ask(request_config(anna.phone))
            t = now()
            assert type(await place(anna)) is aio.NoAnswer
            assert 60 < now() - t < 95

    run_fast(main())


def request_config(phone):
    if LIBRARY == "telethon":
        from telethon.tl.functions.help import GetConfigRequest
        return GetConfigRequest()
    from pyrogram.raw.functions.help import GetConfig
    return GetConfig()


def test_no_answer_when_no_device_of_the_callee_is_there():
    async def main():
        async with world() as (server, anna, boris):
            boris.phone.link.close()
            t = now()
            assert type(await place(anna)) is aio.NoAnswer
            assert 19 < now() - t < 22
            assert discards(server) == ["Missed"]

    run_fast(main())


def test_declined():
    async def main():
        async with world() as (server, anna, boris):
            async def handler(call):
                assert call.user_id == anna.user.id and not call.outgoing
                await asyncio.sleep(3)
                await call.reject()

            boris.on_incoming(handler)
            end = await place(anna)
            assert type(end) is aio.Declined
            assert discards(server, boris.user) == ["Busy"]
            assert discards(server, anna.user) == []

    run_fast(main())


def test_ignored_rings_on_elsewhere():
    async def main():
        async with world() as (server, anna, boris):
            async def handler(call):
                await call.ignore()

            boris.on_incoming(handler)
            assert type(await place(anna, ring_timeout=20)) is aio.NoAnswer
            assert discards(server, boris.user) == []

    run_fast(main())


def test_nobody_listens_for_calls():
    async def main():
        async with world() as (server, anna, boris):
            assert type(await place(anna, ring_timeout=20)) is aio.NoAnswer
            assert discards(server, boris.user) == []

    run_fast(main())


@pytest.mark.parametrize("after", [0.001, 2, 15])
def test_cancelled_while_it_rings(after):
    async def main():
        async with world() as (server, anna, boris):
            ringing(boris)
            call = anna.call("User1")

            async def ring():
                async with call:
                    pass

            task = asyncio.ensure_future(ring())
            await asyncio.sleep(after)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert type(call.outcome) is aio.Cancelled
            assert discards(server) in (["Missed"], [])
            assert discards(server) == ["Missed"] or not server.calls

    run_fast(main())


def test_cancelled_before_the_server_has_answered():
    """The hang-up is sent as soon as the call has a number."""
    async def main():
        async with world() as (server, anna, boris):
            ringing(boris)
            server.fault("phone.requestCall:result", delay=2)
            call = anna.call("User1")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(enter(call), 1)
            assert type(call.outcome) is aio.Cancelled
            await asyncio.sleep(3)
            assert discards(server) == ["Missed"]

    async def enter(call):
        async with call:
            pass

    run_fast(main())


def test_missed_when_the_caller_gives_up():
    async def main():
        async with world() as (server, anna, boris):
            calls = ringing(boris)
            await place(anna, ring_timeout=5)
            await asyncio.sleep(1)
            assert type(calls[0].outcome) is aio.Missed
            with pytest.raises(aio.Missed):
                async with calls[0]:
                    pass

    run_fast(main())


def test_answered_elsewhere():
    async def main():
        async with world() as (server, anna, boris):
            calls = ringing(boris)
            other = await open_client(LIBRARY, server, boris.user)
            tablet = aio.Client(other)
            await tablet.start()
            ends = accepting(tablet)
            # Not further than this: media would need real time.
            server.fault("phoneCallAccepted", drop=True)
            await place(anna, ring_timeout=20)
            assert type(calls[0].outcome) in (aio.AnsweredElsewhere,
                                              aio.Missed)
            await tablet.close()
            assert ends is not None

    run_fast(main())


def test_busy_during_another_call():
    async def main():
        async with world(3) as (server, anna, boris, clara):
            ringing(boris)
            first = asyncio.ensure_future(place(anna, ring_timeout=60))
            await asyncio.sleep(2)
            end = await place(clara)
            assert type(end) is aio.Busy
            assert discards(server, boris.user) == ["Busy"]
            with pytest.raises(RuntimeError, match="active"):
                async with anna.call("User2"):
                    pass
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)

    run_fast(main())


def test_several_ring_at_once_if_wanted():
    async def main():
        async with world(4, busy="ring") as (server, anna, boris, clara,
                                             dora):
            found = []

            async def watch():
                async for call in boris.incoming():
                    found.append(call)

            watching = asyncio.ensure_future(watch())
            await asyncio.sleep(0)
            callers = [asyncio.ensure_future(place(c, ring_timeout=30))
                       for c in (anna, clara, dora)]
            await asyncio.sleep(3)
            assert {c.user_id for c in found} == {
                c.user.id for c in (anna, clara, dora)}
            for call in found[:2]:
                await call.reject()
            await found[2].ignore()
            ends = await asyncio.gather(*callers)
            assert sorted(type(e).__name__ for e in ends) == [
                "Declined", "Declined", "NoAnswer"]
            watching.cancel()

    run_fast(main())


# -- checks of what came -----------------------------------------------------------

def flip(data):
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize("g_b", [0, 1, P - 1, P, 2**1984, P - 2**1984],
                         ids="0 1 p-1 p 2^1984 p-2^1984".split())
def test_bad_g_b_fails_the_verification(g_b):
    async def main():
        async with world() as (server, anna, boris):
            accepting(boris)
            server.fault("phoneCallAccepted", change=lambda o: o.but(
                g_b=g_b.to_bytes(256, "big")))
            assert type(await place(anna)) is aio.VerificationFailed
            assert discards(server, anna.user) == ["Disconnect"]

    run_fast(main())


@pytest.mark.parametrize("what", ["access_hash", "admin_id",
                                  "participant_id"])
def test_wrong_ids_fail_the_verification(what):
    async def main():
        async with world() as (server, anna, boris):
            accepting(boris)
            server.fault("phoneCallAccepted", change=lambda o: o.but(
                **{what: getattr(o, what) + 1}))
            assert type(await place(anna)) is aio.VerificationFailed

    run_fast(main())


@pytest.mark.parametrize("change", [
    pytest.param(lambda o: o.but(g_a_or_b=flip(o.g_a_or_b)), id="g_a"),
    pytest.param(lambda o: o.but(g_a_or_b=b""), id="empty"),
    pytest.param(lambda o: o.but(key_fingerprint=o.key_fingerprint ^ 1),
                 id="fingerprint"),
    pytest.param(lambda o: o.but(access_hash=5), id="access_hash"),
])
def test_the_callee_checks_the_call(change):
    async def main():
        async with world() as (server, anna, boris):
            ends = accepting(boris)
            server.fault("phoneCall", change=change)
            # The caller fails too: its fingerprint is spoiled likewise.
            server.fault("phone.confirmCall:result", change=lambda r: r.but(
                phone_call=r.phone_call.but(key_fingerprint=7)))
            assert type(await place(anna)) is aio.VerificationFailed
            await asyncio.sleep(1)
            assert [type(e) for e in ends] == [aio.VerificationFailed]
            assert "Disconnect" in discards(server, boris.user)

    run_fast(main())


def test_a_call_to_nobody_by_hash():
    async def main():
        async with world() as (server, anna, boris):
            calls = ringing(boris)
            server.fault("phoneCallRequested", change=lambda o: o.but(
                g_a_hash=hashlib.sha256(b"").digest()[:31]))
            await place(anna, ring_timeout=5)
            assert calls == []

    run_fast(main())


def test_bad_dh_config_makes_no_call():
    async def main():
        async with world() as (server, anna, boris):
            server.prime = (P - 2).to_bytes(256, "big")
            server.dh_version = 9
            assert type(await place(anna)) is aio.VerificationFailed
            assert server.requests("phone.requestCall") == []

    run_fast(main())


def test_another_library_version_is_incompatible():
    async def main():
        async with world() as (server, anna, boris):
            accepting(boris)
            server.server_version = "7.0.0"
            assert type(await place(anna)) is aio.Incompatible
            assert discards(server, anna.user) == ["Disconnect"]

    run_fast(main())


# -- updates lost, twice, late, in the wrong order -----------------------------------

def test_lost_answer_is_no_answer():
    async def main():
        async with world() as (server, anna, boris):
            accepting(boris)
            server.fault("phoneCallAccepted", drop=True)
            assert type(await place(anna, ring_timeout=9)) is aio.NoAnswer

    run_fast(main())


def test_update_before_the_result_is_kept():
    """Declined before the caller knows the number of its call."""
    async def main():
        async with world() as (server, anna, boris):
            async def handler(call):
                await call.reject()

            boris.on_incoming(handler)
            server.fault("phone.requestCall:result", delay=2)
            assert type(await place(anna)) in (aio.Declined, aio.Busy)

    run_fast(main())


def test_everything_twice_changes_nothing():
    async def main():
        async with world() as (server, anna, boris):
            calls = ringing(boris)
            for name in ("phoneCallRequested", "phoneCallWaiting",
                         "phoneCallDiscarded"):
                server.fault(name, twice=True, times=5)
            assert type(await place(anna, ring_timeout=9)) is aio.NoAnswer
            assert len(calls) == 1
            assert len(server.requests("phone.receivedCall")) == 1
            assert discards(server) == ["Missed"]

    run_fast(main())


# -- errors of the API ---------------------------------------------------------------

REQUEST_ERRORS = [
    (400, "CALL_PROTOCOL_FLAGS_INVALID", None),
    (400, "CALL_PROTOCOL_LAYER_INVALID", aio.Incompatible),
    (400, "PARTICIPANT_VERSION_OUTDATED", aio.PeerOutdated),
    (403, "USER_PRIVACY_RESTRICTED", aio.PrivacyRestricted),
    (403, "USER_IS_BLOCKED", aio.Blocked),
    (400, "USER_IS_BLOCKED", aio.Blocked),
    (400, "USER_ID_INVALID", aio.BadTarget),
    (400, "INPUT_USER_DEACTIVATED", aio.BadTarget),
    (400, "DH_G_A_INVALID", None),
    (400, "SOMETHING_NEW", aio.ServerError),
    (500, "CALL_SOMETHING_NEW", aio.ServerError),
]


@pytest.mark.parametrize("code,name,kind", REQUEST_ERRORS)
def test_error_of_request_call(code, name, kind):
    async def main():
        async with world() as (server, anna, boris):
            server.fault("phone.requestCall", error=RpcError(code, name))
            end = await place(anna)
            if kind is not None:
                assert type(end) is kind, end
            assert type(end) is not aio.InternalError
            assert discards(server) == []

    run_fast(main())


@pytest.mark.parametrize("seconds", [2, 700])
def test_flood_wait_tells_the_time(seconds):
    async def main():
        async with world() as (server, anna, boris):
            server.fault("phone.requestCall",
                         error=RpcError(420, f"FLOOD_WAIT_{seconds}"))
            end = await place(anna)
            assert type(end) is aio.FloodWait and end.seconds == seconds

    run_fast(main())


def test_another_random_id_is_drawn_once():
    """The library itself must not repeat the request: same number, same
    answer."""
    async def main():
        async with world() as (server, anna, boris):
            duplicate = server.fault("phone.requestCall", times=1,
                                     error=RpcError(500,
                                                    "RANDOM_ID_DUPLICATE"))
            ringing(boris)
            assert type(await place(anna, ring_timeout=9)) is aio.NoAnswer
            one, two = server.requests("phone.requestCall")
            assert one.random_id != two.random_id

            duplicate.times = 5
            end = await place(anna)
            assert type(end) is aio.ServerError
            assert "RANDOM_ID_DUPLICATE" in end.why
            assert len(server.requests("phone.requestCall")) == 4

    run_fast(main())


def test_a_server_in_trouble_is_asked_again():
    async def main():
        async with world() as (server, anna, boris):
            ringing(boris)
            trouble = server.fault("phone.requestCall", times=2,
                                   error=RpcError(500, "RPC_MCGET_FAIL"))
            assert type(await place(anna, ring_timeout=9)) is aio.NoAnswer
            assert len(server.requests("phone.requestCall")) == 3

            trouble.times = 50
            end = await place(anna)
            assert type(end) is aio.ServerError
            assert len(server.requests("phone.requestCall")) == 3 + 4

    run_fast(main())


def test_an_answer_to_a_server_in_trouble_is_not_taken_elsewhere():
    """acceptCall worked, although its answer was an error: what comes to the
    second one is about the first."""
    async def main():
        async with world() as (server, anna, boris):
            ends = accepting(boris)
            server.fault("phone.acceptCall:result",
                         error=RpcError(500, "RPC_CALL_FAIL"))
            # Not further than this: media would need real time.
            server.fault("phone.confirmCall", delay=9,
                         error=RpcError(400, "CALL_PEER_INVALID"))
            await place(anna)
            assert len(server.requests("phone.acceptCall")) == 2
            assert ends == []

    run_fast(main())


ACCEPT_ERRORS = [
    (400, "CALL_ALREADY_ACCEPTED", aio.AnsweredElsewhere, []),
    (400, "CALL_ALREADY_DECLINED", None, []),
    (400, "CALL_ALREADY_DISCARDED", None, []),
    (400, "CALL_PEER_INVALID", aio.ServerError, []),
    (400, "CALL_PROTOCOL_FLAGS_INVALID", None, ["Disconnect"]),
    (406, "CALL_PROTOCOL_COMPAT_LAYER_INVALID", aio.Incompatible,
     ["Disconnect"]),
    (400, "SOMETHING_NEW", aio.ServerError, ["Disconnect"]),
    (500, "CALL_OCCUPY_FAILED", aio.ServerError, ["Disconnect"]),
]


@pytest.mark.parametrize("code,name,kind,sent", ACCEPT_ERRORS)
def test_error_of_accept_call(code, name, kind, sent):
    async def main():
        async with world() as (server, anna, boris):
            ends = accepting(boris)
            server.fault("phone.acceptCall", error=RpcError(code, name))
            await place(anna, ring_timeout=40)
            await asyncio.sleep(1)
            assert len(ends) == 1
            if kind is not None:
                assert type(ends[0]) is kind, ends
            assert len(server.requests("phone.acceptCall")) == 1
            assert discards(server, boris.user) == sent

    run_fast(main())


@pytest.mark.parametrize("code,name,kind", [
    (400, "CALL_ALREADY_DECLINED", None),
    (400, "CALL_PEER_INVALID", aio.ServerError),
    (400, "DH_G_A_INVALID", None),
    (400, "SOMETHING_NEW", aio.ServerError),
])
def test_error_of_confirm_call(code, name, kind):
    async def main():
        async with world() as (server, anna, boris):
            ends = accepting(boris)
            server.fault("phone.confirmCall", error=RpcError(code, name))
            end = await place(anna)
            if kind is not None:
                assert type(end) is kind, end
            await asyncio.sleep(35)
            assert len(ends) == 1

    run_fast(main())


@pytest.mark.parametrize("code,name", [(400, "CALL_ALREADY_DECLINED"),
                                       (400, "CALL_ALREADY_ACCEPTED"),
                                       (400, "CALL_PEER_INVALID"),
                                       (500, "CALL_OCCUPY_FAILED")])
def test_error_of_discard_call_is_the_end_too(code, name):
    async def main():
        async with world() as (server, anna, boris):
            ringing(boris)
            server.fault("phone.discardCall", error=RpcError(code, name))
            t = now()
            assert type(await place(anna, ring_timeout=5)) is aio.NoAnswer
            assert now() - t < 8
            assert len(discards(server, anna.user)) == 1

    run_fast(main())


def test_discard_without_an_answer_ends_after_five_seconds():
    async def main():
        async with world() as (server, anna, boris):
            ringing(boris)
            server.fault("phone.discardCall", drop=True)
            t = now()
            assert type(await place(anna, ring_timeout=5)) is aio.NoAnswer
            assert 9 < now() - t < 13

    run_fast(main())


def test_a_private_callee_is_not_called():
    async def main():
        async with world() as (server, anna, boris):
            boris.user.calls_private = True
            assert type(await place(anna)) is aio.PrivacyRestricted
            assert server.requests("phone.requestCall") == []

    run_fast(main())


def test_a_lost_connection_is_told():
    async def main():
        async with world() as (server, anna, boris):
            anna.phone.link.down = True
            end = await place(anna, boris.user.id)
            assert type(end) is aio.NetworkFailed
            anna.phone.link.down = False

    run_fast(main())


def test_a_connection_that_comes_back_is_used():
    async def main():
        async with world() as (server, anna, boris):
            ringing(boris)
            link = anna.phone.link

            def cut(answer):
                link.down = True
                asyncio.get_running_loop().call_later(
                    2, setattr, link, "down", False)
                return answer

            # The next request is phone.requestCall.
            server.fault("messages.getDhConfig:result", user=anna.user,
                         change=cut)
            end = await place(anna, ring_timeout=9)
            assert type(end) is aio.NoAnswer
            assert len(server.requests("phone.requestCall")) == 1

    run_fast(main())


def test_unknown_users_are_told_before_anything_is_sent():
    async def main():
        async with world() as (server, anna, boris):
            for user in ("nobody_at_all", anna.user.id):
                call = anna.call(user)
                with pytest.raises(ValueError):
                    async with call:
                        pass
                assert call.outcome is not None
            with pytest.raises(TypeError):
                anna.call(None)
            with pytest.raises(ValueError, match="ring_timeout"):
                anna.call("User1", ring_timeout=0)
            assert server.calls == {}

    run_fast(main())


# -- arguments -----------------------------------------------------------------------

def test_wrong_arguments_name_themselves():
    with pytest.raises(TypeError, match="client"):
        aio.Client(object())

    async def main():
        async with world(1) as (server, anna):
            for name, value, kind in (
                    ("complexity", 11, ValueError),
                    ("complexity", "x", TypeError),
                    ("busy", "perhaps", ValueError),
                    ("network_type", 99, ValueError),
                    ("allow_v1", "no", TypeError)):
                with pytest.raises(kind, match=name):
                    aio.Client(anna.phone, **{name: value})
            with pytest.raises(TypeError, match="handler"):
                anna.on_incoming(print)
            call = anna.call("User1")
            for use in (lambda: call.play("x.wav"), call.audio, call.clear):
                with pytest.raises(RuntimeError, match="no audio yet"):
                    use()
            with pytest.raises(RuntimeError, match="no audio yet"):
                await call.write(b"")
            with pytest.raises(RuntimeError, match="not over"):
                await call.rate(3)
            with pytest.raises(ValueError, match="stars"):
                await call.rate(6)
            with pytest.raises(RuntimeError, match="called"):
                await call.reject()
            await call.hang_up()
            assert type(call.outcome) is aio.Cancelled

    run_fast(main())
