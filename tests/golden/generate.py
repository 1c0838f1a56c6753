"""Float64 reference numbers for the golden tests.

    python tests/golden/generate.py           writes the .safetensors files beside this script
    python tests/golden/generate.py --check   recomputes them in memory and compares

Written from docs/equations.md (E1, E2, ...), not from the Rust: classes are enumerated by
concatenating a one-hot vector, gradients come from a hand-written backward pass, and every one of
them is compared here with a complex-step derivative of the forward pass, which has no step-size
error. Inputs, parameters and noise are rounded to float32 first, so both sides compute with the
same numbers; expected values stay in float64.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

import chains
import family
import image_nets
from elementary import (
    LOG_VAR_BOUND,
    assert_close,
    bernoulli_log_prob,
    clamp_log_var,
    entropy_of_logits,
    gaussian_log_prob,
    kl_from_standard,
    log_softmax,
    log_sum_exp,
    multinomial_log_prob,
    seen_counts,
    sigmoid,
    single,
    softplus,
)

HERE = Path(__file__).resolve().parent

# Stored with the parameters, counted and not learnt.
CONSTANT = {"decoder.background"}


# ----------------------------------------------------------------------------- the model


class M2:
    """Forward and backward pass of M2 with softplus perceptrons, one row at a time in the maths."""

    def __init__(self, parameters, classes, likelihood):
        self.p = parameters
        self.classes = classes
        self.likelihood = likelihood
        self.grad = {name: np.zeros_like(value) for name, value in parameters.items()}

    def seen(self, x):
        return seen_counts(x) if self.likelihood == "multinomial" else x

    # Layers. Each forward returns what its backward needs.

    def linear(self, name, v):
        return v @ self.p[f"{name}.weight"] + self.p[f"{name}.bias"]

    def linear_back(self, name, v, d):
        self.grad[f"{name}.weight"] += v.T @ d
        self.grad[f"{name}.bias"] += d.sum(axis=0)
        return d @ self.p[f"{name}.weight"].T

    def concatenated(self, name, v, one_hot):
        """E4, left-hand side: one matrix over the concatenation [v; y]."""
        joined = np.vstack([self.p[f"{name}.features.weight"], self.p[f"{name}.classes"]])
        return np.hstack([v, one_hot]) @ joined + self.p[f"{name}.features.bias"]

    def concatenated_back(self, name, v, one_hot, d):
        self.grad[f"{name}.classes"] += one_hot.T @ d
        return self.linear_back(f"{name}.features", v, d)

    def hidden_names(self, part):
        names = []
        while f"{part}.hidden.{len(names)}.weight" in self.p:
            names.append(f"{part}.hidden.{len(names)}")
        return names

    def stack(self, part, h):
        """Hidden layers after the first pre-activation; returns (pre-activation, output) pairs."""
        trace = [h]
        for name in self.hidden_names(part):
            h = self.linear(name, softplus(h))
            trace.append(h)
        return trace, softplus(h)

    def stack_back(self, part, trace, d):
        """From d(loss)/d(output of the stack) to d(loss)/d(first pre-activation)."""
        for name, before, after in zip(
            reversed(self.hidden_names(part)), reversed(trace[:-1]), reversed(trace[1:])
        ):
            d = self.linear_back(name, softplus(before), d * sigmoid(after))
        return d * sigmoid(trace[0])

    # q(y|x)

    def logits(self, x):
        h = self.seen(x)
        for name in self.hidden_names("classifier"):
            h = softplus(self.linear(name, h))
        return self.linear("classifier.output", h)

    def logits_back(self, x, d):
        inputs, pre = [self.seen(x)], []
        for name in self.hidden_names("classifier"):
            pre.append(self.linear(name, inputs[-1]))
            inputs.append(softplus(pre[-1]))
        d = self.linear_back("classifier.output", inputs[-1], d)
        for i, name in reversed(list(enumerate(self.hidden_names("classifier")))):
            d = self.linear_back(name, inputs[i], d * sigmoid(pre[i]))

    # The bound for rows of (x, y, epsilon)

    def bound(self, x, y, epsilon):
        """E1 for every row: a dictionary of its terms and of the intermediate values."""
        t = {"x": x, "one_hot": np.eye(self.classes)[y], "epsilon": epsilon}
        t["seen"] = self.seen(x)
        t["enc"], t["h"] = self.stack(
            "encoder", self.concatenated("encoder.input", t["seen"], t["one_hot"])
        )
        t["mean"] = self.linear("encoder.mean", t["h"])
        t["raw"] = self.linear("encoder.log_var", t["h"])
        t["log_var"] = clamp_log_var(t["raw"])
        t["std"] = np.exp(0.5 * t["log_var"])
        t["z"] = t["mean"] + t["std"] * epsilon
        t["dec"], t["g"] = self.stack(
            "decoder", self.concatenated("decoder.input", t["z"], t["one_hot"])
        )
        t["out"] = self.linear("decoder.output", t["g"])
        if self.likelihood == "gaussian":
            t["out_raw"] = self.linear("decoder.log_var", t["g"])
            t["out_log_var"] = clamp_log_var(t["out_raw"])
            t["log_px"] = gaussian_log_prob(x, t["out"], t["out_log_var"])
        elif self.likelihood == "multinomial":
            t["out"] = t["out"] + self.p["decoder.background"]
            t["log_px"] = multinomial_log_prob(x, t["out"])
        else:
            t["log_px"] = bernoulli_log_prob(x, t["out"])
        t["kl"] = kl_from_standard(t["mean"], t["log_var"])
        t["L"] = t["log_px"] - np.log(self.classes) - t["kl"]
        return t

    def bound_back(self, t, weight):
        """Adds the gradient of sum(weight * L) over the rows."""
        w = weight[:, None]
        if self.likelihood == "gaussian":
            precision = np.exp(-t["out_log_var"])
            error = t["x"] - t["out"]
            d_log_var = w * 0.5 * (error**2 * precision - 1.0)
            d_raw = d_log_var * (1.0 - np.tanh(t["out_raw"] / LOG_VAR_BOUND) ** 2)
            d_g = self.linear_back("decoder.output", t["g"], w * error * precision)
            d_g = d_g + self.linear_back("decoder.log_var", t["g"], d_raw)
        elif self.likelihood == "multinomial":
            expected = np.sum(t["x"], axis=1, keepdims=True) * np.exp(log_softmax(t["out"]))
            d_g = self.linear_back("decoder.output", t["g"], w * (t["x"] - expected))
        else:
            d_g = self.linear_back("decoder.output", t["g"], w * (t["x"] - sigmoid(t["out"])))
        d_first = self.stack_back("decoder", t["dec"], d_g)
        d_z = self.concatenated_back("decoder.input", t["z"], t["one_hot"], d_first)
        d_mean = d_z - w * t["mean"]
        d_log_var = d_z * t["epsilon"] * 0.5 * t["std"] - w * 0.5 * (np.exp(t["log_var"]) - 1.0)
        d_raw = d_log_var * (1.0 - np.tanh(t["raw"] / LOG_VAR_BOUND) ** 2)
        d_h = self.linear_back("encoder.mean", t["h"], d_mean)
        d_h = d_h + self.linear_back("encoder.log_var", t["h"], d_raw)
        d_first = self.stack_back("encoder", t["enc"], d_h)
        self.concatenated_back("encoder.input", t["seen"], t["one_hot"], d_first)


def enumerate_classes(model, x, epsilon):
    """E1 for every class and example, [classes, batch]; epsilon is class-major."""
    batch = len(x)
    terms = []
    for k in range(model.classes):
        rows = epsilon[k * batch : (k + 1) * batch]
        terms.append(model.bound(x, np.full(batch, k), rows))
    return terms


def objective(model, case):
    """Every value of E1 to E3 and E9 to E11 for a labelled and an unlabelled batch."""
    out = {}
    labelled = model.bound(case["x_l"], case["y_l"], case["eps_l"])
    log_q_l = log_softmax(model.logits(case["x_l"]))
    out["L_l"], out["log_px_l"], out["kl_l"] = labelled["L"], labelled["log_px"], labelled["kl"]
    out["ce_l"] = -log_q_l[np.arange(len(case["y_l"])), case["y_l"]]

    by_class = enumerate_classes(model, case["x_u"], case["eps_u"])
    out["L_u"] = np.stack([t["L"] for t in by_class])
    out["log_px_u"] = np.stack([t["log_px"] for t in by_class])
    out["kl_u"] = np.stack([t["kl"] for t in by_class])
    logits_u = model.logits(case["x_u"])
    log_q = log_softmax(logits_u)
    q = np.exp(log_q)
    out["logits_u"], out["q_u"] = logits_u, q
    out["H_u"] = entropy_of_logits(logits_u)
    out["U_u"] = np.sum(q.T * out["L_u"], axis=0) + out["H_u"]

    marginal = np.mean(q, axis=0)
    out["H_marginal"] = -np.sum(marginal * np.log(marginal))
    out["mean_H"] = np.mean(out["H_u"])
    out["I"] = out["H_marginal"] - out["mean_H"]

    out["alpha"] = 0.1 * case["pool"] / case["labelled"]
    labelled_loss = np.mean(-out["L_l"] + out["alpha"] * out["ce_l"])
    unlabelled_loss = np.mean(-out["U_u"])
    out["J"] = unlabelled_loss + labelled_loss
    # Warm-up weighs the divergence of z alone.
    warm_l = out["log_px_l"] - np.log(model.classes) - case["kl_weight"] * out["kl_l"]
    warm_by_class = out["log_px_u"] - np.log(model.classes) - case["kl_weight"] * out["kl_u"]
    out["U_u_warm"] = np.sum(q.T * warm_by_class, axis=0) + out["H_u"]
    out["J_warm"] = np.mean(-out["U_u_warm"]) + np.mean(-warm_l + out["alpha"] * out["ce_l"])
    out["J_mier"] = out["J"] - case["gamma"] * out["I"] + case["beta"] * out["mean_H"]
    return out, labelled, by_class


def backward(model, case, out, labelled, by_class, mier):
    """Gradients of J or of J with MIER, by hand."""
    for value in model.grad.values():
        value[...] = 0.0
    n_l, n_u = len(case["x_l"]), len(case["x_u"])
    model.bound_back(labelled, np.full(n_l, -1.0 / n_l))
    q_l = np.exp(log_softmax(model.logits(case["x_l"])))
    model.logits_back(case["x_l"], out["alpha"] / n_l * (q_l - np.eye(model.classes)[case["y_l"]]))

    q = out["q_u"]
    for k, terms in enumerate(by_class):
        model.bound_back(terms, -q[:, k] / n_u)
    # d(loss)/dq for a free q, then through the softmax: dl = q * (d - sum_k q_k d_k).
    d_q = -(out["L_u"].T - np.log(q) - 1.0) / n_u
    if mier:
        d_entropy = -(np.log(q) + 1.0) / n_u
        d_marginal = np.broadcast_to(-(np.log(np.mean(q, axis=0)) + 1.0) / n_u, q.shape)
        d_q = d_q - case["gamma"] * (d_marginal - d_entropy) + case["beta"] * d_entropy
    model.logits_back(case["x_u"], q * (d_q - np.sum(q * d_q, axis=1, keepdims=True)))
    return {name: value.copy() for name, value in model.grad.items() if name not in CONSTANT}


def complex_step(parameters, case, classes, likelihood, key):
    """d(out[key])/d(parameter) for every parameter: Im f(w + ih) / h with h = 1e-30."""
    step = 1e-30
    grads = {}
    for name, value in parameters.items():
        if name in CONSTANT:
            continue
        grad = np.zeros_like(value)
        for index in np.ndindex(value.shape):
            moved = {n: v.astype(np.complex128) for n, v in parameters.items()}
            moved[name][index] += 1j * step
            grad[index] = np.imag(objective(M2(moved, classes, likelihood), case)[0][key]) / step
        grads[name] = grad
    return grads


# ----------------------------------------------------------------------------- cases

CLASSES, FEATURES, LATENT, HIDDEN = 3, 7, 4, [6, 5]


def m2_parameters(rng, likelihood):
    """Parameters under the module paths of the checkpoint. Weights are [inputs, outputs]."""
    p = {}

    def linear(name, inputs, outputs):
        # A lively classifier: with all classes alike, I(y;x) would be too small to test.
        gain = 3.0 if name.startswith("classifier") else 1.2
        weight = rng.standard_normal((inputs, outputs)) / np.sqrt(inputs)
        p[f"{name}.weight"] = single(weight * gain)
        p[f"{name}.bias"] = single(rng.standard_normal(outputs) * 0.3)

    for i, (a, b) in enumerate(zip([FEATURES] + HIDDEN[:-1], HIDDEN)):
        linear(f"classifier.hidden.{i}", a, b)
    linear("classifier.output", HIDDEN[-1], CLASSES)
    # The decoder's widths are the encoder's in reverse.
    for part, inputs, widths in (("encoder", FEATURES, HIDDEN), ("decoder", LATENT, HIDDEN[::-1])):
        linear(f"{part}.input.features", inputs, widths[0])
        p[f"{part}.input.classes"] = single(rng.standard_normal((CLASSES, widths[0])) * 0.8)
        for i, (a, b) in enumerate(zip(widths[:-1], widths[1:])):
            linear(f"{part}.hidden.{i}", a, b)
    linear("encoder.mean", HIDDEN[-1], LATENT)
    linear("encoder.log_var", HIDDEN[-1], LATENT)
    linear("decoder.output", HIDDEN[0], FEATURES)
    if likelihood == "gaussian":
        linear("decoder.log_var", HIDDEN[0], FEATURES)
    if likelihood == "multinomial":
        p["decoder.background"] = single(np.log(rng.uniform(0.05, 1.5, FEATURES)))
    return p


def m2_case(likelihood, seed):
    rng = np.random.default_rng(seed)
    p = m2_parameters(rng, likelihood)
    n_l, n_u = 5, 4
    if likelihood == "bernoulli":
        draw = lambda n: single(rng.integers(0, 257, (n, FEATURES)) / 256.0)
    elif likelihood == "multinomial":
        draw = lambda n: single(rng.poisson(1.0, (n, FEATURES)))
    else:
        draw = lambda n: single(rng.standard_normal((n, FEATURES)))
    case = {
        "x_l": draw(n_l),
        "y_l": np.array([0, 2, 1, 2, 0]),
        "x_u": draw(n_u),
        "eps_l": single(rng.standard_normal((n_l, LATENT))),
        "eps_u": single(rng.standard_normal((CLASSES * n_u, LATENT))),
        "pool": 60.0,
        "labelled": 5.0,
        "beta": 5.0,
        "gamma": 1.0,
        "kl_weight": 0.25,
    }
    model = M2(p, CLASSES, likelihood)
    out, labelled, by_class = objective(model, case)
    tensors = {name: value.astype(np.float32) for name, value in p.items()}
    for name in ("x_l", "x_u", "eps_l", "eps_u"):
        tensors[name] = case[name].astype(np.float32)
    tensors["y_l"] = case["y_l"].astype(np.int64)
    for name in ("pool", "labelled", "beta", "gamma", "kl_weight"):
        tensors[name] = np.array([case[name]])
    for name, value in out.items():
        tensors[f"out.{name}"] = np.atleast_1d(value)
    for prefix, key, mier in (("grad", "J", False), ("grad_mier", "J_mier", True)):
        by_hand = backward(model, case, out, labelled, by_class, mier)
        stepped = complex_step(p, case, CLASSES, likelihood, key)
        for name, value in by_hand.items():
            assert_close(f"m2_{likelihood} {prefix}.{name}", value, stepped[name], 1e-9)
            tensors[f"{prefix}.{name}"] = value
    config = {
        "model": "m2",
        "shape": [FEATURES],
        "classes": CLASSES,
        "latent": LATENT,
        "hidden": HIDDEN,
        "classifier_hidden": HIDDEN,
        "activation": "softplus",
        "likelihood": likelihood,
    }
    return tensors, {"config": json.dumps(config, sort_keys=True)}


def distributions_case():
    rng = np.random.default_rng(3)
    t = {}

    mean = single(np.vstack([np.zeros(3), rng.standard_normal((5, 3)) * 3.0]))
    log_var = single(
        [[0, 0, 0], [-8, 8, 0.5], [1e-3, -1e-3, 2e-4], [-3, 4, 1], [7.9, 7, 6], [-7.9, -7, -6]]
    )
    t["kl.mean"], t["kl.log_var"] = mean, log_var
    t["kl.out"] = kl_from_standard(mean, log_var)

    raw = single([-1e4, -100, -20, -8, -3, -1, -1e-3, 0, 1e-6, 0.5, 2, 8, 16, 50, 1e6])
    t["clamp.raw"], t["clamp.out"] = raw, clamp_log_var(raw)

    logits = single(rng.standard_normal((8, 5)) * 2.0)
    logits[2] = single([-100, 100, -40, 40, 0])
    logits[3] = single([1e-6, -1e-6, 1e-3, 17, -17])
    logits[6] = single([88, -88, 104, -104, 30])
    x = single(rng.integers(0, 257, (4, 5)) / 256.0)
    x[2] = single([0, 1, 1, 0, 0.5])
    x[3] = single([1, 0, 1, 0, 1])
    t["bernoulli.logits"], t["bernoulli.x"] = logits, x
    t["bernoulli.out"] = bernoulli_log_prob(np.vstack([x, x]), logits)

    mean = single(rng.standard_normal((8, 5)))
    log_var = single(rng.standard_normal((8, 5)))
    log_var[1] = single([-8, 8, -8, 8, 0])
    log_var[5] = single([-7.5, -7.9, 7.5, 7.9, 1e-4])
    x = single(rng.standard_normal((4, 5)))
    t["gaussian.mean"], t["gaussian.log_var"], t["gaussian.x"] = mean, log_var, x
    t["gaussian.out"] = gaussian_log_prob(np.vstack([x, x]), mean, log_var)
    t["gaussian.standard"] = gaussian_log_prob(x, np.zeros_like(x), np.zeros_like(x))

    rows = [rng.standard_normal(10) * scale for scale in (0.0, 0.1, 1.0, 3.0, 10.0)]
    for gap in (10.0, 15.0, 19.0, 20.0, 21.5, 23.0, 25.0, 40.0):
        for position in (0, 4, 9):
            row = -gap - np.abs(rng.standard_normal(10))
            row[position] = 0.0
            rows.append(row + rng.standard_normal() * 5.0)
            one_rival = np.full(10, -gap - 30.0)
            one_rival[position], one_rival[(position + 3) % 10] = 0.0, -gap
            rows.append(one_rival)
    tie = np.full(10, -21.0)
    tie[2] = tie[7] = 4.0
    rows.append(tie)
    logits = single(np.stack(rows))
    t["entropy.logits"], t["entropy.out"] = logits, entropy_of_logits(logits)
    naive = log_softmax(logits)
    assert_close("entropy forms", t["entropy.out"], -np.sum(np.exp(naive) * naive, axis=1), 1e-4)
    t["entropy.log_probs"] = naive

    of_counts = np.random.default_rng(34)
    logits = single(of_counts.standard_normal((8, 6)) * 3.0)
    logits[2] = single([88, -88, 104, -104, 30, 0])
    x = single(of_counts.poisson(2.0, (4, 6)))
    x[1] = single([0, 0, 0, 0, 0, 0])
    x[3] = single([1, 0, 0, 40, 2, 300])
    t["multinomial.logits"], t["multinomial.x"] = logits, x
    t["multinomial.out"] = multinomial_log_prob(np.vstack([x, x]), logits)

    x = np.vstack([rng.standard_normal((4, 6)) * scale for scale in (1.0, 50.0, 3000.0)])
    x[5] = -1e4
    x[6] = [3e4, -3e4, 0, 0, 0, 0]
    t["lse.x"] = single(x)
    t["lse.out"] = log_sum_exp(t["lse.x"])
    return {
        n: v if n.split(".")[1] in ("out", "standard", "log_probs") else v.astype(np.float32)
        for n, v in t.items()
    }, {}


BINS = 15


def calibration_error(probabilities, labels, bins):
    """E16 by walking through the examples."""
    count, right, confidence = np.zeros(bins), np.zeros(bins), np.zeros(bins)
    for row, label in zip(probabilities, labels):
        top = float(np.max(row))
        bin_ = min(int(np.ceil(top * bins)) - 1, bins - 1)
        count[bin_] += 1
        right[bin_] += float(np.argmax(row) == label)
        confidence[bin_] += top
    filled = count > 0
    gaps = np.abs(right[filled] - confidence[filled])
    return float(np.sum(gaps) / len(labels))


def evaluation_case():
    rng = np.random.default_rng(4)
    n, classes = 200, 5
    rows = []
    while len(rows) < n:
        row = single(rng.standard_normal(classes) * rng.choice([0.5, 2.0, 5.0]))
        ordered = np.sort(row)
        top = float(np.exp(np.max(log_softmax(row[None]))))
        edge = abs(top * BINS - round(top * BINS))
        # Neither a tie nor a confidence on the edge of a bin: float32 decides those by rounding.
        if ordered[-1] - ordered[-2] > 1e-3 and edge > 1e-3:
            rows.append(row)
    logits = np.stack(rows)
    best = np.argmax(logits, axis=1)
    labels = np.where(rng.random(n) < 0.6, best, rng.integers(0, classes, n)).astype(np.int64)
    log_p = log_softmax(logits)
    p = np.exp(log_p)
    t = {"logits": logits.astype(np.float32), "labels": labels}
    t["out.accuracy"] = np.array([np.mean(best == labels)])
    t["out.nll"] = np.array([np.mean(-log_p[np.arange(n), labels])])
    t["out.brier"] = np.array([np.mean(np.sum((p - np.eye(classes)[labels]) ** 2, axis=1))])
    t["out.entropy"] = np.array([np.mean(entropy_of_logits(logits))])
    t["out.ece"] = np.array([calibration_error(p, labels, BINS)])

    # E12 for the model and the unlabelled batch of m2_bernoulli.
    model_tensors, _ = m2_case("bernoulli", 1)
    parts = ("classifier.", "encoder.", "decoder.")
    single_names = [name for name in model_tensors if name.startswith(parts)]
    model = M2({n: single(model_tensors[n]) for n in single_names}, CLASSES, "bernoulli")
    x_u = single(model_tensors["x_u"])
    samples = 7
    eps_u = single(rng.standard_normal((samples, CLASSES * len(x_u), LATENT)))

    def log_weight(terms):
        log_prior = gaussian_log_prob(terms["z"], 0.0, np.zeros_like(terms["z"]))
        log_q = gaussian_log_prob(terms["z"], terms["mean"], terms["log_var"])
        return terms["log_px"] - np.log(CLASSES) + log_prior - log_q

    weights = []
    for draw in eps_u:
        weights += [log_weight(terms) for terms in enumerate_classes(model, x_u, draw)]
    t["iwae.eps_u"] = eps_u.astype(np.float32)
    t["out.iwae_u"] = log_sum_exp(np.stack(weights, axis=1)) - np.log(samples)
    return t, {}


def adam_case(beta1, decay):
    """E13 and E14: loss = sum_j c_j (w_j - t_j)^2 / 2 over two tensors clipped together."""
    rng = np.random.default_rng(5)
    shapes = {"matrix": (3, 2), "vector": (4,)}
    w = {n: single(rng.standard_normal(s)) for n, s in shapes.items()}
    target = {n: single(rng.standard_normal(s)) for n, s in shapes.items()}
    curvature = {n: single(rng.uniform(0.1, 2.0, s)) for n, s in shapes.items()}
    rate, beta2, epsilon = 0.25, 0.999, 1e-8
    max_norm = 2.5
    t = {f"start.{n}": v.astype(np.float32) for n, v in w.items()}
    t |= {f"target.{n}": v.astype(np.float32) for n, v in target.items()}
    t |= {f"curvature.{n}": v.astype(np.float32) for n, v in curvature.items()}
    t["settings"] = np.array([rate, beta1, beta2, epsilon, max_norm, decay])
    first = {n: np.zeros(s) for n, s in shapes.items()}
    second = {n: np.zeros(s) for n, s in shapes.items()}
    norms = []
    for step in range(1, 6):
        grad = {n: curvature[n] * (w[n] - target[n]) for n in shapes}
        norm = float(np.sqrt(sum(np.sum(g**2) for g in grad.values())))
        norms.append(norm)
        scale = min(1.0, max_norm / norm)
        for n in shapes:
            g = grad[n] * scale + decay * w[n]
            first[n] = beta1 * first[n] + (1.0 - beta1) * g
            second[n] = beta2 * second[n] + (1.0 - beta2) * g**2
            m = first[n] / (1.0 - beta1**step)
            v = second[n] / (1.0 - beta2**step)
            w[n] = w[n] - rate * m / (np.sqrt(v) + epsilon)
            t[f"out.{n}.{step}"] = w[n].copy()
    if not (max(norms) > max_norm > min(norms)):
        raise SystemExit(f"self-check failed: clipping must act on some steps only, norms {norms}")
    t["out.norms"] = np.array(norms)
    return t, {}


CASES = {
    "m2_bernoulli": lambda: m2_case("bernoulli", 1),
    "m2_gaussian": lambda: m2_case("gaussian", 2),
    "m2_multinomial": lambda: m2_case("multinomial", 34),
    "distributions": distributions_case,
    "evaluation": evaluation_case,
    "adam": lambda: adam_case(0.9, 0.0),
    "adam_chosen": lambda: adam_case(0.5, 0.3),
} | family.CASES | image_nets.CASES | chains.CASES


def compare(path, tensors):
    """Committed against recomputed: inputs bit for bit, results to 1e-11, as libm differs."""
    problems = []
    with safe_open(path, framework="numpy") as stored:
        names = set(stored.keys())
        for name in sorted(names ^ set(tensors)):
            problems.append(f"{name}: only {'committed' if name in names else 'recomputed'}")
        for name in sorted(names & set(tensors)):
            a, b = stored.get_tensor(name), np.asarray(tensors[name])
            if a.dtype != b.dtype or a.shape != b.shape:
                problems.append(f"{name}: {a.dtype}{a.shape} against {b.dtype}{b.shape}")
            elif a.dtype != np.float64:
                if not np.array_equal(a, b):
                    problems.append(f"{name}: inputs differ")
            elif not np.allclose(a, b, rtol=1e-11, atol=1e-13):
                problems.append(f"{name}: differs by {np.max(np.abs(a - b)):.1e}")
    return problems


def main():
    parser = argparse.ArgumentParser(description="Float64 reference numbers for the golden tests.")
    parser.add_argument("--check", action="store_true", help="compare with the committed files")
    arguments = parser.parse_args()
    failed = False
    for name, build in CASES.items():
        path = HERE / f"{name}.safetensors"
        tensors, metadata = build()
        tensors = {n: np.ascontiguousarray(v) for n, v in tensors.items()}
        if arguments.check:
            problems = compare(path, tensors) if path.exists() else ["no such file"]
            failed |= bool(problems)
            print(f"{path.name}: {'ok' if not problems else '; '.join(problems)}")
        else:
            save_file(tensors, path, metadata=metadata)
            print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
