#!/bin/sh
# Builds the image of a program as custom_build() wants it: image.sh PROGRAM.
set -eu
CGO_ENABLED=0 go build -o ".bin/$1/program" "./$1"
exec docker build --quiet --build-arg "BASE=$TILT_IMAGE_0" --tag "$EXPECTED_REF" --file Dockerfile ".bin/$1"
