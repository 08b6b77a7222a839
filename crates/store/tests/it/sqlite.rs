//! The suite on SQLite, one test each, and what only a file can show.

use crate::case::{NOW, Place, everybody, freeze};
use crate::suite;

macro_rules! on_sqlite {
    ($($name:ident)*) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $name() {
            let dir = tempfile::tempdir().unwrap();
            suite::$name(Place::sqlite(dir.path())).await;
        }
    )* };
}

suite::every_case!(on_sqlite);

#[tokio::test]
async fn no_personal_data_lies_open_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::sqlite(dir.path());
    let store = place.open().await;
    let scope = freeze(&store, "one", &everybody(3)).await;
    store.plan_notices(scope, NOW).await.unwrap();
    store.enqueue("check", &kintsugi_case::Private::new("person1@example.jp".into()), NOW).await.unwrap();
    store.close().await;
    let written: Vec<u8> = ["case.db", "case.db-wal"]
        .iter()
        .flat_map(|name| std::fs::read(dir.path().join(".kintsugi").join(name)).unwrap_or_default())
        .collect();
    assert!(written.len() > 10_000, "something was written");
    for text in ["person1@", "example.jp", "山田", "03-1234", "千代田", "8431"] {
        assert!(!written.windows(text.len()).any(|window| window == text.as_bytes()), "{text} lies open");
    }
}

#[tokio::test]
async fn a_case_folder_may_have_an_odd_name() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::sqlite(&dir.path().join("a b?c#d%41 事件"));
    std::fs::create_dir(&place.dir).unwrap();
    place.open().await.close().await;
    assert!(place.dir.join(".kintsugi/case.db").is_file());
}

#[tokio::test]
async fn two_processes_share_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::sqlite(dir.path());
    let (one, other) = (place.open().await, place.open().await);
    let scope = freeze(&one, "one", &everybody(40)).await;
    let (a, b) = tokio::join!(one.plan_notices(scope, NOW), other.plan_notices(scope, NOW));
    assert_eq!(a.unwrap().new + b.unwrap().new, 40);
}
