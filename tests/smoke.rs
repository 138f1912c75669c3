use ensolve::*;
#[test]
fn lorenz() {
    let world = World::from_file("examples/models/lorenz.json").unwrap();
    let spec = world.compile().unwrap();
    println!("{spec}");
    let mut cpu = CpuBackend::new();
    let r = solve(&spec, &world.run, &mut cpu).unwrap();
    println!("{:?}", r);
    for m in std::fs::read_dir("examples/models").unwrap() {
        let m = m.unwrap().path();
        let world = World::from_file(&m).unwrap();
        let spec = world.compile().unwrap();
        let t = std::time::Instant::now();
        let r = solve(&spec, &world.run, &mut cpu).unwrap();
        println!("{spec}"); println!("{m:?} {:?} {} {} {:?} {:?}", r.status, r.accepted, r.rejected, t.elapsed(), r.x.column(r.t.len()-1));
        let mut e = world.ensemble.clone(); e.size = Some(2);
        let ens = Ensemble::new(&spec, &e).unwrap();
        let r = solve_ensemble(&spec, &world.run, &ens, &mut cpu).unwrap();
        println!("{:?} {:?}", r.status_counts(), r.info.elapsed);
    }
}
