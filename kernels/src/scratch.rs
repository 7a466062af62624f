//! Memory for what a kernel lays out on its way, kept from one call to the next.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

/// Buffers that wait for the next call, at most.
const KEPT: usize = 8;

/// From so many numbers on they are written by all threads.
const MANY: usize = 1 << 16;

static WAITING: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// Numbers for passing use. They begin as whatever was there before.
pub(crate) struct Scratch {
    numbers: Vec<f32>,
    len: usize,
}

impl Scratch {
    pub(crate) fn of(len: usize) -> Self {
        let mut waiting = waiting();
        let fitting = (0..waiting.len()).filter(|&at| waiting[at].len() >= len);
        let smallest = fitting.min_by_key(|&at| waiting[at].len());
        let found = smallest.map(|at| waiting.swap_remove(at));
        drop(waiting);
        Self { numbers: found.unwrap_or_else(|| zeros(len)), len }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut waiting = waiting();
        waiting.push(std::mem::take(&mut self.numbers));
        if waiting.len() > KEPT
            && let Some(smallest) = (0..waiting.len()).min_by_key(|&at| waiting[at].len())
        {
            waiting.swap_remove(smallest);
        }
    }
}

impl Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.numbers[..self.len]
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.numbers[..self.len]
    }
}

fn waiting() -> MutexGuard<'static, Vec<Vec<f32>>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Zeros for an output; many of them are written by all threads, since an allocator would write them by one.
pub(crate) fn zeros(len: usize) -> Vec<f32> {
    if len < MANY { vec![0.0; len] } else { rayon::iter::repeat_n(0.0, len).with_min_len(MANY / 4).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_has_the_length_that_was_asked_for_and_is_used_again() {
        for len in [0, 1, 300_000, 20, 299_999, 7] {
            let mut scratch = Scratch::of(len);
            assert_eq!(scratch.len(), len);
            scratch.fill(1.0);
        }
        // Other tests of this process may hold some.
        assert!(waiting().len() <= KEPT);
    }

    #[test]
    fn zeros_are_zeros_however_many() {
        for len in [0, 5, MANY - 1, MANY, 3 * MANY + 1] {
            let zeros = zeros(len);
            assert_eq!(zeros.len(), len);
            assert!(zeros.iter().all(|&number| number == 0.0));
        }
    }
}
