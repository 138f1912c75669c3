//! NPZ: NumPy arrays in a zip file, `numpy.load(file)["x"]`.
//!
//! `t` of shape (n_save,), one array of shape (n_traj, n_save) for each column in the precision of the run,
//! `param.<name>` of shape (n_traj,) for each parameter that differs from trajectory to trajectory, of a single trajectory for all
//! of them, as it was drawn, and `meta.status` (the codes of [`Status`](crate::Status), u32), `meta.accepted`, `meta.rejected` of shape (n_traj,). Where
//! save times differ, `t` has shape (n_traj, n_save), with NaN beyond the last of a trajectory, as its values have. A
//! column never has one of these names: `t` is reserved, and a model's names have no dot or two; with `param.` before
//! them they have one or three.

use super::Remembering;
use crate::real::Precision;
use crate::solution::EnsembleResult;
use ndarray::{Array1, Array2};
use ndarray_npy::{NpzWriter, WriteNpzError};
use std::io::{Result, Seek, Write};

/// Writes the given rows of the result (see [`super::select`]).
///
/// # Errors
/// What the stream says.
pub fn write_npz(result: &EnsembleResult, rows: &[usize], out: impl Write + Seek) -> Result<()> {
    Remembering::fill(out, |out| fill(result, rows, out))
}

fn fill(result: &EnsembleResult, rows: &[usize], out: impl Write + Seek) -> std::result::Result<(), WriteNpzError> {
    // Without the large form an array above 4 GiB would be an error after the run.
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored).large_file(true);
    let mut writer = NpzWriter::new_with_options(out, options);
    let shape = (result.n_traj(), result.t.len());
    match &result.times {
        None => writer.add_array("t", &result.t)?,
        Some(times) => writer.add_array("t", &Array2::from_shape_fn(shape, |(i, k)| times[[k, i]]))?,
    }
    for row in rows {
        let name = result.names[*row].as_str();
        let value = |(i, k): (usize, usize)| result.saved[[k, *row, i]];
        match result.info.precision {
            Precision::F32 => writer.add_array(name, &Array2::from_shape_fn(shape, |at| value(at) as f32))?,
            Precision::F64 | Precision::F32x2 => writer.add_array(name, &Array2::from_shape_fn(shape, value))?,
        }
    }
    let slots =
        if result.n_traj() == 1 { (0..result.parameters.nrows()).collect() } else { result.varied_parameters() };
    for slot in slots {
        let name = format!("param.{}", result.fields.parameter_names[slot]);
        writer.add_array(name, &result.parameters.row(slot))?;
    }
    let codes: Array1<u32> = result.status.iter().map(|status| *status as u32).collect();
    writer.add_array("meta.status", &codes)?;
    writer.add_array("meta.accepted", &ndarray::aview1(&result.accepted))?;
    writer.add_array("meta.rejected", &ndarray::aview1(&result.rejected))?;
    writer.finish().map(drop)
}
