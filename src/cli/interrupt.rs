//! Ctrl-C: the first one asks the run to stop and keeps what there is, the second one ends the process.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

static PRESSED: AtomicBool = AtomicBool::new(false);

/// Exit code of a process that SIGINT ends: 128 + 2.
const ENDED_AT_ONCE: i32 = 130;

/// From now on Ctrl-C is a wish; `temporary` are files that nobody would miss if the process ended.
pub fn watch(temporary: Vec<PathBuf>) {
    let pressed = move || {
        if PRESSED.swap(true, Ordering::Relaxed) {
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
