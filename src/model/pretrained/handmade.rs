//! Files of weights made by hand, byte by byte.

/// A tensor: name, shape and numbers.
pub(super) type Given = (String, Vec<usize>, Vec<f32>);

/// A safetensors file.
pub(super) fn safetensors(tensors: &[Given]) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, shape, values) in tensors {
        let begin = data.len();
        data.extend(bytes(values));
        let entry = serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [begin, data.len()] });
        header.insert(name.clone(), entry);
    }
    let header = serde_json::Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data[..]].concat()
}

/// What PyTorch saved before version 1.6: pickles of a magic number, a version, the host, the state dict and the keys of
/// the storages, then the storages. `more` is pickled as another entry of the state dict: a key and a value.
pub(super) fn legacy_pth(tensors: &[Given], more: &[u8]) -> Vec<u8> {
    let magic = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19".to_vec();
    let host = [b"}(".to_vec(), text("little_endian"), b"\x88u".to_vec()].concat();
    let mut dict = b"}(".to_vec();
    for (key, (name, shape, values)) in tensors.iter().enumerate() {
        let strides: Vec<usize> = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
        dict.extend(text(name));
        dict.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        dict.extend(
            [text("storage"), b"ctorch\nFloatStorage\n".to_vec(), text(&key.to_string()), text("cpu")].concat(),
        );
        dict.extend([number(values.len()), b"tQK\x00".to_vec(), tuple(shape), tuple(&strides)].concat());
        dict.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    dict.extend(more);
    dict.extend(b"u");
    let keys = [b"](".to_vec(), (0..tensors.len()).flat_map(|key| text(&key.to_string())).collect(), b"e".to_vec()];
    let pickles = [magic, b"M\xe9\x03".to_vec(), host, dict, keys.concat()].map(|content| pickle(&content)).concat();
    let storages = tensors.iter().flat_map(|(_, _, values)| {
        let count = (values.len() as u64).to_le_bytes();
        count.into_iter().chain(bytes(values)).collect::<Vec<u8>>()
    });
    pickles.into_iter().chain(storages).collect()
}

/// A pickle of protocol 2.
pub(super) fn pickle(content: &[u8]) -> Vec<u8> {
    [b"\x80\x02", content, b"."].concat()
}

/// A call of `os.system` with a command, as pickles on Unix spell it.
pub(super) fn call_of_system(command: &str) -> Vec<u8> {
    [b"cposix\nsystem\n".to_vec(), text(command), b"\x85R".to_vec()].concat()
}

pub(super) fn text(text: &str) -> Vec<u8> {
    [b"X", &u32::try_from(text.len()).expect("a short text").to_le_bytes()[..], text.as_bytes()].concat()
}

fn number(n: usize) -> Vec<u8> {
    [b"J", &i32::try_from(n).expect("a small number").to_le_bytes()[..]].concat()
}

fn tuple(numbers: &[usize]) -> Vec<u8> {
    [b"(".to_vec(), numbers.iter().flat_map(|&n| number(n)).collect(), b"t".to_vec()].concat()
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
