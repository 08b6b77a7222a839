//! The portal: what the people concerned see. One file per page, its template beside it.

pub(crate) mod check;
pub(crate) mod home;
pub(crate) mod mine;
pub(crate) mod statement;
pub(crate) mod verify;

use kintsugi_case::NoticeNumber;

use crate::site::Site;

/// A number as an example of what to type; it is nobody's.
fn example_number(site: &Site) -> String {
    NoticeNumber::new(site.case.case.year(), 0).to_string()
}
