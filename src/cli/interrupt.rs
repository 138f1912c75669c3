//! Ctrl-C, and the signals by which a system ends a process (SIGTERM, SIGHUP): the first one asks the run to stop and keeps what
//! there is, the second one ends the process.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

static PRESSED: AtomicBool = AtomicBool::new(false);

/// A second signal that comes sooner is the first one again: some programs send it to a process and to its group.
const AGAIN: Duration = Duration::from_millis(300);

/// Exit code of a process that SIGINT ends: 128 + 2.
const ENDED_AT_ONCE: i32 = 130;

/// From now on Ctrl-C is a wish, and so is being ended; `temporary` are files that nobody would miss if the process ended.
pub fn watch(temporary: Vec<PathBuf>) {
    let mut first: Option<Instant> = None;
    let pressed = move || {
        PRESSED.store(true, Ordering::Relaxed);
        if first.get_or_insert_with(Instant::now).elapsed() > AGAIN {
            // There may be no such files, and there is no time to tell.
            temporary.iter().for_each(|path| drop(std::fs::remove_file(path)));
            std::process::exit(ENDED_AT_ONCE);
        }
    };
    // Where no handler can be had, Ctrl-C ends the process as always.
    let _ = ctrlc::set_handler(pressed);
}

/// Whether the user wants to stop.
pub fn is_pressed() -> bool {
    PRESSED.load(Ordering::Relaxed)
}
