//! Personal data in transit: a value that cannot be printed, logged or serialized by accident.

use std::fmt;

/// Wraps a value about a person. `Debug` and `Display` mask it and there is no `Serialize`;
/// the only way in is [`Private::open`], which can be searched for.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Private<T>(T);

impl<T> Private<T> {
    /// Closes a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Opens the value for reading. Each call is a place where personal data is used.
    pub const fn open(&self) -> &T {
        &self.0
    }

    /// Opens the value for good.
    pub fn into_open(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

impl<T> fmt::Display for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

#[cfg(test)]
mod tests {
    use super::Private;

    #[test]
    fn masks_itself_wherever_it_is_printed() {
        let name = Private::new("山田 花子".to_owned());
        assert_eq!(format!("{name} {name:?} {:?}", vec![name.clone()]), "[private] [private] [[private]]");
        assert_eq!(name.open(), "山田 花子");
    }
}
