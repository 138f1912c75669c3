//! stub
use crate::error::{Error, Result};
use crate::method::Method;
use crate::program::OdeProgram;
use crate::real::Precision;
pub struct KernelSource { text: String }
impl KernelSource { pub fn text(&self) -> &str { &self.text } }
pub fn assemble(_program: &OdeProgram, _method: &Method, _precision: Precision) -> Result<KernelSource> { Err(Error::Shader("stub".into())) }
