//! What a blind index, a code or a key is for: values made for one purpose match nothing made for another.

/// A use of the case key. The names go into the derivation, so renaming one changes every value made for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Mail addresses.
    Mail,
    /// Names of persons.
    Name,
    /// Telephone numbers.
    Phone,
    /// Postal addresses.
    Address,
    /// Text in a card number column that is no card number.
    CardText,
    /// The code in a notice's link to the person's page.
    LinkToken,
    /// The code in a link that "am I affected?" sends.
    AccessLink,
    /// The code in the address to which a notice's bounces go.
    ReturnPath,
    /// Coupon codes.
    CouponCode,
    /// API keys of the merchant's engineers.
    ApiKey,
    /// Idempotency keys of API requests.
    IdempotencyKey,
    /// Signed cookies of staff sessions.
    Session,
    /// Tokens in forms.
    FormToken,
    /// The chain of the audit log.
    Audit,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 14] = [
        Self::Mail,
        Self::Name,
        Self::Phone,
        Self::Address,
        Self::CardText,
        Self::LinkToken,
        Self::AccessLink,
        Self::ReturnPath,
        Self::CouponCode,
        Self::ApiKey,
        Self::IdempotencyKey,
        Self::Session,
        Self::FormToken,
        Self::Audit,
    ];

    /// The name that goes into the derivation.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Name => "name",
            Self::Phone => "phone",
            Self::Address => "address",
            Self::CardText => "card-text",
            Self::LinkToken => "link-token",
            Self::AccessLink => "access-link",
            Self::ReturnPath => "return-path",
            Self::CouponCode => "coupon-code",
            Self::ApiKey => "api-key",
            Self::IdempotencyKey => "idempotency-key",
            Self::Session => "session",
            Self::FormToken => "form-token",
            Self::Audit => "audit",
        }
    }
}
