// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

// The device's judgement of its sensor, applied to samples on the desk, see tocsin/source_health.h.

#include <tocsin/source_health.h>

#include "common.hpp"

namespace tocsin
{

namespace
{

struct Change {
	enum tocsin_source_condition condition;
	bool begins;
	std::uint64_t index; // the condition's first frame, or the first after it
	std::uint64_t seen;  // frames that had to be looked at
};

class Health
{
      public:
	Health(std::uint32_t channels, std::uint32_t sample_rate, std::uint32_t stuck_ms,
	       std::uint32_t rails_permille, std::uint32_t span_frames)
	{
		struct tocsin_source_health_config cfg = tocsin_source_health_config_at(
			channels, sample_rate, stuck_ms, rails_permille);

		if (span_frames != 0) { // a recording that is shorter than a second
			cfg.span_frames = span_frames;
		}
		if (tocsin_source_health_init(&health_, &cfg) != 0) {
			throw nb::value_error("channels, the rate or a limit is out of range, see "
					      "tocsin/source_health.h");
		}
	}

	// Frame by frame, so that the cut into pieces makes no difference.
	nb::list push(std::uint64_t index, const Input<std::int16_t, 2> &samples)
	{
		const std::size_t channels = health_.cfg.channels;
		std::vector<Change> changes;

		if (samples.shape(1) != channels) {
			throw nb::value_error("samples must have the shape (n, channels)");
		}
		{
			nb::gil_scoped_release release;
			Exclusive use(busy_);

			for (std::size_t i = 0; i < samples.shape(0); i++) {
				look(index + i, samples.data() + i * channels, changes);
			}
		}

		nb::list out;

		for (const Change &change : changes) {
			out.append(nb::make_tuple(tocsin_source_condition_name(change.condition),
						  change.begins, change.index, change.seen));
		}
		return out;
	}

	const char *condition() const
	{
		return tocsin_source_condition_name(condition_);
	}

	std::uint32_t stuck_frames() const
	{
		return health_.cfg.stuck_frames;
	}

      private:
	void look(std::uint64_t index, const std::int16_t *frame, std::vector<Change> &changes)
	{
		std::uint64_t since = index;
		enum tocsin_source_condition now =
			tocsin_source_health_push(&health_, index, frame, 1, &since);

		if (now == condition_) {
			return;
		}
		if (condition_ != TOCSIN_SOURCE_OK) {
			changes.push_back({condition_, false, index, index + 1});
		}
		if (now != TOCSIN_SOURCE_OK) {
			changes.push_back({now, true, since, index + 1});
		}
		condition_ = now;
	}

	struct tocsin_source_health health_;
	enum tocsin_source_condition condition_ = TOCSIN_SOURCE_OK;
	std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
};

} // namespace

void bind_health(nb::module_ &m)
{
	using namespace nb::literals;

	m.attr("STUCK_MS") = TOCSIN_SENSOR_STUCK_MS;
	m.attr("RAILS_PERMILLE") = TOCSIN_SENSOR_RAILS_PERMILLE;
	nb::class_<Health>(m, "Health", "Whether samples can be those of a sensor that works.")
		.def(nb::init<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t,
			      std::uint32_t>(),
		     nb::kw_only(), "channels"_a, "sample_rate"_a,
		     "stuck_ms"_a = TOCSIN_SENSOR_STUCK_MS,
		     "rails_permille"_a = TOCSIN_SENSOR_RAILS_PERMILLE, "span_frames"_a = 0)
		.def("push", &Health::push, "index"_a, "samples"_a,
		     "Changes: (condition, begins, index, frames seen).")
		.def_prop_ro("condition", &Health::condition)
		.def_prop_ro("stuck_frames", &Health::stuck_frames);
}

} // namespace tocsin
