//! `ensolve adapters`: what the GPU backend finds on this machine.

use super::Report;

/// Lists the adapters, or says why there is none and what to do.
pub fn adapters() -> Report {
    Report::good(listing())
}

#[cfg(not(feature = "gpu"))]
fn listing() -> String {
    "this build has no GPU backend; build with the feature 'gpu', or use the backend cpu\n".to_string()
}

#[cfg(feature = "gpu")]
fn listing() -> String {
    let found = ensolve::gpu::adapters();
    if found.is_empty() {
        // The backend's own words: it has the advice.
        let why = ensolve::choose(ensolve::BackendChoice::Gpu, None, None).err();
        return why.map_or(String::new(), |why| format!("{why}\n"));
    }
    let count =
        if found.len() == 1 { "1 adapter".to_string() } else { format!("{} adapters, best first", found.len()) };
    let mut text = format!("{count}; --adapter takes a part of a name\n");
    found.iter().for_each(|adapter| text += &describe(adapter));
    text
}

#[cfg(feature = "gpu")]
fn describe(adapter: &ensolve::gpu::AdapterSummary) -> String {
    let kind = if adapter.is_software { "software: --backend auto prefers the cpu" } else { adapter.kind };
    let mut can = if adapter.f64 { "f32, f32x2 and f64" } else { "f32 and f32x2, no f64" }.to_string();
    can += if adapter.keeps_arithmetic {
        "; exact arithmetic can be asked for"
    } else {
        "; no way to ask for exact arithmetic"
    };
    format!(
        "\n{}\n  {kind}\n  {}, driver {}\n  {can}; buffers of up to {}, at most {} in one binding\n",
        adapter.name,
        adapter.api,
        if adapter.driver.is_empty() { "unknown" } else { &adapter.driver },
        size(adapter.max_buffer),
        size(adapter.max_binding),
    )
}

#[cfg(feature = "gpu")]
fn size(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes < 1024 * MIB {
        format!("{} MiB", bytes / MIB)
    } else {
        format!("{:.1} GiB", bytes as f64 / (1024 * MIB) as f64)
    }
}
