//! Serves every page from a made-up case, for looking at them: portal on 8090, console on 8091, an empty case's console on 8092.

#![allow(clippy::print_stdout, reason = "an example speaks to whoever runs it")]

mod made_up;

use kintsugi_serve::{Site, console, listen, portal};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let (full, empty) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let case = made_up::make(full.path(), 400, made_up::loopback()).await;
    let bare: Site = made_up::make_empty(empty.path(), made_up::loopback()).await;
    println!("portal  http://127.0.0.1:8090/n/{}", case.link);
    println!("        http://127.0.0.1:8090/n/{} (possible)", case.possible);
    println!("        http://127.0.0.1:8090/n/{} (nothing taken)", case.untouched);
    println!("console http://127.0.0.1:8091  {} / {}", made_up::STAFF.0, made_up::STAFF.1);
    println!("empty   http://127.0.0.1:8092  coupon {} (ended: {}), key {}", case.coupon, case.ended, made_up::API_KEY);
    made_up::write_back(&case.store, 1, "カードの番号だけでしょうか。住所はどうですか。").await;
    made_up::write_back(&case.store, 1, "カードの再発行の費用は、だれが払いますか。").await;
    tokio::try_join!(
        serve(8090, portal(case.site.clone())),
        serve(8091, console(case.site)),
        serve(8092, console(bare.clone())),
        serve(8093, portal(bare)),
    )?;
    Ok(())
}

async fn serve(port: u16, router: axum::Router) -> std::io::Result<()> {
    listen(TcpListener::bind(("127.0.0.1", port)).await?, router, std::future::pending()).await
}
