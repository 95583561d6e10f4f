# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# Short names for boards that Zephyr wants qualified. Only where the user gave no qualifier: Zephyr would append it.
if(NOT BOARD_QUALIFIERS)
  set(nrf52840dk_BOARD_ALIAS nrf52840dk/nrf52840)
  set(xiao_ble_sense_BOARD_ALIAS xiao_ble/nrf52840/sense)
  set(arduino_nano_33_ble_sense_BOARD_ALIAS arduino_nano_33_ble/nrf52840/sense)
  set(thingy53_BOARD_ALIAS thingy53/nrf5340/cpuapp)
  # The 32-bit variant would need 32-bit libraries of the host.
  set(native_sim_BOARD_ALIAS native_sim/native/64)
endif()
