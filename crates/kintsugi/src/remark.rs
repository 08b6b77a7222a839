//! What a plan remarks besides its counts, in words for the terminal. The console has its own, in both languages
//! (`remark-NAME` in `crates/serve/locales`).

/// Every remark and its words.
const WORDS: [(&str, &str); 22] = [
    ("turn-card-with-code", "persons, most urgent first: card number with its code proved"),
    ("turn-secret", "then: card number or password proved"),
    ("turn-taken", "then: something else proved"),
    ("turn-possible-secret", "then: card number or password possible"),
    ("turn-possible", "then: something else possible"),
    ("turn-unknown", "then: frozen before notices had an order"),
    ("no-name", "no name"),
    ("no-mail-address", "no mail address"),
    ("shared-address", "shared address"),
    ("foreign-address", "foreign address"),
    ("minor", "minor"),
    ("deceased", "deceased"),
    ("no-marketing", "wants no advertising, and is told all the same"),
    ("came-back", "mail came back from every address: a letter"),
    ("nothing-follows", "persons whose notice was not accepted: nothing follows it"),
    ("told-and-gone", "told before and not in this version: settle by hand"),
    ("least-time", "to send the mails, at least, at the pace of [mail] and [notify]"),
    ("calls", "calls to the desk (forecast)"),
    ("desk-work", "of work at the desk (forecast)"),
    ("letters", "letters"),
    ("letter-cost", "for the letters (forecast)"),
    ("desk-pace", "notices an hour are as many as the desk can answer calls for"),
];

/// A remark in words; one that is not known stands for itself, as in plans that were written down in words.
pub(crate) fn words(name: &str) -> &str {
    WORDS.iter().find(|(known, _)| *known == name).map_or(name, |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use kintsugi_case::Urgency;
    use kintsugi_notify::EdgeClass;

    use super::WORDS;

    #[test]
    fn every_remark_has_words_here_and_in_the_console() {
        let known = |name: &str| WORDS.iter().any(|(known, _)| *known == name);
        assert!(Urgency::ALL.iter().all(|urgency| known(&format!("turn-{}", urgency.name()))));
        assert!(EdgeClass::ALL.iter().all(|class| known(class.name())));
        for language in ["en", "ja"] {
            let path = format!("{}/../serve/locales/{language}.ftl", env!("CARGO_MANIFEST_DIR"));
            let messages = std::fs::read_to_string(path).unwrap();
            let missing = WORDS.iter().filter(|(name, _)| !messages.contains(&format!("\nremark-{name} = ")));
            assert_eq!(missing.collect::<Vec<_>>(), Vec::<&(&str, &str)>::new(), "{language}");
        }
    }
}
