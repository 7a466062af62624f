//! An output that several tasks write at once, each its own part.

use std::marker::PhantomData;
use std::ops::Range;

/// A slice whose parts are handed out to tasks that run at the same time. The rows of a product lie far apart in memory, so that no
/// `chunks_mut` can give each task its own.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a> {
    start: *mut f32,
    len: usize,
    borrowed: PhantomData<&'a mut [f32]>,
}

#[expect(unsafe_code, reason = "the slice it was made of is Send, and `part` says what else is asked for")]
unsafe impl Send for Shared<'_> {}
#[expect(unsafe_code, reason = "a shared reference gives numbers only through `part`, whose callers keep them apart")]
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    pub(crate) fn new(slice: &'a mut [f32]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), borrowed: PhantomData }
    }

    /// The numbers at `range`, which is checked.
    ///
    /// # Safety
    /// While the part lives, no other part that overlaps it does.
    #[expect(
        unsafe_code,
        clippy::mut_from_ref,
        reason = "the range lies in the slice, and the caller keeps parts apart"
    )]
    #[inline(always)]
    pub(crate) unsafe fn part(&self, range: Range<usize>) -> &mut [f32] {
        assert!(range.start <= range.end && range.end <= self.len, "a part lies inside its slice");
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}
