//! The suite on a PostgreSQL of our own.

use kintsugi_case::StoreSpec;

use crate::server::Server;
use crate::suite;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_suite_passes_on_postgresql() {
    let server = Server::start();
    macro_rules! on_postgres {
        ($($name:ident)*) => { $(
            suite::$name(server.database(stringify!($name)).await).await;
        )* };
    }
    suite::every_case!(on_postgres);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_its_password() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("postgres://me:secret@localhost/case?host={}", dir.path().display());
    let error = kintsugi_store::Store::open(&StoreSpec::Postgres(url), dir.path(), &crate::case::keys()).await.err().unwrap();
    assert_eq!(error.to_string(), "cannot open the store (postgres://localhost/case)");
    assert!(!format!("{error:?}").contains("secret"));
}
