//! An allocator that fails on demand: a creation without memory is an error of the call, and the engine
//! goes on (CRE-6).

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use crate::common::{MAC, PEER_MAC, World, lladdr, nth, prefix};
use neighbour::{Config, CreateError, Device, Engine, Family, Instant, NewNeigh, NudState, RequestError};

use NudState as S;

thread_local! {
    /// How many more allocations this thread gets; none: as many as it likes.
    static BUDGET: Cell<Option<usize>> = const { Cell::new(None) };
    /// Bytes that this thread has allocated, less those it gave back.
    static HELD: Cell<isize> = const { Cell::new(0) };
    /// How often this thread has asked for memory.
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

/// How often this thread has asked for memory, with success or without.
pub(crate) fn allocations() -> usize {
    ASKED.with(Cell::get)
}

/// Bytes that this thread holds.
pub(crate) fn held() -> isize {
    HELD.with(Cell::get)
}

/// The system's allocator behind a budget for each thread.
struct Budgeted;

/// Takes one from the thread's budget, and counts the bytes; false if the budget is used up.
fn granted(bytes: isize) -> bool {
    ASKED.with(|asked| asked.set(asked.get() + 1));
    let granted = BUDGET.with(|budget| match budget.get() {
        None => true,
        Some(left) => {
            budget.set(Some(left.saturating_sub(1)));
            left > 0
        }
    });
    if granted {
        count(bytes);
    }
    granted
}

/// Counts bytes taken, or given back.
fn count(bytes: isize) {
    HELD.with(|held| held.set(held.get() + bytes));
}

// SAFETY: memory comes from and goes to the system's allocator with unchanged arguments; a null pointer is
// how an allocator says that it has none.
unsafe impl GlobalAlloc for Budgeted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc`, which is the system's.
        if granted(layout.size() as isize) { unsafe { System.alloc(layout) } } else { std::ptr::null_mut() }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the block came from the system's allocator with this layout.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let more = size as isize - layout.size() as isize;
        // SAFETY: the block came from the system's allocator with this layout.
        if granted(more) { unsafe { System.realloc(block, layout, size) } } else { std::ptr::null_mut() }
    }
}

#[global_allocator]
static ALLOCATOR: Budgeted = Budgeted;

/// Does `what` with at most `budget` allocations.
fn with_budget<T>(budget: usize, what: impl FnOnce() -> T) -> T {
    BUDGET.with(|cell| cell.set(Some(budget)));
    let result = what();
    BUDGET.with(|cell| cell.set(None));
    result
}

#[test]
fn a_creation_without_memory_is_enobufs_and_leaves_nothing_behind_cre_6() {
    for family in Family::BOTH {
        let mut world = World::new();
        let mut refused = 0;
        // So many that each vector has to grow several times.
        for n in 0..3000 {
            let address = nth(family, 1000 + n);
            let request = world.request(address, Some(PEER_MAC), S::PERMANENT);
            let (now, before) = (world.now, world.stats(family));
            let gc = world.engine().gc_entries(family);
            let engine = world.engine();
            let result = with_budget(0, || engine.new_neigh(now, &request));
            let stats = world.stats(family);
            if let Err(error) = result {
                refused += 1;
                assert_eq!(error, RequestError::Create(CreateError::OutOfMemory), "{family:?} {n}");
                assert_eq!(error.errno(), 105, "ENOBUFS");
                assert_eq!(world.info(address), None, "{family:?} {n}");
                assert_eq!(stats.entries, before.entries, "{family:?} {n}");
                assert_eq!(stats.allocs - stats.destroys, before.allocs - before.destroys, "{family:?} {n}");
                assert_eq!(world.admin(request), Ok(()), "{family:?} {n}: with memory again");
            }
            assert_eq!(world.engine().gc_entries(family), gc, "{family:?} {n}");
            world.expect_state(address, S::PERMANENT);
            if n % 100 == 0 {
                world.settle();
                world.forget();
            }
        }
        assert!(refused > 0, "{family:?}: no creation needed memory");
    }
}

#[test]
fn each_allocation_of_a_creation_may_be_the_one_that_fails() {
    for budget in 0..12 {
        let mut world = World::new();
        for n in 0..600 {
            let (now, dev, address) = (world.now, world.dev(), nth(Family::Inet, 1000 + n));
            let before = (world.count(Family::Inet), world.engine().gc_entries(Family::Inet));
            let engine = world.engine();
            let held = with_budget(budget, || engine.hold(now, dev, address).map(drop));
            if let Err(error) = held {
                assert_eq!(error, CreateError::OutOfMemory, "budget {budget}, entry {n}");
                let after = (world.count(Family::Inet), world.engine().gc_entries(Family::Inet));
                assert_eq!(after, before, "budget {budget}, entry {n}");
                let again = world.engine().hold(now, dev, address);
                assert!(again.is_ok(), "budget {budget}, entry {n}");
            }
        }
        // What is left works: time, answers, removal.
        world.answer(nth(Family::Inet, 1000), PEER_MAC);
        world.expect_state(nth(Family::Inet, 1000), S::REACHABLE);
        world.run_for(crate::common::secs(100));
        let (now, dev) = (world.now, world.dev());
        world.engine().flush(now, Family::Inet, Some(dev));
        world.run_for(crate::common::secs(1));
        assert_eq!(world.count(Family::Inet), 0, "budget {budget}");
    }
}

#[test]
fn an_entry_at_rest_takes_at_most_128_bytes_and_160_while_the_table_grows() {
    let entries: u32 = if cfg!(debug_assertions) { 60_000 } else { 1_000_000 };
    let (now, mac) = (Instant::from_millis(1000), lladdr(PEER_MAC));
    let config = Config { history: 0, max_events: 1, ..Config::default() };
    let mut engine = Engine::new(config);
    let device = Device::ethernet("eth0", MAC).link_local(false).address(prefix("10.0.0.1/8"));
    let device = engine.add_device(now, device).expect("a device");
    let before = held();
    let mut worst = 0;
    for n in 1..=entries {
        let request = NewNeigh::add(device, nth(Family::Inet, 1000 + n), mac, S::PERMANENT);
        assert_eq!(engine.new_neigh(now, &request), Ok(()));
        let each = (held() - before) / n as isize;
        worst = worst.max(if n < 30_000 { 0 } else { each });
    }
    let at_rest = (held() - before) / entries as isize;
    println!("{at_rest} bytes an entry at rest, {worst} at the worst");
    assert!(at_rest <= 128 && worst <= 160, "{at_rest} bytes an entry at rest, {worst} at the worst");
}

#[test]
fn readers_find_everything_after_a_creation_that_failed() {
    let mut world = World::new();
    let reader = world.engine().reader();
    let mut made = Vec::new();
    for n in 0..500 {
        let (now, dev, address) = (world.now, world.dev(), nth(Family::Inet6, 1000 + n));
        let request = world.request(address, Some(PEER_MAC), S::PERMANENT);
        let engine = world.engine();
        let result = with_budget(n as usize % 3, || engine.new_neigh(now, &request));
        if result.is_ok() {
            made.push(address);
        } else {
            assert!(reader.lookup(dev, address).is_none(), "entry {n}");
        }
    }
    let dev = world.dev();
    assert!(made.iter().all(|address| reader.lookup(dev, *address).is_some()));
    assert!(!made.is_empty());
}
