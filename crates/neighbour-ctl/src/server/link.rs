//! `RTM_GETLINK` and, as far as switching on and off goes, `RTM_NEWLINK`.

use super::errno::{EINVAL, ENODEV, EOPNOTSUPP};
use super::trouble::Trouble;
use super::{Call, Host, Outcome, device_of};
use crate::interface::{IFINFOMSG, IFLA_IFNAME, Interface};
use crate::message::{Attributes, Head, RTM_NEWLINK, text_of, u32_at, write};
use neighbour::DeviceId;
use netlink_packet_core::NLM_F_MULTIPART;

fn interface(host: &impl Host, device: DeviceId) -> Interface {
    let facts = host.link(device);
    Interface {
        index: device.index(),
        name: host.engine().device_name(device).unwrap_or_default().into(),
        hardware: facts.hardware,
        flags: facts.flags,
        lladdr: host.engine().device_lladdr(device).filter(|lladdr| !lladdr.is_empty()),
        master: None,
    }
}

/// The device that a request names by index or by name.
fn named(call: &Call<'_, '_>, host: &impl Host) -> Result<(DeviceId, u32, u32), Trouble> {
    let short = || Trouble::text(EINVAL, "Invalid header length");
    let (head, attributes) = call.payload.split_at_checked(IFINFOMSG).ok_or_else(short)?;
    let number = |at| u32_at(head, at).unwrap_or_default();
    let device = match number(4) {
        0 => {
            let name = Attributes::new(attributes).value(IFLA_IFNAME);
            let name = name.ok_or_else(|| Trouble::errno(EINVAL))?;
            host.engine().device_by_name(&text_of(name))
        }
        index => device_of(host.engine(), index),
    };
    Ok((device.ok_or_else(|| Trouble::errno(ENODEV))?, number(8), number(12)))
}

pub(super) fn dump(call: &mut Call<'_, '_>, host: &mut impl Host) -> Outcome {
    let head = Head { kind: RTM_NEWLINK, flags: NLM_F_MULTIPART, ..call.head };
    for device in host.engine().device_ids() {
        let interface = interface(host, device);
        write(call.out, head, |message| message.emit(&interface.to_message()));
    }
    call.end_dump(&Trouble::default())
}

pub(super) fn get(call: &mut Call<'_, '_>, host: &mut impl Host) -> Result<Trouble, Trouble> {
    let (device, ..) = named(call, host)?;
    let interface = interface(host, device);
    let head = Head { kind: RTM_NEWLINK, ..call.head };
    write(call.out, head, |message| message.emit(&interface.to_message()));
    Ok(Trouble::default())
}

/// Switches a device on or off. Other changes are not made here.
pub(super) fn set(call: &Call<'_, '_>, host: &mut impl Host) -> Result<Trouble, Trouble> {
    let (device, flags, change) = named(call, host)?;
    // A change of 0 stands for all flags, as old clients have it.
    let change = if change == 0 { flags | Interface::UP } else { change };
    if change & !Interface::UP != 0 {
        return Err(Trouble::text(EOPNOTSUPP, "of a link's flags only IFF_UP can be changed"));
    }
    host.set_link(device, flags & Interface::UP != 0);
    Ok(Trouble::default())
}
