//! Lines out of a stream of bytes: handed over where they lie, copied only where they cross two blocks, and never held
//! whole beyond a bound.

use std::io::{self, BufRead};
use std::ops::ControlFlow;

/// A longer line is no line of a web server log (nginx and Apache refuse requests of 8 KiB by default).
pub(crate) const LINE_BYTES_MAX: usize = 1 << 20;

/// A line, without its line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// Its first [`LINE_BYTES_MAX`] bytes: it is longer.
    TooLong(&'a [u8]),
}

impl<'a> Line<'a> {
    fn new(bytes: &'a [u8], too_long: bool) -> Self {
        let text = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if too_long || text.len() > LINE_BYTES_MAX {
            return Self::TooLong(&bytes[..LINE_BYTES_MAX]);
        }
        Self::Whole(text)
    }
}

/// Hands every line over with its number, until `each` breaks. Where reading fails, what was read of the last line is
/// not handed over.
pub(crate) fn each_line(input: &mut dyn BufRead, each: &mut dyn FnMut(u64, Line<'_>) -> ControlFlow<()>) -> io::Result<()> {
    let mut splitter = Splitter::default();
    loop {
        let block = input.fill_buf()?;
        let bytes = block.len();
        if bytes == 0 {
            splitter.end(each);
            return Ok(());
        }
        if splitter.block(block, each).is_break() {
            return Ok(());
        }
        input.consume(bytes);
    }
}

/// What remains of the blocks before.
#[derive(Default)]
struct Splitter {
    /// The start of a line that the last block did not end.
    carry: Vec<u8>,
    /// Whether bytes of that line were left out.
    too_long: bool,
    lines: u64,
}

impl Splitter {
    fn block(&mut self, block: &[u8], each: &mut dyn FnMut(u64, Line<'_>) -> ControlFlow<()>) -> ControlFlow<()> {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', block) {
            let part = &block[start..end];
            start = end + 1;
            self.lines += 1;
            if self.carry.is_empty() {
                each(self.lines, Line::new(part, false))?;
            } else {
                self.keep(part);
                each(self.lines, Line::new(&self.carry, self.too_long))?;
                self.carry.clear();
                self.too_long = false;
            }
        }
        self.keep(&block[start..]);
        ControlFlow::Continue(())
    }

    /// One byte over the bound is kept, so that the line end `\r` does not count.
    fn keep(&mut self, part: &[u8]) {
        let room = LINE_BYTES_MAX + 1 - self.carry.len();
        self.carry.extend_from_slice(&part[..part.len().min(room)]);
        self.too_long |= part.len() > room;
    }

    /// The last line of a file that does not end with a line end.
    fn end(&mut self, each: &mut dyn FnMut(u64, Line<'_>) -> ControlFlow<()>) {
        if !self.carry.is_empty() {
            let _ = each(self.lines + 1, Line::new(&self.carry, self.too_long));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};
    use std::ops::ControlFlow;

    use proptest::prelude::*;

    use super::{LINE_BYTES_MAX, Line, each_line};

    fn lines(bytes: &[u8], block: usize) -> Vec<(u64, Result<Vec<u8>, usize>)> {
        let mut found = Vec::new();
        each_line(&mut BufReader::with_capacity(block, bytes), &mut |number, line| {
            found.push(match line {
                Line::Whole(text) => (number, Ok(text.to_vec())),
                Line::TooLong(head) => (number, Err(head.len())),
            });
            ControlFlow::Continue(())
        })
        .unwrap();
        found
    }

    #[test]
    fn line_ends_are_not_part_of_lines() {
        let expected: Vec<_> = [&b"a"[..], b"", b"b", b"c"].iter().map(|line| Ok(line.to_vec())).collect();
        for block in [1, 2, 3, 100] {
            let found = lines(b"a\n\r\nb\r\nc", block);
            assert_eq!(found.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3, 4]);
            assert_eq!(found.into_iter().map(|(_, line)| line).collect::<Vec<_>>(), expected);
        }
        assert!(lines(b"", 8).is_empty());
    }

    #[test]
    fn a_line_of_ten_megabytes_is_counted_and_not_held() {
        let mut bytes = vec![b'x'; 10 << 20];
        bytes.extend_from_slice(b"\nnext\n");
        for block in [4096, 16 << 20] {
            assert_eq!(lines(&bytes, block), [(1, Err(LINE_BYTES_MAX)), (2, Ok(b"next".to_vec()))]);
        }
        let just_fits = [vec![b'x'; LINE_BYTES_MAX], b"\r\n".to_vec()].concat();
        assert!(lines(&just_fits, 4096)[0].1.is_ok());
    }

    #[test]
    fn reading_stops_where_it_is_told_and_where_it_fails() {
        let mut seen = 0;
        let stop = |_: u64, _: Line<'_>| {
            seen += 1;
            ControlFlow::Break(())
        };
        each_line(&mut &b"a\nb\n"[..], &mut { stop }).unwrap();
        assert_eq!(seen, 1);
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("cut"))
            }
        }
        let mut found = 0;
        let mut input = BufReader::new(b"a\nhalf".chain(Fails));
        assert!(
            each_line(&mut input, &mut |_, _| {
                found += 1;
                ControlFlow::Continue(())
            })
            .is_err()
        );
        assert_eq!(found, 1);
    }

    proptest! {
        #[test]
        fn blocks_do_not_matter(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200), block in 1usize..40) {
            prop_assert_eq!(lines(&bytes, block), lines(&bytes, 1000));
        }
    }
}
