//! Functions by which a statement makes its answer wait. Here they only note how long: a hundred thousand of them are
//! replayed in seconds.

use std::cell::Cell;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Result};

thread_local! {
    static WAITED: Cell<f64> = const { Cell::new(0.0) };
}

/// How long a call of BENCHMARK, `RANDOMBLOB` or a long `generate_series` takes depends on the machine: seconds that stand
/// for "longer than a page".
const LONG: f64 = 1.0;
/// Work beyond which a call is meant to be felt.
const WORK_MIN: f64 = 100_000.0;

/// Teaches a connection the functions.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8;
    connection.create_scalar_function("sleep", 1, flags, |context| Ok(wait(number(context, 0))))?;
    connection.create_scalar_function("benchmark", 2, flags, |context| Ok(work(number(context, 0))))?;
    connection.create_scalar_function("wait_series", -1, flags, |context| Ok(work(number(context, 1))))?;
    connection.create_scalar_function("wait_blob", 1, flags, |context| {
        work(number(context, 0));
        Ok(Value::Text("blob".into()))
    })
}

/// Runs something and gives the seconds that it would have waited beside its result.
pub(crate) fn measured<T>(run: impl FnOnce() -> T) -> (T, f64) {
    WAITED.set(0.0);
    let result = run();
    (result, WAITED.get())
}

fn wait(seconds: f64) -> Value {
    WAITED.set(WAITED.get() + seconds.max(0.0));
    Value::Integer(0)
}

fn work(amount: f64) -> Value {
    wait(if amount >= WORK_MIN { LONG } else { 0.0 })
}

fn number(context: &Context<'_>, at: usize) -> f64 {
    if at >= context.len() {
        return 0.0;
    }
    match context.get_raw(at) {
        ValueRef::Integer(number) => number as f64,
        ValueRef::Real(number) => number,
        ValueRef::Text(text) => std::str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0.0),
        _ => 0.0,
    }
}
