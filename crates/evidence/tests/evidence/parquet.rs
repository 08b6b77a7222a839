//! Parquet snapshots, written here by the library that reads them.

use std::ops::ControlFlow;
use std::sync::Arc;

use kintsugi_evidence::SnapshotReader;
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::folder::{Folder, zstd};

/// Two row groups of `id, name, day, at`; the second row's name is NULL.
fn table() -> Vec<u8> {
    let message = "message t {
        required int64 id; optional binary name (UTF8); required int32 day (DATE); required int64 at (TIMESTAMP_MILLIS);
    }";
    let schema = Arc::new(parse_message_type(message).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::new())).unwrap();
    for group in 0..2i64 {
        let mut columns = writer.next_row_group().unwrap();
        let mut column = columns.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&[group * 2 + 1, group * 2 + 2], None, None).unwrap();
        column.close().unwrap();
        let mut column = columns.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&[ByteArray::from("山田 花子")], Some(&[1, 0]), None).unwrap();
        column.close().unwrap();
        let mut column = columns.next_column().unwrap().unwrap();
        column.typed::<Int32Type>().write_batch(&[15_818, 15_819], None, None).unwrap();
        column.close().unwrap();
        let mut column = columns.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&[1_366_704_000_000, 1_366_704_000_500], None, None).unwrap();
        column.close().unwrap();
        columns.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn rows(folder: &Folder) -> Vec<String> {
    folder.collect().unwrap();
    let reader = SnapshotReader::open(folder.path(), &folder.case().sources[0], &folder.keys).unwrap();
    assert_eq!(reader.tables()[0].columns, ["id", "name", "day", "at"]);
    let mut rows = Vec::new();
    let report = reader.read_table("t", &mut |row| {
        rows.push(row.iter().map(|value| value.unwrap_or("NULL")).collect::<Vec<_>>().join("|"));
        ControlFlow::Continue(())
    });
    assert_eq!(report.unwrap().rows, rows.len() as u64);
    rows
}

#[test]
fn rows_come_as_other_dumps_write_them() {
    for (name, bytes) in [("t.parquet", table()), ("t.parquet.zst", zstd(&table()))] {
        let folder = Folder::new().source("mariadb", "").with(&format!("snapshot/{name}"), bytes);
        assert_eq!(
            rows(&folder),
            [
                "1|山田 花子|2013-04-23|2013-04-23 08:00:00",
                "2|NULL|2013-04-24|2013-04-23 08:00:00.5",
                "3|山田 花子|2013-04-23|2013-04-23 08:00:00",
                "4|NULL|2013-04-24|2013-04-23 08:00:00.5",
            ]
        );
    }
}

#[test]
fn a_damaged_file_never_makes_it_panic() {
    let bytes = table();
    // The library panics at some of these; what matters is that nobody sees it.
    std::panic::set_hook(Box::new(|_| ()));
    for at in (0..bytes.len()).step_by(5) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        let folder = Folder::new().source("mariadb", "").with("snapshot/t.parquet", damaged);
        folder.collect().unwrap();
        let source = &folder.case().sources[0];
        if let Ok(reader) = SnapshotReader::open(folder.path(), source, &folder.keys) {
            reader.read_table("t", &mut |_| ControlFlow::Continue(())).unwrap();
        }
    }
}
