//! Setting keys in the text of a configuration without losing its comments: what `init` does.

use super::document::DOCUMENT;

/// A configuration file that is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(String);

impl Text {
    /// The documented file with all defaults.
    pub(crate) fn documented() -> Self {
        Self(DOCUMENT.to_owned())
    }

    /// A file as it is.
    pub(crate) fn of(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives a key this value: in its line, in the line of its example, or in a new line at the head of its section. The section
    /// of the keys above the first one is "".
    #[must_use]
    pub(crate) fn set(self, section: &str, key: &str, value: impl Into<toml::Value>) -> Self {
        let setting = format!("{key} = {}", value.into());
        let lines: Vec<&str> = self.0.lines().collect();
        let (start, end) = bounds(&lines, section);
        let place = |prefix: &str| {
            let begin = format!("{prefix}{key} =");
            lines.iter().take(end).skip(start).position(|line| line.starts_with(&begin)).map(|at| start + at)
        };
        let mut out: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        match place("").or_else(|| place("#")) {
            Some(at) => out.splice(at..=at, [setting]).for_each(drop),
            None if start == lines.len() => out.extend([format!("[{section}]"), setting]),
            None => out.insert(start, setting),
        }
        Self(out.join("\n") + "\n")
    }
}

/// The lines of a section, without its header; behind the last line if there is none.
fn bounds(lines: &[&str], section: &str) -> (usize, usize) {
    let header = format!("[{section}]");
    let start = match section {
        "" => 0,
        _ => lines.iter().position(|line| line.trim() == header).map_or(lines.len(), |at| at + 1),
    };
    let length = lines.iter().skip(start).position(|line| line.starts_with('['));
    (start, length.map_or(lines.len(), |length| start + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn keys_are_set_where_they_stand_and_comments_stay() {
        let text = Text::documented()
            .set("", "data_dir", "/srv/essaim")
            .set("hoster", "domain", "coop.example")
            .set("hoster", "hostname", "mail.coop.example")
            .set("listen", "smtp", "[::]:25");
        let config: Config = toml::from_str(text.as_str()).unwrap();
        assert_eq!(config.data_dir, std::path::Path::new("/srv/essaim"));
        assert_eq!(config.hoster.hostname().as_str(), "mail.coop.example");
        assert_eq!(config.listen.smtp, Some("[::]:25".parse().unwrap()));
        assert_eq!(text.as_str().lines().count(), DOCUMENT.lines().count());
    }

    #[test]
    fn an_absent_key_or_section_is_added() {
        let text = Text::of("[hoster]\n# ours\n".to_owned())
            .set("hoster", "domain", "a.test")
            .set("tls", "mode", "off");
        assert_eq!(text.as_str(), "[hoster]\ndomain = \"a.test\"\n# ours\n[tls]\nmode = \"off\"\n");
        assert_eq!(
            Text::of("[hoster]\n".to_owned()).set("", "data_dir", "d").as_str(),
            "data_dir = \"d\"\n[hoster]\n"
        );
    }
}
