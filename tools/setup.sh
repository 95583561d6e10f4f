#!/bin/sh
# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# Prepares the Python environment, and with it the compiled features, from whatever the machine has. Asks nothing:
# what is missing is installed where this is Debian (or its kin) and we are root or have sudo, otherwise named.
set -eu
PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}

missing=""
need() { # need PACKAGE COMMAND...: the package is missing where the command fails
	package=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing $package"
}

has_header() { echo "#include <$1>" | gcc -x c -E - ; }
# cmocka.h wants these four before it.
has_cmocka() { printf '#include <stdarg.h>\n#include <stddef.h>\n#include <setjmp.h>\n#include <stdint.h>\n#include <cmocka.h>\n' | gcc -x c -E - ; }
has_picolibc_cxx() { test -n "$(find /usr/lib/picolibc/arm-none-eabi -name 'libstdc++.a' -print -quit)"; }
has_python_header() {
	"$PYTHON" -c 'import os, sysconfig, sys
sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))'
}

need python3 "$PYTHON" --version
need python3-venv "$PYTHON" -c 'import venv, ensurepip'
need python3-dev has_python_header
need gcc command -v gcc
need libc6-dev has_header stdint.h
need g++ command -v g++
need git command -v git
need cmake command -v cmake
need ninja-build command -v ninja
need libcmocka-dev has_cmocka

# The firmware's tools, only where there is a Zephyr workspace to build it with.
if [ -n "$("$PYTHON" tools/workspace.py --quiet 2>/dev/null || :)" ]; then
	if [ -z "$("$PYTHON" tools/workspace.py --sdk 2>/dev/null || :)" ]; then
		need gcc-arm-none-eabi command -v arm-none-eabi-gcc
		need picolibc-arm-none-eabi test -e /usr/lib/picolibc/arm-none-eabi
		need libstdc++-arm-none-eabi-picolibc has_picolibc_cxx
	fi
	need qemu-system-arm command -v qemu-system-arm
	need device-tree-compiler command -v dtc
	need gperf command -v gperf
	need ccache command -v ccache
fi

if [ -n "$missing" ]; then
	sudo=""
	[ "$(id -u)" = 0 ] || sudo="sudo -n"
	if ! command -v apt-get >/dev/null 2>&1 || { [ -n "$sudo" ] && ! $sudo true 2>/dev/null; }; then
		echo "tocsin: please install (Debian's names):$missing" >&2
		exit 1
	fi
	echo "tocsin: installing$missing"
	log=$(mktemp)
	if ! { $sudo apt-get update && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y \
		--no-install-recommends $missing; } >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		echo "tocsin: could not install:$missing" >&2
		exit 1
	fi
	rm -f "$log"
fi

if [ ! -x "$VENV/bin/python" ]; then
	echo "tocsin: making $VENV"
	"$PYTHON" -m venv "$VENV"
	"$VENV/bin/python" -m pip install --quiet --upgrade pip
fi
echo "tocsin: installing the Python package and what it needs into $VENV (the first time takes a minute or two)"
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -e './training[test,dev,docs,firmware]'
