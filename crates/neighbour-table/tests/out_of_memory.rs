//! An allocator that fails on demand: an insert says so, and the table goes on working.
#![cfg(not(loom))]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{ETHERNET, INFINIBAND, key, mac};
use neighbour_table::{OutOfMemory, Reclaimed, Table, Unlinked};

const MANY: u32 = if cfg!(miri) { 60 } else { 2_000 };

thread_local! {
    /// Allocations this thread may still make; `None` for no limit.
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

struct Failing;

impl Failing {
    fn may_allocate() -> bool {
        LEFT.with(|left| match left.get() {
            None => true,
            Some(0) => false,
            Some(n) => {
                left.set(Some(n - 1));
                true
            }
        })
    }
}

// SAFETY: every call goes to the system's allocator unchanged, or returns null, which means failure.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !Self::may_allocate() {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !Self::may_allocate() {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on; the block is the system's.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;

/// Runs `what` while this thread may allocate only `left` times more.
fn with_allocations<T>(left: usize, what: impl FnOnce() -> T) -> T {
    LEFT.with(|cell| cell.set(Some(left)));
    let answer = what();
    LEFT.with(|cell| cell.set(None));
    answer
}

#[test]
fn an_insert_without_memory_is_an_error_and_the_table_still_works() {
    // An insert needs up to four blocks; each number left makes another one of them fail.
    for left in 0..3 {
        let mut table = Table::new(left as u64).expect("memory");
        let mut slots = Vec::with_capacity(MANY as usize);
        let mut refused = 0;
        for n in 0..MANY {
            let template = if n % 3 == 0 { INFINIBAND } else { ETHERNET };
            let slot = match with_allocations(left, || table.insert(&key(n), &template)) {
                Ok(slot) => slot,
                Err(OutOfMemory) => {
                    refused += 1;
                    assert!(table.reader().lookup(&key(n)).is_none(), "a refused neighbour left something");
                    assert_eq!(table.len(), slots.len());
                    // Later there is memory again.
                    table.insert(&key(n), &template).expect("memory")
                }
            };
            table.publish(slot, 2, &mac(n), true);
            slots.push(slot);
        }
        assert!(refused > 0);
        let reader = table.reader();
        for n in 0..MANY {
            assert_eq!(
                reader.lookup(&key(n)).expect("present").lladdr(),
                mac(n),
                "{left} left, neighbour {n}"
            );
        }
        // Removal needs no memory, nor does what it makes room for.
        let removed = with_allocations(0, || slots.iter().all(|slot| table.try_remove(*slot)));
        assert!(removed && table.is_empty());
        slots.iter().for_each(|slot| table.free(*slot));
        let again = with_allocations(0, || table.insert(&key(1), &ETHERNET));
        assert!(again.is_ok(), "there was room for one");
    }
}

#[test]
fn a_table_without_its_first_block_is_an_error() {
    // The first allocation is the shared head itself, which the language has no fallible way to make.
    let made = with_allocations(1, || Table::new(1).err());
    assert_eq!(made, Some(OutOfMemory));
    let message = OutOfMemory.to_string();
    assert!(message.contains("out of memory"), "{message}");
}

#[test]
fn a_fixed_table_has_all_its_memory_from_the_beginning_and_takes_no_more() {
    let all = [0, 1, 8, 21, 640];
    for most in all.into_iter().filter(|most| !cfg!(miri) || *most < 10) {
        let mut table = Table::fixed(5, most).expect("memory");
        let (reader, bytes) = (table.reader(), table.stats().bytes);
        with_allocations(0, || {
            // Three lives of each slot, the last one's neighbours held.
            for life in 0..3 {
                let first = life * most;
                for n in first..first + most {
                    let slot = table.insert(&key(n), &ETHERNET).expect("room");
                    table.publish(slot, 2, &mac(n), true);
                }
                assert_eq!(table.insert(&key(first + most), &ETHERNET), Err(OutOfMemory), "{most}");
                for n in first..first + most {
                    let hit = reader.lookup(&key(n)).expect("present");
                    assert_eq!(hit.lladdr(), mac(n));
                    let held = (life == 2).then(|| reader.hold(&hit).expect("alive"));
                    let slot = table.find(&key(n)).expect("present");
                    if let Unlinked::Free = table.unlink(slot) {
                        table.free(slot);
                    } else {
                        // Dead but held, it takes its place still.
                        assert!(n > first || table.insert(&key(n), &ETHERNET).is_err());
                        drop(held);
                        let Some(Reclaimed::Dead(slot)) = table.reclaim() else { panic!("given back") };
                        table.free(slot);
                    }
                }
            }
        });
        assert_eq!((table.stats().bytes, table.slots()), (bytes, most));
    }
    assert!(Table::fixed(5, u32::MAX).is_err());
}
