//! Network addresses, as a key's scope names them.

use crate::{schema_of_text, serde_as_text};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// A range of network addresses in CIDR notation (RFC 4632, RFC 4291): `203.0.113.0/24`, `2001:db8::/32`, or one
/// address. An IPv4 address is the same as its mapping into IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    address: IpAddr,
    length: u8,
}

/// The text is no range of addresses.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error(
    "a range is an address with a prefix length, the rest of its bits zero: 203.0.113.0/24, 2001:db8::/32"
)]
pub struct ParseRangeError;

/// An address as a number that IPv4 and IPv6 share.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// An address as 32 hex digits: in the order of addresses, so that text compares as they do.
pub fn sortable(address: IpAddr) -> String {
    format!("{:032x}", number(address))
}

/// What counts as one address where requests are limited: the /64 of an IPv6 address, as one household or server has
/// it; an IPv4 address whole. Hex digits.
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => sortable(address.into()),
        IpAddr::V6(address) => format!("{:016x}", u128::from(address) >> 64),
    }
}

impl AddressRange {
    fn host_bits(self) -> u32 {
        let width = if self.address.is_ipv4() { 32 } else { 128 };
        width - u32::from(self.length).min(width)
    }

    fn mask(self) -> u128 {
        u128::MAX.checked_shl(self.host_bits()).unwrap_or(0)
    }

    /// Its lowest address, as [`sortable`] text.
    pub fn first(self) -> String {
        format!("{:032x}", number(self.address))
    }

    /// Its highest address, as [`sortable`] text.
    pub fn last(self) -> String {
        format!("{:032x}", number(self.address) | !self.mask())
    }
}

impl FromStr for AddressRange {
    type Err = ParseRangeError;
    fn from_str(text: &str) -> Result<Self, ParseRangeError> {
        let (address, length) =
            text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| ParseRangeError)?;
        let width = if address.is_ipv4() { Ipv4Addr::BITS } else { Ipv6Addr::BITS } as u8;
        let length = match length {
            None => width,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| ParseRangeError)?
            }
            Some(_) => return Err(ParseRangeError),
        };
        let range = Self { address, length };
        let wide = length > width || number(address) & !range.mask() != 0;
        if wide { Err(ParseRangeError) } else { Ok(range) }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

serde_as_text!(AddressRange);

schema_of_text!(
    AddressRange,
    "AddressRange",
    "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$",
    "A range of network addresses, CIDR."
);

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(range: &str, address: &str) -> bool {
        let range: AddressRange = range.parse().unwrap();
        let address = sortable(address.parse().unwrap());
        range.first() <= address && address <= range.last()
    }

    #[test]
    fn a_range_holds_its_ends_and_nothing_beside_them() {
        for (range, inside, outside) in [
            (
                "203.0.113.0/24",
                vec!["203.0.113.0", "203.0.113.255", "::ffff:203.0.113.7"],
                vec!["203.0.112.255", "203.0.114.0", "::1"],
            ),
            ("10.1.2.3", vec!["10.1.2.3"], vec!["10.1.2.2", "10.1.2.4"]),
            (
                "2001:db8::/32",
                vec!["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
                vec!["2001:db7:ffff::", "2001:db9::"],
            ),
            ("0.0.0.0/0", vec!["0.0.0.0", "255.255.255.255"], vec!["::", "2001:db8::1"]),
            ("::/0", vec!["::", "10.0.0.1", "ffff::1"], vec![]),
        ] {
            for address in inside {
                assert!(holds(range, address), "{range} {address}");
            }
            for address in outside {
                assert!(!holds(range, address), "{range} {address}");
            }
        }
    }

    #[test]
    fn a_network_is_an_ipv4_address_or_a_64() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_ne!(of("192.0.2.1"), of("::1"));
    }

    #[test]
    fn what_is_no_range_is_refused_and_what_is_prints_as_itself() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0.1/24",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0/8",
            "::/129",
            "example.com",
            "10.0.0.0/8 ",
        ] {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
        for text in ["10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0"] {
            assert_eq!(text.parse::<AddressRange>().unwrap().to_string(), text);
        }
        assert_eq!("10.1.2.3".parse::<AddressRange>().unwrap().to_string(), "10.1.2.3/32");
    }
}
