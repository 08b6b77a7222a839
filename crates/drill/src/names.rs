//! Names: kanji, its reading in kana, and as embossed on a card. The common ones first, as in the country.

/// A name written in three ways.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name {
    pub(crate) kanji: &'static str,
    pub(crate) kana: &'static str,
    pub(crate) romaji: &'static str,
}

const fn n(kanji: &'static str, kana: &'static str, romaji: &'static str) -> Name {
    Name { kanji, kana, romaji }
}

#[rustfmt::skip]
pub(crate) const SURNAMES: &[Name] = &[
    n("佐藤", "サトウ", "SATO"), n("鈴木", "スズキ", "SUZUKI"), n("高橋", "タカハシ", "TAKAHASHI"), n("田中", "タナカ", "TANAKA"),
    n("伊藤", "イトウ", "ITO"), n("渡辺", "ワタナベ", "WATANABE"), n("山本", "ヤマモト", "YAMAMOTO"), n("中村", "ナカムラ", "NAKAMURA"),
    n("小林", "コバヤシ", "KOBAYASHI"), n("加藤", "カトウ", "KATO"), n("吉田", "ヨシダ", "YOSHIDA"), n("山田", "ヤマダ", "YAMADA"),
    n("佐々木", "ササキ", "SASAKI"), n("山口", "ヤマグチ", "YAMAGUCHI"), n("松本", "マツモト", "MATSUMOTO"), n("井上", "イノウエ", "INOUE"),
    n("木村", "キムラ", "KIMURA"), n("林", "ハヤシ", "HAYASHI"), n("斎藤", "サイトウ", "SAITO"), n("清水", "シミズ", "SHIMIZU"),
    n("山崎", "ヤマザキ", "YAMAZAKI"), n("森", "モリ", "MORI"), n("池田", "イケダ", "IKEDA"), n("橋本", "ハシモト", "HASHIMOTO"),
    n("阿部", "アベ", "ABE"), n("石川", "イシカワ", "ISHIKAWA"), n("山下", "ヤマシタ", "YAMASHITA"), n("中島", "ナカジマ", "NAKAJIMA"),
    n("石井", "イシイ", "ISHII"), n("小川", "オガワ", "OGAWA"), n("前田", "マエダ", "MAEDA"), n("岡田", "オカダ", "OKADA"),
    n("長谷川", "ハセガワ", "HASEGAWA"), n("藤田", "フジタ", "FUJITA"), n("後藤", "ゴトウ", "GOTO"), n("近藤", "コンドウ", "KONDO"),
    n("村上", "ムラカミ", "MURAKAMI"), n("遠藤", "エンドウ", "ENDO"), n("青木", "アオキ", "AOKI"), n("坂本", "サカモト", "SAKAMOTO"),
    n("斉藤", "サイトウ", "SAITO"), n("福田", "フクダ", "FUKUDA"), n("太田", "オオタ", "OTA"), n("西村", "ニシムラ", "NISHIMURA"),
    n("藤井", "フジイ", "FUJII"), n("藤原", "フジワラ", "FUJIWARA"), n("岡本", "オカモト", "OKAMOTO"), n("三浦", "ミウラ", "MIURA"),
    n("金子", "カネコ", "KANEKO"), n("中野", "ナカノ", "NAKANO"), n("中川", "ナカガワ", "NAKAGAWA"), n("原田", "ハラダ", "HARADA"),
    n("松田", "マツダ", "MATSUDA"), n("竹内", "タケウチ", "TAKEUCHI"), n("小野", "オノ", "ONO"), n("田村", "タムラ", "TAMURA"),
    n("中山", "ナカヤマ", "NAKAYAMA"), n("和田", "ワダ", "WADA"), n("石田", "イシダ", "ISHIDA"), n("森田", "モリタ", "MORITA"),
    n("上田", "ウエダ", "UEDA"), n("原", "ハラ", "HARA"), n("内田", "ウチダ", "UCHIDA"), n("柴田", "シバタ", "SHIBATA"),
    n("酒井", "サカイ", "SAKAI"), n("宮崎", "ミヤザキ", "MIYAZAKI"), n("横山", "ヨコヤマ", "YOKOYAMA"), n("高木", "タカギ", "TAKAGI"),
    n("安藤", "アンドウ", "ANDO"), n("宮本", "ミヤモト", "MIYAMOTO"), n("大野", "オオノ", "ONO"), n("小島", "コジマ", "KOJIMA"),
    n("谷口", "タニグチ", "TANIGUCHI"), n("今井", "イマイ", "IMAI"), n("工藤", "クドウ", "KUDO"), n("高田", "タカダ", "TAKADA"),
    n("増田", "マスダ", "MASUDA"), n("丸山", "マルヤマ", "MARUYAMA"), n("杉山", "スギヤマ", "SUGIYAMA"), n("村田", "ムラタ", "MURATA"),
    n("大塚", "オオツカ", "OTSUKA"), n("新井", "アライ", "ARAI"), n("小山", "コヤマ", "KOYAMA"), n("平野", "ヒラノ", "HIRANO"),
    n("藤本", "フジモト", "FUJIMOTO"), n("河野", "コウノ", "KONO"), n("上野", "ウエノ", "UENO"), n("野口", "ノグチ", "NOGUCHI"),
    n("武田", "タケダ", "TAKEDA"), n("松井", "マツイ", "MATSUI"), n("千葉", "チバ", "CHIBA"), n("菅原", "スガワラ", "SUGAWARA"),
    n("岩崎", "イワサキ", "IWASAKI"), n("久保", "クボ", "KUBO"), n("木下", "キノシタ", "KINOSHITA"), n("佐野", "サノ", "SANO"),
    n("野村", "ノムラ", "NOMURA"), n("松尾", "マツオ", "MATSUO"), n("菊地", "キクチ", "KIKUCHI"), n("市川", "イチカワ", "ICHIKAWA"),
    n("水野", "ミズノ", "MIZUNO"), n("島田", "シマダ", "SHIMADA"), n("桜井", "サクライ", "SAKURAI"), n("渡部", "ワタナベ", "WATANABE"),
    n("高野", "タカノ", "TAKANO"), n("吉川", "ヨシカワ", "YOSHIKAWA"), n("山内", "ヤマウチ", "YAMAUCHI"), n("西田", "ニシダ", "NISHIDA"),
    n("飯田", "イイダ", "IIDA"), n("菊池", "キクチ", "KIKUCHI"), n("西川", "ニシカワ", "NISHIKAWA"), n("小松", "コマツ", "KOMATSU"),
    n("北村", "キタムラ", "KITAMURA"), n("安田", "ヤスダ", "YASUDA"), n("五十嵐", "イガラシ", "IGARASHI"), n("川口", "カワグチ", "KAWAGUCHI"),
    n("平田", "ヒラタ", "HIRATA"), n("関", "セキ", "SEKI"), n("中田", "ナカタ", "NAKATA"), n("久保田", "クボタ", "KUBOTA"),
    n("服部", "ハットリ", "HATTORI"), n("東", "ヒガシ", "HIGASHI"), n("岩田", "イワタ", "IWATA"), n("土屋", "ツチヤ", "TSUCHIYA"),
    n("川崎", "カワサキ", "KAWASAKI"), n("福島", "フクシマ", "FUKUSHIMA"), n("本田", "ホンダ", "HONDA"), n("辻", "ツジ", "TSUJI"),
    n("樋口", "ヒグチ", "HIGUCHI"), n("秋山", "アキヤマ", "AKIYAMA"), n("田口", "タグチ", "TAGUCHI"), n("永井", "ナガイ", "NAGAI"),
    n("中西", "ナカニシ", "NAKANISHI"), n("川上", "カワカミ", "KAWAKAMI"), n("吉村", "ヨシムラ", "YOSHIMURA"), n("石原", "イシハラ", "ISHIHARA"),
    n("髙橋", "タカハシ", "TAKAHASHI"), n("渡邊", "ワタナベ", "WATANABE"), n("齋藤", "サイトウ", "SAITO"), n("長谷部", "ハセベ", "HASEBE"),
    n("勅使河原", "テシガワラ", "TESHIGAWARA"), n("𠮷田", "ヨシダ", "YOSHIDA"), n("小鳥遊", "タカナシ", "TAKANASHI"), n("東海林", "ショウジ", "SHOJI"),
];

#[rustfmt::skip]
pub(crate) const GIVEN: &[Name] = &[
    n("翔太", "ショウタ", "SHOTA"), n("美咲", "ミサキ", "MISAKI"), n("健一", "ケンイチ", "KENICHI"), n("陽子", "ヨウコ", "YOKO"),
    n("大輔", "ダイスケ", "DAISUKE"), n("愛", "アイ", "AI"), n("誠", "マコト", "MAKOTO"), n("恵子", "ケイコ", "KEIKO"),
    n("拓也", "タクヤ", "TAKUYA"), n("直美", "ナオミ", "NAOMI"), n("健太", "ケンタ", "KENTA"), n("由美子", "ユミコ", "YUMIKO"),
    n("達也", "タツヤ", "TATSUYA"), n("裕子", "ユウコ", "YUKO"), n("隆", "タカシ", "TAKASHI"), n("久美子", "クミコ", "KUMIKO"),
    n("浩", "ヒロシ", "HIROSHI"), n("真由美", "マユミ", "MAYUMI"), n("直樹", "ナオキ", "NAOKI"), n("彩", "アヤ", "AYA"),
    n("哲也", "テツヤ", "TETSUYA"), n("智子", "トモコ", "TOMOKO"), n("剛", "ツヨシ", "TSUYOSHI"), n("麻衣", "マイ", "MAI"),
    n("和也", "カズヤ", "KAZUYA"), n("千尋", "チヒロ", "CHIHIRO"), n("亮", "リョウ", "RYO"), n("優子", "ユウコ", "YUKO"),
    n("修", "オサム", "OSAMU"), n("香織", "カオリ", "KAORI"), n("学", "マナブ", "MANABU"), n("明美", "アケミ", "AKEMI"),
    n("茂", "シゲル", "SHIGERU"), n("友美", "トモミ", "TOMOMI"), n("大樹", "ダイキ", "DAIKI"), n("典子", "ノリコ", "NORIKO"),
    n("雄太", "ユウタ", "YUTA"), n("花子", "ハナコ", "HANAKO"), n("太郎", "タロウ", "TARO"), n("さくら", "サクラ", "SAKURA"),
    n("聡", "サトシ", "SATOSHI"), n("葵", "アオイ", "AOI"), n("淳", "ジュン", "JUN"), n("遥", "ハルカ", "HARUKA"),
    n("勇気", "ユウキ", "YUKI"), n("美穂", "ミホ", "MIHO"), n("純一", "ジュンイチ", "JUNICHI"), n("京子", "キョウコ", "KYOKO"),
    n("博", "ヒロシ", "HIROSHI"), n("千夏", "チナツ", "CHINATSU"), n("信行", "ノブユキ", "NOBUYUKI"), n("理恵", "リエ", "RIE"),
    n("圭介", "ケイスケ", "KEISUKE"), n("沙織", "サオリ", "SAORI"), n("光", "ヒカル", "HIKARU"), n("真理", "マリ", "MARI"),
    n("正人", "マサト", "MASATO"), n("幸子", "サチコ", "SACHIKO"), n("祐介", "ユウスケ", "YUSUKE"), n("春香", "ハルカ", "HARUKA"),
    n("慎一", "シンイチ", "SHINICHI"), n("みどり", "ミドリ", "MIDORI"), n("悟", "サトル", "SATORU"), n("奈々", "ナナ", "NANA"),
    n("一郎", "イチロウ", "ICHIRO"), n("絵里", "エリ", "ERI"), n("洋介", "ヨウスケ", "YOSUKE"), n("有紀", "ユキ", "YUKI"),
    n("敏夫", "トシオ", "TOSHIO"), n("舞", "マイ", "MAI"), n("晃", "アキラ", "AKIRA"), n("志保", "シホ", "SHIHO"),
    n("昭", "アキラ", "AKIRA"), n("和子", "カズコ", "KAZUKO"), n("幸司", "コウジ", "KOJI"), n("涼子", "リョウコ", "RYOKO"),
    n("裕樹", "ヒロキ", "HIROKI"), n("弘子", "ヒロコ", "HIROKO"), n("俊介", "シュンスケ", "SHUNSUKE"), n("七海", "ナナミ", "NANAMI"),
    n("三郎", "サブロウ", "SABURO"), n("ゆかり", "ユカリ", "YUKARI"), n("信二", "シンジ", "SHINJI"), n("瞳", "ヒトミ", "HITOMI"),
    n("勝", "マサル", "MASARU"), n("亜紀", "アキ", "AKI"), n("英樹", "ヒデキ", "HIDEKI"), n("小百合", "サユリ", "SAYURI"),
    n("孝之", "タカユキ", "TAKAYUKI"), n("節子", "セツコ", "SETSUKO"), n("竜也", "タツヤ", "TATSUYA"), n("真紀子", "マキコ", "MAKIKO"),
    n("勉", "ツトム", "TSUTOMU"), n("のぞみ", "ノゾミ", "NOZOMI"), n("潤", "ジュン", "JUN"), n("早紀", "サキ", "SAKI"),
    n("義男", "ヨシオ", "YOSHIO"), n("文子", "フミコ", "FUMIKO"), n("蓮", "レン", "REN"), n("結衣", "ユイ", "YUI"),
    n("進", "ススム", "SUSUMU"), n("千恵子", "チエコ", "CHIEKO"), n("貴史", "タカフミ", "TAKAFUMI"), n("里奈", "リナ", "RINA"),
    n("康弘", "ヤスヒロ", "YASUHIRO"), n("桃子", "モモコ", "MOMOKO"), n("清", "キヨシ", "KIYOSHI"), n("礼子", "レイコ", "REIKO"),
    n("竜之介", "リュウノスケ", "RYUNOSUKE"), n("佳奈", "カナ", "KANA"), n("亘", "ワタル", "WATARU"), n("和歌子", "ワカコ", "WAKAKO"),
];

pub(crate) const LATIN_SURNAMES: &[&str] = &[
    "Smith",
    "Brown",
    "Nguyen",
    "Kim",
    "Miller",
    "O'Brien",
    "Chen",
    "Wilson",
    "Garcia",
    "Martin",
    "Tran",
    "Lee",
    "Müller",
    "Rossi",
    "d'Angelo",
    "Santos",
    "Fernandez",
    "Wong",
    "Andersson",
    "MacDonald",
    "Patel",
    "Dubois",
    "Kowalski",
    "Van der Berg",
    "Singh",
];

pub(crate) const LATIN_GIVEN: &[&str] = &[
    "James", "Mary", "Michael", "Linh", "Kate", "David", "Minh", "Anna", "Daniel", "Sofia", "Thomas", "Emma", "Jean-Luc",
    "Grace", "Carlos", "Julia", "Wei", "Maria", "Peter", "Hannah", "Rahul", "Claire", "Lucas", "Nina", "Erik", "Siti", "Paul",
    "Chloé",
];

#[cfg(test)]
mod tests {
    use super::{GIVEN, SURNAMES};

    #[test]
    fn every_reading_is_kana_and_every_card_name_is_ascii() {
        for name in SURNAMES.iter().chain(GIVEN) {
            assert!(name.kana.chars().all(|c| ('ァ'..='ー').contains(&c)), "{name:?}");
            assert!(name.romaji.bytes().all(|b| b.is_ascii_uppercase()), "{name:?}");
            assert!(!name.kanji.is_ascii() && !name.kanji.contains(' '), "{name:?}");
        }
    }

    #[test]
    fn no_given_name_is_listed_twice() {
        let mut kanji: Vec<_> = GIVEN.iter().map(|name| name.kanji).collect();
        kanji.sort_unstable();
        kanji.dedup();
        assert_eq!(kanji.len(), GIVEN.len());
    }
}
