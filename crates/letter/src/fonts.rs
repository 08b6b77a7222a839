//! Finding the fonts of the system: Noto Serif CJK, in which every language of a notice can be written.

use std::path::{Path, PathBuf};

use kintsugi_case::Language;
use typst::foundations::Bytes;
use typst::text::Font;

use crate::{Error, Result};

/// The files that are needed: text, and what stands out.
const NAMES: [&str; 2] = ["NotoSerifCJK-Regular.ttc", "NotoSerifCJK-Bold.ttc"];

/// Where systems keep fonts. KINTSUGI_FONTS comes before them.
const FOLDERS: [&str; 4] = ["/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/opt/homebrew/share/fonts"];

/// Folders within folders, at most.
const DEPTH_MAX: usize = 5;

/// Every face of the fonts, found in `own`, then in the system's folders.
pub(crate) fn find(own: Option<&Path>) -> Result<Vec<Font>> {
    let folders: Vec<PathBuf> = own.map(Path::to_owned).into_iter().chain(FOLDERS.map(PathBuf::from)).collect();
    let found: Vec<PathBuf> =
        NAMES.iter().filter_map(|name| folders.iter().find_map(|folder| within(folder, name, DEPTH_MAX))).collect();
    if found.len() < NAMES.len() {
        let folders = folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(Error::NoFonts { names: NAMES.join(" and "), folders });
    }
    let mut fonts = Vec::new();
    for path in found {
        let bytes = std::fs::read(&path).map_err(|source| Error::Font { path, source })?;
        fonts.extend(Font::iter(Bytes::new(bytes)));
    }
    Ok(fonts)
}

fn within(folder: &Path, name: &str, depth: usize) -> Option<PathBuf> {
    let here = folder.join(name);
    if here.is_file() {
        return Some(here);
    }
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    folders.retain(|path| depth > 0 && path.is_dir());
    folders.sort();
    folders.iter().find_map(|folder| within(folder, name, depth - 1))
}

/// The family whose shapes of Chinese characters are this language's.
pub(crate) const fn family(language: Language) -> &'static str {
    match language {
        Language::Ja | Language::En => "Noto Serif CJK JP",
        Language::ZhHans => "Noto Serif CJK SC",
        Language::ZhHant => "Noto Serif CJK TC",
        Language::Ko => "Noto Serif CJK KR",
    }
}
