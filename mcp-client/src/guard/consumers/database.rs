//! Clients of databases, which take secrets in an address, by flags and by variables of their own. Their commands can read
//! files, variables and shells, so those are looked at.

use super::{Use, Variables};
use crate::{
    guard::{
        arguments::{End, Flags, read},
        program::INPUT,
    },
    ticket::PLACEHOLDER,
};
use std::path::PathBuf;

const DATABASE: Flags = Flags {
    letters: "AtqXwWx1n",
    switches: &[
        "--tuples-only",
        "--no-align",
        "--quiet",
        "--no-psqlrc",
        "--raw",
        "--tls",
        "--ssl",
        "--csv",
        "--batch",
        "--silent",
        "-sN",
        "--no-auth-warning",
    ],
    texts: &[
        "-c",
        "--command",
        "-e",
        "--execute",
        "--eval",
        "-h",
        "--host",
        "-p",
        "--port",
        "-P",
        "-U",
        "--username",
        "-v",
        "--set",
        "-n",
        "-D",
        "--database",
        "-F",
        "--field-separator",
    ],
    places: &["-d", "--dbname", "-a", "--pass", "--password", "-u", "--user", "--uri"],
    files: &["-f", "--file"],
};

pub(super) fn use_of(name: &str, arguments: &[String]) -> Result<Use, &'static str> {
    let read = read(&DATABASE, arguments, End::Marked)?;
    let told = |texts: &[&str]| read.texts.iter().any(|(_, text)| texts.iter().any(|one| text.contains(one)));
    if told(&[
        "\\",
        "system",
        "process",
        "require",
        "import",
        "globalThis",
        "Function",
        "eval",
        "load",
        "tee",
        "pager",
        "source",
        "`",
        "outfile",
        "dumpfile",
    ]) {
        return Err("is told more than to ask its database");
    }
    // What comes by standard input is not seen, so there has to be a command.
    let commands = ["-c", "--command", "-e", "--execute", "--eval"];
    let asks = read.texts.iter().any(|(flag, _)| commands.contains(flag)) || !read.files.is_empty();
    let is_command = |word: &str| name == "redis-cli" && !word.contains("://");
    if !(asks || read.operands.iter().any(|(_, word)| is_command(word))) {
        return Err(INPUT);
    }
    if read.files.iter().any(|file| *file == "-" || file.starts_with("/dev/") || file.starts_with("/proc/")) {
        return Err(INPUT);
    }
    let places =
        read.operands.iter().filter(|(_, word)| word.contains("://") || word.starts_with(PLACEHOLDER));
    let places = places.map(|(at, _)| *at).chain(read.places.iter().copied()).collect();
    Ok(Use {
        code: read.files.iter().map(PathBuf::from).collect::<Vec<_>>().into(),
        places,
        variables: Variables::Beginning(&["PG", "MYSQL_PWD", "REDISCLI_AUTH"]),
    })
}
