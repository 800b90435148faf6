//! JSON from strangers: a key that stands twice is an error, for two readers may each take another; so is what is nested too deep.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BadJson {
    /// It ends too early: perhaps not all of it is written yet.
    Half(String),
    /// It can never be right.
    Wrong(String),
}

struct Strict(Value);

/// Parses one JSON object.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, BadJson> {
    let text = std::str::from_utf8(bytes).map_err(|e| match e.error_len() {
        None => BadJson::Half("it ends within a character".to_owned()),
        Some(_) => BadJson::Wrong(format!("it is not UTF-8: {e}")),
    })?;
    match serde_json::from_str(text) {
        Ok(Strict(Value::Object(map))) => Ok(map),
        Ok(Strict(_)) => Err(BadJson::Wrong("it is JSON, and not an object".to_owned())),
        Err(e) if e.is_eof() => Err(BadJson::Half(format!("it is not whole JSON: {e}"))),
        Err(e) => Err(BadJson::Wrong(format!("it is not JSON: {e}"))),
    }
}

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Any).map(Self)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
        Ok(n.into())
    }

    fn visit_u64<E>(self, n: u64) -> Result<Value, E> {
        Ok(n.into())
    }

    fn visit_f64<E>(self, n: f64) -> Result<Value, E> {
        Ok(n.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((key, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if all.contains_key(&key) {
                let key: String = key.chars().take(100).collect();
                return Err(A::Error::custom(format!("the key {key:?} stands twice")));
            }
            all.insert(key, value);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_that_stands_twice_at_any_depth_is_wrong() {
        assert!(matches!(object(br#"{"a":1,"a":2}"#), Err(BadJson::Wrong(why)) if why.contains("\"a\" stands twice")));
        assert!(matches!(object(br#"{"m":[{"x":{"b":1,"b":1}}]}"#), Err(BadJson::Wrong(_))));
    }

    #[test]
    fn what_is_nested_too_deep_is_wrong_and_overflows_nothing() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(matches!(object(deep.as_bytes()), Err(BadJson::Wrong(_))));
    }

    #[test]
    fn every_beginning_of_an_object_is_a_half_and_never_wrong() {
        let whole = "{\"task_id\":\"ä-1\",\"n\":[1.5,true,null,{\"k\":\"\\u00e9\"}]}".as_bytes();
        for end in 0..whole.len() {
            assert!(matches!(object(&whole[..end]), Err(BadJson::Half(_))), "{end}: {:?}", object(&whole[..end]));
        }
        assert!(object(whole).is_ok());
        assert!(matches!(object(b"[1]"), Err(BadJson::Wrong(_))));
        assert!(matches!(object(b"hello"), Err(BadJson::Wrong(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = object(&bytes);
        }
    }
}
