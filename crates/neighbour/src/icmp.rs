//! ICMP errors owed to the senders of packets, within bounds (RFC 1812 section 4.3.2, RFC 4443 section 2.4).

use crate::ratelimit::Bucket;
use crate::{DeviceId, Engine};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;
use neighbour_wire::icmp_error::{self, Error};

/// Errors and redirects in all: 1,000 in a second, 50 at once (as Linux's icmp_msgs_per_sec and
/// icmp_msgs_burst).
const ERRORS_PER_SECOND: u32 = 1000;
const ERRORS_AT_ONCE: u32 = 50;
/// One redirect in a second for each receiver (ND-69), remembered for this many receivers.
const REDIRECT_MEMORY: usize = 256;

/// What keeps errors and redirects within bounds.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Packets of others that nobody answered for, whose senders are yet to be told. They wait until the
    /// entry they waited for is done with: telling may make entries, and that may remove this one.
    owed: Vec<Vec<u8>>,
    errors: Bucket,
    redirected: VecDeque<(IpAddr, crate::time::Tick)>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            owed: Vec::new(),
            errors: Bucket::new(ERRORS_PER_SECOND, ERRORS_AT_ONCE),
            redirected: VecDeque::new(),
        }
    }
}

impl Engine {
    /// Tells a packet's sender what is wrong with it, where an error may be sent at all. `device` is the
    /// one it came in by.
    pub(crate) fn send_error(&mut self, device: DeviceId, error: Error, cause: &[u8]) {
        let now = self.clock.now();
        if !icmp_error::may_answer(cause) || !self.limits.errors.take(now) {
            return;
        }
        let mut packet = Vec::new();
        let to = match crate::output::source_of(cause) {
            Some(IpAddr::V4(to)) => {
                let by = self.route(to.into(), Some(device)).map_or(device, |hop| hop.device);
                let from = self.select_v4(by, to);
                if from.is_unspecified() || !icmp_error::emit_v4(&mut packet, from, to, error, cause) {
                    return;
                }
                IpAddr::V4(to)
            }
            Some(IpAddr::V6(to)) => {
                let by = self.route(to.into(), Some(device)).map_or(device, |hop| hop.device);
                let Some(from) = self.select_v6(by, to) else { return };
                if !icmp_error::emit_v6(&mut packet, from, to, error, cause) {
                    return;
                }
                IpAddr::V6(to)
            }
            None => return,
        };
        if let Some(hop) = self.route(to, Some(device)) {
            let _ = self.send_to(hop.device, hop.next_hop, packet);
        }
    }

    /// A packet that waited is undeliverable: whose is it? Our own is the caller's to report, that of
    /// another gets its error (QUE-8, RFC 1812 section 3.3.2).
    pub(crate) fn owe_unreachable(&mut self, packet: &[u8]) {
        let local = crate::output::source_of(packet).is_none_or(|source| self.is_local(source));
        if local || self.limits.owed.len() >= ERRORS_AT_ONCE as usize {
            return;
        }
        if self.limits.owed.try_reserve(1).is_ok() {
            self.limits.owed.push(packet.to_vec());
        }
    }

    /// Tells the senders of what is owed.
    pub(crate) fn pay_unreachable(&mut self) {
        if !self.owes() {
            return;
        }
        for packet in core::mem::take(&mut self.limits.owed) {
            let back = crate::output::source_of(&packet).and_then(|source| self.route(source, None));
            if let Some(back) = back {
                self.send_error(back.device, Error::Unreachable, &packet);
            }
        }
    }

    pub(crate) fn owes(&self) -> bool {
        !self.limits.owed.is_empty()
    }

    /// At most one redirect in a second for each receiver.
    pub(crate) fn may_redirect(&mut self, receiver: IpAddr) -> bool {
        let now = self.clock.tick();
        let second = self.clock.ticks_ceil(Duration::from_secs(1));
        let recent = |at: &crate::time::Tick| (0..second as i32).contains(&now.since(*at));
        self.limits.redirected.retain(|(_, at)| recent(at));
        if self.limits.redirected.iter().any(|(r, _)| *r == receiver) {
            return false;
        }
        if self.limits.redirected.len() == REDIRECT_MEMORY {
            self.limits.redirected.pop_front();
        }
        self.limits.redirected.push_back((receiver, now));
        self.limits.errors.take(self.clock.now())
    }
}
