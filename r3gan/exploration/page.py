"""Sections as one HTML file that needs nothing beside it: its pictures are inside."""

import base64
import html
import struct
from collections.abc import Sequence

from r3gan.exploration.parts import Part, Picture, Table, Text

STYLE = """
:root { color-scheme: light dark; --line: #8884; }
body { font: 16px/1.55 system-ui, sans-serif; margin: 0 auto; padding: 1.5rem; max-width: 76rem; }
h1, h2 { line-height: 1.25; }
h2 { margin-top: 2.2rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
p { max-width: 50rem; }
figure { display: inline-block; vertical-align: top; margin: 1rem 1.5rem 1rem 0; max-width: 100%; }
img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; }
figcaption { max-width: 35rem; font-size: .9rem; padding-top: .3rem; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .7rem; text-align: left; border-bottom: 1px solid var(--line); }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } figure, table { break-inside: avoid; } }
"""


def page_of(title: str, introduction: str, sections: Sequence[tuple[str, Sequence[Part]]]) -> str:
    """The whole file, of sections with their titles."""
    body = [f"<h1>{html.escape(title)}</h1>", _html(Text(introduction))]
    for heading, parts in sections:
        body += [f"<h2>{html.escape(heading)}</h2>", *map(_html, parts)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _html(part: Part) -> str:
    if isinstance(part, Text):
        return f"<p>{html.escape(part.text)}</p>"
    if isinstance(part, Table):
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in part.head)
        rows = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in part.rows]
        return f"<table>\n<tr>{head}</tr>\n" + "\n".join(f"<tr>{row}</tr>" for row in rows) + "\n</table>"
    caption, width = html.escape(part.caption), width_of(part) * part.zoom
    source = f"data:image/png;base64,{base64.b64encode(part.png).decode()}"
    return f'<figure><img src="{source}" width="{width}" alt="{caption}">\n<figcaption>{caption}</figcaption></figure>'


def width_of(picture: Picture) -> int:
    """In pixels, from the header of the PNG."""
    return int(struct.unpack(">I", picture.png[16:20])[0])
