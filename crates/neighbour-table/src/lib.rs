//! A concurrent neighbour table: one writer, lock-free readers.
//!
//! The table maps a [`Key`] (a next hop on an interface) to what a packet needs: a state, a link-layer address, a
//! finished header. One [`Table`] writes; any number of [`Reader`]s look up from other threads. What a state means,
//! when an entry is made, and when it goes, is the engine's business: states are numbers here.
//!
//! ```
//! use neighbour_table::{Key, Table, Template};
//!
//! let mut table = Table::new(0x5eed)?;
//! let reader = table.reader(); // for another thread
//! let key = Key { addr: 0xc000_0201, ifindex: 2 };
//! let ethernet = Template { own: [2, 0, 0, 0, 0, 1], ethertype: 0x0800, header: true, long: false };
//!
//! let slot = table.insert(&key, &ethernet)?;
//! table.publish(slot, 2, &[2, 0, 0, 0, 0, 9], true);
//!
//! let hit = reader.lookup(&key).expect("present");
//! assert_eq!(hit.lladdr(), [2, 0, 0, 0, 0, 9]);
//! assert_eq!(hit.header(), Some([2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 0x08, 0x00]));
//!
//! let held = reader.hold(&hit).expect("alive"); // sits in a route cache
//! let _ = table.unlink(slot);
//! assert!(held.is_dead() && reader.lookup(&key).is_none());
//! # Ok::<(), neighbour_table::OutOfMemory>(())
//! ```
//!
//! # What it promises
//!
//! 1. Readers never wait, for the writer or for each other, and nobody waits for them. A reader may stop for ever
//!    between two instructions.
//! 2. A lookup answers by value, for one key at one moment: never a torn address, never another neighbour's, never
//!    "absent" for a key that was present all along, growth and shrinking included.
//! 3. A lookup writes no shared memory.
//! 4. A [`NeighbourRef`] keeps one neighbour's identity, beyond its removal.
//! 5. A confirmation is one store at most, and vouches only for the neighbour it was meant for.
//! 6. An insert or removal does a bounded share of growing or shrinking: at most [`MOST_MOVED`] index entries move.
//! 7. Memory depends on the largest number of neighbours there ever was, not on what readers do. If there is none,
//!    the call that needed it says so ([`OutOfMemory`]) and the table goes on.
//!
//! # How it works
//!
//! **Slots.** A neighbour lives in a numbered slot, in two halves: half a cache line that lookups read, and three words
//! elsewhere that use of it writes. What all neighbours of an interface share (the device's own address, the
//! EtherType) stands once for the interface (`template`). Slots stand in chunks that never move and are never given
//! back while any handle lives (`arena`, `slices`). So a reader needs no pin and no hazard pointer: wherever it looks,
//! however late, there is a slot. What must be settled is only *whose* it is, and for that every life of a slot has a
//! new generation, which never comes back (a slot that has used up its 2³² generations is retired).
//!
//! **Reading a slot** (`shared`). The guard word holds generation, interface, and whether the neighbour is linked. A
//! reader loads the guard, the fields, and the guard again; if it is the same, all fields belonged to that one
//! neighbour while it was linked. If it is not, the neighbour that the reader was after has been removed meanwhile,
//! and the search goes on: nothing spins. State, flags and a six-byte address share one word and so change at once;
//! the rest never changes in a life. Addresses of other lengths stand in two copies in a side record (`long`), of
//! which one is always whole.
//!
//! **The index** (`index`) leads from a key's hash to slots: buckets of one cache line, twelve lanes with a tag of
//! eight bits and a slot each; one instruction compares the tags of all lanes (`tags`). A full bucket counts those
//! that had to go on to the next; a search follows while that count is not zero. Within an array entries never move.
//! So a search that ends without its key has passed every place where it could be, and proves that there was a
//! moment without it, unless entries moved between arrays.
//!
//! **Growing and shrinking** (`migration`) move entries from one array to another of twice or half the size, a few
//! buckets with each insert and removal: the new place is written before the old one is cleared, and searches look
//! into the old array first. One word names the arrays and an epoch; a search that found nothing looks at it again,
//! and starts over only if it has changed. Arrays are kept and used again, under a new epoch and a new hash secret.
//! Each reader remembers the word and what goes with it, array and secret, and looks at the word only.
//!
//! **The short way.** If the first lane of the home bucket in the newest array whose tag fits is the neighbour's, and it
//! has a header, then this is the answer, whatever else is going on: that is one word, one line of the index, half a
//! line of the slot and the interface's word, and no call. What takes turns beside it (another lane or bucket, no
//! header) is `lookup_further`, out of line, and the rest (a miss, a migration) `lookup_everywhere`. The fewer
//! instructions wait for memory, the more lookups the processor has under way at once, so none is there that could be
//! elsewhere.
//!
//! **The hash** (`hash`) is keyed and strongly universal: an attacker who chooses the keys gains nothing over chance.
//!
//! **References** (`refs`) count in a word together with the generation and a dead bit, changed by compare-and-swap:
//! none can be taken on the wrong neighbour or on a dead one, and "remove if unused" is one step. Who drops the last
//! reference of a removed neighbour pushes its slot on a list through the slots themselves, which cannot fill up;
//! the writer finds it there.
//!
//! # Orderings, in pairs
//!
//! | store | meets | so that |
//! |---|---|---|
//! | guard set, Release (`begin`) | guard, first look, Acquire (`candidate`) | the fields are the neighbour's, or newer |
//! | Release fence after the guard is zeroed (`retire`) | Acquire fence before the second look | who saw a newer field sees the guard gone |
//! | word and interface's word, Release (`publish`, `template`), after the guard was unmarked (`unlink`) | the same, Acquire, before the second look | who saw a newer word sees the guard changed |
//! | word, Release (`publish`) | word, Acquire | who sees a state sees what came before it |
//! | lane, overflow count, secret, Release (`index`) | the same, Acquire | who sees an entry gone sees its new place or the new epoch |
//! | tags, Release (`tags`) | Acquire fence at the end of a search | the same |
//! | epoch and arrays, Release (`set_state`) | the same, Acquire | who sees an epoch sees its arrays, clean, and their secrets |
//! | slice pointer, Release (`publish` in `slices`) | the same, Acquire | its elements are zeroed |
//! | copy counter, Release, and fence (`long`) | the same, Acquire, and fence | the copy read is whole |
//! | reference given back, Release | last reference, Acquire | all use happens before the slot's next life |
//! | slot given back, Release (`push_returned`) | list taken, Acquire | the list is whole |
//! | confirmation, Release | `confirmed`, Acquire | what proved the neighbour reachable came before |
//!
//! loom tries these protocols (`tests/loom.rs`), and fails when the guard's, the lanes', the epoch's or the copies'
//! orderings are weakened. What it cannot see is a load delayed past a later store of the same thread: that a
//! reference is given back with Release rests on the argument in `refs`.
//!
//! # Unsafe
//!
//! `slices` publishes memory through atomic pointers; its header says why that is sound. Beside it stand a few marked
//! places of the short way: looks at memory that the index has vouched for, without a check (`index`, `arena`,
//! `shared`, `template`), the comparison of the tags (`tags`), and a prefetch. Each says what makes it sound; all else
//! is safe code over atomics.

#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(any(test, loom))]
extern crate std;

mod arena;
mod error;
mod free_list;
mod hash;
mod hit;
mod index;
mod key;
mod long;
mod migration;
mod prefetch;
mod primitive;
mod reader;
mod refs;
mod shared;
#[expect(unsafe_code, reason = "the one room for it: publishing memory through atomic pointers")]
mod slices;
mod slot;
mod stats;
mod table;
mod tags;
mod template;

pub use error::OutOfMemory;
pub use hash::Keyed;
pub use hit::Hit;
pub use key::{Generation, Handle, Key};
pub use long::MAX_ADDRESS;
pub use migration::MOST_MOVED;
pub use reader::{NeighbourRef, Reader};
pub use stats::Stats;
pub use table::{Looked, Reclaimed, Table, Template, Unlinked};
pub use template::MOST_INTERFACES;
