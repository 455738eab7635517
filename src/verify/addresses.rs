//! Ranges of addresses (CIDR): whether one lies within another. IPv4 and IPv6. Pure.

use std::net::IpAddr;

/// Whether every address of `inner` is in `outer`. False for what is no range.
pub(super) fn covers(outer: &str, inner: &str) -> bool {
    let (Some((outer, length)), Some((inner, inner_length))) = (range(outer), range(inner)) else {
        return false;
    };
    if outer.is_ipv4() != inner.is_ipv4() || inner_length < length {
        return false;
    }
    prefix(outer, length) == prefix(inner, length)
}

/// The address and the length of the prefix.
fn range(text: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let length: u32 = length.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    (length <= bits).then_some((address, length))
}

/// The first bits of an address.
fn prefix(address: IpAddr, length: u32) -> u128 {
    let bits = match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    bits.checked_shr(128 - length).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert!(covers("0.0.0.0/0", "10.1.2.0/24"));
        assert!(covers("10.0.0.0/16", "10.0.255.0/24"));
        assert!(!covers("10.0.0.0/16", "10.1.0.0/24"));
        assert!(!covers("10.0.0.0/24", "10.0.0.0/16"));
        assert!(covers("2001:db8::/32", "2001:db8:1::/48"));
        assert!(!covers("::/0", "10.0.0.0/8"));
        for wrong in ["", "10.0.0.0", "10.0.0.0/33", "sg-1/8"] {
            assert!(!covers("0.0.0.0/0", wrong) && !covers(wrong, "10.0.0.0/8"));
        }
    }
}
