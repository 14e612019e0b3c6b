//! Random histories on the store and on a model of a few maps: both say the same at every step.

mod support;

use std::sync::Arc;

use essaim_store::{Fault, SimDisk, Store, Survival};
use proptest::prelude::{ProptestConfig, any, proptest};
use support::{Model, Outcome, Step, assert_clean, dump, histories, open, options, run};

/// So many histories; more with `PROPTEST_CASES`.
fn cases(cases: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn the_store_says_what_the_model_says(steps in histories(60)) {
        let disk = SimDisk::new();
        let (mut store, mut model) = (open(disk.clone()), Model::default());
        for (n, step) in steps.iter().enumerate() {
            assert_eq!(run(&store, step), model.apply(step), "{step:?}");
            if n % 17 == 16 {
                assert_eq!(dump(&store), model);
                store.close();
                store = open(disk.clone());
            }
        }
        assert_eq!(dump(&store), model);
        assert_clean(&store);
    }

    #[test]
    fn a_crash_in_any_history_loses_nothing_that_was_answered(
        steps in histories(40),
        at in 0..600u64,
        seed in any::<u64>(),
    ) {
        let disk = SimDisk::new();
        disk.on_operation(move |operation| (operation.number == at).then_some(Fault::PowerLoss));
        let mut model = Model::default();
        let mut under_way: Option<&Step> = None;
        if let Ok(store) = Store::open_on(Arc::new(disk.clone()), &options()) {
            for step in &steps {
                if run(&store, step) == Outcome::Failed {
                    under_way = Some(step);
                    break;
                }
                model.apply(step);
            }
        }
        let store = open(disk.after_crash(Survival::Some(seed)));
        let found = dump(&store);
        if found != model {
            under_way.map(|step| model.apply(step));
            assert_eq!(found, model);
        }
        assert_clean(&store);
    }
}
