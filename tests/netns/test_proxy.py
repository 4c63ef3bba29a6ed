# SPDX-License-Identifier: MIT
"""Through a SOCKS5 proxy, with a look at everything that leaves the host.

The proxies are dante (UDP and TCP) and microsocks (TCP only).
"""
import subprocess

from calls import Call, LabCase, lab, start_relay

PROXY_PORT = 1080
DANTE = """
logoutput: {log}
internal: {address} port = {port}
external: {address}
clientmethod: none
socksmethod: {method}
user.privileged: root
user.unprivileged: nobody
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
"""
# What a proxy's URL must hide and what SOCKS5 must get.
USER, PASSWORD, IN_URL = "caller", "p:a@ss%w/rd", "p%3Aa%40ss%25w%2Frd"


class ProxyCase(LabCase):
    def setUp(self):
        super().setUp()
        _, self.a = self.lab.side("a", "full-cone", ipv6=True)
        _, self.b = self.lab.side("b", "full-cone", ipv6=True)
        self.host = self.lab.host("proxy", 7)
        start_relay(self.lab.internet)

    def dante(self, method="none"):
        """Login names are the system's: the namespace has its own."""
        config = self.write("danted.conf", DANTE.format(
            log=self.path("danted.log"), address=self.host.address,
            port=PROXY_PORT, method=method))
        if method != "none":
            with open("/etc/passwd") as f:
                self.host.etc("passwd", f.read()
                              + f"{USER}:x:4242:4242::/:/bin/false\n")
            digest = subprocess.run(
                ["openssl", "passwd", "-6", "-stdin"], input=PASSWORD,
                text=True, stdout=subprocess.PIPE, check=True).stdout.strip()
            self.host.etc("shadow", f"{USER}:{digest}:19000:0:99999:7:::\n")
        return self.begin("danted", "-N", "1", "-f", config)

    def microsocks(self, *args):
        return self.begin("microsocks", "-i", self.host.address, "-p",
                          str(PROXY_PORT), *args)

    def begin(self, *command):
        p = self.host.start(*command, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
        self.host.wait_listening(p, PROXY_PORT)
        return p

    def url(self, login=""):
        """In a file, as a careful user would."""
        return ("--proxy", "@" + self.write(
            "proxy.url",
            f"socks5://{login}{self.host.address}:{PROXY_PORT}\n"))

    def call(self, seconds, proxy, **more):
        """The caller goes through the proxy; all it sends is written down."""
        self.frames = self.lab.capture(self.a, self.path("frames"))
        return Call(self, (self.a, self.b), seconds,
                    options=(proxy, ()), common=("--p2p",), **more)

    def nothing_beside_the_proxy(self, call):
        """ENG-64. The kernel's own words about addresses are no leak."""
        sent = self.frames()
        beside = {tuple(f) for f in sent
                  if f[0] not in ("arp", "icmp6") and f[1] != self.host.address}
        self.assertEqual(beside, set(), call.describe())
        self.assertTrue(sent)


@lab.needs("danted", "openssl")
class Dante(ProxyCase):
    def check(self, proxy):
        call = self.call(6, proxy).finish().stood()
        call.road(5.8, "udp_relay").heard(1, 5.5).no_gap(1, 5.8, 0.5)
        self.nothing_beside_the_proxy(call)

    def test_eng_64_datagrams_through_it(self):
        self.dante()
        self.check(self.url())

    def test_eng_64_datagrams_after_a_login(self):
        self.dante("username")
        self.check(self.url(f"{USER}:{IN_URL}@"))

    def test_eng_64_wrong_password_ends_the_call(self):
        self.dante("username")
        call = self.call(5, self.url(f"{USER}:wrong@")
                         + ("--init-timeout", "4")).finish()
        self.assertEqual((call.caller.code, call.caller.error), (1, "PROXY"),
                         call.describe())
        self.assertNotIn("wrong", call.caller.err)
        self.nothing_beside_the_proxy(call)

    def test_eng_64_tcp_through_it_where_its_datagrams_vanish(self):
        self.host.nft(lab.FIREWALL)
        self.host.block()
        self.dante()
        call = self.call(6, self.url()).finish().stood()
        call.road(5.8, "tcp_relay", [call.caller]).heard(2.5, 5.5)
        self.nothing_beside_the_proxy(call)

    def test_eng_64_proxy_restarts_in_mid_call(self):
        self.dante()
        call = self.call(11, self.url())
        call.at(3)
        lab.kill_all(self.host.name)
        call.at(4)
        self.dante()
        call.finish().stood().heard(0.5, 2.8).heard(5.5, 10.5)
        call.no_gap(5.5, 10.8, 0.5)
        self.nothing_beside_the_proxy(call)

    def test_eng_64_proxy_dies_in_mid_call(self):
        self.dante()
        call = self.call(8, self.url() + ("--recv-timeout", "3"))
        call.at(3)
        lab.kill_all(self.host.name)
        call.finish()
        self.assertEqual((call.caller.code, call.caller.error), (1, "PROXY"),
                         call.describe())
        self.nothing_beside_the_proxy(call)


@lab.needs("microsocks")
class Microsocks(ProxyCase):
    """It passes no datagrams."""

    def check(self, proxy):
        call = self.call(6, proxy).finish().stood()
        call.road(5.8, "tcp_relay", [call.caller])
        call.road(5.8, "udp_relay", [call.callee])
        call.heard(2, 5.5).no_gap(2.5, 5.8, 0.5)
        self.nothing_beside_the_proxy(call)

    def test_eng_64_tcp_through_it(self):
        self.microsocks()
        self.check(self.url())

    def test_eng_64_tcp_after_a_login(self):
        self.microsocks("-u", USER, "-P", PASSWORD)
        self.check(self.url(f"{USER}:{IN_URL}@"))

    def test_eng_64_name_of_a_proxy(self):
        """Its own name is the only one that may be asked for; here the hosts
        file knows it."""
        self.microsocks()
        self.a.etc("hosts", f"{self.host.address} proxy.example\n")
        self.check(("--proxy", f"socks5://proxy.example:{PROXY_PORT}"))

    def test_eng_64_nobody_there(self):
        call = self.call(5, self.url() + ("--init-timeout", "4")).finish()
        self.assertEqual((call.caller.code, call.caller.error), (1, "PROXY"),
                         call.describe())
        self.nothing_beside_the_proxy(call)


if __name__ == "__main__":
    import unittest
    unittest.main()
