//! Published networks as backbones: which there are, where their weights come from, and what their pictures look like.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::leaf::{Leaf, SearchKind};
use super::network::Backbone;
use super::parse::Read;
use super::tree::{Make, Tree};
use crate::value::Value;

/// The word that stands for first weights of our own.
const RANDOM: &str = "random";

/// A published network, layer for layer but for its classifier: what it gives is the pooled vector of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Published {
    /// DenseNet-121 (Huang et al. 2017); 1024 features.
    DenseNet121,
    /// ResNet-18 (He et al. 2016); 512 features.
    ResNet18,
    /// ResNet-34; 512 features.
    ResNet34,
    /// ResNet-50, with the stride in the 3 x 3 convolution as torchvision has it; 2048 features.
    ResNet50,
    /// EfficientNet-Lite0 (Tan and Le 2019; Liu 2020); 1280 features.
    EfficientNetLite0,
}

impl Published {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::DenseNet121, Self::ResNet18, Self::ResNet34, Self::ResNet50, Self::EfficientNetLite0];

    /// Its name in a script.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DenseNet121 => "densenet121",
            Self::ResNet18 => "resnet18",
            Self::ResNet34 => "resnet34",
            Self::ResNet50 => "resnet50",
            Self::EfficientNetLite0 => "efficientnet_lite0",
        }
    }

    /// The network of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|network| network.name() == name)
    }
}

impl std::fmt::Display for Published {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A published network, and the weights it begins with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishedSpec {
    /// The network.
    pub network: Published,
    /// Its first weights; drawn when there is no file.
    pub weights: Option<WeightsFile>,
}

/// A file of weights.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WeightsFile {
    /// Where it lies.
    pub path: PathBuf,
    /// BLAKE3 of the weights in it, when they are known: others are refused.
    pub digest: Option<String>,
}

/// The digests of weights by the path of their file.
pub type WeightsDigests = BTreeMap<PathBuf, String>;

/// Mean and standard deviation of red, green and blue, of 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColourScale {
    /// Mean.
    pub mean: [f64; 3],
    /// Standard deviation.
    pub std: [f64; 3],
}

impl ColourScale {
    /// Those of ImageNet's training pictures, which the published networks were trained with.
    pub const IMAGENET: Self = Self { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
}

impl Backbone {
    /// How the colours of its pictures are scaled, when that is fixed by the weights it begins with. It is not where
    /// they follow from the training rows.
    #[must_use]
    pub fn colour_scale(&self) -> Option<ColourScale> {
        self.weights().map(|_| ColourScale::IMAGENET)
    }

    /// The network and the file of weights it begins with, if it begins with any.
    #[must_use]
    pub fn weights(&self) -> Option<(Published, &WeightsFile)> {
        match self {
            Self::Published(spec) => spec.weights.as_ref().map(|weights| (spec.network, weights)),
            Self::Convnet { .. } | Self::Mlp { .. } | Self::Sequential(_) => None,
        }
    }
}

/// Reads a backbone that is a published network; none for any other.
pub(super) fn published(make: &Make<Infallible>) -> Option<PublishedSpec> {
    let network = Published::of_name(make.constructor().name)?;
    let digest = make.optional_text("digest").map(str::to_owned);
    Some(PublishedSpec { network, weights: weights_file(make.text("weights"), digest) })
}

fn weights_file(weights: &str, digest: Option<String>) -> Option<WeightsFile> {
    (weights != RANDOM).then(|| WeightsFile { path: PathBuf::from(weights), digest })
}

/// Whether a field holds nothing but the word for weights that are drawn.
pub(super) fn is_random<L>(tree: Option<&Tree<L>>) -> bool {
    matches!(tree, Some(Tree::Text(text)) if text == RANDOM)
}

/// Every published network that an experiment may train, in the options of its choices too; each once, in order.
pub(super) fn all_published(make: &Make<Leaf>) -> Vec<PublishedSpec> {
    let mut found = Vec::new();
    collect(&Tree::Make(make.clone()), &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect(tree: &Tree<Leaf>, found: &mut Vec<PublishedSpec>) {
    match tree {
        Tree::Make(make) => {
            if let Some(network) = Published::of_name(make.constructor().name) {
                let weights = text(make, "weights").and_then(|weights| weights_file(&weights, text(make, "digest")));
                found.push(PublishedSpec { network, weights });
            }
            make.fields().iter().for_each(|(_, tree)| collect(tree, found));
        }
        Tree::Leaf(Leaf::Search(leaf)) => {
            if let SearchKind::Choice(options) = leaf.kind() {
                options.iter().for_each(|option| collect(&option.tree, found));
            }
        }
        Tree::List(items) => items.iter().for_each(|item| collect(item, found)),
        Tree::Map(map) => map.values().for_each(|item| collect(item, found)),
        Tree::Leaf(_) | Tree::Bool(_) | Tree::Int(_) | Tree::Float(_) | Tree::Text(_) => {}
    }
}

fn text(make: &Make<Leaf>, field: &str) -> Option<String> {
    match make.get(field)? {
        Tree::Text(text) => Some(text.clone()),
        Tree::Leaf(Leaf::Param(param)) => match &param.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// The same tree without the paths of weights, for a comparison.
pub(super) fn without_paths(make: &Make<Leaf>) -> Make<Leaf> {
    let mut changed = make.clone();
    let is_published = Published::of_name(make.constructor().name).is_some();
    for (field, tree) in make.fields() {
        let without = if is_published && *field == "weights" { Tree::Text(RANDOM.to_owned()) } else { strip(tree) };
        changed.set(field, Some(without));
    }
    changed
}

fn strip(tree: &Tree<Leaf>) -> Tree<Leaf> {
    match tree {
        Tree::Make(make) => Tree::Make(without_paths(make)),
        Tree::Leaf(Leaf::Search(leaf)) => Tree::Leaf(Leaf::Search(Arc::new(leaf.with_options(&strip)))),
        other => other.clone(),
    }
}

/// Writes the digest of its weights into a fit's backbone, if it begins with weights whose digest is known.
pub(super) fn pin(model: &mut Make<Infallible>, digests: &WeightsDigests) {
    let Some(Tree::Make(backbone)) = model.get_mut("backbone") else { return };
    let Some(PublishedSpec { weights: Some(WeightsFile { path, digest: None }), .. }) = published(backbone) else {
        return;
    };
    if let Some(digest) = digests.get(Path::new(&path)) {
        backbone.set("digest", Some(Tree::Text(digest.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::schema::Family;
    use crate::spec::vocabulary;

    #[test]
    fn every_published_network_is_a_backbone_of_the_vocabulary() {
        for network in Published::ALL {
            assert_eq!(Published::of_name(network.name()), Some(network));
            let constructor = vocabulary::find(network.name()).expect("it is in the vocabulary");
            assert_eq!(constructor.family, Family::Backbone);
        }
        assert_eq!(Published::of_name("convnet"), None);
    }

    #[test]
    fn colours_are_fixed_for_published_weights_alone() {
        let begun_with = |weights| Backbone::Published(PublishedSpec { network: Published::ResNet18, weights });
        let file = WeightsFile { path: PathBuf::from("a.pth"), digest: None };
        assert_eq!(begun_with(Some(file)).colour_scale(), Some(ColourScale::IMAGENET));
        assert_eq!(begun_with(None).colour_scale(), None);
    }
}
