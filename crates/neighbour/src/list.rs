//! Lists that run through the entries themselves: no allocation, removal in constant time.

/// No entry.
const NIL: u32 = u32::MAX;
/// Stands for the entry before one that is in no list.
const UNLINKED: u32 = NIL - 1;

/// An entry's place in one list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Links {
    prev: u32,
    next: u32,
}

impl Default for Links {
    fn default() -> Self {
        Self { prev: UNLINKED, next: NIL }
    }
}

impl Links {
    pub(crate) fn is_linked(&self) -> bool {
        self.prev != UNLINKED
    }

    /// The entry behind this one.
    pub(crate) fn next(&self) -> Option<u32> {
        (self.next != NIL).then_some(self.next)
    }
}

/// Gives the links of an entry in the list meant; where they stand is the entry's business.
pub(crate) trait Linked {
    fn links(&mut self, id: u32) -> &mut Links;
}

/// First and last of a list.
///
/// Invariant: an entry is linked exactly while it stands in the list, and following
/// `next` from `first` ends at `last`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    first: u32,
    last: u32,
}

impl Default for List {
    fn default() -> Self {
        Self { first: NIL, last: NIL }
    }
}

impl List {
    pub(crate) fn first(&self) -> Option<u32> {
        (self.first != NIL).then_some(self.first)
    }

    pub(crate) fn push_back(&mut self, entries: &mut impl Linked, id: u32) {
        debug_assert!(!entries.links(id).is_linked());
        let prev = core::mem::replace(&mut self.last, id);
        *entries.links(id) = Links { prev, next: NIL };
        match prev {
            NIL => self.first = id,
            prev => entries.links(prev).next = id,
        }
    }

    pub(crate) fn push_front(&mut self, entries: &mut impl Linked, id: u32) {
        debug_assert!(!entries.links(id).is_linked());
        let next = core::mem::replace(&mut self.first, id);
        *entries.links(id) = Links { prev: NIL, next };
        match next {
            NIL => self.last = id,
            next => entries.links(next).prev = id,
        }
    }

    /// Takes an entry out; nothing if it is not in.
    pub(crate) fn remove(&mut self, entries: &mut impl Linked, id: u32) {
        let Links { prev, next } = core::mem::take(entries.links(id));
        if prev == UNLINKED {
            return;
        }
        match prev {
            NIL => self.first = next,
            prev => entries.links(prev).next = next,
        }
        match next {
            NIL => self.last = prev,
            next => entries.links(next).prev = prev,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    impl Linked for Vec<Links> {
        fn links(&mut self, id: u32) -> &mut Links {
            &mut self[id as usize]
        }
    }

    fn order(list: &List, entries: &[Links]) -> Vec<u32> {
        core::iter::successors(list.first(), |id| entries[*id as usize].next()).collect()
    }

    #[test]
    fn entries_come_and_go_at_both_ends_and_in_the_middle() {
        let mut entries: Vec<Links> = (0..5).map(|_| Links::default()).collect();
        let mut list = List::default();
        for id in [1, 2, 3] {
            list.push_back(&mut entries, id);
        }
        list.push_front(&mut entries, 0);
        assert_eq!(order(&list, &entries), [0, 1, 2, 3]);
        list.remove(&mut entries, 2);
        list.remove(&mut entries, 2);
        assert_eq!(order(&list, &entries), [0, 1, 3]);
        list.remove(&mut entries, 3);
        list.remove(&mut entries, 0);
        list.push_back(&mut entries, 4);
        assert_eq!(order(&list, &entries), [1, 4]);
    }
}
