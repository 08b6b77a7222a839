//! Work on many letters shared out over all cores.
//!
//! Not through one pool: Typst shares parts of a letter out through the pool that it runs in, and a thread that waits for such a
//! part would begin another letter meanwhile, within the first, and another within that, until its stack is full.

use std::panic::resume_unwind;
use std::thread::{available_parallelism, scope};

use rayon::ThreadPoolBuilder;

use crate::{Error, Result};

/// What one letter may need; threads have 2 MiB by themselves.
const STACK_BYTES: usize = 16 << 20;

/// Does the work on each, in order; the first error counts.
pub(crate) fn on_all_cores<T: Sync, R: Send>(each: &[T], work: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let hands = available_parallelism().map_or(1, |hands| hands.get());
    let share_of = |share| in_a_pool_of_one(|| each_of(share, &work));
    let done: Vec<Result<Vec<R>>> = scope(|scope| {
        let shares = each.chunks(each.len().div_ceil(hands).max(1));
        let working: Vec<_> = shares.map(|share| scope.spawn(move || share_of(share))).collect();
        working.into_iter().map(|hand| hand.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    Ok(done.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

fn each_of<T, R>(share: &[T], work: impl Fn(&T) -> Result<R>) -> Result<Vec<R>> {
    share.iter().map(work).collect()
}

fn in_a_pool_of_one<R: Send>(work: impl FnOnce() -> Result<R> + Send) -> Result<R> {
    let pool = ThreadPoolBuilder::new().num_threads(1).stack_size(STACK_BYTES).build();
    pool.map_err(|error| Error::Threads { why: error.to_string() })?.install(work)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use rayon::prelude::*;

    use super::on_all_cores;
    use crate::Error;

    thread_local! {
        static BEGUN: Cell<u32> = const { Cell::new(0) };
    }

    #[test]
    fn no_letter_is_begun_within_another() {
        let letters: Vec<u32> = (0..100).collect();
        let set = on_all_cores(&letters, |letter| {
            BEGUN.set(BEGUN.get() + 1);
            assert_eq!(BEGUN.get(), 1, "letter {letter}");
            (0..64).into_par_iter().for_each(|_| std::thread::yield_now());
            BEGUN.set(BEGUN.get() - 1);
            Ok(*letter)
        });
        assert_eq!(set.unwrap(), letters, "in order");
    }

    #[test]
    fn the_first_error_counts() {
        let failed =
            on_all_cores(
                &[1, 2, 3, 4],
                |letter| {
                    if *letter > 1 { Err(Error::Code { what: letter.to_string() }) } else { Ok(()) }
                },
            );
        assert_eq!(failed.unwrap_err().to_string(), "the link of 2 does not fit into a 2D code");
        assert!(on_all_cores(&[], |letter: &u32| Ok(*letter)).unwrap().is_empty());
    }
}
