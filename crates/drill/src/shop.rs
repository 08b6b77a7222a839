//! The made-up shop: how many rows each table has and which row belongs to which. Pure arithmetic on places.
//!
//! Cards come in groups: of every 28, 25 open a new customer row and 3 belong to an earlier customer. Orders likewise:
//! of every 13, 10 are the first with a card and 3 come from an earlier card. So any row finds the others at once.

use crate::Options;
use crate::calendar::Rhythm;
use crate::dice::{Dice, Shuffle, Stream};
use crate::places::HOUSES;

/// The brands under which the shop is known.
pub(crate) const BRANDS: [&str; 3] = ["TABIDATA", "Tabi Cellular", "Tabi no WiFi"];

const CARD_GROUP: Grouping = Grouping { first: 25, all: 28 };
const ORDER_GROUP: Grouping = Grouping { first: 10, all: 13 };

/// Rows in groups of `all`, of which the first `first` are new ones and the others come back to an earlier one.
#[derive(Clone, Copy)]
struct Grouping {
    first: u64,
    all: u64,
}

impl Grouping {
    /// How many new ones there are among `rows`.
    fn new_ones(self, rows: u64) -> u64 {
        rows / self.all * self.first + (rows % self.all).min(self.first)
    }

    /// How many rows it takes for this many new ones.
    fn rows(self, new_ones: u64) -> u64 {
        new_ones / self.first * self.all + new_ones % self.first
    }

    /// The row that is new for `new_one`.
    fn row_of(self, new_one: u64) -> u64 {
        new_one / self.first * self.all + new_one % self.first
    }

    /// The new one that `row` belongs to; of one that comes back, an earlier one by chance.
    fn owner(self, row: u64, dice: &mut Dice) -> u64 {
        let (group, place) = (row / self.all, row % self.all);
        if place < self.first { group * self.first + place } else { dice.below((group + 1) * self.first) }
    }
}

/// The shop of one drill.
pub(crate) struct Shop {
    pub(crate) seed: u64,
    pub(crate) cards: u64,
    pub(crate) customers: u64,
    pub(crate) orders: u64,
    pub(crate) rhythm: Rhythm,
    pub(crate) houses: Shuffle,
    pub(crate) phones: Shuffle,
    pub(crate) mails: Shuffle,
    pub(crate) pans: Shuffle,
}

impl Shop {
    pub(crate) fn new(options: Options) -> Self {
        let Options { records: cards, seed } = options;
        let customers = CARD_GROUP.new_ones(cards);
        Self {
            seed,
            cards,
            customers,
            orders: ORDER_GROUP.rows(cards),
            rhythm: Rhythm::of_orders(),
            houses: Shuffle::new(seed, 1, HOUSES),
            phones: Shuffle::new(seed, 2, 300_000_000.max(customers * 2)),
            mails: Shuffle::new(seed, 3, (customers * 3).max(1000)),
            pans: Shuffle::new(seed, 4, 100_000_000),
        }
    }

    /// How many card records the intruder obtains: the story's share of its 146,701, rounded to the nearest.
    pub(crate) fn exposed(&self) -> u64 {
        (self.cards * 109_112 + 146_701 / 2) / 146_701
    }

    /// Cases of unauthorised use known on the third day: the story's 172, at this size.
    pub(crate) fn unauthorised_use_cases(&self) -> u64 {
        (self.cards * 172 + 146_701 / 2) / 146_701
    }

    pub(crate) fn dice(&self, stream: Stream, place: u64) -> Dice {
        Dice::new(self.seed, stream, place)
    }

    /// The customer row that the card at `place` belongs to.
    pub(crate) fn customer_of_card(&self, place: u64, dice: &mut Dice) -> u64 {
        CARD_GROUP.owner(place, dice)
    }

    /// The card that the order at `place` is about.
    pub(crate) fn card_of_order(&self, place: u64, dice: &mut Dice) -> u64 {
        ORDER_GROUP.owner(place, dice)
    }

    /// Whether the order at `place` is the first with its card.
    pub(crate) fn is_first_order(place: u64) -> bool {
        place % ORDER_GROUP.all < ORDER_GROUP.first
    }

    /// When the order at `place` was placed, milliseconds.
    pub(crate) fn ordered_at_ms(&self, place: u64) -> i64 {
        self.rhythm.at_ms(place, self.orders)
    }

    /// When the customer at `place` registered: shortly before their first order.
    pub(crate) fn registered_at_ms(&self, place: u64) -> i64 {
        let order = ORDER_GROUP.row_of(CARD_GROUP.row_of(place));
        self.ordered_at_ms(order) - 140_000
    }

    /// The id of the row at `place`: rising, with the gaps that deleted rows leave.
    pub(crate) fn id(&self, table: u64, place: u64) -> u64 {
        let (group, within) = (place / 32, place % 32);
        let gap = self.dice(Stream::Gap, table << 48 | group).below(33);
        group * 33 + within + u64::from(within >= gap) + 1
    }

    /// The id of the customer row at `place`.
    pub(crate) fn customer_id(&self, place: u64) -> u64 {
        self.id(0, place)
    }

    /// The id of the card row at `place`.
    pub(crate) fn card_id(&self, place: u64) -> u64 {
        1000 + self.id(1, place)
    }

    /// The id of the order row at `place`.
    pub(crate) fn order_id(&self, place: u64) -> u64 {
        self.id(2, place)
    }
}

#[cfg(test)]
mod tests {
    use super::Shop;
    use crate::Options;
    use crate::dice::Stream;

    fn shop(records: u64) -> Shop {
        Shop::new(Options { records, seed: 5 })
    }

    #[test]
    fn the_story_has_its_numbers() {
        let shop = shop(146_701);
        assert_eq!((shop.exposed(), shop.customers), (109_112, 130_984));
    }

    #[test]
    fn every_owner_exists_and_every_customer_has_a_card() {
        let shop = shop(1000);
        let owner = |place| shop.customer_of_card(place, &mut shop.dice(Stream::Card, place));
        let mut owners: Vec<u64> = (0..shop.cards).map(owner).collect();
        owners.sort_unstable();
        owners.dedup();
        assert_eq!(owners, (0..shop.customers).collect::<Vec<_>>());
        let card = |place| shop.card_of_order(place, &mut shop.dice(Stream::Order, place));
        assert!((0..shop.orders).all(|place| card(place) < shop.cards));
    }

    #[test]
    fn ids_rise_with_gaps() {
        let shop = shop(1000);
        let ids: Vec<u64> = (0..1000).map(|place| shop.customer_id(place)).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert!(ids[999] > 1000);
    }

    #[test]
    fn nobody_orders_before_they_register() {
        let shop = shop(1000);
        for place in 0..shop.orders {
            let card = shop.card_of_order(place, &mut shop.dice(Stream::Order, place));
            let customer = shop.customer_of_card(card, &mut shop.dice(Stream::Card, card));
            if Shop::is_first_order(place) {
                assert!(shop.registered_at_ms(customer) < shop.ordered_at_ms(place), "{place}");
            }
        }
    }
}
