# SPDX-License-Identifier: MIT
"""Direct paths through routers of every kind."""
from calls import Call, LabCase, lab, start_relay

P2P = ("--p2p",)
UNTIL_S = 3.5       # a direct path that can be had is taken by then


@lab.needs()
class Direct(LabCase):
    def relay(self, **more):
        """Farther away than the other end, as relays are."""
        start_relay(self.lab.internet, "--delay", "20", **more)

    def hosts(self, nat_a, nat_b):
        _, a = self.lab.side("a", nat_a)
        _, b = self.lab.side("b", nat_b)
        return a, b

    def meet(self, hosts, kind="p2p_inet", seconds=6):
        """The two get there, without a hole on the way."""
        self.relay()
        call = Call(self, hosts, seconds, common=P2P).finish().stood()
        call.road(UNTIL_S, kind).road(seconds, kind)
        return call.heard(0.5, seconds - 0.5).no_gap(0.5, seconds - 0.2, 0.5)

    def test_full_cone_and_full_cone(self):
        self.meet(self.hosts("full-cone", "full-cone"))

    def test_port_restricted_and_port_restricted(self):
        self.meet(self.hosts("port-restricted", "port-restricted"))

    def test_symmetric_and_full_cone(self):
        self.meet(self.hosts("symmetric", "full-cone"))

    def test_symmetric_and_symmetric_stay_on_the_relay(self):
        self.meet(self.hosts("symmetric", "symmetric"), "udp_relay")

    def test_two_in_one_network(self):
        """What is reported as the one or the other is the same road if the
        peer's first packet comes before word of its address."""
        _, a, b = self.lab.side("a", hosts=2)
        frames = self.lab.capture(a, self.path("frames"))
        call = self.meet((a, b), ("p2p_lan", "p2p_inet"))
        self.assertTrue(any("p2p_lan" in road for end in call.ends
                            for road in end.roads), call.describe())
        sent = [f[1] for f in frames() if f[0] == "udp"]
        self.assertGreater(sent.count(b.address), 0.6 * len(sent),
                           call.describe())

    def test_hosts_with_ipv6_only(self):
        _, a = self.lab.side("a", ipv4=False, ipv6=True)
        _, b = self.lab.side("b", ipv4=False, ipv6=True)
        address = lab.PUBLIC6 + "1"
        self.relay(address=address)
        call = Call(self, (a, b), 6, relays=(address,),
                    common=P2P).finish().stood()
        call.road(UNTIL_S, "p2p_inet").heard(0.5, 5.5).no_gap(0.5, 5.8, 0.5)

    def test_none_is_taken_unless_both_allow_it(self):
        hosts = self.hosts("full-cone", "full-cone")
        frames = self.lab.capture(hosts[1], self.path("frames"))
        self.relay()
        call = Call(self, hosts, 5, options=(P2P, ())).finish().stood()
        call.road(4.8, "udp_relay").heard(0.5, 4.5)
        self.assertEqual({f[1] for f in frames() if f[0] == "udp"},
                         {lab.RELAYS[0]}, call.describe())

    def test_direct_path_breaks_and_the_relay_takes_over(self):
        router, a = self.lab.side("a", "full-cone")
        _, b = self.lab.side("b", "full-cone")
        self.relay()
        call = Call(self, (a, b), 8, common=P2P)
        call.at(4)
        for way in ("saddr", "daddr"):
            router.block(what=f"ip {way} {lab.PUBLIC}20")
        call.finish().stood().road(3.9, "p2p_inet").road(6.5, "udp_relay")
        call.heard(0.5, 3.8).heard(6, 7.5).no_gap(0.5, 7.8)

    def test_host_gets_another_address_on_a_direct_path(self):
        _, a = self.lab.side("a")
        _, b = self.lab.side("b", "full-cone")
        self.relay()
        call = Call(self, (a, b), 8, common=P2P)
        call.at(4)
        a.ip("addr flush dev eth0", "addr add 192.168.1.77/24 dev eth0",
             "route add default via 192.168.1.1 dev eth0")
        call.finish().stood().road(3.9, "p2p_inet")
        call.heard(0.5, 3.8).heard(6, 7.5).no_gap(0.5, 7.8)


if __name__ == "__main__":
    import unittest
    unittest.main()
