// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

// Scores of many vectors: modules/score row by row.

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "common.hpp"

namespace tocsin
{

namespace
{

constexpr std::size_t NONE = static_cast<std::size_t>(-1);

void refuse(std::size_t row)
{
	if (row != NONE) {
		std::string text =
			"vector " + std::to_string(row) + ", or its score, is not a finite number";
		throw nb::value_error(text.c_str());
	}
}

class Scorer
{
      public:
	explicit Scorer(const PyBundle &bundle)
		: bundle_(bundle.data), memory_(tocsin_score_needed_size(&cfg()))
	{
		// Many vectors go through the network at once here, between the two halves.
		if (tocsin_score_init(&score_, &cfg(), network() ? &never : nullptr, nullptr,
				      memory_.data(), memory_.size()) != 0) {
			throw nb::value_error("the model is out of range, see tocsin/score.h");
		}
	}

	Output<float, 1> score(const Input<float, 2> &vectors)
	{
		std::size_t n = check(vectors.shape(1), vectors.shape(0));
		std::size_t bad = NONE;
		Buffer<float> out(n);

		if (network()) {
			throw nb::value_error("a network is scored by its two halves");
		}
		{
			nb::gil_scoped_release release;
			Exclusive use(busy_);
			DefaultFloat standard;

			for (std::size_t i = 0; i < n && bad == NONE; i++) {
				const float *row = vectors.data() + i * cfg().dim;

				if (tocsin_score_vector(&score_, row, out.data() + i) != 0) {
					bad = i;
				}
			}
		}
		refuse(bad);
		return out.release(n);
	}

	nb::tuple begin(const Input<float, 2> &vectors)
	{
		std::size_t n = check(vectors.shape(1), vectors.shape(0));
		std::size_t dim = cfg().dim;
		std::size_t inputs = tocsin_score_inputs(&cfg());
		std::size_t bad = NONE;
		Buffer<float> x(n * dim);
		Buffer<std::int8_t> input(n * inputs);

		need_network();
		{
			nb::gil_scoped_release release;
			DefaultFloat standard;

			for (std::size_t i = 0; i < n && bad == NONE; i++) {
				if (tocsin_score_begin(&cfg(), vectors.data() + i * dim,
						       x.data() + i * dim,
						       input.data() + i * inputs) != 0) {
					bad = i;
				}
			}
		}
		refuse(bad);
		return nb::make_tuple(x.release(n, dim), input.release(n, inputs));
	}

	Output<float, 1> end(const Input<float, 2> &x, const Input<std::int8_t, 2> &output)
	{
		std::size_t n = check(x.shape(1), x.shape(0));
		std::size_t dim = cfg().dim;
		std::size_t outputs = tocsin_score_outputs(&cfg());
		std::size_t bad = NONE;
		Buffer<float> out(n);
		std::vector<float> row(dim); // used up by each score

		need_network();
		if (output.shape(0) != n || output.shape(1) != outputs) {
			throw nb::value_error("output must have the shape (n, outputs)");
		}
		{
			nb::gil_scoped_release release;
			Exclusive use(busy_);
			DefaultFloat standard;

			for (std::size_t i = 0; i < n && bad == NONE; i++) {
				std::memcpy(row.data(), x.data() + i * dim, dim * sizeof(float));
				if (tocsin_score_end(&score_, row.data(),
						     output.data() + i * outputs,
						     out.data() + i) != 0) {
					bad = i;
				}
			}
		}
		refuse(bad);
		return out.release(n);
	}

	std::size_t memory_size() const
	{
		return tocsin_score_in_place_size(&cfg());
	}

      private:
	const struct tocsin_score_config &cfg() const
	{
		return bundle_->parsed.score;
	}

	std::size_t check(std::size_t width, std::size_t rows) const
	{
		if (width != cfg().dim) {
			throw nb::value_error("vectors must have the shape (n, dim)");
		}
		return rows;
	}

	bool network() const
	{
		return tocsin_score_quant_of(&cfg()) != nullptr;
	}

	void need_network() const
	{
		if (!network()) {
			throw nb::value_error("only a network has two halves");
		}
	}

	static int never(void *, const std::int8_t *, std::size_t, std::int8_t *, std::size_t)
	{
		return -ENOSYS;
	}

	BundlePtr bundle_;
	Memory memory_;
	struct tocsin_score score_;
	std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
};

} // namespace

void bind_score(nb::module_ &m)
{
	using namespace nb::literals;

	nb::class_<Scorer>(m, "Scorer", "Scores of many vectors; one user at a time.")
		.def(nb::init<const PyBundle &>(), "bundle"_a)
		.def_prop_ro("memory_size", &Scorer::memory_size,
			     "Bytes that a device needs beside the vector.")
		.def("score", &Scorer::score, "vectors"_a)
		.def("begin", &Scorer::begin, "vectors"_a)
		.def("end", &Scorer::end, "x"_a, "output"_a);
}

} // namespace tocsin
