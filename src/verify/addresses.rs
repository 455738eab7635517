//! Ranges of addresses (CIDR): whether one lies within another. IPv4 and IPv6. Pure.

use ipnet::IpNet;

/// Whether every address of `inner` is in `outer`. False for what is no range.
pub(super) fn covers(outer: &str, inner: &str) -> bool {
    let ranges = (outer.parse::<IpNet>(), inner.parse::<IpNet>());
    matches!(ranges, (Ok(outer), Ok(inner)) if outer.contains(&inner))
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
        // AWS takes a range with bits beyond its length, and means the range.
        assert!(covers("10.0.1.7/16", "10.0.255.0/24"));
        for wrong in ["", "10.0.0.0", "10.0.0.0/33", "sg-1/8"] {
            assert!(!covers("0.0.0.0/0", wrong) && !covers(wrong, "10.0.0.0/8"));
        }
    }
}
