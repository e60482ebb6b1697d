//! How much the engine does in one call: budgets, and what was done of them.

/// What [`Engine::handle_timeout`](crate::Engine::handle_timeout) and creations had to look at, since the engine's
/// birth. The difference over one call shows that it was bounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Work {
    /// Timers that fired or were moved within the wheel: at most [`Config::timer_budget`](crate::Config::timer_budget)
    /// in one call.
    pub timers: u64,
    /// Entries that periodic collection, refresh and sweep looked at: at most
    /// [`Config::gc_budget`](crate::Config::gc_budget) in one call.
    pub entries: u64,
    /// Entries that forced collections looked at: at most [`Config::gc_budget`](crate::Config::gc_budget) for each
    /// creation.
    pub forced: u64,
}

/// What may still be looked at in this call.
#[derive(Debug)]
pub(crate) struct Budget {
    whole: u32,
    pub(crate) left: u32,
}

impl Budget {
    /// At least one, so that work ends.
    pub(crate) fn new(whole: u32) -> Self {
        let whole = whole.max(1);
        Self { whole, left: whole }
    }

    /// Takes one; false if nothing is left.
    pub(crate) fn take(&mut self) -> bool {
        let granted = self.left > 0;
        self.left -= u32::from(granted);
        granted
    }

    /// How many were taken.
    pub(crate) fn spent(&self) -> u64 {
        u64::from(self.whole - self.left)
    }
}

impl crate::Engine {
    /// What was looked at so far: see [`Work`].
    pub fn work(&self) -> Work {
        self.work
    }
}
