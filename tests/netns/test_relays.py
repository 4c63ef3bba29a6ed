# SPDX-License-Identifier: MIT
"""Calls over relays: one dies, only IPv6, another address in mid-call."""
import subprocess

from calls import Call, LabCase, lab, start_relay


@lab.needs()
class Relays(LabCase):
    def test_call_through_two_routers(self):
        _, a = self.lab.side("a")
        _, b = self.lab.side("b")
        start_relay(self.lab.internet)
        call = Call(self, (a, b), 4).finish().stood()
        call.road(3.5, "udp_relay").heard(0.5, 3.5).no_gap(0.5, 3.8, 0.4)

    def test_relay_dies_and_the_second_takes_over(self):
        _, a = self.lab.side("a")
        _, b = self.lab.side("b")
        relays = [start_relay(self.lab.internet, address=address)
                  for address in lab.RELAYS]
        call = Call(self, (a, b), 8, relays=lab.RELAYS)
        call.at(3)
        relays[0].kill()
        call.finish().stood()
        call.heard(0.5, 2.8).heard(5, 7.5).no_gap(0.5, 7.8)
        for end in call.ends:
            self.assertEqual(end.roads[-1][1:3], ("udp_relay", "2"),
                             call.describe())

    def test_each_on_a_relay_of_its_own_and_one_dies(self):
        """The caller still hears, and must learn that it is not heard."""
        _, a = self.lab.side("a")
        _, b = self.lab.side("b")
        first = start_relay(self.lab.internet)
        start_relay(self.lab.internet, "--delay", "20", address=lab.RELAYS[1])
        one, two = ((f"{at}:5000:TAG:{i + 1}") for i, at in
                    enumerate(lab.RELAYS))
        call = Call(self, (a, b), 7, relays=(),
                    options=(("--relay", one, "--relay", two),
                             ("--relay", two, "--relay", one)))
        call.at(1.5)
        first.kill()
        call.finish().stood().heard(3.5, 6.5).no_gap(0.5, 6.8)

    def test_hosts_with_ipv6_only(self):
        _, a = self.lab.side("a", ipv4=False, ipv6=True)
        _, b = self.lab.side("b", ipv4=False, ipv6=True)
        address = lab.PUBLIC6 + "1"
        start_relay(self.lab.internet, address=address)
        call = Call(self, (a, b), 4, relays=(address,)).finish().stood()
        call.road(3.5, "udp_relay").heard(0.5, 3.5).no_gap(0.5, 3.8, 0.4)

    def test_host_gets_another_address(self):
        _, a = self.lab.side("a")
        _, b = self.lab.side("b")
        start_relay(self.lab.internet)
        call = Call(self, (a, b), 7)
        call.at(3)
        a.ip("addr flush dev eth0", "addr add 192.168.1.77/24 dev eth0",
             "route add default via 192.168.1.1 dev eth0")
        call.finish().stood()
        call.heard(0.5, 2.8).heard(5, 6.5).no_gap(0.5, 6.8)


PREFIX = "2001:db8:64::"
TAYGA = """
tun-device nat64
ipv4-addr 192.168.255.1
prefix {prefix}/96
dynamic-pool 192.168.255.0/24
data-dir {folder}
"""


@lab.needs("tayga")
class Nat64(LabCase):
    """A host with IPv6 only, relays with IPv4 only, and a translator."""

    def translator(self, router):
        config = self.write("tayga.conf", TAYGA.format(prefix=PREFIX,
                                                       folder=self.folder))
        router.shell(f"tayga -c {config} --mktun")
        router.ip("link set nat64 up", "route add 192.168.255.0/24 dev nat64",
                  f"route add {PREFIX}/96 dev nat64")
        router.start("tayga", "-c", config, "-d", stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL)

    def test_prefix_is_found_and_used(self):
        router, = self.lab.side("a", hosts=0, ipv6=True)
        a = self.lab.lan_host(router, "a", 2, ipv4=False, ipv6=True)
        a.etc("hosts", f"{PREFIX}c000:aa ipv4only.arpa\n"
              f"{PREFIX}c000:ab ipv4only.arpa\n")
        _, b = self.lab.side("b")
        self.translator(router)
        start_relay(self.lab.internet)
        call = Call(self, (a, b), 9).finish().stood()
        call.heard(5, 8.5).no_gap(5, 8.8, 0.5)


if __name__ == "__main__":
    import unittest
    unittest.main()
