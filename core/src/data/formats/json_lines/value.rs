//! A value of JSON whose objects keep their order.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// What is wrong with a row that is anything else.
pub(super) const NO_OBJECT: &str = "this is no object with a value for each column";

/// A value. Unlike `serde_json`'s own, its objects keep their order.
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// Whether this is an object of columns, each an object or a list.
    pub(super) fn is_columns(&self) -> bool {
        let Self::Object(members) = self else { return false };
        let nested = |(_, value): &(_, Json)| matches!(value, Json::List(_) | Json::Object(_));
        !members.is_empty() && members.iter().all(nested)
    }

    /// The members of an object; of anything else none.
    pub(super) fn members(&self) -> &[(Cow<'a, str>, Self)] {
        if let Self::Object(members) = self { members } else { &[] }
    }

    /// The number of values of a list; 0 of anything else.
    pub(super) fn len(&self) -> usize {
        if let Self::List(values) = self { values.len() } else { 0 }
    }

    /// A value of a list.
    pub(super) fn at(&self, place: usize) -> Option<&Self> {
        if let Self::List(values) = self { values.get(place) } else { None }
    }

    /// The texts of a list that holds nothing else, and at least one.
    pub(super) fn texts(&self) -> Option<Vec<String>> {
        let Self::List(values) = self else { return None };
        let text = |value: &Self| match value {
            Self::Text(text) => Some(text.clone().into_owned()),
            _ => None,
        };
        values.iter().map(text).collect::<Option<Vec<_>>>().filter(|texts| !texts.is_empty())
    }

    /// What a column or row is called whose name is this value: the names of several levels with points between.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Text(text) => text.clone().into_owned(),
            Self::Number(number) => number.to_string(),
            Self::Bool(value) => value.to_string(),
            Self::List(levels) => {
                let levels = levels.iter().map(Self::name).filter(|level| !level.is_empty());
                levels.collect::<Vec<_>>().join(".")
            }
            Self::Null | Self::Object(_) => String::new(),
        }
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json<'de>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            members.push((key, map.next_value()?));
        }
        Ok(Json::Object(members))
    }
}

/// A key, borrowed from the text unless it holds escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(JsonVisitor)? {
            Json::Text(key) => Ok(Self(key)),
            _ => Err(de::Error::custom("a key is no text")),
        }
    }
}
