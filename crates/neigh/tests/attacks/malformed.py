"""Sends ARP and ND that nobody should believe, from addresses that nobody else has: 192.0.2.2xx and ...:bad:n."""

import sys

from scapy.all import (
    ARP,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RA,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptPrefixInfo,
    ICMPv6NDOptRDNSS,
    ICMPv6NDOptSrcLLAddr,
    Dot1Q,
    Ether,
    IPv6,
    IPv6ExtHdrFragment,
    Raw,
    conf,
    raw,
    sendp,
)

interface = sys.argv[1]
conf.verb = 0
MAC = "02:00:00:00:66:66"
OURS = "02:00:00:00:00:99"
frames = []


def arp(n, **fields):
    packet = {"op": 1, "hwsrc": MAC, "psrc": f"192.0.2.{200 + n}", "pdst": "192.0.2.2", **fields}
    return Ether(src=MAC, dst="ff:ff:ff:ff:ff:ff") / ARP(**packet)


frames += [
    arp(0, hwlen=5),
    arp(1, plen=3),
    arp(2, hwtype=17),
    arp(3, ptype=0x86DD),
    arp(4, op=0),
    arp(5, op=4),
    arp(6, op=25),
    Ether(raw(arp(7))[:30]),
    Ether(raw(arp(8))[:17]),
    Ether(src=MAC, dst="ff:ff:ff:ff:ff:ff") / Dot1Q(vlan=9) / ARP(psrc="192.0.2.209", pdst="192.0.2.2"),
]


def source(n):
    return f"2001:db8::bad:{n:x}"


def nd(n, message, hlim=255, src=None, dst="2001:db8::2"):
    return Ether(src=MAC, dst=OURS) / IPv6(src=src or source(n), dst=dst, hlim=hlim) / message


own = "2001:db8::2"
sllao = ICMPv6NDOptSrcLLAddr(lladdr=MAC)
frames += [
    nd(1, ICMPv6ND_NS(tgt=own) / sllao, hlim=64),
    nd(2, ICMPv6ND_NS(tgt=own, code=3) / sllao),
    nd(3, ICMPv6ND_NS(tgt=own, cksum=0xBEEF) / sllao),
    nd(4, ICMPv6ND_NS(tgt="ff02::1") / sllao),
    nd(5, ICMPv6ND_NS(tgt=own) / Raw(b"\x01\x00" + b"\x02" * 6)),
    nd(6, ICMPv6ND_NS(tgt=own) / Raw(b"\x01\x20" + b"\x02" * 6)),
    nd(7, ICMPv6ND_NS(tgt=own) / Raw(b"\x01\x02" + b"\x02" * 14)),
    nd(8, ICMPv6ND_NA(tgt=source(8), S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=MAC)),
    nd(9, ICMPv6ND_NA(tgt=source(9), S=1) / ICMPv6NDOptDstLLAddr(lladdr=MAC), dst="ff02::1"),
    nd(10, ICMPv6ND_RA() / sllao),
    nd(11, ICMPv6ND_RA() / ICMPv6NDOptPrefixInfo(prefixlen=200, prefix="2001:db8:bad::"), src="2001:db8::bad:b"),
    nd(12, ICMPv6ND_RA() / ICMPv6NDOptRDNSS(len=4, dns=["2001:db8::53"]), src="2001:db8::bad:c"),
    nd(13, ICMPv6ND_NS(tgt=own) / sllao, src="ff02::bad"),
    Ether(src=MAC, dst=OURS)
    / IPv6(src=source(14), dst=own, hlim=255, nh=44)
    / IPv6ExtHdrFragment(nh=58, m=1)
    / ICMPv6ND_NS(tgt=own)
    / sllao,
]
whole = raw(nd(15, ICMPv6ND_NS(tgt=own) / sllao))
frames += [Ether(whole[:length]) for length in range(14, len(whole), 3)]

# What scapy thinks is wrong with a frame is the point: it goes out as it is.
sendp([Raw(raw(frame)) for frame in frames], iface=interface)
print(f"{len(frames)} frames were sent")
