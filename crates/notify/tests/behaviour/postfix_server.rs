//! A real Postfix on the loopback interface, with a folder and ports of its own. It needs root (or sudo without a
//! password), as Postfix does.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long deliveries within one machine may take.
const DELIVERED_WITHIN: Duration = Duration::from_secs(60);

/// Where it listens, and for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    /// Takes mail for the persons it knows.
    pub(crate) open: u16,
    /// Takes mail for everybody, and bounces it where it does not know them.
    pub(crate) trusting: u16,
    /// Asks a policy server, which greylists.
    pub(crate) grey: u16,
    /// STARTTLS, or nothing.
    pub(crate) starttls: u16,
    /// TLS from the first byte.
    pub(crate) tls: u16,
    /// Where it delivers mail for returned.example by LMTP: the test listens.
    pub(crate) lmtp: u16,
}

/// A running Postfix.
pub(crate) struct Postfix {
    dir: TempDir,
    pub(crate) ports: Ports,
}

impl Postfix {
    /// Starts one; `policy` is the port of the policy server.
    pub(crate) fn start(policy: u16) -> Self {
        let dir = tempfile::Builder::new().prefix("kintsugi-postfix").tempdir().unwrap();
        let [open, trusting, grey, starttls, tls, lmtp] = free_ports();
        let ports = Ports { open, trusting, grey, starttls, tls, lmtp };
        let postfix = Self { dir, ports };
        let etc = postfix.path("etc");
        std::fs::create_dir_all(&etc).unwrap();
        let root = postfix.dir.path().to_str().unwrap().to_owned();
        std::fs::write(etc.join("main.cf"), include_str!("postfix/main.cf").replace("@ROOT@", &root)).unwrap();
        let mut master = include_str!("postfix/master.cf").replace("@POLICY@", &policy.to_string());
        let named = [("OPEN", open), ("TRUSTING", trusting), ("GREY", grey), ("STARTTLS", starttls), ("TLS", tls)];
        for (name, port) in named {
            master = master.replace(&format!("@{name}@"), &port.to_string());
        }
        std::fs::write(etc.join("master.cf"), master).unwrap();
        std::fs::write(etc.join("persons"), "/^(person[0-9]+|bounces.*)@/ all/\n").unwrap();
        let transport = format!("/@returned\\.example$/ lmtp:inet:127.0.0.1:{lmtp}\n");
        std::fs::write(etc.join("transport"), transport).unwrap();
        certificate(postfix.dir.path());
        as_root(include_str!("postfix/prepare.sh"), &root);
        postfix.up();
        postfix
    }

    /// Starts it (again).
    pub(crate) fn up(&self) {
        as_root("postfix -c \"$1/etc\" start 2>&1", self.dir.path().to_str().unwrap());
        self.wait("the server answers", || std::net::TcpStream::connect(("127.0.0.1", self.ports.open)).ok());
    }

    /// Ends every one of its processes at once: sessions break where they are.
    pub(crate) fn abort(&self) {
        as_root("postfix -c \"$1/etc\" abort 2>&1", self.dir.path().to_str().unwrap());
    }

    /// The authority that signed its certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.path("cert.pem")
    }

    /// What was delivered to addresses that begin so, once at least `least` messages are there.
    pub(crate) fn delivered(&self, to: &str, least: usize) -> Vec<Vec<u8>> {
        self.wait(to, || Some(self.messages(to)).filter(|messages| messages.len() >= least))
    }

    fn messages(&self, to: &str) -> Vec<Vec<u8>> {
        let files = std::fs::read_dir(self.path("mail/all/new")).into_iter().flatten();
        let messages = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        let wanted = format!("\nDelivered-To: {to}");
        messages.filter(|message| String::from_utf8_lossy(message).contains(&wanted)).collect()
    }

    /// Waits until nothing is under way.
    pub(crate) fn settle(&self) {
        let busy = |queue: &str| std::fs::read_dir(self.path("spool").join(queue)).is_ok_and(|mut files| files.next().is_some());
        self.wait("empty queues", || (!["incoming", "active"].into_iter().any(busy)).then_some(()));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn wait<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            let log = || std::fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(begun.elapsed() < DELIVERED_WITHIN, "{what} is still missing; the log:\n{}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // What root's processes made is removed by root. It fails where the server was never started: nothing to end then.
        let script = "postfix -c \"$1/etc\" abort 2>/dev/null; find \"$1\" -mindepth 1 -delete";
        let _ = root_shell(script, self.dir.path().to_str().unwrap()).stderr(Stdio::null()).status();
    }
}

fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// A shell script with this argument, run by root.
fn root_shell(script: &str, argument: &str) -> Command {
    let user = Command::new("id").arg("-u").output().unwrap().stdout;
    let mut command = if user == b"0\n" { Command::new("env") } else { Command::new("sudo") };
    command.args(if user == b"0\n" { &[][..] } else { &["-n"] });
    command.args(["sh", "-ec", &format!("PATH=\"$PATH:/usr/sbin:/sbin\"; {script}"), "sh", argument]);
    command
}

fn as_root(script: &str, argument: &str) {
    let output = run(root_shell(script, argument), b"");
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

/// Runs a command with this input, to its end.
pub(crate) fn run(mut command: Command, input: &[u8]) -> std::process::Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// Writes `cert.pem` and `key.pem` for localhost, signed by itself.
pub(crate) fn certificate(dir: &Path) {
    let mut command = Command::new("openssl");
    command.args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost".split(' '));
    command.args("-addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE".split(' '));
    command.args(["-keyout", "key.pem", "-out", "cert.pem"]).current_dir(dir);
    let output = run(command, b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A fresh private key in PEM form, and the DKIM record of its public half.
pub(crate) fn dkim_key(dir: &Path, algorithm: &str) -> (String, String) {
    let key = dir.join(algorithm);
    let openssl = |arguments: &[&str]| {
        let mut command = Command::new("openssl");
        command.args(arguments).current_dir(dir);
        run(command, b"").stdout
    };
    openssl(&["genpkey", "-quiet", "-algorithm", algorithm, "-out", algorithm]);
    let public = openssl(&["pkey", "-in", algorithm, "-pubout", "-outform", "DER"]);
    use base64::Engine as _;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let record = match algorithm {
        // RFC 8463: the 32 bytes alone, which end the structure.
        "ed25519" => format!("v=DKIM1; k=ed25519; p={}", encode(&public[public.len() - 32..])),
        _ => format!("v=DKIM1; k=rsa; p={}", encode(&public)),
    };
    (std::fs::read_to_string(key).unwrap(), record)
}
