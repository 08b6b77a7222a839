//! What a column means. The case file maps columns to these; notices and pages name them in plain words.

/// The meaning of a column, as written in the case file (`fields = { email = "person.email" }`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FieldMeaning {
    /// A person's name as they write it.
    PersonName,
    /// The reading of a name, in kana.
    PersonNameKana,
    /// A mail address.
    PersonEmail,
    /// A telephone number.
    PersonPhone,
    /// A postal code.
    PersonPostalCode,
    /// A postal address.
    PersonAddress,
    /// The language in which a person is to be told (BCP 47).
    PersonLanguage,
    /// The day of birth: who is a minor is told through their parents.
    PersonBirthDate,
    /// Whether the person is known to have died.
    PersonDeceased,
    /// Whether the person wants no advertising. They are told all the same.
    PersonNoMarketing,
    /// The cardholder name as embossed (PCI DSS).
    CardHolder,
    /// The primary account number, PAN (PCI DSS).
    CardNumber,
    /// The expiry date (PCI DSS).
    CardExpiry,
    /// The card verification code, CVV2/CVC2/CID: sensitive authentication data, never stored (PCI DSS 3.3.1.2).
    CardCode,
    /// The card brand as the shop recorded it.
    CardBrand,
    /// A login name.
    AccountLogin,
    /// A password hash.
    AccountPasswordHash,
    /// The brand under which the person used the service.
    ServiceBrand,
    /// When the person used the service.
    ServiceUsedAt,
}

impl FieldMeaning {
    /// Every meaning, in the order in which people read them.
    pub const ALL: [Self; 19] = [
        Self::CardNumber,
        Self::CardExpiry,
        Self::CardCode,
        Self::CardHolder,
        Self::CardBrand,
        Self::PersonName,
        Self::PersonNameKana,
        Self::PersonPostalCode,
        Self::PersonAddress,
        Self::PersonPhone,
        Self::PersonEmail,
        Self::PersonBirthDate,
        Self::PersonLanguage,
        Self::PersonDeceased,
        Self::PersonNoMarketing,
        Self::AccountLogin,
        Self::AccountPasswordHash,
        Self::ServiceBrand,
        Self::ServiceUsedAt,
    ];

    /// The word for it in the case file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PersonName => "person.name",
            Self::PersonNameKana => "person.name_kana",
            Self::PersonEmail => "person.email",
            Self::PersonPhone => "person.phone",
            Self::PersonPostalCode => "person.postal_code",
            Self::PersonAddress => "person.address",
            Self::PersonLanguage => "person.language",
            Self::PersonBirthDate => "person.birth_date",
            Self::PersonDeceased => "person.deceased",
            Self::PersonNoMarketing => "person.no_marketing",
            Self::CardHolder => "card.holder",
            Self::CardNumber => "card.number",
            Self::CardExpiry => "card.expiry",
            Self::CardCode => "card.code",
            Self::CardBrand => "card.brand",
            Self::AccountLogin => "account.login",
            Self::AccountPasswordHash => "account.password_hash",
            Self::ServiceBrand => "service.brand",
            Self::ServiceUsedAt => "service.used_at",
        }
    }

    /// The meaning with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|meaning| meaning.name() == name)
    }

    /// Whether a person must be told when this was taken. The rest (language, wishes, brand, dates of use) is
    /// context.
    pub const fn is_personal(self) -> bool {
        !matches!(
            self,
            Self::PersonLanguage
                | Self::PersonDeceased
                | Self::PersonNoMarketing
                | Self::ServiceBrand
                | Self::ServiceUsedAt
                | Self::CardBrand
        )
    }

    /// Whether the value itself must stay out of find.db and every other disk (rule 14).
    pub const fn is_card_secret(self) -> bool {
        matches!(self, Self::CardNumber | Self::CardCode)
    }
}

#[cfg(test)]
mod tests {
    use super::FieldMeaning;

    #[test]
    fn every_name_reads_back() {
        for meaning in FieldMeaning::ALL {
            assert_eq!(FieldMeaning::from_name(meaning.name()), Some(meaning));
        }
        assert_eq!(FieldMeaning::from_name("person.mail"), None);
    }
}
