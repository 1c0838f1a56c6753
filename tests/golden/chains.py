"""Reference numbers for what chains are judged by (E37, E38): see generate.py, which runs this.

Loops over the sums as the books print them. Where an answer is known without any of it, it is compared: processes of first
order, whose draws are worth n (1 - r) / (1 + r), and chains that all say the same.
"""

import numpy as np

from elementary import single


def halves(chains):
    """Each chain as its first and its last half; an odd draw in the middle belongs to neither."""
    half = chains.shape[1] // 2
    return np.concatenate([chains[:, :half], chains[:, chains.shape[1] - half :]])


def variances(chains):
    """W, the mean of the variances within, and var+, which adds what the means differ by."""
    m, n = chains.shape
    means = [sum(chain) / n for chain in chains]
    within = sum(sum((v - mean) ** 2 for v in chain) / (n - 1) for chain, mean in zip(chains, means)) / m
    overall = sum(means) / m
    between = n / (m - 1) * sum((mean - overall) ** 2 for mean in means)
    return within, (n - 1) / n * within + between / n


def r_hat(chains):
    within, pooled = variances(halves(chains))
    return np.sqrt(pooled / within)


def effective_sample_size(chains):
    chains = halves(chains)
    m, n = chains.shape
    within, pooled = variances(chains)
    rho = []
    for lag in range(n):
        products = 0.0
        for chain in chains:
            centred = chain - np.mean(chain)
            products += np.dot(centred[: n - lag], centred[lag:]) / (n - 1) / m
        rho.append(1.0 - (within - products) / pooled)
    pairs = []
    for t in range(n // 2):
        pair = rho[2 * t] + rho[2 * t + 1]
        if pair < 0.0:
            break
        pairs.append(min([pair] + pairs[-1:]))
    time = max(-1.0 + 2.0 * sum(pairs), 1.0 / max(1.0, np.log10(m * n)))
    return m * n / time


def autoregressive(rng, r, shape):
    chains = np.empty(shape)
    chains[:, 0] = rng.standard_normal(shape[0])
    for t in range(1, shape[1]):
        chains[:, t] = r * chains[:, t - 1] + np.sqrt(1 - r * r) * rng.standard_normal(shape[0])
    return single(chains)


def chains_case():
    rng = np.random.default_rng(31)
    apart = autoregressive(rng, 0.3, (3, 40)) + np.array([[0.0], [1.5], [-0.7]])
    cases = {
        "met": autoregressive(rng, 0.5, (4, 60)),
        "odd": autoregressive(rng, 0.8, (2, 51)),
        "alternating": autoregressive(rng, -0.6, (3, 80)),
        "apart": single(apart),
        "drifting": single(autoregressive(rng, 0.2, (2, 30)) + np.linspace(0.0, 3.0, 30)),
        "short": autoregressive(rng, 0.0, (2, 4)),
    }
    t = {}
    for name, chains in cases.items():
        t[name] = chains.astype(np.float32)
        t[f"out.{name}.r_hat"] = np.array([r_hat(chains)])
        t[f"out.{name}.effective_sample_size"] = np.array([effective_sample_size(chains)])
        t[f"out.{name}.mean"] = np.array([np.mean(chains)])
        t[f"out.{name}.variance"] = np.array([np.var(chains, ddof=1)])
    check_known(rng)
    return t, {}


def check_known(rng):
    for r in (0.0, 0.6):
        chains = autoregressive(rng, r, (8, 2000))
        found = effective_sample_size(chains) / chains.size
        # Ten per cent: about four times what estimates of these scatter by.
        if abs(found * (1 + r) / (1 - r) - 1.0) > 0.1:
            raise SystemExit(f"self-check failed: effective sample size at r = {r}: {found}")
    if not 0.99 < r_hat(autoregressive(rng, 0.0, (4, 1000))) < 1.01:
        raise SystemExit("self-check failed: R-hat of chains that have met")


CASES = {"chains": chains_case}
