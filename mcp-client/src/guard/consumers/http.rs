//! Clients of HTTP, which take secrets by their arguments alone: in an address, a header, a body.

use super::{Use, Variables, WRITES};
use crate::{
    guard::{
        arguments::{Arguments, End, Flags, read},
        reach::Code,
    },
    ticket::PLACEHOLDER,
};

const CURL: Flags = Flags {
    letters: "sSLfikgGIvN460#",
    switches: &[
        "--compressed",
        "--fail",
        "--fail-with-body",
        "--get",
        "--globoff",
        "--head",
        "--http1.1",
        "--http2",
        "--include",
        "--insecure",
        "--ipv4",
        "--ipv6",
        "--location",
        "--no-buffer",
        "--no-progress-meter",
        "--progress-bar",
        "--raw",
        "--show-error",
        "--silent",
        "--tlsv1.2",
        "--verbose",
    ],
    texts: &[
        "-X",
        "--request",
        "-o",
        "--output",
        "-w",
        "--write-out",
        "-m",
        "--max-time",
        "--connect-timeout",
        "--retry",
        "--retry-delay",
        "--retry-max-time",
        "--cacert",
        "--max-redirs",
        "--limit-rate",
        "-r",
        "--range",
        "-D",
        "--dump-header",
        "-c",
        "--cookie-jar",
        "-T",
        "--upload-file",
        "--resolve",
        "--unix-socket",
    ],
    places: &[
        "-H",
        "--header",
        "-u",
        "--user",
        "-d",
        "--data",
        "--data-ascii",
        "--data-binary",
        "--data-raw",
        "--data-urlencode",
        "--json",
        "-F",
        "--form",
        "--form-string",
        "-b",
        "--cookie",
        "-A",
        "--user-agent",
        "-e",
        "--referer",
        "--oauth2-bearer",
    ],
    files: &[],
};

const WGET: Flags = Flags {
    letters: "qSNnv46",
    switches: &[
        "--quiet",
        "--no-verbose",
        "--server-response",
        "--no-check-certificate",
        "--spider",
        "--content-on-error",
    ],
    texts: &["-O", "--output-document", "-T", "--timeout", "-t", "--tries", "--method"],
    places: &["--header", "--post-data", "--body-data", "--user", "--password", "--user-agent"],
    files: &[],
};

const HTTPIE: Flags = Flags {
    letters: "hbvjf",
    switches: &[
        "--body",
        "--headers",
        "--verbose",
        "--json",
        "--form",
        "--follow",
        "--ignore-stdin",
        "--check-status",
    ],
    texts: &["--pretty", "-p", "--print", "--timeout", "--verify"],
    places: &["-a", "--auth", "-A", "--raw"],
    files: &[],
};

pub(super) fn curl(arguments: &[String]) -> Result<Use, &'static str> {
    let read = read(&CURL, arguments, End::Marked)?;
    let has_jar = read.texts.iter().any(|(flag, _)| ["-c", "--cookie-jar"].contains(flag));
    let may_be_cookie = |word: &String| {
        word.split('=').next() == Some("--cookie")
            || word.starts_with('-') && !word.starts_with("--") && word.contains('b')
    };
    // What it is given as a cookie it writes into the jar.
    if has_jar && arguments.iter().any(may_be_cookie) {
        return Err(WRITES);
    }
    client(read)
}

pub(super) fn wget(arguments: &[String]) -> Result<Use, &'static str> {
    let read = read(&WGET, arguments, End::Marked)?;
    let has_name = read.texts.iter().any(|(flag, _)| ["-O", "--output-document"].contains(flag));
    let is_quiet = read.switches.contains(&"--quiet")
        || arguments.iter().any(|word| {
            word.starts_with('-')
                && word.chars().skip(1).all(|letter| WGET.letters.contains(letter))
                && word.contains('q')
        });
    // It calls the file as the address ends, and on a signal writes the address into a log.
    if !(has_name && is_quiet) && read.operands.iter().any(|(_, word)| word.contains(PLACEHOLDER)) {
        return Err(WRITES);
    }
    client(read)
}

pub(super) fn httpie(arguments: &[String]) -> Result<Use, &'static str> {
    client(read(&HTTPIE, arguments, End::Marked)?)
}

fn client(arguments: Arguments<'_>) -> Result<Use, &'static str> {
    let writes_more = |(flag, text): &(&str, &str)| {
        ["-w", "--write-out"].contains(flag) && (text.contains("%output") || text.starts_with('@'))
            // Of a pattern in the address, a part stands for `#1`.
            || ["-o", "--output"].contains(flag) && text.contains('#')
    };
    if arguments.texts.iter().any(writes_more) {
        return Err(WRITES);
    }
    let is_of_another_protocol = |word: &str| {
        let word = word.to_lowercase();
        let is_http = word.starts_with("http://") || word.starts_with("https://");
        let scheme = word.split_once(':').map_or("", |(scheme, _)| scheme);
        let other =
            ["file", "telnet", "dict", "gopher", "scp", "sftp", "smb", "smtp", "tftp"].contains(&scheme);
        // curl makes several addresses of what is in braces or brackets.
        !is_http && (other || word.contains("://") || word.contains(['{', '[']))
    };
    if arguments.operands.iter().any(|(_, word)| is_of_another_protocol(word)) {
        return Err("is told to use a protocol that no secret is for");
    }
    let places = arguments.operands.iter().map(|(at, _)| *at).chain(arguments.places).collect();
    Ok(Use { code: Code::default(), places, variables: Variables::None })
}
