//! The shop's pages as its server sends them. They are really rendered, so that a size in the log is the size of a page.

use std::fmt::Write;

use crate::tables::Item;

const HEAD: &str = "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \
\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n<html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"ja\">\n\
<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\" />\n<title>";
const NAVIGATION: &str = " | 海外WiFiレンタル TABIDATA</title>\n<link rel=\"stylesheet\" href=\"/css/style.css\" type=\"text/css\" />\n\
<script src=\"/js/jquery-1.8.3.min.js\" type=\"text/javascript\"></script>\n</head>\n<body>\n<div id=\"header\"><a href=\"/\">\
<img src=\"/img/logo.gif\" alt=\"TABIDATA\" /></a>\n<ul class=\"nav\"><li><a href=\"/items\">料金・機種一覧</a></li>\
<li><a href=\"/area\">対応エリア</a></li><li><a href=\"/apply\">お申し込み</a></li><li><a href=\"/track\">予約確認</a></li>\
<li><a href=\"/faq\">よくある質問</a></li></ul></div>\n<div id=\"main\">\n";
const FOOT: &str = "</div>\n<div id=\"footer\"><p>受付時間 9:00-20:00 (年中無休)</p><address>Copyright &copy; 2013 Kakehashi Rental KK. \
All Rights Reserved.</address></div>\n</body>\n</html>\n";

/// What a page answered: the status and the size of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) bytes: u64,
}

/// Renders pages into one buffer, again and again.
#[derive(Default)]
pub(crate) struct Renderer {
    page: String,
}

impl Renderer {
    /// The page of one item, or of whatever a statement put in its place. The shop escapes nothing.
    pub(crate) fn item(&mut self, name: &str, description: &str, price: &str) -> Answer {
        self.answer(200, "機種の詳細", |page| {
            let _ = write!(
                page,
                "<h2>{name}</h2>\n<p class=\"descr\">{description}</p>\n<p class=\"price\">1日 {price}円</p>\n\
                 <form action=\"/apply\" method=\"get\"><input type=\"submit\" value=\"この機種を申し込む\" /></form>\n"
            );
        })
    }

    /// The page of an item of the shop.
    pub(crate) fn item_of(&mut self, item: &Item) -> Answer {
        self.item(&item.name, &item.description, &item.price.to_string())
    }

    /// The list of all items.
    pub(crate) fn items(&mut self, items: &[Item]) -> Answer {
        self.answer(200, "料金・機種一覧", |page| {
            page.push_str("<table>\n");
            for item in items {
                let _ = writeln!(
                    page,
                    "<tr><td><a href=\"/item?id={}\">{}</a></td><td>{}円</td></tr>",
                    item.id, item.name, item.price
                );
            }
            page.push_str("</table>\n");
        })
    }

    /// A page of words.
    pub(crate) fn words(&mut self, title: &str, words: &str) -> Answer {
        self.answer(200, title, |page| {
            let _ = writeln!(page, "<p>{words}</p>");
        })
    }

    /// No such item.
    pub(crate) fn no_item(&mut self) -> Answer {
        self.answer(404, "機種の詳細", |page| page.push_str("<p>該当する商品はありません。</p>\n"))
    }

    /// The database refused the statement. The shop does not show why.
    pub(crate) fn failed(&mut self) -> Answer {
        self.answer(500, "エラー", |page| {
            page.push_str("<p>ただいま混み合っています。しばらくしてからもう一度お試しください。</p>\n");
        })
    }

    /// The shop is closed.
    pub(crate) fn closed(&mut self) -> Answer {
        self.answer(503, "お知らせ", |page| {
            page.push_str("<p>ただいまシステムメンテナンスのため、お申し込みの受付を停止しています。</p>\n");
        })
    }

    fn answer(&mut self, status: u16, title: &str, body: impl FnOnce(&mut String)) -> Answer {
        self.page.clear();
        self.page.push_str(HEAD);
        self.page.push_str(title);
        self.page.push_str(NAVIGATION);
        body(&mut self.page);
        self.page.push_str(FOOT);
        Answer { status, bytes: self.page.len() as u64 }
    }
}

/// What nginx itself says where the shop does not answer, and for what is not there.
pub(crate) const fn server_page(status: u16) -> Answer {
    let bytes = match status {
        304 | 302 | 499 => 0,
        400 => 172,
        403 => 168,
        404 => 168,
        502 => 172,
        504 => 182,
        _ => 192,
    };
    Answer { status, bytes }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Renderer};

    #[test]
    fn a_page_grows_by_the_bytes_of_what_it_shows() {
        let mut renderer = Renderer::default();
        let empty = renderer.item("", "", "");
        let full = renderer.item("山田", "x", "980");
        assert_eq!(full, Answer { status: 200, bytes: empty.bytes + 6 + 1 + 3 });
    }
}
