//! In which form one JSON value holds a table: the five that pandas writes besides one object a line.

use std::borrow::Cow;
use std::collections::HashMap;

use super::value::Json;

/// A member of an object.
type Member<'a> = (Cow<'a, str>, Json<'a>);

/// A table in one value.
pub(super) enum Form<'a> {
    /// An object of columns, each an object or a list: pandas' default.
    Columns(Json<'a>),
    /// Rows, each an object, and their names: pandas' `orient="index"` and `orient="table"`.
    Rows(Vec<Json<'a>>, Vec<String>),
    /// Rows, each a list, the names of the columns if there are any, and those of the rows: pandas' `orient="values"`
    /// and `orient="split"`.
    Lists(Vec<Json<'a>>, Option<Vec<String>>, Vec<String>),
    /// An object of objects, of which each may be a row as well as a column.
    Unclear,
}

impl<'a> Form<'a> {
    /// The form of an object whose members are all lists or objects.
    pub(super) fn of_object(object: Json<'a>) -> Self {
        let Json::Object(members) = object else { return Self::Columns(object) };
        let find = |key: &str| members.iter().position(|member| member.0 == key);
        let value = |place: Option<usize>| place.map(|place| &members[place].1);
        let (data, columns, schema) = (find("data"), find("columns"), find("schema"));
        if let (Some(Json::List(rows)), Some(Json::List(names))) = (value(data), value(columns))
            && rows.first().is_some_and(|row| row.len() == names.len())
            && rows.iter().all(|row| matches!(row, Json::List(_)))
        {
            return Self::split(members);
        }
        if let (Some(Json::List(rows)), Some(Json::Object(_))) = (value(data), value(schema))
            && rows.iter().all(|row| matches!(row, Json::Object(_)))
        {
            return Self::table(members);
        }
        if !members.iter().all(|(_, value)| matches!(value, Json::Object(_))) {
            return Self::Columns(Json::Object(members));
        }
        match are_rows(&members) {
            None => Self::Unclear,
            Some(false) => Self::Columns(Json::Object(members)),
            Some(true) => {
                let (names, rows): (Vec<_>, Vec<_>) = members.into_iter().unzip();
                Self::Rows(rows, names.into_iter().map(Cow::into_owned).collect())
            }
        }
    }

    /// The form of a list of lists: a first row of nothing but words above numbers names the columns.
    pub(super) fn of_lists(mut rows: Vec<Json<'a>>) -> Self {
        let names = rows.first().and_then(Json::texts);
        let numbers = |column: usize| {
            let mut below = rows[1..].iter().map(|row| row.at(column)).peekable();
            let any = below.peek().is_some();
            any && below.all(|cell| matches!(cell, Some(Json::Number(_) | Json::Null)))
        };
        match names {
            Some(names) if (0..names.len()).any(numbers) => {
                rows.remove(0);
                Self::Lists(rows, Some(names), Vec::new())
            }
            _ => Self::Lists(rows, None, Vec::new()),
        }
    }

    fn split(members: Vec<Member<'a>>) -> Self {
        let (mut rows, mut columns, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (key, value) in members {
            match (&*key, value) {
                ("data", Json::List(lists)) => rows = lists,
                ("columns", Json::List(list)) => columns = list.iter().map(Json::name).collect(),
                ("index", Json::List(list)) => names = list.iter().map(Json::name).collect(),
                _ => {}
            }
        }
        Self::Lists(rows, Some(columns), names)
    }

    /// The columns that the schema calls the primary key are the names of the rows.
    fn table(members: Vec<Member<'a>>) -> Self {
        let (mut rows, mut keys) = (Vec::new(), Vec::new());
        for (name, value) in members {
            match (&*name, value) {
                ("data", Json::List(objects)) => rows = objects,
                ("schema", Json::Object(schema)) => {
                    let key = schema.iter().find(|(name, _)| name == "primaryKey");
                    keys = key.and_then(|(_, key)| key.texts()).unwrap_or_default();
                }
                _ => {}
            }
        }
        let mut names = Vec::new();
        for row in &mut rows {
            let Json::Object(cells) = row else { continue };
            let (of_name, of_row): (Vec<_>, Vec<_>) = std::mem::take(cells)
                .into_iter()
                .partition(|(key, _)| keys.iter().any(|name| name == key));
            names.extend(of_name.first().map(|(_, name)| name.name()));
            *cells = of_row;
        }
        Self::Rows(rows, names)
    }
}

/// Whether the members of an object of objects are rows, not columns; `None` if both can be.
///
/// The cells of a column are of one kind, and pandas names rows by whole numbers and columns by words unless told
/// otherwise. Columns have the same rows; rows may lack a cell.
fn are_rows(members: &[Member]) -> Option<bool> {
    let first = &members.first()?.1;
    if first.members().is_empty() {
        return Some(false);
    }
    let are_numbers =
        |members: &[Member]| members.iter().all(|(key, _)| key.parse::<i64>().is_ok());
    let (outside, inside) = (are_numbers(members), are_numbers(first.members()));
    if !members.iter().all(|(_, value)| have_same_keys(value.members(), first.members())) {
        return Some(!inside);
    }
    let one_kind_outside = members.iter().all(|(_, value)| {
        let mut kind = None;
        value.members().iter().all(|(_, cell)| fits(&mut kind, cell))
    });
    let mut kinds: HashMap<&str, Option<u8>> = HashMap::new();
    let mut all = members.iter().flat_map(|(_, value)| value.members());
    let one_kind_inside = all.all(|(key, cell)| fits(kinds.entry(key).or_default(), cell));
    match (one_kind_outside, one_kind_inside) {
        (true, false) => Some(false),
        (false, true) => Some(true),
        _ if outside != inside => Some(outside),
        _ => None,
    }
}

/// Whether two objects have the same keys, in whatever order.
fn have_same_keys(one: &[Member], other: &[Member]) -> bool {
    let in_order = || one.iter().zip(other).all(|(one, other)| one.0 == other.0);
    let sorted = |members: &[Member]| {
        let mut keys: Vec<String> = members.iter().map(|(key, _)| key.to_string()).collect();
        keys.sort_unstable();
        keys
    };
    one.len() == other.len() && (in_order() || sorted(one) == sorted(other))
}

/// Whether a cell is of the same kind as those before it, `kind`; null is of every kind.
fn fits(kind: &mut Option<u8>, cell: &Json) -> bool {
    let found = match cell {
        Json::Null => return true,
        Json::Number(_) => 0,
        Json::Text(_) | Json::Bool(_) => 1,
        Json::List(_) => 2,
        Json::Object(_) => 3,
    };
    *kind.get_or_insert(found) == found
}
