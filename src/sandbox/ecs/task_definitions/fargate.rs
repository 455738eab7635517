//! The task sizes of Fargate, and sizes written with a unit. Not the other rules of Fargate.

use super::super::AwsError;
use super::super::refuse::{client, invalid};

/// CPU units, least and most memory in MiB and its step (`RegisterTaskDefinition`, `cpu`). 256 CPU
/// units take 512 MiB as well, which no step reaches.
const SIZES: [(u64, u64, u64, u64); 7] = [
    (256, 1024, 2048, 1024),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16384, 1024),
    (4096, 8192, 30720, 1024),
    (8192, 16384, 61440, 4096),
    (16384, 32768, 122_880, 8192),
];

/// Whether Fargate has this size.
pub(crate) fn has(cpu: u64, memory: u64) -> bool {
    (cpu, memory) == (256, 512)
        || SIZES.iter().any(|&(units, least, most, step)| {
            units == cpu
                && (least..=most).contains(&memory)
                && (memory - least).is_multiple_of(step)
        })
}

/// Refuses what Fargate has no configuration for.
pub(crate) fn check(cpu: Option<u64>, memory: Option<u64>) -> Result<(), AwsError> {
    let needs = |what| {
        client(format!(
            "Fargate requires that '{what}' be defined at the task level."
        ))
    };
    let cpu = cpu.ok_or_else(|| needs("cpu"))?;
    let memory = memory.ok_or_else(|| needs("memory"))?;
    if has(cpu, memory) {
        return Ok(());
    }
    Err(client(format!(
        "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. See the \
         Amazon ECS documentation for the valid values."
    )))
}

/// A task's `cpu`: CPU units, or vCPUs such as `.25 vCPU`.
pub(crate) fn cpu(text: &str) -> Result<u64, AwsError> {
    units(text, "vcpu").ok_or_else(|| invalid("Invalid 'cpu' setting for task."))
}

/// A task's `memory`: MiB, or GB such as `0.5 GB`.
pub(crate) fn memory(text: &str) -> Result<u64, AwsError> {
    units(text, "gb").ok_or_else(|| invalid("Invalid 'memory' setting for task."))
}

/// A whole number, or a decimal number of 1024 with a unit behind it.
fn units(text: &str, unit: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let Some(number) = text.strip_suffix(unit) else {
        return text.parse().ok().filter(|n| *n > 0);
    };
    let (whole, part) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
    let digits = u32::try_from(part.len()).ok().filter(|n| *n <= 6)?;
    let scale = 10_u64.pow(digits);
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let part: u64 = if part.is_empty() {
        0
    } else {
        part.parse().ok()?
    };
    let total = whole
        .checked_mul(1024)?
        .checked_mul(scale)?
        .checked_add(part.checked_mul(1024)?)?;
    (total > 0 && total % scale == 0).then_some(total / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_fargate() {
        for (cpu, memory) in [
            (256, 512),
            (256, 1024),
            (256, 2048),
            (512, 4096),
            (1024, 8192),
            (4096, 30720),
            (8192, 20480),
            (16384, 122_880),
        ] {
            assert!(has(cpu, memory), "{cpu} {memory}");
        }
        for (cpu, memory) in [
            (512, 512),
            (256, 1536),
            (256, 3072),
            (1024, 1024),
            (8192, 17408),
            (300, 512),
            (32768, 65536),
        ] {
            assert!(!has(cpu, memory), "{cpu} {memory}");
        }
    }

    #[test]
    fn units_become_numbers() {
        let rows = [
            ("1024", 1024),
            ("1 vCPU", 1024),
            (".25 vcpu", 256),
            ("0.5vCPU", 512),
            ("16 VCPU", 16384),
        ];
        for (text, number) in rows {
            assert_eq!(cpu(text), Ok(number), "{text}");
        }
        assert_eq!((memory("0.5 GB"), memory("30GB")), (Ok(512), Ok(30720)));
        for wrong in ["", "one", "1 GB", "-1", "0", ".0001 vCPU", "1.2.3 vCPU"] {
            let refused = cpu(wrong).unwrap_err();
            assert_eq!(
                refused.message, "Invalid 'cpu' setting for task.",
                "{wrong}"
            );
        }
        assert_eq!(
            memory("1 vCPU").unwrap_err().code,
            "InvalidParameterException"
        );
    }
}
