//! A run as one HTML page that needs nothing beside itself.

mod comparison;
pub mod figures;
mod generated;
mod predicted;
mod repeat;
mod results;
mod run;
mod sections;

use std::fmt::Write as _;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use comparison::comparison;
pub use run::Run;
pub use sections::page;

use crate::pictures::svg::escaped;

const STYLE: &str = include_str!("page.css");

/// A page.
#[derive(Debug)]
pub struct Page {
    /// What it is of.
    pub title: String,
    /// One line below the title.
    pub lead: String,
    /// From top to bottom.
    pub sections: Vec<Section>,
}

/// A part of a page.
#[derive(Debug)]
pub struct Section {
    /// Its headline.
    pub title: &'static str,
    /// Its HTML, or why there is none.
    pub body: Result<String>,
}

impl Page {
    /// The page as HTML.
    pub fn html(&self) -> String {
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{0}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n<header><h1>{0}</h1><p>{1}</p></header>\n<main>\n",
            escaped(&self.title),
            escaped(&self.lead)
        );
        for Section { title, body } in &self.sections {
            let body = match body {
                Ok(body) => body.clone(),
                Err(why) => {
                    format!(
                        "<p class=\"missing\">Not available: {}</p>",
                        escaped(&format!("{why:#}"))
                    )
                }
            };
            let _ = writeln!(html, "<section>\n<h2>{title}</h2>\n{body}\n</section>");
        }
        html + "</main>\n</body>\n</html>\n"
    }
}

/// A picture with a caption; `alt` says what is seen to who does not see it.
fn picture(png: &[u8], alt: &str, caption: &str) -> String {
    format!(
        "<figure><img alt=\"{}\" src=\"data:image/png;base64,{}\"><figcaption>{}</figcaption></figure>",
        escaped(alt),
        STANDARD.encode(png),
        escaped(caption)
    )
}

/// A drawing with a caption. Inside a page it needs no name space, and so no address.
fn drawing(svg: &str, caption: &str) -> String {
    let svg = svg.replace(" xmlns=\"http://www.w3.org/2000/svg\"", "");
    format!(
        "<figure><div class=\"drawing\" tabindex=\"0\">{svg}</div><figcaption>{}</figcaption></figure>",
        escaped(caption)
    )
}

/// Names and values.
fn table(rows: &[(String, String)]) -> String {
    let row = |(name, value): &(String, String)| {
        format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escaped(name), escaped(value))
    };
    format!("<table class=\"facts\">\n{}</table>", rows.iter().map(row).collect::<String>())
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_page_is_whole_without_anything_from_elsewhere() {
        let page = Page {
            title: "a<b".to_owned(),
            lead: "one & two".to_owned(),
            sections: vec![
                Section {
                    title: "Drawn",
                    body: Ok(drawing(
                        &(crate::pictures::svg::open("x", [1.0, 1.0]) + "</svg>"),
                        "",
                    )),
                },
                Section { title: "Seen", body: Ok(picture(b"\x89PNG", "a \"picture\"", "of it")) },
                Section { title: "Lacking", body: Err(anyhow!("no <data>")) },
            ],
        };
        let html = page.html();
        for part in [
            "<title>a&lt;b</title>",
            "one &amp; two",
            "data:image/png;base64,iVBORw==",
            "alt=\"a &quot;picture&quot;\"",
            "Not available: no &lt;data&gt;",
            "prefers-color-scheme: dark",
        ] {
            assert!(html.contains(part), "no {part} in\n{html}");
        }
        assert!(!html.contains("http") && !html.contains("@import"), "{html}");
    }
}
