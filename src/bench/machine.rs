//! What is known of the machine, for the line above the rows.

use std::process::Command;

/// Name of the processor model, or its architecture where the system does not tell.
pub fn processor() -> String {
    let name = linux().or_else(macos).or_else(windows).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| std::env::consts::ARCH.to_string())
}

fn linux() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let (_, name) = text.lines().find(|line| line.starts_with("model name"))?.split_once(':')?;
    Some(name.trim().to_string())
}

fn macos() -> Option<String> {
    if !cfg!(target_os = "macos") {
        return None;
    }
    let output = Command::new("sysctl").args(["-n", "machdep.cpu.brand_string"]).output().ok()?;
    String::from_utf8(output.stdout).ok().map(|name| name.trim().to_string())
}

fn windows() -> Option<String> {
    std::env::var("PROCESSOR_IDENTIFIER").ok()
}

/// Number of threads that can run at the same time.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
