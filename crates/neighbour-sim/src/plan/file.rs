//! A plan as it is written: keys, defaults and types of single values. What they mean together is checked
//! in [`super::check`].

use super::units::{Rate, Share, Span};
use serde::Deserialize;
use std::net::IpAddr;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct File {
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) about: String,
    pub(crate) duration: Span,
    #[serde(default = "one_seed")]
    pub(crate) seed: u64,
    #[serde(default)]
    pub(crate) profile: Profile,
    #[serde(default)]
    pub(crate) sample: Option<Span>,
    #[serde(default)]
    pub(crate) engine: Engine,
    #[serde(default)]
    pub(crate) segment: Vec<Segment>,
    #[serde(default)]
    pub(crate) hosts: Vec<Hosts>,
    #[serde(default)]
    pub(crate) flow: Vec<Flow>,
    #[serde(default)]
    pub(crate) scan: Vec<Scan>,
    #[serde(default)]
    pub(crate) spoof: Vec<Spoof>,
    #[serde(default)]
    pub(crate) storm: Vec<Storm>,
    #[serde(default)]
    pub(crate) ra_storm: Vec<RaStorm>,
    #[serde(default)]
    pub(crate) flap: Vec<Flap>,
    #[serde(default)]
    pub(crate) r#move: Vec<Move>,
    #[serde(default)]
    pub(crate) churn: Vec<Churn>,
    #[serde(default)]
    pub(crate) partition: Vec<Partition>,
    #[serde(default)]
    pub(crate) expect: Vec<Expect>,
}

const fn one_seed() -> u64 {
    1
}

const fn yes() -> bool {
    true
}

const fn one() -> u32 {
    1
}

/// Which profiles a plan runs, or an expectation holds for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Profile {
    #[default]
    Linux,
    Guarded,
    Both,
}

/// The device under test.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct Engine {
    /// A router, or a host that forwards nothing.
    pub(crate) forwarding: bool,
    /// NAME=VALUE as with `neigh run --set`.
    pub(crate) set: Vec<String>,
    /// "PREFIX via ADDRESS".
    pub(crate) route: Vec<String>,
    /// How long it is alone before the plan's time 0: its addresses are checked for duplicates then.
    pub(crate) warmup: Span,
}

impl Default for Engine {
    fn default() -> Self {
        Self { forwarding: true, set: Vec::new(), route: Vec::new(), warmup: Span::millis(12_000) }
    }
}

/// An Ethernet on which the engine has a device.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Segment {
    pub(crate) name: String,
    /// The engine's addresses there, with their prefixes.
    pub(crate) address: Vec<String>,
    /// From one end of the wire to the other.
    #[serde(default = "wire_latency")]
    pub(crate) latency: Span,
    /// Up to so much more, by chance for each frame.
    #[serde(default)]
    pub(crate) jitter: Span,
    #[serde(default)]
    pub(crate) loss: Share,
    #[serde(default)]
    pub(crate) duplicate: Share,
    /// Frames that are held back by ten latencies.
    #[serde(default)]
    pub(crate) reorder: Share,
}

const fn wire_latency() -> Span {
    Span(50)
}

/// A group of hosts that behave alike.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Hosts {
    pub(crate) name: String,
    pub(crate) segment: String,
    #[serde(default = "one")]
    pub(crate) count: u32,
    /// The first one's address; the others follow.
    pub(crate) first: IpAddr,
    /// When the first of them is there.
    #[serde(default)]
    pub(crate) start: Span,
    /// Over which time the others follow.
    #[serde(default)]
    pub(crate) spread: Span,
    /// Do they ask for the engine when they come, before anybody seeks them?
    #[serde(default)]
    pub(crate) speaks: bool,
    /// Do they answer when they are asked for? Else they are addresses without anybody.
    #[serde(default = "yes")]
    pub(crate) answers: bool,
    /// How long an answer takes them.
    #[serde(default)]
    pub(crate) delay: Span,
    /// The group whose only member they are behind: they are not on the link.
    #[serde(default)]
    pub(crate) behind: Option<String>,
}

/// Packets from the members of one group to those of another, through the engine; or from the engine itself, or to
/// it, if the group is called `engine`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Flow {
    #[serde(default)]
    pub(crate) name: Option<String>,
    pub(crate) from: String,
    pub(crate) to: String,
    /// Packets in a second for each pair of hosts.
    pub(crate) rate: Rate,
    #[serde(default)]
    pub(crate) start: Span,
    #[serde(default)]
    pub(crate) duration: Option<Span>,
    /// Does each packet have an answer?
    #[serde(default)]
    pub(crate) replies: bool,
    /// Of an IP packet with its header.
    #[serde(default = "packet_bytes")]
    pub(crate) bytes: u32,
}

const fn packet_bytes() -> u32 {
    100
}

/// The order in which a scanner goes through its prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    #[default]
    Random,
    Sequential,
}

/// Somebody sends a packet to each address of a prefix.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Scan {
    /// The segment that the packets come from.
    pub(crate) segment: String,
    pub(crate) prefix: String,
    /// One address, or a prefix of which each packet has another one.
    pub(crate) source: String,
    /// The group of the router by which the packets come; else the scanner is on the link.
    #[serde(default)]
    pub(crate) behind: Option<String>,
    pub(crate) rate: Rate,
    #[serde(default)]
    pub(crate) start: Span,
    pub(crate) duration: Span,
    #[serde(default)]
    pub(crate) order: Order,
}

/// How a change of address is announced, or a false one claimed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Form {
    /// A gratuitous ARP request; an unsolicited advertisement for IPv6.
    #[default]
    Request,
    /// A gratuitous ARP reply to all; an unsolicited advertisement for IPv6.
    Reply,
    /// A reply to the engine alone, as if it had asked; a solicited advertisement for IPv6.
    Answer,
    /// Nothing is said.
    Silent,
}

/// Somebody says that the addresses of others are his.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Spoof {
    /// Whose addresses he claims.
    pub(crate) victims: String,
    #[serde(default)]
    pub(crate) form: Form,
    /// Claims in a second, of one victim after the other.
    pub(crate) rate: Rate,
    #[serde(default)]
    pub(crate) start: Span,
    pub(crate) duration: Span,
}

/// Requests of a group's members, again and again, as after a loop of switches.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Storm {
    /// Whose requests they are.
    pub(crate) of: String,
    /// Frames in a second.
    pub(crate) rate: Rate,
    /// Different frames that go round.
    #[serde(default = "hundred")]
    pub(crate) frames: u32,
    /// The share of them that ask for the engine; the others ask for members of the group.
    #[serde(default)]
    pub(crate) for_engine: Share,
    #[serde(default)]
    pub(crate) start: Span,
    pub(crate) duration: Span,
}

const fn hundred() -> u32 {
    100
}

/// Router advertisements of routers that nobody needs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RaStorm {
    pub(crate) segment: String,
    pub(crate) rate: Rate,
    /// Different routers; each has a prefix of its own.
    #[serde(default = "hundred")]
    pub(crate) routers: u32,
    #[serde(default)]
    pub(crate) start: Span,
    pub(crate) duration: Span,
}

/// What of the engine's device goes away.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    #[default]
    Carrier,
    Link,
}

/// The engine's device on a segment comes and goes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Flap {
    pub(crate) segment: String,
    #[serde(default)]
    pub(crate) what: What,
    /// From one loss to the next.
    pub(crate) every: Span,
    /// How long it is away.
    pub(crate) down: Span,
    #[serde(default)]
    pub(crate) start: Span,
    pub(crate) duration: Span,
}

/// Members of a group have another hardware address: a VIP's failover, a virtual machine that moves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Move {
    pub(crate) hosts: String,
    pub(crate) start: Span,
    /// Over which time the members follow.
    #[serde(default)]
    pub(crate) spread: Span,
    /// How often, and how far apart.
    #[serde(default = "one")]
    pub(crate) times: u32,
    #[serde(default)]
    pub(crate) every: Span,
    #[serde(default)]
    pub(crate) form: Form,
    /// From the old one's silence to the new one's first word.
    #[serde(default)]
    pub(crate) silence: Span,
}

/// Members of a group go, and come again with another hardware address.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Churn {
    pub(crate) hosts: String,
    /// Members in a second.
    pub(crate) rate: Rate,
    /// How long each is away.
    pub(crate) down: Span,
    #[serde(default)]
    pub(crate) start: Span,
    pub(crate) duration: Span,
}

/// A segment, or a group of hosts, is cut off.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Partition {
    #[serde(default)]
    pub(crate) segment: Option<String>,
    #[serde(default)]
    pub(crate) hosts: Option<String>,
    #[serde(default)]
    pub(crate) start: Span,
    pub(crate) duration: Span,
}

/// A promise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Expect {
    /// The name of a number in the report.
    pub(crate) metric: String,
    #[serde(default)]
    pub(crate) at_most: Option<f64>,
    #[serde(default)]
    pub(crate) at_least: Option<f64>,
    #[serde(default = "both")]
    pub(crate) profile: Profile,
    /// Told whether it is met, and not judged by it.
    #[serde(default)]
    pub(crate) pending: bool,
    /// What it means.
    #[serde(default)]
    pub(crate) why: String,
}

const fn both() -> Profile {
    Profile::Both
}
