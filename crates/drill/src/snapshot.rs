//! The snapshot: one CSV file for each table, as a database would write it, `\N` for NULL.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::shop::Shop;
use crate::tables::items;
use crate::{Error, write_error};

const NULL: &str = "\\N";

/// Writes every table.
pub(crate) fn write(shop: &Shop, folder: &Path) -> Result<(), Error> {
    customers(shop, folder)?;
    cards(shop, folder)?;
    orders(shop, folder)?;
    let mut table = Table::create(folder, "items", &["id", "name", "descr", "price"])?;
    items()
        .iter()
        .try_for_each(|item| table.row(&[&item.id.to_string(), &item.name, &item.description, &item.price.to_string()]))?;
    table.finish()
}

fn customers(shop: &Shop, folder: &Path) -> Result<(), Error> {
    let columns = ["id", "name", "kana", "email", "phone", "zip", "address", "lang", "created_at"];
    let mut table = Table::create(folder, "customers", &columns)?;
    for place in 0..shop.customers {
        let row = shop.customer(place);
        let created = crate::calendar::civil(shop.registered_at_ms(place) / 1000).strftime("%Y-%m-%d %H:%M:%S").to_string();
        table.row(&[
            &shop.customer_id(place).to_string(),
            &row.name,
            row.kana.as_deref().unwrap_or(NULL),
            row.email.as_deref().unwrap_or(NULL),
            &row.phone,
            &row.address.zip,
            &row.address.text,
            row.language,
            &created,
        ])?;
    }
    table.finish()
}

fn cards(shop: &Shop, folder: &Path) -> Result<(), Error> {
    let columns = ["id", "customer_id", "holder", "pan", "exp", "cvv", "brand", "bill_zip", "bill_address"];
    let mut table = Table::create(folder, "cards", &columns)?;
    for place in 0..shop.cards {
        let row = shop.card(place);
        table.row(&[
            &row.id.to_string(),
            &shop.customer_id(row.customer).to_string(),
            &row.holder,
            &row.pan,
            &row.expiry,
            &row.code,
            row.brand,
            &row.bill_zip,
            &row.bill_address,
        ])?;
    }
    table.finish()
}

fn orders(shop: &Shop, folder: &Path) -> Result<(), Error> {
    let columns =
        ["id", "customer_id", "card_id", "shop", "router", "airport", "from_date", "to_date", "amount", "paid_by", "created_at"];
    let mut table = Table::create(folder, "orders", &columns)?;
    for place in 0..shop.orders {
        let row = shop.order(place);
        table.row(&[
            &row.id.to_string(),
            &row.customer_id.to_string(),
            &row.card_id.map_or(NULL.to_owned(), |id| id.to_string()),
            row.shop,
            row.router,
            row.airport,
            &row.from_date,
            &row.to_date,
            &row.amount.to_string(),
            row.paid_by,
            &row.created_at,
        ])?;
    }
    table.finish()
}

struct Table {
    path: PathBuf,
    out: csv::Writer<File>,
}

impl Table {
    fn create(folder: &Path, name: &str, columns: &[&str]) -> Result<Self, Error> {
        let path = folder.join(format!("{name}.csv"));
        let file = File::create(&path).map_err(write_error(&path))?;
        let mut table = Self { out: csv::WriterBuilder::new().buffer_capacity(1 << 18).from_writer(file), path };
        table.row(columns)?;
        Ok(table)
    }

    fn row(&mut self, values: &[&str]) -> Result<(), Error> {
        self.out.write_record(values).map_err(|error| write_error(&self.path)(error.into()))
    }

    fn finish(mut self) -> Result<(), Error> {
        self.out.flush().map_err(write_error(&self.path))
    }
}
