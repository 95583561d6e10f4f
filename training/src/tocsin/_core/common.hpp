// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

// What the parts of the binding share: arrays, aligned memory, the floating-point environment.

#pragma once

#include <atomic>
#include <cfenv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

#include <tocsin/bundle.h>

namespace nb = nanobind;

namespace tocsin
{

template <typename T, std::size_t N>
using Input = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;
template <typename T, std::size_t N> using Output = nb::ndarray<nb::numpy, T, nb::ndim<N>>;

// An array on its way to NumPy. Filled without the GIL, handed over with it.
template <typename T> class Buffer
{
      public:
	explicit Buffer(std::size_t size) : data_(new T[size == 0 ? 1 : size])
	{
	}

	T *data() const
	{
		return data_.get();
	}

	template <typename... Sizes> auto release(Sizes... sizes)
	{
		T *data = data_.release();
		nb::capsule owner(data, [](void *p) noexcept { delete[] static_cast<T *>(p); });

		return Output<T, sizeof...(sizes)>(data, {static_cast<std::size_t>(sizes)...},
						   owner);
	}

      private:
	std::unique_ptr<T[]> data_;
};

// Zeroed memory, aligned as a bundle and as every stage's working memory need it, or more.
class Memory
{
      public:
	explicit Memory(std::size_t size, std::size_t align = TOCSIN_BUNDLE_ALIGN)
		: size_(size == 0 ? 1 : size),
		  data_(::operator new(size_, std::align_val_t(align)), Free{align})
	{
		std::memset(data_.get(), 0, size_);
	}

	void *data() const
	{
		return data_.get();
	}

	std::size_t size() const
	{
		return size_;
	}

      private:
	struct Free {
		std::size_t align;

		void operator()(void *p) const
		{
			::operator delete(p, std::align_val_t(align));
		}
	};

	std::size_t size_;
	std::unique_ptr<void, Free> data_;
};

// Round to nearest, subnormal numbers kept: what the microcontroller does. Other libraries in the
// same process (TensorFlow, anything built with -ffast-math) may have set the thread otherwise, and
// it is given back to them as it was.
class DefaultFloat
{
      public:
	DefaultFloat()
	{
#if defined(__x86_64__) || defined(_M_X64)
		saved_ = _mm_getcsr();
		_mm_setcsr(0x1f80);
#elif defined(__aarch64__)
		std::uint64_t standard = 0;
		__asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
		__asm__ volatile("msr fpcr, %0" : : "r"(standard));
#else
		std::fegetenv(&saved_);
		std::fesetenv(FE_DFL_ENV);
#endif
	}

	~DefaultFloat()
	{
#if defined(__x86_64__) || defined(_M_X64)
		_mm_setcsr(saved_);
#elif defined(__aarch64__)
		__asm__ volatile("msr fpcr, %0" : : "r"(saved_));
#else
		std::fesetenv(&saved_);
#endif
	}

	DefaultFloat(const DefaultFloat &) = delete;
	DefaultFloat &operator=(const DefaultFloat &) = delete;

      private:
#if defined(__x86_64__) || defined(_M_X64)
	unsigned int saved_;
#elif defined(__aarch64__)
	std::uint64_t saved_;
#else
	std::fenv_t saved_;
#endif
};

// The C state has one user at a time; a second one is told instead of corrupting it. Not a lock:
// waiting here from inside a network's callback would wait for ever.
class Exclusive
{
      public:
	explicit Exclusive(std::atomic_flag &busy) : busy_(busy)
	{
		if (busy_.test_and_set(std::memory_order_acquire)) {
			throw std::runtime_error(
				"this object is in use by another thread; make one "
				"for each thread");
		}
	}

	~Exclusive()
	{
		busy_.clear(std::memory_order_release);
	}

	Exclusive(const Exclusive &) = delete;
	Exclusive &operator=(const Exclusive &) = delete;

      private:
	std::atomic_flag &busy_;
};

// A parsed bundle and the bytes it points into.
struct BundleData {
	Memory bytes;
	struct tocsin_bundle parsed;

	explicit BundleData(std::size_t size) : bytes(size), parsed()
	{
	}
};

using BundlePtr = std::shared_ptr<const BundleData>;

// Part of a bundle that Python holds on to.
struct PyBundle {
	BundlePtr data;
};

// A feature configuration with the tables it points into: its own, or those of a bundle.
struct PyDspConfig {
	struct Tables {
		std::vector<float> window;
		std::vector<float> sine;
		std::vector<float> weights;
		std::vector<struct tocsin_dsp_band> bands;
	};

	std::shared_ptr<const Tables> tables;
	BundlePtr bundle;
	struct tocsin_dsp_config cfg;
};

void bind_bundle(nb::module_ &m);
void bind_decide(nb::module_ &m);
void bind_dsp(nb::module_ &m);
void bind_health(nb::module_ &m);
void bind_score(nb::module_ &m);
void bind_twin(nb::module_ &m);

} // namespace tocsin
