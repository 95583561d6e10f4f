/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * That every offset and vector of the flatbuffer stays inside of it, as flatbuffers' generated
 * verifier does, but for the operators that are compiled in alone: the generated one knows the
 * options of each operator of TensorFlow Lite, 22 KB of flash. What is not looked at here
 * (signatures, options of other operators) nobody reads. Field numbers are those of the schema.
 */

#include "operators.h"

namespace tocsin
{
namespace
{

using flatbuffers::Table;
using flatbuffers::Verifier;
using tflite::Model;
using tflite::Operator;
using tflite::SubGraph;

/* The generated structures are tables, but hide it. */
template <typename T> const Table *table(const T *generated)
{
	return reinterpret_cast<const Table *>(generated);
}

template <typename T> bool vector_ok(Verifier &verifier, const Table *of, flatbuffers::voffset_t at)
{
	return of->VerifyOffset(verifier, at) &&
	       verifier.VerifyVector(of->GetPointer<const flatbuffers::Vector<T> *>(at));
}

template <typename T> bool tables_ok(Verifier &verifier, const Table *of, flatbuffers::voffset_t at)
{
	using Vector = flatbuffers::Vector<flatbuffers::Offset<T>>;

	return vector_ok<flatbuffers::Offset<T>>(verifier, of, at) &&
	       verifier.VerifyVectorOfTables(of->GetPointer<const Vector *>(at));
}

/* Options are read as what their type says they are, by kernels that are compiled in. */
bool options_ok(Verifier &verifier, const Operator *op)
{
	switch (op->builtin_options_type()) {
	case tflite::BuiltinOptions_FullyConnectedOptions:
		return verifier.VerifyTable(op->builtin_options_as_FullyConnectedOptions());
	case tflite::BuiltinOptions_ReshapeOptions:
		return verifier.VerifyTable(op->builtin_options_as_ReshapeOptions());
	case tflite::BuiltinOptions_Conv2DOptions:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_CONV_2D) &&
		       verifier.VerifyTable(op->builtin_options_as_Conv2DOptions());
	case tflite::BuiltinOptions_DepthwiseConv2DOptions:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_DEPTHWISE_CONV_2D) &&
		       verifier.VerifyTable(op->builtin_options_as_DepthwiseConv2DOptions());
	case tflite::BuiltinOptions_Pool2DOptions:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_POOL_2D) &&
		       verifier.VerifyTable(op->builtin_options_as_Pool2DOptions());
	case tflite::BuiltinOptions_AddOptions:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_ADD) &&
		       verifier.VerifyTable(op->builtin_options_as_AddOptions());
	case tflite::BuiltinOptions_ReducerOptions:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_MEAN) &&
		       verifier.VerifyTable(op->builtin_options_as_ReducerOptions());
	default:
		return true; /* QUANTIZE has none that is read; others are refused by their code */
	}
}

bool operator_verified(Verifier &verifier, const Operator *op)
{
	const Table *t = table(op);

	return t->VerifyTableStart(verifier) &&
	       t->VerifyField<uint32_t>(verifier, Operator::VT_OPCODE_INDEX, 4) &&
	       vector_ok<int32_t>(verifier, t, Operator::VT_INPUTS) &&
	       vector_ok<int32_t>(verifier, t, Operator::VT_OUTPUTS) &&
	       t->VerifyField<uint8_t>(verifier, Operator::VT_BUILTIN_OPTIONS_TYPE, 1) &&
	       t->VerifyOffset(verifier, Operator::VT_BUILTIN_OPTIONS) &&
	       options_ok(verifier, op) &&
	       vector_ok<uint8_t>(verifier, t, Operator::VT_CUSTOM_OPTIONS) &&
	       t->VerifyField<int8_t>(verifier, Operator::VT_CUSTOM_OPTIONS_FORMAT, 1) &&
	       vector_ok<uint8_t>(verifier, t, Operator::VT_MUTATING_VARIABLE_INPUTS) &&
	       vector_ok<int32_t>(verifier, t, Operator::VT_INTERMEDIATES) && verifier.EndTable();
}

bool graph_verified(Verifier &verifier, const SubGraph *graph)
{
	const Table *t = table(graph);

	if (!t->VerifyTableStart(verifier) ||
	    !tables_ok<tflite::Tensor>(verifier, t, SubGraph::VT_TENSORS) ||
	    !vector_ok<int32_t>(verifier, t, SubGraph::VT_INPUTS) ||
	    !vector_ok<int32_t>(verifier, t, SubGraph::VT_OUTPUTS) ||
	    !vector_ok<flatbuffers::Offset<Operator>>(verifier, t, SubGraph::VT_OPERATORS)) {
		return false;
	}
	if (graph->operators() != nullptr) {
		for (const Operator *op : *graph->operators()) {
			if (!operator_verified(verifier, op)) {
				return false;
			}
		}
	}
	return verifier.EndTable();
}

bool root_verified(Verifier &verifier, const Model *model)
{
	const Table *t = table(model);

	if (!t->VerifyTableStart(verifier) ||
	    !t->VerifyField<uint32_t>(verifier, Model::VT_VERSION, 4) ||
	    !tables_ok<tflite::OperatorCode>(verifier, t, Model::VT_OPERATOR_CODES) ||
	    !vector_ok<flatbuffers::Offset<SubGraph>>(verifier, t, Model::VT_SUBGRAPHS) ||
	    !tables_ok<tflite::Buffer>(verifier, t, Model::VT_BUFFERS) ||
	    !vector_ok<int32_t>(verifier, t, Model::VT_METADATA_BUFFER) ||
	    !tables_ok<tflite::Metadata>(verifier, t, Model::VT_METADATA)) {
		return false;
	}
	if (model->subgraphs() != nullptr) {
		for (const SubGraph *graph : *model->subgraphs()) {
			if (!graph_verified(verifier, graph)) {
				return false;
			}
		}
	}
	return verifier.EndTable();
}

} /* namespace */

const tflite::Model *verified_model(const uint8_t *data, size_t size)
{
	/* An autoencoder's tables nest four deep; the limit bounds the verifier's stack. */
	Verifier verifier(data, size, 8, 4096);

	if (size < 16 || !tflite::ModelBufferHasIdentifier(data)) {
		return nullptr;
	}
	if (verifier.VerifyOffset(static_cast<size_t>(0)) == 0 ||
	    !root_verified(verifier, tflite::GetModel(data))) {
		return nullptr;
	}
	return tflite::GetModel(data);
}

} /* namespace tocsin */
