//! The 2D code (QR, ISO/IEC 18004) of a letter: its link as pixels, one byte each.

use qrcode::{Color, EcLevel, QrCode};

/// Empty modules around the code, as the standard asks for.
const QUIET: usize = 4;

/// Pixels of a module, each way: a viewer that makes the picture smaller then keeps the modules even.
const PIXELS: usize = 4;

/// A code as an image.
pub(crate) struct Code {
    /// Pixels in a row, and rows.
    pub(crate) size: usize,
    /// 0 for black, 255 for white, row by row.
    pub(crate) pixels: Vec<u8>,
}

/// The code of a link; none where the link is too long.
pub(crate) fn code(link: &str) -> Option<Code> {
    let code = QrCode::with_error_correction_level(link, EcLevel::M).ok()?;
    let (width, colors) = (code.width(), code.to_colors());
    let size = (width + 2 * QUIET) * PIXELS;
    let mut pixels = vec![255; size * size];
    for (at, _) in colors.iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
        for row in 0..PIXELS {
            let from = ((at / width + QUIET) * PIXELS + row) * size + (at % width + QUIET) * PIXELS;
            pixels[from..from + PIXELS].fill(0);
        }
    }
    Some(Code { size, pixels })
}
