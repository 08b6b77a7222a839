//! Both ways of evaluation on the same evidence: SQLite in the case folder, and the dump restored into a real MariaDB or
//! PostgreSQL, started here as ordinary programs in temporary folders, on Unix sockets alone. What is exposed must be the
//! same, cell by cell, and the server must have been asked.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Recorded attacks of every channel and way of naming rows, on both servers; those of few statements.
const ON_MARIADB: [&str; 3] = ["o02_maria_union_first_row_only", "o03_maria_error_based", "o19_manual_group_concat"];
const ON_POSTGRESQL: [&str; 4] =
    ["o06_pg_union_where", "o07_pg_error_based", "o08_pg_boolean_blind", "o22_old_sqlmap_union_error"];

/// Scenarios in which the server answers, others whose statements only SQLite follows.
const ASKED: [&str; 5] = [
    "o02_maria_union_first_row_only",
    "o03_maria_error_based",
    "o07_pg_error_based",
    "o08_pg_boolean_blind",
    "o22_old_sqlmap_union_error",
];

#[test]
fn sqlite_and_mariadb_agree_cell_by_cell() {
    let server = MariaDb::start();
    for name in ON_MARIADB {
        let case = Case::of(name);
        server.restore(name, &case.dump());
        agrees(name, &case, &server.url(name, "replay"));
    }
    let case = Case::of(ON_MARIADB[0]);
    let refused = case.run(&["scope", "--server", &server.url(ON_MARIADB[0], "root")]);
    let said = text(&refused.stderr);
    assert!(refused.status.code() == Some(2) && said.contains("could write"), "{said}");
    assert!(said.contains("GRANT SELECT ON"), "it says what to do: {said}");

    server.sql(&format!("DELETE FROM {}.customers ORDER BY id LIMIT 1", ON_MARIADB[0]));
    let differing = case.run(&["--json", "scope", "--server", &server.url(ON_MARIADB[0], "replay")]);
    let said = text(&differing.stdout);
    assert!(said.contains("table customers has") && said.contains("in the snapshot"), "{said}");
}

#[test]
fn sqlite_and_postgresql_agree_cell_by_cell() {
    let server = PostgreSql::start();
    for name in ON_POSTGRESQL {
        let case = Case::of(name);
        server.restore(name, &case.dump());
        agrees(name, &case, &server.url(name, "replay"));
    }
    let case = Case::of(ON_POSTGRESQL[1]);
    let refused = case.run(&["scope", "--server", &server.url(ON_POSTGRESQL[1], "postgres")]);
    let said = text(&refused.stderr);
    assert!(refused.status.code() == Some(2) && said.contains("superuser"), "{said}");
    let away = case.run(&["scope", "--server", "postgresql://replay@localhost/shop?host=/nonexistent"]);
    let said = text(&away.stderr);
    assert!(away.status.code() == Some(2) && said.contains("cannot connect to the restored server"), "{said}");
}

/// What is exposed is the same on both ways.
fn agrees(name: &str, case: &Case, url: &str) {
    let here = case.exposures(&[]);
    let there = case.run(&["--json", "scope", "--server", url]);
    let said = text(&there.stdout);
    assert!(matches!(there.status.code(), Some(0 | 1)), "{name}: {said}{}", text(&there.stderr));
    let queries = number_after(&said, "\"queries\":");
    assert!(queries > 0 || !ASKED.contains(&name), "{name}: the server was not asked: {said}");
    assert!(said.contains("\"differing\":[]"), "{name}: {said}");
    let there = case.exported();
    assert!(here.lines().count() > 1, "{name} exposes nothing");
    assert!(here == there, "{name}: the two ways differ:\n{}", difference(&here, &there));
}

/// The first lines that only one side has.
fn difference(here: &str, there: &str) -> String {
    let only = |one: &str, other: &str, sign: char| {
        let known: std::collections::HashSet<&str> = other.lines().collect();
        one.lines().filter(|line| !known.contains(line)).take(5).map(|line| format!("{sign} {line}\n")).collect::<String>()
    };
    only(here, there, '-') + &only(there, here, '+')
}

fn number_after(text: &str, what: &str) -> u64 {
    let digits = text.split_once(what).map_or("", |(_, rest)| rest);
    digits.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A copy of a scenario.
struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn of(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/scenarios").join(name);
        copy(&from, folder.path());
        let case = Self { folder };
        let collected = case.run(&["collect"]);
        assert!(matches!(collected.status.code(), Some(0 | 1)), "{name}: {}", text(&collected.stderr));
        case
    }

    fn dump(&self) -> Vec<u8> {
        done(Command::new("zstd").args(["-dc"]).arg(self.folder.path().join("snapshot/dump.sql.zst"))).stdout
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kintsugi"));
        let (command_name, options): (Vec<&str>, Vec<&str>) =
            args.iter().partition(|arg| !arg.starts_with("--") && !arg.contains("://"));
        command.args(command_name).arg(self.folder.path()).args(options);
        command.env("NO_COLOR", "1").env_remove("KINTSUGI_SERVER_PASSWORD").output().unwrap()
    }

    fn exposures(&self, options: &[&str]) -> String {
        let scoped = self.run(&[&["scope"], options].concat());
        assert!(matches!(scoped.status.code(), Some(0 | 1)), "{}", text(&scoped.stderr));
        self.exported()
    }

    fn exported(&self) -> String {
        text(&self.run(&["export", "exposures"]).stdout)
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stderr), text(&output.stdout));
    output
}

/// Runs a command with a text on its standard input.
fn fed(command: &mut Command, input: Vec<u8>) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let feeding = std::thread::spawn(move || std::io::Write::write_all(&mut pipe, &input));
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap().unwrap();
    assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
}

struct MariaDb {
    home: tempfile::TempDir,
    running: Child,
}

impl MariaDb {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        let user = format!("--user={}", text(&done(Command::new("id").arg("-un")).stdout).trim());
        let datadir = format!("--datadir={}", data.display());
        let mut install = Command::new("mariadb-install-db");
        done(install.args(["--no-defaults", &datadir, &user, "--auth-root-authentication-method=normal", "--skip-test-db"]));
        let socket = format!("--socket={}", home.path().join("s").display());
        let log = std::fs::File::create(home.path().join("log")).unwrap();
        let mut server = Command::new("/usr/sbin/mariadbd");
        server.args(["--no-defaults", &datadir, &user, &socket, "--skip-networking", "--innodb-flush-log-at-trx-commit=0"]);
        server.args(["--innodb-buffer-pool-size=64M", "--skip-log-bin"]).stdout(Stdio::null()).stderr(log);
        let mut started =
            Self { running: server.spawn().expect("mariadb-server is not installed: apt-get install mariadb-server"), home };
        started.wait();
        started.sql("CREATE USER replay@localhost");
        started
    }

    fn wait(&mut self) {
        let began = Instant::now();
        while !self.client().args(["-e", "SELECT 1"]).output().unwrap().status.success() {
            assert!(
                self.running.try_wait().unwrap().is_none(),
                "{}",
                std::fs::read_to_string(self.home.path().join("log")).unwrap()
            );
            assert!(began.elapsed() < Duration::from_secs(60), "mariadbd does not answer");
            std::thread::yield_now();
        }
    }

    fn client(&self) -> Command {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "-uroot", "-S"]).arg(self.home.path().join("s"));
        client
    }

    fn sql(&self, sql: &str) {
        done(self.client().args(["-e", sql]));
    }

    fn restore(&self, name: &str, dump: &[u8]) {
        self.sql(&format!("CREATE DATABASE {name} CHARACTER SET utf8mb4; GRANT SELECT ON {name}.* TO replay@localhost"));
        fed(self.client().arg(name), dump.to_vec());
    }

    fn url(&self, name: &str, user: &str) -> String {
        format!("mysql://{user}@localhost/{name}?socket={}", self.home.path().join("s").display())
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
}

/// A PostgreSQL of our own, on a socket in a temporary folder.
pub(crate) struct PostgreSql {
    binaries: PathBuf,
    home: tempfile::TempDir,
    user: Option<(u32, u32)>,
}

impl PostgreSql {
    pub(crate) fn start() -> Self {
        let server = Self { binaries: binaries(), home: tempfile::tempdir().unwrap(), user: ordinary_user() };
        if let Some((user, group)) = server.user {
            chown(server.home.path(), Some(user), Some(group)).unwrap();
        }
        let data = server.data();
        done(
            &mut server
                .command("initdb", &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"]),
        );
        let settings =
            format!("-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off", server.home.path().display());
        let log = server.home.path().join("log").display().to_string();
        // Without pipes: the server that stays would keep them open.
        let mut start = server.command("pg_ctl", &["-D", &data, "-l", &log, "-o", &settings, "-w", "start"]);
        assert!(start.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success(), "PostgreSQL does not start");
        server.sql("postgres", "CREATE ROLE replay LOGIN");
        server
    }

    fn data(&self) -> String {
        self.home.path().join("data").display().to_string()
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        command.args(arguments).current_dir(self.home.path()).env("TZ", "UTC");
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    fn client(&self, database: &str) -> Command {
        let host = self.home.path().display().to_string();
        self.command("psql", &["-q", "-X", "-v", "ON_ERROR_STOP=1", "-h", &host, "-U", "postgres", database])
    }

    fn sql(&self, database: &str, sql: &str) {
        done(self.client(database).args(["-c", sql]));
    }

    /// A new, empty database.
    pub(crate) fn create(&self, name: &str) {
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
    }

    fn restore(&self, name: &str, dump: &[u8]) {
        self.create(name);
        fed(&mut self.client(name), dump.to_vec());
        self.sql(name, "GRANT USAGE ON SCHEMA public TO replay; GRANT SELECT ON ALL TABLES IN SCHEMA public TO replay");
    }

    pub(crate) fn url(&self, name: &str, user: &str) -> String {
        format!("postgresql://{user}@localhost/{name}?host={}", self.home.path().display())
    }
}

impl Drop for PostgreSql {
    fn drop(&mut self) {
        let _ = self.command("pg_ctl", &["-D", &self.data(), "-m", "immediate", "stop"]).output();
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
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let own = Path::new("/proc/self").metadata().map(|meta| std::os::unix::fs::MetadataExt::uid(&meta)).unwrap_or_default();
    let named = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map_while(|field| field.parse().ok());
        Some((numbers.next()?, numbers.next()?))
    };
    (own == 0).then(|| named("postgres").or_else(|| named("nobody")).expect("a user who is not root"))
}
