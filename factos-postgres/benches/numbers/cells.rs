use std::collections::BTreeMap;

/// The figures of each work at a number of clients.
#[derive(Default)]
pub(crate) struct Cells(BTreeMap<(&'static str, usize), Vec<f64>>);

impl Cells {
    pub(crate) fn add(&mut self, work: &'static str, clients: usize, figure: f64) {
        eprintln!("  {work}, {clients}: {figure:.0}");
        self.0.entry((work, clients)).or_default().push(figure);
    }

    fn median(&self, work: &'static str, clients: usize) -> Option<f64> {
        let mut figures = self.0.get(&(work, clients))?.clone();
        figures.sort_by(f64::total_cmp);
        Some(figures[figures.len() / 2])
    }

    pub(crate) fn print(&self) {
        println!("\n{:<24}{:>10}{:>12}   spread", "work", "clients", "per second");
        for (&(work, clients), figures) in &self.0 {
            let (least, most) = figures
                .iter()
                .fold((f64::MAX, 0.0_f64), |(a, b), &figure| (a.min(figure), b.max(figure)));
            let median = self.median(work, clients).unwrap_or_default();
            println!("{work:<24}{clients:>10}{median:>12.0}   {least:.0} to {most:.0}");
        }
        println!("\n{:<52}{:>8}{:>10}", "ratio", "is", "at least");
        self.ratio(("W1 unconditional", 32), ("bare INSERT", 32), 1.0);
        self.ratio(("W2 conditional", 32), ("bare INSERT", 32), 0.7);
        self.ratio(("W1 unconditional", 1), ("bare INSERT", 1), 0.5);
        self.ratio(("W3 one boundary", 32), ("W2 conditional", 1), 0.4);
        self.ratio(("W4 read 10, append", 32), ("bare INSERT", 32), 0.25);
        self.ratio(("W5 events in 100s", 32), ("W1 unconditional", 32), 2.0);
        self.ratio(("W6 two-tag read", 8), ("W6 bare SELECT", 8), 0.7);
        self.ratio(("W7 replay, rows", 1), ("W7 bare fetch, rows", 1), 0.8);
        self.ratio(("W8 one boundary", 32), ("W2 conditional", 32), 1.2);
        self.ratio(("W8 one boundary", 64), ("W2 conditional", 64), 1.1);
        self.ratio(("W8 two processes", 32), ("W2 conditional", 32), 0.4);
        self.ratio(("W8 boundaries of 10", 32), ("bare INSERT", 32), 0.9);
        self.ratio(("W2, 10 ms held", 16), ("W2, none held", 16), 0.9);
        self.ratio(("W2 beside hot, held", 16), ("W2 beside cold", 16), 0.9);
        // At most 1.5 times the time.
        self.ratio(("a hook of one row", 8), ("no hook", 8), 0.67);
        self.ratio(("a hook of one row", 32), ("no hook", 32), 0.67);
        self.ratio(("a group hook of one row", 8), ("no hook", 8), 0.67);
        self.ratio(("a group hook of one row", 32), ("no hook", 32), 0.67);
        self.ratio(("W1, 8 follow", 32), ("W1, none follow", 32), 0.9);
    }

    fn ratio(&self, one: (&'static str, usize), other: (&'static str, usize), least: f64) {
        let (Some(a), Some(b)) = (self.median(one.0, one.1), self.median(other.0, other.1)) else {
            return;
        };
        let text = format!("{} at {} / {} at {}", one.0, one.1, other.0, other.1);
        println!("{text:<52}{:>8.2}{least:>10.2}", a / b);
    }
}
