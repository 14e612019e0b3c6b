//! Domains in the only form that is shown: ASCII. A name with letters of two alphabets that look alike cannot pass for another.
//!
//! Not the crate `idna`: what it takes for a valid label depends on the Unicode tables that it was built with, and a record must be
//! accepted by all nodes or by none.

use essaim_types::Domain;

/// The domain with every label in ASCII (`xn--...`, RFC 3492). `None` if a label does not fit 63 characters.
pub fn to_ascii(domain: &str) -> Option<Domain> {
    let labels: Option<Vec<String>> = domain.to_lowercase().split('.').map(label).collect();
    Domain::new(&labels?.join(".")).ok()
}

fn label(label: &str) -> Option<String> {
    if label.is_ascii() {
        return Some(label.to_owned());
    }
    let text = format!("xn--{}", encode(label)?);
    (text.len() <= LABEL_MAX).then_some(text)
}

/// RFC 3492 section 6.3.
fn encode(label: &str) -> Option<String> {
    let points: Vec<u32> = label.chars().take(LABEL_MAX + 1).map(u32::from).collect();
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(out.len()).ok()?;
    if basic > 0 {
        out.push('-');
    }
    let (mut next, mut delta, mut bias, mut handled) = (INITIAL_N, 0u32, INITIAL_BIAS, basic);
    while usize::try_from(handled).ok()? < points.len() {
        let smallest = points.iter().copied().filter(|point| *point >= next).min()?;
        delta = delta.checked_add(smallest.checked_sub(next)?.checked_mul(handled + 1)?)?;
        next = smallest;
        for &point in &points {
            if point < next {
                delta = delta.checked_add(1)?;
            }
            if point == next {
                digits(&mut out, delta, bias)?;
                bias = adapt(delta, handled + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta = delta.checked_add(1)?;
        next += 1;
    }
    Some(out)
}

fn digits(out: &mut String, delta: u32, bias: u32) -> Option<()> {
    let (mut rest, mut k) = (delta, BASE);
    loop {
        let threshold = k.saturating_sub(bias).clamp(T_MIN, T_MAX);
        if rest < threshold {
            out.push(digit(rest)?);
            return Some(());
        }
        out.push(digit(threshold + (rest - threshold) % (BASE - threshold))?);
        rest = (rest - threshold) / (BASE - threshold);
        k += BASE;
    }
}

fn digit(value: u32) -> Option<char> {
    char::from_digit(value.checked_sub(26).unwrap_or(value + 10), 36)
}

/// RFC 3492 section 6.1.
fn adapt(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / DAMP } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > ((BASE - T_MIN) * T_MAX) / 2 {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    k + (BASE - T_MIN + 1) * delta / (delta + SKEW)
}

const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const INITIAL_BIAS: u32 = 72;
const INITIAL_N: u32 = 128;
/// RFC 1035 section 2.3.4.
const LABEL_MAX: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ascii() {
        for (name, ascii) in [
            ("essaim.example", "essaim.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("münchen.example", "xn--mnchen-3ya.example"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("испытание.test", "xn--80akhbyknj4f.test"),
            // A Cyrillic а where an a is expected.
            ("p\u{430}ypal.test", "xn--pypal-4ve.test"),
        ] {
            assert_eq!(to_ascii(name).unwrap().as_str(), ascii);
        }
        assert_eq!(to_ascii(&"ü".repeat(64)), None);
        assert_eq!(to_ascii("a..b"), None);
    }
}
