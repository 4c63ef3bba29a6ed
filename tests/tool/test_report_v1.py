# SPDX-License-Identifier: MIT
"""The report says when a call was sealed in the first variant of encryption.
The demo's own calls never are, so its data are changed."""
import json
import os
import re
import shutil
import subprocess
import unittest

from helper import Case, run

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DATA = re.compile(r'(<script type="application/json" id="data">)(.*?)'
                  r"(</script>)", re.S)


class ReportV1(Case):
    def setUp(self):
        super().setUp()
        self.browser = next(filter(None, map(shutil.which, BROWSERS)), None)
        if not self.browser:
            self.skipTest("no Chromium")
        self.out = self.path("report")
        done = run("demo", "--seconds", "3", "--out", self.out)
        self.assertEqual(done.returncode, 0, done.stderr)

    def key_card(self, *old_ends):
        """What the page says of the key, if these ends used V1."""
        path = os.path.join(self.out, "report.html")
        with open(path, encoding="utf-8") as f:
            html = f.read()
        report = json.loads(DATA.search(html).group(2))
        for side in report["sides"]:
            self.assertIs(side["stats"]["encryption_v1"], False)
            side["stats"]["encryption_v1"] = side["name"] in old_ends
        data = json.dumps(report).replace("<", "\\u003c")
        changed = os.path.join(self.out, "changed.html")
        with open(changed, "w", encoding="utf-8") as f:
            f.write(DATA.sub(lambda m: m[1] + data + m[3], html))
        done = subprocess.run(
            [self.browser, "--headless", "--no-sandbox", "--disable-gpu",
             f"--user-data-dir={self.path('profile')}",
             "--virtual-time-budget=3000", "--dump-dom", "file://" + changed],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=90)
        card = re.search(r'<section class="card key".*?</section>',
                         done.stdout, re.S)
        self.assertIsNotNone(card, done.stderr[-2000:])
        return card[0]

    def test_report_warns_of_the_first_variant_of_encryption(self):
        self.assertNotIn("V1", self.key_card())
        for ends, words in ((("callee",), "the packets of the callee."),
                            (("caller", "callee"),
                             "the packets of the caller and the callee.")):
            card = self.key_card(*ends)
            self.assertIn("first variant of encryption (V1)", card)
            self.assertIn(words, card)


if __name__ == "__main__":
    unittest.main()
