"""A report in Markdown as one HTML file that needs nothing beside it: its figures are inside."""

import base64
import html
import re
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt

STYLE = """
:root { color-scheme: light dark; --line: #8884; --faint: #8881; }
body { font: 16px/1.55 system-ui, sans-serif; margin: 0 auto; padding: 1.5rem; max-width: 76rem; }
h1, h2, h3 { line-height: 1.25; }
h2 { margin-top: 2.2rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
p, li { max-width: 50rem; }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .7rem; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
th { border-bottom-width: 2px; }
td { white-space: nowrap; }
td.long { white-space: normal; min-width: 16rem; }
code { background: var(--faint); padding: .05rem .3rem; border-radius: .2rem; }
pre { background: var(--faint); padding: .8rem; overflow-x: auto; }
pre code { background: none; padding: 0; }
img { display: block; max-width: 100%; height: auto; background: #fff; padding: .5rem; box-sizing: border-box; }
summary { cursor: pointer; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  img, table { break-inside: avoid; }
  td { white-space: normal; }
}
"""
LONG_CELL = 60  # characters from which a cell may wrap
IMAGE = re.compile(r'<img src="([^"]+)"')
CELL = re.compile(r"<td>(.*?)</td>")


def as_page(markdown: str, title: str, folder: Path, refresh_seconds: int | None = None) -> str:
    """The page. folder: what the addresses of images are relative to. Raises OSError for an image that is not there.

    refresh_seconds: after so many the browser shall read it again; None: never.
    """
    refresh = f'<meta http-equiv="refresh" content="{refresh_seconds}">\n' if refresh_seconds else ""
    body = MarkdownIt("commonmark").enable("table").render(markdown)
    body = IMAGE.sub(lambda found: f'<img src="{_inside(folder / unquote(html.unescape(found[1])))}"', body)
    body = CELL.sub(lambda found: f'<td class="long">{found[1]}</td>' if len(found[1]) > LONG_CELL else found[0], body)
    body = body.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"{refresh}<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def _inside(image: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(image.read_bytes()).decode()}"
