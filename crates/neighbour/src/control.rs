//! What userspace asks: rtnetlink's requests as values (section 7 of `specs/linux-6.18.md`).

use crate::create::CreateError;
use crate::event::{NeighbourInfo, Reason};
use crate::neighbour::Flags;
use crate::table::{Id, address_of};
use crate::time::Tick;
use crate::update::{UpdateError, UpdateFlags};
use crate::{DeviceId, Engine, Family, Instant, NudState};
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;
use neighbour_wire::LlAddr;

/// RTM_NEWNEIGH, as far as the engine needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNeigh {
    /// The device.
    pub device: DeviceId,
    /// The neighbour.
    pub address: IpAddr,
    /// NDA_LLADDR. Longer than the device's: its beginning counts (NL-10).
    pub lladdr: Option<LlAddr>,
    /// The state wanted.
    pub state: NudState,
    /// USE, EXT_LEARNED, MANAGED, EXT_VALIDATED, ROUTER; others are ignored (DM-10).
    pub flags: Flags,
    /// NDA_PROTOCOL; 0 leaves it as it is (NL-17).
    pub protocol: u8,
    /// NLM_F_CREATE.
    pub create: bool,
    /// NLM_F_EXCL.
    pub exclusive: bool,
    /// NLM_F_REPLACE.
    pub replace: bool,
    /// The port id of who asks, for the notification (EVT-6).
    pub port: u32,
}

impl NewNeigh {
    /// What `ip neigh add` asks for: an entry that does not exist yet (NLM_F_CREATE and NLM_F_EXCL).
    pub fn add(device: DeviceId, address: IpAddr, lladdr: Option<LlAddr>, state: NudState) -> Self {
        Self { exclusive: true, replace: false, ..Self::replace(device, address, lladdr, state) }
    }

    /// What `ip neigh replace` asks for: an entry that is made, or overwritten (NLM_F_CREATE and NLM_F_REPLACE).
    pub fn replace(device: DeviceId, address: IpAddr, lladdr: Option<LlAddr>, state: NudState) -> Self {
        Self {
            device,
            address,
            lladdr,
            state,
            flags: Flags::empty(),
            protocol: 0,
            create: true,
            exclusive: false,
            replace: true,
            port: 0,
        }
    }
}

/// Why a request was refused; the texts are Linux's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// ENODEV.
    #[error("No such device")]
    NoDevice,
    /// EINVAL (NL-10).
    #[error("Invalid link address")]
    InvalidLladdr,
    /// ENOENT (NL-14.1).
    #[error("No such file or directory")]
    NotFound,
    /// EEXIST (NL-15).
    #[error("File exists")]
    Exists,
    /// EINVAL (NL-14.2).
    #[error("Invalid flag combination for permanent entry")]
    PermanentManaged,
    /// EINVAL (NL-14.3).
    #[error("Cannot create externally validated neighbor with invalid state")]
    InvalidValidated,
    /// EINVAL (UPD-6).
    #[error("No link layer address given")]
    NoLladdr,
    /// EPERM (UPD-1).
    #[error("Neighbor entry is now dead")]
    Dead,
    /// EPERM (UPD-2).
    #[error("Operation not permitted")]
    NotPermitted,
    /// EINVAL: the device does not speak the family (NL-13).
    #[error("Invalid argument")]
    NoFamily,
    /// Creation failed.
    #[error(transparent)]
    Create(#[from] CreateError),
}

impl RequestError {
    /// The positive errno that goes into the ack.
    pub const fn errno(&self) -> i32 {
        match self {
            Self::NotPermitted | Self::Dead => 1,
            Self::NotFound => 2,
            Self::Exists => 17,
            Self::NoDevice => 19,
            Self::InvalidLladdr
            | Self::PermanentManaged
            | Self::InvalidValidated
            | Self::NoLladdr
            | Self::NoFamily => 22,
            Self::Create(error) => error.errno(),
        }
    }
}

impl From<UpdateError> for RequestError {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::Dead => Self::Dead,
            UpdateError::Refused => Self::NotPermitted,
            UpdateError::NoAddress => Self::NoLladdr,
        }
    }
}

impl Engine {
    /// Adds, changes or replaces an entry (NL-10 to NL-22).
    pub fn new_neigh(&mut self, now: Instant, request: &NewNeigh) -> Result<(), RequestError> {
        self.begin(now);
        let reason = Reason::Admin(request.port);
        let family = Family::of(request.address);
        let own = self.device(request.device).ok_or(RequestError::NoDevice)?;
        let addr_len = own.addr_len();
        let lladdr = match &request.lladdr {
            Some(lladdr) => {
                let bytes = lladdr.as_bytes().get(..addr_len).ok_or(RequestError::InvalidLladdr)?;
                LlAddr::new(bytes)
            }
            None => None,
        };
        if own.parms[family as usize].is_none() {
            return Err(RequestError::NoFamily); // NL-13
        }
        let flags = request.flags;
        let asks = flags.intersects(Flags::USE | Flags::MANAGED);
        let mut update = UpdateFlags::ADMIN | UpdateFlags::OVERRIDE | UpdateFlags::OVERRIDE_ISROUTER;
        if flags.contains(Flags::MANAGED) && self.table_mut(family).managed.reserve().is_err() {
            return Err(CreateError::OutOfMemory.into());
        }
        let known = self.table_mut(family).lookup(request.device, request.address);
        let id = match known {
            None => {
                let permanent = request.state.has(NudState::PERMANENT);
                if !request.create {
                    return Err(RequestError::NotFound);
                }
                if permanent && flags.contains(Flags::MANAGED) {
                    return Err(RequestError::PermanentManaged);
                }
                let ends_as = if asks { NudState::NONE } else { request.state };
                if flags.contains(Flags::EXT_VALIDATED) && !ends_as.is_valid() {
                    return Err(RequestError::InvalidValidated);
                }
                let exempt = permanent || flags.intersects(Flags::EXEMPT);
                self.create_with(request.device, request.address, flags, exempt, reason)?
            }
            Some(slot) => {
                let id = Id { family, slot };
                if request.exclusive {
                    return Err(RequestError::Exists);
                }
                let old = self.entry(id).state;
                let ends_as = if asks { NudState(old.0 & !NudState::PERMANENT.0) } else { request.state };
                if flags.contains(Flags::EXT_VALIDATED) && !ends_as.is_valid() {
                    return Err(RequestError::InvalidValidated);
                }
                if !request.replace {
                    update -= UpdateFlags::OVERRIDE | UpdateFlags::OVERRIDE_ISROUTER; // NL-15
                }
                id
            }
        };
        if request.protocol != 0 {
            self.entry_mut(id).protocol = request.protocol; // NL-17
        }
        for (flag, bit) in [
            (Flags::USE, UpdateFlags::USE),
            (Flags::MANAGED, UpdateFlags::MANAGED),
            (Flags::EXT_LEARNED, UpdateFlags::EXT_LEARNED),
            (Flags::EXT_VALIDATED, UpdateFlags::EXT_VALIDATED),
            (Flags::ROUTER, UpdateFlags::ISROUTER),
        ] {
            update.set(bit, flags.contains(flag));
        }
        self.update(id, lladdr.as_ref(), request.state, update, reason)?; // NL-18, NL-20
        if asks {
            let _ = self.event_send(id, None, true, reason); // NL-19
        }
        Ok(())
    }

    /// Deletes an entry (NL-26 to NL-29): it becomes FAILED and leaves the table unless it is held.
    pub fn del_neigh(
        &mut self,
        now: Instant,
        device: DeviceId,
        address: IpAddr,
        port: u32,
    ) -> Result<(), RequestError> {
        self.begin(now);
        let family = Family::of(address);
        self.device(device).ok_or(RequestError::NoDevice)?;
        let slot = self.table_mut(family).lookup(device, address).ok_or(RequestError::NotFound)?;
        let (id, reason) = (Id { family, slot }, Reason::Admin(port));
        let result =
            self.update(id, None, NudState::FAILED, UpdateFlags::OVERRIDE | UpdateFlags::ADMIN, reason);
        self.remove_one(id, reason);
        self.pay_unreachable();
        Ok(result?)
    }

    /// The entry of exactly this key.
    pub fn neighbour(&self, device: DeviceId, address: IpAddr) -> Option<NeighbourInfo> {
        let family = Family::of(address);
        let slot = self.table(family).find(device, address)?;
        Some(self.info(Id { family, slot }))
    }

    /// All entries of a family that are in the table, in no order.
    pub fn neighbours(&self, family: Family) -> impl Iterator<Item = NeighbourInfo> + '_ {
        self.neighbours_from(family, 0).map(|(_, info)| info)
    }

    /// The same in parts: each entry with its place, from the place `start` on. An entry keeps its place for its
    /// life, so a listing that goes on behind the last place tells of whoever stays exactly once.
    pub fn neighbours_from(
        &self,
        family: Family,
        start: u32,
    ) -> impl Iterator<Item = (u32, NeighbourInfo)> + '_ {
        let table = self.table(family);
        let live = move |slot: &u32| table.entries.get(*slot).is_some_and(|e| !e.is_dead());
        (start..table.entries.slots()).filter(live).map(move |slot| (slot, self.info(Id { family, slot })))
    }

    /// Removes all entries of a device, or of all devices, as a device going down does.
    pub fn flush(&mut self, now: Instant, family: Family, device: Option<DeviceId>) {
        self.begin(now);
        let devices: Vec<_> =
            self.devices().map(|d| d.id).filter(|d| device.is_none_or(|w| w == *d)).collect();
        for device in devices {
            self.flush_device(family, device, false, Reason::Device);
        }
    }

    /// Asks once for a router that is not reachable (NUD-46, NUD-47): a FAILED entry is INCOMPLETE for one
    /// retrans_time, and one solicitation is sent to its group.
    pub fn probe_once(&mut self, now: Instant, device: DeviceId, address: IpAddr) -> bool {
        self.begin(now);
        let family = Family::of(address);
        let Some(slot) = self.table(family).find(device, address) else { return false };
        self.set_probe_once(Id { family, slot });
        if let IpAddr::V6(target) = address {
            self.ndisc_solicit(device, target, None, false);
        }
        true
    }

    /// How an entry looks from outside.
    pub(crate) fn info(&self, id: Id) -> NeighbourInfo {
        let (entry, table, now) = (self.entry(id), self.table(id.family), self.clock.tick());
        let age =
            |tick: Tick| -> Duration { self.clock.duration(u32::try_from(now.since(tick)).unwrap_or(0)) };
        let shared = table.shared.look(id.slot);
        let held = shared.refs.saturating_sub(u32::from(!entry.is_dead()));
        let lladdr = || LlAddr::new(shared.lladdr()).filter(|lladdr| !lladdr.is_empty());
        NeighbourInfo {
            family: id.family,
            device: entry.device(),
            address: address_of(id.family, &shared.key),
            state: entry.state,
            lladdr: if entry.state.is_valid() { lladdr() } else { None },
            flags: entry.flags(),
            route_type: entry.route_type(),
            protocol: entry.protocol,
            probes: entry.probes,
            refcnt: held + u32::from(table.wheel.is_armed(id.slot)),
            used: age(entry.used),
            // A dead one forgets it when the last reference goes, whichever thread has that.
            confirmed: age(Tick(shared.confirmed.unwrap_or_default())),
            updated: age(entry.updated),
            queued: self.queues.get(entry.queue).map_or(0, |q| q.len()),
        }
    }
}
