pub mod error;
pub mod real;
pub mod sampling;
pub mod spec;
pub mod expr;
pub mod program;
pub mod infix;
pub mod compile;
