//! Addresses: real towns with their postal codes, made-up blocks and buildings.

use crate::dice::Dice;

/// A town as the post knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Town {
    zip: &'static str,
    japanese: &'static str,
    latin: &'static str,
}

const fn t(zip: &'static str, japanese: &'static str, latin: &'static str) -> Town {
    Town { zip, japanese, latin }
}

#[rustfmt::skip]
const TOWNS: &[Town] = &[
    t("150-0001", "東京都渋谷区神宮前", "Jingumae, Shibuya-ku, Tokyo"), t("154-0004", "東京都世田谷区太子堂", "Taishido, Setagaya-ku, Tokyo"),
    t("176-0002", "東京都練馬区桜台", "Sakuradai, Nerima-ku, Tokyo"), t("116-0002", "東京都荒川区荒川", "Arakawa, Arakawa-ku, Tokyo"),
    t("104-0061", "東京都中央区銀座", "Ginza, Chuo-ku, Tokyo"), t("106-0032", "東京都港区六本木", "Roppongi, Minato-ku, Tokyo"),
    t("160-0022", "東京都新宿区新宿", "Shinjuku, Shinjuku-ku, Tokyo"), t("171-0022", "東京都豊島区南池袋", "Minamiikebukuro, Toshima-ku, Tokyo"),
    t("145-0071", "東京都大田区田園調布", "Denenchofu, Ota-ku, Tokyo"), t("132-0035", "東京都江戸川区平井", "Hirai, Edogawa-ku, Tokyo"),
    t("135-0016", "東京都江東区東陽", "Toyo, Koto-ku, Tokyo"), t("166-0003", "東京都杉並区高円寺南", "Koenjiminami, Suginami-ku, Tokyo"),
    t("180-0004", "東京都武蔵野市吉祥寺本町", "Kichijojihoncho, Musashino-shi, Tokyo"), t("192-0046", "東京都八王子市明神町", "Myojincho, Hachioji-shi, Tokyo"),
    t("194-0022", "東京都町田市森野", "Morino, Machida-shi, Tokyo"), t("220-0012", "神奈川県横浜市西区みなとみらい", "Minatomirai, Nishi-ku, Yokohama, Kanagawa"),
    t("222-0033", "神奈川県横浜市港北区新横浜", "Shinyokohama, Kohoku-ku, Yokohama, Kanagawa"), t("211-0063", "神奈川県川崎市中原区小杉町", "Kosugimachi, Nakahara-ku, Kawasaki, Kanagawa"),
    t("251-0052", "神奈川県藤沢市藤沢", "Fujisawa, Fujisawa-shi, Kanagawa"), t("248-0006", "神奈川県鎌倉市小町", "Komachi, Kamakura-shi, Kanagawa"),
    t("252-0143", "神奈川県相模原市緑区橋本", "Hashimoto, Midori-ku, Sagamihara, Kanagawa"), t("260-0013", "千葉県千葉市中央区中央", "Chuo, Chuo-ku, Chiba, Chiba"),
    t("273-0005", "千葉県船橋市本町", "Honcho, Funabashi-shi, Chiba"), t("277-0005", "千葉県柏市柏", "Kashiwa, Kashiwa-shi, Chiba"),
    t("286-0033", "千葉県成田市花崎町", "Hanazakicho, Narita-shi, Chiba"), t("272-0021", "千葉県市川市八幡", "Yawata, Ichikawa-shi, Chiba"),
    t("330-0063", "埼玉県さいたま市浦和区高砂", "Takasago, Urawa-ku, Saitama, Saitama"), t("332-0016", "埼玉県川口市幸町", "Saiwaicho, Kawaguchi-shi, Saitama"),
    t("350-0043", "埼玉県川越市新富町", "Shintomicho, Kawagoe-shi, Saitama"), t("359-1123", "埼玉県所沢市日吉町", "Hiyoshicho, Tokorozawa-shi, Saitama"),
    t("530-0001", "大阪府大阪市北区梅田", "Umeda, Kita-ku, Osaka, Osaka"), t("542-0076", "大阪府大阪市中央区難波", "Namba, Chuo-ku, Osaka, Osaka"),
    t("545-0052", "大阪府大阪市阿倍野区阿倍野筋", "Abenosuji, Abeno-ku, Osaka, Osaka"), t("560-0021", "大阪府豊中市本町", "Honmachi, Toyonaka-shi, Osaka"),
    t("564-0051", "大阪府吹田市豊津町", "Toyotsucho, Suita-shi, Osaka"), t("569-0804", "大阪府高槻市紺屋町", "Konyamachi, Takatsuki-shi, Osaka"),
    t("590-0028", "大阪府堺市堺区三国ヶ丘御幸通", "Mikunigaokamiyukidori, Sakai-ku, Sakai, Osaka"), t("577-0841", "大阪府東大阪市足代", "Ajiro, Higashiosaka-shi, Osaka"),
    t("600-8216", "京都府京都市下京区東塩小路町", "Higashishiokojicho, Shimogyo-ku, Kyoto, Kyoto"), t("606-8225", "京都府京都市左京区田中門前町", "Tanakamonzencho, Sakyo-ku, Kyoto, Kyoto"),
    t("650-0021", "兵庫県神戸市中央区三宮町", "Sannomiyacho, Chuo-ku, Kobe, Hyogo"), t("662-0971", "兵庫県西宮市和上町", "Wajocho, Nishinomiya-shi, Hyogo"),
    t("670-0927", "兵庫県姫路市駅前町", "Ekimaecho, Himeji-shi, Hyogo"), t("630-8215", "奈良県奈良市東向中町", "Higashimukinakamachi, Nara-shi, Nara"),
    t("640-8331", "和歌山県和歌山市美園町", "Misonocho, Wakayama-shi, Wakayama"), t("520-0043", "滋賀県大津市中央", "Chuo, Otsu-shi, Shiga"),
    t("450-0002", "愛知県名古屋市中村区名駅", "Meieki, Nakamura-ku, Nagoya, Aichi"), t("460-0008", "愛知県名古屋市中区栄", "Sakae, Naka-ku, Nagoya, Aichi"),
    t("471-0025", "愛知県豊田市西町", "Nishimachi, Toyota-shi, Aichi"), t("440-0888", "愛知県豊橋市駅前大通", "Ekimaeodori, Toyohashi-shi, Aichi"),
    t("500-8833", "岐阜県岐阜市神田町", "Kandamachi, Gifu-shi, Gifu"), t("514-0009", "三重県津市羽所町", "Hadokorocho, Tsu-shi, Mie"),
    t("420-0857", "静岡県静岡市葵区御幸町", "Miyukicho, Aoi-ku, Shizuoka, Shizuoka"), t("430-0933", "静岡県浜松市中区鍛冶町", "Kajimachi, Naka-ku, Hamamatsu, Shizuoka"),
    t("380-0824", "長野県長野市南石堂町", "Minamiishidocho, Nagano-shi, Nagano"), t("390-0811", "長野県松本市中央", "Chuo, Matsumoto-shi, Nagano"),
    t("400-0031", "山梨県甲府市丸の内", "Marunouchi, Kofu-shi, Yamanashi"), t("950-0087", "新潟県新潟市中央区東大通", "Higashiodori, Chuo-ku, Niigata, Niigata"),
    t("930-0002", "富山県富山市新富町", "Shintomicho, Toyama-shi, Toyama"), t("920-0853", "石川県金沢市本町", "Honmachi, Kanazawa-shi, Ishikawa"),
    t("910-0006", "福井県福井市中央", "Chuo, Fukui-shi, Fukui"), t("310-0015", "茨城県水戸市宮町", "Miyamachi, Mito-shi, Ibaraki"),
    t("305-0031", "茨城県つくば市吾妻", "Azuma, Tsukuba-shi, Ibaraki"), t("320-0808", "栃木県宇都宮市宮園町", "Miyazonocho, Utsunomiya-shi, Tochigi"),
    t("370-0849", "群馬県高崎市八島町", "Yashimacho, Takasaki-shi, Gunma"), t("980-0021", "宮城県仙台市青葉区中央", "Chuo, Aoba-ku, Sendai, Miyagi"),
    t("020-0034", "岩手県盛岡市盛岡駅前通", "Moriokaekimaedori, Morioka-shi, Iwate"), t("030-0801", "青森県青森市新町", "Shinmachi, Aomori-shi, Aomori"),
    t("010-0001", "秋田県秋田市中通", "Nakadori, Akita-shi, Akita"), t("990-0039", "山形県山形市香澄町", "Kasumicho, Yamagata-shi, Yamagata"),
    t("960-8031", "福島県福島市栄町", "Sakaemachi, Fukushima-shi, Fukushima"), t("060-0005", "北海道札幌市中央区北五条西", "Kita 5-jo Nishi, Chuo-ku, Sapporo, Hokkaido"),
    t("070-0031", "北海道旭川市一条通", "Ichijodori, Asahikawa-shi, Hokkaido"), t("040-0063", "北海道函館市若松町", "Wakamatsucho, Hakodate-shi, Hokkaido"),
    t("700-0024", "岡山県岡山市北区駅元町", "Ekimotomachi, Kita-ku, Okayama, Okayama"), t("730-0031", "広島県広島市中区紙屋町", "Kamiyacho, Naka-ku, Hiroshima, Hiroshima"),
    t("720-0066", "広島県福山市三之丸町", "Sannomarucho, Fukuyama-shi, Hiroshima"), t("680-0833", "鳥取県鳥取市末広温泉町", "Suehiroonsencho, Tottori-shi, Tottori"),
    t("690-0003", "島根県松江市朝日町", "Asahimachi, Matsue-shi, Shimane"), t("750-0025", "山口県下関市竹崎町", "Takezakicho, Shimonoseki-shi, Yamaguchi"),
    t("760-0019", "香川県高松市サンポート", "Sunport, Takamatsu-shi, Kagawa"), t("770-0831", "徳島県徳島市寺島本町西", "Terashimahonchonishi, Tokushima-shi, Tokushima"),
    t("790-0012", "愛媛県松山市湊町", "Minatomachi, Matsuyama-shi, Ehime"), t("780-0833", "高知県高知市南はりまや町", "Minamiharimayacho, Kochi-shi, Kochi"),
    t("812-0012", "福岡県福岡市博多区博多駅中央街", "Hakataekichuogai, Hakata-ku, Fukuoka, Fukuoka"), t("810-0001", "福岡県福岡市中央区天神", "Tenjin, Chuo-ku, Fukuoka, Fukuoka"),
    t("802-0001", "福岡県北九州市小倉北区浅野", "Asano, Kokurakita-ku, Kitakyushu, Fukuoka"), t("840-0801", "佐賀県佐賀市駅前中央", "Ekimaechuo, Saga-shi, Saga"),
    t("850-0058", "長崎県長崎市尾上町", "Onouemachi, Nagasaki-shi, Nagasaki"), t("860-0047", "熊本県熊本市西区春日", "Kasuga, Nishi-ku, Kumamoto, Kumamoto"),
    t("870-0831", "大分県大分市要町", "Kanamemachi, Oita-shi, Oita"), t("880-0811", "宮崎県宮崎市錦町", "Nishikimachi, Miyazaki-shi, Miyazaki"),
    t("890-0053", "鹿児島県鹿児島市中央町", "Chuocho, Kagoshima-shi, Kagoshima"), t("900-0015", "沖縄県那覇市久茂地", "Kumoji, Naha-shi, Okinawa"),
];

const BUILDINGS: &[&str] = &[
    "コーポ青葉",
    "メゾン桜",
    "グリーンハイツ",
    "サンライズマンション",
    "第二ひばり荘",
    "プラザ駅前",
    "ハイム若葉",
    "レジデンス欅",
    "パークサイド",
    "コスモ朝日",
    "シャトー白樺",
    "ヴィラ小春",
];
const LATIN_BUILDINGS: &[&str] =
    &["Corpo Aoba", "Maison Sakura", "Green Heights", "Sunrise Mansion", "Park Side", "Residence Keyaki"];

const BLOCKS: [u64; 3] = [8, 60, 40];
/// How many house numbers there are: persons up to this many all live apart, unless they are a family.
pub(crate) const HOUSES: u64 = TOWNS.len() as u64 * BLOCKS[0] * BLOCKS[1] * BLOCKS[2];

/// A postal code and an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) zip: String,
    pub(crate) text: String,
}

/// The address at house number `house` (below [`HOUSES`]), in half of all cases in a building.
pub(crate) fn address(house: u64, latin: bool, dice: &mut Dice) -> Address {
    let [chome, block, number] = split(house);
    let town = TOWNS[(house / (BLOCKS[0] * BLOCKS[1] * BLOCKS[2])) as usize % TOWNS.len()];
    let room = dice.chance(5000).then(|| dice.between(1, 12) * 100 + dice.between(1, 8));
    let text = match (latin, room) {
        (false, None) => format!("{}{chome}-{block}-{number}", town.japanese),
        (false, Some(room)) => format!("{}{chome}-{block}-{number} {}{room}", town.japanese, dice.pick(BUILDINGS)),
        (true, None) => format!("{chome}-{block}-{number} {}", town.latin),
        (true, Some(room)) => format!("{} {room}, {chome}-{block}-{number} {}", dice.pick(LATIN_BUILDINGS), town.latin),
    };
    Address { zip: town.zip.to_owned(), text }
}

/// Chome, block and number within the town.
fn split(house: u64) -> [u64; 3] {
    [house % BLOCKS[0] + 1, house / BLOCKS[0] % BLOCKS[1] + 1, house / (BLOCKS[0] * BLOCKS[1]) % BLOCKS[2] + 1]
}

/// The same address as somebody else would type it: full-width figures and hyphens.
pub(crate) fn retyped(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '0'..='9' => char::from_u32(c as u32 - '0' as u32 + '０' as u32).unwrap_or(c),
            '-' => '－',
            ' ' => '　',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{BLOCKS, HOUSES, address, retyped, split};
    use crate::dice::{Dice, Stream};

    #[test]
    fn every_house_number_is_another_house() {
        let in_town = BLOCKS.iter().product::<u64>();
        let mut all: Vec<_> = (0..in_town).map(split).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!((all.len() as u64, HOUSES % in_town), (in_town, 0));
    }

    #[test]
    fn an_address_reads_as_one() {
        let mut dice = Dice::new(1, Stream::Person, 3);
        let japanese = address(0, false, &mut dice);
        assert!(japanese.text.starts_with("東京都渋谷区神宮前1-1-1"), "{japanese:?}");
        assert!(address(0, true, &mut dice).text.contains("1-1-1 Jingumae, Shibuya-ku, Tokyo"));
        assert_eq!(retyped("神宮前1-23 コーポ"), "神宮前１－２３　コーポ");
    }
}
