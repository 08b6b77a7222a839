//! Notices: their numbers, their states, and the sum that must always hold.

use std::fmt;

/// The way a notice goes, and the occasion: a person gets one of each from a scope version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// Electronic mail.
    Mail,
    /// A reminder by mail, after the notice.
    Reminder,
    /// The closing word by mail, after the notice.
    Closing,
}

impl Channel {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Mail, Self::Reminder, Self::Closing];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Reminder => "reminder",
            Self::Closing => "closing",
        }
    }

    /// The way with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }
}

/// What a notice is to its person: the first that they are told, or a correction of what an earlier one said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeKind {
    /// Nothing was told them before.
    #[default]
    First,
    /// More is concerned than they were told, or more surely.
    More,
    /// Less is concerned than they were told, or less surely.
    Less,
    /// Some things more, others less.
    Changed,
    /// They were told, and nothing of theirs is concerned.
    Cleared,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::First, Self::More, Self::Less, Self::Changed, Self::Cleared];

    /// The word for it, stored and shown to staff.
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::More => "more",
            Self::Less => "less",
            Self::Changed => "changed",
            Self::Cleared => "cleared",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it corrects an earlier notice.
    pub const fn is_correction(self) -> bool {
        !matches!(self, Self::First)
    }
}

/// Where a notice stands. Written as `Intended` before it is sent; the end is written after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeState {
    /// To be sent. Also the state after an attempt that certainly left nothing behind.
    Intended,
    /// A worker has it in hand: between asking the mail server and writing down its answer.
    Sending,
    /// The mail server took responsibility (RFC 5321, 250 after the data).
    Accepted,
    /// The mail server refused for good (5xx).
    Refused,
    /// The message may have been taken: the answer after the data was never seen. Never blindly sent again.
    Unknown,
    /// Held back by a named person, for a reason, until a day.
    Held,
    /// The person has no mail address that can be used: a letter is due.
    NoAddress,
    /// A letter in a batch for the print shop, which has not said yet what became of it.
    Batched,
    /// The print shop printed the letter and gave it to the post.
    Printed,
    /// The post brought the letter back, or the print shop could not print it.
    Returned,
}

impl NoticeState {
    /// Every state, in the order of the conservation line.
    pub const ALL: [Self; 10] = [
        Self::Accepted,
        Self::Printed,
        Self::Refused,
        Self::Returned,
        Self::Unknown,
        Self::Held,
        Self::NoAddress,
        Self::Batched,
        Self::Intended,
        Self::Sending,
    ];

    /// The word for it, stored and shown to staff.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Held => "held",
            Self::NoAddress => "no_address",
            Self::Batched => "batched",
            Self::Printed => "printed",
            Self::Returned => "returned",
        }
    }

    /// The state with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether a notice may go from this state to `next` without a human's decision.
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Intended, Self::Sending | Self::Held | Self::NoAddress)
                | (Self::Sending, Self::Accepted | Self::Refused | Self::Unknown | Self::Intended)
                | (Self::Held, Self::Intended)
                | (Self::NoAddress, Self::Batched)
                | (Self::Batched, Self::Printed | Self::Returned)
                | (Self::Printed, Self::Returned)
        )
    }

    /// Whether a report of the mail system about a mail that left may move its notice so: what was taken or perhaps taken
    /// came back, or what was perhaps taken arrived.
    pub const fn may_be_reported(self, next: Self) -> bool {
        matches!((self, next), (Self::Accepted | Self::Unknown, Self::Refused) | (Self::Unknown, Self::Accepted))
    }
}

/// How many notices stand where. Persons = the sum, always, and shown (rule 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conservation {
    /// Affected persons of the scope version.
    pub persons: u64,
    /// Taken by a mail server.
    pub accepted: u64,
    /// Refused for good.
    pub refused: u64,
    /// The answer was never seen.
    pub unknown: u64,
    /// Held back.
    pub held: u64,
    /// No usable mail address: a letter is due.
    pub no_address: u64,
    /// In a batch for the print shop.
    pub batched: u64,
    /// Printed and given to the post.
    pub printed: u64,
    /// Letters that came back.
    pub returned: u64,
    /// Still to be sent, or in a worker's hand.
    pub waiting: u64,
}

impl Conservation {
    /// The sum of the parts.
    pub const fn accounted(&self) -> u64 {
        self.accepted + self.refused + self.unknown + self.held + self.letters() + self.waiting
    }

    /// Everybody whose way is a letter, wherever it stands.
    pub const fn letters(&self) -> u64 {
        self.no_address + self.batched + self.printed + self.returned
    }

    /// Whether everybody is accounted for.
    pub const fn holds(&self) -> bool {
        self.persons == self.accounted()
    }

    /// Whether all notices are accepted or printed: nothing waits, nothing is unknown, refused, returned or held.
    pub const fn is_complete(&self) -> bool {
        self.holds() && self.accounted() == self.accepted + self.printed
    }
}

/// A notice's number as people read, type and speak it: `K-2013-048210-7`.
/// The parts: the year of the case, the person's place in it, and a check digit (Luhn over year and place),
/// so that a mistyped number is told as mistyped and not as false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NoticeNumber {
    year: u16,
    serial: u64,
}

/// Why some text is no notice number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoticeNumberError {
    /// Not of the form `K-YYYY-NNNNNN-C`.
    #[error("a notice number looks like K-2013-048210-7")]
    Form,
    /// One digit is wrong or two are swapped.
    #[error("the last digit does not fit the others: please compare it with the notice again")]
    CheckDigit,
}

impl NoticeNumber {
    /// The number of the `serial`-th notice (from 1) of a case of this year.
    pub const fn new(year: u16, serial: u64) -> Self {
        Self { year, serial }
    }

    /// The notice's place in the case, from 1.
    pub const fn serial(self) -> u64 {
        self.serial
    }

    /// Reads a number as people type it: any case, full-width digits, blanks and missing hyphens forgiven where unambiguous.
    pub fn parse(text: &str) -> Result<Self, NoticeNumberError> {
        let plain: String = text.chars().filter_map(plain_char).collect();
        let digits = plain.strip_prefix('K').ok_or(NoticeNumberError::Form)?;
        if digits.len() < 11 || digits.len() > 20 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NoticeNumberError::Form);
        }
        let (year, rest) = digits.split_at(4);
        let (serial, check) = rest.split_at(rest.len() - 1);
        let number = Self {
            year: year.parse().map_err(|_| NoticeNumberError::Form)?,
            serial: serial.parse().map_err(|_| NoticeNumberError::Form)?,
        };
        if check == number.check_digit().to_string() { Ok(number) } else { Err(NoticeNumberError::CheckDigit) }
    }

    fn check_digit(self) -> u32 {
        let digits = format!("{:04}{:06}", self.year, self.serial);
        let sum: u32 = digits
            .bytes()
            .rev()
            .enumerate()
            .map(|(place, digit)| {
                let value = u32::from(digit - b'0') * if place.is_multiple_of(2) { 2 } else { 1 };
                value / 10 + value % 10
            })
            .sum();
        (10 - sum % 10) % 10
    }
}

impl fmt::Display for NoticeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "K-{:04}-{:06}-{}", self.year, self.serial, self.check_digit())
    }
}

/// What a character counts as in a typed number: full-width forms fold, separators vanish.
fn plain_char(c: char) -> Option<char> {
    match c {
        'k' | 'K' | 'Ｋ' | 'ｋ' => Some('K'),
        '０'..='９' => char::from_digit(c as u32 - '０' as u32, 10),
        '-' | '－' | '‐' | '−' | 'ー' | ' ' | '　' => None,
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::{Conservation, NoticeNumber, NoticeNumberError, NoticeState};

    #[test]
    fn a_number_reads_back_however_it_is_typed() {
        let number = NoticeNumber::new(2013, 48_210);
        let shown = number.to_string();
        assert!(shown.starts_with("K-2013-048210-"), "{shown}");
        let check = shown.chars().last().unwrap();
        for typed in
            [shown.clone(), shown.to_lowercase(), format!("Ｋ－２０１３－０４８２１０－{check}"), format!("k2013 048210 {check}")]
        {
            assert_eq!(NoticeNumber::parse(&typed), Ok(number), "{typed}");
        }
        let big = NoticeNumber::new(2013, 12_345_678);
        assert_eq!(NoticeNumber::parse(&big.to_string()), Ok(big));
    }

    #[test]
    fn every_single_mistyped_digit_is_noticed() {
        let shown = NoticeNumber::new(2013, 48_210).to_string();
        for (at, c) in shown.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
            let other = if c == '9' { '0' } else { char::from(c as u8 + 1) };
            let mut typed = shown.clone();
            typed.replace_range(at..=at, &other.to_string());
            assert_eq!(NoticeNumber::parse(&typed), Err(NoticeNumberError::CheckDigit), "{typed}");
        }
        assert_eq!(NoticeNumber::parse("hello"), Err(NoticeNumberError::Form));
    }

    #[test]
    fn a_notice_in_flight_never_returns_to_the_queue_by_itself_once_unknown() {
        assert!(NoticeState::Sending.may_become(NoticeState::Unknown));
        assert!(NoticeState::ALL.into_iter().all(|next| !NoticeState::Unknown.may_become(next)));
        assert!(NoticeState::ALL.into_iter().all(|next| !NoticeState::Accepted.may_become(next)));
    }

    #[test]
    fn the_conservation_line_counts_everybody() {
        let line = Conservation {
            persons: 12,
            accepted: 6,
            refused: 1,
            unknown: 1,
            no_address: 1,
            waiting: 1,
            ..Conservation::default()
        };
        assert!(!line.holds());
        let line = Conservation { batched: 1, printed: 1, ..line };
        assert!(line.holds() && !line.is_complete() && line.letters() == 3);
        assert!(Conservation { persons: 3, accepted: 2, printed: 1, ..Conservation::default() }.is_complete());
        assert!(!Conservation { persons: 11, ..line }.holds());
    }
}
