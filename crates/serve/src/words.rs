//! The words of the pages: Fluent messages in `locales/`, one file a language.
//!
//! What one thing is called everywhere (fields, verdicts, dates) comes from `kintsugi-case`; the sentences are here.

use std::fmt::Display;
use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use kintsugi_case::Language;

const JA: &str = include_str!("../locales/ja.ftl");
const EN: &str = include_str!("../locales/en.ftl");

type Bundle = FluentBundle<FluentResource>;

/// The words in one language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words(pub(crate) Language);

impl Words {
    /// A message without variables. A message that is missing shows its key; a test sees to it that none is.
    pub(crate) fn t(self, key: &str) -> String {
        self.format(key, &FluentArgs::new())
    }

    /// A message with one variable.
    pub(crate) fn t1(self, key: &str, name: &str, value: impl Display) -> String {
        self.with(key, &[(name, &value)])
    }

    /// A message with two variables.
    pub(crate) fn t2(self, key: &str, name: &str, value: impl Display, name_2: &str, value_2: impl Display) -> String {
        self.with(key, &[(name, &value), (name_2, &value_2)])
    }

    /// A message with variables.
    pub(crate) fn with(self, key: &str, values: &[(&str, &dyn Display)]) -> String {
        let args = values.iter().map(|(name, value)| (*name, FluentValue::from(value.to_string()))).collect();
        self.format(key, &args)
    }

    /// A message about a count: `$n` for the plural, `$shown` with its thousands separated.
    pub(crate) fn count(self, key: &str, count: u64) -> String {
        let mut args = FluentArgs::new();
        args.set("n", FluentValue::from(count));
        args.set("shown", FluentValue::from(self.number(count)));
        self.format(key, &args)
    }

    /// A number with its thousands separated.
    pub(crate) fn number(self, number: impl Into<u64>) -> String {
        self.0.number(i64::try_from(number.into()).unwrap_or(i64::MAX))
    }

    fn format(self, key: &str, args: &FluentArgs<'_>) -> String {
        let bundle = bundle(self.0);
        let pattern = bundle.get_message(key).and_then(|message| message.value());
        pattern.map_or_else(|| key.to_owned(), |text| bundle.format_pattern(text, Some(args), &mut Vec::new()).into_owned())
    }
}

fn bundle(language: Language) -> &'static Bundle {
    static JAPANESE: OnceLock<Bundle> = OnceLock::new();
    static ENGLISH: OnceLock<Bundle> = OnceLock::new();
    match language {
        Language::Ja => JAPANESE.get_or_init(|| read(language, JA)),
        // Pages are in these two: `CaseHeader::page_languages`.
        _ => ENGLISH.get_or_init(|| read(Language::En, EN)),
    }
}

/// A file with a mistake still gives the messages around it; a test sees to it that there is none.
fn read(language: Language, text: &str) -> Bundle {
    let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(resource, _)| resource);
    let mut bundle = Bundle::new_concurrent(language.tag().parse().into_iter().collect());
    // Isolation marks (U+2068) would stand in titles, labels and copied codes.
    bundle.set_use_isolating(false);
    let _ = bundle.add_resource(resource);
    bundle
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{EN, FluentResource, JA, Language, Words};

    fn keys(text: &str) -> BTreeSet<&str> {
        text.lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
            .filter_map(|l| l.split(' ').next())
            .collect()
    }

    /// Every `t("…")`, `t1("…"`, `count("…"` and `with("…"` in code and templates.
    fn used(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                used(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for call in ["t(\"", "t1(\"", "t2(\"", "count(\"", "with(\""] {
                let call = format!(".{call}");
                let calls = text.match_indices(&call).map(|(at, m)| &text[at + m.len()..]);
                found.extend(calls.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
            }
        }
    }

    #[test]
    fn both_languages_have_the_same_messages_without_mistakes() {
        assert!(FluentResource::try_new(JA.to_owned()).is_ok() && FluentResource::try_new(EN.to_owned()).is_ok());
        assert_eq!(keys(JA), keys(EN));
        for text in [JA, EN] {
            let lines = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
            assert_eq!(lines.count(), keys(text).len(), "a key stands for one message");
        }
    }

    #[test]
    fn every_message_that_is_used_is_there() {
        let mut found = BTreeSet::new();
        used(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        found.retain(|key| !key.contains('…'));
        let missing: Vec<_> = found.iter().filter(|key| !keys(EN).contains(key.as_str())).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn counts_have_their_plural() {
        assert_eq!(Words(Language::En).count("n-records", 1), "1 record");
        assert_eq!(Words(Language::En).count("n-records", 109_112), "109,112 records");
        assert_eq!(Words(Language::Ja).count("n-records", 109_112), "109,112 件");
    }
}
