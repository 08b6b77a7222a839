//! The closed set of what a template may ask for: fields (words), flags (`{{#if …}}`) and lists (`{{#each …}}`),
//! and where each of them is known.

/// The place in a template: what is known there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A notice, outside lists.
    Notice,
    /// An answer to "am I affected?", outside lists.
    Answer,
    /// One record of a notice.
    Record,
    /// One field of a record, or one unaffected field.
    Line,
    /// One page of an answer.
    Page,
    /// A notice about an earlier one, outside lists.
    Later,
    /// One change since an earlier notice.
    Change,
    /// The answer to what somebody wrote back, outside lists.
    Reply,
    /// One paragraph of it.
    Paragraph,
}

macro_rules! closed {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal in $($frame:ident)|+,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name { $($variant,)+ }

        impl $name {
            const ALL: &'static [(Self, &'static str, &'static [Frame])] =
                &[$((Self::$variant, $word, &[$(Frame::$frame),+]),)+];

            /// The one with this word in the innermost frame that has it.
            pub(crate) fn find(word: &str, frames: &[Frame]) -> Option<Self> {
                let in_frame = |frame: &Frame| {
                    Self::ALL.iter().find(|(_, name, known)| *name == word && known.contains(frame)).map(|entry| entry.0)
                };
                frames.iter().rev().find_map(in_frame)
            }

            /// Every word that can stand in these frames.
            pub(crate) fn words(frames: &[Frame]) -> impl Iterator<Item = &'static str> {
                Self::ALL.iter().filter(|(_, _, known)| frames.iter().any(|frame| known.contains(frame))).map(|entry| entry.1)
            }
        }
    };
}

closed! {
    /// What stands as `{{word}}`.
    Field {
        Name = "name" in Notice,
        Number = "number" in Notice,
        Link = "link" in Notice,
        Verify = "verify" in Notice,
        Portal = "portal" in Notice | Answer,
        Controller = "controller" in Notice | Answer,
        Brands = "brands" in Notice | Answer,
        Phone = "phone" in Notice | Answer,
        Hours = "hours" in Notice | Answer,
        Email = "email" in Notice | Answer,
        FrozenDay = "frozen_day" in Notice | Answer,
        Scope = "scope" in Notice | Answer,
        Brand = "brand" in Notice,
        Cards = "cards" in Notice,
        OtherCards = "other_cards" in Notice,
        AllCards = "all_cards" in Notice,
        Taken = "taken" in Notice,
        TakenDay = "taken_day" in Notice,
        MoreRecords = "more_records" in Notice,
        LogFrom = "log_from" in Notice,
        LogTo = "log_to" in Notice,
        Remedy = "remedy" in Notice,
        RemedyUntil = "remedy_until" in Notice,
        EarlierNumber = "earlier_number" in Later,
        EarlierDay = "earlier_day" in Later,
        RecordTitle = "record" in Record,
        RecordBrand = "brand" in Record,
        RecordUsedOn = "used_on" in Record,
        RecordTaken = "taken" in Record,
        LineMeaning = "field" in Line | Change,
        LineVerdict = "verdict" in Line | Change,
        ChangeRecord = "record" in Change,
        ChangeWas = "was" in Change,
        Paragraph = "paragraph" in Paragraph,
        PageName = "name" in Page,
        PageLink = "link" in Page,
    }
}

closed! {
    /// What can be asked as `{{#if word}}` besides "is this field there?".
    Flag {
        Proved = "proved" in Notice,
        AnyProved = "any_proved" in Notice,
        AnyPossible = "any_possible" in Notice,
        Card = "card" in Notice,
        CardReady = "card_ready" in Notice,
        Password = "password" in Notice,
        ContactData = "contact_data" in Notice,
        Excluded = "excluded" in Notice,
        LogGaps = "log_gaps" in Notice,
        ProvedByReplay = "proved_by_replay" in Notice,
        PossibleByReplay = "possible_by_replay" in Notice,
        PossibleByWindow = "possible_by_window" in Notice,
        Deceased = "deceased" in Notice,
        Minor = "minor" in Notice,
        Cleared = "cleared" in Later,
        More = "more" in Later,
        Less = "less" in Later,
        Changes = "changes" in Later,
        RecordProved = "proved" in Record,
        Found = "found" in Answer,
    }
}

closed! {
    /// What can stand as `{{#each word}}`.
    List {
        Records = "records" in Notice,
        Fields = "fields" in Record,
        Excluded = "excluded" in Notice,
        Pages = "pages" in Answer,
        Changes = "changes" in Later,
        Paragraphs = "paragraphs" in Reply,
    }
}

impl List {
    /// The frame of its entries.
    pub(crate) const fn frame(self) -> Frame {
        match self {
            Self::Records => Frame::Record,
            Self::Fields | Self::Excluded => Frame::Line,
            Self::Pages => Frame::Page,
            Self::Changes => Frame::Change,
            Self::Paragraphs => Frame::Paragraph,
        }
    }
}

/// What an `{{#if …}}` asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Whether a flag is up.
    Flag(Flag),
    /// Whether a field has words.
    Field(Field),
}

impl Condition {
    /// The condition with this word: a flag, or a field.
    pub(crate) fn find(word: &str, frames: &[Frame]) -> Option<Self> {
        Flag::find(word, frames).map(Self::Flag).or_else(|| Field::find(word, frames).map(Self::Field))
    }

    /// Every word that can stand here.
    pub(crate) fn words(frames: &[Frame]) -> impl Iterator<Item = &'static str> {
        Flag::words(frames).chain(Field::words(frames))
    }
}
