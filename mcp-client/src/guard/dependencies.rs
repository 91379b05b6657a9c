//! What installed dependencies start: of programs that no text of the project names, those that a dependency may mean.

use super::{modules::folders_of_python, texts::Language};
use memchr::memmem;
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// The first of these programs that a dependency names in quotes, of what programs of these languages in these projects
/// load. Of some languages nobody knows where dependencies are, and of too many none is read: then any counts.
pub(super) fn named_by_one<'a>(
    programs: &'a [String],
    languages: &HashSet<Language>,
    roots: &[PathBuf],
) -> Option<&'a String> {
    const MOST: usize = 200_000;
    let any = programs.first()?;
    let mut folders: Vec<PathBuf> = vec![];
    for language in languages {
        match language {
            Language::JavaScript | Language::Package => {
                let above =
                    roots.iter().flat_map(|root| root.ancestors().map(|folder| folder.join("node_modules")));
                let home = std::env::home_dir().unwrap_or_default();
                let at_home = [".node_modules", ".node_libraries"].map(|name| home.join(name));
                folders.extend(above.chain(at_home).filter(|folder| folder.is_dir()));
            }
            Language::Python => folders.extend(folders_of_python()),
            // What these start they name themselves.
            Language::Shell | Language::Make | Language::Other => {}
            Language::Perl | Language::Ruby | Language::Php | Language::Lua | Language::R => {
                return Some(any);
            }
        }
    }
    folders.sort();
    folders.dedup();
    let finders: Vec<(&String, memmem::Finder<'_>)> =
        programs.iter().map(|program| (program, memmem::Finder::new(program.as_bytes()))).collect();
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            if !kind.is_file() || !may_start(&path) {
                continue;
            }
            count += 1;
            if count > MOST {
                return Some(any);
            }
            let text = fs::read(path).unwrap_or_default();
            let named = finders.iter().find(|(program, finder)| {
                finder.find_iter(&text).any(|at| is_quoted(&text, at, program.len()))
            });
            if let Some((program, _)) = named {
                return Some(program);
            }
        }
    }
    None
}

fn may_start(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ["js", "cjs", "mjs", "py"].contains(&ending))
}

/// Whether a text in quotes begins with this word.
fn is_quoted(text: &[u8], at: usize, length: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    let after = text.get(at + length);
    before.is_some_and(|byte| b"\"'`".contains(byte)) && after.is_some_and(|byte| b"\"'` ".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_a_dependency_names_is_found() {
        let project = tempfile::tempdir().unwrap();
        let package = project.path().join("node_modules/sound/lib");
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("index.js"), "exec(`shortener -x`); spawn('recorder'); // player 'my-mixer'")
            .unwrap();
        fs::write(package.join("readme.md"), "'player'").unwrap();
        let roots = [project.path().to_owned()];
        let found = |language: Language, programs: &[&str]| {
            let programs: Vec<String> = programs.iter().map(|name| (*name).to_owned()).collect();
            named_by_one(&programs, &HashSet::from([language]), &roots).cloned()
        };
        assert_eq!(found(Language::JavaScript, &["player", "recorder"]).as_deref(), Some("recorder"));
        assert_eq!(found(Language::JavaScript, &["shortener"]).as_deref(), Some("shortener"));
        assert_eq!(found(Language::JavaScript, &["player", "mixer", "record"]), None);
        assert_eq!(found(Language::Shell, &["recorder"]), None);
        assert_eq!(found(Language::Ruby, &["player"]).as_deref(), Some("player"));
        assert_eq!(found(Language::Ruby, &[]), None);
    }
}
