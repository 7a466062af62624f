//! A chart in pixels, with the fonts that the program carries: the same bytes on every machine.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use super::Chart;

/// Pixels of the picture for one of the chart: sharp on paper and on fine screens.
const SCALE: f32 = 2.0;

/// What draws charts; it holds the fonts.
pub(crate) struct Raster {
    options: Options<'static>,
}

impl Raster {
    pub(crate) fn new() -> Self {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(ttf_noto_sans::REGULAR.to_vec());
        fonts.load_font_data(ttf_noto_sans::BOLD.to_vec());
        fonts.set_sans_serif_family("Noto Sans");
        let options = Options {
            font_family: "Noto Sans".to_owned(),
            fontdb: Arc::new(fonts),
            // Nothing is read from outside.
            resources_dir: None,
            ..Options::default()
        };
        Self { options }
    }

    /// As PNG.
    pub(crate) fn png(&self, chart: &Chart) -> Vec<u8> {
        let tree = Tree::from_str(&chart.file(), &self.options).expect("a chart is written as valid SVG");
        let size = tree.size().to_int_size().scale_by(SCALE).expect("a chart has a size");
        let mut pixels = Pixmap::new(size.width(), size.height()).expect("a chart has a size");
        resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
        pixels.encode_png().expect("writing to memory does not fail")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, Frame, Size};
    use super::*;

    #[test]
    fn a_chart_is_drawn_with_its_text_and_the_same_every_time() {
        let mut frame = Frame::new("a", "A title", Size::PANEL, Axis::share("x"), Axis::share("y"));
        frame.line("mean", &[(0.0, 0.0), (1.0, 1.0)]);
        let chart = frame.finish();
        let raster = Raster::new();
        let png = raster.png(&chart);
        assert_eq!(png, Raster::new().png(&chart));
        let picture = image::load_from_memory(&png).expect("it is a PNG").into_rgb8();
        assert_eq!(picture.dimensions(), (700, 540));
        let dark = |x: std::ops::Range<u32>, y: std::ops::Range<u32>| {
            x.flat_map(|x| y.clone().map(move |y| (x, y))).filter(|&(x, y)| picture.get_pixel(x, y).0[0] < 120).count()
        };
        assert!(dark(0..200, 0..40) > 200, "the title is drawn: {}", dark(0..200, 0..40));
        assert!(dark(300..500, 100..400) > 200, "the line is drawn");
    }
}
