# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

set(SUPPORTED_EMU_PLATFORMS qemu)
set(QEMU_CPU_TYPE_${ARCH} cortex-m4)
set(QEMU_FLAGS_${ARCH}
  -cpu ${QEMU_CPU_TYPE_${ARCH}}
  -machine mps2-an386
  -nographic
  -vga none
)
# The console is the first serial port; the link, uart1, is a TCP port that a host may connect to at any time. Test suites
# and applications without a link have nobody to connect. Twister runs several at once, which cannot share a port.
if(CONFIG_TOCSIN_LINK_UART AND NOT CONFIG_ZTEST)
  list(APPEND QEMU_EXTRA_FLAGS -serial tcp:127.0.0.1:4444,server=on,wait=off)
else()
  list(APPEND QEMU_EXTRA_FLAGS -serial null)
endif()
board_set_debugger_ifnset(qemu)
