//! `ESSAIM_SECTION__KEY=value` over the file.

use toml::{Table, Value};

use super::document::document;
use super::problem::{Place, Problem};
use super::schema::unknown_key;

/// A setting from the environment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Override {
    pub(super) variable: String,
    section: String,
    name: String,
    value: Value,
}

/// Those variables that are settings: `ESSAIM_SECTION__KEY`, and `ESSAIM_DATA_DIR`. Others that begin with ESSAIM_ (the log
/// level) are not configuration.
pub(super) fn overrides(
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Vec<Override>, Vec<Problem>> {
    let (mut overrides, mut problems) = (Vec::new(), Vec::new());
    for (variable, text) in variables {
        let Some((section, name)) = key_of(&variable) else { continue };
        match document().find(&section, &name) {
            None => problems.push(unknown_key(Place::Environment(variable), &section, &name)),
            Some(key) => {
                overrides.push(Override { variable, section, name, value: value_like(key.toml(), &text) })
            }
        }
    }
    overrides.sort_by(|a, b| a.variable.cmp(&b.variable));
    if problems.is_empty() { Ok(overrides) } else { Err(problems) }
}

impl Override {
    /// Puts the setting into its section.
    pub(super) fn apply(&self, table: &mut Table) {
        let mut table = table;
        for level in self.section.split('.').filter(|level| !level.is_empty()) {
            let section = table.entry(level).or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(section) = section else { return };
            table = section;
        }
        table.insert(self.name.clone(), self.value.clone());
    }

    /// `section.key`, as messages name it.
    pub(super) fn path(&self) -> String {
        match self.section.as_str() {
            "" => self.name.clone(),
            section => format!("{section}.{}", self.name),
        }
    }
}

fn key_of(variable: &str) -> Option<(String, String)> {
    let rest = variable.strip_prefix("ESSAIM_")?.to_lowercase();
    if rest == "data_dir" {
        return Some((String::new(), rest));
    }
    let (section, name) = rest.rsplit_once("__")?;
    Some((section.replace("__", "."), name.to_owned()))
}

/// The text as a value of the type that the documentation shows for this key. What does not fit stays text: reading the
/// configuration then says what is expected.
fn value_like(shown: &str, text: &str) -> Value {
    let written = |text: &str| format!("v = {text}").parse::<Table>().ok()?.remove("v");
    match written(shown) {
        Some(Value::Array(_)) => written(text).filter(Value::is_array).unwrap_or_else(|| list(text)),
        Some(Value::Integer(_) | Value::Boolean(_)) => {
            written(text).unwrap_or_else(|| Value::String(text.to_owned()))
        }
        _ => Value::String(text.to_owned()),
    }
}

fn list(text: &str) -> Value {
    let items = text.split([',', ' ']).filter(|item| !item.is_empty());
    Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Table, Vec<Problem>> {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut table = Table::new();
        overrides(owned)?.iter().for_each(|setting| setting.apply(&mut table));
        Ok(table)
    }

    #[test]
    fn variables_become_keys_of_the_documented_type() {
        let table = read(&[
            ("ESSAIM_LISTEN__HTTP", "127.0.0.1:0"),
            ("ESSAIM_MAIL__QUEUE__CONNECTIONS", "3"),
            ("ESSAIM_HOSTER__DOMAINS", "a.test, b.test"),
            ("ESSAIM_DATA_DIR", "/srv/essaim"),
            ("ESSAIM_LOG", "debug"),
            ("PATH", "/bin"),
        ]);
        let expected: Table =
            "data_dir = \"/srv/essaim\"\n[listen]\nhttp = \"127.0.0.1:0\"\n[mail.queue]\nconnections = 3\n\
             [hoster]\ndomains = [\"a.test\", \"b.test\"]\n"
                .parse()
                .unwrap();
        assert_eq!(table, Ok(expected));
    }

    #[test]
    fn an_unknown_variable_is_an_error() {
        let problems = read(&[("ESSAIM_LISTEN__SMPT", "[::]:25")]).unwrap_err();
        let text = problems.first().unwrap().to_string();
        assert_eq!(
            text,
            "environment variable ESSAIM_LISTEN__SMPT: there is no key smpt in [listen]; did you mean smtp?"
        );
    }
}
