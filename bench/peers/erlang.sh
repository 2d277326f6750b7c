#!/bin/sh
# erlang.sh - runs erlang_items.beam, which is beside it: ITEM PARAMETER ROUNDS
exec erl +S 1:1 +sbwt none -noinput -pa "$(dirname "$0")" \
	-eval "erlang_items:main([\"$1\", \"$2\", \"$3\"])"
