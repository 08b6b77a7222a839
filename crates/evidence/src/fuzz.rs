//! What the fuzz targets under `fuzz/` reach into: the readers of files that nobody vouches for. Only compiled for them.

use kintsugi_case::Dbms;

use crate::snapshot::found::read_bytes;

/// Reads a file as one that was found, by every database system's rules. What is handed over is what the report counts.
pub fn found(bytes: &[u8]) {
    for dbms in [Dbms::MySql, Dbms::PostgreSql, Dbms::Sqlite] {
        let mut records = 0;
        let report = read_bytes(Box::new(std::io::Cursor::new(bytes.to_vec())), dbms, &mut |record, lists| {
            records += 1;
            assert!(record.list < lists.len(), "a record of a list that nobody knows");
        });
        assert_eq!(report.records, records);
    }
}
