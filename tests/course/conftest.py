"""What tests of machines share: a page in Chromium that keeps a list of what goes wrong on it."""

import pytest
from browser import chromium, watch


@pytest.fixture(scope="module")
def page():
    """A page of its own for each file; `page.wrong` is what `watch` gives. A file with another page has its own."""
    with chromium() as browser:
        page = browser.new_page()
        page.wrong = watch(page)
        yield page
