//! The words of `neigh run`'s arguments as values. Each error says what was expected; the argument's name
//! is added by whoever reads it.

use neighbour::{LlAddr, Prefix};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// What kind of link a port is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PortKind {
    Tap,
    Packet,
    Xdp,
}

/// `KIND:NAME`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct PortSpec {
    pub(super) kind: PortKind,
    pub(super) name: String,
}

/// `CIDR[@PORT]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct AddressSpec {
    pub(super) prefix: Prefix,
    pub(super) port: Option<String>,
}

/// `PREFIX,via ADDRESS[,dev PORT]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct RouteSpec {
    pub(super) prefix: Prefix,
    pub(super) via: IpAddr,
    pub(super) port: Option<String>,
}

/// `NAME=VALUE`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct SetSpec {
    pub(super) name: String,
    pub(super) value: String,
}

/// `MAC[@PORT]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct MacSpec {
    pub(super) mac: [u8; 6],
    pub(super) port: Option<String>,
}

impl FromStr for PortSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected tap:NAME, packet:IFACE or xdp:IFACE";
        let (kind, name) = text.split_once(':').ok_or(expected)?;
        let kind = match kind {
            "tap" => PortKind::Tap,
            "packet" => PortKind::Packet,
            "xdp" => PortKind::Xdp,
            other => return Err(format!("there is no kind of port {other:?}; {expected}")),
        };
        if name.is_empty() {
            return Err(format!("the name is missing; {expected}"));
        }
        Ok(Self { kind, name: name.into() })
    }
}

impl FromStr for AddressSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (prefix, port) = at_port(text);
        let example = "expected ADDRESS/LENGTH such as 192.0.2.2/24 or 2001:db8::2/64";
        let prefix = prefix.parse().map_err(|error| format!("{error}; {example}"))?;
        Ok(Self { prefix, port })
    }
}

impl FromStr for RouteSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected PREFIX,via ADDRESS[,dev PORT] such as default,via 192.0.2.1";
        let words: Vec<&str> =
            text.split([',', ' ', '\t']).map(str::trim).filter(|word| !word.is_empty()).collect();
        let (prefix, via, port) = match words.as_slice() {
            [prefix, "via", via] => (*prefix, *via, None),
            [prefix, "via", via, "dev", port] => (*prefix, *via, Some((*port).to_owned())),
            _ => return Err(expected.into()),
        };
        let via: IpAddr = via.parse().map_err(|_| format!("{via:?} is not an IP address; {expected}"))?;
        let everything = match via {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let prefix = match prefix {
            "default" => Prefix::new(everything, 0),
            prefix => prefix.parse(),
        };
        Ok(Self { prefix: prefix.map_err(|error| format!("{error}; {expected}"))?, via, port })
    }
}

impl FromStr for SetSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                Ok(Self { name: name.trim().into(), value: value.trim().into() })
            }
            _ => Err("expected NAME=VALUE such as neigh/retrans_time_ms=200".into()),
        }
    }
}

impl FromStr for MacSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mac, port) = at_port(text);
        let lladdr: LlAddr = mac.parse().map_err(|error| format!("{error}"))?;
        let count = lladdr.len();
        let expected = || format!("a MAC has 6 octets such as 02:00:00:00:00:01, got {count}");
        let mac = lladdr.mac().ok_or_else(expected)?;
        if mac[0] & 1 != 0 || mac == [0; 6] {
            return Err("no host can have it: it is a group's or zero; the first octet must be even".into());
        }
        Ok(Self { mac, port })
    }
}

fn at_port(text: &str) -> (&str, Option<String>) {
    match text.split_once('@') {
        Some((value, port)) => (value, Some(port.to_owned())),
        None => (text, None),
    }
}

fn with_port(f: &mut fmt::Formatter<'_>, value: impl fmt::Display, port: Option<&str>) -> fmt::Result {
    match port {
        Some(port) => write!(f, "{value}@{port}"),
        None => write!(f, "{value}"),
    }
}

impl fmt::Display for PortSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            PortKind::Tap => "tap",
            PortKind::Packet => "packet",
            PortKind::Xdp => "xdp",
        };
        write!(f, "{kind}:{}", self.name)
    }
}

impl fmt::Display for AddressSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        with_port(f, self.prefix, self.port.as_deref())
    }
}

impl fmt::Display for RouteSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},via {}", self.prefix, self.via)?;
        self.port.iter().try_for_each(|port| write!(f, ",dev {port}"))
    }
}

impl fmt::Display for SetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

impl fmt::Display for MacSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        with_port(f, LlAddr::from(self.mac), self.port.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same<T: FromStr<Err = String> + fmt::Display>(text: &str, expected: &str) {
        assert_eq!(text.parse::<T>().map_or_else(|error| error, |value| value.to_string()), expected);
    }

    #[test]
    fn what_is_right_is_written_as_it_is_read() {
        same::<PortSpec>("tap:nb0", "tap:nb0");
        same::<AddressSpec>("192.0.2.2/24@eth1", "192.0.2.2/24@eth1");
        same::<AddressSpec>("2001:db8::2", "2001:db8::2/128");
        same::<RouteSpec>("default,via 192.0.2.1", "0.0.0.0/0,via 192.0.2.1");
        same::<RouteSpec>("2001:db8:1::/48, via fe80::1, dev eth0", "2001:db8:1::/48,via fe80::1,dev eth0");
        same::<RouteSpec>("10.0.0.0/8,via,192.0.2.1", "10.0.0.0/8,via 192.0.2.1");
        same::<SetSpec>("neigh/ucast_solicit = 5", "neigh/ucast_solicit=5");
        same::<MacSpec>("2:0:0:0:0:aA@eth0", "02:00:00:00:00:aa@eth0");
    }

    #[test]
    fn what_is_wrong_says_what_was_expected() {
        same::<PortSpec>("eth0", "expected tap:NAME, packet:IFACE or xdp:IFACE");
        same::<PortSpec>(
            "dpdk:e",
            "there is no kind of port \"dpdk\"; expected tap:NAME, packet:IFACE or xdp:IFACE",
        );
        same::<PortSpec>("tap:", "the name is missing; expected tap:NAME, packet:IFACE or xdp:IFACE");
        let example = "expected ADDRESS/LENGTH such as 192.0.2.2/24 or 2001:db8::2/64";
        same::<AddressSpec>("192.0.2.300/24", &format!("\"192.0.2.300\" is not an IP address; {example}"));
        same::<AddressSpec>(
            "192.0.2.3/33",
            &format!("prefix length 33 is too long: IPv4 has at most 32; {example}"),
        );
        let example = "expected PREFIX,via ADDRESS[,dev PORT] such as default,via 192.0.2.1";
        same::<RouteSpec>("default", example);
        same::<RouteSpec>("default,via x", &format!("\"x\" is not an IP address; {example}"));
        same::<SetSpec>("neigh/x", "expected NAME=VALUE such as neigh/retrans_time_ms=200");
        same::<MacSpec>("02:00", "a MAC has 6 octets such as 02:00:00:00:00:01, got 2");
        same::<MacSpec>(
            "01:00:5e:00:00:01",
            "no host can have it: it is a group's or zero; the first octet must be even",
        );
    }
}
