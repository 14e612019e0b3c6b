//! From the address to a form. Whatever is sent: a form comes out, with what could not be understood beside it.

use essaim_directory::trust::Tier;

use super::{Fault, Form, Key, YES};

impl Form {
    /// Reads what stands behind `?`. Keys that no form has are left out; so is what is empty.
    pub(crate) fn read(query: &str) -> (Self, Vec<Fault>) {
        let mut form = Self::default();
        let mut faults: Vec<Fault> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()).take(PAIRS_MAX) {
            let Some(key) = Key::ALL.into_iter().find(|key| key.name() == name) else { continue };
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            let taken = if value.len() > VALUE_MAX { Err("fault-too-long") } else { form.take(key, value) };
            if let Err(why) = taken
                && !faults.iter().any(|fault| fault.key == key)
            {
                faults.push(Fault { key, why });
            }
        }
        form.services.sort_unstable();
        form.services.dedup();
        form.languages.sort_unstable();
        form.languages.dedup();
        (form, faults)
    }

    fn take(&mut self, key: Key, value: &str) -> Result<(), &'static str> {
        match key {
            // Lists of strangers' words: their number is bounded by that of the pairs.
            Key::Service => self.services.push(word(value)?),
            Key::Language => self.languages.push(word(value)?),
            Key::Words => self.words = plain(value)?,
            Key::Near => self.near = plain(value)?,
            Key::Within => self.within = number(value, 1..=20_000)?,
            Key::Country => self.country = country(value)?,
            Key::Open => self.open = yes(value)?,
            Key::Price => self.price = Some(price(value)?),
            Key::LegalForm => self.legal_form = word(value)?,
            Key::Charter => self.charter = word(value)?,
            Key::Trust => self.trust = trust(value)?,
            Key::Page => self.page = number(value, 1..=1_000_000)? as usize,
        }
        Ok(())
    }
}

/// Text for people, on one line.
fn plain(value: &str) -> Result<String, &'static str> {
    match value.chars().any(char::is_control) {
        true => Err("fault-text"),
        false => Ok(value.to_owned()),
    }
}

/// A word as the directory's schema has it.
fn word(value: &str) -> Result<String, &'static str> {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match value.len() <= WORD_MAX && value.bytes().all(known) {
        true => Ok(value.to_owned()),
        false => Err("fault-word"),
    }
}

fn country(value: &str) -> Result<String, &'static str> {
    match value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        true => Ok(value.to_ascii_uppercase()),
        false => Err("fault-country"),
    }
}

fn yes(value: &str) -> Result<bool, &'static str> {
    if value == YES { Ok(true) } else { Err("fault-open") }
}

fn trust(value: &str) -> Result<Tier, &'static str> {
    match value {
        "proven" => Ok(Tier::Proven),
        "reached" => Ok(Tier::Reached),
        "endorsed" => Ok(Tier::Endorsed),
        _ => Err("fault-trust"),
    }
}

fn number(value: &str, range: std::ops::RangeInclusive<u32>) -> Result<u32, &'static str> {
    value.parse().ok().filter(|number| range.contains(number)).ok_or("fault-number")
}

/// `5`, `3.50` or `3,50` to hundredths.
fn price(value: &str) -> Result<i64, &'static str> {
    let (whole, cents) = value.split_once(['.', ',']).unwrap_or((value, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 5 || cents.len() > 2 || !digits(whole) || !digits(cents) {
        return Err("fault-price");
    }
    format!("{whole}{cents:0<2}").parse().map_err(|_| "fault-price")
}

/// Fields that are read of one address.
const PAIRS_MAX: usize = 64;
/// Bytes of one of them.
const VALUE_MAX: usize = 100;
/// Bytes of a word.
const WORD_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_question_has_one_address() {
        let (form, faults) =
            Form::read("open=yes&near=+Namur+&service=mail&service=files&service=mail&q=&utm_source=x");
        assert_eq!(faults, []);
        assert_eq!(form.query(), "?near=Namur&service=files&service=mail&open=yes");
        assert_eq!(form.set(), [Key::Near, Key::Service, Key::Open]);
        assert_eq!(form.without(Key::Service).query(), "?near=Namur&open=yes");
        assert_eq!(Form::read("within=50&trust=proven&page=1").0.query(), "");
        assert_eq!(Form::read("near=a&within=100&page=3").0.without(Key::Near).query(), "");
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        for (query, key, why) in [
            ("price=cheap", Key::Price, "fault-price"),
            ("price=-3", Key::Price, "fault-price"),
            ("price=3.999", Key::Price, "fault-price"),
            ("price=123456", Key::Price, "fault-price"),
            ("within=0", Key::Within, "fault-number"),
            ("within=1e9", Key::Within, "fault-number"),
            ("page=0", Key::Page, "fault-number"),
            ("service=Mail%3Cscript%3E", Key::Service, "fault-word"),
            ("country=Belgium", Key::Country, "fault-country"),
            ("open=perhaps", Key::Open, "fault-open"),
            ("trust=blind", Key::Trust, "fault-trust"),
            ("q=a%00b", Key::Words, "fault-text"),
        ] {
            assert_eq!(Form::read(query).1, [Fault { key, why }], "{query}");
        }
        let long = format!("near={}", "a".repeat(VALUE_MAX + 1));
        assert_eq!(Form::read(&long).1, [Fault { key: Key::Near, why: "fault-too-long" }]);
        for (typed, price) in [("3,5", 350), ("3.50", 350), ("0", 0), ("12345", 1_234_500)] {
            assert_eq!(Form::read(&format!("price={typed}")).0.price, Some(price), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn any_address_gives_a_form_whose_own_address_gives_the_same_form(query in ".{0,300}") {
            let (form, _) = Form::read(&query);
            let address = form.query();
            let (again, faults) = Form::read(address.trim_start_matches('?'));
            prop_assert_eq!(&faults, &[]);
            prop_assert_eq!(again.query(), address);
        }

        #[test]
        fn any_values_are_taken_or_refused(
            values in proptest::collection::vec((0..12_usize, "[ -~é\u{202e}%&=+]{0,40}"), 0..8)
        ) {
            let mut pairs = form_urlencoded::Serializer::new(String::new());
            for (key, value) in &values {
                pairs.append_pair(Key::ALL[*key].name(), value);
            }
            let (form, _) = Form::read(&pairs.finish());
            let (again, faults) = Form::read(form.query().trim_start_matches('?'));
            prop_assert_eq!(&faults, &[]);
            prop_assert_eq!(again.query(), form.query());
        }
    }
}
