//! Whether answers were whole: an answer is as long as its frame and the values that it shows. The frame is the same for
//! every record with the same rows beside it, so ordinary requests tell it, and every further answer must agree to the byte.

use std::collections::HashMap;

/// How values are written in an answer. Which one it is shows in the agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    /// As they are.
    Plain,
    /// As JSON strings.
    Json,
    /// As JSON strings in ASCII: `\u3042`.
    JsonAscii,
    /// With `&`, `<`, `>` and quotes as HTML has them.
    Html,
}

impl Writing {
    pub(super) const ALL: [Self; 4] = [Self::Plain, Self::Json, Self::JsonAscii, Self::Html];

    /// Bytes of a value; a NULL is written as a word without quotes in JSON, and as nothing elsewhere.
    pub(super) fn bytes(self, value: Option<&str>) -> i64 {
        let Some(value) = value else { return if matches!(self, Self::Json | Self::JsonAscii) { 2 } else { 0 } };
        value.chars().map(|c| self.character(c)).sum()
    }

    fn character(self, c: char) -> i64 {
        let plain = c.len_utf8() as i64;
        match (self, c) {
            (Self::Json | Self::JsonAscii, '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}') => 2,
            (Self::Json | Self::JsonAscii, c) if c < ' ' => 6,
            (Self::JsonAscii, c) if !c.is_ascii() => 6 * c.len_utf16() as i64,
            (Self::Html, '&' | '"' | '\'') => 5,
            (Self::Html, '<' | '>') => 4,
            _ => plain,
        }
    }
}

/// How long answers are, as far as whole answers tell.
#[derive(Default)]
pub(super) struct Sizes {
    /// By writing and by which rows stand beside the record: how often each frame was seen.
    frames: [HashMap<u64, HashMap<i64, u64>>; 4],
    seen: u64,
}

/// What the sizes came to: the writing that agrees best.
pub(super) struct Frames {
    writing: usize,
    frames: HashMap<u64, i64>,
}

impl Sizes {
    /// Takes an answer of status 200: which rows it shows, the values' bytes in every writing, the bytes sent.
    pub(super) fn add(&mut self, rows: u64, values: [i64; 4], bytes: u64) {
        self.seen += 1;
        for (frames, values) in self.frames.iter_mut().zip(values) {
            *frames.entry(rows).or_default().entry(bytes.cast_signed() - values).or_default() += 1;
        }
    }

    /// The frames, where at least half of the answers agree with them (a chance agreement of two is none).
    pub(super) fn frames(&self) -> Option<Frames> {
        let agreement = |frames: &HashMap<u64, HashMap<i64, u64>>| {
            frames.values().map(|seen| seen.values().max().copied().unwrap_or(0)).sum::<u64>()
        };
        let best = (0..4).max_by_key(|&at| (agreement(&self.frames[at]), std::cmp::Reverse(at)))?;
        let agreeing = agreement(&self.frames[best]);
        let most =
            |seen: &HashMap<i64, u64>| seen.iter().max_by_key(|&(&frame, &count)| (count, -frame)).map_or(0, |(&frame, _)| frame);
        (agreeing >= 3 && agreeing * 2 >= self.seen).then(|| Frames {
            writing: best,
            frames: self.frames[best].iter().filter(|(_, seen)| repeated(seen)).map(|(&rows, seen)| (rows, most(seen))).collect(),
        })
    }
}

/// A frame that was seen once or twice says nothing of the answers in which it was seen.
fn repeated(seen: &HashMap<i64, u64>) -> bool {
    seen.values().any(|&count| count >= 3)
}

impl Frames {
    /// The bytes of a whole answer.
    pub(super) fn predicted(&self, rows: u64, values: [i64; 4]) -> Option<u64> {
        let frame = self.frames.get(&rows)?;
        u64::try_from(frame + values[self.writing]).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Sizes, Writing};

    fn lengths(values: &[Option<&str>]) -> [i64; 4] {
        Writing::ALL.map(|writing| values.iter().map(|value| writing.bytes(*value)).sum())
    }

    #[test]
    fn the_frame_is_learnt_and_a_short_answer_shows() {
        let mut sizes = Sizes::default();
        let answer = |name: &str| format!("{{\"name\":{}}}", serde_json::to_string(name).unwrap()).len() as u64;
        for name in ["佐藤", "O'Brien", "a\"b", "\\", "line\nfeed"] {
            sizes.add(1, lengths(&[Some(name)]), answer(name));
        }
        let frames = sizes.frames().unwrap();
        assert_eq!(frames.predicted(1, lengths(&[Some("山\t本")])), Some(answer("山\t本")));
        assert_eq!(frames.predicted(2, lengths(&[Some("山本")])), None, "no such answer was seen");
    }

    #[test]
    fn answers_that_do_not_agree_tell_nothing() {
        let mut sizes = Sizes::default();
        (0..9).for_each(|at| sizes.add(1, [0; 4], at * 7));
        assert!(sizes.frames().is_none());
    }
}
