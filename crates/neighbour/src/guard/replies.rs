//! How many requests are answered: so many of each peer, and so many of all strangers together. Peers that were
//! verified are answered first: strangers cannot use up their share.

use super::memory::Memory;
use crate::event::EventKind;
use crate::ratelimit::{Bucket, Seldom};
use crate::table::key;
use crate::time::Tick;
use crate::{DeviceId, DropReason, Engine, Family};
use core::net::IpAddr;
use core::time::Duration;
use neighbour_wire::LlAddr;

/// What a peer's answers are counted over.
const WINDOW: Duration = Duration::from_secs(1);
/// A storm is told of so often.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Marks the counts of verified neighbours, so that nobody else can use them up.
const VERIFIED: u32 = 1 << 31;

/// The answers of one table.
#[derive(Debug)]
pub(super) struct Replies {
    /// How many a peer was given since its window began.
    peers: Memory<u32>,
    pub(super) strangers: Bucket,
    storm: Seldom,
}

impl Replies {
    pub(super) fn new(seed: u64, strangers: Bucket) -> Self {
        Self { peers: Memory::new(seed), strangers, storm: Seldom::default() }
    }

    pub(super) fn sweep(&mut self, now: Tick, age: u32) {
        self.peers.sweep(now, age);
    }
}

impl Engine {
    /// May this request of a peer for `target` be answered, which says that it is at `lladdr`? What is refused is told
    /// of as a storm.
    pub(crate) fn may_reply(
        &mut self,
        device: DeviceId,
        peer: IpAddr,
        target: IpAddr,
        lladdr: Option<&LlAddr>,
    ) -> Result<(), DropReason> {
        let family = Family::of(peer);
        if !self.admits_by_class(family) {
            return Ok(());
        }
        let (now, tick, window) = (self.clock.now(), self.clock.tick(), self.clock.ticks_ceil(WINDOW));
        let table = self.table(family);
        // Who speaks for a verified neighbour from elsewhere is a stranger.
        let known = table.find(device, peer).is_some_and(|slot| {
            table.entries[slot].is_verified() && lladdr.is_none_or(|lladdr| table.has_lladdr(slot, lladdr))
        });
        let admission = table.admission;
        let Some(newcomers) = self.newcomers_mut(family) else { return Ok(()) };
        let replies = &mut newcomers.replies;
        if admission.reply_peer_rate > 0 {
            // Who asks for one address of ours in a peer's name does not use up the peer's requests for another.
            let mut key = key(device, peer);
            key.addr ^= crate::table::key(device, target).addr.rotate_left(61);
            key.ifindex |= if known { VERIFIED } else { 0 };
            match replies.peers.get(&key) {
                Some(note) if (0..window as i32).contains(&tick.since(note.at)) => {
                    if note.value >= admission.reply_peer_rate {
                        self.tell_storm(device, peer);
                        return Err(DropReason::ReplyRate);
                    }
                    note.value += 1;
                }
                _ => _ = replies.peers.put(key, tick, 1),
            }
        }
        if admission.reply_rate > 0 && !known && !replies.strangers.take(now) {
            self.tell_storm(device, peer);
            return Err(DropReason::ReplyRate);
        }
        Ok(())
    }

    fn tell_storm(&mut self, device: DeviceId, peer: IpAddr) {
        let now = self.clock.now();
        let Some(newcomers) = self.newcomers_mut(Family::of(peer)) else { return };
        if let Some(before) = newcomers.replies.storm.pass(now, TELL_EVERY) {
            self.tell(EventKind::Storm { device, peer, refused: before + 1 });
        }
    }
}
