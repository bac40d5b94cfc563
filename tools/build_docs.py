"""Build the documentation site into a directory, and check what its pages refer to. Called by tools/docs.

Sphinx sees that links between pages and to their headings lead somewhere. What it does not see is checked in the
finished pages: links into pages that other programs have written (the reference, the index), and that no page
loads anything from elsewhere.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
FIRST_PAGE = "docs/index.html"
TO_THE_FIRST_PAGE = f"""<!doctype html>
<meta charset="utf-8">
<title>concurrent_collections</title>
<meta http-equiv="refresh" content="0; url={FIRST_PAGE}">
<a href="{FIRST_PAGE}">concurrent_collections</a>
"""


class Page(HTMLParser):
    """What a page has: places that links can lead to, links, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.places.update(value for name in ("id", "name") if (value := values.get(name)))
        if tag == "a" and (link := values.get("href")):
            self.links.append(link)
        if tag in LOADS and (file := values.get(LOADS[tag])):
            self.loads.append(file)


def complaints_about(site: Path) -> Iterator[str]:
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    if site / FIRST_PAGE not in pages:
        yield f"there is no {FIRST_PAGE}"
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        for file in page.loads:
            if urlsplit(file).netloc:
                yield f"{name} loads {file} from elsewhere"
        for link in [*page.links, *page.loads]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                yield f"{name} links to {link}: there is no such file"
                continue
            place = unquote(parts.fragment)
            if place and target in pages and place not in pages[target].places:
                yield f"{name} links to {link}: the page has no such place"


def main() -> int:
    if importlib.util.find_spec("sphinx") is None:
        print("there is no Sphinx in this environment: tools/bootstrap installs it")
        return 1
    build, notebooks = (Path(path).resolve() for path in sys.argv[1:])
    site = build / "html"
    shutil.rmtree(build, ignore_errors=True)  # the reference follows from more than Sphinx looks at
    build.mkdir(parents=True)
    command = [
        sys.executable,
        "-P",
        "-B",
        "-m",
        "sphinx",
        "-b",
        "html",
        "-j1",
        "-q",
        "-W",
        "--keep-going",
    ]
    command += [f"-Dnotebooks_run={notebooks}"]
    command += ["-c", ROOT / "docs", "-d", build / "doctrees", ROOT, site]
    # Outside the tree: there the source of the package would be found before what is installed.
    failed = subprocess.run(list(map(str, command)), cwd=build.parent).returncode
    (site / "index.html").write_text(TO_THE_FIRST_PAGE)
    complaints = list(complaints_about(site)) if not failed else ["Sphinx has complained"]
    print("".join(f"{complaint}\n" for complaint in complaints), end="")
    pages = len(list(site.rglob("*.html")))
    print(f"the site is {site / 'index.html'}")
    print(f"{pages if not complaints else 0} passed, {len(complaints)} failed")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
