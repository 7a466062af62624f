//! Augmentations in scripts: their constructors, and what they build. Semantics and defaults are torchvision's.

use super::check::{OpenPlace, Problem, Step};
use super::parse::{CHECKED, Closed, Read};
use super::schema::{Constructor, Default, Family, Field, Type};
use super::tree::{Make, Tree};
use super::vocabulary::{UNIT, constructor, field};

/// An augmentation of a training picture. What is left empty is black.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Augment {
    /// Mirrors left and right with probability `p`.
    Flip {
        /// Probability in `0..=1`.
        p: f64,
    },
    /// Pads every side with `padding` black pixels and cuts the picture's own size out at a random place.
    Crop {
        /// Pixels on each side.
        padding: usize,
    },
    /// Cuts a part out at a random place and scales it to the picture's size.
    ResizedCrop(Patch),
    /// Turns by up to so many degrees either way, around the middle.
    Rotation {
        /// In `0..=180`.
        degrees: f64,
    },
    /// Changes brightness, contrast, saturation and hue in a random order.
    ColorJitter {
        /// The factor is drawn from `1 - brightness`, at least 0, to `1 + brightness`.
        brightness: f64,
        /// Likewise.
        contrast: f64,
        /// Likewise.
        saturation: f64,
        /// Drawn from `-hue..=hue`, in turns around the circle of colours; in `0..=0.5`.
        hue: f64,
    },
    /// Blackens a part with probability `p`.
    Erasing {
        /// Probability in `0..=1`.
        p: f64,
        /// The part.
        patch: Patch,
    },
    /// One of the 25 pairs of operations that AutoAugment found for ImageNet (Cubuk et al. 2019).
    AutoAugment,
    /// One operation with a random strength: TrivialAugment, wide (Müller and Hutter 2021).
    TrivialAugment,
    /// `n` operations of one strength (Cubuk et al. 2020).
    RandAugment {
        /// How many, one after the other.
        n: usize,
        /// Strength in `0..=30`.
        magnitude: usize,
    },
    /// Averages picture and class with those of another row of the batch (Zhang et al. 2018).
    Mixup {
        /// The row's own share is drawn from Beta(alpha, alpha).
        alpha: f64,
    },
    /// Pastes a part of another row's picture, with its share of the class (Yun et al. 2019).
    Cutmix {
        /// The row's own share is drawn from Beta(alpha, alpha).
        alpha: f64,
    },
}

/// The size and shape of a part of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patch {
    /// Lowest and highest share of the picture's area.
    pub scale: [f64; 2],
    /// Lowest and highest ratio of the sides: width by height of a crop, height by width of what is erased.
    pub ratio: [f64; 2],
}

impl Augment {
    /// Its name in scripts.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Flip { .. } => "flip",
            Self::Crop { .. } => "crop",
            Self::ResizedCrop(_) => "resized_crop",
            Self::Rotation { .. } => "rotation",
            Self::ColorJitter { .. } => "color_jitter",
            Self::Erasing { .. } => "erasing",
            Self::AutoAugment => "auto_augment",
            Self::TrivialAugment => "trivial_augment",
            Self::RandAugment { .. } => "rand_augment",
            Self::Mixup { .. } => "mixup",
            Self::Cutmix { .. } => "cutmix",
        }
    }

    /// Whether it takes another row of the batch, and so changes the classes, too.
    #[must_use]
    pub fn is_mix(&self) -> bool {
        MIXES.contains(&self.name())
    }
}

/// As in `erasing(#{ p: 0.5, scale: [0.02, 0.33], ratio: [0.3, 3.3] })`: the form of a script.
impl std::fmt::Display for Augment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.name();
        match self {
            Self::Flip { p: x }
            | Self::Rotation { degrees: x }
            | Self::Mixup { alpha: x }
            | Self::Cutmix { alpha: x } => {
                write!(f, "{name}({x:?})")
            }
            Self::Crop { padding } => write!(f, "{name}({padding})"),
            Self::ResizedCrop(Patch { scale, ratio }) => write!(f, "{name}(#{{ scale: {scale:?}, ratio: {ratio:?} }})"),
            Self::ColorJitter { brightness, contrast, saturation, hue } => write!(
                f,
                "{name}(#{{ brightness: {brightness:?}, contrast: {contrast:?}, saturation: {saturation:?}, hue: {hue:?} }})"
            ),
            Self::Erasing { p, patch: Patch { scale, ratio } } => {
                write!(f, "{name}(#{{ p: {p:?}, scale: {scale:?}, ratio: {ratio:?} }})")
            }
            Self::AutoAugment | Self::TrivialAugment => write!(f, "{name}()"),
            Self::RandAugment { n, magnitude } => write!(f, "{name}(#{{ n: {n}, magnitude: {magnitude} }})"),
        }
    }
}

/// The augmentations that take another row of the batch.
const MIXES: [&str; 2] = ["mixup", "cutmix"];

const SHARE: Type = Type::Float { low: 1e-6, high: 1.0 };
const RATIO: Type = Type::Float { low: 1e-3, high: 1e3 };
const STRENGTH: Type = Type::Float { low: 0.0, high: 100.0 };
const ALPHA: Field = field(
    "alpha",
    Type::Float { low: 1e-3, high: 1e3 },
    Default::Float(1.0),
    "the row's own share is drawn from Beta(alpha, alpha); small: mostly near 0 or 1",
);

/// The constructors of augmentations.
pub(super) const AUGMENTATIONS: &[Constructor] = &[
    constructor(
        "flip",
        Family::Augment,
        1,
        &[field("p", UNIT, Default::Float(0.5), "probability")],
        "mirrors a picture left and right",
    ),
    constructor(
        "crop",
        Family::Augment,
        1,
        &[field(
            "padding",
            Type::Int { low: 1, high: 512 },
            Default::Required,
            "black pixels added on each side before cutting",
        )],
        "pads a picture and cuts its size out at a random place",
    ),
    constructor(
        "resized_crop",
        Family::Augment,
        0,
        &[
            field(
                "scale",
                Type::Tuple(2, &SHARE),
                Default::Floats(&[0.08, 1.0]),
                "lowest and highest share of the area",
            ),
            field(
                "ratio",
                Type::Tuple(2, &RATIO),
                Default::Floats(&[0.75, 4.0 / 3.0]),
                "lowest and highest width by height",
            ),
        ],
        "cuts a part out at a random place and scales it to the picture's size",
    ),
    constructor(
        "rotation",
        Family::Augment,
        1,
        &[field("degrees", Type::Float { low: 0.0, high: 180.0 }, Default::Required, "at most so many either way")],
        "turns a picture around its middle; what is left empty is black",
    ),
    constructor(
        "color_jitter",
        Family::Augment,
        0,
        &[
            field(
                "brightness",
                STRENGTH,
                Default::Float(0.0),
                "its factor is drawn from 1 - brightness to 1 + brightness",
            ),
            field("contrast", STRENGTH, Default::Float(0.0), "likewise"),
            field("saturation", STRENGTH, Default::Float(0.0), "likewise"),
            field(
                "hue",
                Type::Float { low: 0.0, high: 0.5 },
                Default::Float(0.0),
                "turned by at most so much of the circle of colours, either way",
            ),
        ],
        "changes the colours of a picture, in a random order",
    ),
    constructor(
        "erasing",
        Family::Augment,
        0,
        &[
            field("p", UNIT, Default::Float(0.5), "probability"),
            field(
                "scale",
                Type::Tuple(2, &SHARE),
                Default::Floats(&[0.02, 0.33]),
                "lowest and highest share of the area",
            ),
            field("ratio", Type::Tuple(2, &RATIO), Default::Floats(&[0.3, 3.3]), "lowest and highest height by width"),
        ],
        "blackens a part of a picture at a random place",
    ),
    constructor(
        "auto_augment",
        Family::Augment,
        0,
        &[],
        "AutoAugment: one of the 25 pairs of operations that were found for ImageNet",
    ),
    constructor(
        "trivial_augment",
        Family::Augment,
        0,
        &[],
        "TrivialAugment, wide: one of 14 operations with a random strength",
    ),
    constructor(
        "rand_augment",
        Family::Augment,
        0,
        &[
            field("n", Type::Int { low: 1, high: 16 }, Default::Int(2), "operations, one after the other"),
            field("magnitude", Type::Int { low: 0, high: 30 }, Default::Int(9), "strength of each"),
        ],
        "RandAugment: so many of 14 operations, of one strength",
    ),
    constructor(
        "mixup",
        Family::Augment,
        1,
        &[ALPHA],
        "averages picture and class with another row of the batch; comes last",
    ),
    constructor(
        "cutmix",
        Family::Augment,
        1,
        &[ALPHA],
        "pastes a part of another row's picture, with its share of the class; comes last",
    ),
];

pub(super) fn augment(make: &Closed) -> Augment {
    match make.constructor().name {
        "flip" => Augment::Flip { p: make.float("p") },
        "crop" => Augment::Crop { padding: make.count("padding") },
        "resized_crop" => Augment::ResizedCrop(patch(make)),
        "rotation" => Augment::Rotation { degrees: make.float("degrees") },
        "color_jitter" => Augment::ColorJitter {
            brightness: make.float("brightness"),
            contrast: make.float("contrast"),
            saturation: make.float("saturation"),
            hue: make.float("hue"),
        },
        "erasing" => Augment::Erasing { p: make.float("p"), patch: patch(make) },
        "auto_augment" => Augment::AutoAugment,
        "trivial_augment" => Augment::TrivialAugment,
        "rand_augment" => Augment::RandAugment { n: make.count("n"), magnitude: make.count("magnitude") },
        "mixup" => Augment::Mixup { alpha: make.float("alpha") },
        "cutmix" => Augment::Cutmix { alpha: make.float("alpha") },
        other => unreachable!("`{other}` is no augmentation: {CHECKED}"),
    }
}

fn patch(make: &Closed) -> Patch {
    let range = |name: &str| {
        let ends = make.floats(name);
        [ends[0], ends[1]]
    };
    Patch { scale: range("scale"), ratio: range("ratio") }
}

/// Rules that join the fields of an augmentation.
pub(super) fn across<L: OpenPlace>(make: &Make<L>) -> Result<(), Problem> {
    for name in ["scale", "ratio"] {
        if let Some(Tree::List(ends)) = make.get(name)
            && let [Tree::Float(low), Tree::Float(high)] = ends[..]
            && low > high
        {
            let message = format!("the low end {low:?} is above the high end {high:?}");
            return Err(Problem::new(message).hint("swap them").under(Step::Key(name.to_owned())));
        }
    }
    Ok(())
}

/// Rules that join the augmentations of a phase: what takes another row takes it as it was augmented.
pub(super) fn in_order<L: OpenPlace>(phase: &Make<L>) -> Result<(), Problem> {
    let Some(Tree::List(augment)) = phase.get("augment") else { return Ok(()) };
    for (index, tree) in augment.iter().enumerate() {
        if let Tree::Make(make) = tree
            && MIXES.contains(&make.constructor().name)
            && index + 1 < augment.len()
        {
            let name = make.constructor().name;
            return Err(Problem::new(format!("`{name}` must come last, but something follows it"))
                .hint("put it at the end; a phase has one of mixup and cutmix, or a choice of both")
                .under(Step::Index(index))
                .under(Step::Key("augment".to_owned())));
        }
    }
    Ok(())
}
