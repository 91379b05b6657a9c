//! A file on its way into an environment: what is in it, what it would do, and what fits.

use crate::{output, thrown::Thrown};
use protocol::{SecretName, Tag};
use sealing::{Meta, OpenedSecret, SecretValue, assignments};
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::Zeroizing;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export interface ImportRow {
  file: string;
  line: number;
  name: string | null;
  fate: "new" | "changed" | "same" | "invalid" | "no_room";
  cause: string | null;
}
"#;

/// Secrets and bytes of values of one atomic change: sealed, they stay below the megabyte that the vault takes.
const ROUND_SECRETS: usize = 100;
const ROUND_BYTES: usize = 384 * 1024;

/// What becomes of one assignment.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Fate {
    New,
    Changed,
    Same,
    Invalid,
    NoRoom,
}

struct Row {
    file: String,
    line: usize,
    content: Result<(SecretName, SecretValue), String>,
    fate: Fate,
    meta: Meta,
    cause: Option<String>,
}

/// Files that were read. Values stay in here.
#[wasm_bindgen]
#[derive(Default)]
pub struct Import {
    rows: Vec<Row>,
    longest: u64,
    room: usize,
    compared: bool,
}

/// Why a variable of this name may not be set; nothing if it may.
pub(crate) fn refused_name(name: &SecretName) -> Option<String> {
    name.is_hijacking().then(|| {
        format!("a variable named {name} could take over a shell, a loader or a tool; give it another name")
    })
}

#[wasm_bindgen]
impl Import {
    /// Begins with nothing. `longest` is how many bytes of a value the plan takes, `room` how many more secrets.
    #[wasm_bindgen(constructor)]
    pub fn new(longest: u32, room: u32) -> Self {
        Self { longest: u64::from(longest), room: room as usize, ..Self::default() }
    }

    /// Reads a file: JSON or `.env`. Of a name that comes twice the last wins.
    pub fn read(&mut self, file: &str, bytes: Vec<u8>) {
        let read = assignments::read(&Zeroizing::new(bytes));
        let good = read.assignments.into_iter().map(|one| (one.line, Ok((one.name, one.value))));
        let bad = read.bad_lines.into_iter().map(|bad| (bad.line, Err(bad.cause.to_string())));
        for (line, content) in good.chain(bad) {
            let content = content.and_then(|(name, value)| match refused_name(&name) {
                Some(why) => Err(why),
                None if value.expose().len() as u64 > self.longest => Err(format!(
                    "{name} is {} bytes long; the plan takes at most {}",
                    value.expose().len(),
                    self.longest
                )),
                None => Ok((name, value)),
            });
            if let Ok((name, _)) = &content {
                self.rows.retain(|row| row.content.as_ref().map_or(true, |(earlier, _)| earlier != name));
            }
            self.rows.push(Row {
                file: file.to_owned(),
                line,
                content,
                fate: Fate::Invalid,
                meta: Meta::default(),
                cause: None,
            });
        }
        self.compared = false;
    }

    /// `ImportRow[]` in JSON; of each file the good lines, then the bad ones.
    ///
    /// # Errors
    /// Never.
    pub fn rows(&self) -> Result<String, Thrown> {
        #[derive(Serialize)]
        struct View<'a> {
            file: &'a str,
            line: usize,
            name: Option<&'a SecretName>,
            fate: Fate,
            cause: Option<&'a str>,
        }
        let view = |row: &'_ Row| {
            let (name, cause) = match &row.content {
                Ok((name, _)) => (Some(name.clone()), row.cause.clone()),
                Err(cause) => (None, Some(cause.clone())),
            };
            (name, cause)
        };
        let views: Vec<_> = self.rows.iter().map(|row| (row, view(row))).collect();
        let views = views.iter().map(|(row, (name, cause))| View {
            file: &row.file,
            line: row.line,
            name: name.as_ref(),
            fate: row.fate,
            cause: cause.as_deref(),
        });
        output(&views.collect::<Vec<_>>())
    }

    /// How many are to be written.
    pub fn pending(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row.fate, Fate::New | Fate::Changed)).count()
    }
}

impl Import {
    pub(crate) fn compare(
        &mut self,
        stored: &[OpenedSecret],
        is_canary: impl Fn(&SecretName) -> bool,
        tags: &[Tag],
    ) -> Result<(), Thrown> {
        let mut room = self.room;
        for row in &mut self.rows {
            let Ok((name, value)) = &row.content else { continue };
            row.cause = None;
            if is_canary(name) {
                row.fate = Fate::Invalid;
                row.cause = Some("there is a canary of this name, which is not written over".into());
                continue;
            }
            let known = stored.iter().find(|secret| secret.name == *name);
            let before = known.map(|secret| secret.meta.tags().to_vec()).unwrap_or_default();
            let note = known.map_or("", |secret| secret.meta.note()).to_owned();
            let meta = Meta::new(before.into_iter().chain(tags.iter().cloned()).collect(), note);
            let Some(meta) = meta else {
                row.fate = Fate::Invalid;
                row.cause = Some("with these tags it would have more than 16".into());
                continue;
            };
            row.fate = match known {
                Some(known)
                    if known.value.expose() == value.expose()
                        && tags.iter().all(|tag| known.meta.tags().contains(tag)) =>
                {
                    Fate::Same
                }
                Some(_) => Fate::Changed,
                None if room == 0 => Fate::NoRoom,
                None => {
                    room -= 1;
                    Fate::New
                }
            };
            if row.fate == Fate::NoRoom {
                row.cause = Some("it does not fit the plan's limit of secrets".into());
            }
            row.meta = meta;
        }
        self.compared = true;
        Ok(())
    }

    /// What is to be written from the `from`th on, as much as one request takes.
    pub(crate) fn round(&self, from: usize) -> Result<Vec<(&SecretName, &Meta, &SecretValue)>, Thrown> {
        if !self.compared {
            return Err(Thrown::failure("the file was not compared yet"));
        }
        let pending = self.rows.iter().filter(|row| matches!(row.fate, Fate::New | Fate::Changed));
        let mut bytes = 0;
        let mut round = Vec::new();
        for row in pending.skip(from).take(ROUND_SECRETS) {
            let Ok((name, value)) = &row.content else { continue };
            // A sealed value is padded to 4 KiB steps at worst.
            bytes += value.expose().len() + 4096;
            if bytes > ROUND_BYTES && !round.is_empty() {
                break;
            }
            round.push((name, &row.meta, value));
        }
        Ok(round)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(import: &Import, fate: Fate) -> Vec<&str> {
        let named = import.rows.iter().filter(|row| row.fate == fate);
        named.filter_map(|row| row.content.as_ref().ok()).map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn of_several_files_the_last_assignment_wins_and_room_goes_by_their_order() {
        let mut import = Import::new(10, 2);
        import.read("a", b"A=1\nB=2\nLD_PRELOAD=x\nLONG=12345678901\n".to_vec());
        import.read("b", b"C=3\nA=4\nD=5\n".to_vec());
        import.compare(&[], |name| name.as_str() == "D", &[]).unwrap();
        assert_eq!(names(&import, Fate::New), ["B", "C"]);
        assert_eq!(names(&import, Fate::NoRoom), ["A"]);
        assert_eq!(names(&import, Fate::Invalid), ["D"]);
        let bad: Vec<&str> =
            import.rows.iter().filter_map(|row| row.content.as_ref().err()).map(String::as_str).collect();
        assert!(matches!(bad.as_slice(), [takes_over, long]
            if takes_over.contains("could take over") && *long == "LONG is 11 bytes long; the plan takes at most 10"));
        let round: Vec<&str> = import.round(1).unwrap().iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(round, ["C"]);
    }
}
