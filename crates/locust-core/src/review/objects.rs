//! Walks through a ConversionReview to its objects, and converts each as it
//! is read.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Convert, title};

/// A conversion under way.
pub(super) struct Conversion<'a> {
    pub(super) desired: &'a str,
    pub(super) convert: &'a Convert,
    /// The answer so far, up to the last object.
    pub(super) answer: Vec<u8>,
    /// How many objects were read.
    pub(super) count: usize,
    /// Why an object could not be converted.
    pub(super) refusal: Option<String>,
}

impl Conversion<'_> {
    /// Converts one object, or notes why not.
    fn take(&mut self, object: Value) -> Result<(), String> {
        let title = title(&object);
        let converted = (self.convert)(object, self.desired).map_err(|why| {
            format!(
                "LocustTest {title} cannot be converted to {}: {why}",
                self.desired
            )
        })?;
        if self.count > 0 {
            self.answer.push(b',');
        }
        self.count = self.count.saturating_add(1);
        serde_json::to_writer(&mut self.answer, &converted)
            .map_err(|error| format!("LocustTest {title} cannot be written: {error}"))
    }
}

/// The whole review.
pub(super) struct InReview<'c, 'a>(pub(super) &'c mut Conversion<'a>);
/// Its `request`.
struct InRequest<'c, 'a>(&'c mut Conversion<'a>);
/// Its `objects`.
struct InObjects<'c, 'a>(&'c mut Conversion<'a>);

impl<'de> DeserializeSeed<'de> for InReview<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for InReview<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a ConversionReview")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                "request" => fields.next_value_seed(InRequest(&mut *self.0))?,
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for InRequest<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for InRequest<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request of a ConversionReview")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                "objects" => fields.next_value_seed(InObjects(&mut *self.0))?,
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for InObjects<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for InObjects<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut objects: A) -> Result<(), A::Error> {
        while let Some(object) = objects.next_element::<Value>()? {
            if let Err(refusal) = self.0.take(object) {
                self.0.refusal = Some(refusal);
                return Err(A::Error::custom("an object cannot be converted"));
            }
        }
        Ok(())
    }
}
