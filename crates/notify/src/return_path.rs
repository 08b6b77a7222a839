//! The address to which the bounces of one notice go (VERP): `bounces+k-2013-048210-0.7kqmx2vd94@kakehashi.example`. The code
//! after the number is secret until the mail leaves, so that nobody can bounce the notices of others.

use kintsugi_case::NoticeNumber;

/// The mailbox of all bounces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnPath {
    local: String,
    domain: String,
}

/// Which notice a bounce address belongs to, as it claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// The notice.
    pub number: NoticeNumber,
    /// The code, in lower case; whoever made it knows whether it is right.
    pub code: String,
}

impl ReturnPath {
    /// Reads `bounces@kakehashi.example`; none where it is no address.
    pub fn parse(address: &str) -> Option<Self> {
        let (local, domain) = address.split_once('@').filter(|(local, domain)| !local.is_empty() && domain.contains('.'))?;
        Some(Self { local: local.to_lowercase(), domain: domain.to_lowercase() })
    }

    /// The address of one notice.
    pub fn address(&self, number: NoticeNumber, code: &str) -> String {
        format!("{}+{number}.{code}@{}", self.local, self.domain).to_lowercase()
    }

    /// Whether an address is that of the mailbox, with or without a notice's code.
    pub fn owns(&self, address: &str) -> bool {
        let address = address.trim().trim_start_matches('<').trim_end_matches('>').to_lowercase();
        address == format!("{}@{}", self.local, self.domain) || self.read(&address).is_some()
    }

    /// The domain of the mailbox.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Which notice an address belongs to.
    pub fn read(&self, address: &str) -> Option<Returned> {
        let address = address.trim().trim_start_matches('<').trim_end_matches('>').to_lowercase();
        let rest = address.strip_suffix(&format!("@{}", self.domain))?.strip_prefix(&self.local)?.strip_prefix('+')?;
        let (number, code) = rest.split_once('.')?;
        Some(Returned { number: NoticeNumber::parse(number).ok()?, code: code.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::{NoticeNumber, ReturnPath, Returned};

    #[test]
    fn an_address_leads_back_to_its_notice() {
        let path = ReturnPath::parse("Bounces@kakehashi.example").unwrap();
        let number = NoticeNumber::new(2013, 48_210);
        let address = path.address(number, "7KQMX2VD94");
        assert_eq!(address, "bounces+k-2013-048210-0.7kqmx2vd94@kakehashi.example");
        assert_eq!(path.read(&address.to_uppercase()), Some(Returned { number, code: "7kqmx2vd94".into() }));
        for foreign in ["bounces@kakehashi.example", "bounces+k-2013-048210-1.x@kakehashi.example", "a@b.example", ""] {
            assert_eq!(path.read(foreign), None, "{foreign}");
        }
    }
}
