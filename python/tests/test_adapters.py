# SPDX-License-Identifier: MIT
"""What adapters read of the objects of a library, and one written by hand."""
import datetime
from types import SimpleNamespace

import pytest

from phones import discards, run, run_fast, until, world
from tgvoip import aio
from tgvoip.adapters import adapter_for
from tgvoip.adapters._raw import read_call
from tgvoip.aio import CallType, Connection, DiscardReason


def thing(name, **fields):
    """An object of a class of this name, as libraries make them."""
    return type(name, (SimpleNamespace,), {})(**fields)


def connection(number, name="PhoneConnection", **more):
    return thing(name, id=number, ip="1.2.3.4", ipv6="", port=5,
                 peer_tag=bytes(16), **more)


def phone_call(**more):
    protocol = thing("PhoneCallProtocol", min_layer=65, max_layer=92,
                     udp_p2p=True, udp_reflector=None)
    return thing("PhoneCall", id=7, access_hash=8, admin_id=1,
                 participant_id=2, protocol=protocol, g_a_or_b=b"g",
                 key_fingerprint=-9, start_date=5, **more)


def test_sig_08_both_shapes_of_connections_are_understood():
    """Layers below 98 have one connection and a list of others."""
    new = read_call(phone_call(
        date=datetime.datetime.fromtimestamp(99), p2p_allowed=True,
        connections=[connection(i) for i in (1, 2, 3)]))
    old = read_call(phone_call(
        date=99, p2p_allowed=True, connection=connection(1),
        alternative_connections=[connection(2), connection(3)]))
    assert old == new
    assert [c.id for c in old.connections] == [1, 2, 3]
    assert old.type is CallType.ACTIVE and old.data == b"g"
    assert (old.id, old.access_hash, old.key_fingerprint, old.date) == (
        7, 8, -9, 99)
    for nothing in (None, []):
        alone = read_call(phone_call(connection=connection(1),
                                     alternative_connections=nothing))
        assert [c.id for c in alone.connections] == [1]


def test_layers_without_library_versions_have_none():
    protocol = read_call(phone_call(connections=[])).protocol
    assert protocol == aio.CallProtocol(65, 92, True, False, ())


def test_kinds_of_connections_are_told_apart():
    found = read_call(phone_call(connections=[
        connection(1), connection(2, tcp=True),
        thing("PhoneConnectionWebrtc", id=3, ip="1.2.3.4", ipv6=None, port=5,
              username="u", password="p")])).connections
    plain = Connection(1, "1.2.3.4", "", 5, bytes(16))
    assert found[0] == plain
    assert [(c.id, c.tcp, c.webrtc) for c in found] == [
        (1, False, False), (2, True, False), (3, False, True)]
    assert found[2].peer_tag == b""


@pytest.mark.parametrize("name, kind", [
    ("PhoneCallEmpty", CallType.EMPTY), ("PhoneCallWaiting", CallType.WAITING),
    ("PhoneCallRequested", CallType.REQUESTED),
    ("PhoneCallAccepted", CallType.ACCEPTED),
    ("PhoneCallDiscarded", CallType.DISCARDED),
    ("PhoneCallOfTomorrow", CallType.UNKNOWN)])
def test_sig_03_all_types_are_recognised_and_others_are_unknown(name, kind):
    assert read_call(thing(name, id=7)).type is kind


@pytest.mark.parametrize("name, reason", [
    (None, DiscardReason.NONE), ("Missed", DiscardReason.MISSED),
    ("Disconnect", DiscardReason.DISCONNECT), ("Hangup", DiscardReason.HANGUP),
    ("Busy", DiscardReason.BUSY),
    ("MigrateConferenceCall", DiscardReason.MIGRATE),
    ("AllowGroupCall", DiscardReason.OTHER),
    ("OfTomorrow", DiscardReason.OTHER)])
def test_reasons_are_read_and_unknown_ones_are_other(name, reason):
    given = name and thing("PhoneCallDiscardReason" + name, slug="s")
    call = read_call(thing("PhoneCallDiscarded", id=7, reason=given,
                           duration=None, need_rating=True))
    assert (call.reason, call.duration, call.need_rating) == (reason, 0, True)
    assert call.slug == ("s" if name else "")


METHODS = [name for name in vars(aio.Adapter) if not name.startswith("_")]


class ByHand:
    """An adapter that shares no class with ours. It asks somebody else."""

    def __init__(self, client):
        self._real = adapter_for(client)


for _name in METHODS:
    async def _method(self, *arguments, _name=_name):
        return await getattr(self._real, _name)(*arguments)
    setattr(ByHand, _name, _method)


def by_hand(i):
    return lambda phone, **options: aio.Client(ByHand(phone), **options)


def test_an_adapter_written_by_hand_makes_and_takes_calls(relay):
    assert len(METHODS) == 13

    async def main():
        async with world(port=relay.port, kind=by_hand) as (server, anna,
                                                            boris):
            @boris.on_incoming
            async def answer(call):
                async with call:
                    await call.wait_ended()

            async with anna.call("User1") as call:
                await until(lambda: call.stats().packets_in > 5)
            assert discards(server) == ["Hangup"]

    run(main())


def test_what_an_adapter_raises_becomes_an_outcome(caplog):
    """Errors of its own are failures of the network, and told in the log."""
    async def main():
        for error, kind in (
                (aio.RpcError(403, "USER_PRIVACY_RESTRICTED"),
                 aio.PrivacyRestricted),
                (aio.NetworkFailure(), aio.NetworkFailed),
                (TimeoutError(), aio.NetworkFailed),
                (OSError("no route"), aio.NetworkFailed),
                (KeyError("a bug"), aio.NetworkFailed)):
            async with world(kind=by_hand) as (server, anna, boris):
                async def request_call(*arguments):
                    raise error

                anna._signaling.adapter.request_call = request_call
                with pytest.raises(aio.CallEnded) as end:
                    async with anna.call("User1"):
                        pass
                assert type(end.value) is kind

    run_fast(main())
    assert caplog.text.count("the adapter failed") == 1
