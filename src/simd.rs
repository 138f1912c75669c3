//! Rows of lanes, and loops over them compiled for the widest vectors that this machine has.
//!
//! A row holds one number for each lane (trajectory) of a block; rows lie one after another in one slice and are named by
//! the position of their first number. A loop goes over a row in chunks of `C` lanes, which the compiler turns into
//! vector instructions; `pulp` picks among AVX-512, AVX2, NEON and the baseline at run time. `C = 1` is the same loop for
//! a single trajectory. Every operation is rounded by itself whatever the vectors, so that no result depends on them.

use pulp::{Arch, Simd, WithSimd};

/// Where an operation on rows reads and writes: positions of first numbers, and how many lanes there are.
#[derive(Debug, Clone, Copy)]
pub struct At {
    /// Row of the result; it may be one of the arguments.
    pub out: usize,
    /// Row of the first argument.
    pub a: usize,
    /// Row of the second argument; of no meaning where there is none.
    pub b: usize,
    /// Lanes, a multiple of the chunk of the rows.
    pub width: usize,
}

/// A function of the expression language on rows, as many times as asked: what a call costs before its first number is
/// that of a vector or two.
pub type RowFn<R> = fn(Arch, &mut [R], &[At]);

/// The `C` lanes from a position on.
#[inline(always)]
fn load<R: Copy, const C: usize>(data: &[R], at: usize) -> [R; C] {
    *data[at..].first_chunk().expect("rows are whole chunks")
}

/// Puts `C` lanes to a position.
#[inline(always)]
fn store<R: Copy, const C: usize>(data: &mut [R], at: usize, values: [R; C]) {
    *data[at..].first_chunk_mut().expect("rows are whole chunks") = values;
}

/// `f` of each lane of a chunk.
#[inline(always)]
fn each<R: Copy, T: Copy + Default, const C: usize>(x: [R; C], f: impl Fn(R) -> T) -> [T; C] {
    let mut out = [T::default(); C];
    for lane in 0..C {
        out[lane] = f(x[lane]);
    }
    out
}

/// Whether `f` holds for every lane of a chunk, without a branch for each.
#[inline(always)]
fn all<R: Copy, const C: usize>(x: [R; C], f: impl Fn(R) -> bool) -> bool {
    let mut all = true;
    for x in x {
        all &= f(x);
    }
    all
}

/// `f` of each lane of two chunks.
#[inline(always)]
fn each2<R: Copy, S: Copy, T: Copy + Default, const C: usize>(x: [R; C], y: [S; C], f: impl Fn(R, S) -> T) -> [T; C] {
    let mut out = [T::default(); C];
    for lane in 0..C {
        out[lane] = f(x[lane], y[lane]);
    }
    out
}

/// Runs `body` for the first lane of each chunk of each row.
#[inline(always)]
fn chunks<const C: usize>(rows: &[At], mut body: impl FnMut(&At, usize)) {
    for at in rows {
        let mut lane = 0;
        while lane < at.width {
            body(at, lane);
            lane += C;
        }
    }
}

/// Whether all rows are whole chunks.
fn are_whole<const C: usize>(rows: &[At]) -> bool {
    rows.iter().all(|at| at.width.is_multiple_of(C))
}

/// Runs `body` for each lane of each row.
fn lanes(rows: &[At], mut body: impl FnMut(&At, usize)) {
    for at in rows {
        (0..at.width).for_each(|lane| body(at, lane));
    }
}

/// A function of one argument that is cheap for usual arguments, and needs care for others.
#[derive(Debug, Clone, Copy)]
pub struct Quick<U, Q, F> {
    /// Whether an argument is usual.
    pub is_usual: U,
    /// The function of a usual argument.
    pub usual: Q,
    /// The function of any argument: of a usual one it has the same bits.
    pub any: F,
}

struct Map1<'a, R, F, const C: usize>(&'a mut [R], &'a [At], F);
struct Map2<'a, R, F, const C: usize>(&'a mut [R], &'a [At], F);
struct MapPair<'a, R, U, Q, F, const C: usize>(&'a mut [R], &'a [At], Quick<U, Q, F>);
struct MapQuick<'a, R, U, Q, F, const C: usize>(&'a mut [R], &'a [At], Quick<U, Q, F>);

impl<R: Copy + Default, F: Fn(R) -> R + Copy, const C: usize> WithSimd for Map1<'_, R, F, C> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Map1(data, rows, f) = self;
        chunks::<C>(
            rows,
            #[inline(always)]
            |at, lane| {
                let x: [R; C] = load(data, at.a + lane);
                store(data, at.out + lane, each(x, f));
            },
        );
    }
}

impl<R: Copy + Default, F: Fn(R, R) -> R + Copy, const C: usize> WithSimd for Map2<'_, R, F, C> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Map2(data, rows, f) = self;
        chunks::<C>(
            rows,
            #[inline(always)]
            |at, lane| {
                let (x, y): ([R; C], [R; C]) = (load(data, at.a + lane), load(data, at.b + lane));
                store(data, at.out + lane, each2(x, y, f));
            },
        );
    }
}

impl<R: Copy + Default, U: Fn(R) -> bool + Copy, Q: Fn(R) -> R + Copy, F: Fn(R) -> R + Copy, const C: usize> WithSimd
    for MapQuick<'_, R, U, Q, F, C>
{
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let MapQuick(data, rows, function) = self;
        chunks::<C>(
            rows,
            #[inline(always)]
            |at, lane| {
                let x: [R; C] = load(data, at.a + lane);
                let y = if all(x, function.is_usual) { each(x, function.usual) } else { each(x, function.any) };
                store(data, at.out + lane, y);
            },
        );
    }
}

impl<R: Copy + Default, U: Fn(R) -> bool + Copy, Q: Fn(R) -> (R, R) + Copy, F: Fn(R) -> (R, R) + Copy, const C: usize>
    WithSimd for MapPair<'_, R, U, Q, F, C>
{
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let MapPair(data, rows, function) = self;
        chunks::<C>(
            rows,
            #[inline(always)]
            |at, lane| {
                let x: [R; C] = load(data, at.a + lane);
                let mut first = x;
                let mut second = x;
                if all(x, function.is_usual) {
                    for i in 0..C {
                        (first[i], second[i]) = (function.usual)(x[i]);
                    }
                } else {
                    for i in 0..C {
                        (first[i], second[i]) = (function.any)(x[i]);
                    }
                }
                store(data, at.out + lane, first);
                store(data, at.b + lane, second);
            },
        );
    }
}

/// A row of `f(a)`, in chunks of `C` lanes where the row is so long.
pub fn map1<R: Copy + Default, const C: usize>(arch: Arch, data: &mut [R], rows: &[At], f: impl Fn(R) -> R + Copy) {
    if are_whole::<C>(rows) {
        arch.dispatch(Map1::<R, _, C>(data, rows, f));
    } else {
        lanes(rows, |at, lane| data[at.out + lane] = f(data[at.a + lane]));
    }
}

/// A row of `f(a, b)`.
pub fn map2<R: Copy + Default, const C: usize>(arch: Arch, data: &mut [R], rows: &[At], f: impl Fn(R, R) -> R + Copy) {
    if are_whole::<C>(rows) {
        arch.dispatch(Map2::<R, _, C>(data, rows, f));
    } else {
        lanes(rows, |at, lane| data[at.out + lane] = f(data[at.a + lane], data[at.b + lane]));
    }
}

/// A row of a function that is quick for chunks of usual arguments.
pub fn map_quick<R: Copy + Default, const C: usize>(
    arch: Arch,
    data: &mut [R],
    rows: &[At],
    function: Quick<impl Fn(R) -> bool + Copy, impl Fn(R) -> R + Copy, impl Fn(R) -> R + Copy>,
) {
    if are_whole::<C>(rows) {
        arch.dispatch(MapQuick::<R, _, _, _, C>(data, rows, function));
    } else {
        lanes(rows, |at, lane| data[at.out + lane] = (function.any)(data[at.a + lane]));
    }
}

/// Two rows of a function with two results, the second one to the row of the second argument.
pub fn map_pair<R: Copy + Default, const C: usize>(
    arch: Arch,
    data: &mut [R],
    rows: &[At],
    is_usual: impl Fn(R) -> bool + Copy,
    usual: impl Fn(R) -> (R, R) + Copy,
    any: impl Fn(R) -> (R, R) + Copy,
) {
    if are_whole::<C>(rows) {
        arch.dispatch(MapPair::<R, _, _, _, C>(data, rows, Quick { is_usual, usual, any }));
    } else {
        lanes(rows, |at, lane| (data[at.out + lane], data[at.b + lane]) = any(data[at.a + lane]));
    }
}
