//! Runs at work side by side: the ready fits of all of them go to the same workers.
//!
//! Runs do not wait for each other. One that cannot go on is left, and the others go on; what its workers are at is theirs
//! to finish, and is not listened to any more.

use std::thread;
use std::time::Duration;

use super::order::{Order, Said};
use super::pool::{Heard, Pool};
use super::session::Session;
use super::study_run::Which;
use super::{Interrupt, Report, RunError};

/// How long a word of a worker is waited for before signals are looked at.
const PATIENCE: Duration = Duration::from_millis(100);

/// A fit that waits for a worker or has one.
pub(super) struct Ticket<'a> {
    session: usize,
    pub(super) unit: usize,
    pub(super) which: Which,
    pub(super) order: Order<'a>,
    pub(super) attempt: usize,
}

/// What has become of a run.
enum Course<'a> {
    Going(Box<Session<'a>>),
    /// It keeps its lock, because a worker may still write into its folder.
    Left(Box<Session<'a>>, RunError),
    Ended(Box<Result<Report, RunError>>),
}

/// Runs all of them to their ends, or as far as they come; what came of each, in their order. They have the same workers
/// and, if they have data, the same.
pub(super) fn run_all(sessions: Vec<Session<'_>>) -> Vec<Result<Report, RunError>> {
    let Some(first) = sessions.first() else { return Vec::new() };
    let (request, data) = (first.request(), first.data());
    let seats = (0..request.crew.n()).map(|_| None).collect();
    let courses = sessions.into_iter().map(|session| Some(Course::Going(Box::new(session)))).collect();
    let mut walk = Walk { courses, ready: Vec::new(), seats };
    thread::scope(|scope| {
        let mut pool = Pool::new(scope, request.crew, data, request.device, request.interrupt);
        walk.walk(&mut pool, request.interrupt);
    });
    walk.courses.into_iter().flatten().map(Course::end).collect()
}

impl Course<'_> {
    fn end(self) -> Result<Report, RunError> {
        match self {
            Self::Going(session) => session.end(Ok(())),
            Self::Left(session, error) => session.end(Err(error)),
            Self::Ended(result) => *result,
        }
    }
}

struct Walk<'a> {
    /// Never none between two calls.
    courses: Vec<Option<Course<'a>>>,
    ready: Vec<Ticket<'a>>,
    seats: Vec<Option<Ticket<'a>>>,
}

impl<'a> Walk<'a> {
    fn walk(&mut self, pool: &mut Pool<'_, 'a>, interrupt: &Interrupt) {
        for session in 0..self.courses.len() {
            let n_units = self.going(session).map_or(0, |session| session.n_units());
            for unit in 0..n_units {
                self.settle(session, unit);
            }
            self.end_if_done(session);
        }
        loop {
            while let Some(seat) = self.seats.iter().position(Option::is_none)
                && let Some(next) = self.next()
            {
                let ticket = self.ready.remove(next);
                let session = ticket.session;
                match self.going(session).map(|going| going.begin(seat, &ticket.order)) {
                    Some(Ok(())) => {
                        pool.give(seat, ticket.order.clone());
                        self.seats[seat] = Some(ticket);
                    }
                    Some(Err(error)) => self.leave(session, error),
                    None => {}
                }
            }
            if !self.courses.iter().any(|course| matches!(course, Some(Course::Going(_)))) {
                return;
            }
            let heard = pool.wait(PATIENCE);
            if let Some(signal) = interrupt.signal() {
                for session in 0..self.courses.len() {
                    if let Some(path) = self.going(session).map(|session| session.path().to_owned()) {
                        self.leave(session, RunError::Interrupted { signal, path });
                    }
                }
                return;
            }
            if let Some((seat, heard)) = heard {
                self.hear(seat, heard);
            }
        }
    }

    /// Takes note of a word of the worker at `seat`.
    fn hear(&mut self, seat: usize, heard: Heard) {
        let Some(session) = self.seats[seat].as_ref().map(|ticket| ticket.session) else { return };
        match heard {
            Heard::Said(Said::Batch { done, total }) => {
                if let Some(going) = self.going(session) {
                    going.progress().batch(seat, done, total);
                }
            }
            Heard::Said(Said::Epoch { epoch, phase, train_loss, validation }) => {
                if let Some(going) = self.going(session) {
                    going.progress().epoch(seat, epoch, &phase, train_loss, &validation);
                }
            }
            Heard::Said(Said::Done { started, seconds }) => {
                let ticket = self.seats[seat].take().expect("only a busy worker is done");
                match self.going(session).map(|going| going.trained(&ticket, started, seconds)) {
                    Some(Ok(())) => self.settle(session, ticket.unit),
                    Some(Err(error)) => self.leave(session, error),
                    None => {}
                }
                self.end_if_done(session);
            }
            Heard::Said(Said::Refused { reason }) => {
                self.seats[seat] = None;
                if let Some(path) = self.going(session).map(|going| going.path().to_owned()) {
                    self.leave(session, RunError::Refused { reason, path });
                }
            }
            Heard::Said(Said::Lost { reason }) | Heard::Gone(reason) => {
                let mut ticket = self.seats[seat].take().expect("it was looked at above");
                match self.going(session).map(|going| going.lost(&ticket, reason)) {
                    Some(Ok(())) => {
                        ticket.attempt += 1;
                        self.ready.push(ticket);
                    }
                    Some(Err(error)) => self.leave(session, error),
                    None => {}
                }
            }
        }
    }

    fn going(&mut self, session: usize) -> Option<&mut Session<'a>> {
        match &mut self.courses[session] {
            Some(Course::Going(session)) => Some(session),
            _ => None,
        }
    }

    fn settle(&mut self, session: usize, unit: usize) {
        match self.going(session).map(|going| going.settle(unit)) {
            Some(Ok(fits)) => self.ready.extend(fits.into_iter().map(|(which, order)| Ticket {
                session,
                unit,
                which,
                order,
                attempt: 1,
            })),
            Some(Err(error)) => self.leave(session, error),
            None => {}
        }
    }

    fn leave(&mut self, session: usize, error: RunError) {
        self.ready.retain(|ticket| ticket.session != session);
        self.courses[session] = match self.courses[session].take() {
            Some(Course::Going(going)) => Some(Course::Left(going, error)),
            other => other,
        };
    }

    /// Records the end of a run of which no fit is left, while others go on.
    fn end_if_done(&mut self, session: usize) {
        let is_at_work = self.ready.iter().chain(self.seats.iter().flatten()).any(|ticket| ticket.session == session);
        self.courses[session] = match self.courses[session].take() {
            Some(Course::Going(going)) if !is_at_work => Some(Course::Ended(Box::new(going.end(Ok(()))))),
            other => other,
        };
    }

    /// The ticket to be given out next: of the run that has the fewest workers, and there of the unit that has the
    /// fewest, the first; runs and studies do not wait for each other, while the trials of one study may have to.
    fn next(&self) -> Option<usize> {
        let n_busy =
            |is_counted: &dyn Fn(&Ticket<'_>) -> bool| self.seats.iter().flatten().filter(|t| is_counted(t)).count();
        let load = |ticket: &Ticket<'_>| {
            let of_session = n_busy(&|busy| busy.session == ticket.session);
            let of_unit = n_busy(&|busy| (busy.session, busy.unit) == (ticket.session, ticket.unit));
            (of_session, of_unit, ticket.session, ticket.unit, ticket.which)
        };
        let first = self.ready.iter().enumerate().min_by_key(|(_, ticket)| load(ticket));
        first.map(|(position, _)| position)
    }
}
