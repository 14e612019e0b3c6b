//! How the code reads.

use essaim_tidy::files;

#[test]
fn a_file_holds_one_subject() {
    let faults: Vec<String> = files::ending(".rs")
        .into_iter()
        .filter_map(|path| {
            let lines = files::text(&path).lines().count();
            (lines > LINES_MAX).then(|| format!("{path}: {lines} lines"))
        })
        .collect();
    files::none_of(
        &faults,
        &format!("over {LINES_MAX} lines; most files have 130 to 350. Look for the seam:"),
    );
}

#[test]
fn every_module_says_what_lives_in_it() {
    let faults: Vec<String> = files::ending(".rs")
        .into_iter()
        .filter(|path| !files::text(path).lines().take(HEAD_LINES).any(|line| line.starts_with("//!")))
        .collect();
    files::none_of(&faults, "begin with //!: what lives here, what must not:");
}

#[test]
fn no_test_sleeps() {
    let faults: Vec<String> = files::ending(".rs")
        .into_iter()
        .filter(|path| path.starts_with("tests/") && !path.starts_with("tests/tidy/"))
        .filter(|path| files::text(path).contains("sleep("))
        .collect();
    files::none_of(&faults, "wait for what happens instead of sleeping:");
}

#[test]
fn nothing_is_left_to_do() {
    let marks =
        [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("FIX", "ME"), concat!("XX", "X:")];
    let mut faults = Vec::new();
    for path in files::ending(".rs") {
        let text = files::text(&path);
        faults
            .extend(marks.iter().filter(|mark| text.contains(**mark)).map(|mark| format!("{path}: {mark}")));
    }
    files::none_of(&faults, "finish it or write down in the spec that it is not built:");
}

const LINES_MAX: usize = 600;
const HEAD_LINES: usize = 3;
