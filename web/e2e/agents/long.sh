#!/bin/sh
# An agent that prints as many lines as its argument says, every thousandth an error in red, and changes a file.
awk -v n="${1:-50000}" 'BEGIN {
  for (i = 1; i <= n; i++)
    if (i % 1000 == 0) printf "\033[31merror\033[0m: step %d failed\n", i
    else printf "line %d: compiled module %d of the long build, all well\n", i, (i * 7) % 977
}'
date >> built.txt
