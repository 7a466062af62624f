use std::fs;

use proptest::prelude::*;

use super::*;
use crate::stop::StopRule;
use crate::value::Value;

fn events() -> Vec<Event> {
    let study = || "outer 0".to_owned();
    vec![
        Event::RunStarted { n_fits: 2 },
        Event::TrialSuggested {
            study: study(),
            trial: 0,
            assignment: Assignment::from([
                ("alpha".to_owned(), Value::Float(1e-5)),
                ("check".to_owned(), Value::Text("a parameter may be called so".to_owned())),
                ("name".to_owned(), Value::Text("a \"b\"\n,\"check\":\"0123456789abcdef\"}".to_owned())),
            ]),
        },
        Event::FitLost { fit: "outer-0/trial-000".to_owned(), attempt: 1, reason: "signal 9".to_owned() },
        Event::FitFinished {
            fit: "outer-0/trial-000".to_owned(),
            key: "0123".to_owned(),
            started: "2026-01-02T03:04:05Z".to_owned(),
            seconds: 0.1,
            reused: None,
            failed: Some("a loss that is no number".to_owned()),
        },
        Event::TrialFinished { study: study(), trial: 0, result: TrialState::from_objective(0.1 + 0.2) },
        Event::StudyEnded { study: study(), ending: Ending { n_trials: 1, by: StopRule::WallTime } },
        Event::RunInterrupted { reason: "signal 2".to_owned() },
        Event::RunResumed,
        Event::RunFinished { status: "complete".to_owned() },
    ]
}

/// A journal of all kinds of events in a folder of its own.
fn written() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("journal.jsonl");
    let mut journal = Journal::create(path.clone()).expect("the folder is empty");
    for event in events() {
        journal.append(&event).expect("there is room");
    }
    (folder, path)
}

#[test]
fn time_between_a_stop_and_its_resumption_is_no_time_at_work() {
    let recorded = |at: &str, event: Event| Recorded { at: format!("2026-01-02T03:{at}.000Z"), event };
    let suggested = || Event::TrialSuggested { study: String::new(), trial: 0, assignment: Assignment::new() };
    let journal = [
        recorded("00:00", Event::RunStarted { n_fits: 1 }),
        recorded("00:20", suggested()),
        recorded("10:00", Event::RunResumed),
        recorded("10:05", Event::RunInterrupted { reason: "signal 2".to_owned() }),
        recorded("40:00", Event::RunResumed),
    ];
    assert_eq!(time_at_work(&journal), Duration::from_secs(25));
    assert_eq!(time_at_work(&[]), Duration::ZERO);
}

fn only_events(recorded: Vec<Recorded>) -> Vec<Event> {
    recorded.into_iter().map(|recorded| recorded.event).collect()
}

/// The line a journal of these bytes is said to be damaged in; `None` when it is read.
fn damaged_line(path: &Path, bytes: &[u8]) -> Option<usize> {
    fs::write(path, bytes).expect("the folder is there");
    let error = read(path).err()?;
    let StoreError::Damaged { path: named, reason } = error else { panic!("{error}") };
    assert_eq!(named, path);
    let opened = Journal::open(path.to_owned()).expect_err("a reader refused it");
    assert!(matches!(&opened, StoreError::Damaged { reason: same, .. } if *same == reason), "{opened}");
    assert_eq!(fs::read(path).expect("it was written"), bytes, "a damaged journal is left alone");
    let number = reason.strip_prefix("line ").and_then(|rest| rest.split(' ').next());
    Some(number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{reason}")))
}

#[test]
fn what_was_recorded_is_read_with_its_time() {
    let (_folder, path) = written();
    let recorded = read(&path).expect("nothing is damaged");
    for entry in &recorded {
        humantime::parse_rfc3339(&entry.at).expect("a point in time");
    }
    assert_eq!(only_events(recorded), events());
    for line in fs::read_to_string(&path).expect("it was written").lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("every line is JSON");
    }
}

#[test]
fn a_check_is_blake3_of_the_check_before_and_the_text() {
    let (_folder, path) = written();
    let text = fs::read_to_string(&path).expect("it was written");
    let mut before = "0".repeat(16);
    for line in text.lines() {
        let (body, check) = line.rsplit_once(r#","check":""#).expect("every line has one");
        assert_eq!(check, format!("{}\"}}", &blake3::hash(format!("{before}{body}").as_bytes()).to_hex()[..16]));
        before = check[..16].to_owned();
    }
}

#[test]
fn a_journal_is_gone_on_with() {
    let (_folder, path) = written();
    let (mut journal, recorded) = Journal::open(path.clone()).expect("it is whole");
    assert_eq!(only_events(recorded), events());
    journal.append(&Event::RunResumed).expect("there is room");
    drop(journal);
    let mut wanted = events();
    wanted.push(Event::RunResumed);
    assert_eq!(only_events(read(&path).expect("the chain goes on")), wanted);
    assert!(matches!(Journal::create(path), Err(StoreError::Write { .. })), "it is there already");
}

#[test]
fn a_flipped_byte_anywhere_is_found_in_its_line() {
    let (_folder, path) = written();
    let bytes = fs::read(&path).expect("it was written");
    let mut line = 1;
    for at in 0..bytes.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            let damage = chain::read(&changed).expect_err("it was changed").to_string();
            assert!(damage.starts_with(&format!("line {line} ")), "byte {at} ^ {flip:#x}: {damage}");
            if at % 64 == 0 {
                assert_eq!(damaged_line(&path, &changed), Some(line), "byte {at} ^ {flip:#x}");
            }
        }
        line += usize::from(bytes[at] == b'\n');
    }
}

#[test]
fn a_line_removed_doubled_or_moved_is_found() {
    let (_folder, path) = written();
    let text = fs::read_to_string(&path).expect("it was written");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for at in 0..lines.len() - 1 {
        let mut removed = lines.clone();
        removed.remove(at);
        assert_eq!(damaged_line(&path, removed.concat().as_bytes()), Some(at + 1));
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at]);
        assert_eq!(damaged_line(&path, doubled.concat().as_bytes()), Some(at + 2));
        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        assert_eq!(damaged_line(&path, swapped.concat().as_bytes()), Some(at + 1));
    }
}

#[test]
fn a_torn_last_line_of_any_length_is_dropped() {
    let (_folder, path) = written();
    let bytes = fs::read(&path).expect("it was written");
    let last = bytes[..bytes.len() - 1].iter().rposition(|&byte| byte == b'\n').expect("many lines") + 1;
    let mut before = events();
    before.pop();
    for length in last..bytes.len() {
        fs::write(&path, &bytes[..length]).expect("the folder is there");
        assert_eq!(only_events(read(&path).expect("only the end is missing")), before);
        assert_eq!(fs::read(&path).expect("it was written"), bytes[..length], "a reader changes nothing");
        let (mut journal, recorded) = Journal::open(path.clone()).expect("only the end is missing");
        assert_eq!(only_events(recorded), before);
        assert_eq!(fs::read(&path).expect("it was written"), bytes[..last]);
        journal.append(&Event::RunResumed).expect("there is room");
        drop(journal);
        let wanted: Vec<Event> = before.iter().cloned().chain([Event::RunResumed]).collect();
        assert_eq!(only_events(read(&path).expect("the chain goes on")), wanted);
    }
}

#[test]
fn a_torn_line_with_a_parameter_called_check_is_no_damage() {
    let (_folder, path) = written();
    let text = fs::read_to_string(&path).expect("it was written");
    let first: usize = text.split_inclusive('\n').next().map_or(0, str::len);
    let second = first + text.split_inclusive('\n').nth(1).map_or(0, str::len);
    for length in first..second {
        fs::write(&path, &text[..length]).expect("the folder is there");
        assert_eq!(read(&path).expect("only the end is missing").len(), 1, "{length}");
    }
}

#[test]
fn an_empty_journal_holds_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("journal.jsonl");
    fs::write(&path, "").expect("the folder is there");
    assert_eq!(read(&path).expect("it is whole"), []);
    let missing = read(&folder.path().join("other")).expect_err("it is not there");
    assert!(matches!(missing, StoreError::Missing { .. }), "{missing}");
}

#[test]
fn an_event_of_another_version_is_not_taken_for_damage() {
    let (_folder, path) = written();
    let body = r#"{"at":"2026-01-02T03:04:05.678Z","event":"run_praised""#;
    let check = &blake3::hash(format!("{}{body}", "0".repeat(16)).as_bytes()).to_hex()[..16];
    fs::write(&path, format!("{body},\"check\":\"{check}\"}}\n")).expect("the folder is there");
    let error = read(&path).expect_err("nobody knows this event").to_string();
    assert!(error.contains("line 1 is whole but holds no event that is known here: unknown variant"), "{error}");
}

#[test]
fn two_writers_are_one_too_many() {
    let (_folder, path) = written();
    let (journal, _) = Journal::open(path.clone()).expect("nobody writes it");
    assert!(matches!(Journal::open(path.clone()), Err(StoreError::Locked { .. })));
    assert_eq!(only_events(read(&path).expect("a reader needs no lock")), events());
    drop(journal);
    Journal::open(path).expect("it was let go");
}

/// A file opened for reading stands in for a disk that refuses: every write fails.
#[test]
fn a_refused_line_leaves_the_chain_as_it_was() {
    let (_folder, path) = written();
    let (mut journal, _) = Journal::open(path.clone()).expect("it is whole");
    let writable = std::mem::replace(&mut journal.file, File::open(&path).expect("it was written"));
    let error = journal.append(&Event::RunResumed).expect_err("it cannot be written");
    assert!(error.to_string().starts_with(&format!("cannot write {}", path.display())), "{error}");
    journal.file = writable;
    // What a short write would have left.
    fs::OpenOptions::new().append(true).open(&path).and_then(|mut file| file.write_all(b"{\"at\":")).expect("room");
    journal.append(&Event::RunResumed).expect("there is room again");
    let wanted: Vec<Event> = events().into_iter().chain([Event::RunResumed]).collect();
    assert_eq!(only_events(read(&path).expect("nothing is left of the first attempt")), wanted);
}

proptest! {
    #[test]
    fn bytes_of_any_kind_are_no_reason_to_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(chain) = chain::read(&bytes) {
            prop_assert!(chain.recorded.is_empty() && !bytes.contains(&b'\n'));
        }
    }
}
