//! The README shows what the repository holds.

const README: &str = include_str!("../README.md");

#[test]
fn the_first_example_is_the_file_word_for_word() {
    assert!(README.contains(include_str!("../examples/lorenz.rs").trim()), "README.md differs from examples/lorenz.rs");
}

#[test]
fn the_model_shown_is_the_model_shipped() {
    let start = README.find("```json\n").expect("the README shows a model") + "```json\n".len();
    let length = README[start..].find("```").expect("the block ends");
    let shown = ensolve::World::from_json(&README[start..start + length]).expect("a valid model");
    let shipped = ensolve::World::from_json(include_str!("../examples/models/lorenz.json")).expect("a valid model");
    assert_eq!(shown, shipped);
}

#[test]
fn examples_stay_short() {
    for entry in std::fs::read_dir("examples").expect("the folder exists") {
        let path = entry.expect("readable").path();
        if path.extension().is_some_and(|e| e == "rs") {
            let lines = std::fs::read_to_string(&path).expect("readable").lines().count();
            assert!(lines <= 60, "{} has {lines} lines", path.display());
        }
    }
}
