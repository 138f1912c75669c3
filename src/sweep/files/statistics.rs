//! The statistics themselves.

use crate::output::shortest;
use crate::real::Precision;
#[cfg(feature = "npz")]
use crate::status::Status;
#[cfg(feature = "npz")]
use crate::sweep::Quantile;
use crate::sweep::{Covariances, QuantityStatistics, SweepResult};
use serde_json::{Map, Value, json};
use std::io::{Result, Write};

/// A quantity by name, at every save time or once.
struct Series<'a> {
    name: &'a str,
    is_summary: bool,
    at: Vec<&'a QuantityStatistics>,
}

fn series<'a>(result: &'a SweepResult, rows: &[usize]) -> Vec<Series<'a>> {
    let (n_save, n_row) = (result.t.len(), result.names.len());
    let saved = rows.iter().map(|row| Series {
        name: &result.names[*row],
        is_summary: false,
        at: (0..n_save).map(|save| &result.quantities[save * n_row + row]).collect(),
    });
    let summaries = result.summaries.iter().zip(&result.quantities[n_save * n_row..]);
    saved.chain(summaries.map(|(name, one)| Series { name, is_summary: true, at: vec![one] })).collect()
}

pub fn csv(result: &SweepResult, rows: &[usize], out: impl Write) -> Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    let all = series(result, rows);
    let probabilities: Vec<f64> =
        result.quantities.first().map_or(Vec::new(), |q| q.quantiles.iter().map(|q| q.probability).collect());
    let mut thresholds: Vec<f64> =
        all.iter().flat_map(|series| series.at[0].exceedances.iter().map(|e| e.threshold)).collect();
    thresholds.sort_by(f64::total_cmp);
    thresholds.dedup();
    let fixed =
        ["t", "quantity", "n", "n_done", "n_asked", "mean", "std", "min", "min_trajectory", "max", "max_trajectory"];
    let header = fixed.map(String::from).into_iter();
    let header = header.chain(probabilities.iter().flat_map(|p| ["", "_low", "_high"].map(|end| format!("q{p}{end}"))));
    writer.write_record(header.chain(thresholds.iter().map(|threshold| format!("p>{threshold}"))))?;
    let (exact, number) = (result.info.precision, |x: f64| shortest(x, Precision::F64));
    let who = |trajectory: Option<u64>| trajectory.map_or(String::new(), |i| i.to_string());
    for series in &all {
        for (save, q) in series.at.iter().enumerate() {
            let t = if series.is_summary || result.t[save].is_nan() { String::new() } else { number(result.t[save]) };
            let mut record =
                vec![t, series.name.to_string(), q.n.to_string(), result.n_done.to_string(), result.n_traj.to_string()];
            record.extend([q.mean, q.std].map(number));
            record.extend([shortest(q.min, exact), who(q.argmin), shortest(q.max, exact), who(q.argmax)]);
            record.extend(q.quantiles.iter().flat_map(|q| [q.value, q.low, q.high].map(number)));
            record.extend(thresholds.iter().map(|threshold| {
                let found = q.exceedances.iter().find(|e| e.threshold == *threshold);
                found.map_or(String::new(), |e| number(e.probability))
            }));
            writer.write_record(record)?;
        }
    }
    writer.flush()
}

pub fn json(result: &SweepResult, rows: &[usize], mut out: impl Write) -> Result<()> {
    let (info, all) = (&result.info, series(result, rows));
    let by_name = |summaries: bool| -> Map<String, Value> {
        let some = all.iter().filter(|series| series.is_summary == summaries);
        some.map(|series| (series.name.to_string(), described(series))).collect()
    };
    let statuses: Map<String, Value> =
        result.status_counts().into_iter().map(|(status, n)| (status.name().to_string(), n.into())).collect();
    let culprit = |row: u32| result.names.get(row as usize);
    let failures: Vec<Value> = result
        .failures
        .iter()
        .map(|f| json!({"trajectory": f.trajectory, "status": f.status.name(), "t_end": f.t, "non_finite": f.culprit.and_then(culprit)}))
        .collect();
    let kept: Vec<Value> = result
        .kept
        .iter()
        .map(|kept| json!({"trajectory": kept.trajectory, "why": kept.why.to_string(), "value": kept.value}))
        .collect();
    let lane_steps = result.info.lane_steps.map(|steps| json!({"executed": steps.executed, "needed": steps.needed}));
    let document = json!({
        "model": info.model,
        "backend": info.backend,
        "method": info.method,
        "precision": info.precision.name(),
        "arithmetic": info.arithmetic.name(),
        "compensated": info.compensated,
        "tspan": [info.tspan.0, info.tspan.1],
        "seed": info.seed,
        "n": result.n_traj,
        "n_done": result.n_done,
        "n_resumed": result.info.n_resumed,
        "partial": result.partial_note(),
        "t": result.t,
        "names": rows.iter().map(|row| &result.names[*row]).collect::<Vec<_>>(),
        "status": statuses,
        "failures": failures,
        "accepted": {"sum": result.accepted.sum, "max": result.accepted.max},
        "rejected": {"sum": result.rejected.sum, "max": result.rejected.max},
        "lane_steps": lane_steps,
        "elapsed_ms": 1e3 * info.elapsed.as_secs_f64(),
        "warnings": info.warnings,
        "statistics": {
            "n_used": result.n_finished(),
            "n_left_out": result.n_done - result.n_finished(),
            "by_name": by_name(false),
            "summaries": by_name(true),
        },
        "covariances": result.covariances.iter().map(|matrix| covariances(result, matrix)).collect::<Vec<_>>(),
        "kept": kept,
    });
    serde_json::to_writer(&mut out, &document)?;
    out.write_all(b"\n")
}

fn covariances(result: &SweepResult, matrix: &Covariances) -> Value {
    json!({
        "t": matrix.save.map(|save| result.t[save]),
        "names": matrix.names,
        "covariance": matrix.covariance,
        "correlation": matrix.correlation,
    })
}

/// Each statistic as a list over the save times, of a summary as it is.
fn described(series: &Series) -> Value {
    let of = |read: &dyn Fn(&QuantityStatistics) -> Value| match series.is_summary {
        true => read(series.at[0]),
        false => series.at.iter().map(|q| read(q)).collect(),
    };
    let first = series.at[0];
    let quantile = |i: usize| {
        json!({
            "probability": first.quantiles[i].probability,
            "value": of(&|q| q.quantiles[i].value.into()),
            "low": of(&|q| q.quantiles[i].low.into()),
            "high": of(&|q| q.quantiles[i].high.into()),
            "is_inside": of(&|q| q.quantiles[i].is_inside.into()),
        })
    };
    let exceedance = |i: usize| {
        json!({
            "threshold": first.exceedances[i].threshold,
            "n": of(&|q| q.exceedances[i].n.into()),
            "probability": of(&|q| q.exceedances[i].probability.into()),
            "standard_error": of(&|q| q.exceedances[i].standard_error.into()),
        })
    };
    let histogram = |i: usize| {
        json!({
            "from": first.histograms[i].low,
            "to": first.histograms[i].high,
            "below": of(&|q| q.histograms[i].below.into()),
            "bins": of(&|q| q.histograms[i].bins.clone().into()),
            "above": of(&|q| q.histograms[i].above.into()),
        })
    };
    json!({
        "n": of(&|q| q.n.into()),
        "mean": of(&|q| q.mean.into()),
        "std": of(&|q| q.std.into()),
        "variance": of(&|q| q.variance.into()),
        "min": of(&|q| q.min.into()),
        "min_trajectory": of(&|q| q.argmin.into()),
        "max": of(&|q| q.max.into()),
        "max_trajectory": of(&|q| q.argmax.into()),
        "quantiles": (0..first.quantiles.len()).map(quantile).collect::<Vec<_>>(),
        "exceed": (0..first.exceedances.len()).map(exceedance).collect::<Vec<_>>(),
        "histograms": (0..first.histograms.len()).map(histogram).collect::<Vec<_>>(),
    })
}

#[cfg(feature = "npz")]
pub fn npz(result: &SweepResult, rows: &[usize], out: impl Write + std::io::Seek) -> Result<()> {
    crate::output::Remembering::fill(out, |out| write_npz(result, rows, out))
}

#[cfg(feature = "npz")]
fn write_npz(
    result: &SweepResult,
    rows: &[usize],
    out: impl Write + std::io::Seek,
) -> std::result::Result<(), ndarray_npy::WriteNpzError> {
    use ndarray::{Array1, Array2, Array3, aview1};
    let mut writer = ndarray_npy::NpzWriter::new(out);
    writer.add_array("t", &aview1(&result.t))?;
    for Series { name, at, .. } in series(result, rows) {
        let of = |read: fn(&QuantityStatistics) -> f64| at.iter().map(|q| read(q)).collect::<Array1<f64>>();
        writer.add_array(format!("{name}.mean"), &of(|q| q.mean))?;
        writer.add_array(format!("{name}.variance"), &of(|q| q.variance))?;
        writer.add_array(format!("{name}.std"), &of(|q| q.std))?;
        writer.add_array(format!("{name}.min"), &of(|q| q.min))?;
        writer.add_array(format!("{name}.max"), &of(|q| q.max))?;
        writer.add_array(format!("{name}.n"), &at.iter().map(|q| q.n).collect::<Array1<u64>>())?;
        let who = |read: fn(&QuantityStatistics) -> Option<u64>| {
            at.iter().map(|q| read(q).map_or(-1, |i| i as i64)).collect::<Array1<i64>>()
        };
        writer.add_array(format!("{name}.min_trajectory"), &who(|q| q.argmin))?;
        writer.add_array(format!("{name}.max_trajectory"), &who(|q| q.argmax))?;
        let shape = (at[0].quantiles.len(), at.len());
        let quantiles =
            |read: fn(&Quantile) -> f64| Array2::from_shape_fn(shape, |(i, save)| read(&at[save].quantiles[i]));
        writer.add_array(format!("{name}.quantiles"), &quantiles(|q| q.value))?;
        writer.add_array(format!("{name}.quantiles_low"), &quantiles(|q| q.low))?;
        writer.add_array(format!("{name}.quantiles_high"), &quantiles(|q| q.high))?;
        let n_threshold = at[0].exceedances.len();
        if n_threshold > 0 {
            let exceed = |(i, save): (usize, usize)| at[save].exceedances[i];
            let shape = (n_threshold, at.len());
            let thresholds = at[0].exceedances.iter().map(|e| e.threshold).collect::<Array1<f64>>();
            writer.add_array(format!("{name}.thresholds"), &thresholds)?;
            writer.add_array(format!("{name}.exceed"), &Array2::from_shape_fn(shape, |k| exceed(k).probability))?;
            writer.add_array(format!("{name}.exceed_n"), &Array2::from_shape_fn(shape, |k| exceed(k).n))?;
        }
        for (i, first) in at[0].histograms.iter().enumerate() {
            let n_bin = first.bins.len();
            let count = |(k, save): (usize, usize)| {
                let counts = &at[save].histograms[i];
                match k {
                    0 => counts.below,
                    k if k <= n_bin => counts.bins[k - 1],
                    _ => counts.above,
                }
            };
            let number = if i == 0 { String::new() } else { format!("_{}", i + 1) };
            writer.add_array(format!("{name}.counts{number}"), &Array2::from_shape_fn((n_bin + 2, at.len()), count))?;
            writer.add_array(format!("{name}.range{number}"), &aview1(&[first.low, first.high]))?;
        }
    }
    let probabilities = result.quantities.first().map_or(&[][..], |q| &q.quantiles);
    writer.add_array("meta.quantiles", &probabilities.iter().map(|q| q.probability).collect::<Array1<f64>>())?;
    let codes: Array1<u64> = Status::ALL.iter().map(|status| result.statuses[*status as usize]).collect();
    writer.add_array("meta.status", &codes)?;
    writer.add_array("meta.n", &aview1(&[result.n_traj]))?;
    writer.add_array("meta.n_done", &aview1(&[result.n_done]))?;
    let saved: Vec<&Covariances> = result.covariances.iter().filter(|matrix| matrix.save.is_some()).collect();
    if let Some(first) = saved.first() {
        let n = first.names.len();
        let at = |(save, a, b): (usize, usize, usize)| saved[save].covariance[a][b];
        writer.add_array("meta.covariance", &Array3::from_shape_fn((saved.len(), n, n), at))?;
    }
    if let Some(matrix) = result.covariances.iter().find(|matrix| matrix.save.is_none()) {
        let n = matrix.names.len();
        let of_summaries = Array2::from_shape_fn((n, n), |(a, b)| matrix.covariance[a][b]);
        writer.add_array("meta.summary_covariance", &of_summaries)?;
    }
    writer.finish().map(drop)
}
