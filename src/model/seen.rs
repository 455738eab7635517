//! What a read of the world gave. Not an `Option`: a read that failed is not an absence.

/// The result of observing one thing.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen<T> {
    /// It is there.
    Present(T),
    /// AWS answered that it is not there.
    Absent,
    /// The read failed; the text says how. Nothing may be written because of it.
    Unknown(String),
}

impl<T> Seen<T> {
    /// The value, if it was read.
    pub fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Absent | Self::Unknown(_) => None,
        }
    }

    /// Maps the value, keeping absence and ignorance.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Self::Present(value) => Seen::Present(f(value)),
            Self::Absent => Seen::Absent,
            Self::Unknown(why) => Seen::Unknown(why),
        }
    }

    /// Borrows the value.
    pub fn as_ref(&self) -> Seen<&T> {
        match self {
            Self::Present(value) => Seen::Present(value),
            Self::Absent => Seen::Absent,
            Self::Unknown(why) => Seen::Unknown(why.clone()),
        }
    }
}
