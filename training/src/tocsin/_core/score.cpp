// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

// Scores of many vectors: modules/score row by row.

#include <cerrno>
#include <string>

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
		if (cfg().kind != TOCSIN_SCORE_AUTOENCODER &&
		    tocsin_score_init(&score_, &cfg(), nullptr, nullptr, memory_.data(),
				      memory_.size()) != 0) {
			throw nb::value_error("the model is out of range, see tocsin/score.h");
		}
	}

	Output<float, 1> score(const Input<float, 2> &vectors)
	{
		std::size_t n = check(vectors.shape(1), vectors.shape(0));
		std::size_t bad = NONE;
		Buffer<float> out(n);

		if (cfg().kind == TOCSIN_SCORE_AUTOENCODER) {
			throw nb::value_error("an autoencoder is scored by its two halves");
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
		std::size_t bad = NONE;
		Buffer<float> x(n * dim);
		Buffer<std::int8_t> input(n * dim);

		need_autoencoder();
		{
			nb::gil_scoped_release release;
			DefaultFloat standard;

			for (std::size_t i = 0; i < n && bad == NONE; i++) {
				if (tocsin_score_autoencoder_begin(&cfg(), vectors.data() + i * dim,
								   x.data() + i * dim,
								   input.data() + i * dim) != 0) {
					bad = i;
				}
			}
		}
		refuse(bad);
		return nb::make_tuple(x.release(n, dim), input.release(n, dim));
	}

	Output<float, 1> end(const Input<float, 2> &x, const Input<std::int8_t, 2> &output)
	{
		std::size_t n = check(x.shape(1), x.shape(0));
		std::size_t dim = cfg().dim;
		Buffer<float> out(n);

		need_autoencoder();
		if (output.shape(0) != n || output.shape(1) != dim) {
			throw nb::value_error("x and output must have the same shape");
		}
		{
			nb::gil_scoped_release release;
			DefaultFloat standard;

			for (std::size_t i = 0; i < n; i++) {
				out.data()[i] = tocsin_score_autoencoder_end(
					&cfg(), x.data() + i * dim, output.data() + i * dim);
			}
		}
		return out.release(n);
	}

	std::size_t memory_size() const
	{
		return tocsin_score_needed_size(&cfg());
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

	void need_autoencoder() const
	{
		if (cfg().kind != TOCSIN_SCORE_AUTOENCODER) {
			throw nb::value_error("only an autoencoder has two halves");
		}
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
		.def_prop_ro("memory_size", &Scorer::memory_size, "Bytes that a device needs.")
		.def("score", &Scorer::score, "vectors"_a)
		.def("autoencoder_begin", &Scorer::begin, "vectors"_a)
		.def("autoencoder_end", &Scorer::end, "x"_a, "output"_a);
}

} // namespace tocsin
