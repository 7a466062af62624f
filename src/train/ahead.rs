//! Work that is done ahead of who needs it.

use std::sync::mpsc;
use std::thread::Scope;

/// What `make` makes of each item, in order. Where it is `costly` the next one is made on another thread while the last one is
/// used; they are the same either way.
pub(super) fn ahead<'scope, 'env, I, T>(
    scope: &'scope Scope<'scope, 'env>,
    items: I,
    costly: bool,
    make: impl Fn(I::Item) -> T + Send + 'scope,
) -> Box<dyn Iterator<Item = T> + 'scope>
where
    I: Iterator + Send + 'scope,
    T: Send + 'scope,
{
    // The only thread of a pool that waited for another one would wait for work that only it can do.
    let is_only_one = rayon::current_thread_index().is_some() && rayon::current_num_threads() == 1;
    if !costly || is_only_one {
        return Box::new(items.map(make));
    }
    let (made, needed) = mpsc::sync_channel(0);
    scope.spawn(move || {
        for item in items {
            if made.send(make(item)).is_err() {
                // Nobody needs the others.
                break;
            }
        }
    });
    Box::new(needed.into_iter())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn the_next_item_is_made_while_the_last_one_is_used_and_none_after_that() {
        for costly in [false, true] {
            let (begun, seen) = (mpsc::channel(), AtomicUsize::new(0));
            let (begun, heard) = begun;
            std::thread::scope(|scope| {
                let made = ahead(scope, 0..100, costly, |item| {
                    seen.fetch_add(1, Ordering::SeqCst);
                    begun.send(item).expect("somebody listens");
                    item * item
                });
                for (item, square) in made.take(3).enumerate() {
                    assert_eq!((heard.recv(), square), (Ok(item), item * item));
                    if costly && item == 0 {
                        // It is begun although nobody has asked for it.
                        assert_eq!(heard.recv(), Ok(1));
                        break;
                    }
                }
            });
            assert!(seen.load(Ordering::SeqCst) <= 4);
        }
    }

    #[test]
    fn order_is_kept() {
        let made: Vec<usize> = std::thread::scope(|scope| ahead(scope, 0..50, true, |item| 2 * item).collect());
        assert_eq!(made, (0..100).step_by(2).collect::<Vec<_>>());
    }
}
