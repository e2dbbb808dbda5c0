"""Links that lead nowhere are found, within a site and to others."""

import http.server
import threading

import pytest

from kwslib.errors import InputError
from kwslib.site import link_check


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def elsewhere():
    """Another site, whose pages answer with the number that they are called by."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def site(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "_static").mkdir()
    (tmp_path / "a file.txt").write_text("")
    (tmp_path / "_static" / "part.html").write_text('<a href="nowhere">')
    (tmp_path / "index.html").write_text('<a href="book/page.html#end">')
    return tmp_path


def write_page(site, *addresses):
    anchors = "".join(f'<a href="{address}">' for address in addresses)
    (site / "book" / "page.html").write_text(f'{anchors}<p id="end">')


def test_what_is_there_is_not_told(site):
    write_page(site, "#end", "page.html", "../index.html?q=1", "../a%20file.txt", "data:,", "#end")
    assert link_check.broken_inside(site) == []


@pytest.mark.parametrize("address", ["nowhere.html", "#nowhere", "../index.html#nowhere", "../_x/"])
def test_what_is_missing_is_told_with_its_page(site, address):
    write_page(site, address)
    assert link_check.broken_inside(site) == [f"book/page.html: {address}"]


def test_other_sites_are_asked_once_each(site, elsewhere):
    write_page(site, f"{elsewhere}/200#a", f"{elsewhere}/404", f"{elsewhere}/403", "#end")
    assert len(link_check.external(site)) == 3
    (line,) = link_check.broken_outside(site)
    assert line == f"{elsewhere}/404: answers 404 (in book/page.html)"


def test_a_site_that_does_not_answer_is_told(site):
    write_page(site, "http://127.0.0.1:1/")
    (line,) = link_check.broken_outside(site)
    assert "refused" in line


def test_the_command_tells_by_its_exit_code(site, capsys):
    write_page(site, "nowhere.html")
    assert link_check.main(site, []) == 1
    assert capsys.readouterr().out == "book/page.html: nowhere.html\n"
    assert link_check.main(site, [link_check.EXTERNAL_OPTION]) == 0
    with pytest.raises(InputError, match="make report"):
        link_check.main(site / "book", [])
