# SPDX-License-Identifier: MIT
"""Roads that media takes: direct ones, proxies, and what is told of them."""
import asyncio
import time

import pytest

import tgvoip.aio as aio
from conftest import Pair, Relay, wait_for
from phones import run, until, world
from socks import Proxy
from tgvoip import CallError, Endpoint
from tgvoip._native import ffi, lib
from tgvoip._proxy import Proxy as Parsed
from tgvoip._proxy import parse_proxy

# -- the text of a proxy -------------------------------------------------------

@pytest.mark.parametrize("text, wanted", [
    (None, None),
    ("socks5://10.0.0.1:1080", Parsed("10.0.0.1", 1080)),
    ("socks5://proxy.example:9/", Parsed("proxy.example", 9)),
    ("SOCKS5://[2001:db8::1]:1080", Parsed("2001:db8::1", 1080)),
    ("socks5://anna:s3cret@h:1", Parsed("h", 1, "anna", "s3cret")),
    ("socks5://a%40b:p%3A%2F%23%C3%A9@h:1", Parsed("h", 1, "a@b", "p:/#\u00e9")),
    ("socks5://anna:a@b@h:1", Parsed("h", 1, "anna", "a@b")),
])
def test_proxy_is_parsed(text, wanted):
    assert parse_proxy(text) == wanted


@pytest.mark.parametrize("text", [
    "", "hidden", "http://u:hidden@h:1", "socks5://u:hidden@h",
    "socks5://u:hidden@:1", "socks5://u:hidden@h:0", "socks5://u:hidden@h:99999",
    "socks5://u:hidden@h:x", "socks5://u@h:1", "socks5://:hidden@h:1",
    "socks5://u:@h:1", "socks5://u:hid/den@h:1", "socks5://u:hid#den@h:1",
    "socks5://u:hid?den@h:1", "socks5://u:hidden@h:1/path",
    "socks5://u:hidden@[h:1", "socks5://u:hidden@h\u2100:1",
    "socks5://u:%FFhidden@h:1", "socks5://u:%00hidden@h:1",
    "socks5://u:" + "hidden" * 50 + "@h:1",
    "socks5://" + "h" * 256 + ":1",
])
def test_wrong_proxies_name_the_argument_and_not_the_password(text):
    with pytest.raises(ValueError, match="^proxy: ") as failure:
        parse_proxy(text)
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__ or (
        failure.value.__context__ is None)
    assert "hid" not in str(failure.value) and "den" not in str(failure.value)


@pytest.mark.parametrize("wrong", [5, b"socks5://h:1", ("h", 1)])
def test_a_proxy_is_a_text(wrong):
    with pytest.raises(TypeError, match="^proxy: "):
        parse_proxy(wrong)


def test_the_password_is_not_shown():
    assert "s3cret" not in repr(parse_proxy("socks5://anna:s3cret@h:1"))


# -- calls through one ---------------------------------------------------------

def answering(client):
    calls = []

    async def handler(call):
        async with call:
            calls.append(call)
            await call.wait_ended()

    client.on_incoming(handler)
    return calls


@pytest.mark.parametrize("udp, route", [(True, "udp_relay"),
                                        (False, "tcp_relay")])
def test_calls_go_through_the_proxy(relay, caplog, udp, route):
    caplog.set_level("DEBUG")
    proxy = Proxy(("anna", "s3:cret"), udp)
    url = f"socks5://anna:s3%3Acret@127.0.0.1:{proxy.port}"

    def kind(i):
        return lambda phone: aio.Client(phone, proxy=url if i == 0 else None)

    async def main():
        async with world(port=relay.port, kind=kind) as (server, anna, boris):
            calls = answering(boris)
            async with anna.call("User1") as call:
                await until(lambda: calls and
                            calls[0].stats().packets_in > 20)
                assert call.stats().route == route
                assert calls[0].stats().route == "udp_relay"
            assert proxy.refused == 0
            assert proxy.datagrams > 20 if udp else proxy.streams > 0

    try:
        run(main())
    finally:
        proxy.close()
    assert "s3:cret" not in caplog.text and "s3%3Acret" not in caplog.text


def test_a_proxy_that_refuses_drops_the_call(relay):
    proxy = Proxy(("anna", "s3cret"))
    url = f"socks5://anna:wrong@127.0.0.1:{proxy.port}"

    async def main():
        async with world(port=relay.port, proxy=url) as (server, anna, boris):
            answering(boris)
            call = anna.call("User1")
            with pytest.raises(aio.Dropped):
                async with call:
                    await call.wait_ended()
            assert call.error is CallError.PROXY
            assert proxy.refused > 0 and proxy.datagrams == 0

    try:
        run(main())
    finally:
        proxy.close()


# -- direct ones ---------------------------------------------------------------

@pytest.fixture
def far():
    """A relay that is worth leaving; on loopback all is equally near."""
    relay = Relay(delay_ms=20)
    yield relay
    relay.close()


@pytest.fixture
def far_pair(far):
    p = Pair(far)
    yield p
    p.stop()


def route_of(call):
    kind = call._core.stats().route.type
    return ffi.string(lib.tgvoip_endpoint_type_str(kind)).decode()


def direct(route):
    """By loopback, or by the address of an interface."""
    return route in ("p2p_inet", "p2p_lan")


def allow(call, p2p):
    endpoint, = call._core.settings.endpoints
    call.set_remote_endpoints([Endpoint(*endpoint)], p2p, False, 92)


def test_allow_p2p_of_the_module(far_pair):
    """Also with the debug control, in the middle of the call."""
    p = far_pair
    allow(p.caller, True), allow(p.callee, True)
    p.go().established()
    wait_for(lambda: direct(route_of(p.caller)) and
             direct(route_of(p.callee)), "the direct road")
    p.caller.debug_ctl(3, 0)
    wait_for(lambda: route_of(p.caller) == "udp_relay", "the relay")
    p.caller.debug_ctl(3, 1)
    wait_for(lambda: direct(route_of(p.caller)), "the direct road")
    assert p.caller.get_preferred_relay_id() == 1


def test_debug_control_before_start_forbids_p2p(far_pair):
    p = far_pair
    allow(p.caller, True), allow(p.callee, True)
    p.callee.debug_ctl(3, 0)
    p.go().established()
    stays_on_the_relay(lambda: {route_of(p.caller), route_of(p.callee)})
    p.callee.debug_ctl(3, 1)
    wait_for(lambda: direct(route_of(p.caller)), "the direct road")


def test_one_side_forbids_p2p(far_pair):
    p = far_pair
    allow(p.caller, True)
    p.go().established()
    stays_on_the_relay(lambda: {route_of(p.caller), route_of(p.callee)})


def stays_on_the_relay(routes, seconds=1.5):
    """A direct road is found in a tenth of that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert routes() == {"udp_relay"}
        time.sleep(0.02)


def test_aio_goes_direct_and_tells(far):
    async def main():
        async with world(port=far.port) as (server, anna, boris):
            calls = answering(boris)
            call, roads = anna.call("User1"), []

            async def watch():
                async for event in call.events():
                    if isinstance(event, aio.RouteChanged):
                        roads.append(event)

            watching = asyncio.ensure_future(watch())
            await asyncio.sleep(0)
            async with call:
                await until(lambda: direct(call.stats().route))
                await until(lambda: direct(calls[0].stats().route))
            await watching
            # It begins with the relay that has answered.
            assert roads[0].endpoint == "udp_relay"
            assert roads[0].id == server.relays[0].id
            assert direct(roads[-1].endpoint)
            assert all(road.reason for road in roads), roads
            discard, = server.requests("phone.discardCall")
            assert discard.connection_id == server.relays[0].id

    run(main())


def test_aio_direct_false_holds_whatever_the_server_says(far):
    def kind(i):
        return lambda phone: aio.Client(phone, direct=i != 0)

    async def main():
        async with world(port=far.port, kind=kind) as (server, anna, boris):
            calls = answering(boris)
            assert server.p2p_allowed
            async with anna.call("User1") as call:
                protocol = server.requests("phone.requestCall")[0].protocol
                assert not protocol.udp_p2p and protocol.udp_reflector
                await asyncio.sleep(1.5)
                assert call.stats().route == "udp_relay"
                assert calls[0].stats().route == "udp_relay"

    run(main())
