// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

// The streaming pipeline for Python: memory for the stages, and pipeline.c's results as tuples.

#include <algorithm>
#include <cerrno>
#include <exception>
#include <string>

#include "common.hpp"
#include "pipeline.h"

namespace tocsin
{

namespace
{

struct Result {
	enum {
		WINDOW,
		EVENT,
		GAP
	} what;
	std::uint64_t first;
	std::uint64_t second;
	float score;    // of a window; the peak of an event
	float smoothed; // of a window
	int kind;       // of an event
	std::vector<float> vector;
};

class Pipeline
{
      public:
	Pipeline(const PyBundle &bundle, std::uint32_t block, std::uint32_t capacity,
		 bool keep_vectors, nb::object infer)
		: bundle_(bundle.data), block_(block), keep_vectors_(keep_vectors),
		  infer_(std::move(infer)),
		  samples_(tocsin_ring_needed_size(capacity, dsp().channels)),
		  dsp_memory_(tocsin_dsp_needed_size(&dsp())),
		  score_memory_(tocsin_score_needed_size(&bundle_->parsed.score)),
		  decide_memory_(tocsin_decide_needed_size(&bundle_->parsed.decide)),
		  vector_(tocsin_dsp_vector_size(&dsp()))
	{
		if (block == 0 || capacity < std::uint64_t(dsp().frame_length) + block) {
			throw nb::value_error("the ring must hold a frame and a block");
		}
		start(capacity);
	}

	nb::list push(const Input<std::int16_t, 2> &samples)
	{
		if (samples.shape(1) != dsp().channels) {
			throw nb::value_error("samples must have the shape (n, channels)");
		}
		return run([&]() {
			const std::int16_t *next = samples.data();
			std::size_t left = samples.shape(0);

			while (left > 0) {
				std::size_t count = std::min<std::size_t>(left, block_);

				tocsin_ring_write(&pipeline_.ring, next, count);
				drain();
				next += count * dsp().channels;
				left -= count;
			}
		});
	}

	nb::list skip(std::uint64_t count)
	{
		return run([&]() {
			tocsin_ring_skip(&pipeline_.ring, count);
			drain();
		});
	}

	void reset()
	{
		Exclusive use(busy_);
		DefaultFloat standard;

		start(pipeline_.ring.capacity);
	}

	bool active() const
	{
		return tocsin_decide_active(&pipeline_.decide);
	}

	std::uint64_t index() const
	{
		return tocsin_ring_write_index(&pipeline_.ring);
	}

	std::uint64_t unscored() const
	{
		return pipeline_.unscored;
	}

	std::uint32_t dropped() const
	{
		return tocsin_ring_dropped(&pipeline_.ring);
	}

      private:
	const struct tocsin_dsp_config &dsp() const
	{
		return bundle_->parsed.dsp;
	}

	void start(std::uint32_t capacity)
	{
		const auto &parsed = bundle_->parsed;
		bool network = tocsin_score_quant_of(&parsed.score) != nullptr;
		int err = tocsin_ring_init(&pipeline_.ring, capacity, dsp().channels,
					   samples_.data(), samples_.size());

		err = err != 0 ? err
			       : tocsin_dsp_init(&pipeline_.dsp, &dsp(), dsp_memory_.data(),
						 dsp_memory_.size());
		err = err != 0 ? err
			       : tocsin_score_init(&pipeline_.score, &parsed.score,
						   network ? &Pipeline::call : nullptr,
						   network ? this : nullptr, score_memory_.data(),
						   score_memory_.size());
		err = err != 0 ? err
			       : tocsin_decide_init(&pipeline_.decide, &parsed.decide,
						    decide_memory_.data(), decide_memory_.size());
		if (err != 0) {
			throw nb::value_error("a stage refused its configuration");
		}
		pipeline_.vector = vector_.data();
		pipeline_.frame_length = dsp().frame_length;
		pipeline_.hop = dsp().hop;
		pipeline_.unscored = 0;
	}

	template <typename Work> nb::list run(Work work)
	{
		std::vector<Result> results;
		std::exception_ptr failure;

		{
			nb::gil_scoped_release release;
			Exclusive use(busy_);
			DefaultFloat standard;

			results_.clear();
			failure_ = nullptr;
			work();
			results.swap(results_);
			failure.swap(failure_);
		}
		if (failure) {
			std::rethrow_exception(failure);
		}
		return to_list(results);
	}

	void drain()
	{
		static const auto window = [](void *ctx, const struct tocsin_dsp_window *w,
					      const float *vector, float score, float smoothed) {
			auto *self = static_cast<Pipeline *>(ctx);
			Result r{Result::WINDOW, w->begin, w->end, score, smoothed, 0, {}};

			if (self->keep_vectors_) {
				r.vector.assign(vector, vector + self->vector_.size());
			}
			self->results_.push_back(std::move(r));
		};
		static const auto event = [](void *ctx, const struct tocsin_decide_event *e) {
			static_cast<Pipeline *>(ctx)->results_.push_back(
				{Result::EVENT, e->begin, e->end, e->peak, 0.0F, e->kind, {}});
		};
		static const auto gap = [](void *ctx, const struct tocsin_ring_gap *g) {
			static_cast<Pipeline *>(ctx)->results_.push_back(
				{Result::GAP, g->index, g->count, 0.0F, 0.0F, 0, {}});
		};
		const struct tocsin_pipeline_sink sink = {this, window, event, gap};

		// A failing network loses its window, not the samples behind it: go on, and tell of
		// the first failure when all samples are taken.
		for (;;) {
			int err = tocsin_pipeline_drain(&pipeline_, &sink);

			if (err == 0) {
				return;
			}
			if (!failure_) {
				failure_ = std::make_exception_ptr(std::runtime_error(
					"the pipeline stopped with errno " + std::to_string(-err)));
			}
			if (err != -EIO) {
				return;
			}
		}
	}

	// The network: Python's interpreter object, called with n_in bytes, answering n_out.
	static int call(void *ctx, const std::int8_t *input, std::size_t n_in, std::int8_t *output,
			std::size_t n_out)
	{
		auto *self = static_cast<Pipeline *>(ctx);
		nb::gil_scoped_acquire acquire;

		try {
			nb::bytes out = nb::cast<nb::bytes>(self->infer_(
				nb::bytes(reinterpret_cast<const char *>(input), n_in)));

			if (out.size() != n_out) {
				throw nb::value_error("the network's output has another length");
			}
			std::memcpy(output, out.c_str(), n_out);
			return 0;
		} catch (...) {
			if (!self->failure_) {
				self->failure_ = std::current_exception();
			}
			return -EIO;
		}
	}

	nb::list to_list(const std::vector<Result> &results) const
	{
		nb::list out;

		for (const Result &r : results) {
			if (r.what == Result::WINDOW && keep_vectors_) {
				Buffer<float> vector(r.vector.size());

				std::copy(r.vector.begin(), r.vector.end(), vector.data());
				out.append(nb::make_tuple("window", r.first, r.second, r.score,
							  r.smoothed,
							  vector.release(r.vector.size())));
			} else if (r.what == Result::WINDOW) {
				out.append(nb::make_tuple("window", r.first, r.second, r.score,
							  r.smoothed, nb::none()));
			} else if (r.what == Result::EVENT) {
				out.append(nb::make_tuple(r.kind == TOCSIN_DECIDE_BEGIN ? "begin"
											: "end",
							  r.first, r.second, r.score));
			} else {
				out.append(nb::make_tuple("gap", r.first, r.second));
			}
		}
		return out;
	}

	BundlePtr bundle_;
	std::uint32_t block_;
	bool keep_vectors_;
	nb::object infer_;
	Memory samples_;
	Memory dsp_memory_;
	Memory score_memory_;
	Memory decide_memory_;
	std::vector<float> vector_;
	struct tocsin_pipeline pipeline_ = {};
	std::vector<Result> results_;
	std::exception_ptr failure_;
	std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
};

} // namespace

void bind_twin(nb::module_ &m)
{
	using namespace nb::literals;

	nb::class_<Pipeline>(m, "Pipeline", "ring → dsp → score → decide; one user at a time.")
		.def(nb::init<const PyBundle &, std::uint32_t, std::uint32_t, bool, nb::object>(),
		     "bundle"_a, nb::kw_only(), "block"_a, "capacity"_a, "keep_vectors"_a,
		     "infer"_a.none())
		.def("push", &Pipeline::push, "samples"_a)
		.def("skip", &Pipeline::skip, "count"_a)
		.def("reset", &Pipeline::reset)
		.def_prop_ro("active", &Pipeline::active)
		.def_prop_ro("index", &Pipeline::index)
		.def_prop_ro("unscored", &Pipeline::unscored)
		.def_prop_ro("dropped", &Pipeline::dropped);
}

} // namespace tocsin
