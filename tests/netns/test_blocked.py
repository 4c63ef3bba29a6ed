# SPDX-License-Identifier: MIT
"""Where UDP does not pass: TCP to the relay, and back when it does."""
from calls import Call, LabCase, lab, start_relay

TCP_BY_S = 2.0      # from the first moment, both ends hear each other by then


@lab.needs()
class Blocked(LabCase):
    def setUp(self):
        super().setUp()
        self.router_a, self.a = self.lab.side("a")
        self.router_b, self.b = self.lab.side("b")
        start_relay(self.lab.internet, "--delay", "20")

    def check(self, seconds=6, ends=(0, 1), **more):
        """A call where these ends cannot use UDP from the beginning."""
        call = Call(self, (self.a, self.b), seconds, **more).finish().stood()
        for i, end in enumerate(call.ends):
            call.road(seconds, "tcp_relay" if i in ends else "udp_relay",
                      [end])
        return call.heard(TCP_BY_S, seconds - 0.5).no_gap(
            TCP_BY_S + 0.5, seconds - 0.2, 0.5)

    def test_datagrams_vanish_at_one_side(self):
        self.router_a.block()
        self.check(ends=(0,))

    def test_datagrams_vanish_at_both_sides(self):
        self.router_a.block()
        self.router_b.block()
        self.check()

    def test_datagrams_are_rejected_by_the_router(self):
        self.router_a.block("reject with icmpx admin-prohibited")
        self.check(ends=(0,))

    def test_datagrams_are_refused_by_the_hosts_own_firewall(self):
        """send() fails, as if the network were down."""
        self.a.block()
        self.check(ends=(0,))

    def test_with_direct_paths_allowed(self):
        self.router_a.block()
        self.check(ends=(0,), common=("--p2p",))

    def test_blocked_in_mid_call_and_back(self):
        call = Call(self, (self.a, self.b), 19)
        call.at(3)
        self.router_a.block()
        call.at(8)
        self.router_a.unblock()
        call.finish().stood()
        call.road(2.9, "udp_relay")
        call.road(6, "tcp_relay", [call.caller])
        call.road(18.8, "udp_relay")
        call.heard(0.5, 2.8).heard(5, 7.8).heard(9, 18.5)
        call.no_gap(0.5, 18.8)

    def test_relay_by_tcp_only(self):
        """The server gave no UDP relay."""
        at = f"{lab.RELAYS[0]}:5000"
        option = ("--tcp-relay", f"{at}:TAG:7")
        call = Call(self, (self.a, self.b), 5, relays=(),
                    options=(option, option)).finish().stood()
        call.road(1, "tcp_relay").heard(0.7, 4.5).no_gap(0.7, 4.8, 0.5)
        for end in call.ends:
            self.assertEqual(end.events[-1]["preferred_relay"], "7")


if __name__ == "__main__":
    import unittest
    unittest.main()
