#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};

use super::handmade::{Given, call_of_system, legacy_pth, pickle, safetensors, text};
use super::*;
use crate::model::{Input, InputShape, Network};
use crate::seed::Seed;
use crate::spec::network::{Backbone, Loss, LossOptions, ModelSpec};
use crate::spec::zoo::PublishedSpec;

/// The folder of files that are too large for the repository: `XRUN_SHARED`, or `shared` beside it.
fn shared() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("XRUN_SHARED").map_or_else(beside, PathBuf::from);
    folder.join("weights").is_dir().then_some(folder)
}

fn network(published: Published, size: usize) -> Network {
    let backbone = Backbone::Published(PublishedSpec { network: published, weights: None });
    let model =
        ModelSpec { backbone, head: Vec::new(), loss: Loss::BinaryCrossEntropy, loss_options: LossOptions::default() };
    Network::new(&model, InputShape::Picture { channels: 3, size }, 1, Seed::root(1), &Device::flex()).unwrap()
}

fn floats(path: PathBuf) -> Vec<f32> {
    fs::read(path).unwrap().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn efficientnet_lite0_gives_what_pytorch_gives_with_the_published_weights() {
    let Some(shared) = shared() else {
        println!("skipped: the published weights are not here; set XRUN_SHARED to the folder that has them");
        return;
    };
    let path = shared.join("weights/efficientnet-lite0-57934424.pth");
    let file = WeightsFile { path: path.clone(), digest: None };
    let pretrained = Pretrained::read(Published::EfficientNetLite0, &file).unwrap();
    let network = network(Published::EfficientNetLite0, 224).with_pretrained(&pretrained).unwrap();
    let reference = shared.join("reference/efficientnet_lite0");
    let pictures = TensorData::new(floats(reference.join("input_f32_le.bin")), [4, 3, 224, 224]);
    let input = Input::Pictures(Tensor::from_data(pictures, &Device::flex()));
    let features = network.features(input).into_data().try_into_vec::<f32>().unwrap();
    let expected = floats(reference.join("pooled_features_f32_le.bin"));
    let difference = largest_difference(&features, &expected);
    assert!(difference < 1e-4, "features differ by {difference}");
    let all = file::read(&path).unwrap();
    let (weight, bias) = (&all["_fc.weight"].values, &all["_fc.bias"].values);
    let logit = |(row, class): (usize, usize)| {
        let weights = &weight[1280 * class..1280 * (class + 1)];
        bias[class] + features[1280 * row..1280 * (row + 1)].iter().zip(weights).map(|(x, w)| x * w).sum::<f32>()
    };
    let logits: Vec<f32> = (0..4).flat_map(|row| (0..1000).map(move |class| (row, class))).map(logit).collect();
    let difference = largest_difference(&logits, &floats(reference.join("logits_f32_le.bin")));
    assert!(difference < 1e-4, "logits differ by {difference}");
}

/// Numbers in -0.5 to 0.5 that follow from a name, as in `tests/fixtures/zoo_features.py`.
fn noise(name: &str, n: usize) -> impl Iterator<Item = f64> {
    let seed = name.bytes().fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (0..u32::try_from(n).unwrap()).map(move |i| {
        let mut x = seed.wrapping_add(i.wrapping_mul(0x9E37_79B9));
        x ^= x >> 16;
        x = x.wrapping_mul(0x85EB_CA6B);
        x ^= x >> 13;
        f64::from(x) / 4_294_967_296.0 - 0.5
    })
}

/// Weights of the network by that formula, its classifier and the counters of its batch norms among them.
fn filled(network: Published) -> Vec<Given> {
    let fill = |(name, shape): (String, Vec<usize>)| {
        let fan_in: usize = shape.iter().skip(1).product();
        let scaled = |x: f64| match (shape.len(), name.rsplit('.').next()) {
            (4, _) => x * (24.0 / fan_in as f64).sqrt(),
            (_, Some("running_var")) => 1.0 + 0.5 * x,
            (_, Some("weight")) => 1.0 + 0.2 * x,
            _ => 0.2 * x,
        };
        let values = noise(&name, shape.iter().product()).map(|x| scaled(x) as f32).collect();
        (name, shape, values)
    };
    let mut tensors: Vec<Given> = expected::tensors(network).into_iter().map(fill).collect();
    let counters: Vec<Given> = tensors
        .iter()
        .filter_map(|(name, ..)| name.strip_suffix("running_var"))
        .map(|norm| (format!("{norm}num_batches_tracked"), Vec::new(), vec![0.0]))
        .collect();
    tensors.extend(counters);
    let classifier = if network == Published::DenseNet121 { "classifier" } else { "fc" };
    tensors.extend(["weight", "bias"].map(|part| (format!("{classifier}.{part}"), vec![1], vec![1.0])));
    tensors
}

/// The weights in a file.
fn given(path: PathBuf) -> WeightsFile {
    WeightsFile { path, digest: None }
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> WeightsFile {
    fs::write(folder.join(name), bytes).unwrap();
    given(folder.join(name))
}

/// The message of a refusal, with the folder left out.
fn refusal(network: Published, folder: &Path, file: &WeightsFile) -> String {
    let message = Pretrained::read(network, file).unwrap_err().to_string();
    message.replace(&format!("{}/", folder.display()), "")
}

#[test]
fn state_dicts_have_as_many_entries_as_torchvisions() {
    let published = [
        (Published::DenseNet121, 727),
        (Published::ResNet18, 122),
        (Published::ResNet34, 218),
        (Published::ResNet50, 320),
        (Published::EfficientNetLite0, 296),
    ];
    for (network, entries) in published {
        assert_eq!(filled(network).len(), entries, "{network}");
    }
}

#[test]
fn features_are_those_of_torchvisions_networks() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/zoo_features.json");
    let fixture: serde_json::Value = serde_json::from_str(&fs::read_to_string(fixture).unwrap()).unwrap();
    let size = usize::try_from(fixture["size"].as_u64().unwrap()).unwrap();
    let every = usize::try_from(fixture["every"].as_u64().unwrap()).unwrap();
    let pixels: Vec<f32> = noise("picture", 3 * size * size).map(|x| (4.0 * x) as f32).collect();
    let picture: Tensor<4> = Tensor::from_data(TensorData::new(pixels, [1, 3, size, size]), &Device::flex());
    let folder = tempfile::tempdir().unwrap();
    for published in [Published::DenseNet121, Published::ResNet18, Published::ResNet34, Published::ResNet50] {
        let file = written(folder.path(), "weights.safetensors", &safetensors(&filled(published)));
        let pretrained = Pretrained::read(published, &file).unwrap();
        let network = network(published, size).with_pretrained(&pretrained).unwrap();
        let features = network.features(Input::Pictures(picture.clone())).into_data().try_into_vec::<f32>().unwrap();
        let expected = &fixture["networks"][published.name()];
        assert_eq!(features.len() as u64, expected["n"].as_u64().unwrap());
        let expected: Vec<f32> =
            expected["features"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect();
        let features: Vec<f32> = features.into_iter().step_by(every).collect();
        let largest = expected.iter().copied().fold(0.0, f32::max);
        let difference = largest_difference(&features, &expected) / largest;
        assert!(difference < 1e-5, "{published}: features differ by {difference} of the largest");
    }
}

#[test]
fn what_was_trained_here_can_be_begun_with() {
    let folder = tempfile::tempdir().unwrap();
    let trained = network(Published::ResNet18, 8);
    let file = written(folder.path(), "model.safetensors", &trained.to_safetensors().unwrap());
    let pretrained = Pretrained::read(Published::ResNet18, &file).unwrap();
    let backbone = Backbone::Published(PublishedSpec { network: Published::ResNet18, weights: None });
    let model =
        ModelSpec { backbone, head: Vec::new(), loss: Loss::BinaryCrossEntropy, loss_options: LossOptions::default() };
    let shape = InputShape::Picture { channels: 3, size: 8 };
    let other = Network::new(&model, shape, 1, Seed::root(2), &Device::flex()).unwrap();
    let picture: Tensor<4> = Tensor::ones([1, 3, 8, 8], &Device::flex());
    let features = |network: &Network| network.features(Input::Pictures(picture.clone())).into_data();
    assert_ne!(features(&other), features(&trained));
    assert_eq!(features(&other.with_pretrained(&pretrained).unwrap()), features(&trained));
}

#[test]
fn the_digest_is_of_the_weights_and_not_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let network = Published::ResNet18;
    let tensors = filled(network);
    let digest = |name: &str, bytes: Vec<u8>| {
        Pretrained::read(network, &written(folder.path(), name, &bytes)).unwrap().digest().to_owned()
    };
    let plain = digest("a.safetensors", safetensors(&tensors));
    assert_eq!(plain.len(), 64);
    assert_eq!(plain, digest("a.pth", legacy_pth(&tensors, &[])));
    let parallel =
        tensors.iter().map(|(name, shape, values)| (format!("module.{name}"), shape.clone(), values.clone()));
    assert_eq!(plain, digest("b.safetensors", safetensors(&parallel.collect::<Vec<_>>())));
    let bare: Vec<Given> = tensors.iter().filter(|(name, ..)| !names::is_known_surplus(name)).cloned().collect();
    assert_eq!(plain, digest("c.safetensors", safetensors(&bare)));
    let mut changed = tensors;
    changed[0].2[0] += 1.0;
    let other = digest("d.safetensors", safetensors(&changed));
    assert_ne!(plain, other);
    let recorded = WeightsFile { path: folder.path().join("d.safetensors"), digest: Some(plain.clone()) };
    assert_eq!(
        refusal(network, folder.path(), &recorded),
        format!(
            "the weights d.safetensors are not those that were recorded: digest {plain} recorded, {other} found; use \
             the same weights, or take `digest` out of the backbone"
        )
    );
}

#[test]
fn old_densenet_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let renamed = |name: &String| {
        let mut name = name.clone();
        for part in ["norm1", "norm2", "conv1", "conv2"] {
            if name.contains("denselayer") {
                name = name.replace(part, &format!("{}.{}", &part[..4], &part[4..]));
            }
        }
        name
    };
    let tensors = filled(Published::DenseNet121);
    let old: Vec<Given> =
        tensors.iter().map(|(name, shape, values)| (renamed(name), shape.clone(), values.clone())).collect();
    assert!(old.iter().any(|(name, ..)| name == "features.denseblock1.denselayer1.norm.1.weight"));
    let read = |name: &str, tensors: &[Given]| {
        Pretrained::read(Published::DenseNet121, &written(folder.path(), name, &safetensors(tensors))).unwrap()
    };
    assert_eq!(read("old", &old).digest(), read("new", &tensors).digest());
}

#[test]
fn a_pickle_that_calls_something_is_refused_and_not_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    let touched = folder.path().join("touched");
    let call = call_of_system(&format!("touch {}", touched.display()));
    let entry = [text("x"), call.clone()].concat();
    let beside_weights = legacy_pth(&filled(Published::ResNet18), &entry);
    for bytes in [pickle(&call), pickle(&[b"}(", &entry[..], b"u"].concat()), beside_weights] {
        let file = written(folder.path(), "evil.pth", &bytes);
        assert_eq!(
            refusal(Published::ResNet18, folder.path(), &file),
            "evil.pth is not taken: loading it in Python would call or name `posix.system`, which no weights need; \
             nothing of it was executed; get the weights from where they were published"
        );
    }
    assert!(!touched.exists());
}

#[test]
fn what_holds_no_weights_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let network = Published::ResNet18;
    let says = |file: &WeightsFile| refusal(network, folder.path(), file);
    assert_eq!(
        says(&given(folder.path().join("none.pth"))),
        "there are no weights at none.pth; check the path, which counts from the project root"
    );
    fs::create_dir(folder.path().join("weights")).unwrap();
    assert_eq!(
        says(&given(folder.path().join("weights"))),
        "weights is a folder; name the .pth or .safetensors file that holds the weights"
    );
    for text in ["", "version https://git-lfs.github.com/spec/v1\n", "cposix\nsystem\n."] {
        assert_eq!(
            says(&written(folder.path(), "a.pth", text.as_bytes())),
            "a.pth holds no weights: it begins neither as a PyTorch file nor as safetensors; fetch the file again"
        );
    }
    let tensors = filled(network);
    for (whole, format) in [(safetensors(&tensors), "safetensors file"), (legacy_pth(&tensors, &[]), "PyTorch file")] {
        for kept in [whole.len() - 5, whole.len() / 2, 400] {
            let message = says(&written(folder.path(), "torn", &whole[..kept]));
            assert!(message.starts_with(&format!("torn is a torn or damaged {format}: ")), "{message}");
            assert!(message.ends_with("; fetch the file again"), "{message}");
        }
    }
}

#[test]
fn another_networks_weights_are_told_by_name_and_others_by_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let says = |network: Published, tensors: &[Given]| {
        refusal(network, folder.path(), &written(folder.path(), "a", &safetensors(tensors)))
    };
    assert_eq!(
        says(Published::ResNet34, &filled(Published::ResNet18)),
        "a does not hold the weights of resnet34: they are those of resnet18; use resnet18(...) as the backbone, or \
         another file"
    );
    let mut changed: Vec<Given> =
        filled(Published::ResNet18).into_iter().filter(|(name, ..)| !name.starts_with("layer4.1.bn")).collect();
    changed.push(("gate.weight".to_owned(), vec![2], vec![1.0, 2.0]));
    let first = changed.iter_mut().find(|(name, ..)| name == "bn1.weight").unwrap();
    (first.1, first.2) = (vec![1], vec![1.0]);
    assert_eq!(
        says(Published::ResNet18, &changed),
        "a does not hold the weights of resnet18: 8 tensors missing (layer4.1.bn1.bias, layer4.1.bn1.running_mean, \
         layer4.1.bn1.running_var and 5 more), 1 tensor surplus (gate.weight), 1 tensor of another shape (bn1.weight \
         has shape [1] in place of [64]); use a file of this network"
    );
}
