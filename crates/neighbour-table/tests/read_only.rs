//! Hits write nothing: they work on a table whose whole memory is mapped read-only.
#![cfg(all(not(loom), not(miri), unix))]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use common::{add, key, mac};
use neighbour_table::{Key, NeighbourRef, Reader, Table};

const PAGE: usize = 4096;
const MOST: usize = 4096;

/// Blocks that have pages of their own: where, and how long.
static STARTS: [AtomicPtr<libc::c_void>; MOST] = [const { AtomicPtr::new(ptr::null_mut()) }; MOST];
static LENGTHS: [AtomicUsize; MOST] = [const { AtomicUsize::new(0) }; MOST];
static COUNT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Whether this thread's blocks get pages of their own.
    static PAGED: Cell<bool> = const { Cell::new(false) };
}

struct Paging;

// SAFETY: blocks come from the system's allocator, or are fresh anonymous pages, which are aligned to 4096 bytes (more
// than any layout here asks for) and long enough; those are never given back, so none is ever handed out twice.
unsafe impl GlobalAlloc for Paging {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !PAGED.with(Cell::get) || layout.align() > PAGE {
            // SAFETY: the caller's promises are passed on.
            return unsafe { System.alloc(layout) };
        }
        let i = COUNT.fetch_add(1, Ordering::Relaxed);
        let length = layout.size().next_multiple_of(PAGE);
        if i >= MOST {
            return ptr::null_mut();
        }
        // SAFETY: an anonymous private mapping at an address of the system's choice touches no other memory.
        let pages = unsafe {
            libc::mmap(
                ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if pages == libc::MAP_FAILED {
            return ptr::null_mut();
        }
        LENGTHS[i].store(length, Ordering::Relaxed);
        STARTS[i].store(pages, Ordering::Relaxed);
        pages.cast()
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let paged = STARTS
            .iter()
            .take(COUNT.load(Ordering::Relaxed))
            .any(|start| start.load(Ordering::Relaxed) == block.cast());
        if !paged {
            // SAFETY: the block is not one of ours, so it is the system's; the caller's promises are passed on.
            unsafe { System.dealloc(block, layout) };
        }
    }
}

#[global_allocator]
static ALLOCATOR: Paging = Paging;

fn paged<T>(what: impl FnOnce() -> T) -> T {
    PAGED.with(|paged| paged.set(true));
    let answer = what();
    PAGED.with(|paged| paged.set(false));
    answer
}

fn protect(protection: libc::c_int) {
    for i in 0..COUNT.load(Ordering::Relaxed).min(MOST) {
        let (start, length) = (STARTS[i].load(Ordering::Relaxed), LENGTHS[i].load(Ordering::Relaxed));
        // SAFETY: these pages are ours alone; nobody writes to them while they are read-only (that is the test).
        let done = unsafe { libc::mprotect(start, length, protection) };
        assert_eq!(done, 0, "mprotect: {}", std::io::Error::last_os_error());
    }
}

/// Whether `what` is killed for writing to a read-only page, tried in a child process.
fn writes(what: impl FnOnce()) -> bool {
    // SAFETY: the child runs only `what`, which allocates nothing and takes no lock, and `_exit`.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork: {}", std::io::Error::last_os_error());
    if child == 0 {
        // SAFETY: resets a handler that this child alone has; `SIG_DFL` is a valid one.
        unsafe { libc::signal(libc::SIGSEGV, libc::SIG_DFL) };
        what();
        // SAFETY: ends the child at once, running nothing else.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: `child` is our child and `status` a valid place.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(waited, child);
    libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGSEGV
}

fn check(reader: &Reader, held: &NeighbourRef, neighbours: u32) {
    for n in 0..neighbours {
        let hit = reader.lookup(&key(n)).expect("present");
        assert_eq!(hit.lladdr(), mac(n));
        assert!(hit.header().is_some());
    }
    let keys: Vec<Key> = (0..neighbours).map(key).collect();
    let mut hits = vec![None; keys.len()];
    assert_eq!(reader.lookup_batch(&keys, |key| Some(*key), &mut hits, |hit| hit), keys.len());
    (0..).zip(&hits).for_each(|(n, hit)| assert_eq!(hit.expect("present").lladdr(), mac(n)));
    assert!(reader.lookup(&key(neighbours)).is_none());
    assert_eq!(reader.lookup(&key(u32::MAX)).expect("present").lladdr(), [7; 20]);
    assert_eq!((held.hit().lladdr(), held.is_dead()), (&mac(0)[..], false));
}

#[test]
fn hits_misses_and_held_references_work_on_read_only_memory() {
    let mut table = paged(|| Table::new(11)).expect("memory");
    let slot = paged(|| add(&mut table, 0));
    let infiniband = paged(|| table.insert(&key(u32::MAX), &common::INFINIBAND)).expect("memory");
    table.publish(infiniband, 2, &[7; 20], true);
    let reader = table.reader();
    let held = table.hold(slot).expect("alive");
    let mut n = 1;
    // At rest, just before growing, and in the middle of growing.
    for size in [1_000, 5_376 - 1, 5_376, 5_380, 20_000] {
        while n < size {
            paged(|| add(&mut table, n));
            n += 1;
        }
        protect(libc::PROT_READ);
        check(&reader, &held, n);
        if size == 1_000 {
            let hit = reader.lookup(&key(1)).expect("present");
            // A confirmation, and the first use of a neighbour that is to be verified, do write.
            assert!(writes(|| reader.confirm(&hit, 1)), "the pages were not read-only");
            assert!(writes(|| _ = reader.mark_handed(&hit)), "the pages were not read-only");
            assert!(!writes(|| assert!(reader.lookup(&key(2)).is_some())));
        }
        protect(libc::PROT_READ | libc::PROT_WRITE);
    }
}
