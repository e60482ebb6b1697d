//! Two hosts with the same devices and addresses: the kernel in a namespace, and an engine.

use neighbour::{AddressOptions, Config, Device, DeviceId, Engine, Instant};
use neighbour_ctl::{Conversation, Frames, Host, LinkFacts, extension::NEIGH_SETSOCKOPT};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use std::collections::BTreeMap;
use std::process::Command;

/// The index of the device that cases are about, and of one without IPv6.
pub(crate) const V0: u32 = 3;
pub(crate) const D6: u32 = 5;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NDA_CACHEINFO: u16 = 3;

/// What is compared of an answer: type, flags, payload without times.
pub(crate) type Answer = Vec<(u16, u16, Vec<u8>)>;

pub(crate) fn set_up_kernel() {
    for words in [
        "link set lo up",
        "link add v0 address 02:00:00:00:01:00 type veth peer name v1 address 02:00:00:00:01:01",
        "link add d6 type veth peer name d7",
    ] {
        ip(words);
    }
    std::fs::write("/proc/sys/net/ipv6/conf/d6/disable_ipv6", "1").unwrap();
    for words in [
        "link set v0 up",
        "link set v1 up",
        "address add 10.9.0.1/16 dev v0",
        "address add fd09::1/64 dev v0 nodad",
    ] {
        ip(words);
    }
}

#[track_caller]
fn ip(words: &str) {
    let output = Command::new("ip").args(words.split_whitespace()).output().expect("`ip` is needed");
    assert!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The kernel by a netlink socket.
pub(crate) struct Kernel(Socket);

impl Kernel {
    pub(crate) fn new(options: &[(u32, u32)]) -> Self {
        let mut socket = Socket::new(NETLINK_ROUTE).unwrap();
        socket.bind_auto().unwrap();
        socket.connect(&SocketAddr::new(0, 0)).unwrap();
        for (option, value) in options {
            match option {
                10 => socket.set_cap_ack(*value != 0).unwrap(),
                11 => socket.set_ext_ack(*value != 0).unwrap(),
                12 => socket.set_netlink_get_strict_chk(*value != 0).unwrap(),
                other => panic!("{other}"),
            }
        }
        Self(socket)
    }

    pub(crate) fn ask(&mut self, message: &[u8], dump: bool) -> Answer {
        self.0.send(message, 0).unwrap();
        let mut frames = Frames::default();
        let mut answer = Vec::new();
        loop {
            frames.push(&self.0.recv_from_full().unwrap().0);
            if take(&mut frames, &mut answer) {
                return tidy(answer, dump);
            }
        }
    }
}

/// An engine behind a conversation.
pub(crate) struct Ours {
    engine: Engine,
    conversation: Conversation,
}

impl Ours {
    pub(crate) fn new(options: &[(u32, u32)]) -> Self {
        let mut engine = Engine::new(Config::default().seed(1));
        let now = Instant::ZERO;
        engine.set(now, "conf/accept_dad", "0").unwrap();
        engine.add_device(now, Device::loopback("lo")).unwrap();
        for (name, last) in [("v1", 1), ("v0", 0), ("d7", 7), ("d6", 6)] {
            let device = Device::ethernet(name, [2, 0, 0, 0, 1, last]).link_local(name != "d6");
            let id = engine.add_device(now, device).unwrap();
            if name == "v0" {
                assert_eq!(id.index(), V0);
                for prefix in ["10.9.0.1/16", "fd09::1/64"] {
                    engine.add_address(now, id, prefix.parse().unwrap(), AddressOptions::default()).unwrap();
                }
            }
        }
        engine.set(now, "ipv6/conf/d6/disable_ipv6", "1").unwrap();
        let mut ours = Self { engine, conversation: Conversation::new(77) };
        for (option, value) in options {
            let mut message =
                [24_u32.to_ne_bytes(), [0; 4], [0; 4], [0; 4], option.to_ne_bytes(), value.to_ne_bytes()]
                    .concat();
            message[4..6].copy_from_slice(&NEIGH_SETSOCKOPT.to_ne_bytes());
            message[6] = 5;
            let answer = ours.ask(&message, false);
            assert_eq!(answer[0].2[..4], [0; 4], "option {option} is acknowledged");
        }
        ours
    }

    pub(crate) fn ask(&mut self, message: &[u8], dump: bool) -> Answer {
        let mut conversation = self.conversation.clone();
        let mut out = Vec::new();
        conversation.respond(message, self, &mut out);
        assert!(!conversation.is_telling(), "a dump of few entries is one part");
        self.conversation = conversation;
        let mut frames = Frames::default();
        frames.push(&out);
        let mut answer = Vec::new();
        take(&mut frames, &mut answer);
        tidy(answer, dump)
    }
}

impl Host for Ours {
    fn engine(&self) -> &Engine {
        &self.engine
    }

    fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    fn now(&self) -> Instant {
        Instant::ZERO
    }

    fn link(&self, _: DeviceId) -> LinkFacts {
        LinkFacts { hardware: 1, flags: 1 }
    }

    fn set_link(&mut self, device: DeviceId, up: bool) {
        self.engine.set_link(Instant::ZERO, device, up);
    }
}

/// True at the end: an error, an ack, the end of a dump.
fn take(frames: &mut Frames, answer: &mut Answer) -> bool {
    while let Some(message) = frames.next_message().unwrap() {
        let number = |at: usize| u16::from_ne_bytes([message[at], message[at + 1]]);
        let (kind, flags) = (number(4), number(6));
        answer.push((kind, flags, without_times(kind, message[16..].to_vec())));
        if matches!(kind, NLMSG_ERROR | NLMSG_DONE) {
            return true;
        }
    }
    false
}

/// Zeros in the place of times, references and of the port id in an acknowledged header.
fn without_times(kind: u16, mut payload: Vec<u8>) -> Vec<u8> {
    if kind == NLMSG_ERROR {
        payload[16..20].fill(0);
    }
    let mut at = 12;
    while kind == 28 && at + 4 <= payload.len() {
        let number = |at: usize| u16::from_ne_bytes([payload[at], payload[at + 1]]);
        let (len, attribute) = (usize::from(number(at)), number(at + 2));
        if attribute == NDA_CACHEINFO {
            payload[at + 4..at + len].fill(0);
        }
        at += len.next_multiple_of(4);
    }
    payload
}

/// Attribute numbers (with those around a nested one), lengths, and values where they can be compared.
pub(crate) type Layout = Vec<(Vec<u16>, usize, Vec<u8>)>;

/// Of each told table or device's set: what is in the message, by family, table and device.
pub(crate) fn tables_of(answer: &Answer, devices: &[u32]) -> BTreeMap<(Vec<u8>, u32), Layout> {
    const PARMS: u16 = 6;
    /// Thresholds (the machine's), configuration and counters (of its life so far).
    const OF_THE_MACHINE: [u16; 6] = [2, 3, 4, 5, 7, 8];
    /// References, the drawn reachable_time, and what the kernel's headroom makes of unres_qlen_bytes.
    const OF_THE_DEVICE: [u16; 2] = [2, 3];
    const NESTED: u16 = 0x7fff;
    let mut tables = BTreeMap::new();
    for (_, _, payload) in answer.iter().filter(|(kind, ..)| *kind == 64) {
        let mut layout = Layout::new();
        let mut device = 0;
        for (kind, value) in attributes(&payload[4..]) {
            let kind = kind & NESTED;
            if kind != PARMS {
                let told = if OF_THE_MACHINE.contains(&kind) { Vec::new() } else { value.to_vec() };
                layout.push((vec![kind], value.len(), told));
                continue;
            }
            for (inner, value) in attributes(value) {
                if inner == 1 {
                    device = u32::from_ne_bytes(value.try_into().unwrap());
                }
                let told = if OF_THE_DEVICE.contains(&inner) { Vec::new() } else { value.to_vec() };
                layout.push((vec![kind, inner], value.len(), told));
            }
        }
        if devices.contains(&device) {
            tables.insert((payload[..4].to_vec(), device), layout);
        }
    }
    tables
}

fn attributes(mut bytes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut all = Vec::new();
    while bytes.len() >= 4 {
        let number = |at: usize| u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
        let len = usize::from(number(0));
        all.push((number(2), &bytes[4..len]));
        bytes = &bytes[len.next_multiple_of(4).min(bytes.len())..];
    }
    all
}

/// The order of a dump is the table's own affair; what the kernel's own stack caused is left out.
fn tidy(mut answer: Answer, dump: bool) -> Answer {
    if dump {
        answer.retain(|(kind, _, payload)| *kind != 28 || payload[0] == 2);
        answer.sort_by_key(|(kind, ..)| *kind == NLMSG_DONE);
        let len = answer.len().saturating_sub(1);
        answer[..len].sort();
    }
    answer
}

/// One line: of each message its type, flags and bytes, texts in letters.
pub(crate) fn readable(answer: &Answer) -> String {
    let messages = answer.iter().map(|(kind, flags, payload)| {
        format!("type {kind} flags {flags:#x} [{}]", payload.escape_ascii().to_string().replace("\\x", "'"))
    });
    messages.collect::<Vec<_>>().join(", ")
}
