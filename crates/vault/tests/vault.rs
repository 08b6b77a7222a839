//! The vault through its front door: what opens again, what does not, and what may never be found in a file.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use kintsugi_case::Pan;
use kintsugi_vault::{CardVault, CardVaultWriter, Error, Keys, Purpose, verify};
use proptest::prelude::*;

fn keys() -> Keys {
    Keys::from_seed([7; 32])
}

/// The `n`-th number of a test BIN with its check digit: no such number is written down in the tree.
fn pan(n: u32) -> Pan {
    (0..10).find_map(|check| Pan::parse(&format!("411111{n:09}{check}")).ok()).unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_case_key_is_made_once_and_opens_again() {
    let dir = tempfile::tempdir().unwrap();
    let vault = dir.path().join("vault");
    assert!(!Keys::exist(&vault));
    let made = Keys::create(&vault).unwrap();
    assert_eq!(Keys::open(&vault).unwrap().public_key(), made.public_key());
    assert!(matches!(Keys::create(&vault), Err(Error::CreateKey { .. })));
    assert_eq!(Keys::open(&vault).unwrap().public_key(), made.public_key());
    assert_eq!((mode(&vault), mode(&vault.join("case.key"))), (0o700, 0o600));
    assert_eq!(format!("{made:?}"), "Keys(…)");
}

#[test]
fn two_cases_share_nothing() {
    let (one, other) = (keys(), Keys::from_seed([8; 32]));
    assert_ne!(one.pan_token(&pan(1)), other.pan_token(&pan(1)));
    assert_ne!(one.blind_index(Purpose::Mail, "a"), other.blind_index(Purpose::Mail, "a"));
    assert_ne!(one.public_key(), other.public_key());
    assert!(other.unseal("x", &one.seal("x", b"secret")).is_err());
}

#[test]
fn a_file_that_is_no_key_is_told() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Keys::open(dir.path()), Err(Error::ReadKey { .. })));
    std::fs::write(dir.path().join("case.key"), "hello").unwrap();
    assert!(matches!(Keys::open(dir.path()), Err(Error::KeyFormat { .. })));
}

#[test]
fn a_token_is_stable_and_says_nothing_of_the_number() {
    let token = keys().pan_token(&pan(5));
    assert_eq!(token, keys().pan_token(&pan(5)));
    assert_ne!(token, keys().pan_token(&pan(6)));
    assert_eq!(token.len(), 30);
    assert!(token.strip_prefix("tok_").unwrap().bytes().all(|c| matches!(c, b'a'..=b'z' | b'2'..=b'7')));
}

#[test]
fn purposes_do_not_meet() {
    let mut seen = std::collections::HashSet::new();
    for purpose in Purpose::ALL {
        assert!(seen.insert(keys().blind_index(purpose, "x").to_vec()));
        assert!(seen.insert(keys().code_hash(purpose, "x").to_vec()));
        assert!(seen.insert(keys().subkey(purpose).to_vec()));
        assert!(seen.insert(keys().code(purpose, 1, 26).into_bytes()));
    }
}

#[test]
fn a_code_is_found_again_however_it_is_typed() {
    let code = keys().code(Purpose::CouponCode, 42, 20);
    assert_eq!(code.len(), 20);
    assert_ne!(code, keys().code(Purpose::CouponCode, 43, 20));
    let typed = format!("{}-{}", code[..10].to_lowercase(), &code[10..]).replace('0', "o").replace('1', "l");
    assert_eq!(keys().code_hash(Purpose::CouponCode, &typed), keys().code_hash(Purpose::CouponCode, &code));
}

#[test]
fn a_seal_opens_in_its_place_only() {
    let sealed = keys().seal("persons.name", "山田 花子".as_bytes());
    assert_eq!(sealed, keys().seal("persons.name", "山田 花子".as_bytes()));
    assert_eq!(keys().unseal("persons.name", &sealed).unwrap(), "山田 花子".as_bytes());
    assert!(matches!(keys().unseal("persons.email", &sealed), Err(Error::Unseal)));
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(keys().unseal("persons.name", &changed).is_err(), "byte {at}");
        assert!(keys().unseal("persons.name", &sealed[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn a_signature_binds_message_and_signer() {
    let signature = keys().sign(b"scope 1");
    assert!(verify(&keys().public_key(), b"scope 1", &signature));
    assert!(!verify(&keys().public_key(), b"scope 2", &signature));
    assert!(!verify(&Keys::from_seed([8; 32]).public_key(), b"scope 1", &signature));
    assert!(!verify("no key", b"scope 1", &signature) && !verify(&keys().public_key(), b"scope 1", "no signature"));
}

#[test]
fn evidence_travels_encrypted() {
    let plain = vec![b'x'; 200_000];
    let mut sealed = Vec::new();
    assert_eq!(keys().encrypt_evidence(&mut plain.as_slice(), &mut sealed).unwrap(), 200_000);
    let mut back = Vec::new();
    keys().decrypt_evidence(sealed.as_slice()).unwrap().read_to_end(&mut back).unwrap();
    assert_eq!(back, plain);
    assert!(Keys::from_seed([8; 32]).decrypt_evidence(sealed.as_slice()).is_err());
    let last = sealed.len() - 1;
    sealed[last] ^= 1;
    assert!(keys().decrypt_evidence(sealed.as_slice()).unwrap().read_to_end(&mut Vec::new()).is_err());
}

fn write_cards(dir: &Path, count: u32) -> Vec<u8> {
    let mut writer = CardVaultWriter::create(dir, &keys()).unwrap();
    for n in 0..count {
        writer.put(&keys().pan_token(&pan(n)), &pan(n), "07/14").unwrap();
    }
    assert_eq!(writer.finish().unwrap(), u64::from(count));
    std::fs::read(dir.join("cards.sealed")).unwrap()
}

#[test]
fn cards_come_back_in_order_and_are_not_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = write_cards(dir.path(), 3000);
    assert_eq!(bytes, write_cards(dir.path(), 3000), "same cards, same bytes");
    let mut n = 0;
    let count = CardVault::open(dir.path(), &keys()).unwrap().for_each(|token, card, expiry| {
        assert_eq!((token, card, expiry), (keys().pan_token(&pan(n)).as_str(), &pan(n), "07/14"));
        n += 1;
    });
    assert_eq!(count.unwrap(), 3000);
    assert!(!bytes.windows(6).any(|w| w == b"411111"));
    assert_eq!(mode(&dir.path().join("cards.sealed")), 0o600);
}

#[test]
fn a_changed_or_cut_card_file_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = write_cards(dir.path(), 2000);
    let read = |bytes: &[u8]| {
        std::fs::write(dir.path().join("cards.sealed"), bytes).unwrap();
        CardVault::open(dir.path(), &keys()).unwrap().for_each(|_, _, _| ())
    };
    for at in (0..bytes.len()).step_by(bytes.len() / 40) {
        assert!(read(&bytes[..at]).is_err(), "cut at {at}");
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        assert!(read(&changed).is_err(), "changed at {at}");
    }
    assert_eq!(read(&bytes).unwrap(), 2000);
}

#[test]
fn an_unfinished_card_file_leaves_the_older_one() {
    let dir = tempfile::tempdir().unwrap();
    write_cards(dir.path(), 3);
    let mut writer = CardVaultWriter::create(dir.path(), &keys()).unwrap();
    writer.put("tok_x", &pan(1), "").unwrap();
    drop(writer);
    assert_eq!(CardVault::open(dir.path(), &keys()).unwrap().for_each(|_, _, _| ()).unwrap(), 3);
}

proptest! {
    #[test]
    fn anything_sealed_opens(context in ".*", plain in any::<Vec<u8>>()) {
        prop_assert_eq!(keys().unseal(&context, &keys().seal(&context, &plain)).unwrap(), plain);
    }

    #[test]
    fn anything_typed_has_a_hash(typed in ".*", id in any::<u64>(), len in 0usize..200) {
        keys().code_hash(Purpose::LinkToken, &typed);
        prop_assert_eq!(keys().code(Purpose::LinkToken, id, len).len(), len);
    }
}
