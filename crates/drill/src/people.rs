//! Customers: people, and the rows in which the shop keeps them.
//!
//! A row is a new person, a person who registered once before (and wrote something differently this time), or a member
//! of a family that uses one mail address. Persons are known by the place of their first row.

use crate::dice::{Dice, Stream};
use crate::names::{GIVEN, LATIN_GIVEN, LATIN_SURNAMES, Name, SURNAMES};
use crate::places::{Address, address, retyped};
use crate::shop::Shop;

/// A mail provider for people: reserved names only (RFC 2606, and JPRS for .jp).
const PROVIDERS: [&str; 6] = [
    "keitai.example.jp",
    "mail.example.jp",
    "freemail.example.com",
    "post.example.net",
    "univ.example.org",
    "office.example.co.jp",
];
/// What people type where they do not want to give a mail address.
const NO_MAIL: [Option<&str>; 6] = [None, Some(""), Some("なし"), Some("none"), Some("-"), Some("後で連絡します")];

/// A row of `customers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Customer {
    pub(crate) name: String,
    pub(crate) kana: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) phone: String,
    pub(crate) address: Address,
    pub(crate) language: &'static str,
    /// As embossed on a card: given name first.
    pub(crate) embossed: String,
    has_mail: bool,
}

/// Whose row it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    New,
    /// Somebody who registered before, at this place.
    Returns(u64),
    /// The family of the person at this place.
    FamilyOf(u64),
}

impl Shop {
    /// The place of the first row of the person behind the customer row at `place`.
    pub(crate) fn person_of(&self, place: u64) -> u64 {
        if let Origin::Returns(first) = self.origin(place) { first } else { place }
    }

    /// The customer row at `place`.
    pub(crate) fn customer(&self, place: u64) -> Customer {
        match self.origin(place) {
            Origin::New => self.new_person(place),
            Origin::FamilyOf(head) => self.relative(head, place),
            Origin::Returns(first) => self.registered_again(first, place),
        }
    }

    fn origin(&self, place: u64) -> Origin {
        match self.earlier_registration(place) {
            Some(first) => Origin::Returns(first),
            None => self.family_head(place).map_or(Origin::New, Origin::FamilyOf),
        }
    }

    fn may_return(&self, place: u64) -> bool {
        place >= 40 && self.dice(Stream::Return, place).chance(420)
    }

    fn earlier_registration(&self, place: u64) -> Option<u64> {
        if !self.may_return(place) {
            return None;
        }
        let first = self.dice(Stream::Return, !place & 0xff_ffff_ffff).below(place);
        (!self.may_return(first)).then_some(first)
    }

    /// One row of every 32 is a relative of somebody earlier in the same 32, so that no two relatives are of one person.
    fn family_head(&self, place: u64) -> Option<u64> {
        let start = place / 32 * 32;
        if self.dice(Stream::Family, place / 32).between(8, 31) != place - start {
            return None;
        }
        (start..place).rev().find(|&head| !self.may_return(head) && self.can_head_a_family(head))
    }

    fn can_head_a_family(&self, place: u64) -> bool {
        let person = self.new_person(place);
        person.has_mail && person.language == "ja"
    }

    fn new_person(&self, place: u64) -> Customer {
        let mut dice = self.dice(Stream::Person, place);
        if dice.chance(300) { self.foreign_person(place, dice) } else { self.japanese_person(place, dice) }
    }

    fn japanese_person(&self, place: u64, mut dice: Dice) -> Customer {
        let (surname, given) = (dice.pick_common(SURNAMES), dice.pick_common(GIVEN));
        let email = self.mail(place, given.romaji, surname.romaji, &mut dice);
        Customer {
            name: format!("{} {}", surname.kanji, given.kanji),
            kana: Some(format!("{} {}", surname.kana, given.kana)),
            has_mail: email.as_deref().is_some_and(|mail| mail.contains('@')),
            email,
            phone: self.phone(place, &mut dice),
            address: address(self.houses.at(place), false, &mut dice),
            language: "ja",
            embossed: format!("{} {}", given.romaji, surname.romaji),
        }
    }

    fn foreign_person(&self, place: u64, mut dice: Dice) -> Customer {
        let name = latin_name(&mut dice);
        let (given, surname) = name.split_once(' ').unwrap_or((&name, ""));
        let email = self.mail(place, given, surname, &mut dice);
        Customer {
            kana: None,
            has_mail: email.as_deref().is_some_and(|mail| mail.contains('@')),
            email,
            phone: self.phone(place, &mut dice),
            address: address(self.houses.at(place), true, &mut dice),
            language: "en",
            embossed: name.to_uppercase().chars().map(plain_latin).collect(),
            name,
        }
    }

    /// Somebody with the surname, mail, phone and address of the person at `head`, and a given name of their own.
    fn relative(&self, head: u64, place: u64) -> Customer {
        let mut dice = self.dice(Stream::Family, 1 << 40 | place);
        let person = self.new_person(head);
        let (surname, _) = person.name.split_once(' ').unwrap_or_default();
        let (surname_kana, _) = person.kana.as_deref().and_then(|kana| kana.split_once(' ')).unwrap_or_default();
        let embossed_surname = person.embossed.rsplit(' ').next().unwrap_or_default();
        let given = other_given(&person.name, &mut dice);
        Customer {
            name: format!("{surname} {}", given.kanji),
            kana: Some(format!("{surname_kana} {}", given.kana)),
            embossed: format!("{} {embossed_surname}", given.romaji),
            ..person
        }
    }

    /// The person at `first` once more: known by mail, phone or address, which they write differently now.
    fn registered_again(&self, first: u64, place: u64) -> Customer {
        let mut dice = self.dice(Stream::Return, 1 << 40 | place);
        let before = match self.family_head(first) {
            Some(head) => self.relative(head, first),
            None => self.new_person(first),
        };
        let fresh = self.new_person(place);
        let name = renamed(&before.name, &mut dice);
        let again = Customer { name, ..before.clone() };
        match dice.below(10) {
            0..=4 if before.has_mail => Customer {
                email: before.email.map(|mail| recased(&mail, &mut dice)),
                phone: fresh.phone,
                address: if dice.chance(5000) { before.address } else { moved(fresh.address, self, place, before.language) },
                ..again
            },
            0..=8 => Customer {
                phone: rewritten_phone(&before.phone, &mut dice),
                email: Some(self.usable_mail(place, &before.embossed, &mut dice)),
                ..again
            },
            _ => Customer {
                address: Address { text: retyped(&before.address.text), ..before.address },
                email: Some(self.usable_mail(place, &before.embossed, &mut dice)),
                phone: fresh.phone,
                ..again
            },
        }
    }

    fn mail(&self, place: u64, given: &str, surname: &str, dice: &mut Dice) -> Option<String> {
        if dice.chance(24) {
            return dice.pick(&NO_MAIL).map(str::to_owned);
        }
        Some(self.usable_mail(place, &format!("{given} {surname}"), dice))
    }

    /// A mail address that nobody else has: it ends in the person's own number.
    fn usable_mail(&self, place: u64, embossed: &str, dice: &mut Dice) -> String {
        let plain = |text: &str| -> String {
            text.to_lowercase().chars().map(plain_latin).filter(|c| c.is_ascii_alphanumeric()).collect()
        };
        let (given, surname) = embossed.split_once(' ').unwrap_or((embossed, ""));
        let (given, surname, number) = (plain(given), plain(surname), self.mails.at(place));
        let local = match dice.below(5) {
            0 => format!("{given}.{surname}{number}"),
            1 => format!("{surname}-{}{number}", &given[..1]),
            2 => format!("{given}_{number}"),
            3 => format!("{}{surname}{number}", &given[..1]),
            _ => format!("{surname}{number}"),
        };
        format!("{local}@{}", dice.pick_common(&PROVIDERS))
    }

    /// A telephone number that nobody else has.
    fn phone(&self, place: u64, dice: &mut Dice) -> String {
        let number = self.phones.at(place);
        let (four, last) = (number / 10_000 % 10_000, number % 10_000);
        if dice.chance(1200) {
            let area = ["03", "06"][(number / 100_000_000 % 2) as usize];
            return format!("{area}-{:04}-{last:04}", 3000 + four % 4000);
        }
        let prefix = ["090", "080", "070"][(number / 100_000_000 % 3) as usize];
        if dice.chance(2500) { format!("{prefix}{four:04}{last:04}") } else { format!("{prefix}-{four:04}-{last:04}") }
    }
}

fn latin_name(dice: &mut Dice) -> String {
    if dice.chance(4500) {
        let (given, surname) = (dice.pick_common(GIVEN), dice.pick_common(SURNAMES));
        return format!("{} {}", capital(given.romaji), capital(surname.romaji));
    }
    format!("{} {}", dice.pick(LATIN_GIVEN), dice.pick(LATIN_SURNAMES))
}

fn capital(name: &str) -> String {
    name[..1].to_owned() + &name[1..].to_lowercase()
}

/// Card embossing and mail names know no accents.
fn plain_latin(c: char) -> char {
    match c {
        'é' => 'e',
        'É' => 'E',
        'ü' => 'u',
        'Ü' => 'U',
        other => other,
    }
}

fn other_given(name: &str, dice: &mut Dice) -> Name {
    loop {
        let given = dice.pick_common(GIVEN);
        if !name.ends_with(given.kanji) {
            return given;
        }
    }
}

/// The same name with another blank between its parts, or none.
fn renamed(name: &str, dice: &mut Dice) -> String {
    match dice.below(4) {
        0 if !name.is_ascii() => name.replace(' ', "　"),
        1 if !name.is_ascii() => name.replace(' ', ""),
        2 if name.is_ascii() => name.to_uppercase(),
        _ => name.to_owned(),
    }
}

/// The same mail address as telephones and tired people write it.
fn recased(mail: &str, dice: &mut Dice) -> String {
    match dice.below(3) {
        0 => mail.to_uppercase(),
        1 => mail[..1].to_uppercase() + &mail[1..],
        _ => mail.to_owned(),
    }
}

/// The same telephone number, written in another way.
fn rewritten_phone(phone: &str, dice: &mut Dice) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    match dice.below(4) {
        0 => digits,
        1 => format!("+81 {}", &digits[1..]),
        2 => retyped(phone),
        _ => phone.replace('-', " "),
    }
}

/// A new address in the language in which the person writes.
fn moved(fresh: Address, shop: &Shop, place: u64, language: &str) -> Address {
    if (language == "ja") == fresh.text.is_ascii() {
        address(shop.houses.at(place), language != "ja", &mut shop.dice(Stream::Return, 1 << 41 | place))
    } else {
        fresh
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::{Customer, Origin};
    use crate::Options;
    use crate::shop::Shop;

    fn shop() -> Shop {
        Shop::new(Options { records: 20_000, seed: 11 })
    }

    #[test]
    fn a_row_is_the_same_whenever_it_is_asked() {
        let shop = shop();
        assert_eq!(shop.customer(1234), shop.customer(1234));
        assert_ne!(shop.customer(1234), Shop::new(Options { records: 20_000, seed: 12 }).customer(1234));
    }

    #[test]
    fn new_people_share_neither_mail_nor_phone_nor_address() {
        let shop = shop();
        let fresh = (0..shop.customers).filter(|&place| shop.origin(place) == Origin::New);
        let (mut seen, mut phones) = (HashSet::new(), HashSet::new());
        for Customer { email, phone, address, has_mail, .. } in fresh.map(|place| shop.customer(place)) {
            assert!(phones.insert(phone));
            assert!(seen.insert(address.text));
            assert!(!has_mail || seen.insert(email.unwrap_or_default()));
        }
    }

    #[test]
    fn families_share_a_mail_address_and_stay_several() {
        let shop = shop();
        let families: HashMap<u64, u64> = (0..shop.customers)
            .filter_map(|place| if let Origin::FamilyOf(head) = shop.origin(place) { Some((head, place)) } else { None })
            .collect();
        assert!(families.len() as u64 > shop.customers / 40);
        for (head, member) in families {
            let (head, member) = (shop.customer(head), shop.customer(member));
            assert_eq!((&head.email, &head.address), (&member.email, &member.address));
            assert_ne!(head.name, member.name);
        }
    }

    #[test]
    fn who_registers_again_keeps_name_and_one_contact() {
        let shop = shop();
        let plain = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
        let returning = (0..shop.customers).filter(|&place| shop.person_of(place) != place);
        let mut count = 0;
        for place in returning {
            let (before, again) = (shop.customer(shop.person_of(place)), shop.customer(place));
            assert_eq!(plain(&before.name), plain(&again.name));
            assert_ne!(before, again);
            count += 1;
        }
        assert!(count > shop.customers / 40, "{count}");
    }

    #[test]
    fn a_few_have_no_mail_address_and_some_write_english() {
        let shop = shop();
        let rows: Vec<Customer> = (0..shop.customers).map(|place| shop.customer(place)).collect();
        let no_mail = rows.iter().filter(|row| !row.email.as_deref().is_some_and(|mail| mail.contains('@'))).count();
        let english = rows.iter().filter(|row| row.language == "en").count();
        assert!((10..100).contains(&no_mail), "{no_mail}");
        assert!((300..900).contains(&english), "{english}");
        assert!(rows.iter().any(|row| row.name.contains("O'Brien")));
    }
}
