//! What is written beside the code.

use std::path::Path;

use essaim_tidy::files;

#[test]
fn every_spec_opens_with_its_state() {
    let mut faults = Vec::new();
    for path in numbered_specs() {
        let text = files::text(&path);
        match header(&text) {
            None => faults.push(format!("{path}: no table | status | code | tests | below the title")),
            Some([status, code, tests]) => {
                if !STATES.contains(&status.as_str()) {
                    faults.push(format!("{path}: status {status:?} is none of {STATES:?}"));
                }
                if status == "built" {
                    faults.extend(
                        missing(&code)
                            .chain(missing(&tests))
                            .map(|gone| format!("{path}: {gone} does not exist")),
                    );
                }
            }
        }
        for heading in ["## Why", "## Not chosen"] {
            if !text.contains(heading) {
                faults.push(format!("{path}: no {heading}"));
            }
        }
    }
    files::none_of(&faults, "specs:");
}

#[test]
fn every_standard_is_answered_with_yes_partly_or_no() {
    let page = files::text("specs/standards.md");
    let lines: Vec<&str> = page.lines().collect();
    let titles = |at: usize| lines.get(at + 1).is_some_and(|next| next.starts_with("|---"));
    let rows = lines.iter().enumerate().filter(|(at, line)| line.starts_with("| ") && !titles(*at));
    let faults: Vec<String> = rows
        .filter(|(_, row)| {
            let said = row.trim_matches('|').rsplit('|').next().unwrap_or_default().trim();
            let word = said.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
            !(matches!(word, "yes" | "no" | "not") || said.starts_with("partly: "))
        })
        .map(|(_, row)| (*row).to_owned())
        .collect();
    files::none_of(&faults, "specs/standards.md: the last cell is yes, no, or partly with what is missing:");
}

#[test]
fn every_folder_has_a_short_readme() {
    let mut faults = Vec::new();
    let folders: Vec<String> = files::ending("Cargo.toml")
        .iter()
        .filter_map(|path| path.strip_suffix("/Cargo.toml"))
        .filter(|folder| !folder.contains("fuzz"))
        .map(str::to_owned)
        .chain(["specs", "tests", "protocol"].map(str::to_owned))
        .collect();
    for folder in folders {
        let readme = format!("{folder}/README.md");
        if files::root().join(&readme).is_file() {
            let lines = files::text(&readme).lines().count();
            if lines > README_LINES_MAX {
                faults.push(format!("{readme}: {lines} lines, {README_LINES_MAX} at most"));
            }
        } else {
            faults.push(format!("{readme} is missing: lives here, never lives here, how to test only this"));
        }
    }
    files::none_of(&faults, "folder READMEs:");
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let paths = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    let mut faults = Vec::new();
    for path in files::all() {
        let text = files::text(&path);
        for (number, line) in text.lines().enumerate() {
            if paths.iter().any(|machine| line.contains(machine)) && !path.starts_with("tests/fixtures/") {
                faults.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    files::none_of(&faults, "paths of somebody's machine:");
}

#[test]
fn every_key_of_the_configuration_is_explained() {
    let path = "node/essaim.toml";
    let text = files::text(path);
    let mut faults = Vec::new();
    let mut explained = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let key = line.trim_start_matches('#').trim_start().split_once(" = ").filter(|(key, _)| is_key(key));
        match key {
            Some((key, _)) if !explained && !line.contains(" # ") => {
                faults.push(format!("{path}:{}: {key} has no comment above it", number + 1));
            }
            Some(_) => explained = false,
            None => explained = line.starts_with('#') || (explained && !line.is_empty()),
        }
    }
    if let Err(error) = text.parse::<toml::Table>() {
        faults.push(format!("{path}: {error}"));
    }
    files::none_of(&faults, "the configuration file is its documentation:");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut faults = Vec::new();
    for page in files::ending(".md") {
        let text = files::text(&page);
        let folder = Path::new(&page).parent().unwrap_or_else(|| Path::new(""));
        for target in
            text.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        {
            let target = target.split('#').next().unwrap_or_default();
            let local = !target.is_empty() && !target.contains(':') && !target.contains(' ');
            if local && !files::root().join(folder).join(target).exists() && !target.ends_with(".svg") {
                faults.push(format!("{page}: {target}"));
            }
        }
    }
    files::none_of(&faults, "links to files that do not exist:");
}

fn numbered_specs() -> Vec<String> {
    let mut specs = files::ending(".md");
    specs.retain(|path| {
        path.strip_prefix("specs/").is_some_and(|name| name.starts_with(|first: char| first.is_ascii_digit()))
    });
    specs
}

/// The cells of the first row of the table that has these titles.
fn header(text: &str) -> Option<[String; 3]> {
    let mut lines = text.lines().take(HEADER_LINES).skip_while(|line| *line != "| status | code | tests |");
    let cells = lines.nth(2)?.strip_prefix('|')?.trim().strip_suffix('|')?;
    let cells: Vec<String> = cells.split('|').map(|cell| cell.trim().to_owned()).collect();
    cells.try_into().ok()
}

/// The paths in backquotes that are not there; patterns are not looked up.
fn missing(cell: &str) -> impl Iterator<Item = String> + '_ {
    let quoted =
        cell.split('`').skip(1).step_by(2).filter(|path| !path.contains(['*', '{']) && path.contains('/'));
    quoted.filter(|path| !files::root().join(path).exists()).map(str::to_owned)
}

fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

const STATES: [&str; 4] = ["draft", "accepted", "built", "retired"];
const HEADER_LINES: usize = 8;
const README_LINES_MAX: usize = 40;
