//! Behaviour of replay on small cases: log lines and rows in, exposures out.
