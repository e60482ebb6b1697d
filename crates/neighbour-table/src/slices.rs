//! A directory of boxed slices that are published once and stay until the directory goes: the crate's only `unsafe`.
//!
//! Slice `k` has a length that depends on `k` alone ([`Lengths`]), so one pointer is enough to publish it. It goes
//! from null to its block once and never changes again; the blocks are freed when the directory is dropped, which
//! needs `&mut self`, so no reference into them can be left.
//!
//! Blocks come zeroed from the allocator (`calloc` in effect): a large block costs no initialisation at the moment
//! of growth, its pages are made when they are touched. A middling one does: the allocator zeroes what it has used
//! before, and cannot know what it has not. So whoever can foresee the next slice has it zeroed by and by ([`Ahead`]).
//! Both keep the worst insert short. The system's allocator
//! does this only for small alignments, so we ask for one cache line more and align the start ourselves. Where the
//! allocator's block begins then stands behind the last element, so a directory is one pointer for each slice.
//!
//! Orderings: `publish` stores the pointer with Release after the zeroing; `get` loads it with Acquire and so sees
//! initialised elements.

#[cfg(not(loom))]
use core::alloc::Layout;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use crate::error::OutOfMemory;
use crate::primitive::{AtomicPtr, Ordering};

/// The largest alignment for which the system's allocator has zeroed pages at no cost (`max_align_t`).
#[cfg(not(loom))]
const SMALL_ALIGN: usize = 16;

/// How long each slice of a directory is.
pub(crate) trait Lengths {
    /// The number of elements of slice `k`; always the same for the same `k`, and never zero.
    fn length(k: usize) -> usize;
}

/// Types made of integer atomics only: bytes of zero are a valid value of them, equal to their default.
///
/// # Safety
/// All-zero bytes must be a valid value of the type, and it must need no drop (under loom neither is used).
pub(crate) unsafe trait Zeroable: Default + Send + Sync {}

// SAFETY: `Hot` is a struct of `AtomicU64` fields only; zero is a valid value of each.
unsafe impl Zeroable for crate::slot::Hot {}
// SAFETY: `Cold` is a struct of `AtomicU64` and `AtomicU32` fields only; zero is a valid value of each.
unsafe impl Zeroable for crate::slot::Cold {}
// SAFETY: `Record` is a struct of `AtomicU64` and `AtomicU32` fields and arrays of them; zero is a valid value of each.
unsafe impl Zeroable for crate::long::Record {}
// SAFETY: `Bucket` is a struct of arrays of `AtomicU64` and `AtomicU32`; zero is a valid value of each.
unsafe impl Zeroable for crate::index::Bucket {}
// SAFETY: zero is a valid value of an `AtomicU64`.
unsafe impl Zeroable for crate::primitive::AtomicU64 {}

/// Up to `N` slices of `T`, each published once and then readable by any thread.
pub(crate) struct Slices<T: Zeroable, L: Lengths, const N: usize> {
    /// First element of each slice, or null. Invariant: a pointer that is not null points to `L::length(k)`
    /// initialised elements that stay valid and in place until `self` is dropped.
    slices: [AtomicPtr<T>; N],
    owns: PhantomData<(T, L)>,
}

impl<T: Zeroable, L: Lengths, const N: usize> Slices<T, L, N> {
    pub(crate) fn new() -> Self {
        Self { slices: core::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())), owns: PhantomData }
    }

    /// Slice `k`, if it has been published.
    #[inline]
    pub(crate) fn get(&self, k: usize) -> Option<&[T]> {
        // Acquire: meets the Release in `publish`.
        let first = NonNull::new(self.slices.get(k)?.load(Ordering::Acquire))?;
        // SAFETY: by the invariant of `slices`, a pointer that is not null points to `L::length(k)` initialised
        // elements that live until `self` is dropped, which the returned borrow forbids; elements are only ever
        // shared (`T: Sync`).
        Some(unsafe { core::slice::from_raw_parts(first.as_ptr(), L::length(k)) })
    }

    /// Element `i` of slice `k`.
    ///
    /// # Safety
    /// Slice `k` must have been published, which must happen before this call, and `i` be below its length.
    #[inline]
    pub(crate) unsafe fn get_unchecked(&self, k: usize, i: usize) -> &T {
        debug_assert!(k < N && i < L::length(k));
        // SAFETY: the caller says that slice `k` was published, so `k` is below `N`.
        let cell = unsafe { self.slices.get_unchecked(k) };
        // Relaxed would do, since `publish` happened before; Acquire keeps loom and readers at ease, and is free.
        let first = cell.load(Ordering::Acquire);
        // SAFETY: by the invariant of `slices`, `first` points to `L::length(k)` initialised elements that live until
        // `self` is dropped, which the returned borrow forbids; `i` is below that length.
        unsafe { &*first.add(i) }
    }

    /// Makes slice `k` exist, zeroed. Returns the bytes allocated: 0 if it already was there.
    pub(crate) fn publish(&self, k: usize) -> Result<usize, OutOfMemory> {
        let cell = self.slices.get(k).ok_or(OutOfMemory)?;
        if !cell.load(Ordering::Acquire).is_null() {
            return Ok(0);
        }
        let block = Block::<T>::allocate(L::length(k))?;
        // Release: the zeroing happens before anyone's Acquire in `get`.
        let won =
            cell.compare_exchange(ptr::null_mut(), block.first.as_ptr(), Ordering::AcqRel, Ordering::Acquire);
        if won.is_err() {
            // SAFETY: the block was allocated above for this length and its address went nowhere.
            unsafe { block.free(L::length(k)) };
            return Ok(0);
        }
        Ok(Block::<T>::bytes(L::length(k)))
    }
}

/// A slice that is not published yet, zeroed a share at a time.
#[cfg(not(loom))]
pub(crate) struct Ahead<T: Zeroable> {
    pending: Option<Pending<T>>,
}

#[cfg(not(loom))]
struct Pending<T> {
    /// Which slice this is to be.
    k: usize,
    length: usize,
    /// The first element of a block of `length`, which is ours alone. Atomic, since such pointers may go to other threads.
    first: AtomicPtr<T>,
    /// Elements that are zeroed already: at most `length`.
    zeroed: usize,
}

#[cfg(not(loom))]
impl<T: Zeroable> Ahead<T> {
    pub(crate) fn new() -> Self {
        Self { pending: None }
    }
}

#[cfg(not(loom))]
impl<T: Zeroable> Pending<T> {
    fn zero(&mut self, share: usize) {
        let share = share.min(self.length - self.zeroed);
        // SAFETY: the block has `length` places for elements, of which those from `zeroed` on are `share` at least; they
        // are ours alone, and need no drop.
        unsafe { ptr::write_bytes(self.first.get_mut().add(self.zeroed), 0, share) };
        self.zeroed += share;
    }
}

#[cfg(not(loom))]
impl<T: Zeroable> Drop for Ahead<T> {
    fn drop(&mut self) {
        if let Some(mut pending) = self.pending.take()
            && let Some(first) = NonNull::new(*pending.first.get_mut())
        {
            // SAFETY: the block was reserved for this length and published nowhere, or it would not be pending.
            unsafe { Block { first }.free(pending.length) };
        }
    }
}

#[cfg(not(loom))]
impl<T: Zeroable, L: Lengths, const N: usize> Slices<T, L, N> {
    /// Zeroes so many elements of what is to become slice `k`, if it is not there. Returns the bytes allocated. Without
    /// memory nothing happens, and `publish_prepared` says it.
    pub(crate) fn prepare(&self, ahead: &mut Ahead<T>, k: usize, share: usize) -> usize {
        if self.slices.get(k).is_none_or(|cell| !cell.load(Ordering::Acquire).is_null()) {
            return 0;
        }
        let mut bytes = 0;
        if ahead.pending.is_none()
            && let Ok(block) = Block::<T>::reserve(L::length(k))
        {
            let first = AtomicPtr::new(block.first.as_ptr());
            ahead.pending = Some(Pending { k, length: L::length(k), first, zeroed: 0 });
            bytes = Block::<T>::bytes(L::length(k));
        }
        if let Some(pending) = ahead.pending.as_mut().filter(|pending| pending.k == k) {
            pending.zero(share);
        }
        bytes
    }

    /// As [`Self::publish`], with the block that was prepared, if it is this slice's.
    #[inline]
    pub(crate) fn publish_prepared(&self, ahead: &mut Ahead<T>, k: usize) -> Result<usize, OutOfMemory> {
        let cell = self.slices.get(k).ok_or(OutOfMemory)?;
        if !cell.load(Ordering::Acquire).is_null() {
            return Ok(0);
        }
        self.publish_pending(ahead, k)
    }

    #[cold]
    fn publish_pending(&self, ahead: &mut Ahead<T>, k: usize) -> Result<usize, OutOfMemory> {
        let cell = self.slices.get(k).ok_or(OutOfMemory)?;
        let Some(pending) = ahead.pending.as_mut().filter(|pending| pending.k == k) else {
            return self.publish(k);
        };
        pending.zero(usize::MAX);
        // Release: as in `publish`. If somebody else was first the block stays pending, and is freed with `ahead`.
        let first = *pending.first.get_mut();
        if cell.compare_exchange(ptr::null_mut(), first, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            ahead.pending = None;
        }
        Ok(0)
    }
}

/// Under loom nothing is prepared: its elements are made one by one.
#[cfg(loom)]
pub(crate) struct Ahead<T>(PhantomData<T>);

#[cfg(loom)]
impl<T: Zeroable> Ahead<T> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

#[cfg(loom)]
impl<T: Zeroable, L: Lengths, const N: usize> Slices<T, L, N> {
    pub(crate) fn prepare(&self, _: &mut Ahead<T>, _: usize, _: usize) -> usize {
        0
    }

    pub(crate) fn publish_prepared(&self, _: &mut Ahead<T>, k: usize) -> Result<usize, OutOfMemory> {
        self.publish(k)
    }
}

impl<T: Zeroable, L: Lengths, const N: usize> Drop for Slices<T, L, N> {
    fn drop(&mut self) {
        for (k, cell) in self.slices.iter().enumerate() {
            // Relaxed: `&mut self` says that whatever published this happened before.
            if let Some(first) = NonNull::new(cell.load(Ordering::Relaxed)) {
                // SAFETY: the pointer comes from `Block::allocate(L::length(k))`, stored by `publish`; it is freed only
                // here, and `&mut self` says that no borrow of the elements is left.
                unsafe { Block { first }.free(L::length(k)) };
            }
        }
    }
}

/// One allocation: where its elements begin.
struct Block<T> {
    first: NonNull<T>,
}

#[cfg(not(loom))]
impl<T: Zeroable> Block<T> {
    /// Whether the elements may have to begin behind the allocator's block.
    const SHIFTED: bool = align_of::<T>() > SMALL_ALIGN;

    /// What the allocator is asked for: the elements, and room to align them to their own alignment and to note where
    /// the block begins.
    fn layout(length: usize) -> Option<Layout> {
        const { assert!(!core::mem::needs_drop::<T>() && size_of::<T>() > 0) };
        const { assert!(!Self::SHIFTED || align_of::<T>() >= align_of::<NonNull<u8>>()) };
        let room = match Self::SHIFTED {
            true => align_of::<T>() - SMALL_ALIGN + size_of::<NonNull<u8>>(),
            false => 0,
        };
        let size = size_of::<T>().checked_mul(length)?.checked_add(room)?;
        Layout::from_size_align(size, align_of::<T>().min(SMALL_ALIGN)).ok()
    }

    fn bytes(length: usize) -> usize {
        Self::layout(length).map_or(0, |layout| layout.size())
    }

    /// A block whose elements are zeroed.
    fn allocate(length: usize) -> Result<Self, OutOfMemory> {
        // SAFETY: `make` asks with layouts whose size is not zero.
        Self::make(length, |layout| unsafe { alloc::alloc::alloc_zeroed(layout) })
    }

    /// A block whose elements are not initialised.
    fn reserve(length: usize) -> Result<Self, OutOfMemory> {
        // SAFETY: `make` asks with layouts whose size is not zero.
        Self::make(length, |layout| unsafe { alloc::alloc::alloc(layout) })
    }

    fn make(length: usize, allocate: impl FnOnce(Layout) -> *mut u8) -> Result<Self, OutOfMemory> {
        let layout = Self::layout(length).filter(|layout| layout.size() > 0).ok_or(OutOfMemory)?;
        let start = NonNull::new(allocate(layout)).ok_or(OutOfMemory)?;
        // A block aligned to `layout.align()` misses `T`'s alignment by at most the room that `layout` added for it.
        let skip = start.as_ptr().align_offset(align_of::<T>());
        debug_assert!(skip + size_of::<T>() * length <= layout.size());
        // SAFETY: `skip` bytes and the elements behind them lie inside the block (see above).
        let first = unsafe { start.add(skip) }.cast::<T>();
        if Self::SHIFTED {
            // SAFETY: behind the elements `layout` left room for a pointer, which is aligned there: elements are
            // aligned to at least as much as it (asserted in `layout`), and their size is a multiple of that.
            unsafe { first.add(length).cast::<NonNull<u8>>().write(start) };
        }
        Ok(Self { first })
    }

    /// # Safety
    /// `self` must come from `allocate(length)` or `reserve(length)`, not be freed yet, and nobody may use it any more.
    unsafe fn free(self, length: usize) {
        let start = match Self::SHIFTED {
            // SAFETY: `make` wrote the block's beginning there, for this length, as the caller says.
            true => unsafe { self.first.add(length).cast::<NonNull<u8>>().read() },
            false => self.first.cast(),
        };
        if let Some(layout) = Self::layout(length) {
            // SAFETY: the caller says that the block was made with this length, hence with this layout,
            // and is not in use. Its elements need no drop (asserted in `layout`).
            unsafe { alloc::alloc::dealloc(start.as_ptr(), layout) };
        }
    }
}

/// loom's atomics are objects with a history, so under loom the elements are made one by one.
#[cfg(loom)]
impl<T: Zeroable> Block<T> {
    fn bytes(length: usize) -> usize {
        size_of::<T>() * length
    }

    fn allocate(length: usize) -> Result<Self, OutOfMemory> {
        let slice: alloc::boxed::Box<[T]> = (0..length).map(|_| T::default()).collect();
        let first = NonNull::new(alloc::boxed::Box::into_raw(slice).cast::<T>()).ok_or(OutOfMemory)?;
        Ok(Self { first })
    }

    /// # Safety
    /// `self` must come from `allocate(length)`, not be freed yet, and nobody may use it any more.
    unsafe fn free(self, length: usize) {
        let slice = ptr::slice_from_raw_parts_mut(self.first.as_ptr(), length);
        // SAFETY: the caller says that this came from `Box::into_raw` in `allocate` with this length, once.
        drop(unsafe { alloc::boxed::Box::from_raw(slice) });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::slot::Hot;

    struct Sixteen;

    impl Lengths for Sixteen {
        fn length(_: usize) -> usize {
            16
        }
    }

    type Some16 = Slices<Hot, Sixteen, 4>;

    fn is_zeroed(slices: &Some16, k: usize) -> bool {
        let words =
            |hot: &Hot| [&hot.ident, &hot.low, &hot.high, &hot.word].map(|word| word.load(Ordering::Relaxed));
        slices.get(k).is_some_and(|slice| slice.len() == 16 && slice.iter().all(|hot| words(hot) == [0; 4]))
    }

    #[test]
    fn a_slice_made_by_and_by_is_whole_whenever_it_is_published() {
        let at_once = Some16::new().publish(2).expect("memory");
        for shares in 0..5 {
            let (slices, mut ahead) = (Some16::new(), Ahead::new());
            let prepared: usize = (0..shares).map(|_| slices.prepare(&mut ahead, 2, 5)).sum();
            assert!(slices.get(2).is_none());
            let published = slices.publish_prepared(&mut ahead, 2).expect("memory");
            assert_eq!(prepared + published, at_once, "each byte is counted once, after {shares} shares");
            assert!(is_zeroed(&slices, 2), "{shares} shares");
            assert_eq!(slices.prepare(&mut ahead, 2, 5), 0);
            assert_eq!(slices.publish_prepared(&mut ahead, 2), Ok(0));
        }
    }

    #[test]
    fn what_is_prepared_serves_its_own_slice_only_and_is_given_back_if_none_comes() {
        // Whether it is given back, Miri and AddressSanitizer see.
        let (slices, mut ahead) = (Some16::new(), Ahead::new());
        assert!(slices.prepare(&mut ahead, 1, 7) > 0);
        assert_eq!(slices.prepare(&mut ahead, 3, 7), 0, "one at a time");
        assert!(slices.publish_prepared(&mut ahead, 2).expect("memory") > 0);
        assert!(is_zeroed(&slices, 2) && slices.get(1).is_none());
        assert!(slices.publish(1).expect("memory") > 0, "somebody else was first");
        assert_eq!(slices.publish_prepared(&mut ahead, 1), Ok(0));
        assert!(is_zeroed(&slices, 1));
    }
}
