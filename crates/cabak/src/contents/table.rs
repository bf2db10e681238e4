//! Lines of a listing: columns for people, CSV, or JSON objects.

use serde_json::{Map, Value as Json};

use crate::output::{Reporter, plain};

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Csv,
    Json,
}

impl Form {
    pub(super) fn choose(csv: bool, reporter: &Reporter) -> Self {
        match (reporter.is_json(), csv) {
            (true, _) => Self::Json,
            (false, true) => Self::Csv,
            (false, false) => Self::Text,
        }
    }
}

/// One column: its heading, and how wide it is in text. Rows are written as they are read, so a longer value shifts what follows.
#[derive(Clone, Debug)]
pub(super) struct Heading {
    pub(super) name: String,
    pub(super) width: usize,
}

/// Writes rows in one of the forms.
pub(super) struct Table {
    form: Form,
    event: &'static str,
    headings: Vec<Heading>,
}

impl Table {
    /// Writes the headings, but for JSON, where each row has them.
    pub(super) fn begin(
        form: Form,
        event: &'static str,
        headings: Vec<Heading>,
        reporter: &mut Reporter,
    ) -> anyhow::Result<Self> {
        let table = Self { form, event, headings };
        let names = |change: fn(&str) -> String| table.headings.iter().map(|heading| change(&heading.name)).collect();
        match form {
            Form::Text => table.text(names(str::to_uppercase), reporter)?,
            Form::Csv => csv_row(names(str::to_owned), reporter)?,
            Form::Json => {}
        }
        Ok(table)
    }

    /// Writes one row: the cells as text, and as JSON where that is wanted.
    pub(super) fn row(&self, cells: Vec<(String, Json)>, reporter: &mut Reporter) -> anyhow::Result<()> {
        match self.form {
            Form::Text => self.text(cells.into_iter().map(|(text, _)| text).collect(), reporter),
            Form::Csv => csv_row(cells.into_iter().map(|(text, _)| text).collect(), reporter),
            Form::Json => {
                let mut fields = Map::with_capacity(cells.len() + 1);
                fields.insert("event".to_owned(), Json::from(self.event));
                for (heading, (_, value)) in self.headings.iter().zip(cells) {
                    fields.insert(heading.name.clone(), value);
                }
                reporter.row_of(&fields)
            }
        }
    }

    fn text(&self, cells: Vec<String>, reporter: &mut Reporter) -> anyhow::Result<()> {
        let mut line = String::new();
        for (heading, cell) in self.headings.iter().zip(&cells) {
            let cell = plain(cell);
            let cell = if cell.is_empty() { "-" } else { &cell };
            line.push_str(cell);
            let blanks = heading.width.saturating_sub(cell.chars().count()) + 2;
            line.extend(std::iter::repeat_n(' ', blanks));
        }
        reporter.row(line.trim_end())
    }
}

fn csv_row(cells: Vec<String>, reporter: &mut Reporter) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells.iter().map(|cell| plain(cell).into_owned()))?;
    let line = writer.into_inner().map_err(|error| anyhow::Error::new(error.into_error()))?;
    reporter.row(String::from_utf8_lossy(&line).trim_end_matches('\n'))
}
