"""pyroute2 as a client of the daemon's socket.

pyroute2 speaks to a netlink socket; the daemon listens on a Unix socket. Between them stands a small
proxy: one end of a pair of datagram sockets is pyroute2's, and two threads carry messages from the
other end to the daemon and back, one datagram for each netlink message. What `bind` and `setsockopt`
do to a netlink socket becomes a message of the daemon's own (NEIGH_SETSOCKOPT).
"""

import errno
import socket
import struct
import sys
import threading

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

NEIGH_SETSOCKOPT = 0x7F00
ADD_MEMBERSHIP = 1
RTNLGRP_NEIGH = 3
RTMGRP_NEIGH = 1 << (RTNLGRP_NEIGH - 1)
SOL_NETLINK = 270


def messages(data):
    """The whole messages at the beginning of `data`, and what is left of it."""
    found = []
    while len(data) >= 16:
        (length,) = struct.unpack_from("=I", data)
        if length < 16 or len(data) < length:
            break
        found.append(data[:length])
        data = data[(length + 3) & ~3 :]
    return found, data


class Netlink(socket.socket):
    """One end of a pair of datagram sockets that behaves as a netlink socket does."""

    def __init__(self, path):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        super().__init__(ours.family, ours.type, fileno=ours.detach())
        self.stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.stream.connect(path)
        self.theirs = theirs
        for carry in (self.out, self.back):
            threading.Thread(target=carry, daemon=True).start()

    def out(self):
        while data := self.theirs.recv(1 << 20):
            self.stream.sendall(data)

    def back(self):
        rest = b""
        while data := self.stream.recv(1 << 16):
            whole, rest = messages(rest + data)
            for message in whole:
                self.theirs.send(message)
        self.theirs.close()

    def option(self, option, value):
        payload = struct.pack("=II", option, value)
        head = struct.pack("=IHHII", 16 + len(payload), NEIGH_SETSOCKOPT, 1, 0, 0)
        self.send(head + payload)

    def bind(self, address):
        _, groups = address
        if groups & RTMGRP_NEIGH:
            self.option(ADD_MEMBERSHIP, RTNLGRP_NEIGH)

    def setsockopt(self, level, option, value):
        if level == SOL_NETLINK:
            self.option(option, value)

    def sendto(self, data, *address):
        return self.send(data)


def client(path, groups=0):
    ipr = IPRoute(use_socket=Netlink(path))
    ipr.bind(groups=groups)
    return ipr


def seen(message):
    return message["event"], message.get_attr("NDA_DST"), message.get_attr("NDA_LLADDR"), message["state"]


def main(path):
    ipr, watcher = client(path), client(path, RTMGRP_NEIGH)
    # The watcher is a member once something else it asked for was answered: requests are answered in turn.
    watcher.get_neighbours()

    links = {link.get_attr("IFLA_IFNAME"): link["index"] for link in ipr.get_links()}
    v1 = links["v1"]

    # Add, of both families.
    peer = "02:00:00:00:00:50"
    ipr.neigh("add", dst="192.0.2.50", lladdr=peer, ifindex=v1, state="permanent")
    ipr.neigh("add", dst="2001:db8::50", lladdr=peer, ifindex=v1, state="stale")

    # Dump: of a family, of an interface, of another.
    def dump(**match):
        return {(n.get_attr("NDA_DST"), n.get_attr("NDA_LLADDR"), n["state"]) for n in ipr.get_neighbours(**match)}

    assert ("192.0.2.50", peer, 0x80) in dump(family=socket.AF_INET), dump(family=socket.AF_INET)
    assert ("2001:db8::50", peer, 0x04) in dump(family=socket.AF_INET6), dump(family=socket.AF_INET6)
    assert not any(dst and ":" in dst for dst, _, _ in dump(family=socket.AF_INET))
    assert ("192.0.2.50", peer, 0x80) in dump(family=socket.AF_INET, ifindex=v1)
    lo = links["lo"]
    assert ("192.0.2.50", peer, 0x80) not in dump(family=socket.AF_INET, ifindex=lo)

    # Get one.
    (one,) = ipr.neigh("get", dst="192.0.2.50", ifindex=v1)
    assert (one.get_attr("NDA_LLADDR"), one["state"]) == (peer, 0x80), one

    # Change, and be refused: a second `add`, a state without an address, an interface that is not there.
    other = "02:00:00:00:00:51"
    ipr.neigh("replace", dst="192.0.2.50", lladdr=other, ifindex=v1, state="permanent")

    def refused(expected, *words, **request):
        try:
            ipr.neigh(*words, **request)
        except NetlinkError as error:
            assert error.code == expected, (error.code, expected, request)
            return
        raise AssertionError(f"not refused: {words} {request}")

    refused(errno.EEXIST, "add", dst="192.0.2.50", lladdr=other, ifindex=v1, state="permanent")
    refused(errno.EINVAL, "add", dst="192.0.2.52", ifindex=v1, state="permanent")
    refused(errno.ENODEV, "add", dst="192.0.2.52", lladdr=other, ifindex=9999, state="permanent")
    refused(errno.ENOENT, "del", dst="192.0.2.99", ifindex=v1)

    # Delete.
    ipr.neigh("del", dst="192.0.2.50", ifindex=v1)
    assert not any(dst == "192.0.2.50" and state == 0x80 for dst, _, state in dump(family=socket.AF_INET))

    # The watcher was told of all of it, in order.
    told = []
    while ("RTM_DELNEIGH", "192.0.2.50") not in [entry[:2] for entry in told]:
        told += [seen(message) for message in watcher.get()]
    mine = [entry for entry in told if entry[1] in ("192.0.2.50", "2001:db8::50")]
    assert mine[:3] == [
        ("RTM_NEWNEIGH", "192.0.2.50", peer, 0x80),
        ("RTM_NEWNEIGH", "2001:db8::50", peer, 0x04),
        ("RTM_NEWNEIGH", "192.0.2.50", other, 0x80),
    ], mine

    # The tables' parameters.
    tables = ipr.get_ntables() if hasattr(ipr, "get_ntables") else None
    if tables is None:
        from pyroute2.netlink import NLM_F_DUMP, NLM_F_REQUEST
        from pyroute2.netlink.rtnl.ndtmsg import ndtmsg

        tables = ipr.nlm_request(ndtmsg(), 66, NLM_F_REQUEST | NLM_F_DUMP)
    names = {table.get_attr("NDTA_NAME") for table in tables}
    assert names == {"arp_cache", "ndisc_cache"}, names
    print("pyroute2 is content")


if __name__ == "__main__":
    main(sys.argv[1])
