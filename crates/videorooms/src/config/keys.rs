//! The keys of the configuration: which there are, how the text of a variable or a flag is read for each, and which is near a mistyped one.
//! All of it follows from the defaults.

use figment::value::{Dict, Value};

use super::Config;

/// Keys whose values are never shown.
pub(super) const SECRETS: [&str; 2] = ["secret_key_base", "secret_key_base_previous"];

/// Below this likeness two names have nothing in common.
const LIKE: f64 = 0.8;

/// The defaults as nested values.
pub(super) fn defaults() -> Dict {
    let value = Value::serialize(Config::default()).expect("a configuration is text, numbers and lists");
    value.into_dict().expect("a configuration is a struct")
}

/// Every key, dotted, in order.
pub(super) fn all() -> Vec<String> {
    let mut keys: Vec<_> = crate::explain::flat(&Value::from(defaults()))
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    keys.sort();
    keys
}

/// Reads what was written for a key. Text is taken as it stands, however much it looks like a number; a list is `a,b` or `["a", "b"]`.
pub(super) fn read(key: &str, text: &str) -> Value {
    let default = Value::from(defaults()).find(key);
    match default {
        Some(Value::Bool(..) | Value::Num(..)) => {
            // Any text is a value; whether it is one of the right kind is seen when it is used.
            let Ok(value) = text.parse();
            value
        }
        Some(Value::Array(..)) => Value::from(items(text)),
        // An absent default is an optional text; an unknown key is refused later.
        Some(Value::String(..) | Value::Char(..) | Value::Dict(..) | Value::Empty(..)) | None => {
            Value::from(text)
        }
    }
}

fn items(text: &str) -> Vec<String> {
    let text = text.trim();
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    inner
        .unwrap_or(text)
        .split(',')
        .map(|item| item.trim().trim_matches('"').to_owned())
        .filter(|item| !item.is_empty())
        .collect()
}

/// The known keys and sections whose last name is most like that of this key; in its own section, if there is one as good.
pub(super) fn nearest(unknown: &str) -> Vec<String> {
    let mut known = all();
    known.extend(
        defaults()
            .into_iter()
            .filter_map(|(section, value)| value.into_dict().map(|_| section)),
    );
    let split = |key: &str| {
        let (parents, last) = key.rsplit_once('.').unwrap_or(("", key));
        (parents.to_owned(), last.to_owned())
    };
    let (parents, last) = split(unknown);
    let likeness = |key: &str| strsim::jaro_winkler(&split(key).1, &last);
    let best = known.iter().map(|key| likeness(key)).fold(LIKE, f64::max);
    known.retain(|key| likeness(key) >= best);
    let (own, elsewhere): (Vec<_>, Vec<_>) = known.into_iter().partition(|key| split(key).0 == parents);
    if own.is_empty() { elsewhere } else { own }
}
