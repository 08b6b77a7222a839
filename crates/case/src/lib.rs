//! The words and rules of a breach case.
//!
//! Every other crate speaks in these types. Nothing here reads a file, a clock or a random number;
//! what is legal (a case file, a change of state, two facts side by side) is decided here and nowhere else.
//!
//! Start with [`CaseFile`] (what people write), [`Exposure`] (what FIND concludes),
//! [`Fact`] (what documents may say) and [`NoticeState`] (what TELL did).

mod attack;
mod card;
mod case_file;
mod doubt;
mod exposure;
mod fact;
mod field;
mod notice;
mod paper;
mod person;
mod private;
mod rule;
mod scope;
mod urgency;
mod words;

pub use attack::{
    Actor, ActorLines, Attack, AttackGroup, AttackPart, AttackSample, AttackShape, Haul, LogGap, Moment, Outcome, Phase,
    ShownRow, ShownStatement, Taken, Volume,
};
pub use card::{CardBrand, Pan, PanError, mask_pans};
pub use case_file::{
    ApprovalRule, CaseFile, CaseHeader, CertificateSpec, Contact, Controller, CsvOptions, Dbms, DkimSpec, Encoding, EndpointSpec,
    EventSpec, EventTime, EvidenceSpec, LettersSpec, MailSpec, Mistake, NotifySpec, ParameterPlace, PersonLink, RemedyKind,
    RemedySpec, RemedyTo, RuleSpec, Shows, SourceSpec, StoreSpec, TableSpec, Window, WindowRule, nearest,
};
pub use doubt::{Doubt, Settling};
pub use exposure::{BasisId, CellId, ColumnSet, EvidenceId, EvidenceLine, Exposure, Technique, Verdict};
pub use fact::{Contradiction, Fact, FactKind, FactValue, contradictions, day_in_words, newest_fact};
pub use field::FieldMeaning;
pub use notice::{Channel, Conservation, NoticeKind, NoticeNumber, NoticeNumberError, NoticeState};
pub use paper::{PaperLine, PaperLineKind};
pub use person::{Language, PersonId, PersonProfile};
pub use private::Private;
pub use rule::{AccessRule, ColumnName, FileRule, Piece, RequestPattern};
pub use scope::{BasisSummary, ExposedRecord, ScopeVersion};
pub use urgency::Urgency;
