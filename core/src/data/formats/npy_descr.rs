//! Types of NumPy as a header spells them: how many bytes a value takes. So values of any type can be handed on.

/// Records in records go no deeper.
const DEEPEST: usize = 32;

/// What a value is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// So many bytes, maybe none.
    Bytes(usize),
    /// Objects of Python, which are pickled: there is no telling where one of them ends.
    Objects,
}

impl Item {
    fn and(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Bytes(a), Self::Bytes(b)) => a.checked_add(b).map(Self::Bytes),
            _ => Some(Self::Objects),
        }
    }

    fn times(self, times: usize) -> Option<Self> {
        match self {
            Self::Bytes(bytes) => bytes.checked_mul(times).map(Self::Bytes),
            Self::Objects => Some(Self::Objects),
        }
    }
}

/// What a value is of a type that a header spells `'<f4'` or `[('a', '<f4'), ('b', '|u1', (3,))]`; `None` of an unknown one.
pub(super) fn item(descr: &[u8]) -> Option<Item> {
    let mut literal = Literal(descr);
    let item = literal.item(DEEPEST)?;
    literal.0.trim_ascii().is_empty().then_some(item)
}

/// One of the types that have no parts: `<f4`, `|S5`, `<M8[ns]`.
fn simple(name: &[u8]) -> Option<Item> {
    let name = std::str::from_utf8(name).ok()?;
    let name = name.strip_prefix(['<', '>', '|', '=']).unwrap_or(name);
    let kind = name.chars().next()?;
    let rest = &name[kind.len_utf8()..];
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = rest.split_at(digits);
    let has_unit = unit.starts_with('[') && unit.ends_with(']');
    let is_time = matches!(kind, 'M' | 'm');
    if !(unit.is_empty() || has_unit && is_time) {
        return None;
    }
    match kind {
        'O' => Some(Item::Objects),
        // Four bytes a letter.
        'U' => Item::Bytes(number.parse().ok()?).times(4),
        'b' | 'i' | 'u' | 'f' | 'c' | 'S' | 'V' | 'M' | 'm' => number.parse().ok().map(Item::Bytes),
        _ => None,
    }
}

/// What is left to read of a text of Python's syntax.
pub(super) struct Literal<'a>(pub(super) &'a [u8]);

impl<'a> Literal<'a> {
    /// Whether this sign is next, behind spaces; then it is taken.
    pub(super) fn takes(&mut self, sign: u8) -> bool {
        let rest = self.0.trim_ascii_start();
        match rest.split_first() {
            Some((&first, rest)) if first == sign => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, sign: u8) -> Option<()> {
        self.takes(sign).then_some(())
    }

    /// A text in quotes, which are left out; what is escaped stays so.
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let rest = self.0.trim_ascii_start();
        let (&quote, rest) = rest.split_first().filter(|(first, _)| b"'\"".contains(first))?;
        let mut at = 0;
        while *rest.get(at)? != quote {
            at += if rest[at] == b'\\' { 2 } else { 1 };
        }
        self.0 = &rest[at + 1..];
        Some(&rest[..at])
    }

    /// Whatever stands before the comma or bracket that ends it.
    pub(super) fn value(&mut self) -> Option<&'a [u8]> {
        let all = self.0.trim_ascii_start();
        self.0 = all;
        let mut depth = 0_usize;
        while let Some(&sign) = self.0.first() {
            match sign {
                b'\'' | b'"' => {
                    self.text()?;
                    continue;
                }
                b',' | b')' | b']' | b'}' if depth == 0 => break,
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth -= 1,
                _ => {}
            }
            self.0 = &self.0[1..];
        }
        Some(all[..all.len() - self.0.len()].trim_ascii())
    }

    /// Whole numbers in brackets: `(2, 3)`, `(2,)`, `()`. Python 2 put an L behind some of them.
    pub(super) fn shape(&mut self) -> Option<Vec<usize>> {
        self.expect(b'(')?;
        let mut shape = Vec::new();
        while !self.takes(b')') {
            let number = std::str::from_utf8(self.value()?).ok()?;
            shape.push(number.strip_suffix('L').unwrap_or(number).parse().ok()?);
            if !self.takes(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Some(shape)
    }

    fn item(&mut self, deepest: usize) -> Option<Item> {
        if !self.takes(b'[') {
            return simple(self.text()?);
        }
        let deepest = deepest.checked_sub(1)?;
        let mut item = Item::Bytes(0);
        while !self.takes(b']') {
            item = item.and(self.field(deepest)?)?;
            if !self.takes(b',') {
                self.expect(b']')?;
                break;
            }
        }
        Some(item)
    }

    /// Name, type, and how many there are: `('a', '<f4', (2, 3))`, `(('title', 'a'), '<f4')`.
    fn field(&mut self, deepest: usize) -> Option<Item> {
        self.expect(b'(')?;
        if self.takes(b'(') {
            self.text()?;
            self.expect(b',')?;
            self.text()?;
            self.expect(b')')?;
        } else {
            self.text()?;
        }
        self.expect(b',')?;
        let mut item = self.item(deepest)?;
        if self.takes(b',') && !self.0.trim_ascii_start().starts_with(b")") {
            let times = self.shape()?.into_iter().try_fold(1_usize, usize::checked_mul)?;
            item = item.times(times)?;
        }
        self.takes(b',');
        self.expect(b')')?;
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(descr: &str) -> Option<usize> {
        match item(descr.as_bytes())? {
            Item::Bytes(bytes) => Some(bytes),
            Item::Objects => panic!("{descr} holds objects"),
        }
    }

    #[test]
    fn a_type_says_how_many_bytes_its_values_take() {
        for (descr, expected) in [
            ("'|b1'", 1),
            ("'>f8'", 8),
            ("'<f16'", 16),
            ("'<c16'", 16),
            ("'|S0'", 0),
            ("'|S7'", 7),
            ("'<U5'", 20),
            ("'|V3'", 3),
            ("'<M8[ns]'", 8),
            ("'>m8[25s]'", 8),
            ("[]", 0),
            ("[('a', '<f4'), ('b', '|u1', (3,))]", 7),
            (r#"[("it's", '<f4'), ('x\'] ,(', '<U2', (2, 2)), ('', '|V4')]"#, 40),
            ("[(('a title', 'a'), '<i8'), ('in', [('b', '>f2', (2L,))], (3,))]", 20),
        ] {
            assert_eq!(bytes(descr), Some(expected), "{descr}");
        }
    }

    #[test]
    fn objects_are_seen_however_deep_they_are() {
        for descr in ["'|O'", "[('a', '<f4'), ('b', '|O')]", "[('a', [('b', '|O', (2,))])]"] {
            assert_eq!(item(descr.as_bytes()), Some(Item::Objects), "{descr}");
        }
    }

    #[test]
    fn what_is_no_type_has_no_width() {
        let deep = format!("{}'<f4'{}", "[('a', ".repeat(40), ")]".repeat(40));
        let huge = format!("[('a', '<f8', ({},))]", usize::MAX);
        for descr in [
            "",
            "'",
            "''",
            "'<'",
            "'<f'",
            "'<q8'",
            "'<f8x'",
            "'<f8[s]'",
            "'<f4' 1",
            "[",
            "[('a')]",
            "['<f4']",
            "[('a', '<f4', 3x)]",
            "[('a', '<f4'",
            "'\\",
            "'<U99999999999999999999'",
            &deep,
            &huge,
        ] {
            assert_eq!(item(descr.as_bytes()), None, "{descr}");
        }
    }
}
