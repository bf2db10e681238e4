//! What the user sees: a progress bar on a terminal, plain lines elsewhere, or one JSON object per line.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::moment;

/// How to talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Lines, and a bar that moves.
    Terminal,
    /// Lines only.
    Plain,
    /// One JSON object per line on standard output, nothing else.
    Json,
}

impl Style {
    /// JSON if asked for; a bar if standard error is a terminal.
    #[must_use]
    pub fn choose(json: bool) -> Self {
        if json {
            Style::Json
        } else if io::stderr().is_terminal() {
            Style::Terminal
        } else {
            Style::Plain
        }
    }
}

/// The one place that writes to standard output and standard error.
pub struct Reporter {
    style: Style,
    quiet: bool,
    steps: bool,
    bar: Option<Bar>,
    /// Rows that are not yet written.
    rows: Vec<u8>,
}

struct Bar {
    what: String,
    total: u64,
    done: u64,
    last_event: Instant,
    drawn: Option<ProgressBar>,
}

impl Reporter {
    /// `quiet` leaves only results, warnings and errors; `steps` adds the numbered steps of the scenario.
    #[must_use]
    pub fn new(style: Style, quiet: bool, steps: bool) -> Self {
        Reporter { style, quiet, steps, bar: None, rows: Vec::new() }
    }

    /// Whether output is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.style == Style::Json
    }

    /// A numbered step of the scenario. Always in JSON, in text with `--steps`.
    pub fn step(&mut self, number: &str, what: &str) {
        match self.style {
            Style::Json => self.event(&json!({ "event": "step", "step": number, "what": what })),
            _ if self.steps => self.print(&format!("step {number:>5}: {what}")),
            _ => {}
        }
    }

    /// Something that happened, for people; `fields` is the same thing for programs.
    pub fn info(&mut self, text: &str, fields: Value) {
        match self.style {
            Style::Json => self.event(&fields),
            _ if self.quiet => {}
            _ => self.print(text),
        }
    }

    /// The result of the command: shown even when quiet.
    pub fn result(&mut self, text: &str, fields: &impl Serialize) {
        match self.style {
            Style::Json => self.event(fields),
            _ => self.print(text),
        }
    }

    /// One line of many: a row of a listing, whatever its form. Rows are collected and written together.
    ///
    /// # Errors
    /// [`Closed`] when the reader of standard output has gone away (`| head`): nobody wants the rest. Exit code 1 when it
    /// cannot be written to.
    pub fn row(&mut self, line: &str) -> anyhow::Result<()> {
        const TOGETHER: usize = 64 << 10;
        self.rows.extend_from_slice(line.as_bytes());
        self.rows.push(b'\n');
        if self.rows.len() < TOGETHER { Ok(()) } else { self.flush_rows() }
    }

    /// One line of many as JSON.
    ///
    /// # Errors
    /// As [`Reporter::row`].
    pub fn row_of(&mut self, fields: &impl Serialize) -> anyhow::Result<()> {
        self.row(&serde_json::to_string(fields)?)
    }

    /// Writes the rows that are still held back.
    ///
    /// # Errors
    /// As [`Reporter::row`].
    pub fn flush_rows(&mut self) -> anyhow::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let mut written = Ok(());
        self.around_bar(|| {
            let mut out = io::stdout().lock();
            written = out.write_all(&rows).and_then(|()| out.flush());
        });
        match written {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Closed.into()),
            Err(error) => Err(anyhow::Error::new(error).context("cannot write to standard output")),
        }
    }

    /// Something that the user should know and that stops nothing.
    pub fn warn(&mut self, text: &str) {
        match self.style {
            Style::Json => self.event(&json!({ "event": "warning", "message": text })),
            _ => self.print_error(&format!("warning: {text}")),
        }
    }

    /// Why the command failed, and what to do next.
    pub fn error(&mut self, error: &anyhow::Error, exit: Exit, hint: Option<&str>) {
        self.end_progress();
        match self.style {
            Style::Json => self.event(&json!({
                "event": "error",
                "message": with_causes(error.as_ref()),
                "hint": hint,
                "exit": exit.name(),
                "exit_code": exit.code(),
            })),
            _ => {
                self.print_error(&format!("error: {}", with_causes(error.as_ref())));
                if let Some(hint) = hint {
                    self.print_error(&format!("hint: {hint}"));
                }
            }
        }
    }

    /// Starts to show progress of `total` bytes.
    pub fn begin_progress(&mut self, what: &str, total: u64) {
        const BYTES: &str = "{prefix:24!} {bar:24} {bytes:>10} / {total_bytes:10} {binary_bytes_per_sec:>12} {eta:>4}";
        self.begin(what, total, BYTES, &json!({ "event": "file_begin", "file": what, "size": total }));
    }

    /// Starts to show progress of `total` rows.
    pub fn begin_counting(&mut self, what: &str, total: u64) {
        const ROWS: &str = "{prefix:24!} {bar:24} {human_pos:>10} / {human_len:10} rows {eta:>4}";
        self.begin(what, total, ROWS, &json!({ "event": "rows_begin", "what": what, "rows": total }));
    }

    fn begin(&mut self, what: &str, total: u64, template: &str, fields: &Value) {
        self.end_progress();
        let drawn = (self.style == Style::Terminal && !self.quiet).then(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(8));
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_prefix(what.to_owned());
            bar
        });
        if self.style == Style::Json {
            self.event(fields);
        }
        self.bar = Some(Bar { what: what.to_owned(), total, done: 0, last_event: Instant::now(), drawn });
    }

    /// That many more units are done.
    pub fn advance(&mut self, units: u64) {
        const EVERY: Duration = Duration::from_secs(1);
        let Some(bar) = &mut self.bar else { return };
        bar.done = bar.done.saturating_add(units);
        if let Some(drawn) = &bar.drawn {
            drawn.set_position(bar.done);
        }
        if self.style == Style::Json && bar.last_event.elapsed() >= EVERY {
            bar.last_event = Instant::now();
            let fields = json!({ "event": "progress", "file": bar.what, "done": bar.done, "size": bar.total });
            self.event(&fields);
        }
    }

    /// The file is stored; one line about it.
    pub fn finish_progress(&mut self, sha256: &str) {
        let Some(bar) = self.bar.take() else { return };
        if let Some(drawn) = &bar.drawn {
            drawn.finish_and_clear();
        }
        let text = format!("  {:<28} {:>10}", bar.what, moment::bytes(bar.done));
        self.info(&text, json!({ "event": "file_end", "file": bar.what, "size": bar.done, "sha256": sha256 }));
    }

    /// Takes the bar away without a word.
    pub fn end_progress(&mut self) {
        if let Some(Bar { drawn: Some(drawn), .. }) = self.bar.take() {
            drawn.finish_and_clear();
        }
    }

    fn event(&mut self, fields: &impl Serialize) {
        // A reader that has gone away does not hear this either.
        let _ = self.flush_rows();
        if let Ok(text) = serde_json::to_string(fields) {
            write_line(&mut io::stdout().lock(), &text);
        }
    }

    fn print(&mut self, text: &str) {
        let _ = self.flush_rows();
        self.around_bar(|| write_line(&mut io::stdout().lock(), text));
    }

    fn print_error(&mut self, text: &str) {
        let _ = self.flush_rows();
        self.around_bar(|| write_line(&mut io::stderr().lock(), text));
    }

    fn around_bar(&self, print: impl FnOnce()) {
        match self.bar.as_ref().and_then(|bar| bar.drawn.as_ref()) {
            Some(drawn) => drawn.suspend(print),
            None => print(),
        }
    }
}

/// The reader of standard output has gone away. No failure: it has what it wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody reads the output any more")]
pub struct Closed;

/// Text that comes from a database or a server, as one line that a terminal shows and does not obey: control characters, line ends
/// and marks that change the direction of writing are escaped.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_special) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_special(character) {
            plain.extend(character.escape_default());
        } else {
            plain.push(character);
        }
    }
    Cow::Owned(plain)
}

fn is_special(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// An error and its causes in one line. A cause that only repeats what is already said is left out.
#[must_use]
pub fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = cause.source();
    }
    text
}

/// A reader that goes away (`| head`) must not stop a backup.
fn write_line(out: &mut impl Write, text: &str) {
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
}
