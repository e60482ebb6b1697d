//! Growth and shrinking beside readers, and what one insert costs.
#![cfg(not(loom))]

mod common;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{add, key, mac};
use neighbour_table::{MOST_MOVED, Reader, Table};

/// As many as suit who watches: an interpreter takes long for each, a sanitizer longer than the processor.
const fn few_or_many(interpreted: u32, sanitized: u32, else_: u32) -> u32 {
    if cfg!(miri) {
        interpreted
    } else if cfg!(sanitizing) {
        sanitized
    } else {
        else_
    }
}

const MANY: u32 = few_or_many(60, 50_000, 1_000_000);

/// How many stay when the others are removed.
const LEFT: u32 = if cfg!(miri) { 3 } else { 100 };

/// Numbers in a scattered order, the same each time.
fn scattered(from: &mut u32) -> u32 {
    *from = from.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    *from >> 8
}

#[test]
fn a_reader_never_misses_a_present_key_while_the_table_grows_to_a_million_and_shrinks() {
    let mut table = Table::new(42).expect("memory");
    // Neighbours below this number are present, whatever the writer is doing.
    let present = AtomicU32::new(0);
    let done = AtomicBool::new(false);
    let look = |reader: Reader, mut random: u32| {
        let mut looked = 0_u64;
        while !done.load(Ordering::Acquire) {
            let bound = present.load(Ordering::Acquire);
            let n = scattered(&mut random) % bound.max(1);
            let hit = reader.lookup(&key(n));
            // Only a key that was present before and after must have been found.
            if n < bound.min(present.load(Ordering::SeqCst)) {
                let hit = hit.unwrap_or_else(|| panic!("neighbour {n} of {bound} was missed"));
                assert_eq!((hit.state(), hit.lladdr()), (2, &mac(n)[..]));
                looked += 1;
            }
        }
        looked
    };
    thread::scope(|scope| {
        let readers = [1, 2].map(|random| {
            let reader = table.reader();
            scope.spawn(move || look(reader, random))
        });
        let mut slots = Vec::new();
        for n in 0..MANY {
            slots.push(add(&mut table, n));
            present.store(n + 1, Ordering::Release);
            assert!(table.stats().moved_by_last <= MOST_MOVED);
        }
        assert_eq!(table.len(), MANY as usize);
        let bytes = table.stats().bytes;
        for n in (LEFT..MANY).rev() {
            present.store(n, Ordering::SeqCst);
            assert!(table.try_remove(slots[n as usize]));
            table.free(slots[n as usize]);
            assert!(table.stats().moved_by_last <= MOST_MOVED);
        }
        done.store(true, Ordering::Release);
        let looked = readers.map(|reader| reader.join().expect("a reader failed"));
        let stats = table.stats();
        println!("{stats:?}, looked up {looked:?}");
        assert!(stats.grows >= 2 && stats.shrinks >= 1, "{stats:?}");
        assert_eq!((stats.moved_most, stats.alarms), (stats.moved_most.min(MOST_MOVED), 0));
        assert_eq!(stats.bytes, bytes, "shrinking allocates nothing");
    });
}

#[test]
#[cfg_attr(miri, ignore = "measures time")]
fn an_insert_beside_an_active_reader_costs_the_same_in_a_large_table_as_in_a_small_one() {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let mut tables = [1_000, 100_000].map(|size| {
            let mut table = Table::new(7).expect("memory");
            for n in 0..size {
                add(&mut table, n);
            }
            let (reader, done) = (table.reader(), &done);
            scope.spawn(move || {
                let mut n = 0;
                while !done.load(Ordering::Acquire) {
                    n = (n + 7) % size;
                    assert!(reader.lookup(&key(n)).is_some());
                    // Leaves the processor to the writer now and then.
                    if n % 64 == 0 {
                        thread::yield_now();
                    }
                }
            });
            (table, size, Vec::new())
        });
        // Interleaved, so that whatever else the machine does meets both.
        for i in 0..2_000 {
            for (table, size, times) in &mut tables {
                let before = table.stats();
                let start = Instant::now();
                let slot = add(table, *size + i);
                times.push(start.elapsed());
                let after = table.stats();
                assert!(after.moved_by_last <= MOST_MOVED, "{after:?}");
                assert!(after.bytes - before.bytes <= before.bytes, "{after:?}");
                if i % 2 == 0 {
                    assert!(table.try_remove(slot));
                    table.free(slot);
                }
            }
        }
        done.store(true, Ordering::Release);
        let [small, large] = tables.map(|(_, _, mut times)| -> Duration {
            times.sort_unstable();
            times[times.len() / 2]
        });
        println!("median insert: {small:?} among 1,000, {large:?} among 100,000");
        // Copying would cost a hundred times as much; caches may cost a few.
        assert!(large < small * 20 + Duration::from_micros(2), "{small:?} against {large:?}");
    });
}

#[test]
fn addresses_change_as_a_whole_beside_readers() {
    let mut table = Table::new(3).expect("memory");
    let short = table.insert(&key(1), &common::ETHERNET).expect("memory");
    let long = table.insert(&key(2), &common::INFINIBAND).expect("memory");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for n in [1, 2] {
            let (reader, done) = (table.reader(), &done);
            scope.spawn(move || {
                while !done.load(Ordering::Acquire) {
                    let hit = reader.lookup(&key(n)).expect("present");
                    let (state, lladdr) = (hit.state(), hit.lladdr());
                    assert!(lladdr.iter().all(|byte| *byte == state), "torn: {hit:?}");
                    assert!(n == 1 || lladdr.len() == usize::from(state % 33), "torn: {hit:?}");
                }
            });
        }
        for i in 0..few_or_many(30, 100_000, 300_000) {
            let mark = i as u8;
            table.publish(short, mark, &[mark; 6], true);
            table.publish(long, mark, &vec![mark; usize::from(mark % 33)], true);
        }
        done.store(true, Ordering::Release);
    });
}

#[test]
fn slots_reused_beside_readers_never_show_another_neighbour() {
    const KEYS: u32 = 24;
    let mut table = Table::new(9).expect("memory");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for random in [1, 2] {
            let (reader, done, mut random) = (table.reader(), &done, random);
            scope.spawn(move || {
                while !done.load(Ordering::Acquire) {
                    let n = scattered(&mut random) % KEYS;
                    let Some(hit) = reader.lookup(&key(n)) else {
                        continue;
                    };
                    let whole = hit.state() == 0 && hit.lladdr() == [0; 6];
                    assert!(whole || hit.lladdr() == mac(n), "neighbour {n}: {hit:?}");
                    let Some(held) = reader.hold(&hit) else {
                        continue;
                    };
                    reader.confirm(&hit, n);
                    assert_eq!(held.key(), key(n));
                    assert!(held.state() == 0 || held.hit().lladdr() == mac(n));
                }
            });
        }
        let mut random = 3;
        for _ in 0..few_or_many(60, 100_000, 300_000) {
            let n = scattered(&mut random) % KEYS;
            match table.find(&key(n)) {
                None => {
                    add(&mut table, n);
                }
                Some(slot) => {
                    let confirmed = table.confirmed(slot);
                    assert!(confirmed.is_none_or(|by| by == n), "neighbour {n} confirmed by {confirmed:?}");
                    if random & 64 == 0 {
                        if table.unlink(slot) == neighbour_table::Unlinked::Free {
                            table.free(slot);
                        }
                    } else if table.try_remove(slot) {
                        table.free(slot);
                    }
                }
            }
            while let Some(back) = table.reclaim() {
                let neighbour_table::Reclaimed::Dead(slot) = back else { panic!("{back:?} was unlinked") };
                table.free(slot);
            }
        }
        done.store(true, Ordering::Release);
    });
    assert!(table.slots() <= 2 * KEYS, "slots are reused: {}", table.slots());
}
