//! The rows of the shop's other tables: cards, orders, items.

use jiff::ToSpan;

use crate::calendar::civil;
use crate::dice::Stream;
use crate::people::Customer;
use crate::shop::{BRANDS, Shop};

/// Issuer numbers from the ranges that payment firms give out for tests, with the brand as the shop wrote it, the length,
/// and how many of 100 cards are such.
const ISSUERS: [(&str, &str, usize, u64); 4] =
    [("411111", "VISA", 16, 48), ("545454", "MASTER", 16, 22), ("355555", "JCB", 16, 24), ("371111", "AMEX", 15, 6)];

const ROUTERS: [&str; 15] = [
    "USA-3G-01",
    "USA-LTE-02",
    "HAWAII-3G",
    "KOREA-WIBRO",
    "CHINA-3G-VPN",
    "EURO-MULTI",
    "TAIWAN-3G",
    "THAI-3G",
    "SINGAPORE-3G",
    "GUAM-3G",
    "UK-3G",
    "FRANCE-3G",
    "ITALY-3G",
    "AUS-3G",
    "WORLD-50",
];
const AIRPORTS: [&str; 8] = ["成田第1", "成田第2", "羽田国際", "関西", "中部", "福岡", "新千歳", "自宅配送"];
const PRICES: [u64; 4] = [980, 1280, 1480, 1680];

/// A row of `cards`.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) id: u64,
    /// The customer row's place.
    pub(crate) customer: u64,
    pub(crate) holder: String,
    pub(crate) pan: String,
    pub(crate) expiry: String,
    pub(crate) code: String,
    pub(crate) brand: &'static str,
    pub(crate) bill_zip: String,
    pub(crate) bill_address: String,
}

/// A row of `orders`.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) customer_id: u64,
    pub(crate) card_id: Option<u64>,
    pub(crate) shop: &'static str,
    pub(crate) router: &'static str,
    pub(crate) airport: &'static str,
    pub(crate) from_date: String,
    pub(crate) to_date: String,
    pub(crate) amount: u64,
    pub(crate) paid_by: &'static str,
    pub(crate) created_at: String,
}

/// A row of `items`.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) price: u64,
}

impl Shop {
    /// The card record at `place`.
    pub(crate) fn card(&self, place: u64) -> Card {
        let mut dice = self.dice(Stream::Card, place);
        let customer = self.customer_of_card(place, &mut dice);
        let Customer { embossed, address, .. } = self.customer(customer);
        let (issuer, brand, length, _) = issuer(dice.below(100));
        let code_length = if brand == "AMEX" { 4 } else { 3 };
        Card {
            id: self.card_id(place),
            customer,
            holder: embossed,
            pan: number(issuer, length, dice.below(10), self.pans.at(place)),
            expiry: format!("{:02}/{:02}", dice.between(1, 12), dice.between(13, 18)),
            code: format!("{:0code_length$}", dice.below(10_u64.pow(code_length as u32))),
            brand,
            bill_zip: address.zip,
            bill_address: address.text,
        }
    }

    /// The order at `place`.
    pub(crate) fn order(&self, place: u64) -> Order {
        let mut dice = self.dice(Stream::Order, place);
        let card = self.card_of_order(place, &mut dice);
        let customer = self.customer_of_card(card, &mut self.dice(Stream::Card, card));
        let at = civil(self.ordered_at_ms(place) / 1000);
        let from = at.date().saturating_add(dice.between(2, 60).cast_signed().days());
        let days = dice.between(3, 14);
        let paid_by = if Self::is_first_order(place) || dice.chance(8500) { "card" } else { dice.pick(&["bank", "counter"]) };
        Order {
            id: self.order_id(place),
            customer_id: self.customer_id(customer),
            card_id: (paid_by == "card").then(|| self.card_id(card)),
            shop: dice.pick_common(&BRANDS),
            router: dice.pick(&ROUTERS),
            airport: dice.pick(&AIRPORTS),
            from_date: from.to_string(),
            to_date: from.saturating_add((days - 1).cast_signed().days()).to_string(),
            amount: days * dice.pick(&PRICES),
            paid_by,
            created_at: at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        }
    }
}

/// What the shop rents out: the same 45 things in every drill.
pub(crate) fn items() -> Vec<Item> {
    let kinds = ["", " (長期)", " (法人)"];
    let all = kinds.iter().flat_map(|kind| ROUTERS.iter().map(move |router| (kind, router)));
    let item = |(place, (kind, router)): (usize, (&&str, &&str))| Item {
        id: place as u64 + 1,
        name: format!("{router} レンタル{kind}"),
        description: format!(
            "{router} 対応ルーター。1日あたりの定額、{}台まで同時接続、電池 {} 時間。",
            place % 6 + 3,
            place % 5 + 4
        ),
        price: PRICES[place % PRICES.len()],
    };
    all.enumerate().map(item).collect()
}

fn issuer(of_100: u64) -> (&'static str, &'static str, usize, u64) {
    let mut below = 0;
    let mut matching = ISSUERS.into_iter().filter(|issuer| {
        below += issuer.3;
        of_100 < below
    });
    matching.next().unwrap_or(ISSUERS[0])
}

/// A card number: issuer, a digit more where the length asks for one, the account (8 digits, another one for each card),
/// and the check digit (ISO/IEC 7812-1 annex B).
fn number(issuer: &str, length: usize, filler: u64, account: u64) -> String {
    let filler = if issuer.len() + 9 < length { filler.to_string() } else { String::new() };
    let mut digits = format!("{issuer}{filler}{account:08}");
    let sum: u32 = digits.bytes().rev().enumerate().map(|(at, digit)| doubled(at % 2 == 0, u32::from(digit - b'0'))).sum();
    digits.push(char::from(b'0' + ((10 - sum % 10) % 10) as u8));
    digits
}

fn doubled(double: bool, digit: u32) -> u32 {
    match (double, digit) {
        (false, digit) => digit,
        (true, digit) if digit > 4 => digit * 2 - 9,
        (true, digit) => digit * 2,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::items;
    use crate::Options;
    use crate::shop::Shop;

    #[test]
    fn card_numbers_are_valid_and_nobody_shares_one() {
        let shop = Shop::new(Options { records: 20_000, seed: 2 });
        let mut seen = HashSet::new();
        for card in (0..shop.cards).map(|place| shop.card(place)) {
            assert!(kintsugi_case::Pan::parse(&card.pan).is_ok());
            assert!(card.holder.is_ascii(), "{}", card.holder);
            assert!(seen.insert(card.pan));
        }
    }

    #[test]
    fn an_order_belongs_to_the_owner_of_its_card() {
        let shop = Shop::new(Options { records: 500, seed: 2 });
        let orders: Vec<_> = (0..shop.orders).map(|place| shop.order(place)).collect();
        assert!(orders.iter().all(|order| order.from_date.as_str() > &order.created_at[..10]));
        assert!(orders.iter().any(|order| order.card_id.is_none()));
        assert!(orders.iter().all(|order| (order.card_id.is_some()) == (order.paid_by == "card")));
        assert_eq!(items().len(), 45);
    }
}
