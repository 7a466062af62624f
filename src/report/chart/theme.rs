//! What the classes of marks look like.
//!
//! One accent and one contrast, a blue and an orange that people with any of the common colour deficiencies tell apart; a
//! sequence from pale to accent for ranks. Everything else is ink of three strengths.

/// What stands for the colours.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Paint {
    /// CSS variables.
    Variables,
    /// The colours of the light theme.
    Light,
}

/// Name, colour on white, colour on dark.
const COLOURS: [(&str, &str, &str); 12] = [
    ("paper", "#ffffff", "#15181c"),
    ("ink", "#1d2126", "#e4e7ea"),
    ("muted", "#5d6670", "#9aa4af"),
    ("grid", "#e6e9ec", "#2a3037"),
    ("axis", "#b4bbc2", "#4b545e"),
    ("accent", "#1f5fae", "#74b0f7"),
    ("contrast", "#c4600c", "#f0a050"),
    ("rank0", "#cfd6dd", "#3a424b"),
    ("rank1", "#a9bfda", "#425a78"),
    ("rank2", "#7ba0cc", "#4b79ab"),
    ("rank3", "#4a7fbe", "#5f97d6"),
    ("rank4", "#1f5fae", "#8fc2ff"),
];

/// `$name` stands for a colour.
const RULES: &str = "\
.paper{fill:$paper}\
.chart text,.t{fill:$muted;font-family:'Noto Sans',system-ui,sans-serif;font-size:11px}\
.chart .ttl,.ttl{fill:$ink;font-size:12.5px;font-weight:bold}\
.chart .ink,.ink{fill:$ink}\
.chart .halo,.halo{fill:$ink;stroke:$paper;stroke-width:3px;paint-order:stroke}\
.chart .acc,.acc{fill:$accent}\
.chart .con,.con{fill:$contrast}\
.chart .on,.on{fill:$paper}\
.chart .strong,.strong{fill:$accent;font-weight:bold}\
.grid{stroke:$grid;stroke-width:1}\
.axis{stroke:$axis;stroke-width:1}\
.ref{stroke:$axis;stroke-width:1;stroke-dasharray:3 3;fill:none}\
.mean{stroke:$accent;stroke-width:2.2;fill:none;stroke-linejoin:round;stroke-linecap:round}\
.mean2{stroke:$contrast;stroke-width:2.2;fill:none;stroke-linejoin:round;stroke-linecap:round}\
.one{stroke:$muted;stroke-width:1;stroke-opacity:.45;fill:none;stroke-linejoin:round}\
.one1{stroke:$accent;stroke-width:1;stroke-opacity:.4;fill:none;stroke-linejoin:round}\
.one2{stroke:$contrast;stroke-width:1;stroke-opacity:.4;fill:none;stroke-linejoin:round}\
.dots{stroke:$muted;stroke-width:4;stroke-opacity:.55;stroke-linecap:round;fill:none}\
.dots1{stroke:$accent;stroke-width:6;stroke-opacity:.75;stroke-linecap:round;fill:none}\
.dots2{stroke:$contrast;stroke-width:6;stroke-opacity:.8;stroke-linecap:round;fill:none}\
.cross{stroke:$contrast;stroke-width:1.4;fill:none}\
.fill1{fill:$accent}\
.fill2{fill:$contrast}\
.soft{fill:$accent;fill-opacity:.14}\
.area1{fill:$accent;fill-opacity:.35;stroke:$accent;stroke-width:1.2}\
.area2{fill:$contrast;fill-opacity:.3;stroke:$contrast;stroke-width:1.2}\
.bar{fill:$accent}\
.track{fill:$grid}\
.phase{fill:$grid;fill-opacity:.55}\
.r0,.r1,.r2,.r3,.r4{fill:none;stroke-linejoin:round}\
.r0{stroke:$rank0;stroke-width:.8}.r1{stroke:$rank1;stroke-width:.8}.r2{stroke:$rank2;stroke-width:.9}\
.r3{stroke:$rank3;stroke-width:1.1}.r4{stroke:$rank4;stroke-width:1.5}";

/// The rules of all marks.
pub(crate) fn rules(paint: Paint) -> String {
    COLOURS.iter().fold(RULES.to_owned(), |rules, (name, light, _)| match paint {
        Paint::Variables => rules.replace(&format!("${name}"), &format!("var(--{name})")),
        Paint::Light => rules.replace(&format!("${name}"), light),
    })
}

/// The definitions of the variables, light or dark.
pub(crate) fn variables(dark: bool) -> String {
    COLOURS.iter().map(|(name, light, night)| format!("--{name}:{};", if dark { night } else { light })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_of_the_rules_is_defined() {
        for paint in [Paint::Variables, Paint::Light] {
            assert!(!rules(paint).contains('$'), "{}", rules(paint));
        }
        assert!(rules(Paint::Variables).contains(".bar{fill:var(--accent)}"));
        assert!(rules(Paint::Light).contains(".bar{fill:#1f5fae}"));
        assert!(variables(true).starts_with("--paper:#15181c;--ink:"));
    }
}
