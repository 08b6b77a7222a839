//! What follows the first notices: reminders, the closing word; and that an approval covers exactly what was approved.

use kintsugi_store::Store;
use kintsugi_vault::Keys;

use crate::desk::{Desk, Post};

/// Lets somebody else than the planner approve the newest plan, as the console does.
pub(crate) fn approve(desk: &Desk) {
    let keys = Keys::open(&desk.case().join(".kintsugi/vault")).unwrap();
    let work = async {
        let store = Store::open(&kintsugi_case::StoreSpec::Sqlite, &desk.case(), &keys).await.unwrap();
        let plan = store.newest_plan().await.unwrap().unwrap();
        store.approve_plan(plan.number, &plan.digest, "h.ito", 1_369_634_400_000).await.unwrap().unwrap();
        store.close().await;
    };
    tokio::runtime::Runtime::new().unwrap().block_on(work);
}

/// A case in which two persons must agree, frozen, and with somebody who can plan.
pub(crate) fn frozen(seed: u64) -> (Desk, String) {
    let desk = Desk::drill(200, seed);
    desk.edit("approval = \"none\"", "approval = \"two-person\"");
    for stage in ["collect", "scope", "resolve", "freeze"] {
        assert!(desk.run(&[stage]).code <= 1, "{stage}");
    }
    let password = desk.run(&["staff", "m.sato"]).out.trim().to_owned();
    (desk, password)
}

/// What a command that sends says of it.
pub(crate) fn sent(desk: &Desk, args: &[&str]) -> serde_json::Value {
    desk.run(&[&["--json"], args].concat()).json()["result"].clone()
}

#[test]
fn a_template_that_changes_after_approval_voids_it() {
    let ((desk, password), post) = (frozen(31), Post::open());
    let url = post.url();
    let notify = ["notify", "--smtp", &url];
    assert_eq!(desk.run_with_password(&["notify", "plan", "--by", "m.sato"], &password).code, 0);
    assert_eq!(sent(&desk, &notify)["approved"], false);
    approve(&desk);

    let own = kintsugi_notify::default_templates().iter().find(|(name, _)| *name == "notice.ja.txt").unwrap().1;
    std::fs::create_dir_all(desk.case().join("templates")).unwrap();
    let place = desk.case().join("templates/notice.ja.txt");
    std::fs::write(&place, format!("{own}\nOne more line.\n")).unwrap();
    let said = desk.run(&notify);
    assert!(said.code == 1 && said.out.contains("notice.ja.txt is different"), "{}{}", said.out, said.err);
    assert_eq!(post.count(), 0, "nothing left");
    // The words of the mails, and whom they name, count like the templates.
    std::fs::write(&place, own).unwrap();
    desk.edit("phone = \"0120", "phone = \"0570");
    assert!(desk.run(&notify).out.contains("settings in case.toml is different"));
    assert_eq!(post.count(), 0);
    desk.edit("phone = \"0570", "phone = \"0120");
    let line = sent(&desk, &notify);
    assert_eq!(line["accepted"].as_u64(), Some(post.count()), "as approved, it goes: {line}");
    assert!(post.count() > 0);
}

#[test]
fn a_closing_word_is_planned_approved_and_sent_once_to_who_was_told() {
    let ((desk, password), post) = (frozen(32), Post::open());
    let url = post.url();
    assert_eq!(desk.run_with_password(&["notify", "plan", "--by", "m.sato"], &password).code, 0);
    approve(&desk);
    let told = sent(&desk, &["notify", "--smtp", &url])["accepted"].as_u64().unwrap();
    let closing = ["notify", "closing", "--smtp", &url];
    assert_eq!(sent(&desk, &closing)["approved"], false, "the plan of the notices is no plan of this");
    let planned = desk.run_with_password(&["--json", "notify", "closing", "--plan", "--by", "m.sato"], &password);
    assert_eq!(planned.code, 0, "{}", planned.err);
    assert_eq!(sent(&desk, &closing)["approved"], false);
    approve(&desk);
    assert_eq!(sent(&desk, &closing)["accepted"].as_u64(), Some(told));
    assert_eq!(post.count(), told * 2);
    assert_eq!(sent(&desk, &closing)["accepted"].as_u64(), Some(told));
    assert_eq!(post.count(), told * 2, "once");
    // The notices' own approval stands beside it, and a reminder finds no right that ends soon.
    assert_eq!(desk.run(&["notify", "--smtp", &url]).code, 1, "some have no mail address");
    let reminder = desk.run_with_password(&["--json", "notify", "reminder", "--plan", "--by", "m.sato"], &password).json();
    assert_eq!(reminder["result"]["lines"].as_array().unwrap().len(), 0, "{reminder}");
    assert_eq!(desk.run(&["verify"]).code, 0);
}

#[test]
fn keys_for_signing_are_made_and_checked() {
    let desk = Desk::drill(60, 33);
    desk.edit("[mail]\n", "[mail]\ndkim = [{ selector = \"k1\", key = \"k1.pem\" }, { selector = \"k2\", key = \"k2.pem\" }]\n");
    let check = desk.run(&["check"]);
    assert!(check.code == 2 && check.err.contains("k1.pem"), "{}{}", check.out, check.err);
    let made = desk.run(&["--json", "dkim", "--new", "k1"]);
    assert_eq!(made.code, 1, "k2 is missing: {}", made.err);
    let key = desk.case().join(".kintsugi/vault/k1.pem");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(desk.run(&["dkim", "--new", "k1"]).code, 2, "a key is never overwritten");

    let openssl = |args: &[&str]| std::process::Command::new("openssl").args(args).output().unwrap().stdout;
    let rsa = desk.case().join(".kintsugi/vault/k2.pem");
    openssl(&["genpkey", "-quiet", "-algorithm", "RSA", "-out", rsa.to_str().unwrap()]);
    let shown = desk.run(&["--json", "dkim"]).json()["result"]["records"].clone();
    for (at, (file, skip, kind)) in [(&key, 12, "ed25519"), (&rsa, 0, "rsa")].into_iter().enumerate() {
        let public = openssl(&["pkey", "-in", file.to_str().unwrap(), "-pubout", "-outform", "DER"]);
        let expected = format!("v=DKIM1; k={kind}; p={}", base64(&public[skip..]));
        assert_eq!(shown[at]["record"], expected, "as openssl says");
    }
    assert_eq!(shown[0]["name"], "k1._domainkey.kakehashi.example");
    assert_eq!(desk.run(&["check"]).code, 0);
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |part: &[u8]| {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(part.get(at).copied().unwrap_or_default()));
        let digits = (0..4).map(move |at| char::from(ALPHABET[(bits >> (18 - 6 * at) & 63) as usize]));
        digits.take(part.len() + 1).chain(std::iter::repeat_n('=', 3 - part.len())).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}
