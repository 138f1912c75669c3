//! What the user wants of an ensemble, by name, to a [`Reduction`] by number.
//!
//! In: [`StatisticsSettings`], the names of the saved rows and the save times. Out: a [`Wanted`], which says of every number that
//! a reduction gives what it is for. Ranges of quantiles come later, from a pilot.

use crate::error::{Error, Result, suggest};
use crate::output::{select, shortest};
use crate::real::Precision;
use crate::reduce::{Accumulator, Histogram, Reduction, Summary};
use crate::spec::{Covariance, DEFAULT_QUANTILES, Keep, Measure, Quantity, StatisticsSettings};

/// Bins of a quantile's histogram.
pub const QUANTILE_BINS: u32 = 1024;

/// Most counts of all histograms, those of quantiles included: a gigabyte of them.
pub const MOST_COUNTS: usize = 1 << 27;

/// Without being asked for, quantiles are computed of at most so many quantities: each has a count for every bin.
pub const MOST_QUANTILES: usize = 2048;

/// Quantities without quantiles that are named.
const MOST_WARNINGS: usize = 3;

/// What a histogram is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Use {
    /// The user asks for it.
    Counts,
    /// How many values are above a threshold.
    Exceed(f64),
    /// Quantiles, for want of a histogram that the user asks for.
    Quantiles,
}

/// Quantities whose covariances are wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The save time, or nothing for summaries.
    pub save: Option<usize>,
    /// The quantities.
    pub members: Vec<u32>,
    /// The first of their pairs in [`Reduction::pairs`], which are those of the first member with each later one, and so on.
    pub first_pair: usize,
}

/// A reduction, and what its numbers are for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub reduction: Reduction,
    /// One for each histogram.
    pub uses: Vec<Use>,
    pub groups: Vec<Group>,
    /// Number format of the run.
    pub precision: Precision,
    /// Names of the saved rows.
    pub names: Vec<String>,
    /// Names of the summaries.
    pub summaries: Vec<String>,
    /// Probabilities of quantiles.
    pub quantiles: Vec<f64>,
    /// What to keep, with the position among [`Reduction::ranked`] where it goes by a value.
    pub keep: Vec<(Keep, Option<usize>)>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Looks up what is wanted. `names` are those of the saved rows.
pub fn wanted(
    settings: &StatisticsSettings,
    names: Vec<String>,
    times: Vec<f64>,
    precision: Precision,
) -> Result<Wanted> {
    let reduction = Reduction { times, n_row: names.len(), ..Reduction::default() };
    let mut wanted = Wanted {
        reduction,
        uses: Vec::new(),
        groups: Vec::new(),
        names,
        precision,
        summaries: Vec::new(),
        quantiles: settings.quantiles.clone().unwrap_or_else(|| DEFAULT_QUANTILES.to_vec()),
        keep: Vec::new(),
        warnings: Vec::new(),
    };
    // All summaries come before anything that counts quantities.
    for measure in summaries(settings) {
        wanted.summary(measure)?;
    }
    wanted.count(settings)?;
    for keep in &settings.keep {
        wanted.keep(keep)?;
    }
    wanted.covariance(settings.covariance.as_ref())?;
    let n_ranged = wanted.without_range().len();
    if settings.quantiles.is_none() && n_ranged > MOST_QUANTILES {
        wanted.quantiles.clear();
        wanted.warnings.push(format!(
            "there are no quantiles, for they would need a histogram of each of {n_ranged} quantities; save fewer times, or ask for quantiles"
        ));
    }
    Ok(wanted)
}

/// Every summary that is named.
fn summaries(settings: &StatisticsSettings) -> impl Iterator<Item = &Measure> {
    let named = settings.exceed.iter().map(|(quantity, _)| quantity);
    let named = named.chain(settings.histograms.iter().map(|(quantity, _)| quantity));
    let named = named.chain(settings.keep.iter().filter_map(Keep::quantity)).filter_map(|quantity| match quantity {
        Quantity::Summary(measure) => Some(measure),
        Quantity::Saved(_) => None,
    });
    settings.summaries.iter().chain(named)
}

impl Wanted {
    /// Histograms that are asked for, and those of thresholds.
    fn count(&mut self, settings: &StatisticsSettings) -> Result<()> {
        let precision = self.precision;
        for (quantity, bins) in &settings.histograms {
            let (low, high) = (precision.round(bins.from), precision.round(bins.to));
            let fault = |what: &str| {
                let (from, to) = (shortest(bins.from, Precision::F64), shortest(bins.to, Precision::F64));
                Error::model("statistics.histogram", format!("'{quantity}': {from} and {to} are {what} {precision}"))
            };
            if !(low < high) {
                return Err(fault("the same number in"));
            }
            if !(high - low <= precision.max()) {
                return Err(fault("further apart than the range of"));
            }
            for quantity in self.quantities(quantity)? {
                self.histogram(Histogram { quantity, low, high, n_bin: bins.bins }, Use::Counts);
            }
        }
        for (quantity, thresholds) in &settings.exceed {
            let quantities = self.quantities(quantity)?;
            for threshold in thresholds {
                let end = at_most(precision, *threshold);
                for quantity in &quantities {
                    let histogram = Histogram { quantity: *quantity, low: end, high: end, n_bin: 0 };
                    self.histogram(histogram, Use::Exceed(*threshold));
                }
            }
        }
        Ok(())
    }

    /// The position of a summary, which is added if it is new.
    fn summary(&mut self, measure: &Measure) -> Result<usize> {
        let row = row(&measure.name, &self.names, measure)?;
        let summary = Summary { kind: measure.kind, row };
        let known = self.reduction.summaries.iter().position(|other| *other == summary);
        Ok(known.unwrap_or_else(|| {
            self.reduction.summaries.push(summary);
            self.summaries.push(measure.to_string());
            self.summaries.len() - 1
        }))
    }

    /// The numbers of a quantity: one for each save time, or that of a summary.
    fn quantities(&mut self, quantity: &Quantity) -> Result<Vec<u32>> {
        let (n_save, n_row) = (self.reduction.times.len(), self.reduction.n_row);
        match quantity {
            Quantity::Saved(name) => {
                let row = row(name, &self.names, quantity)?;
                Ok((0..n_save).map(|save| (save * n_row) as u32 + row).collect())
            }
            Quantity::Summary(measure) => Ok(vec![(n_save * n_row + self.summary(measure)?) as u32]),
        }
    }

    fn histogram(&mut self, histogram: Histogram, what: Use) {
        self.reduction.histograms.push(histogram);
        self.uses.push(what);
    }

    fn keep(&mut self, keep: &Keep) -> Result<()> {
        let mut ranked = None;
        if let Some(quantity) = keep.quantity() {
            let number = self.quantities(quantity)?.pop().unwrap_or_default();
            let known = self.reduction.ranked.iter().position(|other| *other == number);
            ranked = Some(known.unwrap_or(self.reduction.ranked.len()));
            if known.is_none() {
                self.reduction.ranked.push(number);
            }
        }
        self.keep.push((keep.clone(), ranked));
        Ok(())
    }

    fn covariance(&mut self, asked: Option<&Covariance>) -> Result<()> {
        let rows = match asked {
            None | Some(Covariance::None) => return Ok(()),
            Some(Covariance::All) => select(&self.names, None)?,
            Some(Covariance::Of(some)) => select(&self.names, Some(some)).map_err(|e| match e {
                Error::Run(text) => Error::model("statistics.covariance", text.trim_start_matches("columns: ")),
                other => other,
            })?,
        };
        let (n_save, n_row, n_summary) = (self.reduction.times.len(), self.reduction.n_row, self.summaries.len());
        for save in 0..n_save {
            self.group(Some(save), rows.iter().map(|row| (save * n_row + row) as u32).collect());
        }
        if n_summary > 1 {
            self.group(None, (n_save * n_row..n_save * n_row + n_summary).map(|q| q as u32).collect());
        }
        Ok(())
    }

    fn group(&mut self, save: Option<usize>, members: Vec<u32>) {
        let first_pair = self.reduction.pairs.len();
        for (i, a) in members.iter().enumerate() {
            self.reduction.pairs.extend(members[i + 1..].iter().map(|b| (*a, *b)));
        }
        self.groups.push(Group { save, members, first_pair });
    }

    /// Quantities of which quantiles are wanted and that have no histogram, or none yet.
    pub fn without_range(&self) -> Vec<u32> {
        if self.quantiles.is_empty() {
            return Vec::new();
        }
        let mut has_range = vec![false; self.reduction.n_quantity()];
        for (histogram, what) in self.reduction.histograms.iter().zip(&self.uses) {
            has_range[histogram.quantity as usize] |= !matches!(what, Use::Exceed(_));
        }
        (0..has_range.len()).filter(|quantity| !has_range[*quantity]).map(|quantity| quantity as u32).collect()
    }

    /// Adds the histogram of a quantile.
    pub fn add_range(&mut self, histogram: Histogram) {
        self.histogram(histogram, Use::Quantiles);
    }

    /// The histograms of quantiles, whose ranges a pilot has found.
    pub fn ranges(&self) -> impl Iterator<Item = &Histogram> {
        self.reduction.histograms.iter().zip(&self.uses).filter(|(_, what)| **what == Use::Quantiles).map(|(h, _)| h)
    }

    /// Gives those a range by what a pilot has found of every quantity; `is_whole` tells that it was all of the ensemble.
    pub fn set_ranges(&mut self, pilot: &[Accumulator], is_whole: bool) {
        for quantity in self.without_range() {
            if let Some((low, high, n_bin)) = range(&pilot[quantity as usize], self.precision, is_whole) {
                self.add_range(Histogram { quantity, low, high, n_bin });
            }
        }
    }

    /// What the user should know, now that there are sums over trajectories.
    pub fn warnings(&self, all: &[Accumulator]) -> Vec<String> {
        let without = self.without_range().into_iter().filter(|quantity| all[*quantity as usize].n > 0);
        let told = without.map(|quantity| {
            let Accumulator { min, max, .. } = all[quantity as usize];
            let title = self.title(quantity);
            format!("no quantiles of {title}: its values go from {min} to {max}; a histogram of it sets a range")
        });
        // Of hundreds of save times the first few say enough.
        self.warnings.iter().cloned().chain(told.take(MOST_WARNINGS)).collect()
    }

    /// What a quantity is called.
    fn title(&self, quantity: u32) -> String {
        let (quantity, n_row) = (quantity as usize, self.names.len());
        match quantity.checked_sub(self.reduction.times.len() * n_row) {
            Some(summary) => format!("'{}'", self.summaries[summary]),
            None => format!("'{}' at t = {}", self.names[quantity % n_row], self.reduction.times[quantity / n_row]),
        }
    }

    /// The reduction with the histograms of all quantiles, whatever their ranges will be: what it takes is known before.
    ///
    /// # Errors
    /// [`Error::Run`] if there are more counts than memory should be spent on.
    pub fn largest_reduction(&self) -> Result<Reduction> {
        let mut reduction = self.reduction.clone();
        let range = |quantity| Histogram { quantity, low: 0.0, high: 1.0, n_bin: QUANTILE_BINS };
        reduction.histograms.extend(self.without_range().into_iter().map(range));
        match reduction.n_count() {
            n if n <= MOST_COUNTS => Ok(reduction),
            n => Err(Error::run(format!(
                "statistics: {n} counts of histograms and quantiles are more than the {MOST_COUNTS} that there may be; ask for fewer bins or save times, or for no quantiles"
            ))),
        }
    }
}

/// The range of a pilot, half its width wider on each side unless it was all there is; of a constant a single bin. `None` where
/// there is nothing to go by: no trajectory succeeded, or values are infinite.
fn range(pilot: &Accumulator, precision: Precision, is_whole: bool) -> Option<(f64, f64, u32)> {
    let (min, max) = (pilot.min, pilot.max);
    if pilot.n == 0 || !min.is_finite() || !max.is_finite() {
        return None;
    }
    if min == max {
        return Some((min, max, 1));
    }
    // The distance of the ends is a number of the format, too.
    let (half, most) = (if is_whole { 0.0 } else { max / 2.0 - min / 2.0 }, precision.max() / 2.0);
    let (low, high) = (precision.round((min - half).max(-most)), precision.round((max + half).min(most)));
    (low < high).then_some((low, high, QUANTILE_BINS))
}

/// The largest number of a format that is at most `x`: what is above it in the format is above `x`.
fn at_most(precision: Precision, x: f64) -> f64 {
    let rounded = precision.round(x);
    if rounded <= x {
        return rounded;
    }
    match precision {
        Precision::F32 => f64::from((x as f32).next_down()),
        Precision::F64 => x,
        // Twice the last step that was rounded away is less than the distance to the next number, and more than half of it.
        Precision::F32x2 => {
            let mut step = (x - x.next_down()).max(f64::from(f32::from_bits(1)));
            while precision.round(x - step) > x && step.is_finite() {
                step *= 2.0;
            }
            precision.round(x - step)
        }
    }
}

/// The row of a name in a text of the settings.
fn row(name: &str, names: &[String], text: &dyn std::fmt::Display) -> Result<u32> {
    if let Some(row) = names.iter().position(|known| known == name) {
        return Ok(row as u32);
    }
    let text = text.to_string();
    let place = if text == name { String::new() } else { format!(" in '{text}'") };
    let elements = output_elements(name, names);
    let message = match elements.is_empty() {
        false => format!("'{name}'{place} is a vector; name its elements one by one: {}", elements.join(", ")),
        true => {
            let hint = suggest("known names", name, names.iter().map(String::as_str));
            format!("no state or output is named '{name}'{place}{hint}")
        }
    };
    Err(Error::model("statistics", message))
}

fn output_elements<'a>(name: &str, names: &'a [String]) -> Vec<&'a str> {
    let element = format!("{name}[");
    names.iter().filter(|known| known.starts_with(&element)).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_each_format_below_a_threshold() {
        for x in [0.0, 1.0, -1.0, 10.3, -10.3, 0.1, 1e6, -1e-3, 1e39, -1e39] {
            for precision in Precision::ALL {
                let end = at_most(precision, x);
                assert!(end <= x && precision.round(end) == end, "{x} in {precision}: {end}");
            }
            // 10.3 in f32 is above 10.3, and nothing lies between it and the number before.
            let single = at_most(Precision::F32, x) as f32;
            assert!(f64::from(single.next_up()) > x, "{x}: {single}");
            assert_eq!(at_most(Precision::F64, x), x);
        }
        assert_eq!(at_most(Precision::F32, 0.0), 0.0, "and not a number that some devices take for 0");
    }

    #[test]
    fn ranges_of_a_pilot() {
        let of = |min, max| Accumulator { n: 10, min, max, ..Accumulator::EMPTY };
        assert_eq!(range(&of(1.0, 3.0), Precision::F64, false), Some((0.0, 4.0, 1024)));
        assert_eq!(range(&of(1.0, 3.0), Precision::F64, true), Some((1.0, 3.0, 1024)));
        assert_eq!(range(&of(2.0, 2.0), Precision::F64, false), Some((2.0, 2.0, 1)));
        assert_eq!(range(&of(2.0, f64::INFINITY), Precision::F64, false), None);
        assert_eq!(range(&Accumulator::EMPTY, Precision::F64, false), None);
        let (low, high, _) = range(&of(-f64::MAX, f64::MAX), Precision::F64, false).expect("finite");
        assert_eq!((low, high), (-f64::MAX / 2.0, f64::MAX / 2.0));
    }
}
