//! Reads the files that a person wants to run: LocustTests and the ConfigMaps
//! and Secrets that they refer to. Whatever is wrong with them is found before
//! anything is started, all of it at once, and named by file, line and field.
//!
//! | file | does |
//! |---|---|
//! | `tree.rs` | YAML with the line of every field |
//! | `objects.rs` | one document as the object that it is |
//! | `convert.rs` | documents in the other version of the API |

mod convert;
mod objects;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use locust_api::latest::LocustTest;
use locust_core::local::Bundle;

pub use convert::converted;
use objects::Object;
pub use tree::Document;

/// All that the files hold.
#[derive(Debug, Default)]
pub struct Manifests {
    /// The LocustTests, in order.
    pub tests: Vec<Loaded>,
    /// ConfigMaps and Secrets.
    pub bundle: Bundle,
    /// What a person should know about the rest, one line each.
    pub notes: Vec<String>,
}

/// A LocustTest and where it stands.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The LocustTest.
    pub test: LocustTest,
    source: String,
    document: Document,
}

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file's name.
    pub file: String,
    /// The line, where one is to blame.
    pub line: Option<u64>,
    /// The field, where one is to blame.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// The lines around it, as a picture. Only for what is no YAML.
    pub snippet: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(snippet) = &self.snippet {
            write!(f, "\n{}", snippet.trim_end())?;
        }
        Ok(())
    }
}

impl Loaded {
    /// The LocustTest's name.
    pub fn name(&self) -> &str {
        self.test.metadata.name.as_deref().unwrap_or_default()
    }

    /// A problem of this test, with file and line.
    pub fn fault(&self, field: &str, message: &str) -> Fault {
        Fault {
            file: self.source.clone(),
            line: Some(self.document.line(field)),
            field: field.to_owned(),
            message: message.to_owned(),
            snippet: None,
        }
    }
}

/// Reads all files; `-` is standard input.
pub fn load(files: &[PathBuf]) -> Result<Manifests, Vec<Fault>> {
    let mut manifests = Manifests::default();
    let mut faults = Vec::new();
    for file in files {
        let (name, text) = match read(file) {
            Ok(read) => read,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        manifests.add(&name, &text, &mut faults);
    }
    if faults.is_empty() {
        Ok(manifests)
    } else {
        Err(faults)
    }
}

fn read(file: &Path) -> Result<(String, String), Fault> {
    let mut text = String::new();
    let (name, result) = if file == Path::new("-") {
        let result = std::io::stdin().read_to_string(&mut text).map(|_| text);
        ("standard input".to_owned(), result)
    } else {
        (file.display().to_string(), std::fs::read_to_string(file))
    };
    match result {
        Ok(text) => Ok((name, text)),
        Err(error) => Err(Fault {
            file: name,
            line: None,
            field: String::new(),
            message: format!("cannot be read: {error}"),
            snippet: None,
        }),
    }
}

impl Manifests {
    fn add(&mut self, file: &str, text: &str, faults: &mut Vec<Fault>) {
        let documents = match Document::read_all(text) {
            Ok(documents) => documents,
            Err(error) => return faults.push(no_yaml(file, text, &error)),
        };
        let before = (self.tests.len(), faults.len());
        let mut pending = documents;
        pending.reverse();
        let was_empty = pending.is_empty();
        while let Some(document) = pending.pop() {
            match Object::new(&document) {
                Ok(Object::List) => pending.extend(document.items().into_iter().rev()),
                Ok(Object::LocustTest(test)) => self.tests.push(Loaded {
                    test: *test,
                    source: file.to_owned(),
                    document,
                }),
                Ok(Object::ConfigMap(config_map)) => self.bundle.add_config_map(config_map),
                Ok(Object::Secret(secret)) => self.bundle.add_secret(secret),
                Ok(Object::Other(what)) => {
                    let line = document.line("");
                    self.notes.push(format!(
                        "{file}:{line}: {what} is not needed here and left out"
                    ));
                }
                Err(found) => {
                    let mut found: Vec<Fault> = found
                        .into_iter()
                        .map(|(field, message)| Fault {
                            file: file.to_owned(),
                            line: Some(document.line(&field)),
                            field,
                            message,
                            snippet: None,
                        })
                        .collect();
                    found.sort_by_key(|fault| fault.line);
                    faults.extend(found);
                }
            }
        }
        if was_empty && before == (self.tests.len(), faults.len()) {
            self.notes.push(format!("{file}: holds nothing"));
        }
    }
}

fn no_yaml(file: &str, text: &str, error: &serde_saphyr::Error) -> Fault {
    let error = error.without_snippet();
    let location = error.location();
    let said = error.to_string();
    // The place is told apart from the message here.
    let message = said
        .strip_prefix("error: ")
        .unwrap_or(&said)
        .lines()
        .next()
        .unwrap_or_default();
    let message = match message
        .strip_prefix("line ")
        .and_then(|rest| rest.split_once(": "))
    {
        Some((_, message)) => message,
        None => message,
    };
    // What the parser itself refuses says the place twice.
    let message = message.split(" at line ").next().unwrap_or_default();
    let snippet = location.map(|location| {
        let span = miette::SourceSpan::from((offset_of(text, location), 0));
        let report = miette::miette!(
            labels = vec![miette::LabeledSpan::at(span, message)],
            "this is not YAML that Kubernetes takes"
        );
        let source = miette::NamedSource::new(file, text.to_owned());
        format!("{:?}", report.with_source_code(source))
    });
    Fault {
        file: file.to_owned(),
        line: location.map(|location| location.line()),
        field: String::new(),
        message: message.to_owned(),
        snippet,
    }
}

/// Where a line and a column, both counted from 1, are in `text`.
fn offset_of(text: &str, location: serde_saphyr::Location) -> usize {
    let index = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let lines = text.split_inclusive('\n').take(index(location.line()));
    let start: usize = lines.map(str::len).sum();
    let line = text.get(start..).unwrap_or_default();
    let within: usize = line
        .chars()
        .take(index(location.column()))
        .map(char::len_utf8)
        .sum();
    start + within
}
