//! The names that published weights go by: files differ in prefixes and in how old they are.

use std::collections::BTreeMap;

/// Beginnings of all names in a file that say where a state dict stood: in a checkpoint, or in `DataParallel`.
const PREFIXES: [&str; 2] = ["state_dict.", "module."];

/// The part of a network that this program trained which is a published one.
const BACKBONE: &str = "backbone.";

/// Classifiers of torchvision's networks and of the EfficientNets.
const CLASSIFIERS: [&str; 2] = ["classifier.", "fc."];

/// What stands before the number of a layer inside a dense layer.
const NUMBERED: [&str; 3] = ["norm", "relu", "conv"];

/// The tensors of a file under the names of the network's layers.
pub(super) fn of_network<T>(mut tensors: BTreeMap<String, T>) -> BTreeMap<String, T> {
    for prefix in PREFIXES {
        if !tensors.is_empty() && tensors.keys().all(|name| name.starts_with(prefix)) {
            tensors = without_prefix(tensors, prefix);
        }
    }
    if tensors.keys().any(|name| name.starts_with(BACKBONE)) {
        tensors = without_prefix(tensors, BACKBONE);
    }
    tensors.into_iter().map(|(name, tensor)| (current(&name), tensor)).collect()
}

/// Whether a tensor belongs to a published network, but not to the features it gives.
pub(super) fn is_known_surplus(name: &str) -> bool {
    name.ends_with("num_batches_tracked") || CLASSIFIERS.iter().any(|classifier| name.starts_with(classifier))
}

/// The tensors that have the prefix, without it.
fn without_prefix<T>(tensors: BTreeMap<String, T>, prefix: &str) -> BTreeMap<String, T> {
    tensors.into_iter().filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor))).collect()
}

/// A name as networks have it now: without the underscores that EfficientNets' parts begin with, and `norm1` for the
/// `norm.1` of a dense layer in files from before PyTorch forbade dots in names.
fn current(name: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in name.split('.') {
        let part = part.trim_start_matches('_');
        let [.., layer, last] = &mut parts[..] else {
            parts.push(part.to_owned());
            continue;
        };
        if layer.starts_with("denselayer") && NUMBERED.contains(&last.as_str()) && matches!(part, "1" | "2") {
            last.push_str(part);
        } else {
            parts.push(part.to_owned());
        }
    }
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(names: &[&str]) -> Vec<String> {
        of_network(names.iter().map(|name| ((*name).to_owned(), ())).collect()).into_keys().collect()
    }

    #[test]
    fn old_names_become_those_of_today() {
        let old = "features.denseblock1.denselayer10.norm.1.running_mean";
        assert_eq!(renamed(&[old]), ["features.denseblock1.denselayer10.norm1.running_mean"]);
        assert_eq!(renamed(&["features.transition1.norm.weight"]), ["features.transition1.norm.weight"]);
        assert_eq!(renamed(&["layer1.1.conv1.weight"]), ["layer1.1.conv1.weight"]);
        assert_eq!(renamed(&["_blocks.0._bn1.running_var"]), ["blocks.0.bn1.running_var"]);
    }

    #[test]
    fn prefixes_that_all_names_share_are_taken_off() {
        assert_eq!(renamed(&["module.a.weight", "module.b.weight"]), ["a.weight", "b.weight"]);
        assert_eq!(renamed(&["state_dict.module.a.weight"]), ["a.weight"]);
        assert_eq!(renamed(&["module.a.weight", "b.weight"]), ["b.weight", "module.a.weight"]);
        assert_eq!(renamed(&["backbone.a.weight", "head.0.weight", "output.bias"]), ["a.weight"]);
    }
}
