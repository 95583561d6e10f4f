// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

// Features of whole recordings: modules/dsp over one array.

#include <algorithm>

#include <tocsin/dsp_frames.h>

#include "common.hpp"

namespace tocsin
{

namespace
{

std::vector<float> to_vector(const Input<float, 1> &array)
{
	return std::vector<float>(array.data(), array.data() + array.shape(0));
}

void make_config(PyDspConfig *self, std::uint32_t sample_rate, std::uint32_t channels, float scale,
		 std::uint32_t frame_length, std::uint32_t hop, std::uint32_t stats,
		 std::uint32_t flags, std::uint32_t n_fft, float log_floor, std::uint32_t pool,
		 std::uint32_t window_frames, std::uint32_t window_hop, Input<float, 1> window,
		 Input<float, 1> sine, Input<std::uint16_t, 2> bands, Input<float, 1> weights)
{
	if (bands.shape(1) != 2) {
		throw nb::value_error("bands must have the shape (n_bands, 2)");
	}

	auto tables = std::make_shared<PyDspConfig::Tables>();
	std::uint64_t counted = 0;

	tables->window = to_vector(window);
	tables->sine = to_vector(sine);
	tables->weights = to_vector(weights);
	for (std::size_t i = 0; i < bands.shape(0); i++) {
		tables->bands.push_back({bands(i, 0), bands(i, 1)});
		counted += bands(i, 1);
	}
	// The C check sees pointers, not lengths.
	bool spectral = !tables->bands.empty();
	if (spectral && (tables->window.size() != frame_length / 2 + 1 ||
			 tables->sine.size() != n_fft || tables->weights.size() != counted)) {
		throw nb::value_error("a table's length does not fit the configuration");
	}

	new (self) PyDspConfig{};
	self->cfg = {sample_rate,
		     channels,
		     scale,
		     frame_length,
		     hop,
		     stats,
		     flags,
		     n_fft,
		     static_cast<std::uint32_t>(tables->bands.size()),
		     log_floor,
		     pool,
		     window_frames,
		     window_hop,
		     spectral ? tables->window.data() : nullptr,
		     spectral ? tables->sine.data() : nullptr,
		     spectral ? tables->bands.data() : nullptr,
		     spectral ? tables->weights.data() : nullptr,
		     static_cast<std::uint32_t>(tables->weights.size())};
	self->tables = std::move(tables);
	if (tocsin_dsp_check(&self->cfg) != 0) {
		self->~PyDspConfig();
		throw nb::value_error("the configuration is out of range, see tocsin/dsp.h");
	}
}

Output<float, 1> copy_table(const float *values, std::size_t count)
{
	Buffer<float> out(count);

	if (count > 0) {
		std::memcpy(out.data(), values, count * sizeof(float));
	}
	return out.release(count);
}

Output<std::uint16_t, 2> copy_bands(const PyDspConfig &self)
{
	Buffer<std::uint16_t> out(2 * static_cast<std::size_t>(self.cfg.n_bands));

	for (std::uint32_t i = 0; i < self.cfg.n_bands; i++) {
		out.data()[2 * i] = self.cfg.bands[i].first;
		out.data()[2 * i + 1] = self.cfg.bands[i].count;
	}
	return out.release(self.cfg.n_bands, 2);
}

// Frames whose features are computed at once, on their way to windows: few, so that they stay in
// the processor's cache.
constexpr std::size_t kBatch = 64;

std::uint32_t checked_lanes(std::uint32_t lanes)
{
	if (lanes == 0) {
		return tocsin_dsp_lanes_best();
	}
	if (!tocsin_dsp_lanes_supported(lanes)) {
		throw nb::value_error("this processor or this build does not have that many lanes");
	}
	return lanes;
}

nb::tuple supported_lanes()
{
	nb::list lanes;

	for (std::uint32_t n = 1; n <= tocsin_dsp_lanes_best(); n++) {
		if (tocsin_dsp_lanes_supported(n)) {
			lanes.append(n);
		}
	}
	return nb::tuple(lanes);
}

class Extractor
{
      public:
	Extractor(const PyDspConfig &config, std::uint32_t lanes)
		: config_(config), lanes_(checked_lanes(lanes)),
		  memory_(tocsin_dsp_needed_size(&config.cfg)),
		  work_(tocsin_dsp_frames_needed_size(&config.cfg, lanes_), TOCSIN_DSP_LANES_ALIGN),
		  batch_(kBatch * tocsin_dsp_frame_size(&config.cfg))
	{
		int err = tocsin_dsp_init(&dsp_, &config_.cfg, memory_.data(), memory_.size());

		if (err != 0) {
			throw nb::value_error(
				"the configuration is out of range, see tocsin/dsp.h");
		}
	}

	std::uint32_t lanes() const
	{
		return lanes_;
	}

	Output<float, 2> frames(const Input<std::int16_t, 2> &samples)
	{
		std::size_t n = count_frames(samples);
		std::size_t size = tocsin_dsp_frame_size(&config_.cfg);
		Buffer<float> out(n * size);

		{
			nb::gil_scoped_release release;
			Exclusive use(busy_);
			DefaultFloat standard;

			tocsin_dsp_frames(&dsp_, lanes_, work_.data(), samples.data(), n,
					  out.data());
		}
		return out.release(n, size);
	}

	nb::tuple vectors(const Input<std::int16_t, 2> &samples)
	{
		const auto &cfg = config_.cfg;
		std::size_t n_frames = count_frames(samples);
		std::size_t n_windows =
			n_frames < cfg.window_frames
				? 0
				: (n_frames - cfg.window_frames) / cfg.window_hop + 1;
		std::size_t size = tocsin_dsp_vector_size(&config_.cfg);
		Buffer<float> out(n_windows * size);
		Buffer<std::uint64_t> spans(n_windows * 2);

		{
			nb::gil_scoped_release release;
			Exclusive use(busy_);
			DefaultFloat standard;

			// What comes after the last complete window is not wanted.
			if (n_windows > 0) {
				n_frames = (n_windows - 1) * cfg.window_hop + cfg.window_frames;
				windows(samples.data(), n_frames, out.data(), spans.data());
			}
		}
		return nb::make_tuple(out.release(n_windows, size), spans.release(n_windows, 2));
	}

      private:
	std::size_t count_frames(const Input<std::int16_t, 2> &samples) const
	{
		const auto &cfg = config_.cfg;

		if (samples.shape(1) != cfg.channels) {
			throw nb::value_error("samples must have the shape (n, channels)");
		}
		return samples.shape(0) < cfg.frame_length
			       ? 0
			       : (samples.shape(0) - cfg.frame_length) / cfg.hop + 1;
	}

	// The windows of so many frames, the last of which completes one.
	void windows(const std::int16_t *samples, std::size_t n_frames, float *vector,
		     std::uint64_t *span)
	{
		const auto &cfg = config_.cfg;
		std::size_t size = tocsin_dsp_frame_size(&cfg);
		std::size_t n_vector = tocsin_dsp_vector_size(&cfg);

		tocsin_dsp_reset(&dsp_);
		for (std::size_t i = 0; i < n_frames; i++) {
			std::uint64_t begin = static_cast<std::uint64_t>(i) * cfg.hop;
			struct tocsin_dsp_window window;

			if (i % kBatch == 0) {
				tocsin_dsp_frames(&dsp_, lanes_, work_.data(),
						  samples + begin * cfg.channels,
						  std::min(kBatch, n_frames - i), batch_.data());
			}
			if (tocsin_dsp_push_features(&dsp_, begin,
						     batch_.data() + i % kBatch * size, vector,
						     &window) == 1) {
				*span++ = window.begin;
				*span++ = window.end;
				vector += n_vector;
			}
		}
	}

	PyDspConfig config_;
	std::uint32_t lanes_;
	Memory memory_;
	Memory work_;
	std::vector<float> batch_;
	struct tocsin_dsp dsp_;
	std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
};

} // namespace

void bind_dsp(nb::module_ &m)
{
	using namespace nb::literals;

	m.attr("DSP_LANES") = supported_lanes();

	nb::class_<PyDspConfig>(m, "DspConfig",
				"A checked struct tocsin_dsp_config with its tables.")
		.def("__init__", &make_config, nb::kw_only(), "sample_rate"_a, "channels"_a,
		     "scale"_a, "frame_length"_a, "hop"_a, "stats"_a, "flags"_a, "n_fft"_a,
		     "log_floor"_a, "pool"_a, "window_frames"_a, "window_hop"_a, "window"_a,
		     "sine"_a, "bands"_a, "weights"_a)
		.def_prop_ro("sample_rate", [](const PyDspConfig &c) { return c.cfg.sample_rate; })
		.def_prop_ro("channels", [](const PyDspConfig &c) { return c.cfg.channels; })
		.def_prop_ro("scale", [](const PyDspConfig &c) { return c.cfg.scale; })
		.def_prop_ro("frame_length",
			     [](const PyDspConfig &c) { return c.cfg.frame_length; })
		.def_prop_ro("hop", [](const PyDspConfig &c) { return c.cfg.hop; })
		.def_prop_ro("stats", [](const PyDspConfig &c) { return c.cfg.stats; })
		.def_prop_ro("flags", [](const PyDspConfig &c) { return c.cfg.flags; })
		.def_prop_ro("n_fft", [](const PyDspConfig &c) { return c.cfg.n_fft; })
		.def_prop_ro("log_floor", [](const PyDspConfig &c) { return c.cfg.log_floor; })
		.def_prop_ro("pool", [](const PyDspConfig &c) { return c.cfg.pool; })
		.def_prop_ro("window_frames",
			     [](const PyDspConfig &c) { return c.cfg.window_frames; })
		.def_prop_ro("window_hop", [](const PyDspConfig &c) { return c.cfg.window_hop; })
		.def_prop_ro("n_features",
			     [](const PyDspConfig &c) { return tocsin_dsp_frame_size(&c.cfg); })
		.def_prop_ro("n_vector",
			     [](const PyDspConfig &c) { return tocsin_dsp_vector_size(&c.cfg); })
		.def_prop_ro("memory_size",
			     [](const PyDspConfig &c) { return tocsin_dsp_needed_size(&c.cfg); })
		.def_prop_ro("bands", &copy_bands, nb::rv_policy::automatic)
		.def_prop_ro(
			"weights",
			[](const PyDspConfig &c) {
				return copy_table(c.cfg.weights, c.cfg.n_weights);
			},
			nb::rv_policy::automatic)
		.def_prop_ro(
			"window",
			[](const PyDspConfig &c) {
				return copy_table(c.cfg.window,
						  c.cfg.n_bands == 0 ? 0
								     : c.cfg.frame_length / 2 + 1);
			},
			nb::rv_policy::automatic)
		.def_prop_ro(
			"sine",
			[](const PyDspConfig &c) {
				return copy_table(c.cfg.sine, c.cfg.n_bands == 0 ? 0 : c.cfg.n_fft);
			},
			nb::rv_policy::automatic);

	nb::class_<Extractor>(m, "Extractor", "Features of whole recordings; one user at a time.")
		.def(nb::init<const PyDspConfig &, std::uint32_t>(), "config"_a, "lanes"_a = 0,
		     "lanes: frames at once, one of DSP_LANES; 0 for the fastest. The features are "
		     "the same bytes.")
		.def_prop_ro("lanes", &Extractor::lanes)
		.def("frames", &Extractor::frames, "samples"_a)
		.def("vectors", &Extractor::vectors, "samples"_a);
}

} // namespace tocsin
