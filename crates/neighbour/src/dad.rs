//! Duplicate address detection of own IPv6 addresses (ND-71 to ND-82, RFC 4862 section 5.4,
//! RFC 7527).

use crate::conf::Conf6;
use crate::device::AddressState;
use crate::event::EventKind;
use crate::task::Task;
use crate::{DeviceId, Engine, Family};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;
use neighbour_wire::LlAddr;
use neighbour_wire::ipv6::solicited_node;

impl Engine {
    /// Begins to check a new address, or takes it at once where that is not to be done (ND-72, ND-74).
    pub(crate) fn dad_start(&mut self, device: DeviceId, address: Ipv6Addr, optimistic: bool) {
        let Some(own) = self.device(device) else { return };
        let quiet = own.noarp || own.is_loopback();
        let Some(nodad) = own.find(IpAddr::V6(address)).map(|a| a.nodad) else { return };
        let skip = quiet || nodad || self.conf6(device, Conf6::AcceptDad) < 1;
        // The switch is for hosts (RFC 4429 section 3.1); who asks for it with the address has it.
        let router = self.conf6_all.get(Conf6::Forwarding as usize) != 0;
        let by_switch = self.conf6(device, Conf6::OptimisticDad) != 0 && !router;
        let optimistic = !skip && (optimistic || by_switch);
        let nonce = match self.conf6(device, Conf6::EnhancedDad) {
            0 => [0; 6],
            _ => self.rng.nonce(),
        };
        let probes = u32::try_from(self.own_conf6(device, Conf6::DadTransmits)).unwrap_or(0);
        if let Some(own) = self.device_mut(device).and_then(|d| d.find_mut(IpAddr::V6(address))) {
            own.state = if optimistic { AddressState::Optimistic } else { AddressState::Tentative };
            (own.nonce, own.dad_probes) = (nonce, probes);
        }
        if !quiet {
            self.join_for(device, address);
        }
        if skip {
            self.dad_success(device, address);
            return;
        }
        let delay = u64::try_from(self.own_conf6(device, Conf6::RouterSolicitationDelay)).unwrap_or(0);
        let delay = match optimistic {
            true => 0,
            false => {
                let within = self.clock.ticks_ceil(Duration::from_secs(delay));
                self.rng.below(within)
            }
        };
        self.tasks.add(&self.clock, delay, Task::Dad(device, address));
        if optimistic {
            self.discover_gratuitously(device, address);
        }
    }

    /// Joins the solicited-node group of an own address, once (ND-72).
    fn join_for(&mut self, device: DeviceId, address: Ipv6Addr) {
        let Some(entry) = self.device_mut(device).and_then(|d| d.find_mut(IpAddr::V6(address))) else {
            return;
        };
        if !core::mem::replace(&mut entry.joined, true) {
            self.join(device, solicited_node(&address));
        }
    }

    /// Checks the addresses anew that `which` names (ND-82).
    pub(crate) fn dad_restart(&mut self, device: DeviceId, which: impl Fn(AddressState) -> bool) {
        let own = self.device(device).into_iter().flat_map(|d| d.v6_addresses());
        let meant: Vec<_> = own.filter(|(a, _)| which(a.state)).map(|(a, v6)| (v6, a.state)).collect();
        for (address, state) in meant {
            self.tasks.cancel(|task| *task == Task::Dad(device, address));
            self.dad_start(device, address, state == AddressState::Optimistic);
        }
    }

    /// One round: asks, or is done (ND-75).
    pub(crate) fn dad_round(&mut self, device: DeviceId, address: Ipv6Addr) {
        let Some(own) = self.device_mut(device).filter(|d| d.up && d.carrier) else { return }; // ND-73
        let Some(entry) = own.find_mut(IpAddr::V6(address)).filter(|a| a.state.is_checked()) else { return };
        if entry.dad_probes == 0 {
            self.dad_success(device, address);
            return;
        }
        entry.dad_probes -= 1;
        let nonce = (entry.nonce != [0; 6]).then_some(entry.nonce);
        let clock = self.clock;
        let Some(parms) = self.device(device).and_then(|d| d.parms[Family::Inet6 as usize].as_ref()) else {
            return;
        };
        let wait = parms.retrans(&clock);
        self.tasks.add(&clock, wait, Task::Dad(device, address));
        self.send_solicit(device, Ipv6Addr::UNSPECIFIED, solicited_node(&address), address, nonce);
    }

    /// Nobody else has it (ND-77, ND-78).
    fn dad_success(&mut self, device: DeviceId, address: Ipv6Addr) {
        let Some(entry) = self.device_mut(device).and_then(|d| d.find_mut(IpAddr::V6(address))) else {
            return;
        };
        let was = entry.state;
        entry.state = AddressState::Assigned;
        entry.nonce = [0; 6];
        self.tell(EventKind::AddressAssigned { device, address: IpAddr::V6(address) });
        if was == AddressState::Tentative && self.conf6(device, Conf6::NdiscNotify) != 0 {
            self.announce_v6(device, address);
        }
        if was == AddressState::Tentative {
            self.discover_gratuitously(device, address);
        }
        self.after_assigned(device, address);
    }

    /// Somebody else has it (ND-80): it stays, unused, and its owner is told.
    pub(crate) fn dad_failure(&mut self, device: DeviceId, address: Ipv6Addr, lladdr: Option<LlAddr>) {
        let Some(own) = self.device_mut(device) else { return };
        let mac = own.lladdr.mac();
        let Some(entry) = own.find_mut(IpAddr::V6(address)) else { return };
        if !entry.state.is_checked() {
            return;
        }
        entry.state = AddressState::Duplicate;
        self.tasks.cancel(|task| *task == Task::Dad(device, address));
        self.tell(EventKind::AddressDuplicate { device, address: IpAddr::V6(address), lladdr });
        let from_mac = mac.is_some_and(|mac| crate::interface::link_local_of(mac) == address);
        if from_mac && self.conf6(device, Conf6::AcceptDad) > 1 {
            self.detach_v6(device); // ND-81
        }
    }
}
