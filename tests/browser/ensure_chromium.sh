#!/bin/sh
# Find or install Debian's chromium for the browser tests. Without one they skip and say so; in CI they fail.
set -u
if command -v chromium >/dev/null 2>&1; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing chromium for the browser tests"
    (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu) >/dev/null 2>&1 && exit 0
fi
echo "no chromium here and none could be installed: the browser tests will be skipped"
exit 0
