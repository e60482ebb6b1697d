//! What can be asked: one method for each request.

use super::{Table, TableError, Wire, refused};
use crate::address::Address;
use crate::alert::GROUP_ALERTS;
use crate::entry::{Entry, MessageError};
use crate::extension::{
    ADD_MEMBERSHIP, GROUP_NEIGH, History, NEIGH_NEWHISTORY, NEIGH_NEWPARM, NEIGH_NEWSTATS, PARM_VALUE,
    Statistics,
};
use crate::interface::Interface;
use crate::message::{
    Attributes, Control, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWNEIGH, RTM_NEWNEIGHTBL, control, text_of,
};
use crate::ntable::{TableChange, TableInfo};
use crate::request::{self, Filter, Request};
use neighbour::{Family, Flags, Prefix};
use std::net::IpAddr;

/// All of these fail when the other side breaks off, refuses or cannot be understood: [`TableError`].
impl Table {
    /// All interfaces.
    ///
    /// # Errors
    ///
    /// See [`TableError`].
    pub fn interfaces(&mut self) -> Result<Vec<Interface>, TableError> {
        self.dump(request::interfaces, RTM_NEWLINK, |payload| Interface::parse(payload).map(Some))
    }

    /// The neighbours that `filter` lets pass, in the order in which the table tells them.
    ///
    /// # Errors
    ///
    /// See [`TableError`].
    pub fn neighbours(&mut self, filter: &Filter) -> Result<Vec<Entry>, TableError> {
        let ask = |sequence| request::neighbours(sequence, filter);
        let admitted = |payload: &[u8]| Ok(ip_entry(payload)?.filter(|entry| filter.admits(entry)));
        self.dump(ask, RTM_NEWNEIGH, admitted)
    }

    /// One neighbour, or one proxy entry, whose interface may be 0 (NL-30 to NL-32).
    ///
    /// # Errors
    ///
    /// See [`TableError`].
    pub fn neighbour(&mut self, interface: u32, address: IpAddr, proxy: bool) -> Result<Entry, TableError> {
        self.one(
            |sequence| request::neighbour(sequence, interface, address, proxy),
            RTM_NEWNEIGH,
            Entry::parse,
        )
    }

    /// Adds, changes or replaces a neighbour or a proxy entry (NL-8 to NL-24).
    ///
    /// # Errors
    ///
    /// See [`TableError`].
    pub fn change(&mut self, request: &Request) -> Result<(), TableError> {
        self.acknowledged(|sequence| request::change(sequence, request))
    }

    /// Deletes a neighbour or a proxy entry (NL-25 to NL-29).
    ///
    /// # Errors
    ///
    /// See [`TableError`].
    pub fn delete(&mut self, request: &Request) -> Result<(), TableError> {
        self.acknowledged(|sequence| request::delete(sequence, request, true))
    }

    /// Deletes all of these. All are tried; the first refusal is the result.
    ///
    /// # Errors
    ///
    /// See [`TableError`].
    pub fn delete_all(&mut self, entries: &[Entry]) -> Result<(), TableError> {
        // So few at a time that the refusals of all have room in a socket's buffer.
        let mut first = None;
        for some in entries.chunks(64) {
            let last = some.len() - 1;
            let begin = self.sequence.wrapping_add(1);
            for (n, entry) in some.iter().enumerate() {
                let mut request = Request::new(entry.interface, entry.address);
                request.flags = entry.flags & Flags::PROXY;
                request.state = u16::from(entry.state.0);
                let sequence = self.next_sequence();
                self.wire.send(&request::delete(sequence, &request, n == last))?;
            }
            let end = self.sequence;
            self.read(|head, payload, _| {
                let ours = head.sequence.wrapping_sub(begin) <= end.wrapping_sub(begin);
                match control(head, payload) {
                    Control::Error(errno) if ours => {
                        if errno != 0 && first.is_none() {
                            first = Some(refused(head, payload, errno));
                        }
                        (head.sequence == end).then_some(Ok(()))
                    }
                    _ => None,
                }
            })?;
        }
        first.map_or(Ok(()), Err)
    }

    /// The tables and the parameters of each device, one item for each message (TBL-2).
    ///
    /// # Errors
    ///
    /// See [`TableError`].
    pub fn tables(&mut self, family: Option<Family>) -> Result<Vec<TableInfo>, TableError> {
        let ask = |sequence| request::tables(sequence, family);
        self.dump(ask, RTM_NEWNEIGHTBL, |payload| TableInfo::parse(payload).map(Some))
    }

    /// Changes a table or the parameters of a device (TBL-8 to TBL-14).
    ///
    /// # Errors
    ///
    /// See [`TableError`].
    pub fn set_table(&mut self, change: &TableChange) -> Result<(), TableError> {
        self.acknowledged(|sequence| request::set_table(sequence, change))
    }

    /// The addresses of all interfaces.
    ///
    /// # Errors
    ///
    /// See [`TableError`].
    pub fn addresses(&mut self) -> Result<Vec<Address>, TableError> {
        self.dump(request::addresses, RTM_NEWADDR, |payload| match Address::parse(payload) {
            Err(MessageError::NoAddress) => Ok(None),
            other => other.map(Some),
        })
    }

    /// Adds an address to an interface.
    ///
    /// # Errors
    ///
    /// See [`TableError`].
    pub fn add_address(&mut self, interface: u32, prefix: Prefix) -> Result<(), TableError> {
        self.acknowledged(|sequence| request::add_address(sequence, interface, prefix))
    }

    /// Removes an address from an interface.
    ///
    /// # Errors
    ///
    /// See [`TableError`].
    pub fn del_address(&mut self, interface: u32, prefix: Prefix) -> Result<(), TableError> {
        self.acknowledged(|sequence| request::delete_address(sequence, interface, prefix))
    }

    /// Switches an interface on or off.
    ///
    /// # Errors
    ///
    /// See [`TableError`].
    pub fn set_link(&mut self, interface: u32, up: bool) -> Result<(), TableError> {
        self.acknowledged(|sequence| request::set_link(sequence, interface, up))
    }

    /// The daemon's counters.
    ///
    /// # Errors
    ///
    /// [`TableError::DaemonOnly`] of a kernel.
    pub fn statistics(&mut self) -> Result<Statistics, TableError> {
        self.daemon_only("its counters")?;
        let parts = self.dump(request::statistics, NEIGH_NEWSTATS, |payload| Ok(Some(payload.to_vec())))?;
        let mut all = Statistics::default();
        parts.iter().for_each(|part| all.take(part));
        Ok(all)
    }

    /// What happened to an address, as far as the daemon remembers.
    ///
    /// # Errors
    ///
    /// [`TableError::DaemonOnly`] of a kernel.
    pub fn history(&mut self, address: IpAddr) -> Result<History, TableError> {
        self.daemon_only("what happened to an address")?;
        let ask = |sequence| request::history(sequence, address);
        let parts = self.dump(ask, NEIGH_NEWHISTORY, |payload| Ok(Some(payload.to_vec())))?;
        let mut all = History::default();
        parts.iter().for_each(|part| all.take(part));
        Ok(all)
    }

    /// The value of a parameter by its sysctl name.
    ///
    /// # Errors
    ///
    /// [`TableError::DaemonOnly`] of a kernel.
    pub fn parameter(&mut self, name: &str) -> Result<i64, TableError> {
        self.daemon_only("a parameter by its name here")?;
        self.one(
            |sequence| request::parameter(sequence, name),
            NEIGH_NEWPARM,
            |payload| {
                let text = Attributes::new(payload).value(PARM_VALUE).map(text_of).unwrap_or_default();
                text.parse().map_err(|_| MessageError::NotANumber(text))
            },
        )
    }

    /// Sets a parameter by its sysctl name.
    ///
    /// # Errors
    ///
    /// [`TableError::DaemonOnly`] of a kernel.
    pub fn set_parameter(&mut self, name: &str, value: &str) -> Result<(), TableError> {
        self.daemon_only("a parameter by its name here")?;
        self.acknowledged(|sequence| request::set_parameter(sequence, name, value))
    }

    fn daemon_only(&self, what: &'static str) -> Result<(), TableError> {
        if self.wire.is_kernel() { Err(TableError::DaemonOnly(what)) } else { Ok(()) }
    }

    /// Joins the group of alerts, which a daemon alone has.
    pub(super) fn join_alerts(&mut self) -> Result<(), TableError> {
        self.acknowledged(|sequence| request::set_option(sequence, ADD_MEMBERSHIP, GROUP_ALERTS, true))
    }

    /// Joins `RTNLGRP_NEIGH`.
    pub(super) fn join(&mut self) -> Result<(), TableError> {
        if let Wire::Kernel(socket) = &self.wire {
            return Ok(socket.add_membership(GROUP_NEIGH)?);
        }
        self.acknowledged(|sequence| request::set_option(sequence, ADD_MEMBERSHIP, GROUP_NEIGH, true))
    }
}

/// An entry; none if it is of a family that has no IP addresses, such as a bridge's.
pub(crate) fn ip_entry(payload: &[u8]) -> Result<Option<Entry>, MessageError> {
    match Entry::parse(payload) {
        Err(MessageError::NoAddress) => Ok(None),
        other => other.map(Some),
    }
}
