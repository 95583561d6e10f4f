// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

// Scores of one recording through modules/decide: the alarms that they raise.

#include <cmath>
#include <cstdint>
#include <string>

#include "common.hpp"

namespace tocsin
{

namespace
{

struct Alarm {
	std::int64_t windows[3]; // begin, decided, last
	float peak;
};

// A window is a sample here: begins and ends come back as numbers of windows.
nb::tuple alarms(const Input<float, 1> &scores, std::uint32_t smooth, std::uint32_t min_windows,
		 float threshold_on, float threshold_off)
{
	const struct tocsin_decide_config cfg = {smooth, min_windows, threshold_on, threshold_off};
	struct tocsin_decide decide;
	Memory memory(tocsin_decide_needed_size(&cfg));
	std::vector<Alarm> found;
	std::size_t bad = scores.shape(0);

	if (tocsin_decide_init(&decide, &cfg, memory.data(), memory.size()) != 0) {
		throw nb::value_error("the decision is out of range, see tocsin/decide.h");
	}
	{
		nb::gil_scoped_release release;
		DefaultFloat standard;

		for (std::size_t i = 0; i < scores.shape(0); i++) {
			struct tocsin_decide_event event;

			if (!std::isfinite(scores.data()[i])) {
				bad = i;
				break;
			}
			(void)tocsin_decide_push(&decide, i, i + 1, scores.data()[i], nullptr,
						 &event);
			if (event.kind == TOCSIN_DECIDE_BEGIN) {
				found.push_back({{std::int64_t(event.begin), std::int64_t(i),
						  std::int64_t(event.end) - 1},
						 event.peak});
			} else if (event.kind == TOCSIN_DECIDE_END) {
				found.back().windows[2] = std::int64_t(event.end) - 1;
				found.back().peak = event.peak;
			}
		}
		if (tocsin_decide_active(&decide)) { // the recording ended first
			found.back().windows[2] = std::int64_t(decide.end) - 1;
			found.back().peak = decide.peak;
		}
	}
	if (bad != scores.shape(0)) {
		std::string text = "score " + std::to_string(bad) + " is not a finite number";
		throw nb::value_error(text.c_str());
	}

	Buffer<std::int64_t> windows(3 * found.size());
	Buffer<float> peaks(found.size());

	for (std::size_t i = 0; i < found.size(); i++) {
		std::memcpy(windows.data() + 3 * i, found[i].windows, sizeof(found[i].windows));
		peaks.data()[i] = found[i].peak;
	}
	return nb::make_tuple(windows.release(found.size(), std::size_t(3)),
			      peaks.release(found.size()));
}

} // namespace

void bind_decide(nb::module_ &m)
{
	using namespace nb::literals;

	m.def("alarms", &alarms, "scores"_a, "smooth"_a, "min_windows"_a, "threshold_on"_a,
	      "threshold_off"_a,
	      "Alarms of a recording: windows (begin, decided, last) of each, and peaks.");
}

} // namespace tocsin
