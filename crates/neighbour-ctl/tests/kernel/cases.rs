//! The requests, as bytes.

use crate::twin::{D6, V0};

pub(crate) const DUMP: u16 = 0x300;
const ACK: u16 = 4;
const CREATE: u16 = 0x400;
const EXCL: u16 = 0x200;
const REPLACE: u16 = 0x100;

const NEW: u16 = 28;
const DEL: u16 = 29;
const GET: u16 = 30;
const GETTBL: u16 = 66;
const SETTBL: u16 = 67;

const DST: u16 = 1;
const LLADDR: u16 = 2;
const FLAGS_EXT: u16 = 15;

const PERMANENT: u16 = 0x80;
const PROXY: u8 = 8;

/// One request.
pub(crate) struct Case {
    /// What it is about, with the rule.
    pub(crate) name: &'static str,
    kind: u16,
    pub(crate) flags: u16,
    payload: Vec<u8>,
}

impl Case {
    pub(crate) fn message(&self) -> Vec<u8> {
        let len = 16 + self.payload.len() as u32;
        let mut message = len.to_ne_bytes().to_vec();
        message.extend(self.kind.to_ne_bytes());
        message.extend((self.flags | 1).to_ne_bytes());
        message.extend(77_u32.to_ne_bytes());
        message.extend([0; 4]);
        message.extend(&self.payload);
        message
    }
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = (4 + value.len() as u16).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// `struct ndmsg`.
#[derive(Clone, Copy)]
struct Nd {
    family: u8,
    pad1: u8,
    pad2: u16,
    index: u32,
    state: u16,
    flags: u8,
    kind: u8,
}

const ND: Nd = Nd { family: 2, pad1: 0, pad2: 0, index: V0, state: 0, flags: 0, kind: 0 };
const PERM: Nd = Nd { state: PERMANENT, ..ND };
const ALL: Nd = Nd { index: 0, ..ND };

impl Nd {
    fn with(self, attributes: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![self.family, self.pad1];
        bytes.extend(self.pad2.to_ne_bytes());
        bytes.extend(self.index.to_ne_bytes());
        bytes.extend(self.state.to_ne_bytes());
        bytes.extend([self.flags, self.kind]);
        bytes.extend(attributes.concat());
        bytes
    }
}

fn v4(last: u8) -> Vec<u8> {
    attribute(DST, &[10, 9, 0, last])
}

fn v6(last: u8) -> Vec<u8> {
    let mut address = [0; 16];
    (address[0], address[1], address[15]) = (0xfd, 0x09, last);
    attribute(DST, &address)
}

fn mac() -> Vec<u8> {
    attribute(LLADDR, &[2, 0, 0, 0, 0, 9])
}

fn ext(bits: u32) -> Vec<u8> {
    attribute(FLAGS_EXT, &bits.to_ne_bytes())
}

fn case(name: &'static str, kind: u16, flags: u16, payload: Vec<u8>) -> Case {
    Case { name, kind, flags, payload }
}

/// RTM_NEWNEIGH and RTM_DELNEIGH.
pub(crate) fn changes() -> Vec<Case> {
    let new = |name, payload| case(name, NEW, ACK | CREATE, payload);
    let odd = |name, kind: u16, value: &[u8]| new(name, PERM.with(&[v4(9), mac(), attribute(kind, value)]));
    let del = |name, payload| case(name, DEL, ACK, payload);
    let broken = |kind: u16, len: u16| [len.to_ne_bytes(), kind.to_ne_bytes()].concat();
    vec![
        new("header cut", vec![2, 0, 0, 0]),
        new("no family even", vec![]),
        case("a type of netlink's own", 5, ACK, vec![]),
        case("an unknown type", 1000, ACK, vec![]),
        new("NL-9 no DST", PERM.with(&[mac()])),
        new("NL-8 DST of 33 bytes", PERM.with(&[attribute(DST, &[1; 33]), mac()])),
        new("NL-8 LLADDR of 33 bytes", PERM.with(&[v4(9), attribute(LLADDR, &[2; 33])])),
        odd("NL-8 FLAGS_EXT bit 1", FLAGS_EXT, &2_u32.to_ne_bytes()),
        odd("NL-8 FLAGS_EXT bit 4", FLAGS_EXT, &16_u32.to_ne_bytes()),
        odd("NL-8 FLAGS_EXT short", FLAGS_EXT, &[0; 2]),
        odd("NL-8 FLAGS_EXT long", FLAGS_EXT, &[0; 8]),
        odd("NL-8 PROBES short", 4, &[0; 2]),
        odd("NL-8 PROTOCOL long", 12, &[4, 0, 0, 0]),
        odd("NL-8 PROTOCOL empty", 12, &[]),
        odd("NL-8 VLAN short", 5, &[0]),
        odd("NL-8 PORT short", 6, &[0]),
        odd("NL-8 VNI short", 7, &[0]),
        odd("NL-8 CACHEINFO short", 3, &[0]),
        odd("NL-8 LINK_NETNSID", 10, &[0]),
        odd("NL-8 SRC_VNI", 11, &[0]),
        odd("NL-8 NH_ID short", 13, &[0; 2]),
        odd("NL-8 NH_ID", 13, &[0; 4]),
        odd("NL-8 NH_ID with the nested flag", 13 | 0x8000, &[0; 4]),
        odd("NL-8 FDB_EXT_ATTRS not nested", 14, &[0; 4]),
        odd("NL-8 FDB_EXT_ATTRS nested", 14 | 0x8000, &[]),
        odd("NL-8 NDM_STATE_MASK", 16, &[0; 2]),
        odd("NL-8 NDM_FLAGS_MASK", 17, &[0]),
        odd("NL-8 attribute 18", 18, &[0]),
        odd("NL-8 attribute 99", 99, &[0]),
        odd("NL-8 attribute 0", 0, &[0]),
        odd("NL-8 IFINDEX short", 8, &[0]),
        odd("NL-8 MASTER short", 9, &[0]),
        new("bytes left over", PERM.with(&[v4(9), mac(), vec![1, 0]])),
        new("an attribute past the end", PERM.with(&[v4(9), mac(), broken(1, 50)])),
        new("an attribute shorter than its header", PERM.with(&[v4(9), mac(), broken(1, 2)])),
        new("of two DST the last counts", PERM.with(&[v4(33), v4(9), mac()])),
        del("which is the one to be deleted", ND.with(&[v4(9)])),
        new("NL-10 unknown device", Nd { index: 9999, ..PERM }.with(&[v4(9), mac()])),
        new("NL-10 negative device", Nd { index: u32::MAX, ..PERM }.with(&[v4(9), mac()])),
        new("NL-10 LLADDR short", PERM.with(&[v4(9), attribute(LLADDR, &[2, 0, 0])])),
        new("NL-10 LLADDR empty", PERM.with(&[v4(9), attribute(LLADDR, &[])])),
        new("NL-10 LLADDR long", PERM.with(&[v4(34), attribute(LLADDR, &[2, 0, 0, 0, 0, 9, 9, 9])])),
        new("NL-11 family 99", Nd { family: 99, ..PERM }.with(&[v4(9), mac()])),
        new("NL-11 family 0", Nd { family: 0, ..PERM }.with(&[v4(9), mac()])),
        new("NL-7 bridges", Nd { family: 7, ..PERM }.with(&[v4(9), mac()])),
        new("NL-11 DST short for IPv6", Nd { family: 10, ..PERM }.with(&[v4(9), mac()])),
        new("NL-11 DST short", PERM.with(&[attribute(DST, &[1, 2]), mac()])),
        new("NL-11 DST empty", PERM.with(&[attribute(DST, &[]), mac()])),
        new("NL-11 DST long", PERM.with(&[attribute(DST, &[10, 9, 0, 51, 1, 1, 1, 1]), mac()])),
        new("NL-10 before NL-11", Nd { index: 9999, family: 99, ..PERM }.with(&[v4(9), mac()])),
        new("NL-12 proxy managed", Nd { flags: PROXY, ..PERM }.with(&[v4(60), ext(1)])),
        new("NL-12 proxy validated", Nd { flags: PROXY, ..PERM }.with(&[v4(60), ext(4)])),
        new("PXY-6 proxy IPv6 without device", Nd { family: 10, flags: PROXY, ..ALL }.with(&[v6(9)])),
        new("NL-12 proxy IPv4 without device", Nd { flags: PROXY, ..ALL }.with(&[v4(77)])),
        new("PXY-4 proxy again, with a device", Nd { flags: PROXY, ..ND }.with(&[v4(77)])),
        del("PXY-7 proxy of the device", Nd { flags: PROXY, ..ND }.with(&[v4(77)])),
        del("PXY-7 proxy without device", Nd { flags: PROXY, ..ALL }.with(&[v4(77)])),
        new("NL-13 no device", Nd { index: 0, ..PERM }.with(&[v4(9), mac()])),
        new("NL-13 IPv6 off", Nd { family: 10, index: D6, ..PERM }.with(&[v6(9), mac()])),
        case(
            "NL-13 IPv6 off, no create",
            NEW,
            ACK,
            Nd { family: 10, index: D6, ..PERM }.with(&[v6(9), mac()]),
        ),
        case("NL-14 no CREATE", NEW, ACK, PERM.with(&[v4(35), mac()])),
        case("NL-14 no CREATE but REPLACE", NEW, ACK | REPLACE, PERM.with(&[v4(35), mac()])),
        new("NL-14 permanent and managed", PERM.with(&[v4(36), mac(), ext(1)])),
        new("NL-14 validated and NONE", ND.with(&[v4(37), mac(), ext(4)])),
        new("NL-14 validated and USE", Nd { state: 2, flags: 1, ..ND }.with(&[v4(38), mac(), ext(4)])),
        new("NL-14 validated and STALE", Nd { state: 4, ..ND }.with(&[v4(39), mac(), ext(4)])),
        new("NL-18 a state of 16 bits", Nd { state: 0x1204, ..ND }.with(&[v4(40), mac()])),
        new("NL-23 a type", Nd { kind: 5, ..PERM }.with(&[v4(41), mac()])),
        new("DM-10 all flags but PROXY and USE", Nd { flags: 0xf6, ..PERM }.with(&[v4(42), mac()])),
        case("NL-15 EXCL", NEW, ACK | CREATE | EXCL, PERM.with(&[v4(42), mac()])),
        case(
            "NL-15 validated and FAILED",
            NEW,
            ACK | REPLACE,
            Nd { state: 0x20, ..ND }.with(&[v4(42), mac(), ext(4)]),
        ),
        new("NL-15 another address without REPLACE", PERM.with(&[v4(42), attribute(LLADDR, &[2; 6])])),
        new("NL-20 no address", PERM.with(&[v4(43)])),
        new("NL-20 NOARP without address", Nd { state: 0x40, ..ND }.with(&[v4(44)])),
        new("NL-17 protocol", PERM.with(&[v4(45), mac(), attribute(12, &[16])])),
        new("NL-17 protocol 0 changes nothing", PERM.with(&[v4(45), mac(), attribute(12, &[0])])),
        new("a group", PERM.with(&[attribute(DST, &[224, 0, 0, 9]), mac()])),
        new("our own address", Nd { state: 4, ..ND }.with(&[v4(1), mac()])),
        new("IPv6", Nd { family: 10, ..PERM }.with(&[v6(9), mac()])),
        del("NL-25 header cut", vec![2, 0, 0, 0]),
        del("NL-25 no DST", ND.with(&[])),
        del("NL-25 unknown device", Nd { index: 9999, ..ND }.with(&[v4(9)])),
        del("NL-25 family 99", Nd { family: 99, ..ND }.with(&[v4(9)])),
        del("NL-25 family 0", Nd { family: 0, ..ND }.with(&[v4(9)])),
        del("NL-25 DST short", ND.with(&[attribute(DST, &[1, 2])])),
        del("NL-25 DST long", ND.with(&[attribute(DST, &[10, 9, 0, 51, 1, 1, 1, 1])])),
        del("NL-25 DST of 33 bytes", ND.with(&[attribute(DST, &[1; 33])])),
        del("NL-25 no such proxy", Nd { flags: PROXY, ..ND }.with(&[v4(9)])),
        del("NL-25 no device", ALL.with(&[v4(9)])),
        del("NL-25 not there", ND.with(&[v4(88)])),
        del("NL-25 bytes left over", ND.with(&[v4(88), vec![1, 0]])),
        del("NL-29 permanent", ND.with(&[v4(45)])),
        del("NL-25 of two DST the first counts", ND.with(&[v4(42), v4(88)])),
        // What became of it all.
        case("NL-20, NL-39 the table in the end", GET, DUMP, vec![2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        case("PXY-10 the proxies in the end", GET, DUMP, Nd { flags: PROXY, ..ALL }.with(&[])),
    ]
}

/// A neighbour and a proxy entry of each kind.
fn inhabitants() -> Vec<Case> {
    let new = |name, payload| case(name, NEW, ACK | CREATE, payload);
    vec![
        new("an entry", PERM.with(&[v4(5), mac()])),
        new("an entry with flags", Nd { state: 4, flags: 0x90, ..ND }.with(&[v4(6), mac(), ext(4)])),
        new("an entry of IPv6", Nd { family: 10, ..PERM }.with(&[v6(5), mac()])),
        new("a proxy", Nd { flags: PROXY, ..ND }.with(&[v4(60)])),
        new("a proxy without device", Nd { flags: PROXY, ..ALL }.with(&[v4(61)])),
    ]
}

/// A proxy entry without device is seen in other namespaces, too, until its own is gone: tidy up.
fn last() -> Case {
    case("the proxy without device goes", DEL, ACK, Nd { flags: PROXY, ..ALL }.with(&[v4(61)]))
}

/// RTM_GETNEIGH for one.
pub(crate) fn gets() -> Vec<Case> {
    let get = |name, payload| case(name, GET, ACK, payload);
    let mut cases = inhabitants();
    cases.extend([
        get("NL-30 header cut", vec![2, 0, 0, 0]),
        get("NL-30 pad", Nd { pad1: 1, ..ND }.with(&[v4(5)])),
        get("NL-30 pad", Nd { pad2: 1, ..ND }.with(&[v4(5)])),
        get("NL-30 state", Nd { state: 1, ..ND }.with(&[v4(5)])),
        get("NL-30 type", Nd { kind: 1, ..ND }.with(&[v4(5)])),
        get("NL-30 flags", Nd { flags: 0x10, ..ND }.with(&[v4(5)])),
        get("NL-30 flags and PROXY", Nd { flags: 0x18, ..ND }.with(&[v4(5)])),
        get("NL-30 no device", ALL.with(&[v4(5)])),
        get("NL-30 no device before the family", Nd { family: 99, ..ALL }.with(&[v4(5)])),
        get("NL-30 no DST", ND.with(&[])),
        get("NL-30 no DST before the family", Nd { family: 99, ..ND }.with(&[])),
        get("NL-30 another attribute", ND.with(&[v4(5), mac()])),
        get("NL-30 IFINDEX", ND.with(&[v4(5), attribute(8, &V0.to_ne_bytes())])),
        get("NL-30 attribute 30", ND.with(&[v4(5), attribute(30, &[0; 4])])),
        get("NL-30 only another attribute", ND.with(&[mac()])),
        get("NL-30 FLAGS_EXT", ND.with(&[v4(5), ext(1)])),
        get("NL-30 bytes left over", ND.with(&[v4(5), vec![1, 0]])),
        get("NL-31 family 99", Nd { family: 99, ..ND }.with(&[v4(5)])),
        get("NL-31 family 0", Nd { family: 0, ..ND }.with(&[v4(5)])),
        get("NL-31 DST long", ND.with(&[attribute(DST, &[10, 9, 0, 5, 1, 1, 1, 1])])),
        get("NL-31 DST short", ND.with(&[attribute(DST, &[10, 9])])),
        get("NL-8 DST of 33 bytes", ND.with(&[attribute(DST, &[1; 33])])),
        get("NL-31 unknown device", Nd { index: 9999, ..ND }.with(&[v4(5)])),
        get("NL-31 DST before the device", Nd { index: 9999, ..ND }.with(&[attribute(DST, &[10, 9])])),
        get("NL-31 not there", ND.with(&[v4(88)])),
        get("NL-31 proxy not there", Nd { flags: PROXY, ..ND }.with(&[v4(88)])),
        get("PXY-3 proxy without device is not one with", Nd { flags: PROXY, ..ALL }.with(&[v4(60)])),
        get("NL-32 an entry", ND.with(&[v4(5)])),
        get("NL-4 an entry with flags", ND.with(&[v4(6)])),
        get("NL-32 an entry of IPv6", Nd { family: 10, ..ND }.with(&[v6(5)])),
        get("NL-32 a proxy", Nd { flags: PROXY, ..ND }.with(&[v4(60)])),
        get("PXY-2 a proxy without device is everybody's", Nd { flags: PROXY, ..ND }.with(&[v4(61)])),
        get("NL-32 a proxy without device", Nd { flags: PROXY, ..ALL }.with(&[v4(61)])),
        last(),
    ]);
    cases
}

/// RTM_GETNEIGH for all; for both strictnesses.
pub(crate) fn dumps() -> Vec<Case> {
    let dump = |name, payload| case(name, GET, DUMP, payload);
    let index = |value: u32| attribute(8, &value.to_ne_bytes());
    let master = |value: u32| attribute(9, &value.to_ne_bytes());
    let broken = [50_u16.to_ne_bytes(), 1_u16.to_ne_bytes()].concat();
    let mut cases = inhabitants();
    cases.extend([
        dump("NL-36 the family alone", vec![2, 0, 0, 0]),
        dump("NL-36 one byte", vec![2]),
        dump("NL-36 a proxy flag in a short header", vec![2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8]),
        dump("NL-35 pad", Nd { pad1: 1, ..ALL }.with(&[])),
        dump("NL-35, NL-36 ifindex", ND.with(&[])),
        dump("NL-35 state", Nd { state: 1, ..ALL }.with(&[])),
        dump("NL-35 type", Nd { kind: 1, ..ALL }.with(&[])),
        dump("NL-35 flags", Nd { flags: 0x10, ..ALL }.with(&[])),
        dump("NL-34 flags and PROXY", Nd { flags: 0x18, ..ALL }.with(&[])),
        dump("NL-35 DST", ALL.with(&[v4(5)])),
        dump("NL-35 attribute 30", ALL.with(&[attribute(30, &[0; 4])])),
        dump("NL-35 IFINDEX short", ALL.with(&[attribute(8, &[0])])),
        dump("NL-35 bytes left over", ALL.with(&[vec![1, 0]])),
        dump("NL-35 an attribute past the end", ALL.with(&[broken])),
        dump("NL-36 IFINDEX", ALL.with(&[index(V0)])),
        dump("NL-36 IFINDEX 0", ALL.with(&[index(0)])),
        dump("NL-36 IFINDEX of nobody", ALL.with(&[index(9999)])),
        dump("NL-37 MASTER none", ALL.with(&[master(u32::MAX)])),
        dump("NL-37 MASTER of nobody", ALL.with(&[master(9999)])),
        dump("NL-37 MASTER 0", ALL.with(&[master(0)])),
        dump("NL-38 family 99", Nd { family: 99, ..ALL }.with(&[])),
        dump("NL-38 family 0", Nd { family: 0, ..ALL }.with(&[])),
        dump("NL-34 proxies", Nd { flags: PROXY, ..ALL }.with(&[])),
        dump("NL-34 proxies of a device", Nd { flags: PROXY, ..ALL }.with(&[index(V0)])),
        dump("NL-34 proxies without master", Nd { flags: PROXY, ..ALL }.with(&[master(u32::MAX)])),
        case("an ack of a dump is its end", GET, DUMP | ACK, ALL.with(&[])),
        last(),
    ]);
    cases
}

/// RTM_GETNEIGHTBL.
pub(crate) fn dump_of_tables(family: u8) -> Case {
    case("tables", GETTBL, DUMP, vec![family, 0, 0, 0])
}

/// RTM_GETNEIGHTBL where it is refused, RTM_SETNEIGHTBL as far as it goes in any namespace.
pub(crate) fn tables() -> Vec<Case> {
    let table = |family: u8, attributes: &[Vec<u8>]| [vec![family, 0, 0, 0], attributes.concat()].concat();
    let name = |text: &str| attribute(1, format!("{text}\0").as_bytes());
    let parms = |values: &[Vec<u8>]| attribute(6, &values.concat());
    let index = |value: u32| attribute(1, &value.to_ne_bytes());
    let time = |kind, value: u64| attribute(kind, &value.to_ne_bytes());
    let set = |text, payload| case(text, SETTBL, ACK, payload);
    let of_v0 = |values: &[Vec<u8>]| {
        table(2, &[name("arp_cache"), parms(&[vec![index(V0)], values.to_vec()].concat())])
    };
    vec![
        case("TBL-6 pad", GETTBL, DUMP, vec![2, 1, 0, 0]),
        case("TBL-6 header cut", GETTBL, DUMP, vec![2]),
        case("TBL-6 an attribute", GETTBL, DUMP, table(2, &[name("arp_cache")])),
        case("family 99", GETTBL, DUMP, vec![99, 0, 0, 0]),
        case("TBL-7 there is no single one", GETTBL, ACK, vec![2, 0, 0, 0]),
        set("TBL-8 no name", table(2, &[])),
        set("header cut", vec![2]),
        set("TBL-8 unknown name", table(2, &[name("nope")])),
        set("TBL-8 wrong family", table(10, &[name("arp_cache")])),
        set("TBL-8 no family", table(0, &[name("arp_cache")])),
        set("a name alone", table(2, &[name("arp_cache")])),
        set("TBL-9 unknown device", table(2, &[name("arp_cache"), parms(&[index(9999), time(5, 1000)])])),
        set("a time short", of_v0(&[attribute(5, &[0; 4])])),
        set("a count short", of_v0(&[attribute(9, &[0])])),
        set("a threshold short", table(2, &[name("arp_cache"), attribute(2, &[0])])),
        set("gc_interval short", table(2, &[name("arp_cache"), attribute(8, &[0; 4])])),
        set("TBL-14 interval_probe_time 0", of_v0(&[time(19, 0)])),
        set("TBL-10 reachable_time and refcnt are passed over", of_v0(&[time(3, 1), attribute(2, &[0; 4])])),
        set(
            "TBL-9 a device without IPv6",
            table(10, &[name("ndisc_cache"), parms(&[index(V0), time(5, 2000)])]),
        ),
        set("bytes left over", [table(2, &[name("arp_cache")]), vec![1, 0]].concat()),
    ]
}

/// RTM_NEWADDR, RTM_DELADDR, RTM_NEWLINK.
pub(crate) fn addresses() -> Vec<Case> {
    let head =
        |family: u8, len: u8, index: u32| [vec![family, len, 0, 0], index.to_ne_bytes().to_vec()].concat();
    let v4 = |last: u8| attribute(2, &[10, 9, 9, last]);
    let own = [attribute(2, &[10, 9, 0, 1]), attribute(1, &[10, 9, 0, 1])].concat();
    let v6 = |last: u8| {
        let mut address = [0; 16];
        (address[0], address[1], address[15]) = (0xfd, 0x09, last);
        attribute(2, &address)
    };
    let add = |name, payload| case(name, 20, ACK | CREATE | EXCL, payload);
    let del = |name, payload| case(name, 21, ACK, payload);
    let link = |index: u32, up: u32| [vec![0; 4], [index, up, 1].map(u32::to_ne_bytes).concat()].concat();
    vec![
        add("unknown device", [head(2, 24, 9999), v4(9)].concat()),
        add("there already", [head(2, 16, V0), own.clone()].concat()),
        add("no address", head(2, 24, V0)),
        add("a long prefix", [head(2, 33, V0), v4(9)].concat()),
        add("header cut", vec![2]),
        add("family 99", [head(99, 24, V0), v4(9)].concat()),
        add("one more", [head(2, 24, V0), v4(9)].concat()),
        del("and not any more", [head(2, 24, V0), v4(9)].concat()),
        del("not there", [head(2, 24, V0), v4(9)].concat()),
        del("another prefix", [head(2, 24, V0), own].concat()),
        del("unknown device", [head(2, 24, 9999), v4(9)].concat()),
        add("IPv6 there already", [head(10, 64, V0), v6(1)].concat()),
        add("IPv6 a long prefix", [head(10, 129, V0), v6(5)].concat()),
        add("IPv6 no address", head(10, 64, V0)),
        add("IPv6 unknown device", [head(10, 64, 9999), v6(5)].concat()),
        add("IPv6 is off", [head(10, 64, D6), v6(5)].concat()),
        add("IPv6 one more", [head(10, 64, V0), v6(5)].concat()),
        del("IPv6 and not any more", [head(10, 64, V0), v6(5)].concat()),
        del("IPv6 not there", [head(10, 64, V0), v6(77)].concat()),
        case("a link that is not there", 16, ACK, link(9999, 1)),
        case("a link is switched off", 16, ACK, link(V0, 0)),
        case("a link is switched on", 16, ACK, link(V0, 1)),
        case(
            "a link that is not there is asked for",
            18,
            ACK,
            [vec![0; 4], 9999_u32.to_ne_bytes().to_vec(), vec![0; 8]].concat(),
        ),
    ]
}
