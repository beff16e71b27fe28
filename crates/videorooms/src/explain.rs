//! `config explain`: every key, its value, and where that came from.

use figment::value::Value;

use crate::config::{Config, Sources};

/// Prints the merged configuration, one key a line. Secrets show as dots.
///
/// # Errors
/// When the configuration cannot be used.
pub fn explain(sources: &Sources) -> anyhow::Result<()> {
    let config: Config = sources.read()?;
    let figment = sources.figment()?;
    let shown: Value = Value::serialize(&config)?;
    for (key, value) in flat(&shown) {
        let from = figment
            .find_metadata(&key)
            .map_or("default", |from| from.name.as_ref());
        print_line(&format!("{key} = {value}    # {from}"));
    }
    Ok(())
}

/// Every key below a value, dotted, with its value as it is shown.
pub(crate) fn flat(value: &Value) -> Vec<(String, String)> {
    flatten(String::new(), value)
}

fn flatten(path: String, value: &Value) -> Vec<(String, String)> {
    let Some(dict) = value.as_dict() else {
        return vec![(path, show(value))];
    };
    let below = |key: &String| {
        if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        }
    };
    dict.iter()
        .flat_map(|(key, value)| flatten(below(key), value))
        .collect()
}

fn show(value: &Value) -> String {
    if let Some(text) = value.as_str() {
        return format!("{text:?}");
    }
    if let Some(flag) = value.to_bool() {
        return flag.to_string();
    }
    if let Some(number) = value.to_u128() {
        return number.to_string();
    }
    match value.as_array() {
        Some(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        None => "none".to_owned(),
    }
}

/// Prints a line that a person asked for.
#[expect(clippy::print_stdout, reason = "what the program says to who started it")]
pub fn print_line(text: &str) {
    println!("{text}");
}
