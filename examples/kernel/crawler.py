"""A concurrent web crawler, and a site for it to crawl.

    python3 -m kernel examples/kernel/crawler.py                      crawls a site of 200 pages that it serves itself
    python3 -m kernel examples/kernel/crawler.py http://127.0.0.1:8000/

It follows every link within the site, and gets each page once; several workers get pages at the same time. It prints
each page's status, size and path, and at the end the broken links. It never leaves the host that it began at.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

from kernel import Queue, Stream, TaskGroup, now, open_connection, serve, timeout

LARGEST = 2_000_000  # bytes of a page
PATIENCE = 10.0  # seconds for a page


class Links(HTMLParser):
    """Collects the targets of a page's links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attributes if name == "href" and value]


@dataclass
class Page:
    """The result for a URL: the page's status, size and links, or the error."""

    url: str
    status: int = 0
    size: int = 0
    error: str = ""
    links: list[str] = field(default_factory=list)


async def fetch(url: str) -> Page:
    """Get one page over a connection of its own."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        async with timeout(PATIENCE):
            async with await open_connection(parts.hostname, parts.port or (443 if tls else 80), ssl=tls or None) as stream:
                await stream.write_all(f"GET {path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
                head = (await stream.read_until(b"\r\n\r\n")).decode("latin-1")
                body = await stream.read_all(LARGEST)
    except (OSError, EOFError, ValueError) as error:
        return Page(url, error=str(error) or type(error).__name__)
    page = Page(url, int(head.split()[1]), len(body))
    links = Links()
    if "content-type: text/html" in head.lower():
        links.feed(body.decode(errors="replace"))
    page.links = [urldefrag(urljoin(url, link)).url for link in links.found]
    return page


class Crawl:
    """The pages that were got, and a queue of those that are still to be got."""

    def __init__(self, start: str, workers: int, most: int) -> None:
        self.site = urlsplit(start)[:2]
        self.workers = workers
        self.most = most
        self.pages: dict[str, Page] = {}
        self.referrers = {start: "(the start)"}
        self._left: Queue[str] = Queue()
        self._left.put_nowait(start)

    async def run(self) -> None:
        """Get pages until no new ones are found."""
        async with TaskGroup() as group:
            for number in range(self.workers):
                await group.spawn(self._work(), name=f"worker {number}")
            await self._left.join()
            self._left.close()

    async def _work(self) -> None:
        async for url in self._left:
            page = self.pages[url] = await fetch(url)
            print(f"{page.status or 'ERR':>4} {page.size:>8} {urlsplit(url).path} {page.error}".rstrip(), flush=True)
            for link in page.links:
                if link not in self.referrers and urlsplit(link)[:2] == self.site and len(self.referrers) < self.most:
                    self.referrers[link] = url
                    self._left.put_nowait(link)
            self._left.task_done()

    def broken(self) -> list[Page]:
        return [page for page in self.pages.values() if page.status != 200]


class Site:
    """A web site of numbered pages, each with links to others. Page 13 also links to a page that does not exist."""

    def __init__(self, size: int) -> None:
        self.size = size

    def page(self, path: str) -> tuple[str, str]:
        number = int(path.strip("/") or "0") if path.strip("/").isdigit() or path == "/" else -1
        if not 0 <= number < self.size:
            return "404 Not Found", f"<p>There is no {escape(path)}."
        links = {(number * 7 + 1) % self.size, (number * 3 + 2) % self.size, (number + 1) % self.size}
        lines = [f'<li><a href="/{link}#part">page {link}</a>' for link in sorted(links)]
        if number == 13:
            lines.append('<li><a href="/missing">nowhere</a><li><a href="http://elsewhere.invalid/">elsewhere</a>')
        return "200 OK", f"<title>Page {number}</title>\n" + "\n".join(lines)

    async def handle(self, stream: Stream) -> None:
        request = await stream.read_until(b"\r\n\r\n")
        status, body = self.page(request.split()[1].decode("latin-1"))
        head = f"HTTP/1.0 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
        await stream.write_all((head + body).encode())


async def crawl(start: str, workers: int, most: int) -> None:
    time = await now()
    crawl = Crawl(start, workers, most)
    await crawl.run()
    for page in crawl.broken():
        print(f"broken: {page.url} ({page.error or page.status}), linked from {crawl.referrers[page.url]}")
    print(f"{len(crawl.pages)} pages in {await now() - time:.2f} s, {len(crawl.broken())} broken", file=sys.stderr)


async def main() -> None:
    parser = argparse.ArgumentParser(description="Crawl a web site.")
    parser.add_argument("url", nargs="?", help="where to begin; without, a site of its own")
    parser.add_argument("--workers", type=int, default=10, help="pages at a time (default: %(default)s)")
    parser.add_argument("--most", type=int, default=10_000, help="pages at most (default: %(default)s)")
    parser.add_argument("--pages", type=int, default=200, help="of its own site (default: %(default)s)")
    options = parser.parse_args()
    if options.url is not None:
        if urlsplit(options.url).scheme not in ("http", "https") or not urlsplit(options.url).hostname:
            parser.error(f"{options.url!r} is no http or https URL")
        await crawl(options.url, options.workers, options.most)
        return
    async with await serve(Site(options.pages).handle, "127.0.0.1", 0) as server:
        await crawl(f"http://127.0.0.1:{server.port}/", options.workers, options.most)
