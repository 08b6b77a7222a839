//! What people receive: word for word, and as an independent parser reads it.

use kintsugi_case::{ExposedRecord, FieldMeaning, Language, NoticeNumber, PersonProfile, Private};
use kintsugi_notify::{AnswerContent, Coverage, FactBook, Mail, NoticeContent, Page, Templates, Unsendable};
use mail_parser::{Address, Message, MessageParser, MimeHeaders as _};

use crate::people::{LINK, bases, card, case, composer, composer_with, coverage, ms, notice, person, registration, scope};

fn hanako() -> PersonProfile {
    person("髙橋 花子", "hanako@mail.example", Language::Ja)
}

fn alice() -> PersonProfile {
    person("Alice Tanaka", "alice@mail.example", Language::En)
}

fn shown(mail: &Mail) -> String {
    format!("{}\n\n{}", mail.subject.open(), mail.text.open())
}

fn told(person: &PersonProfile, exposed: &[ExposedRecord], coverage: Option<Coverage>) -> Result<Mail, Unsendable> {
    let content = NoticeContent { number: NoticeNumber::new(2013, 48_210), person, exposed, link: LINK, earlier: None };
    composer_with(coverage).notice(&content, ms("2013-05-27T09:00:00+09:00"))
}

/// The parsed mail, checked against what every mail must be.
fn parsed(mail: &Mail) -> Message<'_> {
    let message = MessageParser::default().parse(mail.bytes.open().as_slice()).unwrap();
    let to: Vec<&str> = message.to().unwrap().iter().filter_map(|to| to.address()).collect();
    assert_eq!(to, [mail.to.open().as_str()], "one recipient");
    assert!(message.cc().is_none() && message.bcc().is_none());
    assert_eq!(message.message_id(), Some(mail.message_id.as_str()));
    assert_eq!(message.subject(), Some(mail.subject.open().as_str()));
    assert_eq!(message.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
    assert!(message.header_raw("List-Unsubscribe").is_none());
    assert_eq!(message.body_text(0).unwrap().replace("\r\n", "\n"), *mail.text.open());
    assert_eq!(message.body_html(0).unwrap().replace("\r\n", "\n"), *mail.html.open());
    assert_eq!((message.text_body_count(), message.html_body_count(), message.attachment_count()), (1, 1, 0));
    assert!(message.parts.iter().all(|part| part.attachment_name().is_none()));
    wire(mail.bytes.open());
    message
}

/// RFC 5321 and 5322: seven bits, CRLF only, lines of at most 998 bytes.
fn wire(bytes: &[u8]) {
    assert!(bytes.is_ascii() && bytes.ends_with(b"\r\n"));
    for line in String::from_utf8(bytes.to_vec()).unwrap().split("\r\n") {
        assert!(line.len() <= 998 && !line.contains(['\r', '\n']));
    }
}

/// Nothing is fetched and nothing is asked when a mail is opened.
fn harmless(html: &str) {
    for wrong in ["<img", "<script", "<link", "<form", "<iframe", "url(", "@import", "src=", "cid:"] {
        assert!(!html.contains(wrong), "{wrong}");
    }
    assert!(html.len() < 30_000);
}

#[test]
fn a_card_taken_in_japanese() {
    let mail = notice(&hanako(), &[card("7", "Visa", "4242", 1)]);
    insta::assert_snapshot!(shown(&mail), @r"
    【重要】TABIDATA：お客様のカード情報が外部に取り出されました（お知らせ番号 K-2013-048210-0）

    髙橋 花子 様の Visa カード（末尾 4242）の情報が、外部の者に取り出されたことを確認しました。

    まず、カード会社に電話をして、カードの停止と再発行をお申し込みください。電話番号はカードの裏面にあります。

    TABIDATA を運営するカケハシレンタル株式会社です。当社は、お預かりした情報を守ることができませんでした。心よりお詫び申し上げます。

    ■ 取り出された情報

    【Visa カード（末尾 4242）】

    2012年8月3日に TABIDATA をご利用いただいたときの情報です。
    取り出された時刻：2013年4月19日 2時14分（日本時間）

    　カード番号：● 確認済み
    　有効期限：● 確認済み
    　セキュリティコード：● 確認済み
    　カード名義：● 確認済み
    　ご住所：● 確認済み

    【取り出された形跡がない情報】

    　電話番号：○ 対象外
    　メールアドレス：○ 対象外

    ※ 「確認済み」は、外部の者の手に渡ったことを記録から確かめた項目です。
    ※ 「対象外」は、2013年3月1日から2013年4月23日までのアクセス記録を調べ、取り出された形跡がなかった項目です。

    ■ なぜ分かるのですか

    ウェブサーバーに残っていたアクセス記録から、外部の者がデータベースに送った不正な命令を一つずつ取り出し、当時のデータを使って再現しました。「確認済み」とした項目には、お客様の記録を取り出す命令があり、サーバーが実際に返したデータの量が、再現した結果と一致しています。

    この判断は、2013年5月21日に確定した調査結果（第 2 版）によるものです。お客様についての判断が変わったときは、必ずあらためてお知らせします。

    ■ いま、していただきたいこと

    1. カード会社に電話をして、「加盟店から、カード情報が流出したという知らせを受けた」と伝え、カードの停止と再発行をお申し込みください。対象は Visa カード（末尾 4242）です。カード番号、有効期限、セキュリティコードがそろうと、インターネットでの買い物に使われるおそれがあります。お早めにお願いします。
    2. 2013年4月19日以降のカードの利用明細をお確かめください。覚えのない請求は、少額でも、すぐにカード会社へ届け出てください。補償には届け出の期限があります。
    3. 電気、電話、定期購入など、このカードで自動的に支払っているものを、新しいカードに登録し直してください。
    4. 取り出された連絡先を使った、見知らぬ電話、郵便、メールにご注意ください。
    5. 当社やカード会社を名乗る電話やメールで、カード番号、セキュリティコード、暗証番号、パスワードを聞かれても、お答えにならないでください。当社からお尋ねすることはありません。

    ■ お客様専用のページ

    取り出された項目の一つひとつと、その根拠になった記録をご覧いただけます。次回のご利用に使える 3,000円分のクーポンも、このページでお渡ししています（2014年6月30日まで）。

      https://kakehashi.example/n/7KQMX2VD94HTR6WE7KQMX2VD94

    ※ このアドレスはお客様だけのものです。ほかの方に転送なさらないでください。

    ■ お問い合わせ

    お知らせ番号をお手元にご用意ください。

    お知らせ番号　K-2013-048210-0
    電話　0120-000-000（平日 10時から19時、土日祝 10時から16時）
    メール　privacy@kakehashi.example

    ■ このお知らせが本物か確かめるには

    このメールのリンクは使わず、ブラウザーに次のアドレスを打ち込み、お知らせ番号 K-2013-048210-0 を入力してください。当社がお送りしたものかどうかが分かります。

      https://kakehashi.example/verify

    ※ 偽のメールと見分けやすいように、このメールには画像も添付ファイルもなく、開いたことを知る仕組みもありません。
    ※ このお知らせは 髙橋 花子 様おひとりにあてたものです。同じメールアドレスをご家族でお使いのときは、対象の方お一人ずつに別々にお送りしています。

    カケハシレンタル株式会社
    TABIDATA、Tabi Cellular
    ");
}

#[test]
fn a_card_taken_in_english() {
    let mail = notice(&alice(), &[card("7", "Visa", "4242", 1)]);
    insta::assert_snapshot!(shown(&mail), @r"
    Your card details were taken from TABIDATA (notice K-2013-048210-0)

    Alice Tanaka, the details of your Visa card ending in 4242 were taken by an intruder. We have confirmed this.

    Please start by calling your card issuer. Ask them to block the card and send you a new one; the phone number is on the back of the card.

    We are カケハシレンタル株式会社, the company behind TABIDATA. We were responsible for keeping your details safe and we did not. We are sorry.

    What was taken
    --------------

    Visa card ending in 4242

    From when you used TABIDATA on 3 August 2012.
    Taken: 19 April 2013 at 02:14 (Japan time)

      Card number: ● Confirmed
      Expiry date: ● Confirmed
      Security code: ● Confirmed
      Name on the card: ● Confirmed
      Postal address: ● Confirmed

    No sign that these were taken

      Phone number: ○ Not affected
      Email address: ○ Not affected

    Confirmed: our records show that the intruder received this.
    Not affected: we examined the access logs from 1 March 2013 to 23 April 2013 and found no sign that this was taken.

    How we know
    -----------

    Our web server kept a log of every request. From it we recovered each command that the intruder sent to our database, and ran it again on a copy of the data as it was then. For each item marked “Confirmed”, a command asked for your record, and the amount of data our server sent back matches what your record would have produced.

    These findings were fixed on 21 May 2013 (version 2 of our investigation). If our answer about you changes, we will write to you again.

    What to do now
    --------------

    1. Call your card issuer. Say that a merchant has told you your card details were stolen, and ask them to block the card and replace it. This applies to your Visa card ending in 4242. The card number, expiry date and security code together can be used to shop online, so please do not wait.
    2. Check your card statements from 19 April 2013 onwards. Report any charge you do not recognise to your card issuer at once, however small. There are time limits for getting the money back.
    3. When the new card arrives, update every service that charges the old one automatically, such as phone, electricity and subscriptions.
    4. Be wary of unexpected calls, letters and emails that use the contact details listed above.
    5. If anyone contacts you in our name, or in the name of your card issuer, and asks for a card number, security code, PIN or password, do not give it. We will never ask you for these.

    Your own page
    -------------

    See every item that was taken and the record that shows it. Your coupon for 3,000 yen off your next order is there too, valid until 30 June 2014.

      https://kakehashi.example/n/7KQMX2VD94HTR6WE7KQMX2VD94

    This address is for you alone. Please do not forward it.

    Questions
    ---------

    Please have your notice number ready.

    Notice number: K-2013-048210-0
    Phone: 0120-000-000 (平日 10時から19時、土日祝 10時から16時)
    Email: privacy@kakehashi.example

    How to check that this notice is genuine
    ----------------------------------------

    Do not use a link in this email. Type the address below into your browser and enter notice number K-2013-048210-0. You will see whether we sent it.

      https://kakehashi.example/verify

    To make forgeries easier to spot, this email has no images, no attachments and nothing that tells us whether you opened it.
    This notice is for Alice Tanaka alone. If your family shares this email address, each person affected gets a notice of their own.

    カケハシレンタル株式会社
    TABIDATA, Tabi Cellular
    ");
}

#[test]
fn several_records_of_one_person_are_one_mail() {
    let exposed = [card("9", "JCB", "1117", 3), card("7", "Visa", "4242", 1), registration("5", &[FieldMeaning::PersonEmail], 2)];
    insta::assert_snapshot!(shown(&notice(&hanako(), &exposed)), @r"
    【重要】TABIDATA：お客様のカード情報が外部に取り出されました（お知らせ番号 K-2013-048210-0）

    髙橋 花子 様の Visa カード（末尾 4242）の情報が、外部の者に取り出されたことを確認しました。

    JCB カード（末尾 1117）の情報も、取り出された可能性があります。

    まず、カード会社に電話をして、カードの停止と再発行をお申し込みください。電話番号はカードの裏面にあります。

    TABIDATA を運営するカケハシレンタル株式会社です。当社は、お預かりした情報を守ることができませんでした。心よりお詫び申し上げます。

    ■ 取り出された情報

    【Visa カード（末尾 4242）】

    2012年8月3日に TABIDATA をご利用いただいたときの情報です。
    取り出された時刻：2013年4月19日 2時14分（日本時間）

    　カード番号：● 確認済み
    　有効期限：● 確認済み
    　セキュリティコード：● 確認済み
    　カード名義：● 確認済み
    　ご住所：● 確認済み

    【JCB カード（末尾 1117）】

    2012年8月3日に TABIDATA をご利用いただいたときの情報です。

    　カード番号：◐ 可能性あり
    　有効期限：◐ 可能性あり
    　セキュリティコード：◐ 可能性あり
    　カード名義：◐ 可能性あり
    　ご住所：◐ 可能性あり

    【ご登録の情報】

    TABIDATA にご登録いただいた情報です。
    取り出そうとした命令の時刻：2013年4月19日 2時14分（日本時間）

    　メールアドレス：◐ 可能性あり

    【取り出された形跡がない情報】

    　電話番号：○ 対象外

    ※ 「確認済み」は、外部の者の手に渡ったことを記録から確かめた項目です。
    ※ 「可能性あり」は、渡ったとも、渡っていないとも言い切れない項目です。渡ったものとして、下の備えをお願いします。
    ※ 「対象外」は、2013年3月1日から2013年4月23日までのアクセス記録を調べ、取り出された形跡がなかった項目です。

    ■ なぜ分かるのですか

    ウェブサーバーに残っていたアクセス記録から、外部の者がデータベースに送った不正な命令を一つずつ取り出し、当時のデータを使って再現しました。「確認済み」とした項目には、お客様の記録を取り出す命令があり、サーバーが実際に返したデータの量が、再現した結果と一致しています。

    「可能性あり」とした項目には、お客様の記録を取り出そうとした命令がありました。ただし、残っている記録だけでは、実際に返されたかどうかを決められません。

    そのほかの「可能性あり」とした項目は、TABIDATA をご利用になった日が、情報が取り出されたおそれのある期間に入っているものです。渡ったかどうかを決められる証拠は残っていません。

    この判断は、2013年5月21日に確定した調査結果（第 2 版）によるものです。お客様についての判断が変わったときは、必ずあらためてお知らせします。

    ■ いま、していただきたいこと

    1. カード会社に電話をして、「加盟店から、カード情報が流出したという知らせを受けた」と伝え、カードの停止と再発行をお申し込みください。対象は Visa カード（末尾 4242）と JCB カード（末尾 1117）です。カード番号、有効期限、セキュリティコードがそろうと、インターネットでの買い物に使われるおそれがあります。お早めにお願いします。
    2. 2013年4月19日以降のカードの利用明細をお確かめください。覚えのない請求は、少額でも、すぐにカード会社へ届け出てください。補償には届け出の期限があります。
    3. 電気、電話、定期購入など、このカードで自動的に支払っているものを、新しいカードに登録し直してください。
    4. 取り出された連絡先を使った、見知らぬ電話、郵便、メールにご注意ください。
    5. 当社やカード会社を名乗る電話やメールで、カード番号、セキュリティコード、暗証番号、パスワードを聞かれても、お答えにならないでください。当社からお尋ねすることはありません。

    ■ お客様専用のページ

    取り出された項目の一つひとつと、その根拠になった記録をご覧いただけます。次回のご利用に使える 3,000円分のクーポンも、このページでお渡ししています（2014年6月30日まで）。

      https://kakehashi.example/n/7KQMX2VD94HTR6WE7KQMX2VD94

    ※ このアドレスはお客様だけのものです。ほかの方に転送なさらないでください。

    ■ お問い合わせ

    お知らせ番号をお手元にご用意ください。

    お知らせ番号　K-2013-048210-0
    電話　0120-000-000（平日 10時から19時、土日祝 10時から16時）
    メール　privacy@kakehashi.example

    ■ このお知らせが本物か確かめるには

    このメールのリンクは使わず、ブラウザーに次のアドレスを打ち込み、お知らせ番号 K-2013-048210-0 を入力してください。当社がお送りしたものかどうかが分かります。

      https://kakehashi.example/verify

    ※ 偽のメールと見分けやすいように、このメールには画像も添付ファイルもなく、開いたことを知る仕組みもありません。
    ※ このお知らせは 髙橋 花子 様おひとりにあてたものです。同じメールアドレスをご家族でお使いのときは、対象の方お一人ずつに別々にお送りしています。

    カケハシレンタル株式会社
    TABIDATA、Tabi Cellular
    ");
}

#[test]
fn what_is_only_possible_is_not_called_taken() {
    let mail = notice(&alice(), &[card("7", "Visa", "4242", 3)]);
    insta::assert_snapshot!(shown(&mail).lines().take(34).collect::<Vec<_>>().join("\n"), @r"
    Your card details may have been taken from TABIDATA (notice K-2013-048210-0)

    Alice Tanaka, the details of your Visa card ending in 4242 may have been taken by an intruder.

    Please start by calling your card issuer. Ask them to block the card and send you a new one; the phone number is on the back of the card.

    We are カケハシレンタル株式会社, the company behind TABIDATA. We were responsible for keeping your details safe and we did not. We are sorry.

    What may have been taken
    ------------------------

    Visa card ending in 4242

    From when you used TABIDATA on 3 August 2012.

      Card number: ◐ Possible
      Expiry date: ◐ Possible
      Security code: ◐ Possible
      Name on the card: ◐ Possible
      Postal address: ◐ Possible

    No sign that these were taken

      Phone number: ○ Not affected
      Email address: ○ Not affected

    Possible: we can neither show that the intruder received this nor rule it out. Please act as if they had it.
    Not affected: we examined the access logs from 1 March 2013 to 23 April 2013 and found no sign that this was taken.

    How we know
    -----------

    The items marked “Possible” date from when you used TABIDATA during the period in which details could have been taken. No evidence remains that could settle whether they were among them.
    ");
}

#[test]
fn without_logs_nothing_is_called_unaffected() {
    let exposed = [registration("5", &[FieldMeaning::PersonEmail], 3)];
    let without = told(&hanako(), &exposed, None).unwrap();
    assert!(!without.text.open().contains("対象外"));
    let gaps = told(&hanako(), &exposed, Some(coverage(false))).unwrap();
    assert!(gaps.text.open().contains("記録の一部に読み取れない箇所があります"));
}

#[test]
fn the_surest_verdict_is_told_and_how_it_is_known() {
    let both = notice(&hanako(), &[card("7", "Visa", "4242", 3), card("7", "Visa", "4242", 1)]);
    let proved = notice(&hanako(), &[card("7", "Visa", "4242", 1)]);
    assert_eq!(both.text.open(), proved.text.open(), "a window adds nothing to what a statement shows");
}

#[test]
fn many_records_are_counted_and_not_all_listed() {
    let exposed: Vec<ExposedRecord> = (0..45).map(|n| card(&n.to_string(), "Visa", &format!("{n:04}"), 1)).collect();
    assert!(notice(&hanako(), &exposed).text.open().contains("ほかに 15 件の記録があります"));
}

#[test]
fn every_mail_is_read_by_an_independent_parser() {
    for person in [hanako(), alice(), person("", "nobody@mail.example", Language::Ja)] {
        for exposed in [
            vec![card("7", "Visa", "4242", 1)],
            vec![card("7", "", "", 3)],
            vec![registration("5", &[FieldMeaning::AccountPasswordHash], 1)],
        ] {
            let mail = notice(&person, &exposed);
            parsed(&mail);
            harmless(mail.html.open());
            assert!(!mail.text.open().contains("{{") && !mail.html.open().contains("{{"));
            assert!(!mail.text.open().contains("\n\n\n"));
        }
    }
}

#[test]
fn the_name_and_the_date_arrive_as_they_are() {
    let mail = notice(&hanako(), &[card("7", "Visa", "4242", 1)]);
    let message = parsed(&mail);
    let Some(Address::List(to)) = message.to() else { panic!("a list") };
    assert_eq!(to[0].name(), Some("髙橋 花子"));
    assert_eq!(message.from().unwrap().first().unwrap().name(), Some("TABIDATA お客様窓口"));
    assert_eq!(message.date().unwrap().to_rfc3339(), "2013-05-27T09:00:00+09:00");
    assert_eq!(message.header_raw("Content-Language").map(str::trim), Some("ja"));
}

#[test]
fn no_word_of_a_person_can_begin_a_header_or_an_element() {
    let exposed = [card("7", "Visa", "4242", 1)];
    let wicked = person("Eve\r\nBcc: all@mail.example <b onclick=x>&\"'", "eve@mail.example", Language::En);
    let mail = notice(&wicked, &exposed);
    let message = MessageParser::default().parse(mail.bytes.open().as_slice()).unwrap();
    assert!(message.bcc().is_none());
    assert_eq!(message.to().unwrap().iter().count(), 1);
    assert!(!mail.html.open().contains("<b onclick"));
    let injected = person("Eve", "eve@mail.example\r\nRCPT TO:<all@mail.example>", Language::En);
    assert_eq!(told(&injected, &exposed, None).unwrap_err(), Unsendable::Address);
}

#[test]
fn a_notice_composed_again_is_the_same_to_the_byte() {
    let one = notice(&hanako(), &[card("7", "Visa", "4242", 1)]);
    let two = notice(&hanako(), &[card("7", "Visa", "4242", 1)]);
    assert_eq!(one.bytes, two.bytes);
    assert_eq!(one.message_id, "k-2013-048210-0.2@kakehashi.example");
}

#[test]
fn two_persons_who_share_an_address_get_two_notices_that_name_them() {
    let taro = person("髙橋 太郎", "hanako@mail.example", Language::Ja);
    let (hers, his) = (notice(&hanako(), &[card("7", "Visa", "4242", 1)]), notice(&taro, &[card("8", "JCB", "1117", 1)]));
    assert!(hers.text.open().starts_with("髙橋 花子 様の Visa") && his.text.open().starts_with("髙橋 太郎 様の JCB"));
}

#[test]
fn who_lost_nothing_gets_no_notice() {
    assert_eq!(told(&hanako(), &[], None).unwrap_err(), Unsendable::Nothing);
    assert_eq!(told(&person("x", "", Language::Ja), &[card("7", "Visa", "4242", 1)], None).unwrap_err(), Unsendable::Address);
}

#[test]
fn a_case_without_a_sender_cannot_compose() {
    let mut case = case();
    case.mail.as_mut().unwrap().from = "nobody".into();
    let error =
        kintsugi_notify::Composer::new(&case, Templates::parse(&[], FactBook::default()).unwrap(), &scope(), &bases(), None)
            .unwrap_err();
    assert!(error.to_string().contains("is no sender"), "{error}");
}

#[test]
fn the_answer_leads_to_a_page_for_each_person() {
    let pages = [Page { name: Private::new("髙橋 花子".into()), link: LINK.into() }];
    let to = Private::new("hanako@mail.example".to_owned());
    let content = AnswerContent { id: "12".into(), to: &to, language: Language::Ja, pages: &pages };
    let mail = composer().answer(&content, ms("2013-05-27T09:00:00+09:00")).unwrap();
    parsed(&mail);
    harmless(mail.html.open());
    insta::assert_snapshot!(shown(&mail), @r"
    【TABIDATA、Tabi Cellular】お問い合わせへの回答

    このメールアドレスで登録された情報について、お知らせがあります。

    次のページで、取り出された情報、その根拠、していただきたいことをご覧いただけます。

    【髙橋 花子 様】

      https://kakehashi.example/n/7KQMX2VD94HTR6WE7KQMX2VD94

    ※ これらのアドレスはご本人だけのものです。ほかの方に転送なさらないでください。

    ■ このメールについて

    https://kakehashi.example で、このメールアドレスを入力して回答をお求めになった方にお送りしています。お心当たりがない場合は、何もなさらなくてかまいません。

    電話　0120-000-000（平日 10時から19時、土日祝 10時から16時）
    メール　privacy@kakehashi.example

    カケハシレンタル株式会社
    TABIDATA、Tabi Cellular
    ");
}

#[test]
fn the_answer_to_somebody_who_is_not_affected() {
    let to = Private::new("alice@mail.example".to_owned());
    let content = AnswerContent { id: "13".into(), to: &to, language: Language::En, pages: &[] };
    let mail = composer().answer(&content, ms("2013-05-27T09:00:00+09:00")).unwrap();
    parsed(&mail);
    insta::assert_snapshot!(shown(&mail), @r"
    TABIDATA, Tabi Cellular: the answer you asked for

    We have nothing to tell you about this email address.

    According to the findings fixed on 21 May 2013 (version 2 of our investigation), nobody registered with this email address is among the people affected. If that changes, we will write to you.

    If you may have registered with a different address, please check that one too.

      https://kakehashi.example

    About this email
    ----------------

    Someone entered this email address at https://kakehashi.example and asked for an answer. If it was not you, there is nothing you need to do.

    Phone: 0120-000-000 (平日 10時から19時、土日祝 10時から16時)
    Email: privacy@kakehashi.example

    カケハシレンタル株式会社
    TABIDATA, Tabi Cellular
    ");
}
