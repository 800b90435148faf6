//! Texts inside a text: encoded, escaped, in pieces or spread. Each is searched as if it stood there plainly.

mod encoded;
mod escaped;
mod joined;
mod map;
mod spread;

pub(crate) use encoded::decoded_text;
pub(crate) use map::Map;

/// A text that was made of another.
pub(crate) struct Derived {
    pub(crate) text: Vec<u8>,
    pub(crate) map: Map,
    /// Only what crosses a changed place is new.
    pub(crate) only_crossing: bool,
    /// Whether it is a program if the text is.
    pub(crate) keeps_code: bool,
}

/// Gives each text that is inside of this one. Together they are at most a few times as long.
pub(crate) fn each(text: &[u8], found: &mut impl FnMut(Derived)) {
    encoded::each(text, found);
    escaped::each(text, found);
    joined::each(text, found);
    spread::each(text, found);
}
