//! Prefixes that routers advertise: what is on the link, and the addresses made from them (RFC 4861 section
//! 6.3.4, RFC 4862 section 5.5).

use crate::conf::Conf6;
use crate::device::AddressOptions;
use crate::interface::interface_id;
use crate::prefix::Prefix;
use crate::time::Instant;
use crate::{DeviceId, Engine};
use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;
use neighbour_wire::ndisc::PrefixInfo;

/// At most this many are remembered: a flood of advertisements fills no memory.
const MAX_PREFIXES: usize = 64;
/// RFC 4862 section 5.5.3 e: an unauthenticated advertisement cannot shorten a life below this.
const TWO_HOURS: Duration = Duration::from_secs(7200);
/// A lifetime of all ones has no end.
const INFINITE: u32 = u32::MAX;

/// A prefix that is on the link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnLink {
    pub(crate) device: DeviceId,
    pub(crate) prefix: Prefix,
    /// None: without end.
    pub(crate) expires: Option<Instant>,
}

fn lifetime(now: Instant, seconds: u32) -> Option<Instant> {
    (seconds != INFINITE).then(|| now + Duration::from_secs(u64::from(seconds)))
}

impl Engine {
    /// Prefix information (RFC 4861 section 6.3.4, RFC 4862 section 5.5.3).
    pub(crate) fn learn_prefix(&mut self, device: DeviceId, info: &PrefixInfo) {
        let Ok(prefix) = Prefix::new(info.prefix.into(), info.prefix_len) else { return };
        let prefix = prefix.network();
        if matches!(prefix.address(), IpAddr::V6(v6) if v6.is_unicast_link_local() || v6.is_multicast()) {
            return;
        }
        if info.on_link {
            self.learn_on_link(device, prefix, info.valid_s);
        }
        let makes = info.autonomous && self.own_conf6(device, Conf6::Autoconf) != 0;
        if makes && info.preferred_s <= info.valid_s && info.prefix_len == 64 {
            self.make_address(device, prefix, info);
        }
        self.plan_expiry();
    }

    fn learn_on_link(&mut self, device: DeviceId, prefix: Prefix, seconds: u32) {
        let expires = lifetime(self.clock.now(), seconds);
        let list = &mut self.routers.on_link;
        match list.iter().position(|p| p.device == device && p.prefix == prefix) {
            Some(at) if seconds == 0 => drop(list.remove(at)),
            Some(at) => list[at].expires = expires,
            None if seconds > 0 && list.len() < MAX_PREFIXES => list.push(OnLink { device, prefix, expires }),
            None => {}
        }
    }

    fn make_address(&mut self, device: DeviceId, prefix: Prefix, info: &PrefixInfo) {
        let now = self.clock.now();
        let Some(own) = self.device_mut(device) else { return };
        let (Some(mac), IpAddr::V6(network)) = (own.lladdr.mac(), prefix.address()) else { return };
        let address = IpAddr::V6(Ipv6Addr::from_bits(network.to_bits() | interface_id(mac)));
        let preferred = lifetime(now, info.preferred_s);
        if let Some(known) = own.find_mut(address) {
            if known.on_link {
                return; // given by hand: no router shortens its life
            }
            let left = known.valid_until.map(|until| until.duration_since(now));
            let offered = (info.valid_s != INFINITE).then(|| Duration::from_secs(u64::from(info.valid_s)));
            known.preferred_until = preferred;
            known.valid_until = match (offered, left) {
                (None, _) => None,
                (Some(offered), left) if offered > TWO_HOURS || left.is_some_and(|l| offered > l) => {
                    Some(now + offered)
                }
                (Some(_), Some(left)) if left <= TWO_HOURS => known.valid_until,
                _ => Some(now + TWO_HOURS),
            };
            return;
        }
        let made = own.addresses.iter().filter(|a| !a.on_link).count();
        if info.valid_s == 0 || made >= MAX_PREFIXES {
            return;
        }
        let Ok(own_prefix) = Prefix::new(address, 64) else { return };
        let options = AddressOptions { autoconf: true, ..AddressOptions::default() };
        if self.put_address(device, own_prefix, options).is_ok()
            && let Some(made) = self.device_mut(device).and_then(|d| d.find_mut(address))
        {
            (made.preferred_until, made.valid_until) = (preferred, lifetime(now, info.valid_s));
        }
    }

    /// Is an own address still preferred as a source (RFC 4862 section 5.5.4)?
    pub(crate) fn is_preferred(&self, address: &crate::InterfaceAddress) -> bool {
        address.preferred_until.is_none_or(|until| until > self.clock.now())
    }
}
