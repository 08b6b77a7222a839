//! A PostgreSQL of our own: started from Debian's package in a temporary folder, on a Unix socket alone, without a port,
//! as an ordinary user, and stopped at the end.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kintsugi_case::StoreSpec;
use sqlx::Executor;

use crate::case::Place;

/// A server that stops when this is dropped.
pub(crate) struct Server {
    binaries: PathBuf,
    home: tempfile::TempDir,
    user: Option<(u32, u32)>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let server = Self { binaries: binaries(), home: tempfile::tempdir().unwrap(), user: ordinary_user() };
        if let Some((user, group)) = server.user {
            chown(server.home.path(), Some(user), Some(group)).unwrap();
        }
        let data = server.data();
        server.run("initdb", &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"]);
        let settings = server.settings();
        let log = server.home.path().join("log").display().to_string();
        server.run("pg_ctl", &["-D", &data, "-l", &log, "-o", &settings, "-w", "start"]);
        server
    }

    /// A new, empty database.
    pub(crate) async fn database(&self, name: &str) -> Place {
        sqlx::any::install_default_drivers();
        let pool = sqlx::AnyPool::connect(&self.url("postgres")).await.unwrap();
        // The name is a function's name in this source.
        pool.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        pool.close().await;
        Place { spec: StoreSpec::Postgres(self.url(name)), dir: self.home.path().to_owned() }
    }

    /// Stops it at once, as a power cut would, and starts it again.
    pub(crate) fn restart(&self) {
        let log = self.home.path().join("log").display().to_string();
        self.run("pg_ctl", &["-D", &self.data(), "-l", &log, "-o", &self.settings(), "-m", "immediate", "-w", "restart"]);
    }

    fn settings(&self) -> String {
        format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off -c max_connections=60",
            self.home.path().display()
        )
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.home.path().display())
    }

    fn data(&self) -> String {
        self.home.path().join("data").display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.command(program, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{program}: {said}");
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.binaries.join(program));
        command.args(arguments).current_dir(self.home.path()).env("TZ", "UTC");
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command.output().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.command("pg_ctl", &["-D", &self.data(), "-m", "immediate", "stop"]);
    }
}

/// Where the newest installed PostgreSQL has its programs.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let with_version = |path: PathBuf| Some((path.file_name()?.to_str()?.parse::<u32>().ok()?, path.join("bin")));
    let found = versions.filter_map(|entry| with_version(entry.path())).filter(|(_, bin)| bin.join("initdb").is_file()).max();
    found.expect("PostgreSQL is not installed (no /usr/lib/postgresql/*/bin/initdb): apt-get install postgresql").1
}

/// PostgreSQL refuses to run as root: then the user `postgres` of Debian's package, or `nobody`, runs it.
fn ordinary_user() -> Option<(u32, u32)> {
    let own = Path::new("/proc/self").metadata().map(|meta| std::os::unix::fs::MetadataExt::uid(&meta)).unwrap_or_default();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map_while(|field| field.parse().ok());
        Some((numbers.next()?, numbers.next()?))
    };
    (own == 0).then(|| named("postgres").or_else(|| named("nobody")).expect("a user who is not root"))
}
