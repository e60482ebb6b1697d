//! What a device may have a say in: the kernel's `ndo_neigh_construct`, `ndo_neigh_destroy`,
//! `ndo_neigh_setup` and the parameter set's `neigh_setup` (CRE-10, CRE-11, DM-20, DEV-14).

use crate::Family;
use crate::parms::Parm;
use alloc::vec::Vec;
use core::net::IpAddr;
use neighbour_wire::LlAddr;

/// Why a hook refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the device refused (errno {0})")]
pub struct HookError(
    /// The positive errno that is reported to whoever asked.
    pub i32,
);

/// The entry under construction, as a hook sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewNeighbour {
    /// Its family.
    pub family: Family,
    /// Its key, after the constructor's rewriting (ARP-1).
    pub address: IpAddr,
    /// The address the constructor gave it, if it needs no resolution.
    pub lladdr: Option<LlAddr>,
}

/// A device's own part in the life of its entries. All hooks default to doing nothing.
pub trait DeviceHooks: Send {
    /// `ndo_neigh_setup`: once for each parameter set (DEV-15). May preset parameters by pushing
    /// (parameter, value in stored units); an error keeps the family off the device (DM-20).
    fn setup_parms(&mut self, family: Family, preset: &mut Vec<(Parm, u32)>) -> Result<(), HookError> {
        let _ = (family, preset);
        Ok(())
    }

    /// `ndo_neigh_construct`: before the entry is seen by anybody, also for entries that lose
    /// (CRE-10, CRE-18). An error refuses the entry.
    fn construct(&mut self, neighbour: &NewNeighbour) -> Result<(), HookError> {
        let _ = neighbour;
        Ok(())
    }

    /// `neigh_setup` of the parameter set, after `construct` (CRE-11). An error refuses the entry.
    fn setup(&mut self, neighbour: &NewNeighbour) -> Result<(), HookError> {
        let _ = neighbour;
        Ok(())
    }

    /// `ndo_neigh_destroy`: for each entry that ends, constructed or not (CRE-16, DST-5).
    fn destroy(&mut self, neighbour: &NewNeighbour) {
        let _ = neighbour;
    }
}
