//! How much memory there is, so that what needs more is refused before any is taken.

use anyhow::{Result, ensure};
use sysinfo::{MemoryRefreshKind, System};

/// Refuses what needs more memory than is free.
///
/// `needed` is in bytes, and no estimate but the least that it takes: what is refused would fail. `what` needs it, and `remedy` says
/// what to do instead.
///
/// # Errors
/// If less is free.
pub fn ensure_free(needed: u64, what: &str, remedy: &str) -> Result<()> {
    let free = free();
    ensure!(
        needed <= free,
        "{what} needs about {}, and {} of memory are free; {remedy}",
        in_words(needed),
        in_words(free)
    );
    Ok(())
}

/// Bytes that this process may still take: of the machine, of the container that it is in, and of its own limit.
pub fn free() -> u64 {
    let mut system = System::new();
    system.refresh_memory_specifics(MemoryRefreshKind::everything());
    // A system that does not say how much there is refuses nothing.
    let of_machine = match system.total_memory() {
        0 => u64::MAX,
        _ => system.available_memory().saturating_add(system.free_swap()),
    };
    let of_container = system
        .cgroup_limits()
        .map_or(u64::MAX, |limits| limits.free_memory.saturating_add(limits.free_swap));
    of_machine.min(of_container).min(of_process().unwrap_or(u64::MAX))
}

/// What is left of the limit on the addresses of this process (`ulimit -v`), where there is one. Other systems than Linux do not hold
/// processes to it.
fn of_process() -> Option<u64> {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).ok();
    let limits = read("limits")?;
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: u64 = limit.split_whitespace().next()?.parse().ok()?;
    let status = read("status")?;
    let taken = status.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
    let taken: u64 = taken.split_whitespace().next()?.parse().ok()?;
    Some(limit.saturating_sub(taken * 1024))
}

/// The most bytes of memory that this process has had so far, where the system says so: Linux does.
pub fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = peak.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// `3.2 GB`, or `12 MB`.
fn in_words(bytes: u64) -> String {
    match bytes as f64 / 1e9 {
        gigabytes if gigabytes >= 1.0 => format!("{gigabytes:.1} GB"),
        gigabytes => format!("{:.0} MB", gigabytes * 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_more_than_there_is_is_refused_by_name() {
        ensure_free(1 << 20, "a megabyte", "").unwrap();
        let error = ensure_free(1 << 60, "the table", "take fewer rows").unwrap_err().to_string();
        assert!(error.starts_with("the table needs about 1152921504.6 GB, and "), "{error}");
        assert!(error.ends_with(" of memory are free; take fewer rows"), "{error}");
        let free = free();
        assert!(free > 10 << 20 && free < 1 << 50, "{free}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_that_was_given_back_stays_in_the_peak() {
        let before = peak().unwrap();
        drop(std::hint::black_box(vec![1_u8; 64 << 20]));
        let after = peak().unwrap();
        assert!(after >= 64 << 20 && after >= before, "{before} and {after}");
    }

    #[test]
    fn small_amounts_are_megabytes() {
        assert_eq!(in_words(12_400_000), "12 MB");
        assert_eq!(in_words(3_240_000_000), "3.2 GB");
    }
}
