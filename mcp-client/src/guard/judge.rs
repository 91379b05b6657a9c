//! What no command line and no path of the agent's may do, whatever program does it: read our folder, `.env` files or
//! other processes, or start what only the agent's program starts.

use super::{line::Refusal, rules};
use crate::home;
use std::path::{Component, Path, PathBuf};

/// Whether a command names a session's file.
pub(super) fn mentions_session_file(command: &str) -> bool {
    session_paths(command).next().is_some()
}

/// Where a command names a session's file or folder: the bytes behind the name of the folder.
fn session_paths(command: &str) -> impl Iterator<Item = usize> {
    command.match_indices(".session/").map(|(at, _)| at).filter(|at| {
        let name = command.get(at + ".session/".len()..).unwrap_or_default();
        name.split('.')
            .next()
            .is_some_and(|name| name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })
}

/// Says no to a command that would show secrets rather than use them.
///
/// # Errors
/// Why, and what to do instead.
pub fn judge_command(command: &str, folder: &Path) -> Result<(), Refusal> {
    const USE: &str = "the session file is for sourcing alone: source FILE && COMMAND";
    let plain = without_quotes(command);
    let uses_secrets = mentions_session_file(command);
    for (at, _) in plain.match_indices(".securecode") {
        let rest = plain.get(at + ".securecode".len()..).unwrap_or_default();
        // `.securecoderc` holds no key in this profile.
        if rest.starts_with("rc")
            || !rest.starts_with('/') && !rest.starts_with(char::is_whitespace) && !rest.is_empty()
        {
            continue;
        }
        if !is_sourced(&plain, at) {
            return Err(refused(&format!("~/.securecode is not for reading; {USE}")));
        }
    }
    let names_folder =
        plain.split(|c: char| c.is_whitespace() || "/;&|()<>=:,`".contains(c)).any(|part| part == ".session");
    if names_folder && !uses_secrets || reaches_our_folder(command, folder) {
        return Err(refused(USE));
    }
    if plain.contains("SECURECODE_HOME=") || starts_our_server(&plain) {
        return Err(refused(
            "the vault's own server and folder are the person's to choose; call get-secret for secrets",
        ));
    }
    if reads_processes(&plain) {
        return Err(refused(
            "other processes' environment, arguments and memory are not for reading; run the command that you need the answer of",
        ));
    }
    if opens_debugger(&plain) {
        return Err(refused(
            "SIGUSR1 opens a debugger in a program that may hold secrets; start it anew instead",
        ));
    }
    if let Some(file) = reads_dotenv(&plain, folder) {
        return Err(refused(&format!(
            "{file} holds secrets and is not for reading; call get-secret, then: source FILE && COMMAND. To see which names there are, call list-secrets"
        )));
    }
    if uses_secrets && proc_paths(&plain).any(|path| path.split('/').next().is_none_or(is_process)) {
        return Err(refused(
            "a command with secrets cannot look into /proc; do that in a command of its own",
        ));
    }
    Ok(())
}

/// Whether a word with wildcards, variables or braces in it may stand for our folder or something in it.
fn reaches_our_folder(command: &str, folder: &Path) -> bool {
    const ONLY_NAMES: [&str; 6] = ["ls", "echo", "printf", "stat", "du", "test"];
    let (Ok(own), Some(home)) = (home::folder(), std::env::home_dir()) else { return false };
    let plain = without_quotes(command);
    let moves_home = moves_out(&plain);
    let separates = |c: char| c.is_whitespace() || "<>=,:".contains(c);
    // In quotes `.*` is a regular expression's; any other wildcard there may be for a shell that is given the text.
    let quoted = quoted_parts(command);
    plain.split([';', '&', '|', '\n', '(', ')', '`']).any(|part| {
        let mut words = part.split(separates).filter(|word| !word.is_empty()).peekable();
        let only_names = words.peek().is_some_and(|first| ONLY_NAMES.contains(first));
        words.any(|word| {
            if only_names || !word.contains(['*', '?', '[', '{', '$']) {
                return false;
            }
            if quoted.contains(word) && word.split('/').any(|part| part == ".*") {
                return false;
            }
            let word = word.replace("${HOME}", "~").replace("$HOME", "~");
            let word = word.strip_prefix("~/").map_or_else(|| PathBuf::from(&word), |rest| home.join(rest));
            let elsewhere = moves_home.then(|| home.join(&word));
            [Some(folder.join(&word)), elsewhere].into_iter().flatten().any(|path| may_be_in(&path, &own))
        })
    })
}

/// The texts of a command that stand in quotes, one after the other.
fn quoted_parts(command: &str) -> String {
    let (mut parts, mut open) = (String::new(), None);
    for c in command.chars() {
        match open {
            Some(quote) if quote == c => {
                open = None;
                parts.push(' ');
            }
            Some(_) => parts.push(c),
            None if c == '\'' || c == '"' => open = Some(c),
            None => {}
        }
    }
    parts
}

/// Whether a command goes to another folder than one below.
fn moves_out(command: &str) -> bool {
    let words: Vec<&str> = command.split(|c: char| c.is_whitespace() || ";&|()".contains(c)).collect();
    words.iter().enumerate().any(|(at, word)| {
        let to = words.get(at + 1).copied().unwrap_or_default();
        ["cd", "pushd", "-C"].contains(word)
            && (to.is_empty() || to.starts_with(['~', '/', '-', '.']) || to.contains('$'))
    })
}

/// Whether a path with wildcards in it may lie in a folder.
fn may_be_in(path: &Path, folder: &Path) -> bool {
    let path = lexical(path);
    let parts: Vec<_> = path.components().collect();
    let ours: Vec<_> = folder.components().collect();
    parts.len() >= ours.len()
        && parts.iter().zip(&ours).all(|(part, ours)| {
            let (part, ours) = (part.as_os_str().to_string_lossy(), ours.as_os_str().to_string_lossy());
            let made = part.contains(['$', '{']);
            let pattern = as_wildcards(&part);
            // A name with a dot is no wildcard's, unless the shell was told so; a bare variable may be anything,
            // so it says nothing.
            part == ours
                || (made || part.starts_with('.') == ours.starts_with('.'))
                    && pattern != "*"
                    && rules::glob(&pattern, &ours)
                || pattern == "*" && !ours.starts_with('.')
        })
}

/// A shell's pattern with `*` for everything that may stand for more than itself.
fn as_wildcards(part: &str) -> String {
    let mut pattern = String::new();
    let mut rest = part.chars();
    while let Some(c) = rest.next() {
        let closes = match c {
            '*' | '?' => None,
            '[' => Some(']'),
            '{' => Some('}'),
            '$' => {
                let name = rest.as_str();
                let end = name.strip_prefix('{').map_or_else(
                    || name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len()),
                    |braced| braced.find('}').map_or(name.len(), |end| end + 2),
                );
                rest = name.get(end..).unwrap_or_default().chars();
                None
            }
            c => {
                pattern.push(c);
                continue;
            }
        };
        if let Some(closes) = closes {
            rest.by_ref().take_while(|c| *c != closes).for_each(drop);
        }
        if !pattern.ends_with('*') {
            pattern.push('*');
        }
    }
    pattern
}

/// Whether a line starts what only the agent's program starts: a server of ours, or the guard.
fn starts_our_server(command: &str) -> bool {
    const LAUNCHERS: [&str; 17] = [
        "env", "nohup", "timeout", "setsid", "exec", "command", "time", "nice", "stdbuf", "xargs", "sudo",
        "coproc", "sh", "bash", "zsh", "dash", "ksh",
    ];
    command.split([';', '&', '|', '\n', '(', ')', '`', '{']).any(|part| {
        let words: Vec<&str> = part.split_whitespace().collect();
        let is_ours = |pair: &[&str]| matches!(pair, [program, "mcp" | "guard"] if program.rsplit('/').next() == Some("securecode"));
        words.windows(2).position(is_ours).is_some_and(|at| {
            let mut option = false;
            words.iter().take(at).all(|word| {
                let of_option = std::mem::replace(&mut option, word.starts_with('-'));
                option || of_option || word.contains('=') || word.parse::<f32>().is_ok() || LAUNCHERS.contains(word)
            })
        })
    })
}

/// Whether the path around `at` is the operand of `source` or `.`.
fn is_sourced(command: &str, at: usize) -> bool {
    let separates = |c: char| c.is_whitespace() || ";&|()<>".contains(c);
    let before = command.get(..at).unwrap_or_default();
    let start = before.rfind(separates).map_or(0, |at| at + 1);
    let path = command.get(start..).unwrap_or_default();
    let path = path.split(separates).next().unwrap_or_default();
    let names_session_file = session_paths(path).next().is_some()
        && path.ends_with(".env")
        && !path.contains(['*', '?', '[', '{', '$', '`', '=']);
    let verb = before.get(..start).unwrap_or_default();
    // Only blanks may stand between.
    let verb = verb.trim_end_matches([' ', '\t']);
    let verb_start = verb.rfind(separates).map_or(0, |at| at + 1);
    let word = verb.get(verb_start..).unwrap_or_default();
    let begins = verb.get(..verb_start).unwrap_or_default().trim_end();
    let in_place = begins.is_empty()
        || begins.ends_with([';', '&', '|', '(', '{', '\n'])
        || ["then", "do", "else", "!", "if", "-c", "-lc", "-ec", "-euc"]
            .iter()
            .any(|word| begins.ends_with(word))
        || verb.get(..verb_start).is_some_and(|text| text.trim_end_matches([' ', '\t']).ends_with('\n'));
    // Whether it is there may be asked.
    let is_asked = ["-e", "-f", "-r", "-s"].contains(&word)
        && ["test", "[", "[["].iter().any(|test| begins.ends_with(test));
    names_session_file && ((word == "source" || word == ".") && in_place || is_asked)
}

/// Whether a command looks into other processes.
fn reads_processes(command: &str) -> bool {
    const PARTS: [&str; 16] = [
        "environ",
        "cmdline",
        "mem",
        "maps",
        "smaps",
        "numa_maps",
        "map_files",
        "fd",
        "fdinfo",
        "task",
        "root",
        "cwd",
        "auxv",
        "stack",
        "syscall",
        "pagemap",
    ];
    let reads = |path: &str| {
        let mut parts = path.split('/');
        match parts.next() {
            // The folder itself, for another word to build on.
            None | Some("") => command
                .split(|c: char| c.is_whitespace() || "/;&|()<>=,`".contains(c))
                .any(|part| PARTS.contains(&part)),
            Some("kcore") => true,
            Some(process) if is_process(process) => {
                let rest: Vec<&str> = parts.collect();
                rest.iter().any(|part| PARTS.contains(part) || part.contains(['*', '?', '[', '{', '$', '.']))
                    || rest.is_empty() && process.contains(['*', '?', '[', '{'])
                    || rest.is_empty() && process.contains('$')
            }
            Some(_) => false,
        }
    };
    let is_built = |word: &str| {
        let last = word.rsplit('/').next().unwrap_or_default();
        word.contains(['$', '*', '?', '[']) && ["environ", "auxv", "pagemap"].contains(&last)
    };
    proc_paths(command).any(reads)
        || command.split(|c: char| c.is_whitespace() || ";&|()<>`".contains(c)).any(is_built)
}

/// Whether a command sends the signal by which node opens a debugger.
fn opens_debugger(command: &str) -> bool {
    command.split([';', '&', '|', '\n', '(', ')', '`']).any(|part| {
        let words: Vec<&str> = part.split_whitespace().collect();
        let kills = ["kill", "pkill", "killall", "fuser"];
        let sends = |word: &&str| word.to_uppercase().contains("USR1") || *word == "-10" || *word == "-s10";
        words.iter().any(|word| kills.contains(&word.rsplit('/').next().unwrap_or_default()))
            && (words.iter().any(sends) || words.windows(2).any(|pair| pair == ["-s", "10"]))
    })
}

/// Whether a name under /proc is that of a process, or may be.
fn is_process(name: &str) -> bool {
    name.is_empty()
        || ["self", "thread-self"].contains(&name)
        || name.bytes().all(|byte| byte.is_ascii_digit())
        || name.contains(['*', '?', '[', '{', '$'])
}

/// What follows `/proc/` in each path of a command that is in /proc.
fn proc_paths(command: &str) -> impl Iterator<Item = &str> {
    command.match_indices("/proc").filter_map(|(at, found)| {
        let before = command.get(..at)?.chars().next_back();
        let begins = before.is_none_or(|c| c.is_whitespace() || "'\"=<>:;&|(`,{@/".contains(c));
        let rest = command.get(at + found.len()..)?;
        let ends = rest.chars().next().is_none_or(|c| !(c.is_alphanumeric() || "-_.".contains(c)));
        let path = rest
            .trim_start_matches('/')
            .split(|c: char| c.is_whitespace() || "'\";&|()<>`,".contains(c))
            .next();
        path.filter(|_| begins && ends)
    })
}

/// Whether a command lists other processes: their arguments may hold values, and a pipe could change those before
/// the line's output is masked.
pub(super) fn lists_processes(command: &str) -> bool {
    const LISTERS: [&str; 8] = ["ps", "pgrep", "pstree", "top", "htop", "w", "lsof", "pidof"];
    without_quotes(command)
        .split(|c: char| c.is_whitespace() || ";&|()`{}".contains(c))
        .any(|word| LISTERS.contains(&word.rsplit('/').next().unwrap_or_default()))
}

/// The `.env` file with values that a command would read.
fn reads_dotenv(command: &str, folder: &Path) -> Option<String> {
    // Programs that handle a file without showing it.
    const HARMLESS: &[&str] = &[
        "ls",
        "rm",
        "test",
        "[",
        "[[",
        "git",
        "touch",
        "stat",
        "echo",
        "printf",
        "chmod",
        "chown",
        "mv",
        "securecode",
        "unlink",
        "file",
        "wc",
        "du",
        "shred",
    ];
    for part in command.split([';', '&', '|', '\n', '(', ')', '`']) {
        let mut words = part.split([' ', '\t', '<', '>', '=', ',']).filter(|word| !word.is_empty());
        let Some(first) = words.next() else { continue };
        if HARMLESS.contains(&first)
            && !part.contains('<')
            && !part.contains("--no-index")
            && !part.contains(" grep ")
            && !part.contains(" show ")
        {
            continue;
        }
        for (n, word) in std::iter::once(first).chain(words).enumerate() {
            let name = word.rsplit('/').next().unwrap_or_default();
            if !is_dotenv(name) {
                continue;
            }
            // The pattern of a search, and what is written to, are no files that are read.
            let is_pattern = ["grep", "rg", "sed", "awk", "find"].contains(&first) && n == 1;
            let written = part.contains(&format!("> {word}"))
                || part.contains(&format!(">{word}"))
                || (["cp", "mv", "tee", "install"].contains(&first) && part.trim_end().ends_with(word));
            let path = match word.strip_prefix("~/") {
                Some(rest) => std::env::home_dir().unwrap_or_default().join(rest),
                None => folder.join(word),
            };
            if !is_pattern && !written && (path.is_file() || word.contains(['*', '$'])) {
                return Some(name.to_owned());
            }
        }
    }
    None
}

/// Whether a name is that of a file with values, rather than of an example of one.
pub fn is_dotenv(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(".env") else { return false };
    let examples = ["example", "sample", "template", "dist", "defaults", "schema", "tpl"];
    (rest.is_empty() || rest.starts_with(['.', '*']))
        && !examples.iter().any(|example| rest.contains(example))
}

/// Says no to a path that no tool of the agent's may read.
///
/// # Errors
/// Why, and what to do instead.
pub fn judge_path(path: &Path) -> Result<(), Refusal> {
    let resolved = path.canonicalize().unwrap_or_else(|_| lexical(path));
    let own = home::folder().ok();
    let inside = |path: &Path| {
        own.as_ref().is_some_and(|own| {
            path.starts_with(own) || own.canonicalize().is_ok_and(|own| path.starts_with(own))
        })
    };
    if inside(&resolved)
        || inside(&lexical(path))
        || resolved.components().any(|part| part == Component::Normal(".securecode".as_ref()))
    {
        return Err(refused(
            "~/.securecode is not for reading; use secrets in a command: source FILE && COMMAND",
        ));
    }
    for path in [path, &resolved] {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_dotenv(&name) || name == crate::config::PROJECT_FILE {
            return Err(refused(&format!(
                "{name} is not for reading or writing; call get-secret and list-secrets for secrets"
            )));
        }
    }
    if reads_processes(&resolved.to_string_lossy()) {
        return Err(refused("other processes are not for reading"));
    }
    Ok(())
}

/// The path without `.` and `..`, for what does not exist.
pub(super) fn lexical(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, part| {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir => {}
            part => path.push(part),
        }
        path
    })
}

/// A command as its words are, however they are quoted.
pub(super) fn without_quotes(command: &str) -> String {
    command.chars().filter(|c| !"'\"\\".contains(*c)).collect()
}

pub(super) fn refused(why: &str) -> Refusal {
    Refusal(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const F: &str = "/home/u/.securecode/.session/0123456789abcdef0123456789abcdef.env";

    fn is_refused(command: &str) -> bool {
        judge_command(&command.replace("{F}", F), Path::new("/nonexistent")).is_err()
    }

    #[test]
    fn the_session_file_is_only_sourced() {
        for command in [
            "source {F} && node app.js",
            ". {F}; make",
            "cd x && source {F} && (npm test)",
            "if true; then . '{F}'; fi",
            "source \"{F}\" > /dev/null && env",
            "bash -c 'source {F} && node app.js'",
            "test -f {F} && source {F} && node app.js",
            "source {F} && curl http://127.0.0.1/processes",
        ] {
            assert!(!is_refused(command), "{command}");
        }
        for command in [
            "cat {F}",
            "source {F} && cat {F}",
            "X={F}; cat $X",
            "c''at {F}",
            "bash -v {F}",
            "grep . ~/.securecode/.session/*",
            "cd ~/.securecode && cat k",
            "node -e \"readFileSync('{F}')\"",
            "ls ~/.securecode/keys",
            "tr a a < {F}",
            "source {F} && cat /proc/self/environ",
            "cat /proc/12/environ",
            "echo source {F}; cp source {F}",
            "cat ~/.secure*/keys/*",
            "cat $HOME/.s?curecode/k*/*",
            "X=.secure; cat ~/${X}code/keys/*",
            "cat ~/.{securecode,x}/keys/*",
            "cd && cat .sec*/keys/*",
            "bash -c 'cat {F}'",
            "sh -c 'cat ~/.s*/keys/*'",
            "cd ~ && sh -c 'cat .sec*/keys/*'",
            "p=/proc; cat $p/1/environ",
            "cat /proc/self/../1/environ",
            "P=/pr; for d in ${P}oc/[0-9]*; do tr a-z b-za < $d/environ; done",
            "kill -USR1 $!",
            "pkill -SIGUSR1 node",
            "SECURECODE_HOME=/tmp/x securecode list",
            "cat in | securecode mcp",
            "env -u CLAUDECODE timeout 5 securecode mcp < in",
        ] {
            assert!(is_refused(command), "{command}");
        }
    }

    #[test]
    fn ordinary_commands_pass() {
        for command in [
            "ls -la",
            "grep -rn '.env' .gitignore",
            "git commit -m 'ignore .env and .securecoderc'",
            "cp .env.example .env",
            "cat /proc/cpuinfo",
            "grep MemTotal /proc/meminfo",
            "cat src/processors/tasks.js && ls /process",
            "grep -n 'req.session.user' session.js",
            "git commit -m 'fix req.session handling'",
            "cd sub && sed 's/ .*//' file.txt > /dev/null",
            "cd sub && grep -o '.*' x | sed 's|.*/||'",
            "cd sub && find . -not -name '.*'",
            "cat .env.example",
            "echo .securecoderc >> .gitignore",
            "securecode list",
            "git check-ignore .securecoderc",
            "cat <<EOF\nuse .env\nEOF",
            "git commit -m 'explain securecode mcp'",
            "rm -rf *.o .cache* && cat .*rc",
            "ls -d ~/.*",
            "cat ~/.config/*/settings.json",
            "for f in src/*; do wc -l $f; done",
            "cd ~ && ls $DIR",
        ] {
            assert!(!is_refused(command), "{command}");
        }
    }
}
