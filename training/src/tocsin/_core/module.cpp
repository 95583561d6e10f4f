// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

// tocsin._core: the firmware's portable modules. Thin on purpose; the Python modules
// tocsin.features, tocsin.bundle and tocsin.twin check what users give and word the errors.

#include <cfloat>
#include <optional>

#include "common.hpp"

// Promise 2 needs float arithmetic in float: x87 would compute in extended precision.
static_assert(FLT_EVAL_METHOD == 0, "build for a target with IEEE float arithmetic (SSE2, NEON)");

namespace
{

// For float arithmetic in Python whose bytes go into a bundle.
struct PyDefaultFloat {
	std::optional<tocsin::DefaultFloat> active;
};

void bind_default_float(nb::module_ &m)
{
	nb::class_<PyDefaultFloat>(m, "DefaultFloat",
				   "Round to nearest and keep subnormals, in a with statement.")
		.def(nb::init<>())
		.def("__enter__", [](PyDefaultFloat &self) { self.active.emplace(); })
		.def("__exit__", [](PyDefaultFloat &self, nb::args) { self.active.reset(); });
}

} // namespace

NB_MODULE(_core, m)
{
	m.doc() =
		"The firmware's portable modules: ring, dsp, score, decide, bundle, source health.";
	m.attr("DSP_VERSION") = TOCSIN_DSP_VERSION;
	m.attr("BUNDLE_FORMAT") =
		nb::make_tuple(TOCSIN_BUNDLE_FORMAT_MAJOR, TOCSIN_BUNDLE_FORMAT_MINOR);

	bind_default_float(m);
	tocsin::bind_bundle(m);
	tocsin::bind_decide(m);
	tocsin::bind_dsp(m);
	tocsin::bind_health(m);
	tocsin::bind_score(m);
	tocsin::bind_twin(m);
}
