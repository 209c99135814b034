"""The page as a person uses it: Chromium without a window, explicit waits, no sleeps."""

import contextlib
import json
import urllib.parse

from selenium import webdriver
from selenium.common.exceptions import ElementClickInterceptedException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 60  # seconds; a limit for a hang, not an expectation

# Chromium talks to nobody but the page's server.
_ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
              "--disable-background-networking", "--disable-component-update", "--disable-extensions",
              "--disable-sync", "--disable-default-apps", "--metrics-recording-only", "--no-pings",
              "--disable-features=Translate,OptimizationHints,MediaRouter", "--hide-scrollbars",
              "--force-prefers-reduced-motion", "--disable-software-rasterizer",
              "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


def start_browser(profile, language="en", size=(1280, 900), trace=None):
    """trace: categories of Chromium's tracing, kept in the performance log."""
    options = webdriver.ChromeOptions()
    for argument in _ARGUMENTS + [f"--user-data-dir={profile}", f"--lang={language}",
                                  f"--window-size={size[0]},{size[1]}"]:
        options.add_argument(argument)
    options.binary_location = "/usr/bin/chromium"
    options.add_experimental_option("prefs", {"intl.accept_languages": language})
    if trace:
        options.add_experimental_option("perfLoggingPrefs", {"traceCategories": trace})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


def forget(driver, url):
    """As if it had never been here: what it stores, what it has logged, what it emulates."""
    driver.get("about:blank")
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "all"})
    driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    for log in ("browser", "performance"):
        driver.get_log(log)


class Page:
    """One browser at one address of the page."""

    def __init__(self, driver, stack):
        self.driver = driver
        self.stack = stack
        self.user = None
        self._console = []
        self._requests = []
        self._sent = []

    # --- looking --------------------------------------------------------------------------------------

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def wait(self, condition, what=""):
        """condition(): polled until it is true; its value."""
        def ready(_):
            with contextlib.suppress(StaleElementReferenceException):
                return condition()
            return False
        return WebDriverWait(self.driver, PATIENCE, 0.2).until(ready, what)

    def one(self, css):
        """The first such element that is shown, waited for."""
        return self.wait(lambda: next((e for e in self.all(css) if e.is_displayed()), None), f"no {css}")

    def gone(self, css):
        self.wait(lambda: not self.all(css), f"{css} is still there")

    def text(self, css="main"):
        return self.wait(lambda: self.one(css).text)

    def texts(self, css):
        return self.wait(lambda: [e.text for e in self.all(css)] or None, f"no {css}")

    def wait_text(self, text, css="body"):
        self.wait(lambda: any(text in e.text for e in self.all(css)), f"no {text!r} in {css}")

    # --- doing ----------------------------------------------------------------------------------------

    def click(self, css, containing=""):
        """Clicks as a person does: when the element is shown, enabled and not covered."""
        def done():
            for element in self.all(css):
                if containing in element.text and element.is_displayed() and element.is_enabled():
                    try:
                        element.click()
                        return True
                    except ElementClickInterceptedException:  # under the bar at the top: a person scrolls
                        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
            return False
        self.wait(done, f"cannot click {css} {containing!r}")

    def type(self, css, text):
        field = self.one(css)
        field.clear()
        field.send_keys(text)

    def press(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)

    def paste(self, css, text):
        """Pastes text into a field, as from a spreadsheet."""
        self.driver.execute_script(
            "const data = new DataTransfer(); data.setData('text', arguments[1]); arguments[0].focus();"
            "arguments[0].dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}))",
            self.one(css), text)

    def open(self, path="/"):
        address = self.stack.url + "/#" + path
        self.driver.get(address)
        return self

    def sign_in(self, user):
        """technician, lead or admin, through the form."""
        self.one("[name=user]")
        self.type("[name=user]", user)
        self.type("[name=password]", self.stack.password(user) + Keys.ENTER)
        self.one(".topbar")
        self.user = user
        return self

    def resume(self, user):
        """Signed in by the session that the stack has already: nginx limits how often an address may sign in."""
        client = self.stack.client(user)
        name, _, value = client.cookie.partition("=")
        self.driver.get(self.stack.url + "/favicon.svg")
        self.driver.add_cookie({"name": name, "value": value, "path": "/", "httpOnly": True, "sameSite": "Strict"})
        self.user = user
        return self.open()

    def sign_out(self):
        self.click(".menu > button")
        self.click("#sign-out")
        self.one("[name=user]")

    def fetch(self, method, path, body=None, headers=None):
        """What a person could force from the browser's console: {status, body}."""
        return self.driver.execute_async_script(
            "const [method, path, body, headers, done] = arguments;"
            "fetch('/api/v1/migration' + path, {method, headers: {'X-Requested-With': 'desk-migration', 'Content-Type': 'application/json', ...headers},"
            " body: body === null ? undefined : JSON.stringify(body)})"
            ".then(async (r) => done({status: r.status, body: await r.json().catch(() => null)}), (e) => done({status: 0, body: String(e)}))",
            method, path, body, headers or {})

    def drop(self, css, *paths):
        """Files let go over an element, as from the desktop."""
        box = self.one(css).rect
        at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2,
              "data": {"items": [], "files": [str(p) for p in paths], "dragOperationsMask": 1}}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.driver.execute_cdp_cmd("Input.dispatchDragEvent", {"type": kind, **at})

    def choose(self, css, *paths):
        """Files chosen in the browser's own dialog."""
        self.wait(lambda: self.all(css), f"no {css}")
        self.all(css)[0].send_keys("\n".join(str(p) for p in paths))

    def line(self, up=-1, offline=False):
        """The line to the server: bytes a second upwards (-1: as fast as it can), or none at all."""
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {
            "offline": offline, "latency": 0 if up < 0 else 5, "downloadThroughput": -1, "uploadThroughput": up})

    def emulate(self, width=None, dark=None):
        if width:
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500})
        if dark is not None:
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
                "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})

    # --- judging --------------------------------------------------------------------------------------

    def _collect(self):
        self._console += self.driver.get_log("browser")
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self._sent.append(message["params"]["request"])
                self._requests.append(message["params"]["request"]["url"])

    def violations(self):
        """What the console says against the page: exceptions and refused content; not answers that are problems."""
        self._collect()
        return [e["message"] for e in self._console
                if e["level"] == "SEVERE" and "Failed to load resource" not in e["message"]]

    def requests(self, method, part):
        """(address, headers) of what was asked with this method of addresses with this part."""
        self._collect()
        return [(r["url"], r["headers"]) for r in self._sent if r["method"] == method and part in r["url"]]

    def strangers(self):
        """Requests that left the page's own server."""
        self._collect()
        own = urllib.parse.urlsplit(self.stack.url).netloc
        return sorted({u for u in self._requests
                       if urllib.parse.urlsplit(u).scheme in ("http", "https", "ws", "wss")
                       and urllib.parse.urlsplit(u).netloc != own})
