//! Names and shapes of a published network's tensors, as PyTorch would save them.

use std::collections::BTreeMap;

use crate::model::design::{Design, Kind};
use crate::model::shape::Shape;
use crate::model::zoo;
use crate::spec::zoo::Published;

/// Height and width of the pictures that all were published for; no tensor's shape depends on them.
const SIZE: usize = 224;

/// The shape of every tensor but those of the classifier, by name.
pub(super) fn tensors(network: Published) -> BTreeMap<String, Vec<usize>> {
    let input = Shape::Picture { channels: 3, height: SIZE, width: SIZE };
    let design =
        Design::new(&zoo::layers(network), input, "", &[]).expect("a published network takes its own pictures");
    design
        .weighted
        .iter()
        .flat_map(|layer| {
            of_layer(&layer.kind).into_iter().map(|(part, shape)| (format!("{}.{part}", layer.name), shape))
        })
        .collect()
}

fn of_layer(kind: &Kind) -> Vec<(&'static str, Vec<usize>)> {
    match *kind {
        Kind::Conv2d { inputs, outputs, kernel, groups, bias: false, .. } => {
            vec![("weight", vec![outputs, inputs / groups, kernel, kernel])]
        }
        Kind::BatchNorm { features, .. } => {
            ["weight", "bias", "running_mean", "running_var"].map(|part| (part, vec![features])).to_vec()
        }
        _ => unreachable!("the published networks are convolutions without bias and batch norms"),
    }
}
