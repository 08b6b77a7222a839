//! Bytes of a text file as UTF-8, whatever they were. Decoding comes before parsing: in Shift_JIS the second byte of a
//! character can be a backslash or a vertical bar.

use std::io::{self, BufRead, Read};

use kintsugi_case::Encoding;

/// Bytes of decoded text made at a time.
const BLOCK_BYTES: usize = 64 * 1024;

/// The input as UTF-8. Bytes that are no text in their encoding become U+FFFD, except in UTF-8, which is passed on as it is.
pub(super) fn utf8(mut input: Box<dyn BufRead>, encoding: Encoding) -> io::Result<Box<dyn BufRead>> {
    let decoder = match encoding {
        Encoding::Utf8 => {
            skip_mark(&mut input)?;
            return Ok(input);
        }
        Encoding::ShiftJis => encoding_rs::SHIFT_JIS.new_decoder(),
        Encoding::EucJp => encoding_rs::EUC_JP.new_decoder(),
    };
    Ok(Box::new(Decoded { input, decoder, text: vec![0; BLOCK_BYTES], filled: 0, at: 0, ended: false }))
}

/// The input as UTF-8, from any encoding. Bytes that are no text in it become U+FFFD.
pub(super) fn decoded(input: Box<dyn BufRead>, encoding: &'static encoding_rs::Encoding) -> Box<dyn BufRead> {
    let decoder = encoding.new_decoder();
    Box::new(Decoded { input, decoder, text: vec![0; BLOCK_BYTES], filled: 0, at: 0, ended: false })
}

fn skip_mark(input: &mut Box<dyn BufRead>) -> io::Result<()> {
    if input.fill_buf()?.starts_with("\u{FEFF}".as_bytes()) {
        input.consume(3);
    }
    Ok(())
}

struct Decoded {
    input: Box<dyn BufRead>,
    decoder: encoding_rs::Decoder,
    text: Vec<u8>,
    filled: usize,
    at: usize,
    ended: bool,
}

impl BufRead for Decoded {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at >= self.filled && !self.ended {
            let block = self.input.fill_buf()?;
            let last = block.is_empty();
            let (result, read, written, _) = self.decoder.decode_to_utf8(block, &mut self.text, last);
            self.input.consume(read);
            (self.at, self.filled) = (0, written);
            self.ended = last && result == encoding_rs::CoderResult::InputEmpty;
        }
        Ok(&self.text[self.at..self.filled])
    }

    fn consume(&mut self, bytes: usize) {
        self.at += bytes;
    }
}

impl Read for Decoded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?.read(out)?;
        self.consume(bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use kintsugi_case::Encoding;

    use super::utf8;

    fn check(encoding: Encoding, bytes: &'static [u8], expected: &str) {
        for block in [1, 7, 4096] {
            let mut text = String::new();
            let input = Box::new(BufReader::with_capacity(block, bytes));
            utf8(input, encoding).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn japanese_encodings_become_utf8() {
        check(Encoding::ShiftJis, b"\x95\x5c\x8e\xa6,\x87\x40\n", "表示,①\n");
        check(Encoding::EucJp, b"\xc9\xbd\xbc\xa8\n", "表示\n");
        check(Encoding::ShiftJis, b"\xff\x81", "\u{FFFD}\u{FFFD}");
        check(Encoding::ShiftJis, b"", "");
    }

    #[test]
    fn a_byte_order_mark_is_no_data() {
        let mut text = String::new();
        utf8(Box::new("\u{FEFF}id,name".as_bytes()), Encoding::Utf8).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "id,name");
    }
}
