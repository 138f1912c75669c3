use ensolve::*;
#[test]
fn gpu() {
    let mut gpu = ensolve::gpu::GpuBackend::new(None).unwrap();
    let mut cpu = CpuBackend::new();
    for m in std::fs::read_dir("examples/models").unwrap() {
        let m = m.unwrap().path();
        let world = World::from_file(&m).unwrap();
        let spec = world.compile().unwrap();
        let mut run = world.run.clone(); run.precision = Some(Precision::F32); run.rtol=Some(ensolve::spec::Tolerance::Scalar(1e-5)); run.atol=Some(ensolve::spec::Tolerance::Scalar(1e-5));
        run.tspan = Some((0.0, run.tspan.unwrap().1/4.0));
        if m.ends_with("lorenz.json") { let me = ensolve::solve::method(&run).unwrap(); println!("{}", ensolve::wgsl::assemble(&spec.program, &me, Precision::F32).unwrap().text()); }
        let mut e = world.ensemble.clone(); e.size = Some(1000);
        let ens = Ensemble::new(&spec, &e).unwrap();
        let a = solve_ensemble(&spec, &run, &ens, &mut cpu).unwrap();
        let t = std::time::Instant::now();
        let b = solve_ensemble(&spec, &run, &ens, &mut gpu).unwrap();
        println!("{m:?} {:?} {:?} first {:?}", b.status_counts(), b.info, t.elapsed());
        let b = solve_ensemble(&spec, &run, &ens, &mut gpu).unwrap();
        println!(" cpu {:?} gpu {:?}", a.info.elapsed, b.info.elapsed);
        for i in [0, 500] {
          println!("  {:?} {:?} / {:?} {:?}", a.accepted[i], a.trajectory(i).x.column(a.t.len()-1), b.accepted[i], b.trajectory(i).x.column(a.t.len()-1));
        }
    }
}
