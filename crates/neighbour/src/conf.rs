//! The switches of `net.ipv4.conf` and `net.ipv6.conf`, and how the value of "all" and of the device
//! make one (SYS-11 to SYS-16).

macro_rules! switches {
    ($(#[$doc:meta])* $name:ident { $($(#[doc = $text:literal])+ $variant:ident = $key:literal, $rule:ident, $default:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Hash)]
        #[repr(usize)]
        pub enum $name { $($(#[doc = $text])+ $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The sysctl's name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $key,)+ }
            }

            pub(crate) const fn rule(self) -> Rule {
                match self { $(Self::$variant => Rule::$rule,)+ }
            }

            /// The value a new system has.
            pub const fn default_value(self) -> i32 {
                match self { $(Self::$variant => $default,)+ }
            }
        }
    };
}

/// How the value of "all" and the device's make one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    /// Either is enough.
    Or,
    /// The larger counts.
    Max,
    /// Both are needed.
    And,
    /// The device's alone.
    Device,
}

switches! {
    /// A switch of `net.ipv4.conf`.
    Conf4 {
        /// Look for others with an own address, announce and defend it (RFC 5227): 0 no, 1 give up in a conflict, 2
        /// defend once, 3 always ([`crate::Defence`]).
        Acd = "acd", Device, 0;
        /// Learn from gratuitous and unasked ARP: 0 no, 1 yes, 2 only for addresses of the subnet (ARP-40).
        ArpAccept = "arp_accept", Max, 0;
        /// Which own address to ask with: 0 the packet's, 1 one of the target's subnet, 2 the best (ARP-15).
        ArpAnnounce = "arp_announce", Max, 0;
        /// Forget neighbours when the carrier is lost (DEV table).
        ArpEvictNocarrier = "arp_evict_nocarrier", And, 1;
        /// Answer only on the device that the answer would leave by (ARP-54).
        ArpFilter = "arp_filter", Or, 0;
        /// Which requests to leave unanswered, 0 to 8 (ARP-53).
        ArpIgnore = "arp_ignore", Max, 0;
        /// Announce own addresses when the device comes up or changes its address (ARP-56).
        ArpNotify = "arp_notify", Max, 0;
        /// Drop ARP whose sender and target are one (ARP-29).
        DropGratuitousArp = "drop_gratuitous_arp", Or, 0;
        /// Pass packets on between devices.
        Forwarding = "forwarding", Device, 0;
        /// Take redirects; routers do not (ND-70).
        AcceptRedirects = "accept_redirects", And, 1;
        /// Take packets whose source is an own address.
        AcceptLocal = "accept_local", Or, 0;
        /// Devices of one medium do not proxy for each other (ARP-35).
        MediumId = "medium_id", Device, 0;
        /// Answer for addresses behind other devices (ARP-35).
        ProxyArp = "proxy_arp", Or, 0;
        /// Answer for neighbours on the same device (ARP-36).
        ProxyArpPvlan = "proxy_arp_pvlan", Or, 0;
        /// Let 127/8 be on the wire (ARP-28).
        RouteLocalnet = "route_localnet", Or, 0;
        /// Whom to believe that a neighbour has another address: 0 as Linux, 1 verify, 2 pin, 3 static
        /// ([`crate::MovePolicy`]).
        MovePolicy = "move_policy", Device, 0;
        /// Check that a source is routed back: 0 no, 1 by the same device, 2 by any.
        RpFilter = "rp_filter", Max, 0;
        /// Send redirects when forwarding.
        SendRedirects = "send_redirects", Or, 1;
    }
}

switches! {
    /// A switch of `net.ipv6.conf`.
    Conf6 {
        /// Detect duplicates of own addresses: 0 no, 1 yes, 2 and switch IPv6 off for a duplicate link-local (ND-72).
        AcceptDad = "accept_dad", Max, 1;
        /// Take router advertisements: 0 no, 1 unless forwarding, 2 yes (ND-56).
        AcceptRa = "accept_ra", Device, 1;
        /// Take the default router of an advertisement (ND-57).
        AcceptRaDefrtr = "accept_ra_defrtr", Device, 1;
        /// Least router lifetime to take, in seconds (ND-57).
        AcceptRaMinLft = "accept_ra_min_lft", Device, 0;
        /// Least hop limit to take from an advertisement (CVE-2015-2922).
        AcceptRaMinHopLimit = "accept_ra_min_hop_limit", Device, 1;
        /// Take redirects (ND-66).
        AcceptRedirects = "accept_redirects", Device, 1;
        /// Learn from unsolicited advertisements of strangers: 0 no, 1 yes, 2 on-link sources (ND-45).
        AcceptUntrackedNa = "accept_untracked_na", Device, 0;
        /// Make addresses from advertised prefixes.
        Autoconf = "autoconf", Device, 1;
        /// How many solicitations detect a duplicate (ND-75).
        DadTransmits = "dad_transmits", Device, 1;
        /// No IPv6 on the device (ND-5).
        DisableIpv6 = "disable_ipv6", Device, 0;
        /// Drop unsolicited advertisements (ND-41).
        DropUnsolicitedNa = "drop_unsolicited_na", Device, 0;
        /// Send a nonce with duplicate detection (RFC 7527).
        EnhancedDad = "enhanced_dad", Or, 1;
        /// Answer with the target's address option always (ND-10).
        ForceTllao = "force_tllao", Device, 0;
        /// Be a router.
        Forwarding = "forwarding", Device, 0;
        /// How many advertisements tell all routers of a new address, at most 255 (RFC 9131); Linux: none.
        GratuitousNa = "gratuitous_na", Device, 0;
        /// The hop limit of own packets.
        HopLimit = "hop_limit", Device, 64;
        /// Keep addresses when the device goes down.
        KeepAddrOnDown = "keep_addr_on_down", Max, 0;
        /// Whom to believe that a neighbour has another address: 0 as Linux, 1 verify, 2 pin, 3 static
        /// ([`crate::MovePolicy`]).
        MovePolicy = "move_policy", Device, 0;
        /// Forget neighbours when the carrier is lost (DEV table).
        NdiscEvictNocarrier = "ndisc_evict_nocarrier", And, 1;
        /// Announce own addresses when the device comes up or changes its address (ND-12).
        NdiscNotify = "ndisc_notify", Or, 0;
        /// Traffic class of ND messages (ND-6).
        NdiscTclass = "ndisc_tclass", Device, 0;
        /// Use an address while its duplicate detection runs (RFC 4429).
        OptimisticDad = "optimistic_dad", Or, 0;
        /// Answer for the proxy entries of the device (ND-25).
        ProxyNdp = "proxy_ndp", Or, 0;
        /// Seconds before the first router solicitation, at random; also before DAD (ND-74).
        RouterSolicitationDelay = "router_solicitation_delay", Device, 1;
        /// Router solicitations to send; -1 without end.
        RouterSolicitations = "router_solicitations", Device, -1;
        /// Seconds between single probes of an unreachable router (NUD-47).
        RtrProbeInterval = "router_probe_interval", Device, 60;
        /// Ignore ND that came in fragments (RFC 6980).
        SuppressFragNdisc = "suppress_frag_ndisc", Device, 1;
        /// Let an optimistic address be a source.
        UseOptimistic = "use_optimistic", Or, 0;
    }
}

/// One row of values: of "all", of "default", of a device.
#[derive(Clone, Debug)]
pub(crate) struct Row<const N: usize> {
    values: [i32; N],
    /// Set for this device itself: writes of "default" pass it by (SYS-16).
    pub(crate) explicit: u64,
}

pub(crate) type Row4 = Row<{ Conf4::ALL.len() }>;
pub(crate) type Row6 = Row<{ Conf6::ALL.len() }>;

impl<const N: usize> Row<N> {
    pub(crate) fn get(&self, index: usize) -> i32 {
        self.values[index]
    }

    pub(crate) fn set(&mut self, index: usize, value: i32) {
        self.values[index] = value;
    }
}

impl Row4 {
    /// The values of "default" on a new system (SYS-12).
    pub(crate) fn defaults() -> Self {
        let mut row = Self { values: [0; _], explicit: 0 };
        Conf4::ALL.iter().for_each(|conf| row.set(*conf as usize, conf.default_value()));
        row
    }

    /// The values of "all" on a new system.
    pub(crate) fn all() -> Self {
        Self::defaults()
    }
}

impl Row6 {
    /// The values of "default" on a new system (SYS-15).
    pub(crate) fn defaults() -> Self {
        let mut row = Self { values: [0; _], explicit: 0 };
        Conf6::ALL.iter().for_each(|conf| row.set(*conf as usize, conf.default_value()));
        row
    }

    /// The values of "all": accept_dad is 0 there (SYS-15).
    pub(crate) fn all() -> Self {
        let mut row = Self::defaults();
        row.set(Conf6::AcceptDad as usize, 0);
        row
    }
}

/// The value in force (SYS-11, SYS-14).
pub(crate) fn combine(rule: Rule, all: i32, device: i32) -> i32 {
    match rule {
        Rule::Or => i32::from(all != 0 || device != 0),
        Rule::And => i32::from(all != 0 && device != 0),
        Rule::Max => all.max(device),
        Rule::Device => device,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_and_device_combine_by_the_rule_of_the_switch_sys_11() {
        for (rule, all, device, expected) in [
            (Rule::Or, 1, 0, 1),
            (Rule::Or, 0, 0, 0),
            (Rule::Max, 2, 1, 2),
            (Rule::And, 1, 0, 0),
            (Rule::And, 1, 1, 1),
            (Rule::Device, 1, 0, 0),
        ] {
            assert_eq!(combine(rule, all, device), expected, "{rule:?} {all} {device}");
        }
    }

    #[test]
    fn defaults_are_linux_s_sys_12_sys_15() {
        assert_eq!(Row4::defaults().get(Conf4::ArpEvictNocarrier as usize), 1);
        assert_eq!(Row6::defaults().get(Conf6::AcceptDad as usize), 1);
        assert_eq!(Row6::all().get(Conf6::AcceptDad as usize), 0);
    }
}
