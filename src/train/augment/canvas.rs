//! A picture that is being changed.

/// A square picture `[size, size, channels]` of bytes, with room for its next state.
#[derive(Clone, Debug)]
pub(in crate::train) struct Canvas {
    pixels: Vec<u8>,
    next: Vec<u8>,
    size: usize,
    channels: usize,
}

impl Canvas {
    /// A black picture; there are 1 or 3 channels.
    pub(in crate::train) fn new(size: usize, channels: usize) -> Self {
        let black = vec![0; size * size * channels];
        Self { next: black.clone(), pixels: black, size, channels }
    }

    /// Puts another picture of the same size in its place.
    pub(in crate::train) fn load(&mut self, picture: &[u8]) {
        self.pixels.copy_from_slice(picture);
    }

    /// The bytes, row by row, pixel by pixel.
    pub(in crate::train) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    pub(super) fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// Height and width in pixels.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// Bytes of a row of pixels.
    pub(super) fn line_len(&self) -> usize {
        self.size * self.channels
    }

    /// Draws a new picture, black at first, from this one, and takes it.
    pub(super) fn redraw(&mut self, draw: impl FnOnce(&Self, &mut [u8])) {
        let mut next = std::mem::take(&mut self.next);
        next.fill(0);
        draw(self, &mut next);
        self.next = std::mem::replace(&mut self.pixels, next);
    }

    /// Replaces every byte of each channel by what its table says.
    pub(super) fn look_up(&mut self, table_of: impl Fn(usize) -> [u8; 256]) {
        for channel in 0..self.channels {
            let table = table_of(channel);
            for byte in self.pixels.iter_mut().skip(channel).step_by(self.channels) {
                *byte = table[usize::from(*byte)];
            }
        }
    }

    /// How often each byte comes in a channel.
    pub(super) fn histogram(&self, channel: usize) -> [usize; 256] {
        let mut counts = [0; 256];
        for &byte in self.pixels.iter().skip(channel).step_by(self.channels) {
            counts[usize::from(byte)] += 1;
        }
        counts
    }
}
