/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * What Zephyr 4.3's driver of the ADXL345 leaves to us when it streams:
 *
 * - It wires the FIFO's watermark to a pin, but leaves its bit in INT_ENABLE clear (mended later,
 *   zephyr#100999), so no sample would ever come.
 * - It waits for an edge of that pin. Where one was missed (no buffer was free, or the bus failed),
 *   the FIFO stays full, the pin high, and no other edge comes.
 * - It sets the sensor up once. One whose cable came loose has forgotten everything, and does not
 *   even measure.
 * - It reads sample by sample, and looks at the bus's errors only with the next burst. A sample
 * that it could not read is then already handed on: as what was in the buffer before.
 *
 * So all of it is set again with each request, the rate apart, which accel_setup() sets; and it
 * gets blank buffers. Registers and bits: ADXL345 data sheet, revision G.
 */

#include "accel.h"
#include "adxl345.h" /* the driver's own, for what its buffers look like */

#define POWER_CTL   0x2D
#define INT_ENABLE  0x2E
#define INT_MAP     0x2F
#define DATA_FORMAT 0x31
#define FIFO_CTL    0x38

#define MEASURE      BIT(3)
#define WATERMARK    BIT(1)
#define RANGE_8G     2 /* as the driver sets, and its decoder takes for granted */
#define FIFO_BYPASS  0
#define FIFO_STREAM  BIT(7)
#define SAMPLES_MASK 0x1F
#define SAMPLE_BYTES 6

int accel_adxl345_rouse(const struct i2c_dt_spec *i2c, uint8_t watermark, bool int2)
{
	const uint8_t settings[][2] = {
		{FIFO_CTL, FIFO_BYPASS}, /* empties it, and the pin falls */
		{DATA_FORMAT, RANGE_8G}, {INT_MAP, int2 ? WATERMARK : 0},
		{INT_ENABLE, WATERMARK}, {FIFO_CTL, FIFO_STREAM | (watermark & SAMPLES_MASK)},
		{POWER_CTL, MEASURE},
	};
	int err = 0;

	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(settings); i++) {
		err = i2c_reg_write_byte_dt(i2c, settings[i][0], settings[i][1]);
	}
	return err;
}

bool accel_adxl345_whole(const uint8_t *buffer)
{
	const struct adxl345_fifo_data *header = (const struct adxl345_fifo_data *)buffer;
	const uint8_t *const samples = &buffer[sizeof(*header)];

	/* A sample's last byte is the upper one of z, of which 10 bits leave 0, 1, 0xFE and 0xFF.
	 */
	for (size_t end = SAMPLE_BYTES; end <= header->fifo_byte_count; end += SAMPLE_BYTES) {
		if (samples[end - 1] == ACCEL_BLANK) {
			return false;
		}
	}
	return true;
}
