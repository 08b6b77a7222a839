//! What is sealed in the columns, and for which place. What was sealed for one row does not open in another.

use kintsugi_case::{ExposedRecord, Language, PersonId, PersonProfile, Private};
use kintsugi_vault::{Keys, Purpose};

use crate::{Error, PostalAddress, Result};

/// The blind index of a mail address; none for an empty one.
pub(crate) fn mail_index(keys: &Keys, mail: &str) -> Option<[u8; 16]> {
    let normal = normal_mail(mail);
    (!normal.is_empty()).then(|| keys.blind_index(Purpose::Mail, &normal))
}

/// A mail address as it is compared: full-width forms folded, lower case, no blanks around it. The local part may in
/// theory tell cases apart (RFC 5321, 2.4); no mail service does, and people do not type it twice alike.
fn normal_mail(mail: &str) -> String {
    let fold = |c: char| match c {
        '！'..='～' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        other => other,
    };
    mail.trim().chars().map(fold).collect::<String>().to_lowercase()
}

/// A person's profile but for the language, which is no secret.
pub(crate) fn profile(keys: &Keys, person: PersonId, profile: &PersonProfile) -> Vec<u8> {
    let parts = [&profile.name, &profile.email, &profile.phone, &profile.postal_code, &profile.address, &profile.birth_date];
    let [name, email, phone, postal_code, address, birth_date] = parts.map(|part| part.open().as_str());
    let flags = [flag(profile.deceased), flag(profile.no_marketing)];
    let mut parts = vec![name, email, phone, postal_code, address, birth_date, flags[0], flags[1]];
    parts.extend(profile.other_emails.open().iter().map(String::as_str));
    let plain = serde_json::Value::from(parts).to_string();
    keys.seal(&profile_place(person), plain.as_bytes())
}

/// Opens what [`profile`] sealed.
pub(crate) fn open_profile(keys: &Keys, person: PersonId, sealed: &[u8], language: Language) -> Result<PersonProfile> {
    let parts = open_list(keys, &profile_place(person), sealed, "a person's profile")?;
    // Profiles sealed before there were wishes and days of birth have five parts.
    let mut parts = parts.into_iter().map(Private::new);
    let mut part = || parts.next().unwrap_or_default();
    let [name, email, phone, postal_code, address, birth_date] = std::array::from_fn(|_| part());
    let [deceased, no_marketing] = std::array::from_fn(|_| !part().open().is_empty());
    let other_emails = Private::new(parts.map(|part| part.open().clone()).collect());
    let profile =
        PersonProfile { name, email, phone, postal_code, address, language, birth_date, deceased, no_marketing, other_emails };
    Ok(profile)
}

const fn flag(up: bool) -> &'static str {
    if up { "1" } else { "" }
}

/// What of an exposed record could tell something about the person.
pub(crate) fn detail(keys: &Keys, person: PersonId, place: u64, record: &ExposedRecord) -> Vec<u8> {
    let ExposedRecord { literals, card_brand, card_last4, service_brand, service_used_on, .. } = record;
    let parts = [literals, card_brand, card_last4, service_brand, service_used_on];
    seal_parts(keys, &detail_place(person, place), parts.map(String::as_str))
}

/// Opens what [`detail`] sealed: literals, card brand, last four digits, service brand, day of use.
pub(crate) fn open_detail(keys: &Keys, person: PersonId, place: u64, sealed: &[u8]) -> Result<[String; 5]> {
    open_parts(keys, &detail_place(person, place), sealed, "an exposed record")
}

/// What somebody wrote back: sender, subject, words, how many attachments.
pub(crate) fn reply(keys: &Keys, serial: u64, parts: [&str; 4]) -> Vec<u8> {
    seal_parts(keys, &format!("store.reply.message/{serial}"), parts)
}

/// Opens what [`reply`] sealed.
pub(crate) fn open_reply(keys: &Keys, serial: u64, sealed: &[u8]) -> Result<[String; 4]> {
    open_parts(keys, &format!("store.reply.message/{serial}"), sealed, "a reply")
}

/// What the desk answered.
pub(crate) fn answer(keys: &Keys, reply: u64, words: &Private<String>) -> Vec<u8> {
    seal_parts(keys, &format!("store.answer.words/{reply}"), [words.open()])
}

/// Opens what [`answer`] sealed.
pub(crate) fn open_answer(keys: &Keys, reply: u64, sealed: &[u8]) -> Result<Private<String>> {
    open_parts(keys, &format!("store.answer.words/{reply}"), sealed, "an answer").map(|[words]: [String; 1]| Private::new(words))
}

/// A postal address that somebody gave.
pub(crate) fn postal_address(keys: &Keys, person: PersonId, number: u32, given: &PostalAddress) -> Vec<u8> {
    let parts = [&given.name, &given.postal_code, &given.address].map(|part| part.open().as_str());
    seal_parts(keys, &format!("store.postal_address/{person}/{number}"), parts)
}

/// Opens what [`postal_address`] sealed.
pub(crate) fn open_postal_address(keys: &Keys, person: PersonId, number: u32, sealed: &[u8]) -> Result<PostalAddress> {
    let parts = open_parts(keys, &format!("store.postal_address/{person}/{number}"), sealed, "a postal address")?;
    let [name, postal_code, address] = parts.map(Private::new);
    Ok(PostalAddress { name, postal_code, address })
}

/// A job's payload.
pub(crate) fn payload(keys: &Keys, kind: &str, payload: &Private<String>) -> Vec<u8> {
    keys.seal(&format!("store.job.payload/{kind}"), payload.open().as_bytes())
}

/// Opens what [`payload`] sealed.
pub(crate) fn open_payload(keys: &Keys, kind: &str, sealed: &[u8]) -> Result<Private<String>> {
    let what = "a job";
    let plain = keys.unseal(&format!("store.job.payload/{kind}"), sealed).map_err(|source| Error::Unseal { what, source })?;
    String::from_utf8(plain).map(Private::new).map_err(|_| Error::Value { what: "job that is no text" })
}

fn profile_place(person: PersonId) -> String {
    format!("store.person.profile/{person}")
}

fn detail_place(person: PersonId, place: u64) -> String {
    format!("store.exposed_record.detail/{person}/{place}")
}

fn seal_parts<const PARTS: usize>(keys: &Keys, place: &str, parts: [&str; PARTS]) -> Vec<u8> {
    let plain = serde_json::Value::from(parts.to_vec()).to_string();
    keys.seal(place, plain.as_bytes())
}

fn open_parts<const PARTS: usize>(keys: &Keys, place: &str, sealed: &[u8], what: &'static str) -> Result<[String; PARTS]> {
    open_list(keys, place, sealed, what)?.try_into().map_err(|_| Error::Value { what })
}

fn open_list(keys: &Keys, place: &str, sealed: &[u8], what: &'static str) -> Result<Vec<String>> {
    let plain = keys.unseal(place, sealed).map_err(|source| Error::Unseal { what, source })?;
    serde_json::from_slice(&plain).map_err(|_| Error::Value { what })
}

#[cfg(test)]
mod tests {
    use super::{mail_index, open_profile, profile};
    use kintsugi_case::{Language, PersonId, PersonProfile, Private};
    use kintsugi_vault::Keys;

    #[test]
    fn a_mail_address_is_found_however_it_is_typed() {
        let keys = Keys::from_seed([1; 32]);
        let stored = mail_index(&keys, "Hanako@Example.jp");
        assert!(stored.is_some());
        for typed in [" hanako@example.jp\n", "ＨＡＮＡＫＯ＠example.jp", "HANAKO@EXAMPLE.JP"] {
            assert_eq!(mail_index(&keys, typed), stored, "{typed}");
        }
        assert_eq!(mail_index(&keys, " "), None);
    }

    #[test]
    fn a_profile_moved_to_another_person_does_not_open() {
        let keys = Keys::from_seed([1; 32]);
        let written = PersonProfile {
            name: Private::new("山田 花子".into()),
            language: Language::En,
            deceased: true,
            other_emails: Private::new(vec!["a@example.jp".into(), "b@example.jp".into()]),
            ..PersonProfile::default()
        };
        let sealed = profile(&keys, PersonId(7), &written);
        assert_eq!(open_profile(&keys, PersonId(7), &sealed, Language::En).unwrap(), written);
        assert!(open_profile(&keys, PersonId(8), &sealed, Language::En).is_err());
    }
}
