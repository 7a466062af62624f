//! The vocabulary of experiment scripts: every constructor with its fields, defaults and help.
//!
//! The script engine registers its functions from this table, checks hold values against it, config files are
//! printed in its order, and [`super::parse`] reads it back; a new constructor starts here, one of a layer in
//! `spec::layers`, one of an augmentation in `spec::augment`.

use super::augment::AUGMENTATIONS;
use super::layers::LAYERS;
use super::schema::{Constructor, Default, Family, Field, Type};

pub(super) const fn field(name: &'static str, takes: Type, default: Default, help: &'static str) -> Field {
    Field { name, takes, default, help }
}

pub(super) const fn constructor(
    name: &'static str,
    family: Family,
    positional: usize,
    fields: &'static [Field],
    help: &'static str,
) -> Constructor {
    Constructor { name, family, positional, fields, named: matches!(family, Family::Phase), help }
}

pub(super) const ANY: Type = Type::Float { low: f64::MIN, high: f64::MAX };
const NOT_NEGATIVE: Type = Type::Float { low: 0.0, high: f64::MAX };
pub(super) const POSITIVE: Type = Type::Float { low: f64::MIN_POSITIVE, high: f64::MAX };
pub(super) const UNIT: Type = Type::Float { low: 0.0, high: 1.0 };
const BELOW_ONE: Type = Type::Float { low: 0.0, high: 1.0 - f64::EPSILON / 2.0 };
pub(super) const COUNT: Type = Type::Int { low: 1, high: 1 << 40 };
const INDEX: Type = Type::Int { low: 0, high: 1 << 40 };
const SEED: Type = Type::Int { low: 0, high: i64::MAX };
const FOLDS: Type = Type::Int { low: 2, high: 1 << 20 };

/// Format of the configs this version writes and reads.
pub const FORMAT: i64 = 1;
const FORMAT_FIELD: Field =
    field("format", Type::Int { low: FORMAT, high: FORMAT }, Default::Int(FORMAT), "version of the config format");
const LR: &str = "learning rate";

const PUBLISHED: &[Field] = &[
    field(
        "weights",
        Type::Path,
        Default::Text("random"),
        "\"random\", or a .pth or .safetensors file of published weights; pictures are then scaled as ImageNet's",
    ),
    field("digest", Type::Text, Default::Absent, "BLAKE3 of the weights, checked before training"),
];

const ACTIVATIONS: Type = Type::OneOf(&["relu", "relu6", "gelu", "silu", "sigmoid", "tanh"]);
const EARLY_STOP: &[Field] = &[
    field("patience", COUNT, Default::Required, "epochs without improvement that are waited for"),
    field("min_delta", NOT_NEGATIVE, Default::Float(0.0), "an improvement must exceed this"),
    field("monitor", Type::Metric, Default::Absent, "validation metric watched; the search's own if left out"),
];
const LR_FACTORS: &[Field] = &[
    field("backbone", NOT_NEGATIVE, Default::Float(1.0), "of the backbone"),
    field("head", NOT_NEGATIVE, Default::Float(1.0), "of the head, the output layer with it"),
];
const LR_FACTOR: &str = "what the learning rate is multiplied by";
const START_FACTOR: Field =
    field("start_factor", UNIT, Default::Float(0.01), "the warm-up begins with this part of the learning rate");
const SCHEDULE_EPOCHS: Field =
    field("epochs", COUNT, Default::Absent, "epochs it is spread over; the phase's if left out");
const PICTURE_SIZE: Type = Type::Int { low: 8, high: 1024 };
const BENCHMARK: &[Field] = &[
    field("path", Type::Path, Default::Required, "the folder that holds its files; of mnist \"embedded\", too"),
    field(
        "part",
        Type::OneOf(&["all", "train", "test"]),
        Default::Text("all"),
        "\"all\": both parts, the test rows held out by official(); or one of them alone",
    ),
    field("n", COUNT, Default::Absent, "use at most so many rows of the training part, the classes in proportion"),
    field("n_test", COUNT, Default::Absent, "use at most so many rows of the test part, the classes in proportion"),
    field("seed", SEED, Default::Int(0), "seed of the choice of n rows"),
];
const TAKE: &[Field] = &[
    field("outer", COUNT, Default::Required, "how many of the outer folds are run"),
    field("inner", COUNT, Default::Required, "how many of each outer fold's inner folds are run"),
];
const KFOLD: &[Field] = &[
    field("n_splits", FOLDS, Default::Required, "number of folds"),
    field("seed", SEED, Default::Int(0), "seed of the shuffling"),
];
const REPEATED: &[Field] = &[
    field("n_splits", FOLDS, Default::Required, "number of folds of one repetition"),
    field("n_repeats", COUNT, Default::Required, "number of repetitions"),
    field("seed", SEED, Default::Int(0), "seed of the shuffling"),
];

const TRIALS: Field = field("trials", COUNT, Default::Required, "number of trials of each study");
const MAXIMIZE: Field = field("maximize", Type::Metric, Default::Absent, "validation metric to be made large");
const MINIMIZE: Field = field("minimize", Type::Metric, Default::Absent, "validation metric to be made small");
const OBJECTIVES: Field = field(
    "objectives",
    Type::List(&Type::Family(Family::Goal)),
    Default::Absent,
    "in place of maximize and minimize: several metrics; early stopping goes by the first, and so does the choice of the final",
);
const CONSTRAINTS: Field = field(
    "constraints",
    Type::List(&Type::Family(Family::Constraint)),
    Default::Absent,
    "limits of validation metrics; a trial that misses one is worse than any that does not",
);
const METRIC: Field = field("metric", Type::Metric, Default::Required, "a validation metric");
const PER: Field = field(
    "per",
    Type::OneOf(&["inner", "outer"]),
    Default::Text("inner"),
    "\"inner\": a study per outer x inner fold; \"outer\": a study per outer fold, a trial scored by its mean over inner folds",
);

const LAG: Field = field(
    "lag",
    Type::Int { low: 1, high: 1 << 20 },
    Default::Int(1),
    "a trial is suggested from the results of all but the last lag - 1 trials before it, so lag of them can run at once; 64 or more of a search that learns nothing from them",
);

const ENQUEUE: Field = field(
    "enqueue",
    Type::List(&Type::Assignment),
    Default::Absent,
    "known points that are tried first, as maps of parameters and values; what one leaves open the search fills in",
);
const PRUNE: Field = field(
    "prune",
    Type::Family(Family::Pruner),
    Default::Absent,
    "gives a trial up when its validation metric does not keep up, epoch by epoch, with trials that meet the constraints",
);
const RACE: Field = field(
    "race",
    Type::Record(RACE_FIELDS),
    Default::Absent,
    "per: \"outer\": gives a trial up after some inner folds when its mean cannot keep up with the best one's",
);
const RACE_FIELDS: &[Field] = &[
    field(
        "level",
        Type::Float { low: 1e-9, high: 0.5 },
        Default::Float(0.05),
        "chance of stopping a trial that all folds would have made the best",
    ),
    field("min_folds", Type::Int { low: 2, high: 1 << 20 }, Default::Int(3), "inner folds before the first look"),
];
const STOP: Field = field(
    "stop",
    Type::Record(STOP_FIELDS),
    Default::Absent,
    "ends each study early, when the first of these rules holds; `trials` stays the most it can have",
);
const STOP_FIELDS: &[Field] = &[
    field("target", ANY, Default::Absent, "the best value has reached this"),
    field(
        "no_improvement",
        Type::Record(NO_IMPROVEMENT_FIELDS),
        Default::Absent,
        "so many trials have brought no improvement beyond the noise between inner folds",
    ),
    field(
        "wall_time",
        Type::Text,
        Default::Absent,
        "the whole run has taken so long, as in \"2h30m\"; the one rule that depends on the machine, so what came of it is recorded",
    ),
];
const NO_IMPROVEMENT_FIELDS: &[Field] = &[
    field("trials", COUNT, Default::Required, "trials without an improvement that are waited for"),
    field("min_delta", NOT_NEGATIVE, Default::Float(0.0), "an improvement must exceed this, too"),
];
const WARM_START: Field = field(
    "warm_start",
    Type::Text,
    Default::Absent,
    "a recorded run of the same objective on the same rows, by id, unique beginning of an id, path or \"@latest\": its trials are \
     known to the model from the start",
);
const WARMUP_EPOCHS: Field = field("warmup_epochs", INDEX, Default::Int(0), "first epochs that are not judged");
const INTERVAL: Field = field("interval", COUNT, Default::Int(1), "epochs from one judgement to the next");
const PRUNER_STARTUP: Field =
    field("n_startup", COUNT, Default::Int(5), "complete trials with a value at an epoch before it is judged");
const MIN_EPOCHS: Field = field("min_epochs", COUNT, Default::Int(1), "epochs before the first judgement");
const FACTOR: Type = Type::Int { low: 2, high: 1 << 20 };

const BACKBONE: Field =
    field("backbone", Type::Family(Family::Backbone), Default::Required, "turns a row into features");
const HEAD: Field =
    field("head", Type::List(&Type::Family(Family::Layer)), Default::EmptyList, "layers before the output layer");

/// Every constructor but those of layers and augmentations.
const PARTS: &[Constructor] = &[
    constructor(
        "experiment",
        Family::Experiment,
        0,
        &[
            FORMAT_FIELD,
            field("name", Type::Name, Default::Required, "names the folder of its runs"),
            field("seed", SEED, Default::Int(42), "root of every random stream"),
            field("data", Type::Family(Family::Data), Default::Absent, "the data set"),
            field("model", Type::Family(Family::Model), Default::Absent, "the model"),
            field("train", Type::List(&Type::Family(Family::Phase)), Default::Absent, "phases of training, in order"),
            field(
                "objective",
                Type::Family(Family::Objective),
                Default::Absent,
                "an objective in place of model and train: a formula, or a program of your own",
            ),
            field("cv", Type::Family(Family::Cv), Default::Absent, "how rows are split"),
            field("search", Type::Family(Family::Search), Default::Absent, "how the space is searched"),
            field(
                "threshold",
                Type::Family(Family::Threshold),
                Default::Make("fixed"),
                "decision threshold for two classes",
            ),
        ],
        "what a script ends with",
    ),
    constructor(
        "fit",
        Family::Fit,
        0,
        &[
            FORMAT_FIELD,
            field("name", Type::Name, Default::Required, "names the folder of its runs"),
            field("seed", SEED, Default::Int(42), "root of every random stream"),
            field("labels", Type::List(&Type::Text), Default::Required, "path of the fit in the seed tree"),
            field("role", Type::OneOf(&["trial", "final"]), Default::Required, "only finals see test rows"),
            field("data", Type::Family(Family::Data), Default::Absent, "the data set"),
            field("split", Type::Family(Family::Split), Default::Absent, "its place in the cross-validation"),
            field("model", Type::Family(Family::Model), Default::Absent, "the model"),
            field("train", Type::List(&Type::Family(Family::Phase)), Default::Absent, "phases of training, in order"),
            field(
                "objective",
                Type::Family(Family::Objective),
                Default::Absent,
                "an objective in place of model and train",
            ),
            field(
                "threshold",
                Type::Family(Family::Threshold),
                Default::Make("fixed"),
                "decision threshold for two classes",
            ),
            MAXIMIZE,
            MINIMIZE,
            field(
                "prune",
                Type::Family(Family::Pruner),
                Default::Absent,
                "what it is held against epoch by epoch: bounds or patience",
            ),
        ],
        "one training, fully resolved; xrun writes it beside each result",
    ),
    // Data.
    constructor(
        "pets",
        Family::Data,
        0,
        &[
            field("source", Type::Path, Default::Text("embedded"), "\"embedded\", or the path of oxford-iiit-pet"),
            field("target", Type::OneOf(&["species", "breed"]), Default::Text("species"), "what is told apart"),
            field("size", PICTURE_SIZE, Default::Int(64), "height and width in pixels"),
            field("n", Type::Int { low: 2, high: 1 << 20 }, Default::Int(480), "embedded: number of pictures drawn"),
            field("seed", SEED, Default::Int(1), "seed of the drawing, or of the choice of n_train and n_test rows"),
            field(
                "part",
                Type::OneOf(&["all", "train", "test"]),
                Default::Absent,
                "of a folder: \"all\": both official parts, trainval.txt and test.txt, the test rows held out by official(); or one \
                 of them alone",
            ),
            field(
                "n_train",
                COUNT,
                Default::Absent,
                "with part: use at most so many rows of the training part, the classes in proportion",
            ),
            field(
                "n_test",
                COUNT,
                Default::Absent,
                "with part: use at most so many rows of the test part, the classes in proportion",
            ),
        ],
        "pictures of cats and dogs",
    ),
    constructor(
        "mnist",
        Family::Data,
        1,
        BENCHMARK,
        "handwritten digits, 28x28, grey: 60,000 and 10,000 for the test; or drawn ones, 5,000 and 1,000",
    ),
    constructor(
        "fashion_mnist",
        Family::Data,
        1,
        BENCHMARK,
        "articles of clothing, 28x28, grey: 60,000 and 10,000 for the test",
    ),
    constructor(
        "cifar10",
        Family::Data,
        1,
        BENCHMARK,
        "ten kinds of things, 32x32, colour: 50,000 and 10,000 for the test",
    ),
    constructor(
        "image_folder",
        Family::Data,
        1,
        &[
            field("path", Type::Path, Default::Required, "the folder, with a folder of pictures for each class"),
            field("size", PICTURE_SIZE, Default::Int(64), "height and width in pixels"),
            field(
                "list",
                Type::Text,
                Default::Absent,
                "in place of folders: a CSV file below `path` with the columns path and label",
            ),
            field("n", COUNT, Default::Absent, "use at most so many pictures, the classes in proportion"),
            field("seed", SEED, Default::Int(0), "seed of the choice of n pictures"),
        ],
        "pictures in a folder",
    ),
    constructor(
        "csv_table",
        Family::Data,
        1,
        &[
            field("path", Type::Path, Default::Required, "the CSV file, with a header line"),
            field("target", Type::Text, Default::Required, "column that holds the class, or the number"),
            field(
                "task",
                Type::OneOf(&["classification", "regression"]),
                Default::Text("classification"),
                "\"regression\": the target is a number, for a regressor(...)",
            ),
            field("drop", Type::List(&Type::Text), Default::EmptyList, "columns left out"),
            field("categorical", Type::List(&Type::Text), Default::EmptyList, "number columns that are categories"),
            field("group", Type::Text, Default::Absent, "column that names the group of a row"),
            field(
                "missing",
                Type::List(&Type::Text),
                Default::EmptyList,
                "texts that mean missing, beside the empty one",
            ),
            field("n", COUNT, Default::Absent, "use at most so many rows, the classes in proportion"),
            field("seed", SEED, Default::Int(0), "seed of the choice of n rows"),
        ],
        "a table in a CSV file",
    ),
    constructor(
        "rows",
        Family::Data,
        1,
        &[field("n", COUNT, Default::Required, "number of rows")],
        "rows without features, for objectives given by a formula",
    ),
    // Models.
    constructor(
        "classifier",
        Family::Model,
        0,
        &[
            BACKBONE,
            HEAD,
            field(
                "loss",
                Type::OneOf(&["auto", "binary_cross_entropy", "cross_entropy"]),
                Default::Text("auto"),
                "\"auto\": binary_cross_entropy for two classes, else cross_entropy",
            ),
            field(
                "label_smoothing",
                UNIT,
                Default::Float(0.0),
                "share of each target that is spread evenly over the classes",
            ),
            field(
                "class_weights",
                Type::ListOr { item: &POSITIVE, word: "balanced" },
                Default::Absent,
                "weights of the classes in the loss, in their order; \"balanced\": rows / (classes * rows of the class), of training rows",
            ),
        ],
        "a backbone and a head; the output layer follows from the data",
    ),
    constructor(
        "regressor",
        Family::Model,
        0,
        &[
            BACKBONE,
            HEAD,
            field(
                "loss",
                Type::OneOf(&["mse", "mae", "huber"]),
                Default::Text("mse"),
                "squared or absolute error, or the one that is squared up to delta; of the standardised target",
            ),
            field(
                "delta",
                POSITIVE,
                Default::Float(1.0),
                "huber: the error up to which it is squared, in standard deviations of the target",
            ),
        ],
        "a backbone and a head that predict a number",
    ),
    constructor(
        "convnet",
        Family::Backbone,
        0,
        &[
            field(
                "width",
                Type::Int { low: 1, high: 4096 },
                Default::Int(16),
                "channels of the first block; each next has twice as many",
            ),
            field(
                "blocks",
                Type::Int { low: 1, high: 10 },
                Default::Int(3),
                "blocks of convolution, batch norm, ReLU, 2 x 2 max pooling",
            ),
            field("kernel", Type::Int { low: 1, high: 15 }, Default::Int(3), "kernel size, odd"),
        ],
        "a small convolutional network for pictures",
    ),
    constructor(
        "mlp",
        Family::Backbone,
        0,
        &[
            field("hidden", Type::List(&COUNT), Default::EmptyList, "units of each layer"),
            field("activation", ACTIVATIONS, Default::Text("relu"), "after each layer"),
            field("dropout", UNIT, Default::Float(0.0), "after each activation"),
        ],
        "fully connected layers; none makes a linear model",
    ),
    constructor("densenet121", Family::Backbone, 0, PUBLISHED, "DenseNet-121 up to its 1024 features"),
    constructor("resnet18", Family::Backbone, 0, PUBLISHED, "ResNet-18 up to its 512 features"),
    constructor("resnet34", Family::Backbone, 0, PUBLISHED, "ResNet-34 up to its 512 features"),
    constructor("resnet50", Family::Backbone, 0, PUBLISHED, "ResNet-50 up to its 2048 features"),
    constructor("efficientnet_lite0", Family::Backbone, 0, PUBLISHED, "EfficientNet-Lite0 up to its 1280 features"),
    // Training.
    constructor(
        "phase",
        Family::Phase,
        1,
        &[
            field("name", Type::Name, Default::Required, "names the phase"),
            field("epochs", COUNT, Default::Required, "passes over the training rows, at most"),
            field("batch_size", COUNT, Default::Int(32), "rows per step"),
            field("drop_last", Type::Bool, Default::Bool(false), "leave out an incomplete last batch"),
            field("freeze", Type::List(&Type::OneOf(&["backbone"])), Default::EmptyList, "parts that are not trained"),
            field("optimizer", Type::Family(Family::Optimizer), Default::Required, "the update rule"),
            field(
                "early_stop",
                Type::Record(EARLY_STOP),
                Default::Absent,
                "ends the phase early, restores the best weights",
            ),
            field(
                "augment",
                Type::List(&Type::Family(Family::Augment)),
                Default::EmptyList,
                "for training pictures, in order",
            ),
            field("schedule", Type::Family(Family::Schedule), Default::Absent, "what becomes of the learning rate"),
            field(
                "lr_factors",
                Type::Record(LR_FACTORS),
                Default::Absent,
                "learning rates of the parts, as parts of the optimizer's",
            ),
            field(
                "clip_norm",
                POSITIVE,
                Default::Absent,
                "a longer gradient of all trained weights together is shortened to this norm",
            ),
            field(
                "accumulate",
                COUNT,
                Default::Int(1),
                "batches that make one step, as if they were one, batch norm apart; an epoch's last step has what is left",
            ),
            field(
                "ema",
                BELOW_ONE,
                Default::Absent,
                "decay of an average of the weights over the steps, which is evaluated and kept in their place",
            ),
            field(
                "histograms",
                Type::Bool,
                Default::Bool(false),
                "record how weights and gradients are distributed after each epoch",
            ),
            field(
                "precision",
                Type::OneOf(&["f32", "bf16"]),
                Default::Text("f32"),
                "of the products in a step; bf16 is for GPUs that have it, weights and evaluation stay f32",
            ),
        ],
        "a phase of training",
    ),
    constructor(
        "sgd",
        Family::Optimizer,
        0,
        &[
            field("lr", POSITIVE, Default::Float(1e-3), LR),
            field("momentum", NOT_NEGATIVE, Default::Float(0.0), "momentum factor"),
            field("dampening", ANY, Default::Float(0.0), "dampening of the momentum"),
            field("weight_decay", NOT_NEGATIVE, Default::Float(0.0), "L2 penalty"),
            field("nesterov", Type::Bool, Default::Bool(false), "Nesterov's momentum"),
        ],
        "stochastic gradient descent",
    ),
    constructor(
        "adam",
        Family::Optimizer,
        0,
        &[
            field("lr", POSITIVE, Default::Float(1e-3), LR),
            field("betas", Type::Tuple(2, &BELOW_ONE), Default::Floats(&[0.9, 0.999]), "decay of the two moments"),
            field("eps", NOT_NEGATIVE, Default::Float(1e-8), "added to the denominator"),
            field("weight_decay", NOT_NEGATIVE, Default::Float(0.0), "L2 penalty"),
        ],
        "Adam",
    ),
    constructor(
        "adamw",
        Family::Optimizer,
        0,
        &[
            field("lr", POSITIVE, Default::Float(1e-3), LR),
            field("betas", Type::Tuple(2, &BELOW_ONE), Default::Floats(&[0.9, 0.999]), "decay of the two moments"),
            field("eps", NOT_NEGATIVE, Default::Float(1e-8), "added to the denominator"),
            field("weight_decay", NOT_NEGATIVE, Default::Float(1e-2), "decoupled weight decay"),
        ],
        "Adam with decoupled weight decay",
    ),
    constructor(
        "rmsprop",
        Family::Optimizer,
        0,
        &[
            field("lr", POSITIVE, Default::Float(1e-2), LR),
            field("alpha", BELOW_ONE, Default::Float(0.99), "smoothing of the squared gradient"),
            field("eps", NOT_NEGATIVE, Default::Float(1e-8), "added to the denominator"),
            field("weight_decay", NOT_NEGATIVE, Default::Float(0.0), "L2 penalty"),
            field("momentum", NOT_NEGATIVE, Default::Float(0.0), "momentum factor"),
            field("centered", Type::Bool, Default::Bool(false), "normalise by the estimated variance"),
        ],
        "RMSprop",
    ),
    // Schedules.
    constructor(
        "cosine",
        Family::Schedule,
        0,
        &[
            field("warmup_epochs", INDEX, Default::Int(0), "epochs of a linear warm-up before it"),
            START_FACTOR,
            field("min_lr", NOT_NEGATIVE, Default::Float(0.0), "learning rate it ends with"),
            SCHEDULE_EPOCHS,
        ],
        "step by step: half a cosine from the learning rate to min_lr, which then stays",
    ),
    constructor(
        "step",
        Family::Schedule,
        0,
        &[
            field("every", COUNT, Default::Required, "epochs from one change to the next"),
            field("factor", POSITIVE, Default::Float(0.1), LR_FACTOR),
        ],
        "epoch by epoch: multiplied by the factor every so many epochs",
    ),
    constructor(
        "exponential",
        Family::Schedule,
        0,
        &[field("factor", POSITIVE, Default::Required, LR_FACTOR)],
        "epoch by epoch: multiplied by the factor after each epoch",
    ),
    constructor(
        "linear_warmup",
        Family::Schedule,
        0,
        &[field("epochs", COUNT, Default::Required, "epochs until the learning rate is reached"), START_FACTOR],
        "step by step: on a line up to the learning rate, which then stays",
    ),
    constructor(
        "one_cycle",
        Family::Schedule,
        0,
        &[
            field("pct_start", UNIT, Default::Float(0.3), "share of the steps in which it rises"),
            field("div_factor", POSITIVE, Default::Float(25.0), "it begins with the learning rate divided by this"),
            field("final_div_factor", POSITIVE, Default::Float(1e4), "it ends with the first divided by this"),
            SCHEDULE_EPOCHS,
        ],
        "step by step: up to the learning rate and down again, each half a cosine; momentum stays as it is",
    ),
    constructor(
        "reduce_on_plateau",
        Family::Schedule,
        0,
        &[
            field("patience", INDEX, Default::Int(10), "epochs without improvement that are let pass"),
            field("factor", BELOW_ONE, Default::Float(0.1), LR_FACTOR),
            field(
                "monitor",
                Type::Metric,
                Default::Absent,
                "validation metric watched; the search's own if left out; the training loss where no row is left to validate on",
            ),
            field("min_lr", NOT_NEGATIVE, Default::Float(0.0), "it is never reduced below this"),
        ],
        "epoch by epoch: multiplied by the factor when a metric has not improved by a ten-thousandth of itself",
    ),
    // Splits.
    constructor("kfold", Family::Splitter, 2, KFOLD, "k folds"),
    constructor("stratified_kfold", Family::Splitter, 2, KFOLD, "k folds with the classes in proportion"),
    constructor("group_kfold", Family::Splitter, 2, KFOLD, "k folds that keep groups together"),
    constructor("repeated_kfold", Family::Splitter, 3, REPEATED, "k folds, several times"),
    constructor("repeated_stratified_kfold", Family::Splitter, 3, REPEATED, "stratified k folds, several times"),
    constructor(
        "hold_out",
        Family::Splitter,
        2,
        &[
            field(
                "fraction",
                Type::Float { low: 1e-9, high: 1.0 - 1e-9 },
                Default::Required,
                "share of the rows held out",
            ),
            field("seed", SEED, Default::Int(0), "seed of the shuffling"),
            field("stratified", Type::Bool, Default::Bool(true), "keep the classes in proportion"),
        ],
        "one fold that holds out a share of the rows",
    ),
    constructor("official", Family::Splitter, 0, &[], "one fold that holds out the test rows the data set comes with"),
    constructor(
        "nested",
        Family::Cv,
        0,
        &[
            field("outer", Type::Family(Family::Splitter), Default::Absent, "holds out test rows"),
            field("inner", Type::Family(Family::Splitter), Default::Absent, "holds out validation rows from the rest"),
            field("take", Type::Record(TAKE), Default::Absent, "run only the first folds"),
            field(
                "file",
                Type::Path,
                Default::Absent,
                "a splits.json to take the folds from, in place of drawing them",
            ),
        ],
        "nested cross-validation",
    ),
    constructor(
        "all_rows",
        Family::Cv,
        0,
        &[
            field("inner", Type::Family(Family::Splitter), Default::Required, "holds out validation rows"),
            field("take", COUNT, Default::Absent, "run only so many inner folds, the first ones"),
        ],
        "inner folds of all rows, for a model to ship: no row is left to test on",
    ),
    constructor(
        "split",
        Family::Split,
        0,
        &[
            field("cv", Type::Family(Family::Cv), Default::Absent, "the folds it is a part of"),
            field("outer", INDEX, Default::Absent, "position of the outer fold"),
            field(
                "inner",
                INDEX,
                Default::Absent,
                "position of the inner fold; all the rest is trained on if left out",
            ),
            field("train", Type::List(&INDEX), Default::Absent, "in place of a position: rows trained on"),
            field("validation", Type::List(&INDEX), Default::Absent, "in place of a position: rows chosen on"),
            field("test", Type::List(&INDEX), Default::Absent, "in place of a position: rows a final is tested on"),
            field("digest", Type::Text, Default::Absent, "BLAKE3 of the rows, checked before training"),
        ],
        "one position in a cross-validation",
    ),
    // Search.
    constructor(
        "tpe",
        Family::Search,
        0,
        &[
            TRIALS,
            MAXIMIZE,
            MINIMIZE,
            OBJECTIVES,
            CONSTRAINTS,
            PER,
            LAG,
            ENQUEUE,
            PRUNE,
            RACE,
            STOP,
            WARM_START,
            field("n_startup", INDEX, Default::Int(10), "finished trials before the model is used; random until then"),
            field("n_candidates", COUNT, Default::Int(96), "candidates compared for each suggestion"),
            field("multivariate", Type::Bool, Default::Bool(true), "model the parameters jointly"),
            field(
                "recipe",
                Type::OneOf(&["optuna", "watanabe"]),
                Default::Text("optuna"),
                "how many trials are good, what they weigh and how wide their kernels are: as in Optuna 5, or as Watanabe 2023 recommends",
            ),
        ],
        "tree-structured Parzen estimator",
    ),
    constructor(
        "random",
        Family::Search,
        0,
        &[TRIALS, MAXIMIZE, MINIMIZE, OBJECTIVES, CONSTRAINTS, PER, LAG, ENQUEUE, PRUNE, RACE, STOP],
        "random search",
    ),
    constructor(
        "grid",
        Family::Search,
        0,
        &[
            field(
                "trials",
                COUNT,
                Default::Absent,
                "number of trials of each study; all points of the grid if left out",
            ),
            MAXIMIZE,
            MINIMIZE,
            OBJECTIVES,
            CONSTRAINTS,
            PER,
            LAG,
            ENQUEUE,
            PRUNE,
            RACE,
            STOP,
        ],
        "every point of a finite space once, in random order",
    ),
    constructor(
        "quasi_random",
        Family::Search,
        0,
        &[TRIALS, MAXIMIZE, MINIMIZE, OBJECTIVES, CONSTRAINTS, PER, LAG, ENQUEUE, PRUNE, RACE, STOP],
        "points that fill the space evenly: a scrambled Halton sequence",
    ),
    constructor(
        "cmaes",
        Family::Search,
        0,
        &[
            TRIALS,
            MAXIMIZE,
            MINIMIZE,
            CONSTRAINTS,
            PER,
            LAG,
            ENQUEUE,
            PRUNE,
            RACE,
            STOP,
            field(
                "sigma",
                Type::Float { low: 1e-6, high: 1.0 },
                Default::Float(0.3),
                "standard deviation of the first trials, as a part of each range",
            ),
            field(
                "population",
                Type::Int { low: 2, high: 1 << 20 },
                Default::Absent,
                "trials of a generation; 4 + 3 ln(number of parameters) if left out",
            ),
        ],
        "CMA-ES, an evolution strategy for numbers without choices",
    ),
    constructor("maximize", Family::Goal, 1, &[METRIC], "an objective to be made large"),
    constructor("minimize", Family::Goal, 1, &[METRIC], "an objective to be made small"),
    constructor(
        "at_most",
        Family::Constraint,
        2,
        &[METRIC, field("limit", ANY, Default::Required, "the largest value that meets it")],
        "a constraint: the metric is not above the limit; missed by its excess in parts of the limit",
    ),
    constructor(
        "at_least",
        Family::Constraint,
        2,
        &[METRIC, field("limit", ANY, Default::Required, "the smallest value that meets it")],
        "a constraint: the metric is not below the limit; missed by what is lacking in parts of the limit",
    ),
    // Pruners.
    constructor(
        "median",
        Family::Pruner,
        0,
        &[PRUNER_STARTUP, WARMUP_EPOCHS, INTERVAL],
        "stops a trial whose best value so far is worse than the median of complete trials at the epoch",
    ),
    constructor(
        "percentile",
        Family::Pruner,
        1,
        &[
            field(
                "percentile",
                Type::Float { low: 0.0, high: 100.0 },
                Default::Required,
                "the best so many per cent go on; 50 is the median",
            ),
            PRUNER_STARTUP,
            WARMUP_EPOCHS,
            INTERVAL,
        ],
        "as median, for another percentile",
    ),
    constructor(
        "threshold",
        Family::Pruner,
        1,
        &[field("value", ANY, Default::Required, "a worse value stops the trial"), WARMUP_EPOCHS, INTERVAL],
        "stops a trial whose value is worse than a fixed one",
    ),
    constructor(
        "patience",
        Family::Pruner,
        1,
        &[
            field("epochs", COUNT, Default::Required, "epochs without improvement that are waited for"),
            field("min_delta", NOT_NEGATIVE, Default::Float(0.0), "an improvement must exceed this"),
        ],
        "stops a trial that does not improve any more, whatever the phase",
    ),
    constructor(
        "successive_halving",
        Family::Pruner,
        0,
        &[
            MIN_EPOCHS,
            field(
                "reduction_factor",
                FACTOR,
                Default::Int(4),
                "of so many trials one goes on to so many times the epochs",
            ),
        ],
        "asynchronous successive halving",
    ),
    constructor(
        "hyperband",
        Family::Pruner,
        0,
        &[
            field("max_epochs", COUNT, Default::Required, "epochs of a trial that goes to its end"),
            MIN_EPOCHS,
            field(
                "reduction_factor",
                FACTOR,
                Default::Int(3),
                "of so many trials one goes on to so many times the epochs",
            ),
        ],
        "successive halving from several first epochs on",
    ),
    constructor(
        "bounds",
        Family::Pruner,
        0,
        &[
            field("epochs", Type::List(&COUNT), Default::Required, "epochs that are judged, ascending"),
            field("values", Type::List(&ANY), Default::Required, "for each, the value that must be reached"),
            field(
                "on",
                Type::OneOf(&["best", "last"]),
                Default::Text("last"),
                "\"best\": the best value so far is held against it; \"last\": that of the epoch",
            ),
        ],
        "stops a trial that is worse than the value of an epoch; what a pruner comes to for one fit",
    ),
    constructor("youden", Family::Threshold, 0, &[], "largest sensitivity + specificity - 1 on validation rows"),
    constructor(
        "fixed",
        Family::Threshold,
        1,
        &[field("value", ANY, Default::Float(0.5), "probabilities at or above it are positive")],
        "a fixed threshold",
    ),
    // Objectives.
    constructor(
        "sphere",
        Family::Objective,
        1,
        &[
            field("x", Type::List(&ANY), Default::Required, "the point"),
            field("noise", NOT_NEGATIVE, Default::Float(0.0), "standard deviation of what each fit adds"),
        ],
        "sum of squares; 0 at the origin",
    ),
    constructor(
        "branin",
        Family::Objective,
        2,
        &[
            field("x1", ANY, Default::Required, "usually -5 to 10"),
            field("x2", ANY, Default::Required, "usually 0 to 15"),
            field("noise", NOT_NEGATIVE, Default::Float(0.0), "standard deviation of what each fit adds"),
        ],
        "Branin's function; minimum 0.397887",
    ),
    constructor(
        "command",
        Family::Objective,
        1,
        &[
            field("run", Type::List(&Type::Scalar), Default::Required, "the program and its arguments"),
            field(
                "options",
                Type::Map(&Type::Scalar),
                Default::Absent,
                "more arguments by name: #{ lr: 0.1 } is given as --lr 0.1",
            ),
            field("env", Type::Map(&Type::Scalar), Default::Absent, "environment variables, beside those it inherits"),
            field(
                "inputs",
                Type::List(&Type::Path),
                Default::EmptyList,
                "files its result depends on, such as the program's own: it is run again when one was edited",
            ),
            field("folder", Type::Path, Default::Text("."), "folder it runs in; the project root if left out"),
            field("timeout", Type::Duration, Default::Absent, "a longer run is a failed trial, as in \"10m\""),
            field("epochs", COUNT, Default::Absent, "epochs it reports at most; what a pruner goes by"),
            field("value", Type::Text, Default::Text("value"), "the one of its numbers that is searched on"),
        ],
        "what a program reports: the last JSON object among its lines of output",
    ),
    constructor(
        "external",
        Family::Objective,
        1,
        &[
            field("parameters", Type::Map(&Type::Scalar), Default::Required, "the search space, by name"),
            field("epochs", COUNT, Default::Absent, "epochs told of a trial at most; what a pruner goes by"),
        ],
        "what is told from outside: xrun ask gives the next trial, xrun tell takes its value",
    ),
];

/// Every constructor.
pub fn constructors() -> impl Iterator<Item = &'static Constructor> {
    PARTS.iter().chain(LAYERS).chain(AUGMENTATIONS)
}

/// The constructor of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Constructor> {
    constructors().find(|constructor| constructor.name == name)
}

/// Whether the text of a path field is a word of the vocabulary rather than a path.
#[must_use]
pub fn is_no_path(text: &str) -> bool {
    matches!(text, "embedded" | "random")
}

/// The name among `known` nearest to `asked`, if near enough to be meant.
pub fn nearest<'a>(asked: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&asked.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1.max(name.len().max(asked.len()) / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
