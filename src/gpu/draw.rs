//! Inputs drawn on the device: parameters and initial states straight into the buffers of a run.
//!
//! In: [`Draws`] and the numbers of the first trajectories of chunks. Out: a dispatch in an encoder that fills the rows of a
//! chunk's buffers, constants and random values alike; rows that are listed are left to the caller. In exact arithmetic the
//! values have the bits that [`Ensemble::inputs`](crate::Ensemble::inputs) gives. It needs not keep anything between chunks, so
//! that several may be in flight.

use super::buffers::{Device, pack, real_bytes};
use super::device;
use super::kernel::{Kernel, READ, UNIFORM, WRITE};
use crate::error::{Error, Result};
use crate::job::{Inputs, rounded_off};
use crate::pair::F32x2;
use crate::real::{Arithmetic, Precision, Real};
use crate::sampling::{Draw, Draws, Kind, Points, Shape, Spread};
use crate::wgsl::{self, ENTRY_KEYS, ENTRY_WORDS, KIND_NONE, KernelOptions};
use std::ops::Range;

/// Numbers of a dispatch, in the layout of `RunConfig` in `shaders/draw.wgsl`.
#[derive(Debug, Clone, Copy, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct DrawConfig {
    zero: u32,
    n_traj: u32,
    stride: u32,
    first_low: u32,
    first_high: u32,
    seed_low: u32,
    seed_high: u32,
    last: u32,
    n_entry: u32,
    row_y: u32,
    row_y_low: u32,
    has_y_low: u32,
}

/// Bindings, as in `shaders/draw.wgsl`.
const BINDINGS: [wgpu::BufferBindingType; 5] = [UNIFORM, READ, READ, WRITE, WRITE];

/// Where the inputs of a chunk go: buffers of rows, `[row][trajectory]`, in the run's number format.
pub struct Target<'a> {
    /// Parameters, from row 0 on.
    pub params: &'a wgpu::Buffer,
    /// The state of trajectories.
    pub state: &'a wgpu::Buffer,
    /// Numbers of a row.
    pub stride: usize,
    /// First row of the initial state in `state`.
    pub row_y: usize,
    /// First row of what rounding took from it, if that is carried along.
    pub row_y_low: Option<usize>,
}

/// Draws the inputs of an ensemble.
pub struct Drawer {
    kernel: Kernel,
    entries: wgpu::Buffer,
    numbers: wgpu::Buffer,
    config: DrawConfig,
}

impl Drawer {
    /// Compiles the kernel and uploads the table of slots.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for values out of the range of the format ([`Draws::fit`]) and for a sampling that cannot spread
    /// so many trajectories or slots, [`Error::Device`] or [`Error::Shader`] where the machine fails.
    pub fn new(device: &Device, draws: &Draws, precision: Precision, arithmetic: Arithmetic) -> Result<Drawer> {
        if !draws.fit(precision) {
            return Err(Error::Unsupported(format!(
                "some inputs are out of the range of {precision}, and a device does not find out which; draw them on the host"
            )));
        }
        let options = KernelOptions { arithmetic, ..KernelOptions::from(precision) };
        let kinds: Vec<Kind> = draws.random.iter().map(kind_of).collect();
        let kernel = Kernel::new(device, &wgsl::draw(options, draws.sampling, &kinds)?, &BINDINGS)?;
        let (entries, numbers) = match precision {
            Precision::F32 => table::<f32>(draws)?,
            Precision::F64 => table::<f64>(draws)?,
            Precision::F32x2 => table::<F32x2>(draws)?,
        };
        let buffers = device.scoped(|| {
            let bytes = size_of_val(entries.as_slice()) as u64;
            let numbers_bytes = numbers.len() as u64 * real_bytes(precision);
            [device.storage("draw entries", bytes), device.storage("draw numbers", numbers_bytes)]
        })?;
        device.queue.write_buffer(&buffers[0], 0, bytemuck::cast_slice(&entries));
        device.queue.write_buffer(&buffers[1], 0, &pack(&numbers, precision));
        let [entries_buffer, numbers_buffer] = buffers;
        let config = DrawConfig {
            seed_low: draws.seed as u32,
            seed_high: (draws.seed >> 32) as u32,
            last: draws.size.wrapping_sub(1) as u32,
            n_entry: (entries.len() / ENTRY_WORDS) as u32,
            ..DrawConfig::default()
        };
        Ok(Drawer { kernel, entries: entries_buffer, numbers: numbers_buffer, config })
    }

    /// Has an encoder fill the rows of `n_traj` trajectories from number `first` on.
    ///
    /// # Errors
    /// [`Error::Device`] where the machine fails.
    pub fn encode(
        &self,
        device: &Device,
        encoder: &mut wgpu::CommandEncoder,
        first: u64,
        n_traj: usize,
        target: &Target,
    ) -> Result<()> {
        let config = DrawConfig {
            n_traj: n_traj as u32,
            stride: target.stride as u32,
            first_low: first as u32,
            first_high: (first >> 32) as u32,
            row_y: target.row_y as u32,
            row_y_low: target.row_y_low.unwrap_or(0) as u32,
            has_y_low: u32::from(target.row_y_low.is_some()),
            ..self.config
        };
        // Each dispatch has a buffer of its own: what is written to one reaches all that are submitted later.
        let bytes = bytemuck::bytes_of(&config);
        let uniform =
            device.scoped(|| device.buffer("draw config", bytes.len() as u64, wgpu::BufferUsages::UNIFORM))?;
        device.queue.write_buffer(&uniform, 0, bytes);
        let buffers = [&uniform, &self.entries, &self.numbers, target.params, target.state];
        let bind_group = self.kernel.bind(device, &buffers)?;
        self.kernel.dispatch(&mut encoder.begin_compute_pass(&Default::default()), &bind_group, n_traj);
        Ok(())
    }
}

/// The slots that are not listed: words and numbers of each.
fn table<R: Real>(draws: &Draws) -> Result<(Vec<u32>, Vec<f64>)> {
    let (mut entries, mut numbers) = (Vec::new(), Vec::new());
    for (is_state, values) in [(true, &draws.y0), (false, &draws.p)] {
        for (slot, value) in values.iter().enumerate() {
            if draws.listed.contains(&(is_state, slot)) {
                continue;
            }
            let drawn = draws.random.iter().find(|draw| draw.is_state == is_state && draw.slot == slot);
            let (kind, number) = drawn.map_or((KIND_NONE, 0), |draw| (kind_of(draw) as u32, draw.number));
            let mut words = vec![kind, u32::from(is_state), slot as u32, number];
            match drawn {
                Some(draw) => {
                    words.extend(keys(draws, draw)?);
                    let Shape { a, b, c, d, .. } = Shape::<R>::new(&draw.distribution);
                    numbers.extend([a, b, c, d].map(R::to_f64));
                }
                None => numbers.extend([*value, rounded_off(R::PRECISION, *value), 0.0, 0.0]),
            }
            words.resize(ENTRY_WORDS, 0);
            entries.extend(words);
        }
    }
    Ok((entries, numbers))
}

fn kind_of(draw: &Draw) -> Kind {
    Shape::<f64>::new(&draw.distribution).kind
}

/// The keys of a draw, [`ENTRY_WORDS`] - [`ENTRY_KEYS`] at most.
fn keys(draws: &Draws, draw: &Draw) -> Result<Vec<u32>> {
    let points = Points::new(draws.seed, draws.sampling, draws.size, draw).map_err(Error::Unsupported)?;
    let keys = match points.spread() {
        Spread::Random => Vec::new(),
        Spread::LatinHypercube(permutation) => permutation.keys.to_vec(),
        Spread::Sobol(sobol) => [&[sobol.key], sobol.directions.as_slice()].concat(),
    };
    debug_assert!(ENTRY_KEYS + keys.len() <= ENTRY_WORDS, "keys fit into an entry");
    Ok(keys)
}

/// What a device has drawn.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// Initial states and parameters.
    pub inputs: Inputs,
    /// What rounding took from the initial states, `[n_state][n_traj]`.
    pub y0_low: Vec<f64>,
}

/// Draws the inputs of ranges of trajectories on the best adapter, or the best one whose name contains `wanted`, and reads
/// them back: to see what a device gives. Rows that are listed stay 0. All ranges are in flight together.
///
/// # Errors
/// As a run on the GPU, and [`Error::Unsupported`] for draws that a device cannot do.
pub fn draw_inputs(
    wanted: Option<&str>,
    draws: &Draws,
    precision: Precision,
    arithmetic: Arithmetic,
    ranges: &[Range<u64>],
) -> Result<Vec<Drawn>> {
    let (adapter, summary) = device::choose(wanted)?;
    let (device, queue) = device::open(&adapter, &summary, precision)?;
    let device = Device::new(device, queue);
    let drawer = Drawer::new(&device, draws, precision, arithmetic)?;
    let (bytes, n_state) = (real_bytes(precision), draws.y0.len());
    let mut chunks = Vec::new();
    let mut encoder = device.device.create_command_encoder(&Default::default());
    for range in ranges {
        let n_traj = (range.end - range.start) as usize;
        let rows = |label: &str, n: usize| device.storage(label, (n * n_traj) as u64 * bytes);
        let (params, state) = device.scoped(|| (rows("params", draws.p.len()), rows("state", 2 * n_state)))?;
        let target = Target { params: &params, state: &state, stride: n_traj, row_y: 0, row_y_low: Some(n_state) };
        drawer.encode(&device, &mut encoder, range.start, n_traj, &target)?;
        chunks.push((n_traj, params, state));
    }
    device.queue.submit([encoder.finish()]);
    let read = |(n_traj, params, state): &(usize, wgpu::Buffer, wgpu::Buffer)| -> Result<Drawn> {
        let n_y0 = n_state * n_traj;
        let y0 = device.read_reals(state, 0, n_y0, precision)?;
        let y0_low = device.read_reals(state, n_y0, n_y0, precision)?;
        let p = device.read_reals(params, 0, draws.p.len() * n_traj, precision)?;
        Ok(Drawn { inputs: Inputs { n_traj: *n_traj, y0, p, ..Inputs::default() }, y0_low })
    };
    chunks.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::Sampling;
    use std::mem::offset_of;

    /// Names and offsets of [`DrawConfig`] are those of the kernel's structure, and bindings are those of [`BINDINGS`].
    #[test]
    fn the_layout_is_the_kernels() {
        macro_rules! members {
            ($($name:ident)*) => { vec![$((stringify!($name), offset_of!(DrawConfig, $name) as u32)),*] };
        }
        let expected =
            members!(zero n_traj stride first_low first_high seed_low seed_high last n_entry row_y row_y_low has_y_low);
        for precision in Precision::ALL {
            let options = KernelOptions::from(precision);
            let source = wgsl::draw(options, Sampling::Sobol, &Kind::ALL).expect("a valid kernel");
            let module = naga::front::wgsl::parse_str(source.text()).expect("valid WGSL");
            let config = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some("RunConfig"));
            let (_, naga::Type { inner: naga::TypeInner::Struct { members, span }, .. }) = config.expect("it is there")
            else {
                panic!("RunConfig is a structure");
            };
            let found: Vec<_> = members.iter().map(|m| (m.name.as_deref().expect("a name"), m.offset)).collect();
            assert_eq!((found, *span as usize), (expected.clone(), size_of::<DrawConfig>()), "{precision}");
            let mut bindings: Vec<u32> =
                module.global_variables.iter().filter_map(|(_, v)| v.binding.map(|b| b.binding)).collect();
            bindings.sort_unstable();
            assert!(bindings.into_iter().eq(0..BINDINGS.len() as u32), "{precision}");
        }
    }
}
