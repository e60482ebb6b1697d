//! An allocator that counts, when it is asked to.
//!
//! The program that runs the bench makes it its global allocator:
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: neighbour_bench::Counting = neighbour_bench::Counting;
//! ```
//!
//! Until a part of the bench counts memory, it costs one load of a word that nobody writes for each call.

use anyhow::ensure;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// The system's allocator with a counter beside it.
#[derive(Debug, Clone, Copy)]
pub struct Counting;

// Statistics of one thread's work: nothing else is ordered by them.
static ON: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);

fn count(bytes: i64) {
    if ON.load(Ordering::Relaxed) {
        let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
        PEAK.fetch_max(live, Ordering::Relaxed);
    }
}

fn size(layout: Layout) -> i64 {
    // A layout is at most isize::MAX bytes.
    layout.size() as i64
}

// SAFETY: every call goes to the system's allocator with the caller's own arguments, and its answer goes back
// unchanged; counting touches three atomics and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises what `System` wants, by the same contract.
        let memory = unsafe { System.alloc(layout) };
        if !memory.is_null() {
            count(size(layout));
        }
        memory
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        let memory = unsafe { System.alloc_zeroed(layout) };
        if !memory.is_null() {
            count(size(layout));
        }
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-size(layout));
        // SAFETY: `memory` came from `System` by one of the calls here, with this layout, as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as in `dealloc`; the new size is the caller's to answer for.
        let moved = unsafe { System.realloc(memory, layout, new_size) };
        if !moved.is_null() {
            // Old and new may both be there while the bytes are moved.
            count(new_size as i64);
            count(-size(layout));
        }
        moved
    }
}

/// Counting, from [`Counted::start`] until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted(());

impl Counted {
    /// Counts from now on, and from zero.
    ///
    /// # Errors
    /// When the program has another global allocator.
    pub(crate) fn start() -> anyhow::Result<Self> {
        LIVE.store(0, Ordering::Relaxed);
        PEAK.store(0, Ordering::Relaxed);
        ON.store(true, Ordering::Relaxed);
        let counted = Self(());
        let probe = std::hint::black_box(vec![0_u8; 1_000]);
        let seen = counted.now();
        drop(probe);
        ensure!(seen >= 1_000, "memory cannot be counted: this program's global allocator is another one");
        counted.forget_peak();
        Ok(counted)
    }

    /// Bytes allocated and not given back.
    pub(crate) fn now(&self) -> i64 {
        LIVE.load(Ordering::Relaxed)
    }

    /// The most there were since [`Self::forget_peak`].
    pub(crate) fn peak(&self) -> i64 {
        PEAK.load(Ordering::Relaxed)
    }

    /// Begins to look for the peak anew.
    pub(crate) fn forget_peak(&self) {
        PEAK.store(self.now(), Ordering::Relaxed);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ON.store(false, Ordering::Relaxed);
    }
}
