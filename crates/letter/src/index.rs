//! The index of a batch: one line a letter, for the print shop. It names nobody.

use crate::{Error, Result};

/// One letter of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexLine {
    /// Its place, as printed on it.
    pub sequence: String,
    /// Its first page in the PDF, from 1.
    pub page_from: u32,
    /// Its last page.
    pub page_to: u32,
    /// The notice's number.
    pub number: String,
    /// The postal code as printed.
    pub postal_code: String,
    /// SHA-256 of (person, address, text).
    pub digest: String,
}

/// The index as CSV (RFC 4180) with a head.
pub fn index(lines: &[IndexLine]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = ["sequence", "page_from", "page_to", "notice", "postal_code", "sha256"];
    writer.write_record(head).map_err(Error::Index)?;
    for line in lines {
        let (from, to) = (line.page_from.to_string(), line.page_to.to_string());
        let fields = [&line.sequence, &from, &to, &line.number, &guarded(&line.postal_code), &line.digest];
        writer.write_record(fields).map_err(Error::Index)?;
    }
    writer.into_inner().map_err(|error| Error::Index(error.into_error().into()))
}

/// A spreadsheet must not take what somebody typed as their postal code for a formula.
fn guarded(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{IndexLine, index};

    #[test]
    fn a_postal_code_is_never_a_formula() {
        let line = |postal_code: &str| IndexLine {
            sequence: "0001-000001".into(),
            page_from: 1,
            page_to: 2,
            number: "K-2013-000001-9".into(),
            postal_code: postal_code.into(),
            digest: "ab".into(),
        };
        let text = String::from_utf8(index(&[line("〒100-0001"), line("=1+1"), line("a\",\"b")]).unwrap()).unwrap();
        assert_eq!(
            text,
            "sequence,page_from,page_to,notice,postal_code,sha256\n\
             0001-000001,1,2,K-2013-000001-9,〒100-0001,ab\n\
             0001-000001,1,2,K-2013-000001-9,'=1+1,ab\n\
             0001-000001,1,2,K-2013-000001-9,\"a\"\",\"\"b\",ab\n"
        );
    }
}
