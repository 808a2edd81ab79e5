use std::collections::BTreeMap;

use petgraph::{algo::tarjan_scc, graphmap::DiGraphMap};

use crate::{
    imports::Import,
    modules::{ModulePath, Modules},
};

/// Who imports whom.
#[derive(Debug)]
pub(crate) struct Graph<'a> {
    edges: BTreeMap<(ModulePath, ModulePath), &'a Import>,
}

impl<'a> Graph<'a> {
    pub(crate) fn of_files(imports: &'a [Import]) -> Self {
        let edges = imports.iter().map(|import| ((import.from.clone(), import.to.clone()), import));
        Self { edges: edges.collect() }
    }

    /// The imports between top-level modules with all that is below them. The root is in none of them.
    pub(crate) fn of_rooms(modules: &Modules, imports: &'a [Import]) -> Self {
        let room = |module: &ModulePath| {
            let room = module.get(..1)?.to_vec();
            modules.contains(&room).then_some(room)
        };
        let edges = imports.iter().filter_map(|import| {
            let (from, to) = (room(&import.from)?, room(&import.to)?);
            (from != to).then_some(((from, to), import))
        });
        Self { edges: edges.collect() }
    }

    /// For each circle one import for each pair of nodes in it.
    pub(crate) fn circles(&self) -> Vec<Vec<&'a Import>> {
        let nodes: Vec<&ModulePath> = self.edges.keys().flat_map(|(from, to)| [from, to]).collect();
        let number = |node: &ModulePath| nodes.iter().position(|known| *known == node);
        let graph: DiGraphMap<usize, ()> = self
            .edges
            .keys()
            .filter_map(|(from, to)| Some((number(from)?, number(to)?, ())))
            .collect();
        let circles = tarjan_scc(&graph).into_iter().filter(|nodes| nodes.len() > 1);
        let within = |circle: Vec<usize>| {
            let is_in = |node: &ModulePath| circle.iter().any(|number| nodes[*number] == node);
            let edges = self.edges.iter().filter(|((from, to), _)| is_in(from) && is_in(to));
            edges.map(|(_, import)| *import).collect()
        };
        circles.map(within).collect()
    }
}
