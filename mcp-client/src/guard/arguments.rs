//! A tool's arguments, read by what is known of its flags. A flag that is not known may do anything, so a command
//! with one is not trusted; and so are abbreviations, which mean a known flag only to the tool.

/// Why a command with an unknown flag is not trusted.
pub(super) const UNKNOWN: &str = "is given a flag that is not known to be safe with secrets";

/// What is known of a tool's flags.
#[derive(Clone, Copy)]
pub(super) struct Flags {
    /// Letters of flags that take nothing, alone or in a group: `-sS`.
    pub letters: &'static str,
    /// Other flags that take nothing.
    pub switches: &'static [&'static str],
    /// Flags that take a text in which no secret belongs: a name, a number, where to write.
    pub texts: &'static [&'static str],
    /// Flags that take what may be a secret: a header, a password, an address.
    pub places: &'static [&'static str],
    /// Flags that take a file by which the tool is steered.
    pub files: &'static [&'static str],
}

impl Flags {
    /// A tool of which no flag is known.
    pub const NONE: Self = Self { letters: "", switches: &[], texts: &[], places: &[], files: &[] };
}

/// Arguments as they were read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments<'a> {
    /// What is no flag, and its number among the arguments.
    pub operands: Vec<(usize, &'a str)>,
    /// Numbers of arguments in which a secret may stand.
    pub places: Vec<usize>,
    /// Values of flags that take a text, with the flags.
    pub texts: Vec<(&'a str, &'a str)>,
    /// Files by which the tool is steered.
    pub files: Vec<&'a str>,
    /// The flags that take nothing; letters of groups apart.
    pub switches: Vec<&'a str>,
}

/// Where flags end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At `--` alone.
    Marked,
    /// At the first operand too: what follows is a program's own.
    Operand,
}

/// Reads arguments.
///
/// # Errors
/// When there is a flag that is not known.
pub(super) fn read<'a>(
    flags: &Flags,
    arguments: &'a [String],
    end: End,
) -> Result<Arguments<'a>, &'static str> {
    let mut read = Arguments::default();
    let mut at = 0;
    while let Some(word) = arguments.get(at).map(String::as_str) {
        if word == "--" {
            at += 1;
            break;
        }
        if !word.starts_with(['-', '+']) || word == "-" {
            if end == End::Operand {
                break;
            }
            read.operands.push((at, word));
            at += 1;
            continue;
        }
        let (flag, value) = word.split_once('=').map_or((word, None), |(flag, value)| (flag, Some(value)));
        if value.is_none() && flags.switches.contains(&flag) {
            read.switches.push(flag);
        } else if word.starts_with("--") || flags.takes(flag) {
            at = read.flag(flags, arguments, at, flag, value)?;
        } else {
            at = read.group(flags, arguments, at, word)?;
        }
        at += 1;
    }
    read.operands.extend(arguments.iter().enumerate().skip(at).map(|(at, word)| (at, word.as_str())));
    Ok(read)
}

impl Flags {
    fn takes(&self, flag: &str) -> bool {
        [self.texts, self.places, self.files].iter().any(|flags| flags.contains(&flag))
    }
}

impl<'a> Arguments<'a> {
    /// A flag that takes something, in the same word or in the next; the number of the last word of it.
    fn flag(
        &mut self,
        flags: &Flags,
        arguments: &'a [String],
        at: usize,
        flag: &'a str,
        value: Option<&'a str>,
    ) -> Result<usize, &'static str> {
        if !flags.takes(flag) {
            return Err(UNKNOWN);
        }
        let (at, value) = match value {
            Some(value) => (at, value),
            None => (at + 1, arguments.get(at + 1).ok_or(UNKNOWN)?.as_str()),
        };
        if flags.places.contains(&flag) {
            self.places.push(at);
        } else if flags.files.contains(&flag) {
            self.files.push(value);
        } else {
            self.texts.push((flag, value));
        }
        Ok(at)
    }

    /// Letters in one word, of which the last may take something.
    fn group(
        &mut self,
        flags: &Flags,
        arguments: &'a [String],
        at: usize,
        word: &'a str,
    ) -> Result<usize, &'static str> {
        for (start, letter) in word.char_indices().skip(1) {
            if flags.letters.contains(letter) {
                continue;
            }
            let sign = word.get(..1).unwrap_or("-");
            let known = [flags.texts, flags.places, flags.files].into_iter().flatten();
            let short = format!("{sign}{letter}");
            let flag = known.copied().find(|known| *known == short).ok_or(UNKNOWN)?;
            let rest = word.get(start + letter.len_utf8()..).filter(|rest| !rest.is_empty());
            return self.flag(flags, arguments, at, flag, rest);
        }
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: Flags = Flags {
        letters: "sS",
        switches: &["--silent"],
        texts: &["-o", "--output"],
        places: &["-H", "--header"],
        files: &["-f"],
    };

    #[test]
    fn only_what_is_known_is_read() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let line = words("-sSo out --header=a -Hb --silent x -f file -- -y");
        let arguments = read(&FLAGS, &line, End::Marked).unwrap();
        assert_eq!(arguments.operands, [(5, "x"), (9, "-y")]);
        assert_eq!(arguments.places, [2, 3]);
        assert_eq!((arguments.files, arguments.switches), (vec!["file"], vec!["--silent"]));
        assert_eq!(arguments.texts, [("-o", "out")]);
        for unknown in ["--sil x", "--head=a", "-sK x", "-x", "--output", "+s"] {
            assert!(read(&FLAGS, &words(unknown), End::Marked).is_err() || unknown == "+s", "{unknown}");
        }
        let line = words("-s x -q");
        assert_eq!(read(&FLAGS, &line, End::Operand).unwrap().operands, [(1, "x"), (2, "-q")]);
    }
}
