//! The atomics this crate is built on: the processor's own, or loom's under `cfg(loom)`.
//!
//! Every atomic, fence and shared pointer of the crate comes through here, so that the model checker sees all of
//! them. Constants that shrink under loom stand here too, so that few steps reach the interesting places.

#[cfg(not(loom))]
pub(crate) use alloc::sync::Arc;
#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
#[cfg(loom)]
pub(crate) use loom::sync::Arc;
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};

/// Entries in one index bucket: with their tags and the overflow count they fill one cache line of 64 bytes.
pub(crate) const LANES: usize = if cfg!(loom) { 2 } else { 12 };

/// Number of size classes of the index: class `k` has `1 << k` buckets.
pub(crate) const CLASSES: usize = if cfg!(loom) { 3 } else { 28 };

/// The class of a new table's index, below which it does not shrink.
pub(crate) const FIRST_CLASS: u8 = if cfg!(loom) { 0 } else { 1 };

/// Buckets moved by one insert or removal while a migration is under way.
pub(crate) const BUCKETS_PER_STEP: usize = if cfg!(loom) { 1 } else { 2 };

/// The index shrinks when only one lane in this many is in use.
pub(crate) const SHRINK_DIVISOR: usize = if cfg!(loom) { 2 } else { 8 };

/// Number of chunks an arena can have, and one that is never there (see `arena`).
pub(crate) const CHUNKS: usize = if cfg!(loom) { 5 } else { 1 + 8 * 22 };

/// The logarithm of the first chunk's place on the number line that `arena` cuts into chunks.
pub(crate) const FIRST_CHUNK_BITS: u32 = if cfg!(loom) { 3 } else { 6 };
