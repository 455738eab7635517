//! The worker's own bounds, which the kernel keeps: whatever a server sends, this process ends and no
//! other. The time is bound by who started it.

/// Bounds this process, and has it end with the one that started it.
///
/// # Errors
/// If the kernel refuses one.
#[cfg(target_os = "linux")]
pub(super) fn confine(pack_bytes: u64) -> Result<(), String> {
    use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
    let limit = |resource, most: u64| {
        let limits = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limits).map_err(|error| format!("cannot set a limit: {error}"))
    };
    // A pack is mapped into memory beside its index, and objects are unpacked beside both.
    limit(Resource::As, MEMORY + 3 * pack_bytes)?;
    limit(Resource::Fsize, pack_bytes)?;
    limit(Resource::Cpu, CPU_SECONDS)?;
    // A core would hold the credential.
    limit(Resource::Core, 0)?;
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("cannot be ended with its parent: {error}"))
}

/// Bounds nothing where the kernel's ways are other; the time is bound nevertheless.
#[cfg(not(target_os = "linux"))]
pub(super) fn confine(_pack_bytes: u64) -> Result<(), String> {
    Ok(())
}

/// Address space beside that for packs. Threads reserve some that they do not use.
#[cfg(target_os = "linux")]
const MEMORY: u64 = 1024 * 1024 * 1024;

/// Seconds of the processor: ten times what a pack of the largest size takes.
#[cfg(target_os = "linux")]
const CPU_SECONDS: u64 = 300;
