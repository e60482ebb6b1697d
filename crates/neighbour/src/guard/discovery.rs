//! Routers learn of a new address before its first packet comes back: gratuitous neighbour discovery, RFC 9131.

use crate::conf::Conf6;
use crate::device::AddressState;
use crate::ndisc::Advertise;
use crate::ndisc_groups::ALL_ROUTERS;
use crate::task::Task;
use crate::{DeviceId, Engine, Family};
use core::net::{IpAddr, Ipv6Addr};

impl Engine {
    /// An own address is in use from now on, or provisionally: `conf/gratuitous_na` advertisements tell all routers,
    /// the first at once, each retrans_time after the one before (RFC 9131 section 6.1).
    pub(crate) fn discover_gratuitously(&mut self, device: DeviceId, address: Ipv6Addr) {
        let wanted = u8::try_from(self.own_conf6(device, Conf6::GratuitousNa)).unwrap_or(0);
        let Some(own) = self.device(device) else { return };
        let quiet = own.noarp || own.is_loopback() || address.is_unicast_link_local();
        self.tasks
            .cancel(|task| matches!(task, Task::GratuitousNa(on, of, _) if (*on, *of) == (device, address)));
        if wanted > 0 && !quiet {
            self.gratuitous_na(device, address, wanted);
        }
    }

    /// One of them, and the next one's appointment.
    pub(crate) fn gratuitous_na(&mut self, device: DeviceId, address: Ipv6Addr, left: u8) {
        let Some(own) = self.device(device).filter(|d| d.up && d.carrier) else { return };
        let state = own.find(IpAddr::V6(address)).map(|a| a.state);
        if !matches!(state, Some(AddressState::Assigned | AddressState::Optimistic)) {
            return;
        }
        let router = own.conf6_own(Conf6::Forwarding) != 0;
        self.send_advert(&Advertise {
            device,
            destination: ALL_ROUTERS,
            target: address,
            router,
            solicited: false,
            overrides: true, // not if it is optimistic: RFC 4429 section 3.3
            lladdr: true,
            to: None,
        });
        let parms = self.device(device).and_then(|d| d.parms[Family::Inet6 as usize].as_ref());
        if let (Some(parms), 2..) = (parms, left) {
            let wait = parms.retrans(&self.clock);
            self.tasks.add(&self.clock, wait, Task::GratuitousNa(device, address, left - 1));
        }
    }
}
