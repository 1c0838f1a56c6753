#!/usr/bin/env bash
# Takes the pictures of the pages in docs/pictures/page: every part, light, dark and on a phone; `scripts/screenshots.sh PART ...` some of them.
#
# `GLEANER_SITE` is the built page, dist/ unless told otherwise (`trunk build --release`).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

site=$(realpath "${GLEANER_SITE:-dist}")
[ -f "$site/index.html" ] || {
    echo "screenshots: no page in $site: trunk build --release makes one" >&2
    exit 1
}
[ -d tests/browser/node_modules/playwright-core ] ||
    (cd tests/browser && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --silent >&2)
# Nothing is compared, so there is no reference.
GLEANER_SITE=$site GLEANER_REFERENCE=$site node tests/browser/screenshots.mjs docs/pictures/page jpeg "$@"
