/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Anomaly scores: from a feature vector to one number; greater is stranger.
 *
 * The vector v is normalised first: x = (v - mean) · inv_std, value by value. Then, by kind:
 * - k-means: Euclidean distance from x to the nearest centroid;
 * - Gaussian mixture: -log Σ_k w_k N(x; μ_k, Σ_k), natural logarithm (scikit-learn's
 * -score_samples);
 * - Mahalanobis: min_k sqrt((x-μ_k)ᵀ Σ_k⁻¹ (x-μ_k)) (with several components the selective
 * Mahalanobis distance of Harada et al., "First-shot anomaly sound detection for machine condition
 * monitoring: a domain generalization baseline", 2023);
 * - neighbours: min_k |W x - r_k| / ρ_k, the distance to the nearest reference in units of that
 * reference's own radius (local density normalisation: Wilkinghoff et al., "Keeping the balance:
 * anomaly score calculation for domain generalization", 2025);
 * - autoencoder: mean((x - x̂)²), x̂ being the dequantised output of an int8 network fed the
 * quantised x;
 * - network: the same with an output that is the whole vector, a part of it that the network does
 * not see (interpolation: Suefusa et al., "Anomalous sound detection based on interpolation deep
 * neural network", 2020), or an embedding. With a head, the residual or the embedding, averaged
 * over equal parts, is scored by one of the first four kinds;
 * - combined: Σ w_i (s_i - c_i), or the greatest of w_i (s_i - c_i), over two of the kinds above.
 *
 * A network's int8 input tells values from in_scale · (-128 - in_zero) to in_scale · (127 -
 * in_zero) apart. A vector beyond is scored as the nearest one within, and what was taken from it,
 * d, adds |d|², in units of healthy variance, to the squared distances that the kind goes by: to
 * the sum of squared errors; with a head |d|² / fold to the squared distance of k-means,
 * Mahalanobis and neighbours, and half of that to the mixture's score. So the score of a vector
 * within is by the network alone, and beyond it grows with the distance, whatever the network makes
 * of it.
 *
 * A score that float32 does not hold is the greatest one that it does, FLT_MAX.
 *
 * Covariances come as whitening factors: diagonal, 1/σ for each value; full, the lower triangular W
 * = L⁻¹ with Σ = L·Lᵀ, packed by rows (row i has i+1 values), so that the squared distance is
 * |W(x-μ)|².
 *
 * The network is behind a function pointer: this module knows nothing of TensorFlow Lite.
 * Arithmetic is float32 in a fixed order without libm (but for the exact square root): the same
 * vector gives the same score everywhere.
 *
 * The caller owns the parameters and the working memory; both must outlive the use. One thread
 * calls.
 */

#ifndef TOCSIN_SCORE_H_
#define TOCSIN_SCORE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most values a vector can have, and most clusters or components. */
#define TOCSIN_SCORE_DIM_MAX        4096
#define TOCSIN_SCORE_COMPONENTS_MAX 256
/** Most references of a nearest-neighbour model. */
#define TOCSIN_SCORE_REFERENCES_MAX 4096

enum tocsin_score_kind {
	TOCSIN_SCORE_KMEANS = 1,
	TOCSIN_SCORE_GMM = 2,
	TOCSIN_SCORE_MAHALANOBIS = 3,
	TOCSIN_SCORE_AUTOENCODER = 4,
	TOCSIN_SCORE_NEIGHBOURS = 5,
	TOCSIN_SCORE_NETWORK = 6,
	TOCSIN_SCORE_COMBINED = 7,
};

enum tocsin_score_covariance {
	TOCSIN_SCORE_DIAGONAL = 1,
	TOCSIN_SCORE_FULL = 2,
};

/** k-means. */
struct tocsin_score_kmeans {
	uint32_t k;             /**< clusters, 1 to TOCSIN_SCORE_COMPONENTS_MAX */
	const float *centroids; /**< [k][dim] */
};

/** Gaussian mixture; for Mahalanobis log_const is unused (may be NULL). */
struct tocsin_score_gaussians {
	uint32_t k; /**< components, 1 to TOCSIN_SCORE_COMPONENTS_MAX */
	enum tocsin_score_covariance covariance; /**< shape of `whiten` */
	const float *log_const;                  /**< [k]: log w_k - dim/2·log 2π + log det W_k */
	const float *means;                      /**< [k][dim] */
	const float *whiten;                     /**< diagonal [k][dim]; full [k][dim·(dim+1)/2] */
};

/** Nearest neighbour among healthy vectors, each with a radius of its own. */
struct tocsin_score_neighbours {
	uint32_t k; /**< references, 1 to TOCSIN_SCORE_REFERENCES_MAX */
	/** Shape of `whiten`: full, W; diagonal, none, the normalisation being enough. */
	enum tocsin_score_covariance covariance;
	float step;               /**< r_k = step · references[k]; > 0, finite */
	const float *whiten;      /**< full [dim·(dim+1)/2]; diagonal NULL */
	const float *gain;        /**< [k]: 1/ρ_k, > 0 */
	const int8_t *references; /**< [k][dim] */
};

/** Affine int8 quantisation of a network's two ends: real = scale · (q - zero). What lies beyond
 * the input's range is scored by itself, see above. */
struct tocsin_score_quant {
	float in_scale;   /**< > 0, finite */
	int32_t in_zero;  /**< -128 to 127 */
	float out_scale;  /**< > 0, finite */
	int32_t out_zero; /**< -128 to 127 */
};

/** What a network's output is. */
enum tocsin_score_use {
	TOCSIN_SCORE_RECONSTRUCT = 1, /**< the vector again; n_out = dim */
	TOCSIN_SCORE_PREDICT = 2,     /**< n_out values from `first` on, from the others in order */
	TOCSIN_SCORE_EMBED = 3,       /**< an embedding of n_out values */
};

/** A model that needs no network: of the first four kinds, on a vector whose length is known. */
struct tocsin_score_classical {
	uint32_t kind; /**< of enum tocsin_score_kind; 0: none */
	union {
		struct tocsin_score_kmeans kmeans;
		struct tocsin_score_gaussians gaussians;
		struct tocsin_score_neighbours neighbours;
	};
};

/** A network with more than an autoencoder's uses. */
struct tocsin_score_network {
	struct tocsin_score_quant quant;
	enum tocsin_score_use use;
	uint32_t n_out; /**< values that it gives, 1 to TOCSIN_SCORE_DIM_MAX */
	uint32_t first; /**< predict: first value predicted; else 0 */
	uint32_t fold;  /**< parts over which the residual is averaged, divides n_out; 1 without a
			   head */
	struct tocsin_score_classical head; /**< on n_out / fold values; none: mean square */
};

/** What is made of two calibrated scores. */
enum tocsin_score_mode {
	TOCSIN_SCORE_SUM = 1,
	TOCSIN_SCORE_MAX = 2,
};

/** One of two models on the same vector. */
struct tocsin_score_member {
	uint32_t kind; /**< of enum tocsin_score_kind: one of the first four, or a network */
	float offset;  /**< c, finite */
	float weight;  /**< w, > 0, finite */
	union {
		struct tocsin_score_classical classical;
		struct tocsin_score_network network;
	};
};

/** Two models, at most one of them a network. */
struct tocsin_score_combined {
	enum tocsin_score_mode mode;
	struct tocsin_score_member members[2];
};

/** How to score; comes from the bundle. */
struct tocsin_score_config {
	enum tocsin_score_kind kind;
	uint32_t dim;         /**< values a vector has, 1 to TOCSIN_SCORE_DIM_MAX */
	const float *mean;    /**< [dim] */
	const float *inv_std; /**< [dim] */
	union {
		struct tocsin_score_kmeans kmeans;
		struct tocsin_score_gaussians gaussians; /**< mixture and Mahalanobis */
		struct tocsin_score_quant autoencoder;
		struct tocsin_score_neighbours neighbours;
		struct tocsin_score_network network;
		struct tocsin_score_combined combined;
	};
};

/**
 * @brief Run the network once.
 *
 * @param ctx    what was given to tocsin_score_init()
 * @param input  @p n_in int8 values
 * @param n_in   tocsin_score_inputs()
 * @param output @p n_out int8 values to fill
 * @param n_out  tocsin_score_outputs()
 * @return 0 or a negative errno, handed on by tocsin_score_vector()
 */
typedef int (*tocsin_score_infer_t)(void *ctx, const int8_t *input, size_t n_in, int8_t *output,
				    size_t n_out);

/** The stage's state. Treat as opaque. */
struct tocsin_score {
	struct tocsin_score_config cfg;
	tocsin_score_infer_t infer;
	void *ctx;
	float *x;       /* dim, normalised vector */
	float *work;    /* a head's vector, and what full covariances work in */
	int8_t *input;  /* the network's */
	int8_t *output; /* the network's */
};

/**
 * @brief Check a configuration, its parameters included.
 * @retval 0       valid
 * @retval -EINVAL a field is out of range, a table is missing, or a parameter is not finite
 */
int tocsin_score_check(const struct tocsin_score_config *cfg);

/** @brief Bytes of working memory, or 0 where the configuration is not valid. */
size_t tocsin_score_needed_size(const struct tocsin_score_config *cfg);

/**
 * @name A network's two ends
 * Of the kind, its head's or member's; of a configuration that tocsin_score_check() accepts.
 * @{
 */

/** @brief Quantisation of the network's ends, or NULL where there is no network. */
const struct tocsin_score_quant *tocsin_score_quant_of(const struct tocsin_score_config *cfg);

/** @brief Values that the network takes; 0 without one. */
size_t tocsin_score_inputs(const struct tocsin_score_config *cfg);

/** @brief Values that the network gives; 0 without one. */
size_t tocsin_score_outputs(const struct tocsin_score_config *cfg);

/** @} */

/**
 * @brief Prepare the stage.
 *
 * @param cfg   copied; its parameters are not and must stay where they are
 * @param infer the network; NULL where there is none
 * @param ctx   handed to @p infer
 * @param mem   working memory aligned to 8 bytes, owned by the caller while the stage is used
 * @param size  bytes at @p mem
 * @retval 0       ready
 * @retval -EINVAL an argument is NULL or misaligned, or the configuration is not valid
 * @retval -ENOMEM @p size is smaller than tocsin_score_needed_size()
 */
int tocsin_score_init(struct tocsin_score *score, const struct tocsin_score_config *cfg,
		      tocsin_score_infer_t infer, void *ctx, void *mem, size_t size);

/**
 * @brief Score one vector.
 *
 * @param vector dim values
 * @param out    the anomaly score, finite
 * @retval 0       scored
 * @retval -ERANGE the vector, as it comes or normalised, is not finite; @p out is not written
 * @return else what the network answered (a negative errno). A window without a score must not be
 * taken for a healthy one: tocsin_decide_push() takes NaN for it
 */
int tocsin_score_vector(struct tocsin_score *score, const float *vector, float *out);

/**
 * @name In memory that is there already
 * For whoever has no use for a vector once it is scored: it is normalised where it lies, and the
 * network's two ends lie where the network wants them. The same score, with nearly no working
 * memory. A stage prepared by tocsin_score_init_in_place() knows tocsin_score_in_place() alone.
 * @{
 */

/** Where a network's ends lie; both NULL without one. */
struct tocsin_score_ends {
	int8_t *input;  /**< tocsin_score_inputs() values */
	int8_t *output; /**< tocsin_score_outputs() values; may overlap @p input */
};

/** @brief Bytes of working memory, which may be none. The configuration must be valid. */
size_t tocsin_score_in_place_size(const struct tocsin_score_config *cfg);

/**
 * @brief As tocsin_score_init(), but @p size is at least tocsin_score_in_place_size(), and the
 * network is given, and gives, what lies at @p ends.
 */
int tocsin_score_init_in_place(struct tocsin_score *score, const struct tocsin_score_config *cfg,
			       tocsin_score_infer_t infer, void *ctx,
			       const struct tocsin_score_ends *ends, void *mem, size_t size);

/** @brief As tocsin_score_vector(), but @p vector is overwritten. */
int tocsin_score_in_place(struct tocsin_score *score, float *vector, float *out);
/** @} */

/**
 * @name The two halves
 * tocsin_score_vector() is begin, network, end. A host that runs many vectors through an
 * interpreter of its own calls them itself.
 * @{
 */

/**
 * @brief Normalise a vector, and quantise what the network sees of it: round half away from zero,
 * clamp to -128 … 127.
 * @param x     dim values, receives the normalised vector
 * @param input tocsin_score_inputs() values, receives the quantised ones; NULL without a network
 * @retval 0       done
 * @retval -ERANGE the vector is not finite
 */
int tocsin_score_begin(const struct tocsin_score_config *cfg, const float *vector, float *x,
		       int8_t *input);

/**
 * @brief Score a normalised vector and what the network gave for it.
 * @param x      dim values, from tocsin_score_begin(); their content is used up
 * @param output tocsin_score_outputs() values; NULL without a network
 * @param out    the anomaly score, finite
 * @retval 0 scored
 */
int tocsin_score_end(struct tocsin_score *score, float *x, const int8_t *output, float *out);

/** @} */

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_SCORE_H_ */
