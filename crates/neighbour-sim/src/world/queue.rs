//! What is to happen, by time; of one moment, in the order in which it was planned.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Something that happens in the world.
#[derive(Debug)]
pub(crate) enum Deed {
    /// A frame reaches the engine's device on a segment.
    ToEngine {
        segment: usize,
        frame: Vec<u8>,
    },
    /// A frame of the engine's reaches the hosts of a segment.
    ToHosts {
        segment: usize,
        frame: Vec<u8>,
    },
    /// A host sends a frame that took it a moment.
    FromHost {
        host: u32,
        frame: Vec<u8>,
    },
    /// The n-th packet of a pair of a flow.
    Flow {
        flow: u16,
        pair: u32,
        n: u64,
    },
    /// A host comes.
    Join {
        host: u32,
    },
    /// A host looks whether it was answered.
    AskAgain {
        host: u32,
        turn: u32,
    },
    /// The n-th frame of an attacker.
    Scan {
        which: usize,
        n: u64,
    },
    Spoof {
        which: usize,
        n: u64,
    },
    Storm {
        which: usize,
        n: u64,
    },
    RaStorm {
        which: usize,
        n: u64,
    },
    /// The engine's device goes away, or comes back.
    Flap {
        which: usize,
        down: bool,
    },
    /// A host is silent from now on, and `comes` later somewhere else.
    Leave {
        host: u32,
        comes: u64,
        form: crate::plan::file::Form,
    },
    /// It speaks from another hardware address.
    Return {
        host: u32,
        form: crate::plan::file::Form,
    },
    /// The n-th host of a churning group goes.
    Churn {
        which: usize,
        n: u64,
    },
    /// A partition begins or ends.
    Partition {
        which: usize,
        begins: bool,
    },
    /// Numbers are taken.
    Sample,
}

#[derive(Debug)]
struct Planned {
    at: u64,
    turn: u64,
    deed: Deed,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Planned {}
impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Planned {
    /// The earliest is the greatest, as the heap gives out the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.turn).cmp(&(self.at, self.turn))
    }
}

/// All that is planned.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Planned>,
    turn: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: u64, deed: Deed) {
        self.turn += 1;
        self.heap.push(Planned { at, turn: self.turn, deed });
    }

    pub(crate) fn next_at(&self) -> Option<u64> {
        self.heap.peek().map(|p| p.at)
    }

    pub(crate) fn pop(&mut self) -> Option<Deed> {
        self.heap.pop().map(|p| p.deed)
    }
}
