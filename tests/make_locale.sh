#!/bin/sh
# make_locale.sh <folder>: compiles de_DE.UTF-8, which writes 1.5 as "1,5", into the folder. Where the system has no
# locale sources the folder stays empty, and the tests that set this locale say that they skip.
set -eu
folder=$1
mkdir -p "$folder"
[ -d "$folder/de_DE.UTF-8" ] && exit 0
if [ ! -f /usr/share/i18n/locales/de_DE ] || ! command -v localedef >/dev/null; then
  echo "no sources for de_DE.UTF-8 (Debian: apt-get install locales)"
  exit 0
fi
localedef --no-archive -i de_DE -f UTF-8 "$folder/de_DE.UTF-8" ||
  [ -f "$folder/de_DE.UTF-8/LC_NUMERIC" ] # localedef warns about other categories with a non-zero status
