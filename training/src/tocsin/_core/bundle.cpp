// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

// Bundles: modules/bundle, and what it found as Python values.

#include <cerrno>
#include <string_view>

#include "common.hpp"

namespace tocsin
{

namespace
{

// The error's number and text, as arguments of tocsin._core.BundleParseError.
nb::object parse_error_type;

const char *error_name(int err)
{
	switch (err) {
	case -ENOEXEC:
		return "not_a_bundle";
	case -ENODATA:
		return "truncated";
	case -EBADMSG:
		return "corrupt";
	case -ENOTSUP:
		return "too_new";
	case -EPROTO:
		return "feature_version";
	case -EILSEQ:
		return "malformed";
	default:
		return "internal";
	}
}

PyBundle parse(nb::bytes raw)
{
	auto data = std::make_shared<BundleData>(raw.size());

	std::memcpy(data->bytes.data(), raw.c_str(), raw.size());

	int err;
	{
		DefaultFloat standard;
		err = tocsin_bundle_parse(&data->parsed, data->bytes.data(), raw.size());
	}
	if (err != 0) {
		nb::tuple args = nb::make_tuple(error_name(err), tocsin_bundle_strerror(err));
		PyErr_SetObject(parse_error_type.ptr(), args.ptr());
		throw nb::python_error();
	}
	return PyBundle{data};
}

Output<float, 1> copy1(const float *values, std::size_t n)
{
	Buffer<float> out(n);

	std::memcpy(out.data(), values, n * sizeof(float));
	return out.release(n);
}

Output<float, 2> copy2(const float *values, std::size_t rows, std::size_t columns)
{
	Buffer<float> out(rows * columns);

	std::memcpy(out.data(), values, rows * columns * sizeof(float));
	return out.release(rows, columns);
}

nb::bytes text_of(const void *data, std::size_t size)
{
	return nb::bytes(static_cast<const char *>(data), size);
}

const char *name_of(std::uint32_t kind)
{
	switch (kind) {
	case TOCSIN_SCORE_KMEANS:
		return "kmeans";
	case TOCSIN_SCORE_GMM:
		return "gmm";
	case TOCSIN_SCORE_MAHALANOBIS:
		return "mahalanobis";
	case TOCSIN_SCORE_NEIGHBOURS:
		return "neighbours";
	case TOCSIN_SCORE_NETWORK:
		return "network";
	case TOCSIN_SCORE_COMBINED:
		return "combined";
	default:
		return "autoencoder";
	}
}

void describe_gaussians(nb::dict &out, const struct tocsin_score_gaussians &g, std::size_t dim,
			bool mixture)
{
	bool full = g.covariance == TOCSIN_SCORE_FULL;

	out["covariance"] = full ? "full" : "diagonal";
	out["means"] = copy2(g.means, g.k, dim);
	out["whiten"] = copy2(g.whiten, g.k, full ? dim * (dim + 1) / 2 : dim);
	if (mixture) {
		out["log_const"] = copy1(g.log_const, g.k);
	}
}

void describe_neighbours(nb::dict &out, const struct tocsin_score_neighbours &n, std::size_t dim)
{
	Buffer<std::int8_t> references(n.k * dim);

	std::memcpy(references.data(), n.references, n.k * dim);
	out["references"] = references.release(n.k, dim);
	out["step"] = n.step;
	out["gain"] = copy1(n.gain, n.k);
	out["whiten"] = n.covariance == TOCSIN_SCORE_FULL
				? nb::cast(copy1(n.whiten, dim * (dim + 1) / 2))
				: nb::none();
}

// One of the first four kinds; `parameters` is the kind's struct.
nb::dict describe_classical(std::uint32_t kind, const void *parameters, std::size_t dim)
{
	nb::dict out;

	out["kind"] = name_of(kind);
	if (kind == TOCSIN_SCORE_KMEANS) {
		const auto &model = *static_cast<const struct tocsin_score_kmeans *>(parameters);

		out["centroids"] = copy2(model.centroids, model.k, dim);
	} else if (kind == TOCSIN_SCORE_NEIGHBOURS) {
		describe_neighbours(
			out, *static_cast<const struct tocsin_score_neighbours *>(parameters), dim);
	} else {
		describe_gaussians(out,
				   *static_cast<const struct tocsin_score_gaussians *>(parameters),
				   dim, kind == TOCSIN_SCORE_GMM);
	}
	return out;
}

nb::dict describe_ends(const struct tocsin_bundle &parsed, const struct tocsin_score_quant &quant)
{
	nb::dict out;

	out["tflite"] = text_of(parsed.model, parsed.model_size);
	out["in_scale"] = quant.in_scale;
	out["in_zero"] = quant.in_zero;
	out["out_scale"] = quant.out_scale;
	out["out_zero"] = quant.out_zero;
	out["arena_size"] = parsed.arena_size;
	out["slide"] = parsed.slide;
	return out;
}

nb::dict describe_network(const struct tocsin_bundle &parsed,
			  const struct tocsin_score_network &network)
{
	static const char *const uses[] = {"", "reconstruct", "predict", "embed"};
	nb::dict out = describe_ends(parsed, network.quant);

	out["kind"] = name_of(TOCSIN_SCORE_NETWORK);
	out["use"] = uses[network.use];
	out["dim"] = parsed.score.dim;
	out["outputs"] = network.n_out;
	out["first"] = network.first;
	out["fold"] = network.fold;
	out["head"] = nb::none();
	if (network.head.kind != 0) {
		out["head"] = describe_classical(network.head.kind, &network.head.kmeans,
						 network.n_out / network.fold);
	}
	return out;
}

nb::dict describe_combined(const struct tocsin_bundle &parsed)
{
	const auto &model = parsed.score.combined;
	nb::list members;
	nb::dict out;

	for (const auto &member : model.members) {
		if (member.kind == TOCSIN_SCORE_NETWORK) {
			members.append(describe_network(parsed, member.network));
		} else {
			members.append(describe_classical(member.kind, &member.classical.kmeans,
							  parsed.score.dim));
		}
	}
	out["kind"] = name_of(TOCSIN_SCORE_COMBINED);
	out["members"] = members;
	out["offsets"] = nb::make_tuple(model.members[0].offset, model.members[1].offset);
	out["weights"] = nb::make_tuple(model.members[0].weight, model.members[1].weight);
	out["mode"] = model.mode == TOCSIN_SCORE_SUM ? "sum" : "max";
	return out;
}

// The model's parameters, by the names of the dataclasses in tocsin.bundle, and its kind.
nb::dict describe_model(const PyBundle &self)
{
	const auto &parsed = self.data->parsed;
	const auto &score = parsed.score;
	nb::dict out;

	switch (score.kind) {
	case TOCSIN_SCORE_COMBINED:
		return describe_combined(parsed);
	case TOCSIN_SCORE_NETWORK:
		return describe_network(parsed, score.network);
	case TOCSIN_SCORE_AUTOENCODER:
		out = describe_ends(parsed, score.autoencoder);
		out["kind"] = name_of(score.kind);
		return out;
	default:
		return describe_classical(score.kind, &score.kmeans, score.dim);
	}
}

const char *kind_of(const PyBundle &self)
{
	return name_of(self.data->parsed.score.kind);
}

} // namespace

void bind_bundle(nb::module_ &m)
{
	using namespace nb::literals;

	parse_error_type = nb::steal(
		PyErr_NewExceptionWithDoc("tocsin._core.BundleParseError",
					  "Arguments: the kind of error and the parser's sentence.",
					  PyExc_ValueError, nullptr));
	m.attr("BundleParseError") = parse_error_type;
	nb::module_::import_("atexit").attr("register")(
		nb::cpp_function([]() { parse_error_type.reset(); }));

	m.def(
		"crc32",
		[](nb::bytes data, std::uint32_t crc) {
			return tocsin_bundle_crc32(crc, data.c_str(), data.size());
		},
		"data"_a, "crc"_a = 0, "CRC-32 as the firmware computes it.");

	nb::class_<PyBundle>(m, "Bundle", "A bundle that tocsin_bundle_parse() accepted.")
		.def(
			"__init__",
			[](PyBundle *self, nb::bytes raw) { new (self) PyBundle(parse(raw)); },
			"raw"_a)
		.def_prop_ro("format",
			     [](const PyBundle &b) {
				     return nb::make_tuple(b.data->parsed.format_major,
							   b.data->parsed.format_minor);
			     })
		.def_prop_ro("crc", [](const PyBundle &b) { return b.data->parsed.crc; })
		.def_prop_ro("size", [](const PyBundle &b) { return b.data->parsed.size; })
		.def_prop_ro("sensor",
			     [](const PyBundle &b) {
				     return b.data->parsed.sensor == TOCSIN_BUNDLE_AUDIO
						    ? "audio"
						    : "vibration";
			     })
		.def_prop_ro("dsp",
			     [](const PyBundle &b) {
				     return PyDspConfig{nullptr, b.data, b.data->parsed.dsp};
			     })
		.def_prop_ro("kind", &kind_of)
		.def_prop_ro("dim", [](const PyBundle &b) { return b.data->parsed.score.dim; })
		.def_prop_ro(
			"mean",
			[](const PyBundle &b) {
				const auto &s = b.data->parsed.score;
				return copy1(s.mean, s.dim);
			},
			nb::rv_policy::automatic)
		.def_prop_ro(
			"inv_std",
			[](const PyBundle &b) {
				const auto &s = b.data->parsed.score;
				return copy1(s.inv_std, s.dim);
			},
			nb::rv_policy::automatic)
		.def_prop_ro("model", &describe_model)
		.def_prop_ro("decision",
			     [](const PyBundle &b) {
				     const auto &d = b.data->parsed.decide;
				     return nb::make_tuple(d.smooth, d.min_windows, d.threshold_on,
							   d.threshold_off);
			     })
		.def_prop_ro("duty",
			     [](const PyBundle &b) {
				     return nb::make_tuple(b.data->parsed.listen_ms,
							   b.data->parsed.period_ms);
			     })
		.def_prop_ro("meta", [](const PyBundle &b) {
			return text_of(b.data->parsed.meta, b.data->parsed.meta_size);
		});
}

} // namespace tocsin
