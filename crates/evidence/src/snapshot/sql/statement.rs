//! The statements of a dump: those that define a table or bring rows, and the others, which are passed.

use std::io;
use std::ops::ControlFlow;

use super::Flavour;
use super::scan::{Scanner, Token};
use crate::snapshot::row::Row;

/// A statement. The rows of [`Statement::Rows`] come next and must be read or skipped.
#[derive(Debug)]
pub(super) enum Statement {
    /// A table and its columns.
    Table(String, Vec<String>),
    /// Rows of a table.
    Rows(Rows),
    /// Anything else.
    Other,
}

/// What the head of an INSERT or COPY says.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) table: String,
    /// The columns named; empty where none are.
    pub(super) columns: Vec<String>,
    pub(super) form: Form,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `(1,'a'),(2,'b');`
    Values,
    /// Lines of tab-separated text up to `\.`
    Copy,
}

/// What a row's reader gets: the row, its line, and why it cannot be used, where it cannot.
pub(super) type EachRow<'a> = dyn FnMut(&Row, u64, Option<&'static str>) -> ControlFlow<()> + 'a;

impl Scanner {
    /// The next statement; `None` at the end of the dump.
    pub(super) fn statement(&mut self) -> io::Result<Option<Statement>> {
        self.skip_blank()?;
        if self.byte()? == Some(b'\\') {
            // A command to psql (`\connect`, `\restrict`).
            self.skip_line()?;
            return Ok(Some(Statement::Other));
        }
        let word = match self.token()? {
            Token::End => return Ok(None),
            Token::Sign(b';') => return Ok(Some(Statement::Other)),
            Token::Word(word) => word.to_ascii_uppercase(),
            _ => String::new(),
        };
        let found = match word.as_str() {
            "CREATE" => self.create()?,
            "INSERT" | "REPLACE" => self.insert()?,
            "COPY" => self.copy()?,
            "DELIMITER" => self.skip_delimited().map(|()| Some(Statement::Other))?,
            _ => None,
        };
        if found.is_none() {
            self.skip_statement()?;
        }
        Ok(Some(found.unwrap_or(Statement::Other)))
    }

    /// `DELIMITER ;;` … `DELIMITER ;` of the mysql client: routines, which may hold INSERTs that are no rows.
    fn skip_delimited(&mut self) -> io::Result<()> {
        self.skip_line()?;
        while self.byte()?.is_some() {
            let ends = self.peek(11)? == b"DELIMITER ;" && !matches!(self.peek(12)?.get(11), Some(b';'));
            self.skip_line()?;
            if ends {
                break;
            }
        }
        Ok(())
    }

    /// `None`: not understood, the rest of the statement is still there.
    fn create(&mut self) -> io::Result<Option<Statement>> {
        loop {
            match self.token()? {
                Token::Word(word) if word.eq_ignore_ascii_case("TABLE") => break,
                Token::Word(word) if word.eq_ignore_ascii_case("TRIGGER") => return self.skip_trigger().map(Some),
                Token::Word(word) if is_table_kind(&word) => {}
                _ => return Ok(None),
            }
        }
        let Some(table) = self.table_name()? else { return Ok(None) };
        if !self.eat(b'(')? {
            return Ok(None);
        }
        let columns = self.column_definitions()?;
        self.skip_statement()?;
        Ok(Some(Statement::Table(table, columns)))
    }

    /// SQLite's triggers have statements between BEGIN and END, each with its own `;`.
    fn skip_trigger(&mut self) -> io::Result<Statement> {
        let (mut begun, mut depth) = (false, 0u32);
        loop {
            match self.token()? {
                Token::End => return Ok(Statement::Other),
                Token::Sign(b';') if !begun => return Ok(Statement::Other),
                Token::Word(word) => match word.to_ascii_uppercase().as_str() {
                    "BEGIN" => begun = true,
                    "CASE" => depth += 1,
                    "END" if depth > 0 => depth -= 1,
                    "END" => begun = false,
                    _ => {}
                },
                _ => {}
            }
        }
    }

    /// `IF NOT EXISTS` and ONLY are passed; of `schema.table`, PostgreSQL's `public` and every other system's schema go.
    fn table_name(&mut self) -> io::Result<Option<String>> {
        let mut token = self.token()?;
        while ["IF", "NOT", "EXISTS", "ONLY"].into_iter().any(|word| token.is_word(word)) {
            token = self.token()?;
        }
        let Some(mut name) = token.into_name() else { return Ok(None) };
        while self.eat(b'.')? {
            let Some(part) = self.token()?.into_name() else { return Ok(None) };
            let drop = self.flavour != Flavour::PostgreSql || name == "public";
            name = if drop { part } else { format!("{name}.{part}") };
        }
        Ok(Some(name))
    }

    /// The columns between the parentheses of CREATE TABLE, the opening one gone.
    fn column_definitions(&mut self) -> io::Result<Vec<String>> {
        let mut columns = Vec::new();
        loop {
            match self.token()? {
                Token::Word(word) if !is_constraint(&word) => columns.push(word),
                Token::Name(name) => columns.push(name),
                Token::Sign(b')') | Token::End => return Ok(columns),
                _ => {}
            }
            if !self.skip_definition()? {
                return Ok(columns);
            }
        }
    }

    /// Goes behind the comma that ends a definition. False where the parenthesis ends all of them.
    fn skip_definition(&mut self) -> io::Result<bool> {
        let mut depth = 0u32;
        loop {
            match self.token()? {
                Token::Sign(b'(') => depth += 1,
                Token::Sign(b')') if depth > 0 => depth -= 1,
                Token::Sign(b',') if depth == 0 => return Ok(true),
                Token::Sign(b')') | Token::End => return Ok(false),
                _ => {}
            }
        }
    }

    /// `INSERT [IGNORE] INTO table [(columns)] VALUES`, up to the first row.
    fn insert(&mut self) -> io::Result<Option<Statement>> {
        loop {
            match self.token()? {
                Token::Word(word) if word.eq_ignore_ascii_case("INTO") => break,
                Token::Word(_) => {}
                _ => return Ok(None),
            }
        }
        let Some(table) = self.table_name()? else { return Ok(None) };
        let columns = if self.eat(b'(')? { self.column_names()? } else { Vec::new() };
        loop {
            match self.token()? {
                Token::Word(word) if word.eq_ignore_ascii_case("VALUES") => break,
                Token::Word(word) if ["OVERRIDING", "SYSTEM", "USER", "VALUE"].iter().any(|w| word.eq_ignore_ascii_case(w)) => {}
                _ => return Ok(None),
            }
        }
        Ok(Some(Statement::Rows(Rows { table, columns, form: Form::Values })))
    }

    /// Names up to the closing parenthesis, the opening one gone.
    fn column_names(&mut self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        loop {
            match self.token()? {
                Token::Sign(b')') | Token::End => return Ok(names),
                token => names.extend(token.into_name()),
            }
        }
    }

    /// `COPY table (columns) FROM stdin;`, up to the first line of data.
    fn copy(&mut self) -> io::Result<Option<Statement>> {
        let Some(table) = self.table_name()? else { return Ok(None) };
        let columns = if self.eat(b'(')? { self.column_names()? } else { Vec::new() };
        if !self.token()?.is_word("FROM") || !self.token()?.is_word("STDIN") {
            return Ok(None);
        }
        self.skip_statement()?;
        self.skip_line()?;
        Ok(Some(Statement::Rows(Rows { table, columns, form: Form::Copy })))
    }

    /// Hands the rows of a statement over until `each` breaks.
    pub(super) fn each_row(&mut self, rows: &Rows, row: &mut Row, each: &mut EachRow<'_>) -> io::Result<ControlFlow<()>> {
        match rows.form {
            Form::Values => self.each_value_row(row, each),
            Form::Copy => self.each_copy_row(row, each),
        }
    }

    /// Passes the rows of a statement.
    pub(super) fn skip_rows(&mut self, rows: &Rows) -> io::Result<()> {
        match rows.form {
            Form::Values => self.skip_statement(),
            Form::Copy => self.each_copy_line(&mut |_, _| ControlFlow::Continue(())).map(|_| ()),
        }
    }

    /// How many values the first row has. The statement is behind after this.
    pub(super) fn first_row_len(&mut self, rows: &Rows) -> io::Result<usize> {
        let (mut row, mut count) = (Row::default(), None);
        let _ = self.each_row(rows, &mut row, &mut |row, _, _| {
            count.get_or_insert(row.len());
            ControlFlow::Continue(())
        })?;
        Ok(count.unwrap_or(0))
    }
}

fn is_table_kind(word: &str) -> bool {
    ["TEMPORARY", "TEMP", "UNLOGGED", "GLOBAL", "LOCAL", "FOREIGN", "OR", "REPLACE", "CONSTRAINT"]
        .iter()
        .any(|kind| word.eq_ignore_ascii_case(kind))
}

/// Words that begin a definition which is no column. A column of such a name is quoted in every dump.
fn is_constraint(word: &str) -> bool {
    ["PRIMARY", "UNIQUE", "KEY", "INDEX", "CONSTRAINT", "FOREIGN", "CHECK", "FULLTEXT", "SPATIAL", "EXCLUDE", "LIKE", "PERIOD"]
        .iter()
        .any(|start| word.eq_ignore_ascii_case(start))
}
