//! The statements of one source, from the log lines to the engine of their channel. What an engine makes of them is its own
//! matter; what no engine can follow is possible for everything it names.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use kintsugi_case::{ColumnSet, EndpointSpec, EvidenceLine, ParameterPlace, Shows, Technique, Verdict};
use kintsugi_evidence::QueryErrorKind;

use crate::answers::{self, Answers};
use crate::attack::{Asking, Attack, Event, Told, Who};
use crate::catalog::{Catalog, View};
use crate::conclusion::{Cells, Conclusion, Ground, Sink};
use crate::context::{Endpoints, Injection};
use crate::data::{Data, Secrets};
use crate::dialect::Dialect;
use crate::elsewhere::{self, Elsewhere, Way};
use crate::error::{Error, Result};
use crate::error_text::{self, ErrorText};
use crate::lexer::{self, Template};
use crate::login::{Attempt, Logins, Session};
use crate::named::named;
use crate::query::{Asked, Awoken, Executed, Fates, Queries, Ran, Unwritten, join, nothing, skew_ms};
use crate::request::Request;
use crate::rollback::Moment;
use crate::rows::{self, Rows};
use crate::server::OnServer;
use crate::sizes::Sizes;
use crate::statement::{Observation, Seen, Statement};
use crate::{AttackStatement, Clock, Next, Replayed};

/// Tampered sign-ins that can be aims in themselves; more are the questions of a search. Of so many the outcome is foretold
/// to find their requests.
const SIGN_INS_MAX: usize = 64;

/// One source's statements.
pub(crate) struct Investigation<'a> {
    catalog: Catalog,
    dialect: Dialect,
    endpoints: Endpoints,
    data: Rc<Data>,
    secrets: &'a dyn Secrets,
    known: HashMap<(usize, String), usize>,
    shapes: Vec<Shape>,
    rows: Rows,
    answers: Answers,
    error_text: ErrorText,
    logins: Logins,
    elsewhere: Elsewhere,
    /// What rows in pages carried, while there is no snapshot.
    sizes: Sizes,
    executed: Executed,
    /// Statements of requests whose log does not show them, which the database says it did not run.
    not_run: Vec<(usize, EvidenceLine, &'static str)>,
    /// By how much the database's clock is ahead, where only statements that web logs do not show tell it.
    skew_ms: Option<i64>,
    /// Injections that the web logs showed, by endpoint.
    seen: HashMap<usize, usize>,
    /// Parameters that nobody wrote down, by endpoint.
    unwritten: BTreeMap<usize, Unwritten>,
    /// What could not be replayed, by shape, table and reason.
    open: HashMap<(usize, usize, String), Open>,
    ordinary: Vec<Ordinary>,
    /// How many of them leave the parameter away.
    whole: usize,
    statements: u64,
    not_replayed: u64,
    nameless: u64,
    attack: Attack,
}

/// Statements that differ in literals alone.
pub(crate) struct Shape {
    /// Index of the endpoint.
    pub(crate) endpoint: usize,
    /// The SQL with places for literals; empty for what could not be read.
    pub(crate) sql: String,
    channel: Result<Channel, String>,
    /// Why no server runs it.
    not_run: Option<&'static str>,
    /// What it reads leaves by another way than the page too.
    sends: bool,
}

/// How a statement's answer reaches the intruder. To add one, give it a plan, an engine and an arm here;
/// docs/adding-a-technique.md.
pub(crate) enum Channel {
    /// Rows in the page.
    Rows(rows::Plan),
    /// One answer a question.
    Answers(Box<answers::Plan>),
    /// Values in the text of an error message.
    ErrorText(Box<error_text::Plan>),
    /// Questions about the server's own tables: no cell of the snapshot.
    Metadata,
}

/// A request that asked for nothing but what the page is for.
struct Ordinary {
    endpoint: usize,
    template: Template,
    /// The parameter's value; `None` where it was left away.
    value: Option<String>,
    observed: Observation,
}

/// Ordinary requests kept.
const ORDINARY_MAX: usize = 4096;
/// Requests without the parameter kept.
const WHOLE_MAX: usize = 64;

/// Statements that nobody could follow: what they could name is possible.
struct Open {
    columns: ColumnSet,
    observed: Observation,
    statements: u64,
    /// The first of them.
    lines: Vec<Observation>,
}

const AWOKEN: &str = "a value that was stored before became a part of it, and no log shows what came back";

/// Of statements that nobody could follow, so many are asked for in the query log.
const OPEN_MAX: usize = 256;

impl<'a> Investigation<'a> {
    pub(crate) fn new(
        specs: &[EndpointSpec],
        dialect: Dialect,
        catalog: Catalog,
        data: Data,
        secrets: &'a dyn Secrets,
    ) -> Result<Self> {
        let data = Rc::new(data);
        if catalog.is_open() {
            (0..catalog.len()).try_for_each(|at| data.make(at, &catalog))?;
        }
        Ok(Self {
            catalog,
            dialect,
            endpoints: Endpoints::new(specs, dialect),
            rows: Rows::new(Rc::clone(&data)),
            answers: Answers::new(Rc::clone(&data)),
            error_text: ErrorText::new(Rc::clone(&data), dialect),
            logins: Logins::new(Rc::clone(&data), dialect),
            elsewhere: Elsewhere::default(),
            sizes: Sizes::default(),
            executed: Executed::default(),
            not_run: Vec::new(),
            skew_ms: None,
            seen: HashMap::new(),
            unwritten: BTreeMap::new(),
            data,
            secrets,
            known: HashMap::new(),
            shapes: Vec::new(),
            open: HashMap::new(),
            ordinary: Vec::new(),
            whole: 0,
            statements: 0,
            not_replayed: 0,
            nameless: 0,
            attack: Attack::default(),
        })
    }

    pub(crate) fn statements(&self) -> u64 {
        self.statements
    }

    /// Lets it know what the query logs tell of statements that web logs show.
    pub(crate) fn know(&mut self, executed: Executed) {
        self.executed = executed;
    }

    /// Takes a log line that may carry a statement.
    pub(crate) fn take(&mut self, seen: Seen<'_>) -> Result<()> {
        let request = Request::of(&seen.carried);
        let injections = self.endpoints.injections(seen.method, &request);
        if injections.is_empty()
            && let Some((endpoint, template, value)) = self.endpoints.ordinary_request(seen.method, &request)
            && self.ordinary.len() < ORDINARY_MAX
        {
            self.ordinary.push(Ordinary { endpoint, template, value: Some(value), observed: seen.observed });
        } else if injections.is_empty()
            && self.whole < WHOLE_MAX
            && let Some((endpoint, template)) = self.endpoints.without_parameter(seen.method, &request)
        {
            self.whole += 1;
            self.ordinary.push(Ordinary { endpoint, template, value: None, observed: seen.observed });
        }
        if !injections.is_empty() {
            let in_agent =
                |injection: &Injection| self.endpoints.get(injection.endpoint).name.to_lowercase().ends_with("user-agent");
            self.attack.asked_by(&seen.carried, injections.iter().any(in_agent));
        }
        for injection in injections {
            self.statements += 1;
            *self.seen.entry(injection.endpoint).or_default() += 1;
            self.note_unwritten(&injection, seen.observed.status);
            let told = self.executed.find(injection.endpoint, &injection.text, &seen.observed);
            self.data.at(Some(self.executed.moment(told, &seen.observed)));
            // What the database waited, the client waited too.
            let duration_us = seen.observed.duration_us.or(told.and_then(|told| told.duration_us));
            self.injection(injection, Observation { duration_us, ..seen.observed })?;
        }
        Ok(())
    }

    /// What the web server answered by itself never was a statement.
    fn note_unwritten(&mut self, injection: &Injection, status: u16) {
        let answered = matches!(status, 200..=299 | 499..);
        if !answered {
            return;
        }
        if let Some(spec) = &self.endpoints.get(injection.endpoint).unwritten {
            let known = self.unwritten.entry(injection.endpoint).or_insert_with(|| Unwritten::new(spec.clone()));
            known.add(&injection.text);
        }
    }

    /// The parameters that nobody wrote down, with some of what was sent in them.
    pub(crate) fn unwritten(&mut self) -> Vec<Unwritten> {
        std::mem::take(&mut self.unwritten).into_values().collect()
    }

    /// The endpoints, by their place in the case file, whose injections only the query log shows; with tampered sign-ins
    /// among them also the pages that a session opens.
    pub(crate) fn unseen(&self, queries: &Queries, specs: &[EndpointSpec]) -> Vec<usize> {
        let mut wanted: Vec<usize> = Vec::new();
        for (&at, ran) in &queries.ran {
            let injected = ran.iter().filter(|ran| self.endpoints.ran(at, &ran.value).is_some()).count();
            let seen = self.seen.get(&at).copied().unwrap_or(0);
            if injected > 0 && !self.endpoints.get(at).bound && seen * 2 < injected {
                wanted.push(at);
            }
        }
        if wanted.iter().any(|&at| specs[at].shows == Shows::Exists) {
            let pages = specs.iter().enumerate().filter(|(_, spec)| spec.place == ParameterPlace::Cookie);
            wanted.extend(pages.map(|(at, _)| at).filter(|at| self.endpoints.get(*at).bound && queries.ran.contains_key(at)));
        }
        wanted.sort_unstable();
        wanted
    }

    /// Takes the statements of these endpoints, each with the request that it belongs to.
    pub(crate) fn join(&mut self, queries: Queries, mut asked: HashMap<usize, Vec<Asked>>, specs: &[EndpointSpec]) -> Result<()> {
        let mut ran: Vec<_> = queries.ran.into_iter().filter(|(at, _)| asked.contains_key(at)).collect();
        ran.sort_by_key(|(at, _)| *at);
        for (at, ran) in ran {
            let asked = asked.remove(&at).unwrap_or_default();
            if self.endpoints.get(at).bound {
                self.session(at, ran, asked)?;
            } else {
                self.join_endpoint(at, (&ran, &asked, &queries.clients), specs[at].shows == Shows::Exists)?;
            }
        }
        Ok(())
    }

    /// Takes statements that a stored value became a part of. What came back no log shows.
    pub(crate) fn awoken(&mut self, found: Vec<Awoken>) {
        if found.is_empty() {
            return;
        }
        let endpoint = self.endpoints.stored();
        for Awoken { line, at_ms, value } in found {
            self.statements += 1;
            self.attack.from(Who::default());
            let observed = Observation { line, at_ms, status: 200, bytes: 0, duration_us: None };
            let shape = self.unread(endpoint, AWOKEN);
            self.note(shape, None, &value, observed);
            self.leave_open(shape, AWOKEN, &value, observed);
        }
    }

    fn session(&mut self, at: usize, ran: Vec<Ran>, asked: Vec<Asked>) -> Result<()> {
        let Some(template) = self.endpoints.ordinary(at, "1") else { return Ok(()) };
        let Some(plan) = self.login_plan(&template)? else { return Ok(()) };
        let shape = self.shape(at, &template)?;
        self.logins.session(Session { shape, template, ran, asked }, plan);
        Ok(())
    }

    fn login_plan(&mut self, template: &Template) -> Result<Option<rows::Plan>> {
        let Ok(plan) = self.logins.plan(template, &self.catalog) else { return Ok(None) };
        for view in &plan.views {
            self.data.prepare(*view, &self.catalog, self.secrets)?;
        }
        Ok(Some(plan))
    }

    fn join_endpoint(&mut self, at: usize, found: (&[Ran], &[Asked], &HashMap<u64, Who>), signs_in: bool) -> Result<()> {
        let (all, asked, clients) = found;
        let skew_ms = skew_ms(all, asked).unwrap_or(0);
        self.skew_ms = Some(skew_ms);
        let found: Vec<(&Ran, Injection)> =
            all.iter().filter_map(|ran| Some((ran, self.endpoints.ran(at, &ran.value)?))).collect();
        let ran: Vec<&Ran> = found.iter().map(|(ran, _)| *ran).collect();
        let mut finds = vec![None; ran.len()];
        // Where many questions are asked, what each found is for their engine to say from what was observed.
        let is_search = ran.len() > SIGN_INS_MAX;
        if signs_in && !is_search {
            for (finds, (ran, injection)) in finds.iter_mut().zip(&found) {
                let Ok(template) = &injection.template else { continue };
                self.data.at(Some(Moment::exactly(ran.at_ms, ran.line)));
                let Some(plan) = self.login_plan(template)? else { continue };
                *finds = self.logins.finds(&plan, &template.literals);
            }
        }
        let accepted =
            |statement: usize, asked: &Asked| finds[statement].map(|finds| finds == (300..400).contains(&asked.observed.status));
        let joined = join(&ran, asked, skew_ms, &accepted);
        for ((ran, injection), request) in found.into_iter().zip(joined) {
            self.statements += 1;
            let signs_in = signs_in.then_some(is_search);
            let who = request.and_then(|request| clients.get(&asked[request].client));
            self.attack.from(who.cloned().unwrap_or_default());
            self.joined(injection, ran, request.map(|request| &asked[request]), signs_in)?;
        }
        Ok(())
    }

    fn joined(&mut self, injection: Injection, ran: &Ran, asked: Option<&Asked>, signs_in: Option<bool>) -> Result<()> {
        use QueryErrorKind::{AccessDenied, Name, Stopped, Syntax};
        // The database itself says that it gave nothing.
        if let Some(AccessDenied | Name | Stopped | Syntax) = ran.failed {
            let Some((reason, asked)) = ran.failed.and_then(nothing).zip(asked) else {
                self.nameless += 1;
                return self.note_failed(&injection, ran, asked);
            };
            self.not_run.push((injection.endpoint, asked.observed.line, reason));
            self.data.at(Some(Moment::exactly(ran.at_ms, ran.line)));
            return self.injection(injection, asked.observed);
        }
        let Some(asked) = asked else {
            let observed = Observation { line: ran.line, at_ms: ran.at_ms, status: 200, bytes: 0, duration_us: None };
            let reason = "no request of the web logs belongs to it";
            let shape = self.unread(injection.endpoint, reason);
            self.note(shape, injection.template.as_ref().ok(), &injection.text, observed);
            self.leave_open(shape, reason, &injection.text, observed);
            return Ok(());
        };
        let told = self.executed.find(injection.endpoint, &injection.text, &asked.observed);
        if let Some(is_question) = signs_in
            && let Ok(template) = &injection.template
            && let Some(plan) = self.login_plan(template)?
        {
            let shape = self.shape(injection.endpoint, template)?;
            let attempt = Attempt { shape, template: template.clone(), at_ms: ran.at_ms, asked: *asked, is_question };
            self.logins.attempt(attempt, plan);
        }
        self.data.at(Some(Moment::exactly(ran.at_ms, ran.line)));
        let duration_us = asked.observed.duration_us.or(told.and_then(|told| told.duration_us));
        self.injection(injection, Observation { duration_us, ..asked.observed })
    }

    /// A statement that the database says it did not run, for the picture of the attack.
    fn note_failed(&mut self, injection: &Injection, ran: &Ran, asked: Option<&Asked>) -> Result<()> {
        let (line, at_ms) = asked.map_or((ran.line, ran.at_ms), |asked| (asked.observed.line, asked.observed.at_ms));
        let bytes = asked.map_or(0, |asked| asked.observed.bytes);
        let observed = Observation { line, at_ms, status: 500, bytes, duration_us: None };
        let shape = match &injection.template {
            Ok(template) => self.shape(injection.endpoint, template)?,
            Err(reason) => self.unread(injection.endpoint, reason),
        };
        self.note(shape, injection.template.as_ref().ok(), &injection.text, observed);
        Ok(())
    }

    /// Enters a statement into the picture of the attack.
    fn note(&mut self, shape: usize, template: Option<&Template>, text: &str, observed: Observation) {
        let known = &self.shapes[shape];
        let hides = matches!(&known.channel, Ok(Channel::Answers(plan)) if plan.views.iter().any(|view| view.secrets));
        let (sql, literals) = template.map_or(("", &[][..]), |template| (template.sql.as_str(), &template.literals));
        let asking = Asking { endpoint: known.endpoint, shape, sql, literals, text, observed, hides };
        self.attack.take(asking, &self.endpoints);
    }

    fn injection(&mut self, injection: Injection, observed: Observation) -> Result<()> {
        let Injection { endpoint, template, text } = injection;
        self.elsewhere.answered(endpoint, &observed);
        let template = match template {
            Ok(template) => template,
            Err(reason) => {
                let shape = self.unread(endpoint, reason);
                self.note(shape, None, &text, observed);
                if reason == lexer::NO_SQL {
                    self.nameless += 1;
                } else if let Some(way) = elsewhere::way(&text, &[]) {
                    self.send(shape, &way, &text, observed);
                } else {
                    self.leave_open(shape, reason, &text, observed);
                }
                return Ok(());
            }
        };
        let shape = self.shape(endpoint, &template)?;
        self.note(shape, Some(&template), &text, observed);
        if let Some(reason) = self.shapes[shape].not_run {
            self.not_run.push((endpoint, observed.line, reason));
        }
        let statement = Statement { shape, literals: &template.literals, observed };
        let shows = self.endpoints.get(endpoint).shows;
        self.sizes.page(endpoint, &observed);
        if self.catalog.is_open() && matches!(self.shapes[shape].channel, Ok(Channel::Rows(_) | Channel::ErrorText(_))) {
            self.sizes.take(shape, &template.literals, &observed);
        }
        let taken = match &self.shapes[shape].channel {
            Ok(Channel::Rows(plan)) => self.rows.take(plan, statement, shows, &text).map_err(|error| error.to_string()),
            Ok(Channel::Answers(plan)) => {
                let rows = if plan.question.is_none() { self.rows.take(&plan.frame, statement, shows, &text) } else { Ok(()) };
                rows.and_then(|()| self.answers.take(plan, statement, shows, &text)).map_err(|error| error.to_string())
            }
            Ok(Channel::ErrorText(plan)) => self.error_text.take(plan, statement).map_err(|error| error.to_string()),
            Ok(Channel::Metadata) => {
                self.nameless += 1;
                Ok(())
            }
            Err(reason) => Err(reason.clone()),
        };
        let way = self.shapes[shape].sends.then(|| elsewhere::way(&template.sql, &template.literals)).flatten();
        if taken.is_ok() && way.is_none() {
            return Ok(());
        }
        let spelled = elsewhere::read_as_text(&template.sql, &template.literals, self.dialect).unwrap_or_default();
        let text = text + "\n" + &spelled;
        match (way.or_else(|| elsewhere::way(&spelled, &[])), taken) {
            (Some(way), _) => self.send(shape, &way, &text, observed),
            (None, Err(reason)) => self.leave_open(shape, &reason, &text, observed),
            (None, Ok(())) => {}
        }
        Ok(())
    }

    /// Takes a statement whose result leaves by another way than the page.
    fn send(&mut self, shape: usize, way: &Way, text: &str, observed: Observation) {
        if self.endpoints.get(self.shapes[shape].endpoint).bound {
            return;
        }
        let named = self.catalog.named_in(text);
        if named.is_empty() {
            self.nameless += 1;
            return;
        }
        self.not_replayed += 1;
        named.into_iter().for_each(|named| self.elsewhere.take(shape, way, named, observed));
    }

    fn shape(&mut self, endpoint: usize, template: &Template) -> Result<usize> {
        let key = (endpoint, template.sql.clone());
        if let Some(&shape) = self.known.get(&key) {
            return Ok(shape);
        }
        self.name_tables(&template.sql)?;
        let channel = self.channel(template, self.endpoints.get(endpoint).is_inferred());
        for view in channel.as_ref().map_or(&[] as &[View], Channel::views) {
            self.data.prepare(*view, &self.catalog, self.secrets)?;
        }
        let channel = match channel {
            Ok(Channel::Answers(plan)) => self.answers.check(&plan).map(|()| Channel::Answers(plan)),
            other => other,
        };
        Ok(self.push(key, channel))
    }

    /// Without a snapshot, tables and columns are what statements name.
    fn name_tables(&mut self, sql: &str) -> Result<()> {
        if !self.catalog.is_open() {
            return Ok(());
        }
        for named in named(sql, self.dialect) {
            if let Some(at) = self.catalog.learn(&named) {
                self.data.make(at, &self.catalog)?;
            }
        }
        Ok(())
    }

    /// The engine that can follow a shape; the error says what none can. `inferred`: nobody wrote down the page's own SQL.
    fn channel(&self, template: &Template, inferred: bool) -> Result<Channel, String> {
        let (sql, places) = (&template.sql, template.literals.len());
        if let Some(plan) = error_text::plan(sql, places, self.dialect, &self.catalog)? {
            return Ok(Channel::ErrorText(Box::new(plan)));
        }
        if answers::asks_the_server(sql, self.dialect, &self.catalog) {
            return Ok(Channel::Metadata);
        }
        if let Ok(mut plan) = answers::plan(sql, places, self.dialect, &self.catalog) {
            plan.guessed = inferred || self.catalog.is_open();
            return Ok(Channel::Answers(Box::new(plan)));
        }
        rows::plan(sql, places, self.dialect, &self.catalog).map(Channel::Rows)
    }

    /// The shape of what could not even be cut into tokens: one for each endpoint and reason.
    fn unread(&mut self, endpoint: usize, reason: &str) -> usize {
        let key = (endpoint, format!("\0{reason}"));
        let known = self.known.get(&key).copied();
        known.unwrap_or_else(|| {
            let shape = self.push(key, Err(reason.to_owned()));
            self.shapes[shape].sql.clear();
            shape
        })
    }

    fn push(&mut self, key: (usize, String), channel: Result<Channel, String>) -> usize {
        let is_written = !self.endpoints.get(key.0).is_inferred();
        let not_run = is_written.then(|| rows::mismatch(&key.1, self.dialect)).flatten();
        let sends = elsewhere::way(&key.1, &[]).is_some();
        self.shapes.push(Shape { endpoint: key.0, sql: key.1.clone(), channel, not_run, sends });
        self.known.insert(key, self.shapes.len() - 1);
        self.shapes.len() - 1
    }

    /// Puts a statement aside that could not be followed. One that the server refused took nothing.
    fn leave_open(&mut self, shape: usize, reason: &str, text: &str, observed: Observation) {
        if self.endpoints.get(self.shapes[shape].endpoint).bound || observed.refused() {
            return;
        }
        let named = self.catalog.named_in(text);
        if named.is_empty() {
            self.nameless += 1;
            return;
        }
        self.not_replayed += 1;
        for (table, columns) in named {
            let key = (shape, table, reason.to_owned());
            let fresh = || Open { columns: ColumnSet::default(), observed, statements: 0, lines: Vec::new() };
            let open = self.open.entry(key).or_insert_with(fresh);
            open.columns = ColumnSet(open.columns.0 | columns.0);
            open.statements += 1;
            if open.lines.len() <= OPEN_MAX {
                open.lines.push(observed);
            }
        }
    }

    /// Lets the pages of endpoints that statements reached tell by ordinary requests how they come about.
    fn learn_pages(&mut self) -> Result<()> {
        let reached: HashSet<usize> = self.shapes.iter().map(|shape| shape.endpoint).collect();
        for Ordinary { endpoint, template, value, observed } in std::mem::take(&mut self.ordinary) {
            if !reached.contains(&endpoint) {
                continue;
            }
            let shape = self.shape(endpoint, &template)?;
            self.data.at(Some(self.executed.moment(None, &observed)));
            let statement = Statement { shape, literals: &template.literals, observed };
            let shows = self.endpoints.get(endpoint).shows;
            let plan = match &self.shapes[shape].channel {
                Ok(Channel::Rows(plan)) => Some(plan),
                Ok(Channel::Answers(plan)) if plan.question.is_none() => Some(&plan.frame),
                _ => None,
            };
            if let Some(plan) = plan {
                // What cannot be replayed teaches nothing.
                match value {
                    Some(value) => drop(self.rows.learn(endpoint, plan, statement, shows, &value)),
                    None => self.rows.learn_whole(endpoint, plan, statement, shows),
                }
            }
        }
        Ok(())
    }

    /// Lets every engine judge its statements, and writes down what follows.
    pub(crate) fn conclude(
        mut self,
        source: &str,
        next: Next,
        sink: &mut dyn Sink,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Replayed> {
        let shapes = self.shapes.len() as u64;
        let ordinary = self.ordinary.iter().filter_map(|one| Some((one.endpoint, one.value.as_deref()?, &one.observed)));
        let mut fates = self.executed.fates(ordinary);
        self.not_run.iter().for_each(|(endpoint, line, reason)| fates.note(*endpoint, *line, reason));
        self.learn_pages()?;
        self.data.at(None);
        let ahead_ms = self.executed.skew_ms().or(self.skew_ms);
        self.data.set_skew_ms(ahead_ms.unwrap_or(0));
        let clock = |ahead_ms| Clock { source: source.to_owned(), ahead_ms, told_by: self.executed.told_by() };
        let clocks = ahead_ms.map(clock).into_iter().collect();
        let mut into = Conclusion::new((&self.catalog, &self.endpoints, &self.shapes), next.basis, sink, progress);
        into.fates = fates;
        into.replayed.statements = self.statements;
        into.replayed.shapes = shapes;
        into.replayed.not_replayed = self.not_replayed;
        into.replayed.nameless = self.nameless;
        self.rows.conclude(&mut into)?;
        self.answers.conclude(&mut into)?;
        self.data.at(None);
        self.error_text.conclude(&mut into)?;
        self.logins.conclude(&mut into)?;
        self.sizes.conclude(&self.shapes, self.dialect, &self.catalog, &mut into)?;
        self.elsewhere.conclude(&self.data, &mut into)?;
        conclude_open(self.open, &self.data, &mut into)?;
        let (mut replayed, links) = into.finish()?;
        let told = Told { source, catalog: &self.catalog, endpoints: &self.endpoints, shapes: &self.shapes, links: &links };
        replayed.actors = self.attack.conclude(&told, next, sink)?;
        replayed.servers = on_server(&self.data)?;
        replayed.clocks = clocks;
        Ok(replayed)
    }

    /// From here on statements are told one by one.
    pub(crate) fn listen(&mut self) {
        self.attack.listen();
    }

    /// Tells the statements since the last call, where anybody listens.
    pub(crate) fn told(&mut self, source: &str, next: Next, sink: &mut dyn Sink) -> Result<()> {
        let events = self.attack.events();
        let told = Told { source, catalog: &self.catalog, endpoints: &self.endpoints, shapes: &self.shapes, links: &[] };
        for Event { shape, observed, who } in events {
            sink.statement(AttackStatement::new(told.shape(shape, next.shape), observed, who))?;
        }
        Ok(())
    }

    /// What was counted while statements were taken.
    pub(crate) fn counted(&self) -> Replayed {
        let (not_replayed, nameless) = (self.not_replayed, self.nameless);
        Replayed { shapes: self.shapes.len() as u64, not_replayed, nameless, ..Replayed::default() }
    }
}

impl Open {
    /// Why the database ran none of these statements.
    fn not_run(&self, endpoint: usize, fates: &Fates) -> Option<&'static str> {
        let reasons: Option<Vec<&'static str>> = self.lines.iter().map(|line| fates.nothing(endpoint, line)).collect();
        reasons.filter(|_| self.lines.len() as u64 == self.statements)?.into_iter().next()
    }
}

impl Shape {
    /// How answers leave, or why nobody can follow the shape.
    pub(crate) fn channel(&self) -> Result<&Channel, &str> {
        self.channel.as_ref().map_err(String::as_str)
    }

    /// What a blind shape asks, with the plan it stands in.
    pub(crate) fn asks(&self) -> Option<(&answers::Plan, &answers::Question)> {
        match &self.channel {
            Ok(Channel::Answers(plan)) => plan.question.as_ref().map(|question| (&**plan, question)),
            _ => None,
        }
    }

    /// Whether its page shows what the endpoint's own query selects and nothing beside it.
    pub(crate) fn shows_nothing_beside(&self) -> bool {
        match &self.channel {
            Ok(Channel::Rows(plan)) => plan.branches.len() == 1,
            Ok(Channel::Answers(plan)) => plan.frame.branches.len() == 1,
            _ => false,
        }
    }

    /// What a blind shape asks.
    pub(crate) fn question(&self) -> Option<&answers::Question> {
        self.asks().map(|(_, question)| question)
    }
}

impl Channel {
    fn views(&self) -> &[View] {
        match self {
            Self::Rows(plan) => &plan.views,
            Self::Answers(plan) => &plan.views,
            Self::ErrorText(plan) => &plan.views,
            Self::Metadata => &[],
        }
    }
}

fn on_server(data: &Data) -> Result<Vec<OnServer>> {
    let Some(restored) = data.restored() else { return Ok(Vec::new()) };
    restored.finish().map(|did| vec![did]).map_err(|source| Error::Server { source_name: restored.source(), source })
}

/// What could not be followed is possible for every row of the tables it names: one exposure a row.
fn conclude_open(open: HashMap<(usize, usize, String), Open>, data: &Data, into: &mut Conclusion<'_>) -> Result<()> {
    let mut open: Vec<_> = open.into_iter().collect();
    open.sort_by(|(a, first), (b, second)| (first.observed.line, a).cmp(&(second.observed.line, b)));
    let too_few = too_few_answers(&open, data, into)?;
    for (at, ((shape, table, reason), open)) in open.into_iter().enumerate() {
        let few = too_few.contains(&at);
        let not_run = open.not_run(into.shapes[shape].endpoint, &into.fates);
        let verdict = if few || not_run.is_some() { Verdict::Excluded } else { Verdict::Possible };
        let ground = Ground { shape, table, technique: Technique::Union, verdict, reason: "" };
        let why = if few { "the answers to so few questions cannot hold a value" } else { "the statement could not be replayed" };
        let why = not_run.map_or_else(|| format!("{why}: {reason}"), str::to_owned);
        let summary = into.summary(&ground, &why);
        let basis = into.open_basis(shape, summary, open.statements);
        let rows = data.row_numbers(into.catalog.table(table));
        for row in rows.map_err(|source| Error::Prepare { doing: "listing the rows of a table", source })? {
            let observed = open.observed;
            let cells = Cells { row, columns: open.columns, observed, predicted_bytes: 0, agrees: false, literals: "" };
            into.put(basis, table, verdict, &cells)?;
        }
    }
    Ok(())
}

/// Questions that nobody could follow, but of which there are too few: each has one answer, and a value of a column with n
/// different ones takes log2 n of them. Questions through one endpoint about one table are counted together.
fn too_few_answers(open: &[((usize, usize, String), Open)], data: &Data, into: &Conclusion<'_>) -> Result<Vec<usize>> {
    let mut asked: HashMap<(usize, usize), (u64, ColumnSet, Vec<usize>)> = HashMap::new();
    for (at, ((shape, table, reason), open)) in open.iter().enumerate() {
        let endpoint = into.shapes[*shape].endpoint;
        if reason != rows::QUESTION && !matches!(into.endpoints.get(endpoint).shows, Shows::Exists | Shows::Nothing) {
            continue;
        }
        let (count, columns, all) = asked.entry((endpoint, *table)).or_default();
        *count += open.statements;
        columns.0 |= open.columns.0;
        all.push(at);
    }
    let mut few = Vec::new();
    for ((_, table), (answers, columns, all)) in asked {
        let different = data.fewest_values(into.catalog.table(table), columns);
        let different = different.map_err(|source| Error::Prepare { doing: "counting a column's values", source })?;
        if answers < u64::from(different.max(1).ilog2()) {
            few.extend(all);
        }
    }
    Ok(few)
}
