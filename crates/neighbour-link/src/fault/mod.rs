//! A layer that makes a link worse, the same way for the same seed.
//!
//! Each way has its own [`Faults`] and its own random numbers, and each frame takes the same number of
//! them whatever the plan says. So a run is repeated by its seed, frames one way do not change the fate of
//! those the other way, and a plan that differs in one fault differs in that fault only.
//!
//! A frame meets the faults in this order: cut, lost, doubled; then each copy: damaged, delayed, held back.
//! Delay alone keeps the order, as a cable does; a frame that is held back is overtaken.
//!
//! ```
//! use neighbour_link::{Fault, FaultPlan, Faults, Link, Time, memory};
//!
//! let (near, mut far) = memory::pair(16);
//! let slow = Faults { delay: Time::from_millis(5)..=Time::from_millis(5), ..Faults::default() };
//! let (mut near, handle) = Fault::new(near, FaultPlan { transmit: slow, ..FaultPlan::default() }, 7);
//! let mut frame = Vec::new();
//!
//! near.transmit(Time::ZERO, &[1; 60])?;
//! assert!(!far.receive(Time::ZERO, &mut frame)?);
//!
//! let due = near.next_deadline().unwrap();
//! assert_eq!(due, Time::from_millis(5));
//! near.receive(due, &mut frame)?;
//! assert!(far.receive(due, &mut frame)?);
//!
//! handle.update(|plan| plan.transmit.cut = true);
//! near.transmit(due, &[2; 60])?;
//! assert_eq!(handle.counts().transmit.cut, 1);
//! # Ok::<(), std::io::Error>(())
//! ```

mod plan;

pub use plan::{Counts, FaultCounts, FaultPlan, Faults};

use crate::{Link, Time};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many frames are held each way at most. Those above are lost, and counted.
pub const HELD_MAX: usize = 10_000;

/// Changes the plan of a [`Fault`] layer while it runs, from any thread, and reads its counts.
#[derive(Debug, Clone)]
pub struct FaultHandle(Arc<Mutex<Shared>>);

#[derive(Debug)]
struct Shared {
    plan: FaultPlan,
    counts: Counts,
}

impl FaultHandle {
    /// Replaces the plan. Frames that are held already keep their time.
    pub fn set(&self, plan: FaultPlan) {
        self.lock().plan = plan;
    }

    /// Changes the plan. The layer waits meanwhile.
    pub fn update(&self, change: impl FnOnce(&mut FaultPlan)) {
        change(&mut self.lock().plan);
    }

    /// The plan as it is now.
    #[must_use]
    pub fn plan(&self) -> FaultPlan {
        self.lock().plan.clone()
    }

    /// What was done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// A change that panicked half-way leaves a plan that is whole, field by field.
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The layer. Made by [`Fault::new`]; see the [module](self).
#[derive(Debug)]
pub struct Fault<L> {
    below: L,
    handle: FaultHandle,
    receive: Way,
    transmit: Way,
}

impl<L: Link> Fault<L> {
    /// Puts the layer over a link, and gives the handle by which the plan is changed later.
    pub fn new(below: L, plan: FaultPlan, seed: u64) -> (Self, FaultHandle) {
        let counts = Counts::default();
        let handle = FaultHandle(Arc::new(Mutex::new(Shared { plan, counts })));
        let layer =
            Self { below, handle: handle.clone(), receive: Way::new(seed, 0), transmit: Way::new(seed, 1) };
        (layer, handle)
    }

    /// The link below.
    pub fn below(&self) -> &L {
        &self.below
    }

    /// Sends what is due. All of it is tried; the first refusal is the answer.
    fn send_due(&mut self, now: Time) -> io::Result<bool> {
        let (mut sent, mut answer) = (false, Ok(()));
        while let Some(frame) = self.due_out(now) {
            sent = true;
            let taken = self.below.transmit(now, &frame);
            if answer.is_ok() {
                answer = taken;
            }
        }
        answer.map(|()| sent)
    }

    // The plan is locked in these only, never while the link below is called.

    fn due_out(&mut self, now: Time) -> Option<Vec<u8>> {
        let Shared { plan, counts } = &mut *self.handle.lock();
        self.transmit.next_due(now, &plan.transmit, &mut counts.transmit)
    }

    fn due_in(&mut self, now: Time) -> Option<Vec<u8>> {
        let Shared { plan, counts } = &mut *self.handle.lock();
        self.receive.next_due(now, &plan.receive, &mut counts.receive)
    }

    fn admit_out(&mut self, now: Time, frame: &[u8]) {
        let Shared { plan, counts } = &mut *self.handle.lock();
        self.transmit.admit(now, frame, &plan.transmit, &mut counts.transmit);
    }

    fn admit_in(&mut self, now: Time, frame: &[u8]) {
        let Shared { plan, counts } = &mut *self.handle.lock();
        self.receive.admit(now, frame, &plan.receive, &mut counts.receive);
    }
}

impl<L: Link> Link for Fault<L> {
    /// Sends what is due to go out, then takes the next frame that is due to come in.
    ///
    /// # Errors
    ///
    /// Those of the link below in receiving. Frames that it refuses to send here are lost, as on a wire.
    fn receive(&mut self, now: Time, buf: &mut Vec<u8>) -> io::Result<bool> {
        if !matches!(self.send_due(now), Ok(false)) {
            let _lost = self.below.flush();
        }
        loop {
            if let Some(frame) = self.due_in(now) {
                *buf = frame;
                return Ok(true);
            }
            if !self.below.receive(now, buf)? {
                buf.clear();
                return Ok(false);
            }
            self.admit_in(now, buf);
        }
    }

    /// Sends the frame, or loses or holds it, as the plan says. A frame lost is no error.
    ///
    /// # Errors
    ///
    /// The first refusal of the link below, for this frame or one that was held until now.
    fn transmit(&mut self, now: Time, frame: &[u8]) -> io::Result<()> {
        self.admit_out(now, frame);
        self.send_due(now).map(|_| ())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.below.flush()
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.below.as_fd()
    }

    fn next_deadline(&self) -> Option<Time> {
        let own = [self.receive.first_due(), self.transmit.first_due()];
        own.into_iter().flatten().chain(self.below.next_deadline()).min()
    }

    fn losses(&mut self) -> u64 {
        self.below.losses()
    }

    fn set_multicast(&mut self, groups: &[[u8; 6]]) -> io::Result<()> {
        self.below.set_multicast(groups)
    }
}

/// The frames that go one way and are not there yet.
#[derive(Debug)]
struct Way {
    chance: ChaCha8Rng,
    /// By the time when they are due; among equals in the order in which they came.
    held: BTreeMap<(Time, u64), Vec<u8>>,
    /// How many copies were held so far.
    copies: u64,
    /// When the last frame that was not held back is due: none behind it may come earlier.
    last_due: Time,
}

impl Way {
    fn new(seed: u64, stream: u64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        chance.set_stream(stream);
        Self { chance, held: BTreeMap::new(), copies: 0, last_due: Time::ZERO }
    }

    fn first_due(&self) -> Option<Time> {
        self.held.first_key_value().map(|(&(due, _), _)| due)
    }

    fn next_due(&mut self, now: Time, plan: &Faults, counts: &mut FaultCounts) -> Option<Vec<u8>> {
        while self.first_due()? <= now {
            let (_, frame) = self.held.pop_first()?;
            if !plan.cut {
                counts.passed += 1;
                return Some(frame);
            }
            counts.cut += 1;
        }
        None
    }

    fn admit(&mut self, now: Time, frame: &[u8], plan: &Faults, counts: &mut FaultCounts) {
        // All that a frame may need is drawn first, so that the next frame's numbers are the same anyhow.
        let loss = self.fraction();
        let duplicate = self.fraction();
        let fates = [self.fate(), self.fate()];
        counts.seen += 1;
        if plan.cut {
            counts.cut += 1;
            return;
        }
        if loss < plan.loss {
            counts.lost += 1;
            return;
        }
        let doubled = duplicate < plan.duplicate;
        counts.duplicated += u64::from(doubled);
        for fate in &fates[..1 + usize::from(doubled)] {
            self.hold(now, frame, fate, plan, counts);
        }
    }

    fn hold(&mut self, now: Time, frame: &[u8], fate: &Fate, plan: &Faults, counts: &mut FaultCounts) {
        if self.held.len() >= HELD_MAX {
            counts.overflowed += 1;
            return;
        }
        let mut frame = frame.to_vec();
        let bits = frame.len() as u64 * 8;
        if fate.corrupt < plan.corrupt && bits > 0 {
            let bit = fate.bit % bits;
            frame[(bit / 8) as usize] ^= 1 << (bit % 8);
            counts.corrupted += 1;
        }
        let spread = plan.delay.end().saturating_sub(*plan.delay.start());
        let delay = plan.delay.start().saturating_add(spread.mul_f64(fate.delay));
        let mut due = now.saturating_add(delay).max(self.last_due);
        if fate.reorder < plan.reorder {
            due = due.saturating_add(plan.reorder_hold);
            counts.reordered += 1;
        } else {
            self.last_due = due;
        }
        self.held.insert((due, self.copies), frame);
        self.copies += 1;
    }

    fn fate(&mut self) -> Fate {
        Fate {
            corrupt: self.fraction(),
            bit: self.chance.next_u64(),
            delay: self.fraction(),
            reorder: self.fraction(),
        }
    }

    /// Evenly from 0 up to, but without, 1: the 53 bits that an `f64` holds exactly.
    fn fraction(&mut self) -> f64 {
        (self.chance.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The random numbers of one copy of a frame.
#[derive(Debug)]
struct Fate {
    corrupt: f64,
    bit: u64,
    delay: f64,
    reorder: f64,
}
