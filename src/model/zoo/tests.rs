#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::model::design::Design;
use crate::model::shape::Shape;

fn design(network: Published, size: usize) -> Result<Design, ModelError> {
    Design::new(&layers(network), Shape::Picture { channels: 3, height: size, width: size }, "", &[])
}

#[test]
fn features_and_parameters_are_those_that_were_published() {
    // With a classifier of 1000 classes, as the networks were published.
    let published = [
        (Published::DenseNet121, 1024, 7_978_856),
        (Published::ResNet18, 512, 11_689_512),
        (Published::ResNet34, 512, 21_797_672),
        (Published::ResNet50, 2048, 25_557_032),
        (Published::EfficientNetLite0, 1280, 4_652_008),
    ];
    for (network, features, parameters) in published {
        let design = design(network, 224).unwrap();
        assert_eq!(design.output, Shape::Vector { features: usize::try_from(features).unwrap() }, "{network}");
        let counted: u64 = design.lines.iter().map(|line| line.parameters).sum();
        assert_eq!(counted + 1000 * features + 1000, parameters, "{network}");
    }
}

#[test]
fn multiply_adds_are_those_that_torchvision_tells() {
    // In hundredths of 10^9, for one picture of 224 pixels and a classifier of 1000 classes.
    let told = [
        (Published::DenseNet121, 1024, 283),
        (Published::ResNet18, 512, 181),
        (Published::ResNet34, 512, 366),
        (Published::ResNet50, 2048, 409),
    ];
    for (network, features, hundredths) in told {
        let counted: u64 = design(network, 224).unwrap().lines.iter().map(|line| line.multiply_adds).sum();
        assert_eq!((counted + 1000 * features + 5_000_000) / 10_000_000, hundredths, "{network}");
    }
}

#[test]
fn the_least_size_is_the_least_that_leaves_a_pixel() {
    let picture = |size| InputShape::Picture { channels: 3, size };
    assert!(takes(Published::DenseNet121, picture(29)).is_ok());
    assert!(design(Published::DenseNet121, 29).is_ok());
    assert!(design(Published::DenseNet121, 28).is_err());
    assert_eq!(
        takes(Published::DenseNet121, picture(28)).unwrap_err().to_string(),
        "densenet121 takes pictures of at least 29 pixels, but these have 28; raise the size of the data"
    );
    for network in [Published::ResNet18, Published::ResNet34, Published::ResNet50, Published::EfficientNetLite0] {
        assert!(takes(network, picture(1)).is_ok());
        assert!(design(network, 1).is_ok(), "{network}");
    }
}

#[test]
fn vectors_are_refused() {
    assert_eq!(
        takes(Published::ResNet18, InputShape::Vector { width: 9 }).unwrap_err().to_string(),
        "resnet18 takes pictures, but the rows are vectors of 9 numbers; use mlp as the backbone"
    );
}
