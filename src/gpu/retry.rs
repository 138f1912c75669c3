//! Runs that go on in less memory where there was too little.

use super::ranges::Ranges;
use crate::error::{Error, Result};
use crate::job::Progress;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs a range of trajectories by `part`, which says up to where it has handed over results; where memory is short in the middle of
/// a run, in half as much of it from there on.
pub fn in_less_memory<S>(
    backend: &mut S,
    (range, ahead): (Range<u64>, u64),
    progress: &dyn Progress,
    halve: impl Fn(&mut S) -> bool,
    mut part: impl FnMut(&mut S, &Ranges, &dyn Progress) -> (u64, Result<()>),
) -> Result<()> {
    let mut first = range.start;
    let told = Told { progress, told: AtomicU64::new(0), seen: AtomicU64::new(0) };
    loop {
        let ranges = Ranges::new(first..range.end, ahead);
        match part(backend, &ranges, &told) {
            (next, Err(Error::Memory(_))) if halve(backend) => {
                first = next;
                told.seen.store(next - range.start, Ordering::Relaxed);
            }
            (_, Err(Error::Memory(text))) => {
                return Err(Error::Memory(format!(
                    "{text}; save fewer times, ask for fewer statistics, close what else uses the device, or use the backend cpu"
                )));
            }
            (_, done) => return done,
        }
    }
}

/// Tells of each trajectory once, also where it is solved again.
struct Told<'a> {
    progress: &'a dyn Progress,
    /// Finished trajectories that were told of,
    told: AtomicU64,
    /// and that there are, without those whose results are lost.
    seen: AtomicU64,
}

impl Progress for Told<'_> {
    fn finished(&self, n: usize) {
        let seen = self.seen.fetch_add(n as u64, Ordering::Relaxed) + n as u64;
        let told = self.told.fetch_max(seen, Ordering::Relaxed);
        self.progress.finished(seen.saturating_sub(told) as usize);
    }

    fn stepped(&self, steps: u64) {
        self.progress.stepped(steps);
    }

    fn is_stopped(&self) -> bool {
        self.progress.is_stopped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counted(AtomicU64);

    impl Progress for Counted {
        fn finished(&self, n: usize) {
            self.0.fetch_add(n as u64, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_is_solved_again_is_told_of_once() {
        let (progress, mut parts) = (Counted(AtomicU64::new(0)), Vec::new());
        let done = in_less_memory(
            &mut 3,
            (100..200, 1),
            &progress,
            |left| {
                *left -= 1;
                *left > 0
            },
            |_, ranges, progress| {
                let first = ranges.all().start;
                parts.push(first);
                match first {
                    // Forty have finished, of which twenty were handed over.
                    100 => {
                        progress.finished(40);
                        (120, Err(Error::Memory("too little".to_string())))
                    }
                    _ => {
                        (0..8).for_each(|_| progress.finished(10));
                        (200, Ok(()))
                    }
                }
            },
        );
        assert_eq!((done, parts, progress.0.into_inner()), (Ok(()), vec![100, 120], 100));
        let never = in_less_memory(
            &mut (),
            (0..1, 1),
            &Counted(AtomicU64::new(0)),
            |()| false,
            |(), _, _| (0, Err(Error::Memory("too little".to_string()))),
        );
        let told = never.expect_err("there is never enough").to_string();
        assert!(told.ends_with("or use the backend cpu"), "{told}");
    }
}
