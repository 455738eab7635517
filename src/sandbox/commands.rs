//! How commands of one-off tasks end: what `RunTask` runs in the place of an image's own command. Not how
//! an image behaves by itself (see `behaviour`).
//!
//! Invariants: a command that nobody spoke of ends well after ten seconds, and of several patterns that
//! match the newest counts.

use super::behaviour::glob;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The container's exit code.
    pub exit_code: i64,
    /// Seconds from `RUNNING` to the end.
    pub seconds: u32,
}

impl Default for Ending {
    fn default() -> Self {
        Self {
            exit_code: 0,
            seconds: 10,
        }
    }
}

/// The commands of a region.
#[derive(Clone, Debug, Default)]
pub struct Commands(Vec<(String, Ending)>);

impl Commands {
    /// Says how every command that `pattern` matches ends; `*` stands for any text. The words of a command
    /// are joined by spaces.
    pub fn set(&mut self, pattern: &str, ending: Ending) {
        self.0.retain(|(known, _)| known != pattern);
        self.0.push((pattern.to_owned(), ending));
    }

    /// How a command ends.
    pub fn of(&self, words: &[String]) -> Ending {
        let command = words.join(" ");
        let mut newest_first = self.0.iter().rev();
        newest_first
            .find(|(pattern, _)| glob(pattern, &command))
            .map_or_else(Ending::default, |(_, ending)| *ending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_pattern_that_matches_counts() {
        let ending = |exit_code, seconds| Ending { exit_code, seconds };
        let mut commands = Commands::default();
        commands.set("./migrate*", ending(1, 40));
        let words = ["./migrate".to_owned(), "--all".to_owned()];
        assert_eq!(commands.of(&words), ending(1, 40));
        assert_eq!(commands.of(&words[1..]), Ending::default());
        commands.set("* --all", ending(2, 1));
        assert_eq!(commands.of(&words), ending(2, 1));
        commands.set("./migrate*", ending(0, 5));
        assert_eq!(commands.of(&words), ending(0, 5));
    }
}
