"""A browser for each test; at its end the console must be clean and no request may have left the server.

Starting Chromium takes seconds, so browsers are kept for the next test, emptied of what they remember.
"""

import pathlib

import pytest

from page import Page, forget, start_browser


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    setattr(item, "report_" + report.when, report)


@pytest.fixture(scope="session")
def browsers(tmp_path_factory):
    """(language, driver) of browsers that nobody uses."""
    idle = []

    def take(language):
        for entry in idle:
            if entry[0] == language:
                idle.remove(entry)
                return entry[1]
        return start_browser(tmp_path_factory.mktemp("chromium"), language)
    take.idle = idle
    yield take
    for _, driver in idle:
        driver.quit()


@pytest.fixture
def new_page(stack, browsers, build_dir, request):
    """new_page(language=…, at=stack): another browser."""
    opened = []

    def make(language="en", at=None):
        page = Page(browsers(language), at or stack)
        opened.append((language, page))
        return page
    yield make
    failed = getattr(request.node, "report_call", None) and request.node.report_call.failed
    complaints = []
    for number, (language, page) in enumerate(opened):
        if failed:
            picture = pathlib.Path(build_dir) / f"browser-{request.node.name}-{number}.png"
            page.driver.save_screenshot(str(picture))
            print(f"what the browser showed: {picture}")
            print("\n".join(page.violations()))
            page.driver.quit()
            continue
        complaints += page.violations() + page.strangers()
        forget(page.driver, page.stack.url)
        browsers.idle.append((language, page.driver))
    assert not complaints, complaints


@pytest.fixture
def page(new_page):
    """A browser in English."""
    return new_page()
