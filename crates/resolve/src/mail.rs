//! Mail addresses as keys.

use crate::fold::folded;

/// The key of a mail address. The part before the @ is compared without case too: RFC 5321 would allow a server to
/// tell them apart, none in use does. `None` where it cannot be an address. Dots and plus signs stay as they are: whether
/// they matter is the provider's own rule.
pub fn mail_key(address: &str) -> Option<String> {
    let key = folded(address);
    let (local, domain) = key.rsplit_once('@')?;
    if local.is_empty() || domain.is_empty() { None } else { Some(key) }
}

#[cfg(test)]
mod tests {
    use super::mail_key;

    #[test]
    fn an_address_is_one_key_however_it_is_typed() {
        for written in ["Hanako@Example.jp", " hanako@example.jp ", "ｈａｎａｋｏ＠ｅｘａｍｐｌｅ．ｊｐ"] {
            assert_eq!(mail_key(written).as_deref(), Some("hanako@example.jp"), "{written}");
        }
        assert_ne!(mail_key("hana.ko@example.jp"), mail_key("hanako@example.jp"));
    }

    #[test]
    fn what_is_no_address_joins_nobody() {
        for written in ["", "none", "@", "@example.jp", "hanako@"] {
            assert_eq!(mail_key(written), None, "{written}");
        }
    }
}
