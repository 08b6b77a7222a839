//! What the tests of the front door share: a case of its own, a mailbox of its own, and the binary.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use kintsugi_mailbox::{Faults, Mailbox, Received, Running};
use tokio::runtime::Runtime;

/// A case folder that goes away with its test.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
}

/// What a run of the binary said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The result as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }
}

impl Desk {
    /// A drill of its own size and seed: nothing may depend on the story's numbers.
    pub(crate) fn drill(records: u64, seed: u64) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        let said = desk.kintsugi(&["drill", "--records", &records.to_string(), "--seed", &seed.to_string()], &desk.case());
        assert_eq!(said.code, 0, "{}", said.err);
        desk
    }

    /// The case folder.
    pub(crate) fn case(&self) -> PathBuf {
        self.folder.path().join("case")
    }

    /// Everything that lies around the case.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the binary with the folder as its last argument.
    pub(crate) fn kintsugi(&self, args: &[&str], folder: &Path) -> Said {
        Said::of(command(args, folder).output().unwrap())
    }

    /// Runs the binary on the case.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        self.kintsugi(args, &self.case())
    }

    /// Runs the binary on the case as somebody who signs in with this password.
    pub(crate) fn run_with_password(&self, args: &[&str], password: &str) -> Said {
        let mut command = command(args, &self.case());
        Said::of(command.env("KINTSUGI_STAFF_PASSWORD", password).output().unwrap())
    }

    /// Runs the binary on the case where no file can grow over so many KiB, as on a disk that is full. The limit is the
    /// shell's (RLIMIT_FSIZE), so this needs no disk of its own and no right to mount one.
    pub(crate) fn run_with_room(&self, kib: u64, args: &[&str]) -> Said {
        // Blocks of `ulimit -f` are 512 bytes. Without the signal, writing fails as it does on a full disk.
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", kib * 2);
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_kintsugi")]).args(args).arg(self.case());
        Said::of(shell.env("NO_COLOR", "1").env_remove("KINTSUGI_SMTP_USER").output().unwrap())
    }

    /// Starts the binary on the case and does not wait.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        command(args, &self.case()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The same, and what it says to people is there to be read.
    pub(crate) fn start_heard(&self, args: &[&str]) -> Child {
        command(args, &self.case()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Changes the case file.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        self.edit_file("case.toml", from, to);
    }

    /// Changes a text file of the case.
    pub(crate) fn edit_file(&self, name: &str, from: &str, to: &str) {
        let path = self.case().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{name} has no `{from}`");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// The cells that the drill says were taken: table, key, column.
    pub(crate) fn truth(&self) -> BTreeSet<[String; 3]> {
        cells(&std::fs::read_to_string(self.root().join("case.truth/exposures.csv")).unwrap(), None)
    }

    /// The cells of an export with this verdict.
    pub(crate) fn exported(&self, verdict: &str) -> BTreeSet<[String; 3]> {
        let said = self.run(&["export", "exposures"]);
        assert_eq!(said.code, 0, "{}", said.err);
        cells(&said.out, Some(verdict))
    }
}

fn command(args: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kintsugi"));
    command.args(args).arg(folder).env("NO_COLOR", "1").env_remove("KINTSUGI_SMTP_USER");
    command
}

/// The columns table, key and column of a CSV; only lines with this verdict where one is given.
fn cells(csv: &str, verdict: Option<&str>) -> BTreeSet<[String; 3]> {
    let mut lines = csv.lines();
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at = |name: &str| head.iter().position(|column| *column == name).unwrap();
    let of = |line: &str| line.split(',').map(|field| field.trim_matches('"').to_owned()).collect::<Vec<_>>();
    let wanted = |fields: &Vec<String>| verdict.is_none_or(|verdict| fields[at("verdict")] == verdict);
    lines.map(of).filter(wanted).map(|f| [f[at("table")].clone(), f[at("key")].clone(), f[at("column")].clone()]).collect()
}

/// A mailbox on ports of its own.
pub(crate) struct Post {
    runtime: Runtime,
    running: Running,
}

impl Post {
    /// One that misbehaves like this.
    pub(crate) fn with(faults: Faults) -> Self {
        let runtime = Runtime::new().unwrap();
        let any = "127.0.0.1:0".parse().unwrap();
        let running = runtime.block_on(Mailbox { faults, ..Mailbox::new(any, any) }.start()).unwrap();
        Self { runtime, running }
    }

    /// One that behaves.
    pub(crate) fn open() -> Self {
        Self::with(Faults::default())
    }

    /// `smtp://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> String {
        let _entered = self.runtime.enter();
        format!("smtp://{}", self.running.smtp)
    }

    /// How many mails arrived.
    pub(crate) fn count(&self) -> u64 {
        self.running.count()
    }

    /// The Message-ID of each mail that arrived, in order of arrival.
    pub(crate) fn message_ids(&self) -> Vec<String> {
        let id = |raw: &[u8]| {
            let text = String::from_utf8_lossy(raw).into_owned();
            let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with("message-id:")).unwrap_or_default();
            line.split_once(':').map(|(_, id)| id.trim().to_owned()).unwrap_or_default()
        };
        self.running.messages().unwrap().iter().map(|message| id(&message.raw)).collect()
    }

    /// Every mail with its envelope, in order of arrival.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.running.messages().unwrap()
    }

    /// Every mail as it arrived.
    pub(crate) fn texts(&self) -> Vec<Vec<u8>> {
        self.running.messages().unwrap().into_iter().map(|message| message.raw).collect()
    }
}
