//! What a program's text says that it runs, beside the files that it names: whether it finds code by itself, and which
//! modules it may load by bare words. Shell scripts and makefiles are read in `commands.rs`.

use std::path::Path;

/// What a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Language {
    JavaScript,
    Python,
    Perl,
    Ruby,
    Php,
    Lua,
    R,
    Shell,
    Make,
    /// The manifest of a package of node's.
    Package,
    Other,
}

impl Language {
    /// By the file's name, else by its first line. A script that says neither is the shell's.
    pub fn of(path: &Path, text: &str) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if name == "package.json" {
            return Self::Package;
        }
        if name.ends_with("makefile") || name.starts_with("makefile.") {
            return Self::Make;
        }
        match name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx") => Self::JavaScript,
            Some("py" | "pyw") => Self::Python,
            Some("pl" | "pm" | "t") => Self::Perl,
            Some("rb" | "rake" | "gemspec") => Self::Ruby,
            Some("php") => Self::Php,
            Some("lua") => Self::Lua,
            Some("r") => Self::R,
            Some("sh" | "bash" | "zsh" | "ksh") => Self::Shell,
            Some("mk") => Self::Make,
            ending => {
                let first = text.lines().next().filter(|line| line.starts_with("#!")).unwrap_or_default();
                let says = |name: &&(&str, Self)| first.contains(name.0);
                let known = [
                    ("node", Self::JavaScript),
                    ("deno", Self::JavaScript),
                    ("bun", Self::JavaScript),
                    ("tsx", Self::JavaScript),
                    ("python", Self::Python),
                    ("perl", Self::Perl),
                    ("ruby", Self::Ruby),
                    ("php", Self::Php),
                    ("lua", Self::Lua),
                    ("Rscript", Self::R),
                    ("sh", Self::Shell),
                    ("make", Self::Make),
                ];
                let by_line = known.iter().find(says).map(|(_, language)| *language);
                by_line.unwrap_or(if ending.is_none() { Self::Shell } else { Self::Other })
            }
        }
    }

    /// What may be left out at the end of a file's name.
    pub fn endings(self) -> &'static [&'static str] {
        match self {
            Self::JavaScript | Self::Package => {
                &["js", "cjs", "mjs", "ts", "cts", "mts", "tsx", "jsx", "node", "json"]
            }
            Self::Python => &["py"],
            Self::Perl => &["pm", "pl"],
            Self::Ruby => &["rb"],
            Self::Php => &["php"],
            Self::Lua => &["lua"],
            Self::R => &["R"],
            Self::Shell | Self::Make => &["js", "cjs", "mjs", "ts"],
            Self::Other => &[],
        }
    }

    /// Whether a file is a module of it.
    pub fn is_of(self, file: &Path) -> bool {
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        self.endings().contains(&ending) || ["so", "pyd"].contains(&ending)
    }

    /// Whether a bare word names a module in it: `use Helper`.
    pub fn has_modules(self) -> bool {
        matches!(self, Self::Python | Self::Perl | Self::Ruby | Self::Php | Self::Lua)
    }
}

/// Whether a text of this language loads or starts code that it does not name: what it lists, or what a variable holds.
pub(super) fn finds_code(language: Language, text: &str) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let lists = || lists_files(text);
    // A call of this function with anything but a text.
    let any = |names: &[&str]| names.iter().any(|name| is_called_with_what_it_computes(text, name));
    match language {
        Language::JavaScript => {
            any(&["require", "import"])
                || says(&["require.context(", "import.meta.glob"])
                || lists() && (says(STARTS) || says(EVALUATES))
        }
        Language::Python => {
            any(&[
                "import_module",
                "__import__",
                "run_path",
                "run_module",
                "spec_from_file_location",
                "execfile",
            ]) || says(&["pkgutil.", "SourceFileLoader", "execute_from_command_line", "entry_points("])
                || any(&["exec", "eval"]) && says(&["open(", "read_text("])
                || lists() && says(STARTS)
        }
        Language::Perl => {
            says(&["Module::Pluggable", "Module::Find"])
                || any(&["require", "do"])
                || says(&["require $", "do $", "require \"$", "do \"$"])
                || lists() && says(&["eval", "system", "exec", "`"])
        }
        Language::Ruby => {
            says(&["require_all", "Zeitwerk", "require_dependency"])
                || lists() && says(&["require", "load", "eval", "system", "exec", "spawn", "`"])
                || says(&["load ARGV", "require ARGV"])
        }
        Language::Php => {
            says(&["spl_autoload_register"])
                || says(&[
                    "require $",
                    "include $",
                    "require_once $",
                    "include_once $",
                    "require($",
                    "include($",
                    "require_once($",
                    "include_once($",
                ])
                || lists() && says(&["require", "include", "eval(", "exec("])
        }
        Language::Lua => any(&["require", "dofile", "loadfile"]),
        Language::R => any(&["source"]) || lists() && says(&["source("]),
        Language::Shell | Language::Make | Language::Package | Language::Other => false,
    }
}

/// Whether a text of this language runs texts as code.
pub(super) fn evaluates(language: Language, text: &str) -> bool {
    match language {
        Language::JavaScript => EVALUATES.iter().any(|word| text.contains(word)),
        Language::Shell | Language::Make | Language::Package | Language::Other => false,
        _ => ["eval", "exec"].iter().any(|name| is_called_with_what_it_computes(text, name)),
    }
}

/// Words of JavaScript by which it runs a text as code.
const EVALUATES: &[&str] =
    &["eval(", "new Function(", "runInThisContext", "runInNewContext", "runInContext", "vm.Script"];

/// Whether a text of this language, which is no script, starts programs.
pub(super) fn starts_programs(language: Language, text: &str) -> bool {
    const OTHERS: &[&str] = &["system(", "exec(", "popen(", "`"];
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match language {
        Language::JavaScript | Language::Python => says(STARTS),
        Language::Perl | Language::Ruby | Language::Php | Language::Lua | Language::R => {
            says(STARTS) || says(OTHERS)
        }
        Language::Shell | Language::Make | Language::Package | Language::Other => false,
    }
}

/// Whether a text lists files.
pub(super) fn lists_files(text: &str) -> bool {
    LISTS.iter().any(|word| text.contains(word))
}

/// Words of functions that list files.
const LISTS: &[&str] = &[
    "readdir",
    "opendir",
    "scandir",
    "iterdir",
    "listdir",
    "os.walk",
    "fs.walk",
    "glob",
    "Dir[",
    "Dir.",
    "list.files",
    "walkSync",
    "fast-glob",
    "Deno.readDir",
];

/// Words of functions that start programs.
const STARTS: &[&str] = &[
    "child_process",
    "worker_threads",
    "Worker(",
    "spawn",
    "fork(",
    "execa",
    "Bun.$",
    "Deno.Command",
    "subprocess",
    "os.system",
    "os.popen",
    "os.exec",
    "runpy",
    "multiprocessing",
];

/// Whether a function of this name is called with something else than a text alone.
fn is_called_with_what_it_computes(text: &str, name: &str) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || "_$".contains(c);
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default().chars().next_back();
        // `x.require(` is the module's own, `x.eval(` is another's.
        let is_method =
            before == Some('.') && name != "require" && name != "import_module" && name != "run_path";
        if before.is_some_and(is_of_name) || is_method {
            return false;
        }
        let rest = text.get(at + name.len()..).unwrap_or_default().trim_start_matches([' ', '\t']);
        let Some(inner) = rest.strip_prefix('(') else { return false };
        let inner = without_comments(inner);
        let Some(quote) = inner.chars().next() else { return false };
        if quote == ')' {
            return false;
        }
        if !['"', '\'', '`'].contains(&quote) {
            return true;
        }
        let mut body = inner.get(1..).unwrap_or_default().char_indices();
        while let Some((at, c)) = body.next() {
            match c {
                '\\' => {
                    body.next();
                }
                '\n' if quote != '`' => return false,
                '$' if quote == '`' => return true,
                c if c == quote => {
                    let rest = inner.get(1 + at + c.len_utf8()..).unwrap_or_default().trim_start();
                    return !rest.starts_with([')', ',']) && !rest.is_empty();
                }
                _ => {}
            }
        }
        false
    })
}

/// What follows blanks and comments like bundlers take.
fn without_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some((_, behind)) = rest.strip_prefix("/*").and_then(|comment| comment.split_once("*/")) {
        rest = behind.trim_start();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loads_what_it_computes_finds_code() {
        for (language, text, finds) in [
            (Language::JavaScript, "require('./a'); import('./b'); require(`./c`)", false),
            (Language::JavaScript, "import(/* webpackChunkName: \"x\" */ './x')", false),
            (Language::JavaScript, "__webpack_require__(1); o.import(x); required(x)", false),
            (Language::JavaScript, "fs.readdirSync('data').length", false),
            (Language::JavaScript, "require(path.join(__dirname, name))", true),
            (Language::JavaScript, "require('./plugins/' + name)", true),
            (Language::JavaScript, "await import(`./lang/${name}.js`)", true),
            (Language::JavaScript, "for (f of readdirSync(d)) spawnSync('node', [f])", true),
            (Language::Python, "import os\nos.listdir('data')", false),
            (Language::Python, "model.eval(x); df.eval(y)", false),
            (Language::Python, "importlib.import_module('a.b')", false),
            (Language::Python, "importlib.import_module('mods.' + name)", true),
            (Language::Python, "for m in pkgutil.iter_modules(p): pass", true),
            (Language::Python, "exec(open(path).read())", true),
            (Language::Perl, "use Helper; require 'x.pl';", false),
            (Language::Perl, "require $file;", true),
            (Language::Ruby, "require_relative 'x'", false),
            (Language::Ruby, "Dir['lib/*.rb'].each { |f| require f }", true),
        ] {
            assert_eq!(finds_code(language, text), finds, "{text}");
        }
    }

    #[test]
    fn a_language_is_known_by_name_or_first_line() {
        for (name, text, language) in [
            ("a.js", "", Language::JavaScript),
            ("bin/a", "#!/usr/bin/env node\n", Language::JavaScript),
            ("bin/a", "#!/bin/sh\n", Language::Shell),
            ("bin/a", "echo", Language::Shell),
            ("Makefile", "", Language::Make),
            ("a.conf", "", Language::Other),
        ] {
            assert_eq!(Language::of(Path::new(name), text), language, "{name}");
        }
    }
}
