//! The `ensolve` program.

mod cli;

fn main() -> std::process::ExitCode {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // Mesa's device-selection layer looks for a display to sort adapters by, which ensolve does itself, and
        // complains on stderr where there is none.
        // SAFETY: nothing else runs yet, so no other thread can read the environment.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
    cli::main()
}
