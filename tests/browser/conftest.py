"""A browser for each test; at its end the console must be clean and no request may have left the server."""

import pathlib

import pytest

from page import Page, start_browser


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    setattr(item, "report_" + report.when, report)


@pytest.fixture
def new_page(stack, tmp_path, build_dir, request):
    """new_page(language=…, size=…, at=stack): another browser."""
    opened = []

    def make(language="en", size=(1280, 900), at=None):
        page = Page(start_browser(tmp_path / f"chromium-{len(opened)}", language, size), at or stack)
        opened.append(page)
        return page
    yield make
    failed = getattr(request.node, "report_call", None) and request.node.report_call.failed
    complaints = []
    for number, page in enumerate(opened):
        if failed:
            picture = pathlib.Path(build_dir) / f"browser-{request.node.name}-{number}.png"
            page.driver.save_screenshot(str(picture))
            print(f"what the browser showed: {picture}")
            print("\n".join(page.violations()))
        else:
            complaints += page.violations() + page.strangers()
        page.driver.quit()
    assert not complaints, complaints


@pytest.fixture
def page(new_page):
    """A browser in English."""
    return new_page()
