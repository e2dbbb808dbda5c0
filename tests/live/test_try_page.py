"""The page "Try it" in Chromium: a fake microphone, clips, files, and all that may be missing."""

import json
import re

import browsers
import numpy as np
import pytest
from live_site import FAKE_MICROPHONE, words, write_page, write_sound

from kwslib.field.imported import Expected, read_saved
from kwslib.live.offer import DEFAULT
from kwslib.live.try_page import FRAGMENTS

READY = "document.documentElement.dataset.kwsTry === 'ready'"
STATUS = '[data-kws="status"]'
LOG = '[data-kws="log"] li'


@pytest.fixture(scope="module")
def folder(live, tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    write_page(live, folder, trials=2, beforeMs=300, speakMs=2500)
    return folder


@pytest.fixture(scope="module")
def address(folder):
    with browsers.served(folder) as address:
        yield f"{address}try.html"


@pytest.fixture(scope="module")
def microphone_browser(driver, tmp_path_factory):
    """Its microphone hears yes and no, again and again."""
    sound = write_sound(tmp_path_factory.mktemp("sound") / "words.wav", words())
    source = f"--use-file-for-fake-audio-capture={sound}"
    browser = browsers.launch(driver, *FAKE_MICROPHONE, source)
    yield browser
    browser.close()


@pytest.fixture
def opened(address):
    """Opens the page; what goes wrong in it fails the test."""
    contexts, errors = [], []

    def opened(browser, before="", at=address, **settings):
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda each: each.type == "error" and errors.append(each.text))
        page.add_init_script(before or ";")
        page.goto(at)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


def ready(page):
    page.wait_for_function(READY)
    return page


def heard(page, count=1):
    """The words of the log, once it has so many."""
    page.wait_for_function(f"document.querySelectorAll('{LOG}').length >= {count}")
    return [text.split(",")[0] for text in page.locator(LOG).all_inner_texts()]


def test_the_microphone_hears_yes_and_no(opened, microphone_browser):
    page = ready(opened(microphone_browser))
    page.click('[data-kws="microphone"]')
    words = f"Array.from(document.querySelectorAll('{LOG}'), each => each.innerText.split(',')[0])"
    page.wait_for_function(f"new Set({words}).size >= 2")  # one may be detected twice before
    assert set(heard(page)) == {"yes", "no"}
    assert re.search("Listening to your microphone.*Say “yes” or “no”", page.inner_text(STATUS))
    assert page.get_attribute('[data-kws="microphone"]', "aria-pressed") == "true"
    assert page.inner_text('[data-kws="time-features-here"]') != "–"
    assert float(page.inner_text('[data-kws="longest"]')) < 20
    page.click('[data-kws="microphone"]')
    page.wait_for_function(
        "document.querySelector('[data-kws=status]').innerText == 'Not listening.'"
    )


def test_every_clip_plays_and_the_known_words_are_detected(opened, browser, live):
    page = ready(opened(browser))
    buttons = page.locator('[data-kws="clips"] button')
    assert buttons.all_inner_texts() == [f"{clip.word}, {clip.voice}" for clip in live.clips]
    for index in (0, 1):
        buttons.nth(index).click()
        page.wait_for_function(
            f"word => document.querySelector('{LOG}')?.innerText.startsWith(word)",
            arg=live.clips[index].word,
        )
        assert f"“{live.clips[index].word}”" in page.inner_text('[data-kws="clip-name"]')
    assert page.is_visible('[data-kws="clip-mfcc"]')


def test_the_live_pictures_are_drawn(opened, browser):
    page = ready(opened(browser))
    page.locator('[data-kws="clips"] button').first.click()
    heard(page)
    page.wait_for_timeout(200)
    inked = """(canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return new Set(data.filter((_, i) => i % 4 < 3)).size;
    }"""
    for name in ("live-waveform", "live-image", "live-posteriors", "live-spectrum"):
        assert page.locator(f'[data-kws="{name}"]').evaluate(inked) > 3, name
    for name in ("waveform", "spectrum", "spectrogram", "mel", "mfcc", "image"):
        assert page.locator(f'[data-kws="clip-{name}"]').evaluate(inked) > 3, name


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (44_100, 2)])
def test_a_file_is_heard_at_any_rate(opened, browser, tmp_path, rate, channels):
    page = ready(opened(browser))
    sound = write_sound(tmp_path / "me.wav", words()[:1], 0.3, rate, channels)
    page.set_input_files('[data-kws="file"]', sound)
    assert heard(page)[0] == "yes"
    assert ("2 channels averaged" in page.inner_text(STATUS)) == (channels == 2)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no sound at all", "is no sound file that this browser can read"),
        (None, "less than 100 ms"),
    ],
)
def test_a_file_that_cannot_be_heard_says_why(opened, browser, tmp_path, data, reason):
    page = ready(opened(browser))
    path = write_sound(tmp_path / "file.wav", [np.zeros(16, np.int16)], 0.01)
    if data is not None:
        path.write_bytes(data)
    page.set_input_files('[data-kws="file"]', path)
    page.wait_for_selector(f"{STATUS}.kws-trouble")
    assert reason in page.inner_text(STATUS)
    page.locator('[data-kws="clips"] button').first.click()
    assert heard(page) == ["yes"]


def test_every_network_runs(opened, browser, live):
    page = ready(opened(browser))
    for network in live.networks:
        page.select_option('[data-kws="network"]', network.name)
        facts = network.facts()
        share = 100 * facts["accuracy"]["value"]
        told = f"{share:.1f}\N{NO-BREAK SPACE}% of the official test clips right"
        page.wait_for_function(  # what is played sooner is heard by the network before
            "told => told.every((each) =>"
            " document.querySelector('[data-kws=network-facts]').innerText.includes(each))",
            arg=[told, f"{facts['kilobytes']} kB of WebAssembly"],
        )
        assert page.locator('[data-kws="scores"] li').count() == len(network.labels)
        page.locator('[data-kws="clips"] button').first.click()
        assert heard(page)[0] == "yes"


def test_a_clip_is_recorded_and_looked_at(opened, microphone_browser):
    page = ready(opened(microphone_browser))
    page.click('[data-kws="record"]')
    page.wait_for_selector('[data-kws="clip-views"]', state="visible")
    page.wait_for_function("document.querySelector('[data-kws=clip-name]').innerText")
    assert "One second of your recording. The network takes it for" in page.inner_text(
        '[data-kws="clip-name"]'
    )
    with page.expect_download() as download:
        page.click('[data-kws="keep"]')
    assert download.value.suggested_filename == "clip.wav"


def test_a_field_test_is_counted_saved_and_imported(opened, microphone_browser, live, tmp_path):
    page = ready(opened(microphone_browser))
    page.click('[data-kws="test-start"]')
    page.wait_for_function(
        "document.querySelectorAll('[data-kws=test-marks] li:not(.kws-open)').length == 2",
        timeout=60_000,
    )
    page.wait_for_selector('[data-kws="test-save"]:enabled')
    rows = page.locator('[data-kws="test-rows"] tr').all_inner_texts()
    assert any("original report" in row and "17 of 20" in row for row in rows)
    page.fill('[data-kws="test-speaker"]', " me ")
    with page.expect_download() as download:
        page.click('[data-kws="test-save"]')
    path = tmp_path / "saved.json"
    download.value.save_as(path)
    network = live.networks[0]
    record, trials = read_saved(path, Expected(network.name, network.sha256, network.labels))
    assert sorted(trial.said for trial in trials) == ["no", "yes"]
    assert record.data["speaker"] == "me"
    assert record.subject["thresholds"] == [128, 128]
    right = sum(trial.succeeded for trial in trials)
    assert any("this test" in row and f"{right} of 2" in row for row in rows)
    page.click('[data-kws="test-again"]')
    page.wait_for_function(
        "document.querySelectorAll('[data-kws=test-marks] li.kws-open').length == 1"
    )


def test_a_refused_microphone_says_what_to_do(opened, browser):
    refuse = (
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('x', '%s'))"
    )
    for name, words_of_it in (
        ("NotAllowedError", "was refused. Allow it"),
        ("NotFoundError", "has no microphone"),
        ("NotReadableError", "another program"),
        ("OverconstrainedError", "cannot be used"),
    ):
        page = ready(opened(browser, refuse % name))
        page.click('[data-kws="microphone"]')
        page.wait_for_selector(f"{STATUS}.kws-trouble")
        assert words_of_it in page.inner_text(STATUS)


def test_chromium_itself_refuses_or_finds_no_microphone(opened, browser):
    page = ready(opened(browser))
    page.click('[data-kws="record"]')
    page.wait_for_selector(f"{STATUS}.kws-trouble")
    assert re.search("was refused|has no microphone", page.inner_text(STATUS))
    assert page.inner_text('[data-kws="record"]') == "Record my clip"
    page.click('[data-kws="test-start"]')
    page.wait_for_function("document.querySelector('[data-kws=test-prompt]').innerText")
    assert page.is_enabled('[data-kws="test-start"]')


@pytest.mark.parametrize(
    ("without", "reason"),
    [
        ("delete Navigator.prototype.mediaDevices", "lets no page use a microphone"),
        ("delete window.AudioWorkletNode", "too old to hand a page"),
    ],
)
def test_a_browser_without_what_the_microphone_needs_plays_clips(opened, browser, without, reason):
    page = ready(opened(browser, without))
    page.click('[data-kws="microphone"]')
    page.wait_for_selector(f"{STATUS}.kws-trouble")
    assert reason in page.inner_text(STATUS)
    page.locator('[data-kws="clips"] button').first.click()
    assert heard(page) == ["yes"]


def test_a_browser_without_webassembly_says_so(opened, browser):
    page = opened(browser, "delete window.WebAssembly")
    page.wait_for_selector(f"{STATUS}.kws-trouble")
    assert "runs no WebAssembly" in page.inner_text(STATUS)
    assert page.is_disabled('[data-kws="microphone"]')


def test_without_javascript_the_page_says_what_it_needs(opened, browser):
    page = opened(browser, java_script_enabled=False)
    assert "needs JavaScript" in page.inner_text("noscript p")
    assert not page.is_visible('[data-kws="microphone"]')


def test_the_page_works_as_a_file(opened, microphone_browser, folder):
    page = ready(opened(microphone_browser, at=(folder / "try.html").as_uri()))
    page.locator('[data-kws="clips"] button').nth(1).click()
    assert heard(page) == ["no"]
    page.click('[data-kws="microphone"]')
    assert heard(page)[0] in ("yes", "no")


def test_a_missing_file_of_the_site_is_told(opened, browser, live, tmp_path):
    path = write_page(live, tmp_path)
    for asset in (tmp_path / "try").glob("*-left-*.js"):
        asset.unlink()
    for asset in (tmp_path / "try").glob("tiny_conv-yes_no-w4-*.js"):
        asset.unlink()
    context = browser.new_context()
    page = context.new_page()
    page.goto(path.as_uri())
    ready(page)
    page.select_option('[data-kws="network"]', "tiny_conv-yes_no-w4")
    page.wait_for_selector(f"{STATUS}.kws-trouble")
    assert "could not be loaded" in page.inner_text(STATUS)
    context.close()


def test_files_are_named_by_what_is_in_them_and_old_ones_go(live, tmp_path):
    live.write(tmp_path)
    old = tmp_path / "try" / "old.js"
    old.write_text("")
    live.write(tmp_path)
    assert not old.exists()
    names = {path.stem for path in (tmp_path / "try").iterdir()}
    assert {each["file"] for each in live.config()["networks"]} < names


def test_the_html_names_every_part_that_the_script_asks_for(live):
    html = "".join(live.html(path.stem) for path in sorted(FRAGMENTS.glob("*.html")))
    asked = set(re.findall(r'\bpart\("([\w-]+)"\)', live.script))
    assert asked and all(f'data-kws="{name}"' in html for name in asked)


def test_everything_is_small(live):
    sizes = {name: len(text) for name, text in live.files()}
    at_once = {name: size for name, size in sizes.items() if "/page" in name or DEFAULT in name}
    assert len(at_once) >= 2 and all(size < 80 * 1024 for size in at_once.values()), sizes
    assert all(size < 300_000 for size in sizes.values()), "fetched when a reader chooses it"
    assert len(json.dumps(live.config())) < 8000
