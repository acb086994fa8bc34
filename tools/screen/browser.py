# SPDX-License-Identifier: Apache-2.0
"""A real Chromium, as people, and those without a mouse, use it."""

import pathlib
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome import service
from selenium.webdriver.common import by
from selenium.webdriver.remote import webelement
from selenium.webdriver.support import wait

from kvm_insight.api import session

Driver = webdriver.Chrome
WIDE, NARROW = (1366, 900), (360, 740)


def started(folder: pathlib.Path) -> Driver:
    """Return a browser that keeps what it has in a folder."""
    options = webdriver.ChromeOptions()
    options.binary_location = '/usr/bin/chromium'
    for word in (
        '--headless=new',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--disable-background-networking',
        '--no-first-run',
        '--hide-scrollbars',
        f'--user-data-dir={folder}',
    ):
        options.add_argument(word)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    driver = webdriver.Chrome(
        options, service.Service('/usr/bin/chromedriver')
    )
    driver.set_page_load_timeout(30)
    driver.set_script_timeout(30)
    return driver


class Browser:
    """Looks at one site."""

    def __init__(self, driver: Driver, url: str) -> None:
        """Nobody is logged in."""
        self.driver = driver
        self.url = url

    def forget(self) -> None:
        """Be nobody again."""
        self.say('Network.clearBrowserCookies')

    def become(self, token: str) -> None:
        """Be somebody, as after a login."""
        self.forget()
        self.say(
            'Network.setCookie',
            name=session.COOKIE,
            value=token,
            url=self.url,
            httpOnly=True,
            sameSite='Strict',
        )

    def look(self, path: str, *, dark: bool = False, size: Any = WIDE) -> None:
        """Open a page."""
        self.mode(dark=dark, size=size)
        self.driver.get(self.url + path)

    def mode(self, *, dark: bool = False, size: Any = WIDE) -> None:
        """Be a screen of this size, light or dark."""
        scheme = 'dark' if dark else 'light'
        self.say(
            'Emulation.setEmulatedMedia',
            features=[{'name': 'prefers-color-scheme', 'value': scheme}],
        )
        self.say(
            'Emulation.setDeviceMetricsOverride',
            width=size[0],
            height=size[1],
            deviceScaleFactor=1,
            mobile=False,
        )

    def say(self, word: str, **more: Any) -> Any:
        """Say something in the words of its own protocol."""
        return self.driver.execute_cdp_cmd(word, more)

    def run(self, script: str, *words: Any) -> Any:
        """Return what a script returns."""
        return self.driver.execute_script(script, *words)

    def wait(self, script: str, timeout_s: float = 10.0) -> None:
        """Wait until a script returns something."""
        wait.WebDriverWait(self.driver, timeout_s, 0.05).until(
            lambda _: self.run(script)
        )

    def one(self, selector: str) -> webelement.WebElement:
        """Return the one element that is like that."""
        return self.driver.find_element(by.By.CSS_SELECTOR, selector)

    def press(self, *words: str) -> None:
        """Press keys, wherever the focus is."""
        for word in words:
            self.driver.switch_to.active_element.send_keys(word)

    def trouble(self) -> list[str]:
        """Return what the console said since it was asked last."""
        found = self.driver.get_log('browser')  # type: ignore[no-untyped-call]
        return [
            f'{one["level"]}: {one["message"]}'
            for one in found
            if one['level'] in ('SEVERE', 'WARNING')
        ]

    def shot(self, path: pathlib.Path) -> None:
        """Keep a picture of the whole page."""
        size = self.run(
            'return [innerWidth, document.documentElement.scrollHeight]'
        )
        self.say(
            'Emulation.setDeviceMetricsOverride',
            width=size[0],
            height=min(size[1], 6000),
            deviceScaleFactor=1,
            mobile=False,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(path))
