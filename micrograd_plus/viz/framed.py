"""HTML that shows a picture everywhere, and lets it move where scripts may run: no network, no widget, no kernel."""

from __future__ import annotations

import base64
import html

from . import style

# Tells the frame's height to the page around it, and hides the still image, which is for readers without scripts.
_FIT = """
const frame = window.frameElement;
if (frame) {
  try { frame.closest('.mgp-frame').querySelector('img').style.display = 'none'; } catch (e) {}
  document.documentElement.style.overflowY = 'hidden';  // a scroll bar would take width, and so change the height
  const fit = () => {
    const bar = document.body.scrollWidth > document.body.clientWidth ? 20 : 0;  // room for a scroll bar
    frame.style.height = Math.ceil(document.body.getBoundingClientRect().height) + bar + 'px';
  };
  new ResizeObserver(fit).observe(document.body);
  fit();
}
"""


def as_image(svg: str, alt: str) -> str:
    """The SVG as an <img>: a still picture that is shown even where scripts and inline SVG are not."""
    data = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{html.escape(alt)}" style="max-width:100%" src="data:image/svg+xml;base64,{data}">'


def framed(image: str, document: str, title: str) -> str:
    """An HTML block: the still image, and the document in an <iframe>, which hides the image once it runs."""
    inside = document.replace("&", "&amp;").replace('"', "&quot;")  # all that an attribute in quotes needs
    frame = f'<iframe title="{html.escape(title)}" srcdoc="{inside}" style="width:100%;height:0;border:0"></iframe>'
    return f'<div class="mgp-frame">{image}{frame}</div>'


def page(body: str, title: str, theme: str = "auto", script: str = "", extra_css: str = "") -> str:
    """A whole HTML document that needs nothing from outside."""
    scheme = "light dark" if theme == "auto" else theme
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="{scheme}">
<meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>
<style>body{{margin:0;background:var(--ground);font-family:Helvetica,Arial,sans-serif}}svg{{max-width:100%;height:auto}}{style.css(theme)}{extra_css}</style>
</head><body class="mgp">{body}<script>{_FIT}{script}</script></body></html>"""
