#!/bin/sh
# Compiles the C programs of bench/ into build/bench: the generator, the sensor, and the plain libpcap tap.
set -eu
cd "$(dirname "$0")/.."
out=build/bench
mkdir -p "$out"
compile() { # compile SOURCE [LIBRARY...]
  source=$1; shift
  program=$out/$(basename "$source" .c)
  # -nt: a header of ours that changed counts as well.
  for file in "$source" bench/programs/*.h; do
    [ "$program" -nt "$file" ] && continue
    gcc -O2 -Wall -Wextra -Werror -o "$program.$$" "$source" "$@"
    # Another run may be using the old one.
    mv "$program.$$" "$program"
    return 0
  done
}
compile bench/programs/flood.c
compile bench/programs/sensor.c
compile bench/rivals/libpcap-sendto.c -lpcap
