//! Twelve tags of eight bits and a count in sixteen bytes: all tags are compared with one at once.

use crate::primitive::{AtomicU64, LANES, Ordering};

/// Twelve tags, one byte each, and in the last four bytes the overflow count.
#[derive(Default)]
#[repr(C, align(16))]
pub(crate) struct Tags([AtomicU64; 2]);

/// Lanes whose tag fits, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Matches(u32);

impl Iterator for Matches {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let lane = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(lane)
    }
}

const ALL: u32 = (1 << LANES) - 1;

/// The lanes whose tag is this one.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(any(miri, loom))))]
#[inline(always)]
pub(crate) fn matching(tags: &Tags, tag: u8) -> Matches {
    use core::arch::asm;
    use core::arch::x86_64::{__m128i, _mm_set1_epi8};
    let bits: u32;
    #[expect(unsafe_code, reason = "see SAFETY")]
    // SAFETY: SSE2 is there. The sixteen bytes are two atomic words, aligned to sixteen; the processor reads each of
    // them at once, so this does what two relaxed loads do, which no store races with. It writes two registers only.
    unsafe {
        let pattern: __m128i = _mm_set1_epi8(tag as i8);
        asm!(
            "pcmpeqb {pattern}, xmmword ptr [{tags}]",
            "pmovmskb {bits:e}, {pattern}",
            pattern = inout(xmm_reg) pattern => _,
            tags = in(reg) tags,
            bits = lateout(reg) bits,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    Matches(bits & ALL)
}

/// The lanes whose tag is this one.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(any(miri, loom)))))]
#[inline]
pub(crate) fn matching(tags: &Tags, tag: u8) -> Matches {
    portable(tags.load(), tag)
}

/// As [`matching`], in eight bytes at a time.
#[cfg_attr(
    all(target_arch = "x86_64", target_feature = "sse2", not(any(miri, loom))),
    cfg_attr(not(test), expect(dead_code))
)]
#[inline]
fn portable([low, high]: [u64; 2], tag: u8) -> Matches {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const LOW_SEVEN: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let fits = |word: u64| {
        let differing = word ^ (ONES * u64::from(tag));
        // The top bit of each byte that is zero, exactly: no borrow goes from one byte to the next.
        let zero = !(((differing & LOW_SEVEN) + LOW_SEVEN) | differing | LOW_SEVEN);
        // Gathers the eight bits in the top byte.
        ((zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
    };
    Matches((fits(low) | (fits(high) << 8)) & ALL)
}

impl Tags {
    /// Both words. For searchers a hint only, so Relaxed: what the lanes and slots say is ordered.
    #[inline]
    fn load(&self) -> [u64; 2] {
        self.0.each_ref().map(|word| word.load(Ordering::Relaxed))
    }

    /// How many entries passed by this bucket.
    #[inline]
    pub(crate) fn overflow(&self) -> u32 {
        (self.0[1].load(Ordering::Acquire) >> 32) as u32
    }

    /// Adds to the overflow count. Only the writer calls this.
    pub(crate) fn add_overflow(&self, change: u32) {
        let [_, word] = self.load();
        self.0[1].store(word.wrapping_add(u64::from(change) << 32), Ordering::Release);
    }

    /// Sets the tag of a lane. Only the writer calls this.
    pub(crate) fn set(&self, lane: usize, tag: u8) {
        let shift = 8 * (lane % 8);
        let word = self.load()[lane / 8] & !(0xff << shift) | (u64::from(tag) << shift);
        self.0[lane / 8].store(word, Ordering::Release);
    }

    /// Whether there is neither a tag nor a count.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn is_clean(&self) -> bool {
        self.load() == [0; 2]
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    #[test]
    fn the_lanes_with_a_tag_are_found_whatever_stands_beside_them() {
        let words = Tags::default();
        let mut tags = [0_u8; LANES];
        let mut random = 1_u64;
        for round in 0..if cfg!(miri) { 100 } else { 100_000 } {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (lane, tag) = ((random >> 33) as usize % LANES, (random >> 60) as u8 * 17);
            words.set(lane, tag);
            tags[lane] = tag;
            words.add_overflow(if random & 1 << 40 == 0 { 1 } else { u32::MAX });
            for probe in [tag, tag ^ 1, tag ^ 0x80, 0, 0xff, 1] {
                let expected: Vec<_> = (0..LANES).filter(|lane| tags[*lane] == probe).collect();
                assert_eq!(
                    matching(&words, probe).collect::<Vec<_>>(),
                    expected,
                    "round {round}, tag {probe}"
                );
                assert_eq!(portable(words.load(), probe), matching(&words, probe));
            }
        }
    }

    #[test]
    fn the_count_does_not_disturb_the_tags() {
        let words = Tags::default();
        words.set(LANES - 1, 0xff);
        words.add_overflow(3);
        words.add_overflow(u32::MAX);
        assert_eq!((words.overflow(), matching(&words, 0xff).collect::<Vec<_>>()), (2, vec![LANES - 1]));
        words.set(LANES - 1, 0);
        words.add_overflow(u32::MAX - 1);
        assert!(words.is_clean());
    }
}
