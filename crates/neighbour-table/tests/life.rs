//! The life of a neighbour as the writer and the holders of references see it.
#![cfg(not(loom))]

mod common;

use common::{ETHERNET, INFINIBAND, add, key, mac};
use neighbour_table::{Key, NeighbourRef, Reader, Reclaimed, Table, Unlinked};

fn table() -> Table {
    Table::new(1).expect("memory")
}

#[test]
fn a_new_neighbour_is_found_at_once_in_state_0_with_an_address_of_zeros() {
    let mut table = table();
    let slot = table.insert(&key(1), &ETHERNET).expect("memory");
    let hit = table.reader().lookup(&key(1)).expect("present");
    assert_eq!((hit.state(), hit.lladdr()), (0, &[0; 6][..]));
    assert_eq!(
        (table.find(&key(1)), table.key(slot), table.refs(slot), table.len()),
        (Some(slot), key(1), 1, 1)
    );
    assert_eq!(hit.handle(), table.handle(slot));
    assert_eq!(table.resolve(hit.handle()), Some(slot));
}

#[test]
fn a_hit_carries_the_finished_header() {
    let mut table = table();
    add(&mut table, 5);
    let hit = table.reader().lookup(&key(5)).expect("present");
    assert_eq!(hit.header(), Some([2, 1, 0, 0, 0, 5, 2, 0, 0, 0, 0, 1, 0x08, 0x00]));
    assert_eq!((hit.own(), hit.ethertype()), (ETHERNET.own, 0x0800));
}

#[test]
fn the_same_address_on_another_interface_is_another_neighbour() {
    let mut table = table();
    add(&mut table, 1);
    let other = Key { ifindex: 4, ..key(1) };
    assert_eq!(table.reader().lookup(&other), None);
    let slot = table.insert(&other, &ETHERNET).expect("memory");
    table.publish(slot, 4, &mac(9), true);
    assert_eq!(table.reader().lookup(&key(1)).expect("present").state(), 2);
    assert_eq!(table.reader().lookup(&other).expect("present").state(), 4);
}

#[test]
fn interface_0_and_address_0_are_keys_like_others() {
    let mut table = table();
    let zero = Key { addr: 0, ifindex: 0 };
    assert_eq!(table.reader().lookup(&zero), None);
    let slot = table.insert(&zero, &ETHERNET).expect("memory");
    assert_eq!(table.reader().lookup(&zero).map(|hit| hit.handle().slot()), Some(slot));
}

#[test]
fn addresses_of_0_to_32_bytes_come_back_whole() {
    let mut table = table();
    let slot = table.insert(&key(1), &INFINIBAND).expect("memory");
    let bytes: Vec<u8> = (1..=40).collect();
    for length in 0..=32 {
        table.publish(slot, length as u8, &bytes[..length], true);
        let hit = table.reader().lookup(&key(1)).expect("present");
        assert_eq!((hit.state(), hit.lladdr()), (length as u8, &bytes[..length]));
        assert_eq!((hit.header(), hit.ethertype()), (None, 0x86dd));
        let (own_view, count) = table.lladdr(slot);
        assert_eq!((&own_view[..count], table.state(slot)), (&bytes[..length], length as u8));
    }
    table.publish(slot, 1, &bytes, true);
    assert_eq!(table.reader().lookup(&key(1)).expect("present").lladdr(), &bytes[..32]);
}

#[test]
fn an_address_of_the_wrong_length_is_cut_or_filled_to_six_bytes() {
    let mut table = table();
    let slot = table.insert(&key(1), &ETHERNET).expect("memory");
    for (given, kept) in [(&[][..], [0; 6]), (&[1, 2], [1, 2, 0, 0, 0, 0]), (&[9; 20], [9; 6])] {
        table.publish(slot, 1, given, true);
        assert_eq!(table.reader().lookup(&key(1)).expect("present").lladdr(), kept);
        assert_eq!(table.lladdr(slot).0[..6], kept);
    }
}

#[test]
fn an_unheld_neighbour_is_removed_and_its_slot_reused_in_a_new_generation() {
    let mut table = table();
    let slot = add(&mut table, 1);
    let old = table.handle(slot);
    assert!(table.try_remove(slot));
    assert_eq!((table.reader().lookup(&key(1)), table.find(&key(1)), table.len()), (None, None, 0));
    assert!(!table.is_linked(slot));
    table.free(slot);
    assert_eq!(table.resolve(old), None);
    assert_eq!(add(&mut table, 2), slot);
    assert_ne!(table.handle(slot), old);
    assert_eq!((table.resolve(old), table.slots()), (None, 1));
}

#[test]
fn a_held_neighbour_is_not_removed_but_can_be_unlinked() {
    let mut table = table();
    let slot = add(&mut table, 1);
    let reader = table.reader();
    let held = reader.hold(&reader.lookup(&key(1)).expect("present")).expect("alive");
    assert_eq!(table.refs(slot), 2);
    assert!(!table.try_remove(slot));
    assert!(!held.is_dead());

    assert_eq!(table.unlink(slot), Unlinked::Held);
    assert!(held.is_dead());
    assert_eq!(reader.lookup(&key(1)), None);
    assert_eq!((held.key(), held.hit().lladdr(), held.state()), (key(1), &mac(1)[..], 2));
    // What the writer says after the removal is seen too.
    table.publish(slot, 32, &[0; 6], true);
    assert_eq!((held.state(), held.hit().lladdr()), (32, &[0; 6][..]));

    // A new neighbour with the same key is another one.
    let next = add(&mut table, 1);
    assert_ne!(next, slot);
    assert_eq!((held.handle().slot(), reader.lookup(&key(1)).map(|hit| hit.state())), (slot, Some(2)));

    assert_eq!(table.reclaim(), None);
    let another = held.clone();
    drop(held);
    assert_eq!(table.reclaim(), None);
    drop(another);
    assert_eq!(table.reclaim(), Some(Reclaimed::Dead(slot)));
    assert_eq!(table.reclaim(), None);
    table.free(slot);
    assert_eq!(add(&mut table, 3), slot);
}

#[test]
fn an_unheld_neighbour_is_free_after_unlinking() {
    let mut table = table();
    let slot = add(&mut table, 1);
    drop(table.hold(slot).expect("alive"));
    assert_eq!(table.unlink(slot), Unlinked::Free);
    assert!(table.hold(slot).is_none(), "dead");
    table.free(slot);
    assert_eq!(table.reclaim(), None);
}

#[test]
fn a_hit_of_a_removed_neighbour_holds_nothing() {
    let mut table = table();
    let slot = add(&mut table, 1);
    let reader = table.reader();
    let hit = reader.lookup(&key(1)).expect("present");
    assert!(table.try_remove(slot));
    assert!(reader.hold(&hit).is_none(), "removed");
    table.free(slot);
    assert!(reader.hold(&hit).is_none(), "freed");
    assert_eq!(add(&mut table, 2), slot);
    assert!(reader.hold(&hit).is_none(), "the slot is another's");
    assert_eq!((hit.state(), hit.lladdr()), (2, &mac(1)[..]), "a hit is a value");
}

#[test]
fn several_slots_given_back_come_one_by_one() {
    let mut table = table();
    let slots: Vec<u32> = (0..10).map(|n| add(&mut table, n)).collect();
    let held: Vec<NeighbourRef> = slots.iter().map(|slot| table.hold(*slot).expect("alive")).collect();
    for slot in &slots {
        assert_eq!(table.unlink(*slot), Unlinked::Held);
    }
    drop(held);
    let mut back: Vec<u32> = core::iter::from_fn(|| table.reclaim())
        .map(|back| match back {
            Reclaimed::Dead(slot) => slot,
            Reclaimed::Alive(slot) => panic!("slot {slot} was unlinked"),
        })
        .collect();
    back.sort_unstable();
    assert_eq!(back, slots);
}

#[test]
fn a_confirmation_counts_for_its_neighbour_only() {
    let mut table = table();
    let slot = add(&mut table, 1);
    let reader = table.reader();
    let hit = reader.lookup(&key(1)).expect("present");
    assert_eq!(table.confirmed(slot), None);
    reader.confirm(&hit, 77);
    assert_eq!(table.confirmed(slot), Some(77));
    table.hold(slot).expect("alive").confirm(3);
    assert_eq!(table.confirmed(slot), Some(3), "ticks may wrap");

    assert!(table.try_remove(slot));
    table.free(slot);
    assert_eq!(add(&mut table, 2), slot);
    assert_eq!(table.confirmed(slot), None, "the old owner's does not count");
    reader.confirm(&hit, 78);
    assert_eq!(table.confirmed(slot), None, "nor does a late one");
    reader.confirm(&reader.lookup(&key(2)).expect("present"), 79);
    reader.confirm(&hit, 80);
    assert_eq!(table.confirmed(slot), Some(79), "and it spoils nothing");
}

#[test]
fn a_stale_neighbour_is_handed_over_once_until_the_writer_takes_it() {
    let mut table = table();
    let slot = add(&mut table, 1);
    let reader = table.reader();
    let hit = reader.lookup(&key(1)).expect("present");
    assert!(!table.take_handed(slot));
    assert!(reader.mark_handed(&hit));
    assert!(!reader.mark_handed(&hit));
    assert!(table.take_handed(slot));
    assert!(reader.mark_handed(&hit));
    assert!(reader.unmark_handed(&hit), "the queue was full");
    assert!(!reader.unmark_handed(&hit));
    assert!(reader.mark_handed(&hit));

    assert!(table.try_remove(slot));
    table.free(slot);
    assert_eq!(add(&mut table, 2), slot);
    assert!(!table.take_handed(slot), "the mark was the old owner's");
    let next = reader.lookup(&key(2)).expect("present");
    assert!(reader.mark_handed(&next));
    assert!(!reader.mark_handed(&hit) && !reader.unmark_handed(&hit));
    assert!(table.take_handed(slot));
}

#[test]
fn readers_and_references_outlive_the_table() {
    let mut table = table();
    let slot = add(&mut table, 1);
    let reader = table.reader();
    let held = table.hold(slot).expect("alive");
    drop(table);
    assert_eq!(reader.lookup(&key(1)).map(|hit| hit.state()), Some(2));
    drop(reader);
    assert_eq!(held.hit().lladdr(), &mac(1)[..]);
}

#[test]
fn a_batch_answers_each_key_as_a_lookup_of_its_own_does() {
    let mut table = table();
    for n in 0..100 {
        add(&mut table, n);
    }
    let long = neighbour_table::Template { own: [2; 6], ethertype: 0x0800, header: false, long: true };
    let infiniband = Key { addr: 1, ifindex: 9 };
    let slot = table.insert(&infiniband, &long).expect("memory");
    table.publish(slot, 4, &[7; 20], true);
    // More than one batch, every third key absent, one with a long address, one asked for twice.
    let keys: Vec<_> =
        (0..120).map(|n| if n % 3 == 0 { key(n + 1_000) } else { key(n) }).chain([infiniband; 2]).collect();
    for range in [0..0, 0..1, 0..32, 0..33, 0..keys.len()] {
        let reader = table.reader();
        let mut answers = vec![None; range.len()];
        let n = reader.lookup_batch(&keys[range.clone()], |key| Some(*key), &mut answers, |hit| hit);
        let expected: Vec<_> = keys[range.clone()].iter().map(|key| reader.lookup(key)).collect();
        assert_eq!((n, answers), (range.len(), expected));
    }
}

#[test]
fn a_batch_ends_with_the_shorter_slice_or_before_what_is_no_key() {
    let mut table = table();
    for n in 0..100 {
        add(&mut table, n);
    }
    let reader = table.reader();
    let asked: Vec<_> = (0..100).collect();
    for (room, end, expected) in
        [(100, 100, 100), (0, 100, 0), (31, 100, 31), (33, 100, 33), (64, 64, 64), (100, 40, 40), (100, 0, 0)]
    {
        let mut answers = vec![false; room];
        let key = |n: &u32| (*n < end).then(|| key(*n));
        let n = reader.lookup_batch(&asked, key, &mut answers, |hit| hit.is_some());
        assert_eq!(n, expected, "room {room}, {end} keys");
        assert_eq!(answers.iter().filter(|found| **found).count(), n, "room {room}, {end} keys");
    }
}

#[test]
fn the_slots_after_an_insertion_are_known_before_it_whether_one_is_used_again_or_not() {
    let mut table = table();
    let insert = |table: &mut Table, n| {
        let expected = table.slots_after_insert();
        assert!(table.reserve(key(n).ifindex, &ETHERNET).is_ok());
        assert_eq!(table.slots_after_insert(), expected, "room takes no slot");
        let slot = add(table, n);
        assert_eq!(table.slots(), expected);
        slot
    };
    let slots: Vec<_> = (0..50).map(|n| insert(&mut table, n)).collect();
    for slot in &slots[10..20] {
        assert!(table.try_remove(*slot));
        table.free(*slot);
    }
    (100..120).for_each(|n| assert!(insert(&mut table, n) < 60));
    let seen = table.look(slots[0]);
    assert_eq!((seen.key, seen.refs, seen.confirmed), (key(0), 1, table.confirmed(slots[0])));
    assert_eq!(seen.lladdr(), mac(0));
}

#[test]
fn an_interface_number_too_large_finds_nothing_and_is_refused() {
    let mut table = table();
    add(&mut table, 1);
    let held = table.hold(0).expect("alive");
    let _ = table.unlink(0);
    let template = neighbour_table::Template { own: [2; 6], ethertype: 0x0800, header: true, long: false };
    for ifindex in [neighbour_table::MOST_INTERFACES, key(1).ifindex | 1 << 31, u32::MAX] {
        let far = Key { ifindex, ..key(1) };
        assert!(table.reader().lookup(&far).is_none() && table.find(&far).is_none());
        assert!(table.insert(&far, &template).is_err() && table.reserve(ifindex, &template).is_err());
    }
    assert_eq!(held.key(), key(1));
}

#[test]
fn handles_go_where_threads_need_them() {
    fn anywhere<T: Send + Sync + 'static>() {}
    anywhere::<NeighbourRef>();
    anywhere::<neighbour_table::Hit>();
    // A reader remembers where the table stands, without atomics: each thread has its own.
    fn movable<T: Send>() {}
    movable::<Reader>();
    movable::<Table>();
}

#[test]
#[cfg_attr(miri, ignore = "too many for an interpreter")]
fn memory_for_an_entry_stays_within_its_bound() {
    let mut table = table();
    for n in 0..100_000 {
        add(&mut table, n);
        if n > 1_000 {
            let each = table.stats().bytes as f64 / f64::from(n);
            assert!(each < 100.0, "{each:.1} bytes for each of {n} neighbours");
        }
    }
}
