"""What the reference numbers are made of: densities and divergences in float64, one value per row.

What bounds are made of is analytic in the sense of the complex step: branches look at the real part only.
"""

from math import lgamma

import numpy as np

LOG_TWO_PI = float(np.log(2.0 * np.pi))
LOG_VAR_BOUND = 8.0


def single(values):
    """The nearest float32 values, kept as float64 so that arithmetic on them is in float64."""
    return np.asarray(values, dtype=np.float32).astype(np.float64)


def softplus(x):
    positive = np.real(x) > 0.0
    tail = np.log1p(np.exp(np.where(positive, -x, x)))
    return np.where(positive, x + tail, tail)


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x > 0.0, 1.0 / (1.0 + e), e / (1.0 + e))


def log_sum_exp(x):
    """Over the last axis."""
    top = np.max(np.real(x), axis=-1, keepdims=True)
    return (np.log(np.sum(np.exp(x - top), axis=-1, keepdims=True)) + top)[..., 0]


def log_softmax(logits):
    return logits - log_sum_exp(logits)[..., None]


def clamp_log_var(raw):
    """E8."""
    return LOG_VAR_BOUND * np.tanh(raw / LOG_VAR_BOUND)


def kl_from_standard(mean, log_var):
    """E5, one value per row."""
    return 0.5 * np.sum(mean**2 + np.exp(log_var) - log_var - 1.0, axis=-1)


def bernoulli_log_prob(x, logits):
    """E6."""
    return np.sum(x * logits - softplus(logits), axis=-1)


def gaussian_log_prob(x, mean, log_var):
    """E7."""
    return -0.5 * np.sum(LOG_TWO_PI + log_var + (x - mean) ** 2 * np.exp(-log_var), axis=-1)


def multinomial_log_prob(x, logits):
    """E34; the counts are real, the logits may be complex."""
    log_factorial = np.vectorize(lambda n: lgamma(n + 1.0))
    ways = log_factorial(np.sum(x, axis=-1)) - np.sum(log_factorial(x), axis=-1)
    return ways + np.sum(x * log_softmax(logits), axis=-1)


def seen_counts(x):
    """E34: what networks are given of counts."""
    return np.log1p(x)


def entropy_of_logits(logits):
    """E9, row by row: the largest class is left out of the sum by its index."""
    result = np.empty(logits.shape[0], dtype=logits.dtype)
    for row, values in enumerate(logits):
        top = int(np.argmax(np.real(values)))
        gaps = values[top] - np.delete(values, top)
        odds = np.exp(-gaps)
        total = np.sum(odds)
        result[row] = np.log1p(total) + np.sum(odds * gaps) / (1.0 + total)
    return result


def assert_close(what, a, b, tolerance):
    gap = np.max(np.abs(a - b) / np.maximum(1e-6, np.abs(b))) if np.size(b) else 0.0
    if not gap < tolerance:
        raise SystemExit(f"self-check failed: {what}: {gap:.1e} apart, allowed {tolerance:.0e}")
