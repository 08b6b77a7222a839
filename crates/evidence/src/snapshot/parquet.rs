//! Parquet: one table a file. The format is read back to front, so a plain file is hashed first and then opened in place;
//! a packed or encrypted one is held in memory, up to a bound.

use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use ::parquet::record::reader::RowIter;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, civil};

use super::row::{Row, Sink};
use crate::Error;
use crate::open::{Compression, EvidenceFile, Opened};

/// Bytes of a packed Parquet file, unpacked. Parquet packs its own columns: nobody packs it twice on purpose.
const UNPACKED_BYTES_MAX: u64 = 1 << 30;

/// The top-level columns.
pub(super) fn columns(file: &EvidenceFile) -> crate::Result<Vec<String>> {
    let reader = open(file)?;
    let schema = reader.metadata().file_metadata().schema();
    Ok(schema.get_fields().iter().map(|field| field.name().to_owned()).collect())
}

/// Hands every row over. Rows are counted in place of lines.
pub(super) fn read(file: &EvidenceFile, sink: &mut Sink<'_>) -> crate::Result<()> {
    let reader = open(file)?;
    let mut rows = RowIter::from_file_into(reader);
    let mut row = Row::default();
    for number in 1.. {
        match guarded(|| next(&mut rows, &mut row)) {
            Ok(true) if sink.row(&row, number, None).is_break() => break,
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                sink.truncated(number - 1, error);
                break;
            }
        }
    }
    Ok(())
}

/// False at the end.
fn next(rows: &mut RowIter<'_>, row: &mut Row) -> Result<bool, ParquetError> {
    row.clear();
    let Some(found) = rows.next().transpose()? else { return Ok(false) };
    found.get_column_iter().for_each(|(_, field)| put(field, row));
    Ok(true)
}

/// The library panics at damage where it should tell. A damaged file is evidence like any other: what could be read counts.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(ParquetError::General("the file is damaged".into())))
}

fn put(field: &Field, row: &mut Row) {
    match field {
        Field::Null => return row.end_null(),
        Field::Str(text) => row.extend(text.as_bytes()),
        Field::Bool(yes) => row.extend(if *yes { b"1" } else { b"0" }),
        Field::Bytes(bytes) if std::str::from_utf8(bytes.data()).is_ok() => row.extend(bytes.data()),
        Field::Bytes(bytes) => row.extend(format!("0x{}", data_encoding::HEXUPPER.encode(bytes.data())).as_bytes()),
        Field::Date(days) => row.extend(day(*days).as_bytes()),
        Field::TimestampMillis(at) => row.extend(time(Timestamp::from_millisecond(*at).ok(), *at).as_bytes()),
        Field::TimestampMicros(at) => row.extend(time(Timestamp::from_microsecond(*at).ok(), *at).as_bytes()),
        other => row.extend(other.to_string().as_bytes()),
    }
    row.end_value();
}

/// `2013-04-23`. The library panics at days that no calendar has; those stay numbers.
fn day(days: i32) -> String {
    let day = civil::date(1970, 1, 1).checked_add(days.days());
    day.map_or_else(|_| days.to_string(), |day| day.to_string())
}

/// `2013-04-23 17:00:00`, as dumps have it: without a zone, and with a fraction only where there is one.
fn time(at: Option<Timestamp>, number: i64) -> String {
    at.map_or_else(|| number.to_string(), |at| TimeZone::UTC.to_datetime(at).to_string().replace('T', " "))
}

fn open(file: &EvidenceFile) -> crate::Result<Box<dyn FileReader>> {
    let broken = |error: ParquetError| Error::Snapshot { path: PathBuf::from(&file.name), reason: error.to_string() };
    if file.is_plain_file() && packing(file)? == Compression::None {
        file.verify()?;
        let plain = File::open(&file.path).map_err(|source| file.unreadable(source))?;
        return Ok(Box::new(guarded(|| SerializedFileReader::new(plain)).map_err(broken)?));
    }
    let bytes = bytes::Bytes::from(unpacked(file, UNPACKED_BYTES_MAX)?);
    Ok(Box::new(guarded(|| SerializedFileReader::new(bytes)).map_err(broken)?))
}

/// How a plain file is packed.
pub(super) fn packing(file: &EvidenceFile) -> crate::Result<Compression> {
    let mut head = Vec::new();
    let opened = File::open(&file.path).and_then(|plain| plain.take(8).read_to_end(&mut head));
    opened.map_err(|source| file.unreadable(source))?;
    Ok(Compression::of(&head))
}

/// All bytes of a file, its digest checked.
pub(super) fn unpacked(file: &EvidenceFile, bytes_max: u64) -> crate::Result<Vec<u8>> {
    let Opened { reader, seal } = file.open()?;
    let mut bytes = Vec::new();
    let read = reader.take(bytes_max + 1).read_to_end(&mut bytes);
    seal.check()?;
    let reason = match read {
        Err(error) => error.to_string(),
        Ok(_) if bytes.len() as u64 > bytes_max => format!("packed and longer than {} MiB: unpack it first", bytes_max >> 20),
        Ok(_) => return Ok(bytes),
    };
    Err(Error::Snapshot { path: PathBuf::from(&file.name), reason })
}
