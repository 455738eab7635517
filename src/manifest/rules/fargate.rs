//! The sizes of task that Fargate has.

/// A task's cpu in units: `256`, `1024`, `1 vCPU`, `.5 vcpu`.
pub(super) fn cpu_units(text: &str) -> Option<u64> {
    scaled(text, "vcpu")
}

/// A task's memory in MiB: `512`, `1 GB`, `0.5GB`.
pub(super) fn memory_mib(text: &str) -> Option<u64> {
    scaled(text, "gb")
}

/// A plain number, or a number of units of 1024.
fn scaled(text: &str, unit: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let Some(number) = text.strip_suffix(unit) else {
        return text.parse().ok();
    };
    let (whole, part) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    // Thousandths are more than any size needs.
    let part: u64 = if part.is_empty() {
        0
    } else {
        format!("{part:0<3}").get(..3)?.parse().ok()?
    };
    whole.checked_mul(1024)?.checked_add(part * 1024 / 1000)
}

/// The memory sizes in MiB that Fargate has for a cpu size: least, greatest and step
/// (aws-facts 3.2; `memory` of `RegisterTaskDefinition` in the ECS API reference). 256 units have
/// 512, 1024 and 2048 instead.
fn range(cpu: u64) -> Option<(u64, u64, u64)> {
    Some(match cpu {
        512 => (1024, 4096, 1024),
        1024 => (2048, 8192, 1024),
        2048 => (4096, 16_384, 1024),
        4096 => (8192, 30_720, 1024),
        8192 => (16_384, 61_440, 4096),
        16_384 => (32_768, 122_880, 8192),
        _ => return None,
    })
}

/// What is wrong with the pair, as a cure; `None` if Fargate has it.
pub(super) fn fault(cpu: u64, memory: u64) -> Option<String> {
    if cpu == 256 {
        let good = matches!(memory, 512 | 1024 | 2048);
        return (!good).then(|| "With 256 cpu units: 512, 1024 or 2048 MiB.".to_owned());
    }
    let Some((least, most, step)) = range(cpu) else {
        return Some(
            "Fargate has 256, 512, 1024, 2048, 4096, 8192 and 16384 cpu units.".to_owned(),
        );
    };
    let good = (least..=most).contains(&memory) && (memory - least).is_multiple_of(step);
    (!good).then(|| format!("With {cpu} cpu units: {least} to {most} MiB in steps of {step}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_aws_reads_them() {
        for (text, units) in [
            ("256", 256),
            ("1 vCPU", 1024),
            (".25 vCPU", 256),
            ("0.5vcpu", 512),
        ] {
            assert_eq!(cpu_units(text), Some(units), "{text}");
        }
        assert_eq!(memory_mib("0.5 GB"), Some(512));
        assert_eq!(memory_mib("30GB"), Some(30_720));
        for wrong in [
            "",
            "big",
            "1 GHz",
            "-1",
            "1.x gb",
            "99999999999999999999 gb",
        ] {
            assert_eq!(memory_mib(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn pairs_that_fargate_has() {
        for (cpu, memory) in [(256, 2048), (512, 3072), (8192, 20_480), (16_384, 122_880)] {
            assert_eq!(fault(cpu, memory), None, "{cpu} {memory}");
        }
        for (cpu, memory) in [
            (256, 3072),
            (512, 512),
            (300, 512),
            (8192, 17_408),
            (1024, 8193),
        ] {
            assert!(fault(cpu, memory).is_some(), "{cpu} {memory}");
        }
    }
}
