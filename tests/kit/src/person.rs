use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// Somebody at a machine of their own: a home, a project's folder, and the real client.
pub struct Person {
    binary: PathBuf,
    folder: tempfile::TempDir,
}

/// What a command of the client did.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Person {
    /// A person with an empty home, who runs this binary.
    pub fn new(binary: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["home", "project"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        Self { binary: binary.into(), folder }
    }

    /// As [`Person::new`], signed up at that vault and with a project set up.
    pub fn set_up(binary: &str, url: &str) -> Self {
        let person = Self::new(binary);
        person
            .run(&[
                "signup",
                "--vault-url",
                url,
                "--email",
                &crate::make_email(),
                "--recovery-file",
                "../recovery",
            ])
            .ok();
        person.run(&["init", "--project", "shop", "--reveal"]).ok();
        person
    }

    /// The project's folder.
    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// `SECURECODE_HOME`.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home/.securecode")
    }

    /// The folder of session files.
    pub fn sessions(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.home().join(".session"));
        entries.map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
    }

    /// Everything of this person.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The client, ready to be given arguments.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        let installed = self.binary.parent().unwrap_or(Path::new("/")).display();
        command
            .current_dir(self.project())
            .env_clear()
            .env("PATH", format!("{installed}:/usr/local/bin:/usr/bin:/bin"))
            .env("HOME", self.folder.path().join("home"))
            .env("SECURECODE_PASSPHRASE", "correct horse battery");
        command
    }

    /// Runs the client to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, b"", &[])
    }

    /// As [`Person::run`], with standard input and more environment.
    pub fn run_with(&self, arguments: &[&str], input: &[u8], environment: &[(&str, &str)]) -> Ran {
        let mut command = self.command();
        command.args(arguments).envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the client");
        // The child may have ended without reading.
        let _ = child.stdin.take().expect("its input").write_all(input);
        child.wait_with_output().expect("its output").into()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

impl Ran {
    /// It must have succeeded; its output.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// It must have failed with this exit code; its message.
    #[track_caller]
    pub fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.contains("\n  to do now: "), "no remedy: {}", self.stderr);
        self.stderr
    }
}
