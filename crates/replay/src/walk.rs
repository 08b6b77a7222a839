//! Walks over the expressions of a SQL tree, as sqlparser's functions of the same names, but compiled once.
//!
//! The library's functions are generic over the closure, and each call compiles the walk over the whole language anew: some
//! thirty copies were most of this crate's building time. Here the closure is behind a pointer.

use std::ops::ControlFlow::{self, Break, Continue};

use sqlparser::ast::{Expr, Visit, VisitMut, Visitor, VisitorMut};

/// Calls `each` for every expression, the outer before the inner, until it breaks.
pub(crate) fn visit_expressions<B>(node: &impl Visit, mut each: impl FnMut(&Expr) -> ControlFlow<B>) -> ControlFlow<B> {
    let mut broken = None;
    let _ = node.visit(&mut Reading(&mut |expr| keep(each(expr), &mut broken)));
    broken.map_or(Continue(()), Break)
}

/// Calls `each` for every expression, the inner before the outer, until it breaks; it may change what it is given.
pub(crate) fn visit_expressions_mut<B>(
    node: &mut impl VisitMut,
    mut each: impl FnMut(&mut Expr) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let mut broken = None;
    let _ = node.visit(&mut Changing(&mut |expr| keep(each(expr), &mut broken)));
    broken.map_or(Continue(()), Break)
}

fn keep<B>(flow: ControlFlow<B>, broken: &mut Option<B>) -> ControlFlow<()> {
    let Break(value) = flow else { return Continue(()) };
    *broken = Some(value);
    Break(())
}

struct Reading<'a>(&'a mut dyn FnMut(&Expr) -> ControlFlow<()>);

impl Visitor for Reading<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        (self.0)(expr)
    }
}

struct Changing<'a>(&'a mut dyn FnMut(&mut Expr) -> ControlFlow<()>);

impl VisitorMut for Changing<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        (self.0)(expr)
    }
}
