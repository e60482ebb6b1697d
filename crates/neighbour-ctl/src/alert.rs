//! What a person should know of: a neighbour that moved, an impostor perhaps, an address that two have, a full table.

use crate::message::{Attributes, Head, Writer, text_of, u32_at, u64_at, write};
use neighbour::{DeviceId, EventKind, LlAddr, NeighbourInfo};
use std::net::IpAddr;

/// Carries an [`Alert`]: 1 what (text), 2 interface (u32), 3 address (4 or 16 bytes), 4 link-layer address, 5 the other
/// one, 6 sentence, 7 how many such were suppressed before (u64).
pub const NEIGH_ALERT: u16 = 0x7f09;
/// The group whose members hear them.
pub const GROUP_ALERTS: u32 = 0x7f00;

const WHAT: u16 = 1;
const INTERFACE: u16 = 2;
const ADDRESS: u16 = 3;
const LLADDR: u16 = 4;
const OTHER: u16 = 5;
const SENTENCE: u16 = 6;
const SUPPRESSED: u16 = 7;

/// Something that a person should know of.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Alert {
    /// What it is, in arpwatch's words where it has some: `changed ethernet address`, `flip flop`, `spoof suspected`,
    /// `duplicate address`, `address conflict`, `new station`, `scan`, `storm`, `table near its limit`, `table full`.
    pub what: String,
    /// The interface's index; 0: none in particular.
    pub interface: u32,
    /// Whose address; none of a table.
    pub address: Option<IpAddr>,
    /// The link-layer address that counts.
    pub lladdr: Option<LlAddr>,
    /// The one that it had before, or that somebody claims.
    pub other: Option<LlAddr>,
    /// All of it for people.
    pub sentence: String,
    /// How many such were not told of since the last one.
    pub suppressed: u64,
}

impl Alert {
    /// What there is to tell of an event, if a person should know of it; `name` names devices.
    pub fn of(event: &EventKind, name: impl Fn(DeviceId) -> String) -> Option<Self> {
        let who = |lladdr: &Option<LlAddr>| lladdr.map_or_else(|| "somebody".to_owned(), |a| a.to_string());
        let about = |what: &str, device: DeviceId, address: IpAddr, rest: String| Self {
            what: what.to_owned(),
            interface: device.index(),
            address: Some(address),
            sentence: format!("{address} dev {}: {rest}", name(device)),
            ..Self::default()
        };
        let of = |what: &str, neighbour: &NeighbourInfo, rest: String| Self {
            lladdr: neighbour.lladdr,
            ..about(what, neighbour.device, neighbour.address, rest)
        };
        Some(match event {
            EventKind::Moved { neighbour, from } => {
                let rest = format!("moved from {from} to {}", who(&neighbour.lladdr));
                Self { other: Some(*from), ..of("changed ethernet address", neighbour, rest) }
            }
            EventKind::Restless { neighbour, from } => {
                let now = who(&neighbour.lladdr);
                let rest = format!("flip flop between {from} and {now}; it is not moved again for a while");
                Self { other: Some(*from), ..of("flip flop", neighbour, rest) }
            }
            EventKind::ClaimDisbelieved { neighbour, claimed, why, suppressed } => {
                let rest = format!("not believed to be at {claimed}: {why}");
                let suppressed = *suppressed;
                Self { other: Some(*claimed), suppressed, ..of("spoof suspected", neighbour, rest) }
            }
            EventKind::AddressDuplicate { device, address, lladdr } => {
                let rest = format!("{} has this address, too; it is not used", who(lladdr));
                Self { other: *lladdr, ..about("duplicate address", *device, *address, rest) }
            }
            EventKind::AddressConflict { device, address, lladdr } => {
                let rest = format!("{} claims this address of ours", who(lladdr));
                Self { other: *lladdr, ..about("address conflict", *device, *address, rest) }
            }
            EventKind::Scan { device, source, sought, refused } => {
                let from = source.map_or_else(|| "this host".to_owned(), |source| source.to_string());
                let rest = format!(
                    "{from} seeks more addresses than it has places for: {refused} packets got no entry"
                );
                about("scan", *device, *sought, rest)
            }
            EventKind::Storm { device, peer, refused } => {
                let rest = format!("a storm of requests: {refused} were left unanswered");
                about("storm", *device, *peer, rest)
            }
            EventKind::NewStation { neighbour, suppressed } => {
                let rest = format!("at {}", who(&neighbour.lladdr));
                Self { suppressed: *suppressed, ..of("new station", neighbour, rest) }
            }
            EventKind::NearLimit { family, entries, limit } => Self {
                what: "table near its limit".to_owned(),
                sentence: format!("{}: {entries} entries, and gc_thresh3 is {limit}", family.table_name()),
                ..Self::default()
            },
            EventKind::TableOverflow { family, suppressed } => Self {
                what: "table full".to_owned(),
                sentence: format!("neighbour: {}: neighbor table overflow!", family.table_name()),
                suppressed: *suppressed,
                ..Self::default()
            },
            _ => return None,
        })
    }

    /// As a whole message for the members of [`GROUP_ALERTS`].
    pub fn message(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let head = Head { kind: NEIGH_ALERT, flags: 0, sequence: 0, port: 0 };
        write(&mut out, head, |message| self.write(message));
        out
    }

    fn write(&self, message: &mut Writer<'_>) {
        message.text(WHAT, &self.what);
        message.u32(INTERFACE, self.interface);
        match self.address {
            Some(IpAddr::V4(v4)) => message.attribute(ADDRESS, &v4.octets()),
            Some(IpAddr::V6(v6)) => message.attribute(ADDRESS, &v6.octets()),
            None => {}
        }
        for (kind, lladdr) in [(LLADDR, self.lladdr), (OTHER, self.other)] {
            if let Some(lladdr) = lladdr {
                message.attribute(kind, lladdr.as_bytes());
            }
        }
        message.text(SENTENCE, &self.sentence);
        message.u64(SUPPRESSED, self.suppressed);
    }

    /// Reads what follows the netlink header. What is missing or cut is left out.
    pub(crate) fn parse(payload: &[u8]) -> Self {
        let all = Attributes::new(payload);
        let find = |kind| all.clone().value(kind);
        let address = |value: &[u8]| match value.len() {
            4 => <[u8; 4]>::try_from(value).ok().map(IpAddr::from),
            _ => <[u8; 16]>::try_from(value).ok().map(IpAddr::from),
        };
        Self {
            what: find(WHAT).map(text_of).unwrap_or_default(),
            interface: find(INTERFACE).and_then(|value| u32_at(value, 0)).unwrap_or_default(),
            address: find(ADDRESS).and_then(address),
            lladdr: find(LLADDR).and_then(LlAddr::new),
            other: find(OTHER).and_then(LlAddr::new),
            sentence: find(SENTENCE).map(text_of).unwrap_or_default(),
            suppressed: find(SUPPRESSED).and_then(|value| u64_at(value, 0)).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::split;
    use neighbour::{Admission, Config, Device, Engine, Instant, NewNeigh, NudState};

    #[test]
    fn a_new_station_is_told_in_the_words_of_whoever_watches_a_link() {
        let (now, lladdr) = (Instant::ZERO, LlAddr::from([2, 0, 0, 0, 0, 7]));
        let mut engine = Engine::new(Config { admission: Admission::guarded(), ..Config::default() });
        let device = engine.add_device(now, Device::ethernet("v1", [2, 0, 0, 0, 0, 1])).expect("a device");
        let request = NewNeigh::add(device, [192, 0, 2, 1].into(), Some(lladdr), NudState::REACHABLE);
        assert_eq!(engine.new_neigh(now, &request), Ok(()));
        let events = std::iter::from_fn(|| engine.poll_event());
        let told: Vec<_> = events.filter_map(|event| Alert::of(&event.kind, |_| "v1".to_owned())).collect();
        let words: Vec<_> = told.iter().map(|alert| (alert.what.as_str(), alert.sentence.as_str())).collect();
        assert_eq!(words, [("new station", "192.0.2.1 dev v1: at 02:00:00:00:00:07")]);
        assert_eq!(told[0].lladdr, Some(lladdr));
    }

    #[test]
    fn an_alert_comes_out_as_it_went_in() {
        let full = Alert {
            what: "flip flop".into(),
            interface: 3,
            address: Some([192, 0, 2, 1].into()),
            lladdr: Some([2, 0, 0, 0, 0, 1].into()),
            other: Some([2, 0, 0, 0, 0, 2].into()),
            sentence: "192.0.2.1 dev eth0: flip flop".into(),
            suppressed: 7,
        };
        let six = Alert { address: Some("2001:db8::1".parse().unwrap()), other: None, ..full.clone() };
        for alert in [full, six, Alert::default()] {
            let message = alert.message();
            let (head, payload) = split(&message).unwrap();
            assert_eq!((head.kind, Alert::parse(payload)), (NEIGH_ALERT, alert));
        }
        assert_eq!(Alert::parse(&[1, 0, 3]), Alert::default());
    }
}
