//! `RTM_NEWADDR`, `RTM_DELADDR`, `RTM_GETADDR`: own addresses, with the kernel's texts.

use super::errno::{EACCES, EADDRNOTAVAIL, EEXIST, EINVAL, ENODEV, EOPNOTSUPP};
use super::policy::{Parsed, Rule, Strictness, parse};
use super::trouble::Trouble;
use super::{Call, Host, Outcome, device_of};
use crate::address::{Address, IFA_ADDRESS, IFA_LABEL, IFA_LOCAL, IFADDRMSG, ip_of};
use crate::frames::HEADER;
use crate::message::{Head, RTM_NEWADDR, u32_at, write};
use neighbour::{
    AddressError, AddressOptions, AddressState, DeviceId, Family, InterfaceAddress, Prefix, Scope,
};
use netlink_packet_core::{NLM_F_EXCL, NLM_F_MULTIPART, NLM_F_REPLACE};

/// `IFA_F_NODAD`.
const NODAD: u8 = 0x02;
const OPTIMISTIC: u8 = 0x04;

const RULES: [Rule; 12] = [
    Rule::Unspecified,
    Rule::Unspecified,
    Rule::Unspecified,
    Rule::Text(15),
    Rule::Unspecified,
    Rule::Unspecified,
    Rule::Unspecified,
    Rule::Unspecified,
    Rule::U32,
    Rule::U32,
    Rule::Unspecified,
    Rule::Unspecified,
];

/// What a request names.
struct Named {
    family: Family,
    device: Option<DeviceId>,
    len: u8,
    flags: u8,
    address: Option<Prefix>,
    /// `IFA_ADDRESS` is there: for IPv4 the prefix is to be compared, too.
    with_prefix: bool,
    warning: Trouble,
}

impl Named {
    fn text(&self, errno: i32, v4: &'static str, v6: &'static str) -> Trouble {
        Trouble::text(errno, if self.family == Family::Inet { v4 } else { v6 })
    }

    fn device(&self) -> Result<DeviceId, Trouble> {
        let missing = || self.text(ENODEV, "ipv4: Device not found", "ipv6: Unable to find the interface");
        self.device.ok_or_else(missing)
    }
}

fn named(call: &Call<'_, '_>, host: &impl Host) -> Result<Named, Trouble> {
    let short = || Trouble::text(EINVAL, "Invalid header length");
    let first = call.payload.first().copied().unwrap_or_default();
    if call.payload.len() < IFADDRMSG && crate::family_of(first).is_some() {
        return Err(short());
    }
    let family = crate::family_of(first).ok_or_else(|| Trouble::errno(EOPNOTSUPP))?;
    let (head, attributes) = call.payload.split_at_checked(IFADDRMSG).ok_or_else(short)?;
    let strictness = Strictness { shape: false, exact_from: u16::MAX };
    let parsed = parse(attributes, HEADER + IFADDRMSG, &RULES, strictness)?;
    let byte = |at| head.get(at).copied().unwrap_or_default();
    let len = byte(1);
    let address = own_address(&parsed, family);
    Ok(Named {
        family,
        device: device_of(host.engine(), u32_at(head, 4).unwrap_or_default()),
        len,
        flags: byte(2),
        address: address.and_then(|address| Prefix::new(address, len).ok()),
        with_prefix: parsed.get(IFA_ADDRESS).is_some(),
        warning: parsed.warning.clone(),
    })
}

/// `IFA_LOCAL`, or where there is no difference `IFA_ADDRESS`.
fn own_address(parsed: &Parsed<'_, { RULES.len() }>, family: Family) -> Option<std::net::IpAddr> {
    let either = parsed.get(IFA_LOCAL).or_else(|| {
        // IPv4 insists on the local one.
        parsed.get(IFA_ADDRESS).filter(|_| family == Family::Inet6)
    });
    let _label_is_of_no_use_here = parsed.get(IFA_LABEL);
    either.and_then(ip_of).filter(|address| Family::of(*address) == family)
}

pub(super) fn add(call: &Call<'_, '_>, host: &mut impl Host) -> Result<Trouble, Trouble> {
    let named = named(call, host)?;
    let longest = if named.family == Family::Inet { 32 } else { 128 };
    if named.len > longest {
        return Err(named.text(EINVAL, "ipv4: Invalid prefix length", "ipv6: Invalid prefix length"));
    }
    let missing = match named.family {
        Family::Inet => Trouble::text(EINVAL, "ipv4: Local address is not supplied"),
        Family::Inet6 => Trouble::errno(EINVAL),
    };
    let prefix = named.address.ok_or(missing)?;
    let device = named.device()?;
    let options = AddressOptions {
        nodad: named.flags & NODAD != 0,
        optimistic: named.flags & OPTIMISTIC != 0,
        ..AddressOptions::default()
    };
    let now = host.now();
    match host.engine_mut().add_address(now, device, prefix, options) {
        Ok(()) => Ok(named.warning),
        Err(AddressError::Exists(_)) if replaces(call) => Ok(named.warning),
        Err(error) => Err(match error {
            AddressError::NoDevice => Trouble::errno(ENODEV),
            AddressError::Exists(_) => {
                named.text(EEXIST, "ipv4: Address already assigned", "ipv6: address already assigned")
            }
            AddressError::NoFamily(_) => named.text(
                EACCES,
                "ipv4: IPv4 is disabled on this device",
                "ipv6: IPv6 is disabled on this device",
            ),
            other => Trouble::text(EADDRNOTAVAIL, other.to_string()),
        }),
    }
}

fn replaces(call: &Call<'_, '_>) -> bool {
    call.flags & NLM_F_REPLACE != 0 && call.flags & NLM_F_EXCL == 0
}

pub(super) fn delete(call: &Call<'_, '_>, host: &mut impl Host) -> Result<Trouble, Trouble> {
    let named = named(call, host)?;
    let absent = || named.text(EADDRNOTAVAIL, "ipv4: Address not found", "ipv6: address not found");
    let device = named.device()?;
    let prefix = named.address.ok_or_else(absent)?;
    let same = |own: &&InterfaceAddress| {
        own.address() == prefix.address()
            && (own.prefix == prefix || named.family == Family::Inet && !named.with_prefix)
    };
    host.engine().addresses(device).find(same).ok_or_else(absent)?;
    let now = host.now();
    host.engine_mut().remove_address(now, device, prefix.address()).map_err(|_| absent())?;
    Ok(named.warning)
}

pub(super) fn dump(call: &mut Call<'_, '_>, host: &mut impl Host) -> Outcome {
    let family = call.payload.first().copied().unwrap_or_default();
    let head = Head { kind: RTM_NEWADDR, flags: NLM_F_MULTIPART, ..call.head };
    let engine = host.engine();
    for wanted in Family::BOTH.into_iter().filter(|f| family == 0 || crate::family_of(family) == Some(*f)) {
        for device in engine.device_ids() {
            for own in engine.addresses(device).filter(|own| Family::of(own.address()) == wanted) {
                let address = told(device, own);
                write(call.out, head, |message| address.write(message));
            }
        }
    }
    call.dump(Ok(Trouble::default()))
}

fn told(device: DeviceId, own: &InterfaceAddress) -> Address {
    let lifetime = if own.valid_until.is_none() { Address::PERMANENT } else { 0 };
    let secondary = if own.secondary { Address::SECONDARY } else { 0 };
    let state = match own.state {
        AddressState::Assigned => 0,
        AddressState::Tentative => Address::TENTATIVE,
        AddressState::Optimistic => Address::TENTATIVE | Address::OPTIMISTIC,
        AddressState::Duplicate => Address::TENTATIVE | Address::DADFAILED,
    };
    let scope = match own.scope {
        Scope::Global => 0,
        Scope::Link => 253,
        Scope::Host => 254,
    };
    Address { interface: device.index(), prefix: own.prefix, scope, flags: lifetime | secondary | state }
}
