//! The table in the format of /proc/net/arp (ARP-66 to ARP-68), IPv4 only.

use super::{Query, entries};
use crate::context::Context;
use neighbour::{Family, NudState};
use neighbour_ctl::Entry;
use std::fmt::Write as _;

const HEADER: &str = "IP address       HW type     Flags       HW address            Mask     Device\n";
/// The address is complete.
const ATF_COM: u32 = 0x2;
/// It does not age.
const ATF_PERM: u32 = 0x4;
/// It is published: a proxy entry.
const ATF_PUBL: u32 = 0x8;
/// The kernel's buffer holds no more bytes of an address.
const SHOWN_BYTES: usize = 9;
/// An Ethernet address, where nothing says how long a device's address is.
const USUAL_BYTES: usize = 6;

/// Writes the entries that the query asks for by prefix, device and the like. Proxy entries follow.
///
/// The states that `show` hides are hidden here by the format's own rule: NOARP and NONE never appear.
pub(super) fn show(context: &mut Context, query: &Query, device: Option<u32>) -> anyhow::Result<()> {
    let query = Query { family: Some(Family::Inet), ..query.clone() };
    let mut text = HEADER.to_owned();
    for proxy in [false, true] {
        if query.proxy && !proxy {
            continue;
        }
        let query = Query { proxy, ..query.clone() };
        for entry in entries(context, &query, device)? {
            if proxy || !matches!(entry.state, NudState::NOARP | NudState::NONE) {
                line(&mut text, context, &entry, proxy)?;
            }
        }
    }
    Ok(context.write(text.as_bytes())?)
}

fn line(text: &mut String, context: &mut Context, entry: &Entry, proxy: bool) -> anyhow::Result<()> {
    let interface = context.interfaces()?.iter().find(|interface| interface.index == entry.interface);
    let (hardware, own, name) = match interface {
        Some(interface) => (interface.hardware, interface.lladdr, interface.name.clone()),
        None if entry.interface == 0 => (0, None, "*".into()),
        None => (0, None, format!("if{}", entry.interface)),
    };
    let flags = match entry.state {
        _ if proxy => ATF_PUBL | ATF_PERM,
        state if state.has(NudState::PERMANENT) => ATF_PERM | ATF_COM,
        state if state.is_valid() => ATF_COM,
        _ => 0,
    };
    let zeros = vec![0; own.as_ref().filter(|_| !proxy).map_or(USUAL_BYTES, |own| own.as_bytes().len())];
    // What is not valid, and a proxy entry's address, is not told.
    let bytes = entry.lladdr.as_ref().filter(|_| !proxy).map_or(&zeros[..], |lladdr| lladdr.as_bytes());
    let shown: Vec<String> = bytes.iter().take(SHOWN_BYTES).map(|byte| format!("{byte:02x}")).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{:<16} 0x{hardware:<10x}0x{flags:<10x}{:<17}     *        {name}",
        entry.address.to_string(),
        shown.join(":"),
    );
    Ok(())
}
