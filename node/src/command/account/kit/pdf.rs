//! One page of text as PDF 1.4 (ISO 32000-1): A4, Courier, no library. Its parts follow each other, and a table at the end says at
//! which byte each begins.

use std::fmt::Write;

/// The lines on a page, from its top.
pub(super) fn page(lines: &[String]) -> Vec<u8> {
    let mut text = format!("BT /F1 {SIZE} Tf {LEADING} TL {LEFT} {TOP} Td\n").into_bytes();
    for line in lines {
        text.push(b'(');
        line.chars().for_each(|c| text.extend(escaped(c)));
        text.extend(b") Tj T*\n");
    }
    text.extend(b"ET");
    let objects: [Vec<u8>; 5] = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
          /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_vec(),
        [format!("<< /Length {} >>\nstream\n", text.len()).as_bytes(), &text, b"\nendstream"].concat(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>".to_vec(),
    ];
    assemble(&objects)
}

fn assemble(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, object) in (1..).zip(objects) {
        let _ = writeln!(table, "{:010} 00000 n ", file.len());
        file.extend(format!("{number} 0 obj\n").into_bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let end =
        format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{}\n%%EOF\n", objects.len() + 1, file.len());
    file.extend(table.into_bytes());
    file.extend(end.into_bytes());
    file
}

/// A character as the font's encoding has it, which for the letters of our languages is Latin-1.
fn escaped(c: char) -> Vec<u8> {
    match u8::try_from(u32::from(c)) {
        Ok(byte @ (b'(' | b')' | b'\\')) => vec![b'\\', byte],
        Ok(byte @ (b' '..=b'~' | 0xa1..=0xff)) => vec![byte],
        _ => vec![b'?'],
    }
}

const SIZE: u32 = 9;
const LEADING: u32 = 15;
const LEFT: u32 = 45;
const TOP: u32 = 780;

#[cfg(test)]
mod tests {
    use super::super::letter::{lines, tests::made};
    use super::*;

    #[test]
    fn the_table_says_where_each_part_begins() {
        let file = page(&["é (x) \\ €".to_owned()]);
        let text: String = file.iter().map(|byte| char::from(*byte)).collect();
        assert!(text.contains("(é \\(x\\) \\\\ ?) Tj"));
        let start: usize =
            text.rsplit("startxref\n").next().unwrap().lines().next().unwrap().parse().unwrap();
        assert!(text[..].chars().skip(start).collect::<String>().starts_with("xref\n0 6\n"));
        let entries = text.chars().skip(start).collect::<String>();
        for (number, line) in (1..=5).zip(entries.lines().skip(3)) {
            let at: usize = line[..10].parse().unwrap();
            assert!(file[at..].starts_with(format!("{number} 0 obj\n").as_bytes()), "{number}");
        }
    }

    #[test]
    fn a_letter_fits_on_the_page() {
        for language in ["en", "fr", "nl"] {
            let lines = lines(&made(language));
            // Courier is 0.6 of its size wide.
            let widest = lines.iter().map(|line| line.chars().count()).max().unwrap();
            assert!(widest * 54 / 10 + 45 <= 595, "{language}: {widest} characters");
            assert!(lines.len() * 15 < 780);
        }
    }
}
