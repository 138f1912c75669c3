//! Text of an expression to tokens, each with its column (from 1, in characters).

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A number.
    Number(f64),
    /// A name, dots included: `m1.mass.position`.
    Name(String),
    /// An operator or a bracket, as written.
    Symbol(&'static str),
    /// The end of the text.
    End,
}

impl Token {
    /// As quoted in messages.
    pub fn describe(&self) -> String {
        match self {
            Token::Number(x) => format!("number {x}"),
            Token::Name(name) => format!("'{name}'"),
            Token::Symbol(symbol) => format!("'{symbol}'"),
            Token::End => "the end".to_string(),
        }
    }
}

const SYMBOLS: [&str; 24] = [
    "<=", ">=", "==", "!=", "&&", "||", "<", ">", "!", "+", "-", "*", "/", "^", "(", ")", "[", "]", ",", "?", ":", "&",
    "|", "=",
];

/// Why a text has no tokens: (column, message).
pub type LexError = (usize, String);

/// Splits a text; the last token is [`Token::End`].
pub fn tokens(text: &str) -> Result<Vec<(Token, usize)>, LexError> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        let column = i + 1;
        if c.is_whitespace() {
            i += 1;
        } else if c.is_ascii_digit() || (c == '.' && chars.get(i + 1).is_some_and(char::is_ascii_digit)) {
            let end = number_end(&chars, i);
            out.push((Token::Number(number(&chars[i..end], column)?), column));
            i = end;
        } else if is_name_start(c) {
            let end = name_end(&chars, i);
            out.push((Token::Name(chars[i..end].iter().collect()), column));
            i = end;
        } else {
            let rest: String = chars[i..chars.len().min(i + 2)].iter().collect();
            let Some(symbol) = SYMBOLS.iter().find(|s| rest.starts_with(**s)) else {
                return Err((column, format!("unexpected character '{c}' at column {column}")));
            };
            if let Some(remedy) = near_miss(symbol) {
                return Err((column, format!("'{symbol}' at column {column} is not an operator; {remedy}")));
            }
            if *symbol == "*" && chars.get(i + 1) == Some(&'*') {
                return Err((column, format!("'**' at column {column} is not an operator; write '^' for powers")));
            }
            out.push((Token::Symbol(symbol), column));
            i += symbol.len();
        }
    }
    out.push((Token::End, chars.len() + 1));
    Ok(out)
}

fn near_miss(symbol: &str) -> Option<&'static str> {
    match symbol {
        "=" => Some("write '==' to compare"),
        "&" => Some("write '&&' for 'and'"),
        "|" => Some("write '||' for 'or'"),
        _ => None,
    }
}

/// First character of a name.
pub fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// Later character of a name.
pub fn is_name_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn name_end(chars: &[char], mut i: usize) -> usize {
    loop {
        while chars.get(i).is_some_and(|c| is_name_part(*c)) {
            i += 1;
        }
        if chars.get(i) == Some(&'.') && chars.get(i + 1).is_some_and(|c| is_name_part(*c)) {
            i += 1;
        } else {
            return i;
        }
    }
}

fn number_end(chars: &[char], mut i: usize) -> usize {
    let digits = |mut i: usize| {
        while chars.get(i).is_some_and(char::is_ascii_digit) {
            i += 1;
        }
        i
    };
    i = digits(i);
    if chars.get(i) == Some(&'.') {
        i = digits(i + 1);
    }
    if matches!(chars.get(i), Some('e' | 'E')) {
        let sign = usize::from(matches!(chars.get(i + 1), Some('+' | '-')));
        if chars.get(i + 1 + sign).is_some_and(char::is_ascii_digit) {
            i = digits(i + 1 + sign);
        }
    }
    i
}

fn number(chars: &[char], column: usize) -> Result<f64, LexError> {
    let text: String = chars.iter().collect();
    match text.parse::<f64>() {
        Ok(x) if x.is_finite() => Ok(x),
        _ => Err((column, format!("number {text} at column {column} is out of the range of f64"))),
    }
}
