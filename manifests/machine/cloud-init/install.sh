#!/bin/sh
# install <list> <root>: brings each archive of the list (name, SHA-256 and address in each line) to <root>/<name>. A folder gets
# its name, which holds the hash, as the last step: it is there complete or not at all, and nothing is fetched twice.
set -eu
umask 022
list=$1 root=$2
mkdir -p "$root"
rm -rf "$root"/.draft-*
while read -r name sha256 url; do
  folder=$root/$name-$sha256
  if [ ! -d "$folder" ]; then
    draft=$(mktemp -d "$root/.draft-XXXXXX")
    curl --fail --silent --show-error --location --proto =https --proto-redir =https \
      --connect-timeout 20 --max-time 900 --output "$draft/archive" "$url"
    if ! echo "$sha256  $draft/archive" | sha256sum --check --status; then
      echo "cannot install $name: the archive is not the pinned one; check $url" >&2
      exit 1
    fi
    mkdir "$draft/content"
    tar -xzf "$draft/archive" -C "$draft/content" --strip-components=1 --no-same-owner
    chmod -R a+rX,go-w "$draft/content"
    mv "$draft/content" "$folder"
    rm -rf "$draft"
  fi
  ln -sfn "$folder" "$root/.link-$name"
  mv -T "$root/.link-$name" "$root/$name"
done <"$list"
