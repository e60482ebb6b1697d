//! The atomics this crate is built on: the processor's own, or loom's under `cfg(loom)`.
//!
//! Every atomic, fence and shared pointer of the crate comes through here, so that the model checker sees all of
//! them. Constants that shrink under loom stand here too, so that few steps reach the interesting places.

#[cfg(not(loom))]
pub(crate) use alloc::sync::Arc;
#[cfg(all(not(loom), target_has_atomic = "64"))]
pub(crate) use core::sync::atomic::AtomicU64;
#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering, fence};
// A Cortex-M has no atomics of 64 bits. What stands in for them takes a lock for each access, or, with the feature
// `critical-section`, masks interrupts for it: both keep every promise of this crate but the one that readers are
// never waited for.
#[cfg(loom)]
pub(crate) use loom::sync::Arc;
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
#[cfg(all(not(loom), not(target_has_atomic = "64")))]
pub(crate) use portable_atomic::AtomicU64;

/// A size for small machines, whose pointers have 32 bits, and one for others: the heads of a table hold a pointer for
/// each chunk there may ever be. Small ones have room for 65,000 neighbours, others for 160 million. Miri takes seconds
/// for the heads of large ones.
pub(crate) const fn per_pointer(small: usize, large: usize) -> usize {
    if cfg!(all(target_pointer_width = "64", not(miri))) { large } else { small }
}

/// Entries in one index bucket: with their tags and the overflow count they fill one cache line of 64 bytes.
pub(crate) const LANES: usize = if cfg!(loom) { 2 } else { 12 };

/// Number of size classes of the index: class `k` has `1 << k` buckets.
pub(crate) const CLASSES: usize = if cfg!(loom) { 3 } else { per_pointer(14, 25) };

/// The class of a new table's index, below which it does not shrink.
pub(crate) const FIRST_CLASS: u8 = if cfg!(loom) { 0 } else { 1 };

/// Buckets moved by one insert or removal while a migration is under way.
pub(crate) const BUCKETS_PER_STEP: usize = if cfg!(loom) { 1 } else { 2 };

/// The index shrinks when only one lane in this many is in use.
pub(crate) const SHRINK_DIVISOR: usize = if cfg!(loom) { 2 } else { 8 };

/// Number of chunks an arena can have, and one that is never there (see `arena`).
pub(crate) const CHUNKS: usize = if cfg!(loom) { 5 } else { 1 + 16 * per_pointer(10, 22) };

/// The logarithm of the first chunk's place on the number line that `arena` cuts into chunks.
pub(crate) const FIRST_CHUNK_BITS: u32 = if cfg!(loom) { 3 } else { 6 };
