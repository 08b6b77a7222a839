//! The case file of a drill: the story of 2013 with invented names, at the drill's size.

/// The text of `case.toml`. `cases` are the cases of unauthorised use that were known on 2013-04-26.
pub(crate) fn case_text(cases: u64) -> String {
    format!("{CASE}{FACTS_HEAD}value = {cases}{FACTS_TAIL}{REST}")
}

const CASE: &str = r#"version = 1

[case]
id = "tabidata-2013"
title = "Card data taken from the rental shop's database"
timezone = "Asia/Tokyo"
aware_at = 2013-04-23T17:00:00+09:00
languages = ["ja", "en"]                # the first is used where a person's own is not known

[controller]
name = "株式会社カケハシレンタル (Kakehashi Rental KK)"
domain = "kakehashi.example"            # portal and mails live here, nowhere else
brands = ["TABIDATA", "Tabi Cellular", "Tabi no WiFi"]
contact = { phone = "0120-000-000", email = "desk@kakehashi.example", hours = "9:00–20:00" }

[[source]]
name = "shop"
dbms = "mariadb"
snapshot = "snapshot"                   # TABLE.csv; taken half an hour before the card data was deleted
csv = { header = true, null = "\\N", encoding = "utf-8" }
taken_at = 2013-04-23T21:30:00+09:00

[source.tables.customers]
key = ["id"]
fields = { name = "person.name", kana = "person.name_kana", email = "person.email", phone = "person.phone", zip = "person.postal_code", address = "person.address", lang = "person.language" }

[source.tables.cards]
key = ["id"]
person = { table = "customers", column = "customer_id" }
references = { customer_id = "customers.id" }
fields = { holder = "card.holder", pan = "card.number", exp = "card.expiry", cvv = "card.code", brand = "card.brand", bill_zip = "person.postal_code", bill_address = "person.address" }

[source.tables.orders]
key = ["id"]
person = { table = "customers", column = "customer_id" }
references = { customer_id = "customers.id", card_id = "cards.id" }
fields = { shop = "service.brand", created_at = "service.used_at" }

[source.tables.items]
key = ["id"]

[[evidence]]
path = "weblog/access.log*"
format = "auto"
source = "shop"

[[endpoint]]                            # what the investigator read in the shop's source code
method = "GET"
path = "/item"
parameter = "id"
where = "query"
sql = "SELECT id, name, descr, price FROM items WHERE id={p} ORDER BY id"
shows = "first-row"

[[rule]]
kind = "replay"
"#;

const FACTS_HEAD: &str = r#"
[[fact]]
name = "unauthorised_use_cases"
"#;

const FACTS_TAIL: &str = r#"
as_of = 2013-04-26
source = "processor and card companies"
"#;

const REST: &str = r#"
[[fact]]
name = "discovered_at"
value = 2013-04-23
as_of = 2013-04-23
source = "message of the payment processor"

[[fact]]
name = "forms_closed_at"
value = 2013-04-23T17:00:00+09:00
as_of = 2013-04-23
source = "operations log"

[[fact]]
name = "card_data_deleted_at"
value = 2013-04-23T22:00:00+09:00
as_of = 2013-04-23
source = "operations log"

[[fact]]
name = "cause.ja"
value = "お申し込みのウェブサイトに、外部から送られた命令がデータベースで実行されてしまう欠陥（SQL インジェクション）がありました。外部の者がこれを使い、保存されていたカード情報を取り出しました。カード情報は暗号化せずに保存していました。"
as_of = 2013-05-21
source = "final report of the forensic firm"

[[fact]]
name = "cause.en"
value = "Our booking website had a flaw that let commands sent from outside run in the database (SQL injection). Somebody used it to take the card data stored there. The card data was stored without encryption."
as_of = 2013-05-21
source = "final report of the forensic firm"

[[fact]]
name = "prevention.ja"
value = "2013年4月26日、データベースを新しいサーバーに移しました。オンラインでのカード決済は、カード情報を当社で保存しない方式に替えるまで再開しません。"
as_of = 2013-05-21
source = "operations log"

[[fact]]
name = "prevention.en"
value = "On 26 April 2013 we moved the database to a new server. Online card payment stays off until it works without our keeping card data."
as_of = 2013-05-21
source = "operations log"

# The chronicle: what happened when, on the statement. Only what is chosen (`publish = true`); figures are facts, by name.
[[event]]
of = "attack_first"
publish = true

[[event]]
of = "attack_last"
publish = true

[[event]]
at = 2013-04-23T17:00:00+09:00
ja = "決済代行会社から、カード情報が流出したおそれがあるとの連絡を受け、お申し込みの受付を止めました。"
en = "The payment processor told us that card data might have been taken. We closed the booking forms."
publish = true

[[event]]
at = 2013-04-23T22:00:00+09:00
ja = "データベースサーバーから、カード情報をすべて削除しました。"
en = "We deleted all card data from the database server."
publish = true

[[event]]
at = 2013-04-24T10:00:00+09:00
ja = "調査会社に連絡し、サーバーの記録を渡す用意を始めました。"
en = "We contacted a forensic firm and began to prepare the servers' records for it."
publish = true

[[event]]
at = 2013-04-25T09:30:00+09:00
en = "Internal: who may read the evidence was written down."

[[event]]
of = "frozen"
publish = true

[[event]]
of = "first_notice"
publish = true

[[event]]
of = "last_notice"
publish = true

[mail]
from = "カケハシレンタル お客様窓口 <notice@kakehashi.example>"
smtp = "smtp://127.0.0.1:2525"          # kintsugi mailbox
portal = "http://127.0.0.1:8080"

[letters]
window = "naga3"                        # JIS long envelope 3; or "dl"
sender = ["〒100-0005", "東京都千代田区丸の内9-9-9"]

[notify]
approval = "none"                       # this is a rehearsal; where people are told, leave it out: a second person approves

[[remedy]]
kind = "coupon"
amount = 3000
currency = "JPY"
to = "proved"
"#;
