//! The one way in which tests run the program: in a project of their own, with nothing of the user's around it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// No test needs as long; what does is ended, so that an endless loop is a failure and not a hanging suite.
const PATIENCE: Duration = Duration::from_secs(60);

/// A temporary project and the call to be made in it.
pub(crate) struct Project {
    _folder: TempDir,
    root: PathBuf,
    arguments: Vec<String>,
    variables: BTreeMap<String, String>,
    working_folder: PathBuf,
    prelude: Option<String>,
    nobody: bool,
}

impl Project {
    /// An empty project: a folder with an empty `xrun.toml`.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().canonicalize().expect("the folder is there");
        let project = Self {
            _folder: folder,
            working_folder: root.clone(),
            root,
            arguments: Vec::new(),
            variables: BTreeMap::new(),
            prelude: None,
            nobody: false,
        };
        project.file("xrun.toml", "")
    }

    /// With a file.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    /// With `experiment.rhai`.
    pub(crate) fn script(self, text: &str) -> Self {
        self.file("experiment.rhai", text)
    }

    /// Called with these arguments.
    pub(crate) fn args<S: Into<String>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// Called with this variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Called from this folder below the project, which is made.
    pub(crate) fn from(mut self, folder: &str) -> Self {
        self.working_folder = self.root.join(folder);
        fs::create_dir_all(&self.working_folder).expect("the folder can be made");
        self
    }

    /// Called by a shell that runs this first, as in `ulimit -f 1`.
    pub(crate) fn under(mut self, prelude: &str) -> Self {
        self.prelude = Some(prelude.to_owned());
        self
    }

    /// Called by a user who may not write everywhere, even if the tests run as root.
    pub(crate) fn by_nobody(mut self) -> Self {
        self.nobody = true;
        self
    }

    /// Makes the call.
    pub(crate) fn run(&self) -> Output {
        self.xrun(&self.arguments)
    }

    /// Makes a call with other arguments.
    pub(crate) fn xrun<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        let arguments: Vec<String> = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        let mut child = self.command(&arguments).spawn().expect("the program starts");
        let stdout = read(child.stdout.take());
        let stderr = read(child.stderr.take());
        let code = wait(&mut child, &arguments);
        let text = |reader: JoinHandle<String>| reader.join().expect("what it says is text");
        Output { arguments, root: self.root.clone(), stdout: text(stdout), stderr: text(stderr), code }
    }

    /// The call, not made yet; its output goes to pipes.
    pub(crate) fn command<S: AsRef<str>>(&self, arguments: &[S]) -> Command {
        let program = self.program();
        let mut command = match &self.prelude {
            None => Command::new(&program),
            Some(prelude) => {
                let mut command = Command::new("sh");
                command.arg("-c").arg(format!("{prelude}; exec \"$0\" \"$@\"")).arg(&program);
                command
            }
        };
        command.args(arguments.iter().map(AsRef::as_ref)).current_dir(&self.working_folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env_clear().env("HOME", self.root.join("home"));
        for (name, folder) in [("XDG_CONFIG_HOME", "config"), ("XDG_CACHE_HOME", "cache"), ("XDG_DATA_HOME", "data")] {
            command.env(name, self.root.join("home").join(folder));
        }
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("NO_COLOR", "1").env("XRUN_DEVICE", "cpu").env("XRUN_THREADS", "1");
        // A temporary folder may lie in a checkout; the project in it does not.
        command.envs(self.root.parent().map(|parent| ("GIT_CEILING_DIRECTORIES", parent)));
        command.envs(&self.variables);
        #[cfg(unix)]
        if self.nobody && is_root(&self.root) {
            std::os::unix::process::CommandExt::uid(&mut command, 65_534);
        }
        command
    }

    /// The program; for nobody, a copy in the project, for it may lie where nobody can look.
    fn program(&self) -> PathBuf {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_xrun"));
        if !self.nobody {
            return program;
        }
        let copy = self.root.join("xrun");
        if !copy.exists() {
            // Copied by another process: a file that this one has open for writing, or that a child started meanwhile by
            // another test has inherited, could not be run.
            let status = Command::new("cp").arg(&program).arg(&copy).status();
            assert!(status.is_ok_and(|status| status.success()), "the program can be copied");
            readable(&self.root);
        }
        copy
    }

    /// A path in the project.
    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("it lies in the project")).expect("the folder can be made");
        fs::write(path, text).expect("the file can be written");
    }

    /// Reads a file.
    pub(crate) fn read(&self, path: impl AsRef<Path>) -> String {
        let path = self.root.join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The run folders of an experiment under `results/`, as paths in the project, in the order of their ids.
    pub(crate) fn runs(&self, experiment: &str) -> Vec<PathBuf> {
        let folder = Path::new("results").join(experiment);
        let entries = fs::read_dir(self.path(&folder)).into_iter().flatten().filter_map(Result::ok);
        let mut runs: Vec<PathBuf> = entries.map(|entry| folder.join(entry.file_name())).collect();
        runs.sort();
        runs
    }

    /// The one run folder of an experiment.
    pub(crate) fn only_run(&self, experiment: &str) -> PathBuf {
        let mut runs = self.runs(experiment);
        assert_eq!(runs.len(), 1, "{experiment} has {runs:?}");
        runs.remove(0)
    }

    /// The names in a folder, sorted.
    pub(crate) fn names(&self, folder: impl AsRef<Path>) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).expect("the folder is there");
        let mut names: Vec<String> =
            entries.filter_map(Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Every file below a folder with its content.
    pub(crate) fn contents(&self, folder: impl AsRef<Path>) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.path(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("the folder is there").filter_map(Result::ok) {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else {
                    found.insert(entry.path(), fs::read(entry.path()).expect("the file can be read"));
                }
            }
        }
        found
    }
}

fn read(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    let mut pipe = pipe.expect("the streams are pipes");
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        String::from_utf8(bytes).expect("what it says is UTF-8")
    })
}

fn wait(child: &mut Child, arguments: &[String]) -> Option<i32> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("the program can be waited for") {
            return status.code();
        }
        if started.elapsed() > PATIENCE {
            child.kill().expect("the program can be ended");
            child.wait().expect("the program has ended");
            panic!("xrun {} did not end", arguments.join(" "));
        }
        thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(unix)]
fn is_root(ours: &Path) -> bool {
    std::os::unix::fs::MetadataExt::uid(&fs::metadata(ours).expect("the folder is there")) == 0
}

#[cfg(unix)]
fn readable(folder: &Path) {
    set_mode(folder, 0o755);
}

#[cfg(not(unix))]
fn readable(_: &Path) {}

/// Sets the permissions of a file or folder.
#[cfg(unix)]
pub(crate) fn set_mode(path: &Path, mode: u32) {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(path, permissions).expect("the permissions can be set");
}

/// What a call printed and how it ended.
pub(crate) struct Output {
    arguments: Vec<String>,
    root: PathBuf,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Absent when a signal ended it.
    code: Option<i32>,
}

impl Output {
    /// It ended with this code.
    #[track_caller]
    pub(crate) fn code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// It printed exactly this to standard output, once [redacted](Self::redact).
    #[track_caller]
    pub(crate) fn stdout_is(&self, text: &str) -> &Self {
        assert_same(&self.redact(&self.stdout), text, self);
        self
    }

    /// It printed exactly this to standard error, once [redacted](Self::redact).
    #[track_caller]
    pub(crate) fn stderr_is(&self, text: &str) -> &Self {
        assert_same(&self.redact(&self.stderr), text, self);
        self
    }

    /// It printed this, among other things, to standard output.
    #[track_caller]
    pub(crate) fn stdout_contains(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text), "{text:?} is not there: {self}");
        self
    }

    /// It printed this, among other things, to standard error.
    #[track_caller]
    pub(crate) fn stderr_contains(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "{text:?} is not there: {self}");
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// `[PROJECT]` for the project's folder, `[RUN]` for ids of runs, `[TIME]` for durations and points in time.
    pub(crate) fn redact(&self, text: &str) -> String {
        let text = text.replace(&self.root.display().to_string(), "[PROJECT]");
        let mut redacted = String::new();
        let mut rest = text.as_str();
        while let Some(next) = rest.chars().next() {
            let follows_word = redacted.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-');
            let found = if follows_word { None } else { variable(rest) };
            match found {
                Some((length, name)) => {
                    redacted.push_str(name);
                    rest = &rest[length..];
                }
                None => {
                    redacted.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            }
        }
        redacted
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "xrun {} ended with {:?}", self.arguments.join(" "), self.code)?;
        write!(f, "--- stdout\n{}--- stderr\n{}", self.redact(&self.stdout), self.redact(&self.stderr))
    }
}

/// The length of what differs from run to run at the start of a text, and what to write instead.
fn variable(text: &str) -> Option<(usize, &'static str)> {
    const SHAPES: [(&str, &str); 8] = [
        ("DDDDDDDD-DDDDDD-HHHH", "[RUN]"),
        ("DDDD-DD-DDTDD:DD:DD.DDDZ", "[TIME]"),
        ("DDDD-DD-DDTDD:DD:DDZ", "[TIME]"),
        ("N ms", "[TIME]"),
        ("N s", "[TIME]"),
        ("N.D s", "[TIME]"),
        ("N min DD s", "[TIME]"),
        ("N h DD min", "[TIME]"),
    ];
    SHAPES.iter().find_map(|(shape, name)| shaped(text, shape).map(|length| (length, *name)))
}

/// The length of the start of a text that has a shape: `D` is a digit, `H` a hexadecimal one, `N` some digits. What
/// follows must not go on with a letter or digit.
fn shaped(text: &str, shape: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    for kind in shape.bytes() {
        let byte = *bytes.get(at)?;
        let fits = match kind {
            b'D' | b'N' => byte.is_ascii_digit(),
            b'H' => byte.is_ascii_hexdigit(),
            literal => byte == literal,
        };
        if !fits {
            return None;
        }
        at += 1;
        if kind == b'N' {
            at += bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        }
    }
    let goes_on = bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    (!goes_on).then_some(at)
}

#[track_caller]
fn assert_same(found: &str, wanted: &str, output: &Output) {
    assert!(found == wanted, "--- wanted\n{wanted}--- found\n{found}--- of {output}");
}

/// An error as it is printed about `width` characters of a line of a script.
pub(crate) fn error_at(message: &str, place: &str, text: &str, width: usize, hint: Option<&str>) -> String {
    let mut parts = place.rsplitn(3, ':');
    let mut number = || parts.next().and_then(|part| part.parse::<usize>().ok()).expect("file:line:column");
    let (column, line) = (number(), number());
    let pad = " ".repeat(line.to_string().len());
    let (before, carets) = (" ".repeat(column - 1), "^".repeat(width));
    let hint = hint.map_or_else(String::new, |hint| format!("hint: {hint}\n"));
    format!("error: {message}\n{pad}--> {place}\n{pad} |\n{line} | {text}\n{pad} | {before}{carets}\n{hint}")
}

/// A script that searches the point `x` of the sphere in two random trials, behind some lines of its own.
pub(crate) fn sphere(before: &str, x: &str) -> String {
    let before = if before.is_empty() { String::new() } else { format!("{before}\n") };
    format!(
        "{before}experiment(#{{\n    name: \"a\",\n    objective: sphere(#{{ x: [{x}] }}),\n    search: random(#{{ trials: 2, minimize: \"value\" }}),\n}})\n"
    )
}

/// The files of a run that are pure functions of script, data and seed, by their path in the run.
fn pure_files(run: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_pure = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a file of a run has a name in plain text");
        let names =
            ["trials.csv", "metrics.csv", "summary.json", "splits.json", "warm_start.json", "model.safetensors"];
        names.contains(&name) || name.ends_with("predictions.csv")
    };
    let files = Project::new().contents(run).into_iter().filter(|(path, _)| is_pure(path));
    files.map(|(path, bytes)| (path.strip_prefix(run).expect("it lies in the run").to_owned(), bytes)).collect()
}

/// That two runs have the same files with the same bytes, as far as they are pure functions of what was run.
#[track_caller]
pub(crate) fn assert_same_run(one: &Path, other: &Path) {
    let (one, other) = (pure_files(one), pure_files(other));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in one {
        assert!(bytes == other[&name], "{} differs", name.display());
    }
}
