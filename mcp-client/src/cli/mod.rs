//! The command line. Every command answers with names, never with a value, save where a person asked to see it.

mod account;
mod agent;
mod audit;
mod check;
mod export;
mod history;
mod import;
mod init;
mod keys;
mod pair;
mod policy;
mod projects;
mod run;
mod secrets;
mod usage;

use crate::{
    check::Agent,
    config::KeyConfig,
    env_file,
    environment::Client,
    error::{Error, Result},
    guard,
    profile::Profile,
    terminal,
};
use clap::{Args, CommandFactory, Parser, Subcommand};
use protocol::{AddressRange, KeyId, Label, Permission, SecretName, Tag};
use run::Given;
use sealing::Consent;
use std::{
    ffi::OsString,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Says a line on standard output. A reader that went away is no failure.
macro_rules! say {
    ($($text:tt)*) => {{
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}
pub(crate) use say;

#[derive(Parser)]
#[command(
    name = "securecode",
    version,
    about = "Secrets for people who work with coding agents: handed to commands, never to the conversation",
    after_help = "Exit codes: 1 local, 2 usage, 3 refused, 4 the vault's answer is not trusted, 5 unreachable, 6 a limit of the plan."
)]
struct Arguments {
    /// The vault, for keys and accounts that come from no file of their own.
    #[arg(long, global = true, value_name = "URL")]
    vault_url: Option<String>,
    /// Refuse states of the environment below this version: for machines without memory, such as a pipeline's.
    #[arg(long, global = true, value_name = "N", default_value_t = 0)]
    min_manifest: u64,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an account. The recovery code is shown once.
    Signup {
        /// Your address.
        #[arg(long)]
        email: String,
        /// Write the recovery code to this file (0600) instead of showing it.
        #[arg(long, value_name = "PATH")]
        recovery_file: Option<PathBuf>,
    },
    /// Log in on this machine.
    Login {
        /// Your address; left out, the one used here before.
        #[arg(long)]
        email: Option<String>,
    },
    /// End this machine's session.
    Logout,
    /// Change the passphrase. Every other session ends.
    Passphrase,
    /// Open the account with its recovery code: gives it a new passphrase and a new code.
    Recover {
        /// The file that holds the code.
        #[arg(long, value_name = "PATH")]
        recovery_file: PathBuf,
        /// Write the new code to this file (0600) instead of showing it.
        #[arg(long, value_name = "PATH")]
        new_recovery_file: Option<PathBuf>,
        /// The account's address; left out, the one used here before.
        #[arg(long)]
        email: Option<String>,
    },
    /// The account itself.
    Account {
        #[command(subcommand)]
        command: Account,
    },
    /// Who is logged in.
    Sessions {
        #[command(subcommand)]
        command: Sessions,
    },
    /// Projects, for the owner.
    Projects {
        #[command(subcommand)]
        command: Projects,
    },
    /// Environments, for the owner.
    Environments {
        #[command(subcommand)]
        command: Environments,
    },
    /// Give an environment a new key, and seal everything in it anew. For the owner, after a key was lost.
    Rotate {
        #[command(flatten)]
        place: OwnedPlace,
    },
    /// Set up the project in this folder: project, environment and API key in the vault, .securecoderc and .gitignore here.
    Init {
        /// The project's name; left out, this folder's.
        #[arg(long)]
        project: Option<Label>,
        /// The environment's name.
        #[arg(long, default_value = "dev")]
        environment: Label,
        /// Make it a production environment: agents are warned, and reveal needs a person.
        #[arg(long)]
        production: bool,
        /// Let the key reveal values, not only inject them.
        #[arg(long)]
        reveal: bool,
    },
    /// Get a key for this folder from its owner, who is logged in elsewhere: in a browser, or at another machine.
    Setup {
        /// The project; left out, this folder's name.
        #[arg(long)]
        project: Option<Label>,
        /// The environment; left out, dev.
        #[arg(long)]
        environment: Option<Label>,
        /// Type or pipe an API key in, instead.
        #[arg(long)]
        paste: bool,
    },
    /// Give a machine that runs `securecode setup` the key that it asks for. For the owner.
    Approve {
        /// What it shows: scp_…, or its whole link.
        code: String,
        /// The project; left out, the one that the link names.
        #[arg(long)]
        project: Option<Label>,
        /// The environment; left out, the one that the link names.
        #[arg(long)]
        environment: Option<Label>,
        /// Let the key reveal values, not only inject them.
        #[arg(long)]
        reveal: bool,
        /// The words that the machine shows, where no terminal is there to ask on.
        #[arg(long)]
        words: Option<String>,
    },
    /// Import a .env file, or JSON that another tool exported. Answers with names only.
    Import(Import),
    /// List the secrets' names.
    List {
        #[command(flatten)]
        place: Place,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a secret's value, on a terminal or with --reveal. Audited as a reveal.
    Get {
        /// Which.
        name: SecretName,
        /// Show it even where no terminal is.
        #[arg(long)]
        reveal: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Set a secret: its value is typed, piped in, or generated; never given on the command line.
    Set(Set),
    /// Delete a secret.
    Rm {
        /// Which.
        name: SecretName,
        #[command(flatten)]
        place: Place,
    },
    /// List a secret's versions that are kept, newest first.
    History {
        /// Which.
        name: SecretName,
        #[command(flatten)]
        place: Place,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make a secret again what it was in a version, or take it out of the bin.
    Restore {
        /// Which.
        name: SecretName,
        /// The version. Left out: the secret was deleted, in the last 30 days.
        #[arg(long, value_name = "N")]
        version: Option<u64>,
        #[command(flatten)]
        place: Place,
    },
    /// Show what you laid down for a secret, or change it. For the owner: no API key can.
    Policy(Policy),
    /// Make a secret a canary: a key that reads it is revoked. One is made if there is none. For the owner.
    Canary {
        /// Which.
        name: SecretName,
        /// Make it an ordinary secret again.
        #[arg(long)]
        off: bool,
        #[command(flatten)]
        place: OwnedPlace,
    },
    /// Write an environment's secrets out. Audited as a reveal.
    Export {
        /// How.
        #[arg(long, value_enum)]
        format: export::Format,
        /// Only these.
        #[arg(long, value_name = "A,B", value_delimiter = ',')]
        only: Vec<SecretName>,
        /// Write them even where no terminal is.
        #[arg(long)]
        reveal: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Run a command with the secrets in its environment.
    Run {
        #[command(flatten)]
        place: Place,
        /// Only these.
        #[arg(long, value_name = "A,B", value_delimiter = ',')]
        only: Vec<SecretName>,
        /// What this file has, and no more: NAME=sc://PROJECT/ENVIRONMENT/NAME, and plain variables.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["only", "environment"])]
        env_file: Option<PathBuf>,
        /// Show values that the command prints. In the guard and sandbox profiles this asks for the passphrase.
        #[arg(long)]
        no_mask: bool,
        /// Run a line that the guard's hook wrote down.
        #[arg(long, hide = true, value_name = "ID", conflicts_with_all = ["only", "env_file", "no_mask", "command"])]
        id: Option<String>,
        /// The command and its arguments; no shell is in between.
        #[arg(last = true, required_unless_present = "id", value_name = "CMD")]
        command: Vec<OsString>,
    },
    /// Start the coding agent with secrets that its own sandbox masks (sandbox profile, Claude Code 2.1.330 or newer).
    Agent {
        #[command(flatten)]
        place: Place,
        /// A secret, and a host that its value is put into requests to. Once for each.
        #[arg(long = "host", value_name = "NAME=HOST")]
        hosts: Vec<agent::MayGo>,
        /// The agent and its arguments.
        #[arg(last = true, required = true, value_name = "CMD")]
        command: Vec<OsString>,
    },
    /// Show what the plan allows and what is used.
    Usage {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show who asked for what, newest first; or write the whole log out; or check it.
    #[command(args_conflicts_with_subcommands = true)]
    Audit {
        #[command(flatten)]
        audit: ShowAudit,
        #[command(subcommand)]
        command: Option<AuditCommand>,
    },
    /// API keys, for the owner.
    Keys {
        #[command(subcommand)]
        command: Keys,
    },
    /// Serve an agent on standard input and output, by the Model Context Protocol.
    Mcp,
    /// Check that this project and this machine's agent are set up so that secrets stay out of the conversation.
    Check {
        /// Mend what can be mended; what is there stays.
        #[arg(long)]
        fix: bool,
        /// How far values are kept from the agent. Left out, this machine's.
        #[arg(long)]
        profile: Option<Profile>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print what an agent's configuration must hold to start this program. Claude Code needs none: `check --fix` writes it.
    Snippet {
        /// The agent.
        agent: Agent,
    },
    /// End every agent's session on this machine: what was injected is deleted.
    Byebye,
    /// Print what a shell completes this program's commands with.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
    /// Judge what an agent is about to do: its hooks call this, with JSON on standard input.
    Guard {
        #[command(subcommand)]
        command: Option<Guard>,
    },
}

/// What the guard puts before the commands of a line, and behind their output. Not for people.
#[derive(Subcommand)]
enum Guard {
    /// Run a command of a guarded line.
    #[command(hide = true)]
    Exec {
        /// Its standard input is its own.
        #[arg(long)]
        input: bool,
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Become a command that ends with the process that started it.
    #[command(hide = true)]
    Tied {
        /// Be given arguments once it is loaded.
        #[arg(long)]
        given: bool,
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Mask standard input.
    #[command(hide = true)]
    Mask { secrets: u32 },
}

/// Which environment, where the key may use several.
#[derive(Args, Clone, Default)]
struct Place {
    /// The environment's name.
    #[arg(long)]
    environment: Option<Label>,
}

/// Which environment, for the owner of several projects. Left out, the one of this folder's project.
#[derive(Args)]
struct OwnedPlace {
    /// The environment's name.
    #[arg(long)]
    environment: Option<Label>,
    /// Its project.
    #[arg(long)]
    project: Option<Label>,
}

#[derive(Args)]
struct Policy {
    /// Which secret. Left out, the rules by tag are shown.
    #[arg(conflicts_with = "tag")]
    name: Option<SecretName>,
    /// A rule for all secrets of the environment that have this tag.
    #[arg(long, value_name = "T")]
    tag: Option<Tag>,
    /// Take the tag's rule away.
    #[arg(long, requires = "tag", conflicts_with_all = ["usage", "reveal", "production", "hosts", "commands"])]
    remove: bool,
    /// Whether commands may have it.
    #[arg(long = "use", value_name = "allow|ask|block", value_parser = parse_consent)]
    usage: Option<Consent>,
    /// Whether it may be shown.
    #[arg(long, value_name = "allow|ask|block", value_parser = parse_consent)]
    reveal: Option<Consent>,
    /// Whether it is a production secret.
    #[arg(long, value_name = "true|false")]
    production: Option<bool>,
    /// A host it may be sent to; may be given again. `any` takes the limit away.
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// A program that may have it; may be given again. `any` takes the limit away.
    #[arg(long = "command", value_name = "PROGRAM")]
    commands: Vec<String>,
    #[command(flatten)]
    place: OwnedPlace,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Policy {
    fn changes_something(&self) -> bool {
        self.usage.is_some()
            || self.reveal.is_some()
            || self.production.is_some()
            || !self.hosts.is_empty()
            || !self.commands.is_empty()
    }

    fn edit(&self, policy: &mut sealing::Policy) {
        policy.usage = self.usage.unwrap_or(policy.usage);
        policy.reveal = self.reveal.unwrap_or(policy.reveal);
        policy.production = self.production.unwrap_or(policy.production);
        for (asked, list) in [(&self.hosts, &mut policy.hosts), (&self.commands, &mut policy.commands)] {
            if !asked.is_empty() {
                list.clone_from(asked);
                list.retain(|one| one != "any");
                list.sort();
                list.dedup();
            }
        }
    }
}

fn parse_consent(text: &str) -> Result<Consent> {
    match text {
        "allow" => Ok(Consent::Allow),
        "ask" => Ok(Consent::Ask),
        "block" => Ok(Consent::Block),
        _ => Err(Error::local("it is allow, ask or block", "give one of them")),
    }
}

#[derive(Args)]
struct Import {
    /// The file.
    file: PathBuf,
    /// Tag what is stored; may be given again.
    #[arg(long = "tag", value_name = "T")]
    tags: Vec<Tag>,
    /// Only say what would happen.
    #[arg(long)]
    dry_run: bool,
    /// Store what is good and fits, in the file's order, and say what is not.
    #[arg(long)]
    partial: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Set {
    /// Which.
    name: SecretName,
    /// Tag it; may be given again. Left out, its tags stay.
    #[arg(long = "tag", value_name = "T")]
    tags: Vec<Tag>,
    /// Generate the value: this many letters and digits.
    #[arg(long, value_name = "LEN", num_args = 0..=1, require_equals = true, default_missing_value = "32")]
    generate: Option<usize>,
    /// Allow a name that could take over a shell or a tool, on this machine.
    #[arg(long)]
    allow_name: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct ShowAudit {
    /// How many rows to show.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Write every row to this file, or `-`, as JSON lines that anybody can check.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["limit", "json"])]
    export: Option<PathBuf>,
    /// As the account's owner, also where an API key is configured.
    #[arg(long)]
    owner: bool,
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Check that nothing in the log was changed, cut off or rolled back since it was checked here before, and that it
    /// has this machine's own accesses.
    Verify {
        /// From the beginning, not only from the segment that was verified last.
        #[arg(long)]
        all: bool,
        /// Also compare everything with what another machine knows: what `audit verify --json` wrote there (`-`:
        /// standard input). A vault that shows two histories is found so.
        #[arg(long, value_name = "FILE")]
        compare: Option<PathBuf>,
        /// When the log is whole, write what this machine knows of it, as JSON, for another to compare.
        #[arg(long)]
        json: bool,
        /// As the account's owner, also where an API key is configured.
        #[arg(long)]
        owner: bool,
    },
}

#[derive(Subcommand)]
enum Account {
    /// Delete the account with everything in it, for good.
    Delete {
        /// The account's address, so that no other is meant.
        #[arg(long)]
        email: String,
    },
}

#[derive(Subcommand)]
enum Sessions {
    /// List the sessions.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// End a session.
    Revoke {
        /// Which.
        id: KeyId,
    },
}

#[derive(Subcommand)]
enum Projects {
    /// List the projects and their environments.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make a project.
    Create {
        /// What to call it.
        name: Label,
    },
    /// Delete a project with everything in it, for good.
    Rm {
        /// Which.
        name: Label,
    },
}

#[derive(Subcommand)]
enum Environments {
    /// List the environments.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make an environment.
    Create {
        /// What to call it.
        name: Label,
        /// Its project.
        #[arg(long)]
        project: Label,
        /// Its secrets are production secrets: agents are warned, and reveal needs a person.
        #[arg(long)]
        production: bool,
    },
    /// Delete an environment with everything in it, for good.
    Rm {
        /// Which.
        name: Label,
        /// Its project, where several have one of that name.
        #[arg(long)]
        project: Option<Label>,
    },
}

#[derive(Subcommand)]
enum Keys {
    /// Make an API key. It is shown once.
    Create {
        /// An environment that it may use; may be given again.
        #[arg(long = "environment", value_name = "E", required = true)]
        environments: Vec<Label>,
        /// The environments' project, where several have one of that name.
        #[arg(long)]
        project: Option<Label>,
        /// What to call it.
        #[arg(long)]
        name: Option<Label>,
        /// What it may do.
        #[arg(long = "permission", value_name = "P,…", value_delimiter = ',', default_value = "read")]
        permissions: Vec<Permission>,
        /// When it stops working: 12h, 30d, 8w.
        #[arg(long, value_name = "TIME", value_parser = keys::parse_duration)]
        expires: Option<u64>,
        /// From where it may be used: an address or a range, 203.0.113.0/24. May be given several times.
        #[arg(long = "allow-ip", value_name = "CIDR")]
        addresses: Vec<AddressRange>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make a key that takes another's place, with its scope. The old one works on for a while.
    Rotate {
        /// Which.
        id: KeyId,
        /// How long the old key works on: 12h, 30d, 4w; at most 30 days.
        #[arg(long, value_name = "TIME", value_parser = keys::parse_duration, default_value = "24h")]
        overlap: u64,
        /// When the new key stops working. Left out: when the old one would have.
        #[arg(long, value_name = "TIME", value_parser = keys::parse_duration)]
        expires: Option<u64>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the keys.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key: its next request is refused.
    Revoke {
        /// Which.
        id: KeyId,
    },
}

/// Runs the command that was given.
pub fn main() -> ExitCode {
    // Under its other name this program is the agent's shell.
    let mut own = std::env::args_os();
    let name = own.next().unwrap_or_default();
    if Path::new(&name).file_name().is_some_and(|name| name == guard::shell::NAME) {
        return guard::shell::run(&own.next().unwrap_or_default().to_string_lossy());
    }
    match dispatch(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "securecode: {error}");
            ExitCode::from(error.kind as u8)
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<ExitCode> {
    let vault = arguments.vault_url.as_deref();
    let open = |place: Place| open(vault, place, arguments.min_manifest);
    let client = |place: Place| open(place).map(|(client, _)| client);
    let done = match arguments.command {
        Command::Signup { email, recovery_file } => account::sign_up(vault, &email, recovery_file.as_deref()),
        Command::Login { email } => account::log_in(vault, email.as_deref()),
        Command::Logout => crate::owner::log_out(),
        Command::Passphrase => account::change_passphrase(vault),
        Command::Recover { recovery_file, new_recovery_file, email } => {
            account::recover(vault, email.as_deref(), &recovery_file, new_recovery_file.as_deref())
        }
        Command::Account { command: Account::Delete { email } } => account::delete(vault, &email),
        Command::Sessions { command: Sessions::List { json } } => account::sessions(vault, json),
        Command::Sessions { command: Sessions::Revoke { id } } => account::end_session(vault, id),
        Command::Projects { command } => projects::projects(vault, command),
        Command::Environments { command } => projects::environments(vault, command),
        Command::Rotate { place } => projects::rotate(vault, &place),
        Command::Init { project, environment, production, reveal } => {
            init::run(vault, project, environment, production, reveal)
        }
        Command::Setup { project, environment, paste } => pair::set_up(vault, project, environment, paste),
        Command::Approve { code, project, environment, reveal, words } => {
            pair::approve(vault, pair::Approval { code, project, environment, reveal, words })
        }
        Command::Import(import) => import::run(&client(import.place.clone())?, &import),
        Command::List { place, json } => secrets::list(&client(place)?, json),
        Command::Get { name, reveal, place } => {
            let (client, profile) = open(place)?;
            terminal::person(profile, vault)?;
            secrets::get(&client, (profile, vault), &name, reveal)
        }
        Command::Set(set) => {
            let (client, profile) = open(set.place.clone())?;
            secrets::set(&client, (profile, vault), &set)
        }
        Command::Rm { name, place } => secrets::remove(&client(place.clone())?, &name, || {
            policy::open(vault, &OwnedPlace { environment: place.environment, project: None })
        }),
        Command::History { name, place, json } => history::history(&client(place)?, &name, json),
        Command::Restore { name, version, place } => history::restore(&client(place)?, &name, version),
        Command::Policy(asked) => policy::policy(vault, &asked),
        Command::Canary { name, off, place } => policy::canary(vault, &name, &place, off),
        Command::Export { format, only, reveal, place } => {
            let (client, profile) = open(place)?;
            terminal::person(profile, vault)?;
            export::run(&client, (profile, vault), format, &only, reveal)
        }
        Command::Run { id: Some(id), .. } => return guard::script::run(&id).map(ExitCode::from),
        Command::Run { place, only, env_file, no_mask, command, id: None } => {
            let config = KeyConfig::find(&current_folder()?, vault)?;
            let profile = config.profile()?;
            if no_mask {
                terminal::person(profile, vault)?;
            }
            let open = |environment| Client::new(&config, environment).at_least(arguments.min_manifest);
            let file = env_file.map(|file| env_file::read(&file, profile)).transpose()?;
            let own = open(place.environment);
            let referred = |project, environment| open(Some(environment)).in_project(project);
            let given = match &file {
                Some(file) => Given::File(file, &referred),
                None => Given::Secrets(&own, &only),
            };
            return run::run(&given, profile, vault, no_mask, &command).map(ExitCode::from);
        }
        Command::Agent { place, hosts, command } => {
            let (client, profile) = open(place)?;
            return agent::run(&client, profile, vault, &hosts, &command).map(ExitCode::from);
        }
        Command::Usage { json } => usage::run(vault, json),
        Command::Audit { audit, command: None } => audit::run(vault, &audit),
        Command::Audit { command: Some(AuditCommand::Verify { all, compare, json, owner }), .. } => {
            audit::verify(vault, all, compare.as_deref(), json, owner)
        }
        Command::Keys { command } => keys::run(vault, command),
        Command::Mcp => crate::mcp::serve(vault, arguments.min_manifest),
        Command::Check { fix, profile, json } => check::run(fix, profile, vault, json),
        Command::Byebye => byebye(),
        Command::Snippet { agent } => {
            say!("{}", agent.snippet().trim_end());
            let _ = writeln!(std::io::stderr(), "It belongs into {}.", agent.place());
            Ok(())
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "securecode", &mut std::io::stdout());
            Ok(())
        }
        Command::Guard { command: None } => return Ok(guard::hook::run()),
        Command::Guard { command: Some(Guard::Exec { input, command }) } => {
            return guard::exec::run(&command, input).map(ExitCode::from);
        }
        Command::Guard { command: Some(Guard::Tied { given, command }) } => {
            return guard::exec::become_tied(&command, given).map(ExitCode::from);
        }
        Command::Guard { command: Some(Guard::Mask { secrets }) } => guard::output::mask_rest(secrets),
    };
    done.map(|()| ExitCode::SUCCESS)
}

fn byebye() -> Result<()> {
    match crate::session_file::end_all()? {
        0 => say!("No session was open; nothing is left behind."),
        ended => say!("{ended} ended; what was injected is deleted."),
    }
    let folder = current_folder()?;
    if KeyConfig::find(&folder, None).is_ok() {
        let leaks = crate::check::leaked(&folder)?;
        for leak in &leaks {
            say!("{leak}: it was sent to the model's provider, so change it");
        }
        if leaks.is_empty() {
            say!("No secret's value stands in the agent's transcripts of this project.");
        }
    }
    Ok(())
}

/// The client of the key that is configured here, and the profile to use it under.
fn open(vault_url: Option<&str>, place: Place, least_version: u64) -> Result<(Client, Profile)> {
    let config = KeyConfig::find(&current_folder()?, vault_url)?;
    let client = Client::new(&config, place.environment).at_least(least_version);
    Ok((client, config.profile()?))
}

fn current_folder() -> Result<PathBuf> {
    std::env::current_dir().map_err(|error| {
        Error::local(format!("the current folder cannot be used: {error}"), "change to another folder")
    })
}

fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::local(error.to_string(), "report this"))?;
    say!("{text}");
    Ok(())
}
