//! Which addresses belong on the link, as far as anybody said.

use neighbour::Prefix;
use std::net::IpAddr;

/// Prefixes that are learned from routers; who advertises more is not to be trusted with any.
const LEARNED_MAX: usize = 64;

/// The prefixes that were given, and those that routers advertise.
#[derive(Debug)]
pub(crate) struct Prefixes {
    given: Vec<Prefix>,
    learned: Vec<Prefix>,
}

impl Prefixes {
    pub(crate) fn new(given: Vec<Prefix>) -> Self {
        Self { given, learned: Vec::new() }
    }

    /// A router says that this prefix is on the link.
    pub(crate) fn learn(&mut self, prefix: Prefix) {
        let prefix = prefix.network();
        if self.learned.len() < LEARNED_MAX && !self.learned.contains(&prefix) {
            self.learned.push(prefix);
        }
    }

    /// Is this address outside of all that is known? Nothing is where nothing is known.
    pub(crate) fn is_bogon(&self, address: IpAddr) -> bool {
        let link_local = match address {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        let known = || self.of_family(address).next().is_some();
        let full = address.is_ipv6() && self.learned.len() >= LEARNED_MAX;
        !link_local && known() && !full && !self.of_family(address).any(|prefix| prefix.contains(address))
    }

    /// Is it the broadcast address of one of them?
    pub(crate) fn is_broadcast(&self, address: IpAddr) -> bool {
        self.of_family(address).any(|prefix| prefix.broadcast().map(IpAddr::V4) == Some(address))
    }

    fn of_family(&self, address: IpAddr) -> impl Iterator<Item = &Prefix> {
        let same = move |prefix: &&Prefix| prefix.address().is_ipv4() == address.is_ipv4();
        // Its own link-local prefix says nothing of the others.
        let says =
            |prefix: &&Prefix| !matches!(prefix.address(), IpAddr::V6(v6) if v6.is_unicast_link_local());
        self.given.iter().chain(&self.learned).filter(same).filter(says)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bogon_is_outside_of_what_is_known() {
        let mut prefixes =
            Prefixes::new(vec!["192.0.2.1/24".parse().unwrap(), "fe80::1/64".parse().unwrap()]);
        let bogon = |prefixes: &Prefixes, address: &str| prefixes.is_bogon(address.parse().unwrap());
        for (address, expected) in
            [("192.0.2.77", false), ("198.51.100.1", true), ("169.254.1.1", false), ("2001:db8::1", false)]
        {
            assert_eq!(bogon(&prefixes, address), expected, "{address}");
        }
        assert!(prefixes.is_broadcast("192.0.2.255".parse().unwrap()));
        prefixes.learn("2001:db8::/64".parse().unwrap());
        for (address, expected) in [("2001:db8::1", false), ("2001:db8:1::1", true), ("fe80::9", false)] {
            assert_eq!(bogon(&prefixes, address), expected, "{address}");
        }
        for n in 0..1000 {
            prefixes.learn(format!("2001:db8:{n:x}::/64").parse().unwrap());
        }
        assert_eq!(prefixes.learned.len(), LEARNED_MAX);
        assert!(!bogon(&prefixes, "2001:db8:ffff::1"), "who knows, after a flood of prefixes");
    }
}
