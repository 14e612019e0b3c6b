//! What stands in an IMAP response: atoms, strings and lists. Lists may be nested a thousand deep.

/// One value of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// An atom, a number, a flag, `NIL`, or a name with its section such as `BODY[HEADER.FIELDS (TO)]<0>`.
    Atom(String),
    /// A quoted string or a literal.
    Text(Vec<u8>),
    /// What stands in parentheses.
    List(Vec<Self>),
}

impl Value {
    /// All values of one response. What is not understood ends the list: a test then misses what it looks for.
    pub fn parse(response: &[u8]) -> Vec<Self> {
        let mut parser = Parser { rest: response };
        let mut open = vec![Vec::new()];
        while let Some(token) = parser.token() {
            match token {
                Token::Open => open.push(Vec::new()),
                Token::Close if open.len() > 1 => {
                    let list = open.pop().unwrap_or_default();
                    push(&mut open, Self::List(list));
                }
                Token::Close => break,
                Token::Value(value) => push(&mut open, value),
            }
        }
        open.into_iter().next().unwrap_or_default()
    }

    /// Atom or string as text; empty for a list.
    pub fn text(&self) -> String {
        match self {
            Self::Atom(atom) => atom.clone(),
            Self::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::List(_) => String::new(),
        }
    }

    /// The bytes of a string or atom.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Atom(atom) => Some(atom.as_bytes()),
            Self::Text(bytes) => Some(bytes),
            Self::List(_) => None,
        }
    }

    /// An atom that is a number.
    pub fn number<N: std::str::FromStr>(&self) -> Option<N> {
        match self {
            Self::Atom(atom) => atom.parse().ok(),
            Self::Text(_) | Self::List(_) => None,
        }
    }

    /// The values of a list; nothing for other values.
    pub fn list(&self) -> &[Self] {
        match self {
            Self::List(values) => values,
            Self::Atom(_) | Self::Text(_) => &[],
        }
    }

    /// The value that follows `name` in a list of pairs, as in the answer to FETCH.
    pub fn attribute(&self, name: &str) -> Option<&Self> {
        self.list().chunks_exact(2).find_map(|pair| match pair {
            [Self::Atom(key), value] if key.eq_ignore_ascii_case(name) => Some(value),
            _ => None,
        })
    }

    /// `NIL`?
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Atom(atom) if atom.eq_ignore_ascii_case("NIL"))
    }
}

enum Token {
    Open,
    Close,
    Value(Value),
}

struct Parser<'a> {
    rest: &'a [u8],
}

impl Parser<'_> {
    fn token(&mut self) -> Option<Token> {
        self.rest = self.rest.trim_ascii_start();
        match *self.rest.first()? {
            b'(' => self.one(Token::Open),
            b')' => self.one(Token::Close),
            b'"' => self.quoted(),
            b'{' => self.literal(),
            _ => Some(self.atom()),
        }
    }

    fn one(&mut self, token: Token) -> Option<Token> {
        self.rest = self.rest.get(1..)?;
        Some(token)
    }

    fn quoted(&mut self) -> Option<Token> {
        let mut text = Vec::new();
        let mut bytes = self.rest.get(1..)?.iter().enumerate();
        while let Some((at, &byte)) = bytes.next() {
            match byte {
                b'"' => {
                    self.rest = self.rest.get(at + 2..)?;
                    return Some(Token::Value(Value::Text(text)));
                }
                b'\\' => text.push(*bytes.next()?.1),
                other => text.push(other),
            }
        }
        None
    }

    fn literal(&mut self) -> Option<Token> {
        let close = self.rest.windows(3).position(|end| end == b"}\r\n")?;
        let length: usize = std::str::from_utf8(self.rest.get(1..close)?).ok()?.parse().ok()?;
        let text = self.rest.get(close + 3..close + 3 + length)?.to_vec();
        self.rest = self.rest.get(close + 3 + length..)?;
        Some(Token::Value(Value::Text(text)))
    }

    /// Blanks and parentheses inside of `[...]` belong to the atom.
    fn atom(&mut self) -> Token {
        let mut brackets = 0_usize;
        let end = self.rest.iter().position(|&byte| {
            match byte {
                b'[' => brackets += 1,
                b']' => brackets = brackets.saturating_sub(1),
                _ => {}
            }
            matches!(byte, b'\r' | b'\n') || (brackets == 0 && matches!(byte, b' ' | b'(' | b')'))
        });
        let (atom, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        Token::Value(Value::Atom(String::from_utf8_lossy(atom).into_owned()))
    }
}

fn push(open: &mut [Vec<Value>], value: Value) {
    if let Some(list) = open.last_mut() {
        list.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetch_response_is_a_list_of_pairs() {
        let values = Value::parse(b"2 FETCH (UID 7 FLAGS (\\Seen $x) BODY[HEADER.FIELDS (TO)]<0> {5}\r\na)\"b( X \"q\\\"\" Y NIL)\r\n");
        let [number, name, list] = values.as_slice() else { panic!("{values:?}") };
        assert_eq!((number.number::<u32>(), name.text().as_str()), (Some(2), "FETCH"));
        assert_eq!(list.attribute("flags").map(|flags| flags.list().len()), Some(2));
        assert_eq!(
            list.attribute("BODY[HEADER.FIELDS (TO)]<0>").and_then(Value::bytes),
            Some(&b"a)\"b("[..])
        );
        assert_eq!(list.attribute("X").map(Value::text).as_deref(), Some("q\""));
        assert!(list.attribute("Y").is_some_and(Value::is_nil));
    }

    #[test]
    fn depth_costs_no_stack_while_reading() {
        let deep = [vec![b'('; 2000], vec![b')'; 2000]].concat();
        assert_eq!(Value::parse(&deep).len(), 1);
    }
}
