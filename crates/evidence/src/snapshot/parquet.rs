//! Parquet: one table a file. The format is read back to front, so a plain file is hashed first and then opened in place;
//! a packed or encrypted one is held in memory, up to a bound.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use ::parquet::record::reader::RowIter;

use super::row::{Row, Sink};
use crate::open::{Compression, EvidenceFile, Opened};
use crate::{Error, Result};

/// Bytes of a packed Parquet file, unpacked. Parquet packs its own columns: nobody packs it twice on purpose.
const UNPACKED_BYTES_MAX: u64 = 1 << 30;

/// The top-level columns.
pub(super) fn columns(file: &EvidenceFile) -> Result<Vec<String>> {
    let reader = open(file)?;
    let schema = reader.metadata().file_metadata().schema();
    Ok(schema.get_fields().iter().map(|field| field.name().to_owned()).collect())
}

/// Hands every row over. Rows are counted in place of lines.
pub(super) fn read(file: &EvidenceFile, sink: &mut Sink<'_>) -> Result<()> {
    let reader = open(file)?;
    let rows = RowIter::from_file_into(reader);
    let mut row = Row::default();
    for (found, number) in rows.zip(1..) {
        match found {
            Ok(found) => {
                row.clear();
                found.get_column_iter().for_each(|(_, field)| put(field, &mut row));
                if sink.row(&row, number, None).is_break() {
                    return Ok(());
                }
            }
            Err(error) => {
                sink.truncated(number - 1, error);
                return Ok(());
            }
        }
    }
    Ok(())
}

fn put(field: &Field, row: &mut Row) {
    match field {
        Field::Null => return row.end_null(),
        Field::Str(text) => row.extend(text.as_bytes()),
        Field::Bool(yes) => row.extend(if *yes { b"1" } else { b"0" }),
        Field::Bytes(bytes) if std::str::from_utf8(bytes.data()).is_ok() => row.extend(bytes.data()),
        Field::Bytes(bytes) => row.extend(format!("0x{}", data_encoding::HEXUPPER.encode(bytes.data())).as_bytes()),
        Field::TimestampMillis(_) | Field::TimestampMicros(_) => row.extend(civil_time(&field.to_string()).as_bytes()),
        other => row.extend(other.to_string().as_bytes()),
    }
    row.end_value();
}

/// `2013-04-23 17:00:00`, as dumps have it: without a zone and without a fraction that says nothing.
fn civil_time(text: &str) -> &str {
    let text = text.split_once(" +").map_or(text, |(time, _)| time);
    let text = if text.contains('.') { text.trim_end_matches('0') } else { text };
    text.strip_suffix('.').unwrap_or(text)
}

fn open(file: &EvidenceFile) -> Result<Box<dyn FileReader>> {
    let broken = |error: ParquetError| Error::Snapshot { path: PathBuf::from(&file.name), reason: error.to_string() };
    if file.is_plain_file() && packing(file)? == Compression::None {
        file.verify()?;
        let plain = File::open(&file.path).map_err(|source| file.unreadable(source))?;
        return Ok(Box::new(SerializedFileReader::new(plain).map_err(broken)?));
    }
    let bytes = bytes::Bytes::from(unpacked(file, UNPACKED_BYTES_MAX)?);
    Ok(Box::new(SerializedFileReader::new(bytes).map_err(broken)?))
}

/// How a plain file is packed.
pub(super) fn packing(file: &EvidenceFile) -> Result<Compression> {
    let mut head = Vec::new();
    let opened = File::open(&file.path).and_then(|plain| plain.take(8).read_to_end(&mut head));
    opened.map_err(|source| file.unreadable(source))?;
    Ok(Compression::of(&head))
}

/// All bytes of a file, its digest checked.
pub(super) fn unpacked(file: &EvidenceFile, bytes_max: u64) -> Result<Vec<u8>> {
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
