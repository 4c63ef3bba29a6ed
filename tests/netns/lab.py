# SPDX-License-Identifier: MIT
"""Small internets made of network namespaces, for calls through real kernels.

    host A -- router A -- internet -- router B -- host B
                             |
                        other hosts

The internet is one namespace with a bridge; relays run in it. Each side is a
router with a bridge for its hosts, and translates addresses as the test says.
Every name holds the number of this process; close() removes all of it, and
so does the end of the process; what a killed one has left, the next one takes
away.
"""
import atexit
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

PUBLIC = "198.51.100."      # 1, 2, 3: relays; 7: proxy; 10, 20: routers
PUBLIC6 = "2001:db8:1::"
RELAYS = (PUBLIC + "1", PUBLIC + "2")
NAME_SERVER = PUBLIC + "53"     # nobody answers there
COMMAND_S = 20
HERE = os.path.dirname(os.path.abspath(__file__))

# How a router translates. All: what comes from outside unasked is dropped,
# never answered, so that holes can be punched from both sides at once.
NAT = {
    # The same port for every peer, and everybody may send to it.
    "full-cone": """
        chain out { type nat hook postrouting priority 100;
            oifname "wan" masquerade; }
        chain in { type nat hook prerouting priority -100;
            iifname "wan" udp dport 1024-65535 dnat to HOST; }""",
    # The same port for every peer, but only who was sent to may answer.
    "port-restricted": """
        chain out { type nat hook postrouting priority 100;
            oifname "wan" masquerade; }""",
    # Another port for each peer.
    "symmetric": """
        chain out { type nat hook postrouting priority 100;
            oifname "wan" masquerade random,fully-random; }""",
}
ROUTER = """
table ip nat { BODY
}
table inet filter {
    chain unasked { type filter hook input priority 0;
        iifname "wan" meta l4proto { tcp, udp } drop; }
    chain block { type filter hook forward priority 0; }
}
"""
FIREWALL = """
table inet filter {
    chain block { type filter hook output priority 0; }
}
"""

os.environ["PATH"] += ":/usr/sbin:/sbin"

counter = itertools.count(1)
open_labs = []


def command(*args, text=None):
    """Run to the end. @return standard output"""
    done = subprocess.run(args, input=text, text=True, timeout=COMMAND_S,
                          stdin=None if text is not None
                          else subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise RuntimeError(f"{' '.join(args)}: {done.stderr.strip()}")
    return done.stdout


def why_not(*programs):
    """What keeps this machine from having labs, or None."""
    for program in ("ip", "nft", *programs):
        if not shutil.which(program):
            return f"{program} is not installed"
    lab = None
    try:
        lab = Lab()
        lab.host("probe", 250)
        lab.internet.nft(FIREWALL)
    except (RuntimeError, OSError) as e:
        if not re.search("permitted|denied|supported", str(e)):
            raise
        return f"network namespaces are not permitted here: {e}"
    finally:
        if lab:
            lab.close()
    return None


def needs(*programs):
    """Class decorator: skip every test, with the reason, where not possible."""
    reason = why_not(*programs)
    return unittest.skipIf(reason, reason)


def kill_all(name):
    """Every program in a namespace, those that programs there have started
    too."""
    done = subprocess.run(["ip", "netns", "pids", name], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for pid in done.stdout.split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def remove(name):
    subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)
    shutil.rmtree(os.path.join("/etc/netns", name), True)


class Node:
    """One namespace."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, f"{lab.prefix}-{name}"
        self.address = self.address6 = None
        lab.nodes.append(self)
        command("ip", "netns", "add", self.name)
        self.ip("link set lo up")
        self.shell("for f in all default; do "
                   "echo 0 >/proc/sys/net/ipv6/conf/$f/accept_dad; done")

    def ip(self, *lines):
        command("ip", "-n", self.name, "-batch", "-",
                text="\n".join(lines) + "\n")

    def nft(self, rules):
        command("ip", "netns", "exec", self.name, "nft", "-f", "-",
                text=rules)

    def shell(self, line):
        return command("ip", "netns", "exec", self.name, "sh", "-c", line)

    def start(self, *args, **more):
        """Start a program here; it is killed with the lab."""
        p = subprocess.Popen(["ip", "netns", "exec", self.name, *args],
                             stdin=subprocess.DEVNULL, text=True, **more)
        self.lab.started.append(p)
        return p

    def etc(self, name, text):
        """What programs here see as /etc/NAME."""
        folder = os.path.join("/etc/netns", self.name)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)

    def forward(self):
        self.shell("echo 1 >/proc/sys/net/ipv4/ip_forward; "
                   "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")

    def block(self, how="drop", what="meta l4proto udp"):
        """Let no datagrams pass any more. `how`: drop, or reject."""
        self.nft(f"add rule inet filter block {what} {how}\n")

    def unblock(self):
        self.nft("flush chain inet filter block\n")

    def listens(self, port, kind="tcp"):
        option = "-ltnH" if kind == "tcp" else "-lunH"
        return f":{port} " in self.shell(f"ss {option} sport = :{port}")

    def wait_listening(self, process, port, kind="tcp"):
        for _ in range(100):
            if process.poll() is not None:
                raise RuntimeError(f"{process.args} ended")
            if self.listens(port, kind):
                return
            time.sleep(0.03)
        raise RuntimeError(f"nobody listens on port {port}")


class Lab:
    def __init__(self):
        self.prefix = f"tgvoip{os.getpid()}-{next(counter)}"
        self.nodes, self.started = [], []
        open_labs.append(self)
        self.internet = Node(self, "net")
        self.internet.ip(
            "link add br0 type bridge", "link set br0 up",
            *(f"addr add {a}/24 dev br0" for a in RELAYS),
            f"addr add {PUBLIC6}1/64 dev br0 nodad",
            f"addr add {PUBLIC6}2/64 dev br0 nodad")

    def wire(self, node, device, at, bridge):
        """A cable from a node's device to a bridge of another."""
        port = f"p{next(counter)}"
        at.ip(f"link add {port} type veth peer name {device} "
              f"netns {node.name}",
              f"link set {port} master {bridge} up")
        node.ip(f"link set {device} up")

    def host(self, name, number):
        """A host in the internet itself."""
        node = Node(self, name)
        node.address = f"{PUBLIC}{number}"
        self.wire(node, "eth0", self.internet, "br0")
        node.ip(f"addr add {node.address}/24 dev eth0")
        return node

    def side(self, letter, nat="port-restricted", hosts=1, ipv4=True,
             ipv6=False):
        """A router and its hosts. @return (router, host...)"""
        index = "ab".index(letter) + 1
        router = Node(self, f"router-{letter}")
        router.address = f"{PUBLIC}{index}0"
        self.wire(router, "wan", self.internet, "br0")
        router.ip("link add lan type bridge", "link set lan up")
        router.forward()
        if ipv4:
            router.ip(f"addr add {router.address}/24 dev wan",
                      f"addr add 192.168.{index}.1/24 dev lan")
        if ipv6:
            lan6 = f"2001:db8:a{index}::"
            router.ip(f"addr add {PUBLIC6}{index}0/64 dev wan nodad",
                      f"addr add {lan6}1/64 dev lan nodad")
            self.internet.ip(
                f"route add {lan6}/64 via {PUBLIC6}{index}0 dev br0")
        router.nft(ROUTER.replace("BODY", NAT[nat]).replace(
            "HOST", f"192.168.{index}.2"))
        if ipv6:    # one side's hosts may reach the other's
            router.ip(f"route add default via {PUBLIC6}1 dev wan")
            self.internet.forward()
        return (router, *(self.lan_host(router, letter, n, ipv4, ipv6)
                          for n in range(2, 2 + hosts)))

    def lan_host(self, router, letter, number, ipv4, ipv6):
        index = "ab".index(letter) + 1
        node = Node(self, f"host-{letter}{number}")
        self.wire(node, "eth0", router, "lan")
        if ipv4:
            node.address = f"192.168.{index}.{number}"
            node.ip(f"addr add {node.address}/24 dev eth0",
                    f"route add default via 192.168.{index}.1 dev eth0")
        if ipv6:
            node.address6 = f"2001:db8:a{index}::{number}"
            node.ip(f"addr add {node.address6}/64 dev eth0 nodad",
                    f"route add default via 2001:db8:a{index}::1 dev eth0")
        node.nft(FIREWALL)
        node.etc("resolv.conf", f"nameserver {NAME_SERVER}\n"
                 "options timeout:1 attempts:1\n")
        return node

    def capture(self, node, path):
        """Begin to write down every frame that leaves a node.
        @return a function that ends it and returns the frames"""
        p = node.start(sys.executable, os.path.join(HERE, "sniff.py"), path,
                       stdout=subprocess.PIPE)
        if p.stdout.readline() != "ready\n":
            raise RuntimeError("no capture")

        def end():
            p.send_signal(signal.SIGTERM)
            p.communicate(timeout=COMMAND_S)
            with open(path) as f:
                return [line.split() for line in f]
        return end

    def close(self):
        if self not in open_labs:
            return
        open_labs.remove(self)
        for p in self.started:
            if p.poll() is None:
                p.kill()
            p.communicate()
        for node in self.nodes:
            kill_all(node.name)
            remove(node.name)


@atexit.register
def close_all():
    for lab in list(open_labs):
        lab.close()


def sweep():
    """Remove what processes have left that are no more."""
    for name in re.findall(r"(?m)^tgvoip\d+-\S+", command("ip", "netns")):
        pid = re.match(r"tgvoip(\d+)-", name).group(1)
        if os.path.exists(f"/proc/{pid}"):
            continue
        kill_all(name)
        remove(name)


if shutil.which("ip"):
    sweep()
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
