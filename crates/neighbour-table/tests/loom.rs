//! Every publication protocol of the table, tried by loom in all orders that two preemptions can make, with all
//! values that the memory model lets a load return.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test -p neighbour-table --test loom --release`. Under loom a bucket has
//! two lanes, the index three sizes, and the low bits of an address choose its bucket: all keys below meet in one.
#![cfg(loom)]

use loom::thread;
use neighbour_table::{Key, Reader, Reclaimed, Table, Template, Unlinked};

const SHORT: Template = Template { own: [2; 6], ethertype: 0x0800, header: true, long: false };
const LONG: Template = Template { own: [2; 6], ethertype: 0x0800, header: false, long: true };

/// Keys that share bucket and tag, so that only the slot tells them apart.
const FIRST: Key = Key { addr: 1, ifindex: 1 };
const SECOND: Key = Key { addr: (2 << 64) | 1, ifindex: 1 };
const THIRD: Key = Key { addr: (3 << 64) | 1, ifindex: 2 };

const FOURTH: Key = Key { addr: (4 << 64) | 1, ifindex: 2 };

fn model(preemptions: usize, run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.check(run);
}

/// State and address bytes are the same number, so that a mixture shows.
fn publish(table: &mut Table, slot: u32, mark: u8) {
    table.publish(slot, mark, &[mark; 6], true);
}

fn add(table: &mut Table, key: &Key, mark: u8) -> u32 {
    let slot = table.insert(key, &SHORT).expect("memory");
    publish(table, slot, mark);
    slot
}

/// The mark a lookup finds; panics if the answer is a mixture.
fn seen(reader: &Reader, key: &Key) -> Option<u8> {
    let hit = reader.lookup(key)?;
    let mark = hit.state();
    assert!(hit.lladdr().iter().all(|byte| *byte == mark), "torn: {hit:?}");
    assert_eq!(hit.own(), [2; 6]);
    Some(mark)
}

#[test]
fn a_lookup_beside_an_insert_finds_all_of_it_or_nothing() {
    model(3, || {
        let mut table = Table::new(1).expect("memory");
        let reader = table.reader();
        let looking = thread::spawn(move || {
            assert!(matches!(seen(&reader, &FIRST), None | Some(0 | 7)));
        });
        add(&mut table, &FIRST, 7);
        looking.join().expect("reader");
        assert_eq!(seen(&table.reader(), &FIRST), Some(7));
    });
}

#[test]
fn a_lookup_beside_removal_and_reuse_never_shows_another_neighbour() {
    model(3, || {
        let mut table = Table::new(1).expect("memory");
        let old = add(&mut table, &FIRST, 7);
        let reader = table.reader();
        let looking = thread::spawn(move || {
            assert!(matches!(seen(&reader, &FIRST), None | Some(7)));
            assert!(matches!(seen(&reader, &SECOND), None | Some(0 | 9)));
        });
        assert!(table.try_remove(old));
        table.free(old);
        assert_eq!(add(&mut table, &SECOND, 9), old);
        looking.join().expect("reader");
    });
}

#[test]
fn a_present_key_is_found_while_the_index_grows() {
    model(3, || {
        let mut table = Table::new(1).expect("memory");
        add(&mut table, &FIRST, 7);
        let reader = table.reader();
        let looking = thread::spawn(move || assert_eq!(seen(&reader, &FIRST), Some(7)));
        let grows = table.stats().grows;
        add(&mut table, &SECOND, 9);
        assert_eq!(table.stats().grows, grows + 1);
        assert_eq!(table.stats().moved, 1);
        looking.join().expect("reader");
    });
}

#[test]
fn a_key_that_had_to_go_past_its_full_bucket_is_found_while_the_index_grows() {
    model(2, || {
        let mut table = Table::new(1).expect("memory");
        let second = add(&mut table, &SECOND, 9);
        table.insert(&THIRD, &SHORT).expect("memory");
        add(&mut table, &FIRST, 7);
        let reader = table.reader();
        let looking = thread::spawn(move || assert_eq!(seen(&reader, &FIRST), Some(7)));
        // Grows, moves one bucket, and makes a hole in front of the key; then moves the other bucket.
        let grows = table.stats().grows;
        table.insert(&FOURTH, &SHORT).expect("memory");
        assert_eq!(table.stats().grows, grows + 1);
        assert!(table.try_remove(second));
        looking.join().expect("reader");
        assert_eq!(seen(&table.reader(), &FIRST), Some(7));
    });
}

#[test]
fn a_present_key_is_found_while_the_index_shrinks() {
    model(2, || {
        let mut table = Table::new(1).expect("memory");
        add(&mut table, &FIRST, 7);
        let second = add(&mut table, &SECOND, 9);
        let reader = table.reader();
        let looking = thread::spawn(move || assert_eq!(seen(&reader, &FIRST), Some(7)));
        assert!(table.try_remove(second));
        assert_eq!(table.stats().shrinks, 1);
        // Two more calls move the two buckets into the array that was used before.
        let third = table.insert(&THIRD, &SHORT).expect("memory");
        assert!(table.try_remove(third));
        looking.join().expect("reader");
        assert_eq!(seen(&table.reader(), &FIRST), Some(7));
    });
}

#[test]
fn a_present_key_is_found_across_two_migrations() {
    model(2, || {
        let mut table = Table::new(1).expect("memory");
        add(&mut table, &FIRST, 7);
        let reader = table.reader();
        let looking = thread::spawn(move || assert_eq!(seen(&reader, &FIRST), Some(7)));
        // Grows and moves the entry, begins to shrink, moves it back into the first array.
        let second = table.insert(&SECOND, &SHORT).expect("memory");
        assert!(table.try_remove(second));
        let third = table.insert(&THIRD, &SHORT).expect("memory");
        assert!(table.try_remove(third));
        assert_eq!((table.stats().grows, table.stats().shrinks), (1, 1));
        looking.join().expect("reader");
    });
}

#[test]
fn a_held_neighbour_outlives_its_removal_and_comes_back_once() {
    model(3, || {
        let mut table = Table::new(1).expect("memory");
        let slot = add(&mut table, &FIRST, 7);
        let reader = table.reader();
        let holding = thread::spawn(move || {
            let hit = reader.lookup(&FIRST);
            if let Some(held) = hit.and_then(|hit| reader.hold(&hit)) {
                assert_eq!(held.key(), FIRST);
                assert_eq!((held.hit().state(), held.hit().lladdr()), (7, &[7; 6][..]));
            }
        });
        // Lets the holders run first too, which loom would not always try by itself.
        thread::yield_now();
        let mut freed = 0;
        if table.unlink(slot) == Unlinked::Free {
            table.free(slot);
            freed += 1;
        } else if let Some(back) = table.reclaim() {
            assert_eq!(back, Reclaimed::Dead(slot));
            table.free(slot);
            freed += 1;
        }
        let next = add(&mut table, &SECOND, 9);
        assert_eq!(next == slot, freed == 1);
        holding.join().expect("reader");
        while let Some(back) = table.reclaim() {
            assert_eq!(back, Reclaimed::Dead(slot));
            table.free(slot);
            freed += 1;
        }
        assert_eq!(freed, 1);
        assert_eq!(seen(&table.reader(), &SECOND), Some(9));
    });
}

#[test]
fn only_an_unheld_neighbour_is_removed_at_once() {
    model(3, || {
        let mut table = Table::new(1).expect("memory");
        let slot = add(&mut table, &FIRST, 7);
        let reader = table.reader();
        let hit = reader.lookup(&FIRST).expect("present");
        let holding = thread::spawn(move || reader.hold(&hit));
        let removed = table.try_remove(slot);
        let held = holding.join().expect("reader");
        assert_ne!(removed, held.is_some(), "removed or held, never both, never neither");
        assert!(held.is_none_or(|held| !held.is_dead()));
    });
}

#[test]
fn the_last_of_two_holders_sends_the_slot_back_once() {
    model(2, || {
        let mut table = Table::new(1).expect("memory");
        let slot = add(&mut table, &FIRST, 7);
        let one = table.hold(slot).expect("alive");
        let two = one.clone();
        assert_eq!(table.unlink(slot), Unlinked::Held);
        let first = thread::spawn(move || drop(one));
        let second = thread::spawn(move || {
            assert!(two.is_dead());
            drop(two);
        });
        // Lets the holders run first too, which loom would not always try by itself.
        thread::yield_now();
        let mut back = table.reclaim().is_some() as u32;
        first.join().expect("holder");
        second.join().expect("holder");
        back += table.reclaim().is_some() as u32;
        assert_eq!(back, 1);
        assert_eq!(table.reclaim(), None);
    });
}

#[test]
fn two_slots_given_back_at_once_both_arrive() {
    model(2, || {
        let mut table = Table::new(1).expect("memory");
        let slots = [add(&mut table, &FIRST, 7), add(&mut table, &SECOND, 9)];
        let [one, two] = slots.map(|slot| table.hold(slot).expect("alive"));
        for slot in slots {
            assert_eq!(table.unlink(slot), Unlinked::Held);
        }
        let first = thread::spawn(move || drop(one));
        let second = thread::spawn(move || drop(two));
        // Lets the holders run first too, which loom would not always try by itself.
        thread::yield_now();
        let mut back = Vec::new();
        back.extend(table.reclaim());
        first.join().expect("holder");
        second.join().expect("holder");
        back.extend(core::iter::from_fn(|| table.reclaim()));
        back.sort_by_key(|back| matches!(back, Reclaimed::Dead(slot) if *slot == slots[1]));
        assert_eq!(back, slots.map(Reclaimed::Dead));
    });
}

#[test]
fn a_confirmation_vouches_only_for_the_neighbour_it_was_meant_for() {
    model(3, || {
        let mut table = Table::new(1).expect("memory");
        let slot = add(&mut table, &FIRST, 7);
        let reader = table.reader();
        let late = reader.lookup(&FIRST).expect("present");
        let confirming = {
            let reader = reader.clone();
            thread::spawn(move || reader.confirm(&late, 5))
        };
        assert!(table.try_remove(slot));
        table.free(slot);
        assert_eq!(add(&mut table, &SECOND, 9), slot);
        assert_eq!(table.confirmed(slot), None);
        let hit = reader.lookup(&SECOND).expect("present");
        reader.confirm(&hit, 6);
        confirming.join().expect("reader");
        assert_eq!(table.confirmed(slot), Some(6), "neither taken from the old nor lost by it");
    });
}

#[test]
fn a_stale_neighbour_is_handed_over_by_one_reader() {
    model(3, || {
        let mut table = Table::new(1).expect("memory");
        let slot = add(&mut table, &FIRST, 7);
        let hit = table.reader().lookup(&FIRST).expect("present");
        let marking = [(); 2].map(|()| {
            let reader = table.reader();
            thread::spawn(move || reader.mark_handed(&hit) as u32)
        });
        let taken = table.take_handed(slot) as u32;
        let marked: u32 = marking.map(|thread| thread.join().expect("reader")).iter().sum();
        let left = table.take_handed(slot) as u32;
        assert_eq!(marked, taken + left, "each mark is taken once");
        assert!(marked >= 1);
    });
}

#[test]
fn a_late_mark_says_nothing_about_the_next_owner() {
    model(3, || {
        let mut table = Table::new(1).expect("memory");
        let slot = add(&mut table, &FIRST, 7);
        let reader = table.reader();
        let late = reader.lookup(&FIRST).expect("present");
        let marking = {
            let reader = reader.clone();
            thread::spawn(move || {
                if reader.mark_handed(&late) {
                    reader.unmark_handed(&late);
                }
            })
        };
        assert!(table.try_remove(slot));
        table.free(slot);
        assert_eq!(add(&mut table, &SECOND, 9), slot);
        let hit = reader.lookup(&SECOND).expect("present");
        assert!(reader.mark_handed(&hit));
        marking.join().expect("reader");
        assert!(table.take_handed(slot));
    });
}

#[test]
fn a_long_address_is_never_torn() {
    model(3, || {
        let mut table = Table::new(1).expect("memory");
        let slot = table.insert(&FIRST, &LONG).expect("memory");
        publish(&mut table, slot, 3);
        let reader = table.reader();
        let looking = thread::spawn(move || {
            let mark = seen(&reader, &FIRST);
            assert!(matches!(mark, Some(3 | 7 | 9)), "{mark:?}");
        });
        publish(&mut table, slot, 7);
        publish(&mut table, slot, 9);
        looking.join().expect("reader");
    });
}

#[test]
fn a_side_record_never_shows_its_next_owner() {
    model(2, || {
        let mut table = Table::new(1).expect("memory");
        let slot = table.insert(&FIRST, &LONG).expect("memory");
        publish(&mut table, slot, 7);
        let reader = table.reader();
        let looking = thread::spawn(move || {
            assert!(matches!(seen(&reader, &FIRST), None | Some(7)));
        });
        assert!(table.try_remove(slot));
        table.free(slot);
        // Its record is the same one, and says state 0.
        table.insert(&SECOND, &LONG).expect("memory");
        looking.join().expect("reader");
    });
}

#[test]
fn a_neighbour_is_never_shown_with_its_interface_s_next_header() {
    const NEXT: Template = Template { own: [3; 6], ..SHORT };
    model(3, || {
        let mut table = Table::new(1).expect("memory");
        let slot = add(&mut table, &FIRST, 7);
        let held = table.hold(slot).expect("alive");
        let reader = table.reader();
        let looking = thread::spawn(move || {
            if let Some(hit) = reader.lookup(&FIRST) {
                assert_eq!(hit.own() == [3; 6], matches!(hit.state(), 8 | 9), "{hit:?}");
            }
            if let Some(hit) = reader.lookup(&SECOND) {
                assert_eq!(hit.own(), [3; 6], "{hit:?}");
            }
        });
        // Held, so that the slot stays the first neighbour's: only its being unlinked tells.
        assert_eq!(table.unlink(slot), Unlinked::Held);
        let next = table.insert(&SECOND, &NEXT).expect("memory");
        publish(&mut table, next, 9);
        looking.join().expect("reader");
        assert!(held.is_dead());
    });
}
