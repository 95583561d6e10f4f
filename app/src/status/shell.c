/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdarg.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/shell/shell.h>

#include <tocsin/link_uart.h>
#include <tocsin/source_faulty.h>
#include <tocsin/source_synthetic.h>

#include "bundles/bundles.h"
#include "host/recorder.h"
#include "measure/decimal.h"
#include "measure/load.h"
#include "measure/stats.h"
#include "measure/stopwatch.h"
#include "messages/channels.h"
#include "messages/control_inbox.h"
#include "pipeline/pipeline.h"
#include "sensor/sensor.h"
#include "sensor/sources.h"
#include "status/report.h"

static const char *const kinds[] = {
	[0] = "none",
	[TOCSIN_SCORE_KMEANS] = "k-means",
	[TOCSIN_SCORE_GMM] = "gaussian mixture",
	[TOCSIN_SCORE_MAHALANOBIS] = "mahalanobis",
	[TOCSIN_SCORE_NEIGHBOURS] = "neighbours",
	[TOCSIN_SCORE_AUTOENCODER] = "autoencoder",
	[TOCSIN_SCORE_NETWORK] = "network",
	[TOCSIN_SCORE_COMBINED] = "combined",
};

/*
 * The shell is above the features, so that it answers while they are overloaded. A page of text at
 * once could then keep them away for longer than the ring has room: after each line it sleeps, and
 * so takes a ninth of the processor at most.
 */
static void give_way(uint32_t cycles)
{
	k_sleep(K_CYC(8 * cycles));
}

static __printf_like(2, 3) void print(const struct shell *sh, const char *format, ...)
{
	const uint32_t start = k_cycle_get_32();
	va_list args;

	va_start(args, format);
	shell_vfprintf(sh, SHELL_NORMAL, format, args);
	va_end(args);
	shell_fprintf(sh, SHELL_NORMAL, "\n");
	give_way(k_cycle_get_32() - start);
}

static void print_source(const struct shell *sh)
{
	const struct stream_state *state = zbus_chan_const_msg(&stream_chan);

	if (!state->run) {
		print(sh, "source: none");
	} else if (state->replay) {
		print(sh, "source: replay, a desk's recording; the sensor is off, `tocsin abort` "
			  "turns it on");
	} else {
		print(sh, "source: live, %s", sources_live()->name);
	}
}

static void print_detector(const struct shell *sh)
{
	struct pipeline_bundle bundle;

	if (pipeline_describe(&bundle) != 0) {
		print(sh, "bundle: none runs");
		return;
	}
	print(sh, "bundle: %08x, %u bytes, %s, %u Hz x %u, %u values a window", bundle.crc,
	      bundle.size, kinds[bundle.kind], bundle.sample_rate, bundle.channels, bundle.dim);
	print(sh, "pool: %zu of %d bytes", pipeline.plan.total, PLAN_MOST);
}

static void print_decision(const struct shell *sh)
{
	const struct tocsin_decide_config *decide = &pipeline.bundle.decide;
	const struct report_latest latest = report_latest_get();

	if (!pipeline.ready) {
		return;
	}
	print(sh, "alarm: %s, score %s", latest.active ? "ON" : "off", SCORE(latest.smoothed));
	print(sh, "threshold: from %s on, over below %s, mean of %u windows",
	      SCORE(decide->threshold_on), SCORE(decide->threshold_off), decide->smooth);
}

static void print_desk(const struct shell *sh)
{
	print(sh, "desk: %s, %s", recorder_is_wanted() ? "records" : "records nothing",
	      bundles_uploading() ? "uploads a bundle" : "uploads nothing");
}

static void print_counters(const struct shell *sh)
{
	struct tocsin_link_stats link;

	for (int i = 0; i < STATS_COUNTERS; i++) {
		print(sh, "%s: %u", stats_counter_name((enum stats_counter)i),
		      stats_get((enum stats_counter)i));
	}
	tocsin_link_stats_get(&link);
	print(sh, "link: received %u, bad %u, missed %u, full %u, sent %u, unsent %u",
	      link.received, link.bad, link.missed, link.full, link.sent, link.unsent);
	for (int i = 0; i < STATS_STAGES; i++) {
		const struct stats_time time = stats_time_get((enum stats_stage)i);

		print(sh, "time %s: %u runs, min %u, mean %u, max %u us, %u late",
		      stats_stage_name((enum stats_stage)i), time.count, stopwatch_us(time.min),
		      stopwatch_us(time.mean), stopwatch_us(time.max), time.misses);
	}
}

static void print_sensor(const struct shell *sh)
{
	const struct stream_state *state = zbus_chan_const_msg(&stream_chan);
	struct sensor_state sensor;

	sensor_get(&sensor);
	if (!state->run || state->replay) {
		print(sh, "sensor: off");
	} else if (sensor.condition == TOCSIN_SOURCE_OK) {
		print(sh, "sensor: OK");
	} else {
		print(sh, "sensor: %s since sample %s",
		      tocsin_source_condition_name(sensor.condition), DECIMAL(sensor.since));
	}
	print(sh, "sensor: %u faults, %u restarts, %u.%03u Hz measured", sensor.faults,
	      sensor.restarts, sensor.rate_millihertz / 1000, sensor.rate_millihertz % 1000);
}

static void print_stream(const struct shell *sh)
{
	const struct stats_stream stream = stats_stream_get();

	print(sh, "frames: %s in %s, %s slept through", DECIMAL(stream.frames),
	      TIME(stream.elapsed_us, USEC_PER_SEC), DECIMAL(stream.slept));
	print(sh, "ring: %u of %u frames, at most %u, windows are skipped above %u", stream.fill,
	      stream.capacity, stream.fill_max, pipeline.high_water);
}

static void print_thread(const struct load_thread *thread, void *user_data)
{
	print(user_data, "stack %s: %zu of %zu bytes used", thread->name, thread->used,
	      thread->size);
}

static void print_load(const struct shell *sh)
{
	const struct load load = load_get();

	print(sh, "load: %u.%u %% lately, %u.%u %% since the boot", load.recent / 10,
	      load.recent % 10, load.boot / 10, load.boot % 10);
	load_foreach_thread(print_thread, (void *)sh);
}

static int cmd_status(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	print_source(sh);
	print_detector(sh);
	print_decision(sh);
	print_sensor(sh);
	print_desk(sh);
	print_stream(sh);
	print_counters(sh);
	print_load(sh);
	return 0;
}

static void print_text(const struct shell *sh, const char *text, size_t size)
{
	for (size_t at = 0; at < size; at += 64) {
		const uint32_t start = k_cycle_get_32();

		shell_fprintf(sh, SHELL_NORMAL, "%.*s", (int)MIN(size - at, 64), &text[at]);
		give_way(k_cycle_get_32() - start);
	}
	print(sh, "%s", "");
}

static int cmd_bundle(const struct shell *sh, size_t argc, char **argv)
{
	struct pipeline_bundle bundle;

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	print_detector(sh);
	if (pipeline_describe(&bundle) == 0 && bundle.meta != NULL) {
		print_text(sh, bundle.meta, MIN(bundle.meta_size, 1024));
	}
	return 0;
}

#if defined(CONFIG_TOCSIN_SOURCE_REPLAY)
static int cmd_abort(const struct shell *sh, size_t argc, char **argv)
{
	const struct stream_state *state = zbus_chan_const_msg(&stream_chan);

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	if (!state->run || !state->replay) {
		shell_print(sh, "no replay runs");
		return 0;
	}
	if (control_ask(&(struct command){.kind = COMMAND_END_REPLAY}) != 0) {
		shell_error(sh, "other requests still wait: say it again");
		return -EBUSY;
	}
	shell_print(sh, "the replay is told to end");
	return 0;
}
#define ABORT                                                                                      \
	SHELL_CMD_ARG(abort, NULL, "End a desk's replay: back to the sensor", cmd_abort, 1, 0),
#else
#define ABORT
#endif

#if defined(CONFIG_TOCSIN_SOURCE_SYNTHETIC)
static int cmd_fault(const struct shell *sh, size_t argc, char **argv)
{
	const struct device *machine = DEVICE_DT_GET_ANY(tocsin_source_synthetic);

	if (argc == 2 && strcmp(argv[1], "on") == 0) {
		tocsin_source_synthetic_set_fault(machine, true);
	} else if (argc == 2 && strcmp(argv[1], "off") == 0) {
		tocsin_source_synthetic_set_fault(machine, false);
	} else if (argc == 2) {
		shell_error(sh, "say on or off");
		return -EINVAL;
	}
	shell_print(sh, "the synthetic machine is %s",
		    tocsin_source_synthetic_fault(machine) ? "failing" : "healthy");
	return 0;
}
#define FAULT                                                                                      \
	SHELL_CMD_ARG(fault, NULL, "Let the synthetic machine fail: on, off", cmd_fault, 1, 1),
#else
#define FAULT
#endif

#if defined(CONFIG_TOCSIN_SOURCE_FAULTY)
static int cmd_inject(const struct shell *sh, size_t argc, char **argv)
{
	static const char *const names[TOCSIN_SOURCE_FAULTS] = {
		[TOCSIN_SOURCE_FAULT_NONE] = "none",
		[TOCSIN_SOURCE_FAULT_DRIVER_ERROR] = "driver-error",
		[TOCSIN_SOURCE_FAULT_STALL] = "stall",
		[TOCSIN_SOURCE_FAULT_SHORT_BLOCK] = "short-block",
		[TOCSIN_SOURCE_FAULT_STUCK] = "stuck",
		[TOCSIN_SOURCE_FAULT_SATURATE] = "saturate",
		[TOCSIN_SOURCE_FAULT_ABSENT] = "absent",
	};

	ARG_UNUSED(argc);
	for (int i = 0; i < TOCSIN_SOURCE_FAULTS; i++) {
		if (strcmp(argv[1], names[i]) == 0) {
			tocsin_source_faulty_inject(DEVICE_DT_GET_ANY(tocsin_source_faulty),
						    (enum tocsin_source_fault)i);
			shell_print(sh, "injected: %s", names[i]);
			return 0;
		}
	}
	shell_error(sh, "say driver-error, stall, short-block, stuck, saturate, absent or none");
	return -EINVAL;
}
#define INJECT                                                                                     \
	SHELL_CMD_ARG(inject, NULL, "Let the sensor fail: driver-error, stall, ..., none",         \
		      cmd_inject, 2, 0),
#else
#define INJECT
#endif

SHELL_STATIC_SUBCMD_SET_CREATE(
	tocsin_commands,
	ABORT SHELL_CMD_ARG(bundle, NULL, "What runs, and its training record", cmd_bundle, 1, 0),
	FAULT INJECT SHELL_CMD_ARG(status, NULL,
				   "Source, alarm, sensor, counters, times, load and stacks",
				   cmd_status, 1, 0),
	SHELL_SUBCMD_SET_END);

/* The shell lists what there is with what it says here (CONFIG_SHELL_HELP). */
SHELL_CMD_REGISTER(
	tocsin, &tocsin_commands,
	"The detector: status, bundle, abort and more; `tocsin` alone says what each does", NULL);
