//! Whose turn it is: what neighbours say of themselves comes first, but a storm of it must not stop all else.

/// So many frames of neighbours may be taken before one of data is.
const AHEAD: u32 = 8;

#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Frames of neighbours that were taken since the last one of data was, or could have been.
    ahead: u32,
}

impl Turn {
    /// Takes a frame by one of the two; each says whether it had one.
    pub(super) fn take<C>(
        &mut self,
        context: &mut C,
        control: impl Fn(&mut C) -> bool,
        data: impl Fn(&mut C) -> bool,
    ) -> bool {
        let spent = self.ahead >= AHEAD;
        if !spent && control(context) {
            self.ahead += 1;
            return true;
        }
        self.ahead = 0;
        data(context) || (spent && control(context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken of so many frames of neighbours (`c`) and of data (`d`).
    fn order(control: u32, data: u32) -> String {
        let mut turn = Turn::default();
        let mut left = (control, data, String::new());
        let take = |of: &mut u32, order: &mut String, what| {
            let some = *of > 0;
            *of -= u32::from(some);
            order.extend(some.then_some(what));
            some
        };
        while turn.take(&mut left, |l| take(&mut l.0, &mut l.2, 'c'), |l| take(&mut l.1, &mut l.2, 'd')) {}
        left.2
    }

    #[test]
    fn neighbours_come_first_and_one_of_data_after_eight_of_them() {
        assert_eq!(order(3, 5), "cccddddd");
        assert_eq!(order(20, 3), "ccccccccdccccccccdccccd");
        assert_eq!(order(20, 0), "c".repeat(20));
        assert_eq!(order(0, 2), "dd");
        assert_eq!(order(0, 0), "");
    }
}
