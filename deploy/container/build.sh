#!/usr/bin/env bash
# Builds the images mpic-agent and mpic-coordinator with buildah, and tries them.
#
#   deploy/container/build.sh          build both
#   deploy/container/build.sh --try    then run both, read-only and without any capability, against a
#                                      signed DNS tree in a network of their own (needs root)
#
# What it takes from the environment:
#   BASE           the base image (docker.io/library/debian:bookworm-slim); --bootstrap makes one,
#                  localhost/bookworm, by mmdebstrap, where no registry can be reached
#   TAG            the images' tag (the project's version)
#   STORE          more for buildah and podman, such as "--root DIR --runroot DIR"
#   BUILD_OPTIONS  more for `buildah build`, such as "--isolation chroot"
#   RUN_OPTIONS    more for `podman run`
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() { sed -n '2,15s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
tag=${TAG:-$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)}
read -ra store <<<"${STORE:-}"
read -ra options <<<"${BUILD_OPTIONS:-}"

bootstrap() {
    local directory
    directory=$(mktemp -d)
    mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$directory/rootfs.tar"
    printf 'FROM scratch\nADD rootfs.tar /\n' >"$directory/Containerfile"
    buildah "${store[@]}" build "${options[@]}" -t localhost/bookworm "$directory"
    rm -r "$directory"
    BASE=localhost/bookworm
}

build() {
    buildah "${store[@]}" build "${options[@]}" --format docker --layers --target "$1" \
        --build-arg "BASE=${BASE:-docker.io/library/debian:bookworm-slim}" \
        -t "localhost/mpic-$1:$tag" -f deploy/container/Containerfile .
}

try=
for argument in "$@"; do
    case $argument in
        --bootstrap) bootstrap ;;
        --try) try=yes ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
build agent
build coordinator
[ -z "$try" ] || MPIC_TEST_IMAGES=$tag tests/run.sh tests/deploy/test_images.py
