//! Ordinary visitors: people who look and rent, crawlers, scanners that find nothing, and honest oddities
//! (an apostrophe in a name, a quote in a search, a letter where a number belongs).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::Ipv4Addr;

use crate::calendar::{LOG_ENDS, Rhythm, SHOP_CLOSED};
use crate::dice::{Dice, Stream};
use crate::page::{Answer, Renderer, server_page};
use crate::shop::Shop;
use crate::tables::{Item, items};
use crate::weblog::Hit;

/// Browsers and telephones of 2013.
const AGENTS: [&str; 14] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 6_1_3 like Mac OS X) AppleWebKit/536.26 (KHTML, like Gecko) Version/6.0 Mobile/10B329 Safari/8536.25",
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; WOW64; Trident/5.0)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.31 (KHTML, like Gecko) Chrome/26.0.1410.64 Safari/537.31",
    "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0; .NET CLR 2.0.50727)",
    "Mozilla/5.0 (Windows NT 6.1; rv:20.0) Gecko/20100101 Firefox/20.0",
    "Mozilla/5.0 (Linux; U; Android 2.3.4; ja-jp; SC-02C Build/GINGERBREAD) AppleWebKit/533.1 (KHTML, like Gecko) Version/4.0 Mobile Safari/533.1",
    "Mozilla/5.0 (Linux; U; Android 4.0.4; ja-jp; SO-04D Build/6.1.A.1.78) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
    "Mozilla/5.0 (iPad; CPU OS 6_1_3 like Mac OS X) AppleWebKit/536.26 (KHTML, like Gecko) Version/6.0 Mobile/10B329 Safari/8536.25",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_8_3) AppleWebKit/536.28.10 (KHTML, like Gecko) Version/6.0.3 Safari/536.28.10",
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
    "Mozilla/5.0 (Windows NT 5.1; rv:20.0) Gecko/20100101 Firefox/20.0",
    "DoCoMo/2.0 F906i(c100;TB;W24H17)",
    "KDDI-CA39 UP.Browser/6.2.0.13.1.5 (GUI) MMP/2.0",
    "SoftBank/1.0/940SH/SHJ001[/SN] Browser/NetFront/3.5 Profile/MIDP-2.0 Configuration/CLDC-1.1",
];
const CRAWLERS: [&str; 4] = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Mozilla/5.0 (compatible; MJ12bot/v1.4.3; http://www.majestic12.co.uk/bot.php?+)",
];
const SCANNERS: [&str; 4] = [
    "-",
    "ZmEu",
    "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)",
    "DirBuster-0.12 (http://www.owasp.org/index.php/Category:OWASP_DirBuster_Project)",
];
/// What scanners ask every server for. Nothing of it is here.
const SCANNED: [&str; 14] = [
    "/phpMyAdmin/scripts/setup.php",
    "/phpmyadmin/index.php",
    "/w00tw00t.at.ISC.SANS.DFind:)",
    "/wp-login.php",
    "/admin/",
    "/manager/html",
    "/backup.zip",
    "/dump.sql.gz",
    "/cgi-bin/test-cgi",
    "/.git/config",
    "/product.php?id=1%27%20AND%20%271%27=%271",
    "/index.php?option=com_x&id=1+UNION+SELECT+1,2,3--",
    "/shop/detail.asp?id=9999.9+union+all+select+0x3130323534--",
    "/index.php?page=../../../../../../etc/passwd%00",
];
/// What people type into the search field.
const SEARCHED: [&str; 16] = [
    "%E3%83%8F%E3%83%AF%E3%82%A4",
    "%E9%9F%93%E5%9B%BD",
    "%E3%82%A2%E3%83%A1%E3%83%AA%E3%82%AB",
    "%E5%8F%B0%E6%B9%BE+wifi",
    "USA-LTE",
    "%E3%83%A8%E3%83%BC%E3%83%AD%E3%83%83%E3%83%91+%E5%91%A8%E9%81%8A",
    "O%27Brien",
    "it%27s+3G+or+LTE%3F",
    "select+a+router",
    "union+square+pickup",
    "drop+off+at+Narita%3B+pay+later",
    "order+by+phone",
    "100%25",
    "%22LTE%22",
    "--+%E7%A9%BA%E6%B8%AF+--",
    "%83%8B%81%5B%83%5E%81%5B",
];
/// What people make of an item's number: each is what the database makes of it.
const ODD_IDS: [(&str, Option<u64>, u16); 9] = [
    ("12%27", None, 500),
    ("abc", None, 500),
    ("", None, 500),
    ("99999", None, 404),
    ("-1", None, 404),
    ("07", Some(7), 200),
    ("3%20", Some(3), 200),
    ("2-1", Some(1), 200),
    ("5;", None, 500),
];
const FROM_SEARCH: &str = "http://www.google.co.jp/url?sa=t&rct=j&q=&esrc=s&source=web";
const FROM_HOME: &str = "http://www.kakehashi.example/";
const FROM_ITEMS: &str = "http://www.kakehashi.example/items";
const FROM_APPLY: &str = "http://www.kakehashi.example/apply";
/// Requests that a visit makes, on average: measured, so that there are about 3 lines for each record.
const HITS_PER_VISIT: u64 = 7;

/// All visits of the log's weeks, in the order of time.
pub(crate) struct Traffic<'a> {
    shop: &'a Shop,
    rhythm: Rhythm,
    items: Vec<Item>,
    renderer: Renderer,
    visits: u64,
    next_visit: u64,
    /// Requests of visits that have begun; never more than the visits that go on at one time make.
    waiting: BinaryHeap<Reverse<Waiting>>,
    made: u64,
}

/// Orders hits by time, then by how they came up.
struct Waiting(u64, Hit);

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Waiting {}
impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.1.at_ms, self.0).cmp(&(other.1.at_ms, other.0))
    }
}

impl<'a> Traffic<'a> {
    pub(crate) fn new(shop: &'a Shop) -> Self {
        Self {
            shop,
            rhythm: Rhythm::of_visits(),
            items: items(),
            renderer: Renderer::default(),
            visits: (shop.cards * 3 / HITS_PER_VISIT).max(20),
            next_visit: 0,
            waiting: BinaryHeap::new(),
            made: 0,
        }
    }

    /// Lets visits begin until nothing that begins later can come before the first hit that waits.
    fn begin_visits(&mut self) {
        while self.next_visit < self.visits {
            let begins = self.rhythm.at_ms(self.next_visit, self.visits);
            if self.waiting.peek().is_some_and(|Reverse(first)| first.1.at_ms < begins) {
                return;
            }
            let dice = self.shop.dice(Stream::Visit, self.next_visit);
            self.next_visit += 1;
            self.visit(begins, dice);
        }
    }

    fn visit(&mut self, begins: i64, dice: Dice) {
        let mut visit = Visit { at_ms: begins, client: Ipv4Addr::UNSPECIFIED, agent: "-", dice, hits: Vec::new() };
        visit.client = client(&mut visit.dice);
        match visit.dice.below(1000) {
            0..=79 => self.crawl(&mut visit),
            80..=94 => scan(&mut visit),
            95..=699 => self.look(&mut visit),
            700..=849 => self.track(&mut visit),
            _ => self.apply(&mut visit),
        }
        for hit in visit.hits.into_iter().filter(|hit| hit.at_ms < LOG_ENDS * 1000) {
            self.made += 1;
            self.waiting.push(Reverse(Waiting(self.made, hit)));
        }
    }

    fn crawl(&mut self, visit: &mut Visit) {
        visit.agent = visit.dice.pick(&CRAWLERS);
        visit.get("/robots.txt".into(), Answer { status: 200, bytes: 68 }, "-");
        for _ in 0..visit.dice.between(3, 10) {
            visit.pause(2, 30);
            match visit.dice.below(4) {
                0 => visit.get("/items".into(), self.renderer.items(&self.items), "-"),
                _ => self.item(visit, "-"),
            }
        }
    }

    fn look(&mut self, visit: &mut Visit) {
        self.home(visit);
        for _ in 0..visit.dice.between(1, 5) {
            visit.pause(4, 70);
            match visit.dice.below(20) {
                0..=9 => self.item(visit, FROM_ITEMS),
                10..=13 => visit.get("/items".into(), self.renderer.items(&self.items), FROM_HOME),
                14..=16 => self.search(visit),
                17 => visit.get("/area".into(), self.renderer.words("対応エリア", "世界170の国と地域で使えます。"), FROM_HOME),
                18 => visit.get(
                    "/faq".into(),
                    self.renderer.words("よくある質問", "受取カウンターは何時まで開いていますか。"),
                    FROM_HOME,
                ),
                _ => self.odd_item(visit),
            }
        }
    }

    /// The first page with what belongs to it.
    fn home(&mut self, visit: &mut Visit) {
        visit.agent = visit.dice.pick_common(&AGENTS);
        let referer = if visit.dice.chance(4000) { FROM_SEARCH } else { "-" };
        let campaign = visit.dice.chance(600);
        let target = if campaign { "/?utm_source=google&utm_medium=cpc&gclid=CJx7Qk9x7Qk9x7Qk9" } else { "/" };
        visit.get(target.into(), self.renderer.words("トップ", "海外で使えるモバイルWiFiルーターを1日から。"), referer);
        let cached = visit.dice.chance(3500);
        for (file, bytes) in
            [("/css/style.css", 5312), ("/js/jquery-1.8.3.min.js", 93_637), ("/img/logo.gif", 2871), ("/img/top.jpg", 48_210)]
        {
            let answer = if cached { server_page(304) } else { Answer { status: 200, bytes } };
            visit.pause(0, 1);
            visit.get(file.into(), answer, FROM_HOME);
        }
    }

    fn item(&mut self, visit: &mut Visit, referer: &'static str) {
        let count = self.items.len() as u64;
        let item = &self.items[visit.dice.below(count).min(visit.dice.below(count)) as usize];
        visit.get(format!("/item?id={}", item.id), self.renderer.item_of(item), referer);
    }

    fn odd_item(&mut self, visit: &mut Visit) {
        let (typed, shown, status) = visit.dice.pick(&ODD_IDS);
        let answer = match (shown.and_then(|id| self.items.iter().find(|item| item.id == id)), status) {
            (Some(item), _) => self.renderer.item_of(item),
            (None, 404) => self.renderer.no_item(),
            (None, _) => self.renderer.failed(),
        };
        visit.get(format!("/item?id={typed}"), answer, "-");
    }

    fn search(&mut self, visit: &mut Visit) {
        let found = visit.dice.below(9);
        let typed = visit.dice.pick_common(&SEARCHED);
        let answer = self.renderer.words("検索", &format!("{found}件見つかりました。{}", "<br />機種".repeat(found as usize)));
        visit.get(format!("/search?q={typed}"), answer, FROM_HOME);
    }

    fn track(&mut self, visit: &mut Visit) {
        visit.agent = visit.dice.pick_common(&AGENTS);
        visit.get("/track".into(), self.renderer.words("予約確認", "予約番号を入力してください。"), "-");
        visit.pause(10, 60);
        let number = self.shop.order_id(visit.dice.below(self.shop.orders.max(1)));
        let answer = self.renderer.words("予約確認", "ご予約を承っております。受取日の前日までにご案内をお送りします。");
        visit.get(format!("/track?no={number}"), answer, "http://www.kakehashi.example/track");
    }

    fn apply(&mut self, visit: &mut Visit) {
        self.home(visit);
        visit.pause(20, 90);
        self.item(visit, FROM_ITEMS);
        visit.pause(15, 60);
        visit.get("/apply".into(), self.renderer.words("お申し込み", "お名前とご住所を入力してください。"), FROM_ITEMS);
        visit.pause(60, 400);
        visit.request("POST", "/apply/confirm".into(), self.renderer.words("確認", "内容をご確認ください。"), FROM_APPLY);
        visit.pause(10, 60);
        visit.request("POST", "/apply/done".into(), server_page(302), FROM_APPLY);
        visit.get("/apply/thanks".into(), self.renderer.words("完了", "お申し込みありがとうございます。"), FROM_APPLY);
    }

    /// From the moment the shop closes its forms, its own pages only say so.
    fn closed(&mut self, mut hit: Hit) -> Hit {
        let from_disk = ["/css/", "/js/", "/img/", "/robots.txt"].iter().any(|folder| hit.target.starts_with(folder));
        if hit.at_ms >= SHOP_CLOSED * 1000 && !from_disk && !hit.method.is_empty() {
            hit.answer = self.renderer.closed();
        }
        hit
    }
}

impl Iterator for Traffic<'_> {
    type Item = Hit;

    fn next(&mut self) -> Option<Hit> {
        self.begin_visits();
        let Reverse(Waiting(_, hit)) = self.waiting.pop()?;
        Some(self.closed(hit))
    }
}

/// One visit while it is made up.
struct Visit {
    at_ms: i64,
    client: Ipv4Addr,
    agent: &'static str,
    dice: Dice,
    hits: Vec<Hit>,
}

impl Visit {
    fn pause(&mut self, low_s: u64, high_s: u64) {
        self.at_ms += self.dice.between(low_s * 1000 + 80, high_s * 1000 + 700).cast_signed();
    }

    fn get(&mut self, target: String, answer: Answer, referer: &'static str) {
        self.request("GET", target, answer, referer);
    }

    fn request(&mut self, method: &'static str, target: String, answer: Answer, referer: &'static str) {
        let (at_ms, client, agent) = (self.at_ms, self.client, self.agent);
        self.hits.push(Hit { at_ms, client, method, target, answer, referer, agent });
    }
}

fn scan(visit: &mut Visit) {
    visit.agent = visit.dice.pick(&SCANNERS);
    if visit.dice.chance(1500) {
        // A TLS greeting on the plain port, and a connection that never asks: nginx escapes and logs both.
        visit.agent = "-";
        visit.request("", "\\x16\\x03\\x01\\x00\\xC3\\x01\\x00\\x00\\xBF\\x03\\x01".into(), server_page(400), "-");
        visit.pause(1, 60);
        visit.request("", "-".into(), Answer { status: 408, bytes: 0 }, "-");
    }
    for _ in 0..visit.dice.between(2, 9) {
        visit.pause(0, 3);
        let target = visit.dice.pick(&SCANNED);
        visit.get(target.into(), server_page(404), "-");
    }
}

/// An address reserved for documentation (RFC 5737) or benchmarks (RFC 2544): nobody's.
fn client(dice: &mut Dice) -> Ipv4Addr {
    let low = dice.between(1, 254) as u8;
    match dice.below(100) {
        0..=84 => Ipv4Addr::new(198, 18 + dice.below(2) as u8, dice.below(256) as u8, low),
        85..=91 => Ipv4Addr::new(198, 51, 100, low),
        92..=95 => Ipv4Addr::new(192, 0, 2, low),
        _ => Ipv4Addr::new(203, 0, 113, low),
    }
}
