//! Values that may be base64 of text: what a page decodes before it puts it into a statement.
//!
//! Not here: where values begin and end (`suspect`, `suspect_header`).

/// Bytes of a value that are looked at for what base64 hides.
const HIDDEN_BYTES_MAX: usize = 48;

/// Whether a value may be base64 of text. Tokens and numbers are of noise: control bytes, or no UTF-8.
///
/// Fewer than six characters stand for three bytes at most (`1'` is `MSc=`): nothing that asks for anything of its own fits in
/// them, and `decode` reads no base64 so short either.
pub(super) fn hides_text(value: &[u8]) -> bool {
    // No text begins with what these stand for; so do most words.
    if value.len() < 6 || matches!(value[0], b'g'..=b'v') {
        return false;
    }
    let (mut text, mut length) = ([0_u8; HIDDEN_BYTES_MAX], 0);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in value.iter().take(HIDDEN_BYTES_MAX / 3 * 4) {
        let Some(six) = six_bits(*byte) else { break };
        (bits, count) = (bits << 6 | six, count + 6);
        if count >= 8 {
            count -= 8;
            let byte = (bits >> count) as u8;
            if byte < b' ' && !matches!(byte, b'\t'..=b'\r') || byte == 0x7f {
                return false;
            }
            text[length] = byte;
            length += 1;
        }
    }
    let is_text = match std::str::from_utf8(&text[..length]) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    if length < 4 || !is_text {
        return false;
    }
    // Text that hides an injection holds more than letters and digits, or is base64 again.
    let more = text[..length].iter().any(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric());
    more || hides_text(&text[..length])
}

fn six_bits(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}
