//! Why a verdict is not `proved`, and which log or file would settle it.
//!
//! The reason of a basis is a sentence that its engine writes (`replay`, `scope`); here it becomes one of a closed list of
//! doubts, and each doubt names what would end it. A test of the program looks for reasons that no doubt stands for.

use crate::{Language, Verdict};

/// Why a verdict is not `proved`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Doubt {
    /// Only a part of the value was asked for or arrived.
    Part,
    /// The server cut the answer.
    Cut,
    /// Several records fit, and nothing tells which it was.
    OneOfSeveral,
    /// The order in which the server had the rows is not known.
    Order,
    /// Whether the page shows the column is not known.
    Shown,
    /// The data changed between the statement and the snapshot.
    Changed,
    /// The log does not show what was answered.
    Unanswered,
    /// Every answer looks alike.
    Alike,
    /// The answer had another size than the replay says.
    Size,
    /// Too few answers to learn how the page comes about.
    Few,
    /// The statement was refused, or failed.
    Refused,
    /// The query log has the statement and no web log its request.
    NoRequest,
    /// The statement cannot be read or replayed.
    Unread,
    /// What the session carried or was shown is not logged.
    Session,
    /// The connection ended, or only a range was sent.
    Broken,
    /// No request shows it: a period, or a file that could be fetched.
    Unseen,
    /// Several people stand behind one address.
    Who,
    /// The database itself sent it elsewhere, by the network.
    SentOut,
    /// It was written into a file on the server.
    Filed,
    /// It was copied into a table.
    Copied,
    /// A reason that this list does not know.
    Other,
}

/// What would settle a doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Settling {
    /// The database's own log of statements.
    QueryLog,
    /// What the server sent: a proxy's, firewall's or network's recording.
    ResponseBodies,
    /// What clients sent: form fields, JSON, cookies.
    RequestBodies,
    /// Web logs with status, bytes and duration of each request.
    WebLog,
    /// The shop's source code: the SQL around the parameter, and what the page shows.
    EndpointSql,
    /// The database as it was then: a backup, or the snapshot rolled back by the binary log.
    SnapshotThen,
    /// The database's own files, or a dump that keeps the order of rows.
    PhysicalCopy,
    /// What the database account may read.
    Rights,
    /// What the database's server asked of others: names that it looked up, connections that it opened.
    NetworkLog,
}

use Doubt::{
    Alike, Broken, Changed, Copied, Cut, Few, Filed, NoRequest, OneOfSeveral, Order, Other, Part, Refused, SentOut, Session,
    Shown, Size, Unanswered, Unread, Unseen, Who,
};

/// How the engines begin their reasons, and the doubt of each. The first that fits counts.
const REASONS: &[(&str, Doubt)] = &[
    ("the statement could not be replayed: no request of the web logs", NoRequest),
    ("the statement could not be replayed: a value that was stored", NoRequest),
    ("the statement could not be replayed", Unread),
    ("the sides of the statement's union", Refused),
    ("the statement sorts by a column beyond those it selects", Refused),
    // rows
    ("the statement asked for a part of the value", Part),
    ("the answer was cut at the server's limit", Cut),
    ("the value that arrived is that of several records", OneOfSeveral),
    ("nothing tells whether the page shows this column", Shown),
    ("without ORDER BY the server's order decides", Order),
    ("the server refused the request", Refused),
    ("the server sent the client elsewhere", Refused),
    ("the request failed", Refused),
    ("the page has the same size with and without these values", Alike),
    ("the page had the size it has without the values", Size),
    ("the page was smaller than these values make it", Size),
    ("the page was larger than these values make it", Size),
    ("too few pages of this kind", Few),
    ("the page has another size than the values of today give it", Changed),
    ("too many of these values were changed since then", Changed),
    ("rows came or went at about this time", Changed),
    ("the connection ended before the page did", Broken),
    // query logs
    ("the query log says that the database refused", Refused),
    ("the query log says that the database could not read", Refused),
    ("the query log says that the statement names", Refused),
    ("the query log says that the statement sent no rows", Refused),
    ("the query log says that the statement sent another number of rows", Changed),
    ("the query log has the ordinary statements of this page", Refused),
    // answers
    ("the answers that the log shows give only a part", Part),
    ("several records hold the value", OneOfSeveral),
    ("the answers give a value that no record of the snapshot holds", Changed),
    ("the log does not show what the server answered", Unanswered),
    ("the server answered alike whatever was asked", Alike),
    ("the log does not show the answers, but what was asked next", Unanswered),
    ("the log does not show the answers; what was asked next", Unanswered),
    ("the sizes of the pages differ from question to question", Alike),
    ("what the questions ask for could not be worked out", Unread),
    ("what some of the questions ask of the value could not be worked out", Unread),
    // error texts
    ("the error messages that fit the sizes of their pages hold only a part", Part),
    ("several records stand at the same place", OneOfSeveral),
    ("the page had another size than the error message", Size),
    ("the value raises no error", Refused),
    ("the page had the same size whatever the error message", Alike),
    ("the statement asked for the smallest or greatest value", Part),
    ("the sizes of these pages agree too rarely", Size),
    ("the value was asked for once, as the place", Few),
    ("before this place, keys were of another size", Changed),
    // elsewhere than in the page
    ("the statement has the database itself send", SentOut),
    ("the statement hands what it asks for to a program", SentOut),
    ("the statement writes what it asks for into a file", Filed),
    ("the statement copies what it asks for into a table", Copied),
    // sign-ins
    ("a tool that asked questions through the sign-in", Session),
    ("a sign-in without the password was accepted", Session),
    // access, file, window
    ("the record was asked for by its number", Size),
    ("the server answered with the record, longer", Size),
    ("the answer was shorter than the record's values", Size),
    ("only a range of the answer was asked for", Broken),
    ("the server answered that nothing changed", Unanswered),
    ("somebody behind the same address", Who),
    ("somebody went through the record numbers in order", Who),
    ("the answer shows a part of the value", Part),
    ("the answer shows one of these rows", OneOfSeveral),
    ("the file holds the record behind the bytes", Broken),
    ("the file holds the record and could be fetched", Unseen),
    ("the file holds one of these records", OneOfSeveral),
    ("the file holds the record with another value", Changed),
    ("the service was used between", Unseen),
];

impl Doubt {
    /// Every doubt.
    pub const ALL: [Self; 21] = [
        Part,
        Cut,
        OneOfSeveral,
        Order,
        Shown,
        Changed,
        Unanswered,
        Alike,
        Size,
        Few,
        Refused,
        NoRequest,
        Unread,
        Session,
        Broken,
        Unseen,
        Who,
        SentOut,
        Filed,
        Copied,
        Other,
    ];

    /// The doubt in a verdict with this reason; none where nothing is left to settle.
    pub fn of(verdict: Verdict, reason: &str) -> Option<Self> {
        if verdict == Verdict::Proved {
            return None;
        }
        Some(Self::known(reason).unwrap_or(Other))
    }

    /// The doubt that this reason stands for, if the list has it.
    pub fn known(reason: &str) -> Option<Self> {
        REASONS.iter().find(|(begins, _)| reason.starts_with(begins)).map(|(_, doubt)| *doubt)
    }

    /// What would settle it, the surest first.
    pub const fn settled_by(self) -> &'static [Settling] {
        use Settling::{
            EndpointSql, NetworkLog, PhysicalCopy, QueryLog, RequestBodies, ResponseBodies, Rights, SnapshotThen, WebLog,
        };
        match self {
            Part => &[WebLog, QueryLog, ResponseBodies],
            Cut | Broken => &[ResponseBodies],
            OneOfSeveral => &[ResponseBodies, PhysicalCopy],
            Order => &[PhysicalCopy, ResponseBodies],
            Shown => &[EndpointSql, ResponseBodies],
            Changed => &[SnapshotThen, QueryLog],
            Unanswered => &[WebLog, ResponseBodies],
            Alike => &[ResponseBodies, QueryLog],
            Size => &[ResponseBodies, SnapshotThen, EndpointSql],
            Few => &[ResponseBodies, EndpointSql, QueryLog],
            Refused => &[QueryLog, Rights],
            NoRequest => &[WebLog],
            Unread => &[QueryLog, EndpointSql],
            Session => &[RequestBodies, ResponseBodies],
            Unseen => &[WebLog],
            Who => &[RequestBodies, WebLog],
            SentOut => &[NetworkLog, QueryLog, Rights],
            Filed => &[WebLog, QueryLog, Rights],
            Copied => &[QueryLog, ResponseBodies],
            Other => &[QueryLog, ResponseBodies],
        }
    }
}

impl Settling {
    /// Everything that can settle a doubt.
    pub const ALL: [Self; 9] = [
        Self::QueryLog,
        Self::ResponseBodies,
        Self::RequestBodies,
        Self::WebLog,
        Self::EndpointSql,
        Self::SnapshotThen,
        Self::PhysicalCopy,
        Self::Rights,
        Self::NetworkLog,
    ];

    /// The word for it in exports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::QueryLog => "query_log",
            Self::ResponseBodies => "response_bodies",
            Self::RequestBodies => "request_bodies",
            Self::WebLog => "web_log",
            Self::EndpointSql => "endpoint_sql",
            Self::SnapshotThen => "snapshot_then",
            Self::PhysicalCopy => "physical_copy",
            Self::Rights => "rights",
            Self::NetworkLog => "network_log",
        }
    }

    /// What to look for, as staff read it.
    pub const fn label(self, language: Language) -> &'static str {
        match language {
            Language::Ja => self.label_ja(),
            _ => self.label_en(),
        }
    }

    const fn label_en(self) -> &'static str {
        match self {
            Self::QueryLog => "the database's query log",
            Self::ResponseBodies => "what the server sent: recordings of a proxy, firewall or network sensor",
            Self::RequestBodies => "what clients sent: form fields and cookies, as a firewall or the application logs them",
            Self::WebLog => "the web server's log with status, bytes and duration",
            Self::EndpointSql => "the shop's source code: the SQL of this page and what it shows, written down as [[endpoint]]",
            Self::SnapshotThen => "the database as it was then: a backup, or the binary log from then on",
            Self::PhysicalCopy => "the order of rows: the database's files, or a dump made without sorting",
            Self::Rights => "the rights of the shop's database account",
            Self::NetworkLog => "what the database's server sent: the log of the DNS resolver or of the firewall",
        }
    }

    const fn label_ja(self) -> &'static str {
        match self {
            Self::QueryLog => "データベースのクエリログ",
            Self::ResponseBodies => "サーバーが送った内容（プロキシ、WAF、ネットワークの記録）",
            Self::RequestBodies => "利用者が送った内容（フォームの値とクッキー。WAFやアプリケーションの記録）",
            Self::WebLog => "ウェブサーバーのログ（ステータス、バイト数、処理時間を含むもの）",
            Self::EndpointSql => "店舗のソースコード（このページのSQLと表示内容。[[endpoint]] に記入）",
            Self::SnapshotThen => "当時のデータベース（バックアップ、または当時からのバイナリログ）",
            Self::PhysicalCopy => "行の並び（データベースのファイル、または並べ替えのないダンプ）",
            Self::Rights => "店舗のデータベースアカウントの権限",
            Self::NetworkLog => "データベースサーバーからの通信（DNSまたはファイアウォールのログ）",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Doubt, REASONS, Settling};
    use crate::{Language, Verdict};

    #[test]
    fn every_doubt_can_be_settled_and_everything_that_settles_has_a_name() {
        assert!(Doubt::ALL.iter().all(|doubt| !doubt.settled_by().is_empty()));
        for settling in Settling::ALL {
            assert!(Doubt::ALL.iter().any(|doubt| doubt.settled_by().contains(&settling)), "{settling:?} settles nothing");
            assert!(Language::ALL.into_iter().all(|language| !settling.label(language).is_empty()));
        }
    }

    #[test]
    fn what_is_proved_leaves_no_doubt_and_what_is_new_leaves_one() {
        assert_eq!(Doubt::of(Verdict::Proved, "too few pages of this kind"), None);
        assert_eq!(Doubt::of(Verdict::Possible, "too few pages of this kind to tell"), Some(Doubt::Few));
        assert_eq!(Doubt::of(Verdict::Possible, "the moon was full"), Some(Doubt::Other));
    }

    #[test]
    fn no_reason_hides_a_later_one() {
        for (at, (begins, _)) in REASONS.iter().enumerate() {
            let first = REASONS.iter().position(|(other, _)| begins.starts_with(other));
            assert_eq!(first, Some(at), "{begins}");
        }
    }
}
