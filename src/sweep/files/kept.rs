//! The trajectories that were kept.

use crate::output::shortest;
use crate::real::Precision;
use crate::solution::SolveResult;
use crate::sweep::SweepResult;
use serde_json::{Map, Value, json};
use std::io::{Result, Write};

/// Number and result of each, once, in the order of the reasons.
pub fn trajectories(result: &SweepResult) -> Vec<(u64, &SolveResult)> {
    let mut all: Vec<(u64, &SolveResult)> = Vec::new();
    for kept in &result.kept {
        if let Some(solved) = &kept.result
            && all.iter().all(|(number, _)| *number != kept.trajectory)
        {
            all.push((kept.trajectory, solved));
        }
    }
    all
}

/// The value of a row at a save time.
fn value(solved: &SolveResult, row: usize, save: usize) -> f64 {
    let n_state = solved.x.nrows();
    if row < n_state { solved.x[[row, save]] } else { solved.outputs[[row - n_state, save]] }
}

pub fn csv(result: &SweepResult, kept: &[(u64, &SolveResult)], rows: &[usize], out: impl Write) -> Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    let names = rows.iter().map(|row| result.names[*row].as_str());
    writer.write_record(["trajectory", "t"].into_iter().chain(names).chain(["status"]))?;
    for (number, solved) in kept {
        for (save, t) in solved.t.iter().enumerate() {
            let mut record = vec![number.to_string(), shortest(*t, Precision::F64)];
            record.extend(rows.iter().map(|row| shortest(value(solved, *row, save), result.info.precision)));
            record.push(solved.status.name().to_string());
            writer.write_record(record)?;
        }
    }
    writer.flush()
}

pub fn json(result: &SweepResult, kept: &[(u64, &SolveResult)], rows: &[usize], mut out: impl Write) -> Result<()> {
    let one = |(number, solved): &(u64, &SolveResult)| {
        let series = |row: usize| (0..solved.t.len()).map(|save| value(solved, row, save)).collect::<Value>();
        let x: Map<String, Value> = rows.iter().map(|row| (result.names[*row].clone(), series(*row))).collect();
        let names = solved.fields.parameter_names.iter().cloned();
        let parameters: Map<String, Value> = names.zip(solved.p.iter().map(|p| Value::from(*p))).collect();
        let why = result.kept.iter().filter(|kept| kept.trajectory == *number);
        json!({
            "number": number,
            "why": why.map(|kept| json!({"keep": kept.why.to_string(), "value": kept.value})).collect::<Vec<_>>(),
            "status": solved.status.name(),
            "t_end": solved.t_end,
            "parameters": parameters,
            "t": solved.t.to_vec(),
            "x": x,
        })
    };
    serde_json::to_writer(&mut out, &kept.iter().map(one).collect::<Vec<_>>())?;
    out.write_all(b"\n")
}

#[cfg(feature = "npz")]
pub fn npz(
    result: &SweepResult,
    kept: &[(u64, &SolveResult)],
    rows: &[usize],
    out: impl Write + std::io::Seek,
) -> Result<()> {
    write_npz(result, kept, rows, out).map_err(std::io::Error::other)
}

#[cfg(feature = "npz")]
fn write_npz(
    result: &SweepResult,
    kept: &[(u64, &SolveResult)],
    rows: &[usize],
    out: impl Write + std::io::Seek,
) -> std::result::Result<(), ndarray_npy::WriteNpzError> {
    use ndarray::{Array1, Array2};
    let mut writer = ndarray_npy::NpzWriter::new(out);
    let n_save = kept.iter().map(|(_, solved)| solved.t.len()).max().unwrap_or(0);
    let padded = |of: &dyn Fn(&SolveResult, usize) -> f64| {
        let at = |(i, save): (usize, usize)| if save < kept[i].1.t.len() { of(kept[i].1, save) } else { f64::NAN };
        Array2::from_shape_fn((kept.len(), n_save), at)
    };
    writer.add_array("trajectory", &kept.iter().map(|(number, _)| *number).collect::<Array1<u64>>())?;
    writer.add_array("t", &padded(&|solved, save| solved.t[save]))?;
    for row in rows {
        let values = padded(&|solved, save| value(solved, *row, save));
        match result.info.precision {
            Precision::F32 => writer.add_array(result.names[*row].as_str(), &values.mapv(|x| x as f32))?,
            Precision::F64 | Precision::F32x2 => writer.add_array(result.names[*row].as_str(), &values)?,
        }
    }
    let names = kept.first().map_or(&[][..], |(_, solved)| &solved.fields.parameter_names);
    for (slot, name) in names.iter().enumerate() {
        let values: Array1<f64> = kept.iter().map(|(_, solved)| solved.p[slot]).collect();
        writer.add_array(format!("param.{name}"), &values)?;
    }
    let codes: Array1<u32> = kept.iter().map(|(_, solved)| solved.status as u32).collect();
    writer.add_array("meta.status", &codes)?;
    writer.finish().map(drop)
}
