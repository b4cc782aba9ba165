"""The loops that numba compiles: forward over a program's blocks, and backward over them.

This file isn't imported: kernels.py puts the rules of the table behind it, as two more functions, and compiles it all
together, so that no step of the loops is left in Python.

A program is an array of whole numbers, `code`: block after block, each beginning with its kind.

    POINTWISE  rule, m, y, then for each of three operands: n, at, slope
    SUMS       m, y, J, singles, tracked, K, left, tracked, right, tracked
    MATMUL     S, N, K, y, then n, at, tracked of x; n, at of w; n, at, tracked of w.T; J, singles, tracked

y is the block's first slot; the others follow on it. What it reads, n slots, follow on each other too if `at` is
negative, from slot -1 - at on; if not, they are listed in `lists`, from lists[at] on. A slope is -1 where none is
wanted; `singles`, `left` and `right` are always places in `lists`.
"""

from typing import Any

import numba

POINTWISE, SUMS, MATMUL = range(3)

# error_model: 1/0 is inf, as in the engine. _nrt: numba need not count who uses an array, since no array is made here;
# counting takes longer than all else in a block of one lane.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
compiled = numba.njit(**OPTIONS)
kept_on_disk = numba.njit(**OPTIONS, cache=True)
# Sums may be added up in another order, several numbers at once, and a * b + c rounded once. Nothing else is changed:
# infinities and NaN stay what they are.
reordered = numba.njit(**OPTIONS, fastmath={"reassoc", "contract", "nsz"})


def forward_rule(rule, m, y, values, xs):
    """values[y + i] = f(xs[0, i], xs[1, i], xs[2, i]) for m lanes. kernels.py writes it."""
    raise NotImplementedError


def backward_rule(slope, m, y, values, grads, xs):
    """xs[3, i] = the gradient of slot y + i, times the slope there. kernels.py writes it."""
    raise NotImplementedError


@kept_on_disk
def forward(begins, code, lists, values, xs):
    """Compute the blocks that begin at these places of `code`, one after the other. xs: (4, the most lanes), to use."""
    for at in begins:
        if code[at] == POINTWISE:
            read_operands(code, at, lists, values, xs)
            forward_rule(code[at + 1], code[at + 2], code[at + 3], values, xs)
        elif code[at] == SUMS:
            add_up(code, at, lists, values)
        else:
            multiply(code, at, lists, values, xs)


@kept_on_disk
def backward(begins, code, lists, values, grads, xs):
    """Hand the gradients of these blocks' slots on to what they were made from."""
    for at in begins:
        if code[at] == POINTWISE:
            read_operands(code, at, lists, values, xs)
            for place in (at + 4, at + 7, at + 10):
                if code[place + 2] >= 0:
                    backward_rule(code[place + 2], code[at + 2], code[at + 3], values, grads, xs)
                    add(code, place, lists, xs, grads)
        elif code[at] == SUMS:
            push_sums(code, at, lists, values, grads)
        else:
            push_products(code, at, lists, values, grads, xs)


@compiled
def read_operands(code, at, lists, values, xs):
    """xs[k] = operand k of a pointwise block."""
    for k in range(3):
        place = at + 4 + 3 * k
        if code[place] == 1:
            xs[k, 0] = values[-1 - code[place + 1]]
        elif code[place]:
            read(code, place, lists, values, xs, k)


@compiled
def read(code, place, lists, values, xs, k):
    """xs[k] = the numbers at a place."""
    n, at = code[place], code[place + 1]
    if at < 0:
        for i in range(n):
            xs[k, i] = values[-1 - at + i]
    else:
        for i in range(n):
            xs[k, i] = values[lists[at + i]]


@compiled
def add(code, place, lists, xs, grads):
    """grads[place] += xs[3]; a slot that is listed twice receives both."""
    n, at = code[place], code[place + 1]
    if n == 1:
        grads[-1 - at] += xs[3, 0]
    elif at < 0:
        for i in range(n):
            grads[-1 - at + i] += xs[3, i]
    else:
        for i in range(n):
            grads[lists[at + i]] += xs[3, i]


# -- sums ----------------------------------------------------------------------------------------------------


@compiled
def add_up(code, at, lists, values):
    """y[i] = Σ left[i, :] * right[i, :] + Σ singles[i, :]."""
    m, y, n_singles, singles = code[at + 1], code[at + 2], code[at + 3], code[at + 4]
    n_pairs, left, right = code[at + 6], code[at + 7], code[at + 9]
    for i in range(m):
        total = 0.0
        for k in range(i * n_pairs, (i + 1) * n_pairs):
            total += values[lists[left + k]] * values[lists[right + k]]
        for j in range(i * n_singles, (i + 1) * n_singles):
            total += values[lists[singles + j]]
        values[y + i] = total


@compiled
def push_sums(code, at, lists, values, grads):
    """Each single receives g, and each factor g times the other."""
    m, y, n_singles, singles = code[at + 1], code[at + 2], code[at + 3], code[at + 4]
    n_pairs, left, right = code[at + 6], code[at + 7], code[at + 9]
    for i in range(m):
        g = grads[y + i]
        if code[at + 5]:
            for j in range(i * n_singles, (i + 1) * n_singles):
                grads[lists[singles + j]] += g
        if code[at + 8]:
            for k in range(i * n_pairs, (i + 1) * n_pairs):
                grads[lists[left + k]] += g * values[lists[right + k]]
        if code[at + 10]:
            for k in range(i * n_pairs, (i + 1) * n_pairs):
                grads[lists[right + k]] += g * values[lists[left + k]]


# -- matrix products -----------------------------------------------------------------------------------------


@compiled
def multiply(code, at, lists, values, xs):
    """y = x @ w.T + Σ singles: (S, K) @ (K, N)."""
    S, N, K, y = code[at + 1], code[at + 2], code[at + 3], code[at + 4]
    read(code, at + 5, lists, values, xs, 0)
    read(code, at + 10, lists, values, xs, 1)
    target = values[y : y + S * N]
    target[:] = 0.0
    add_product(target, xs[0], K, 1, xs[1], S, K, N)
    single = code[at + 14]
    for _ in range(code[at + 13]):
        for i in range(S * N):
            target[i] += values[lists[single + i]]
        single += S * N


@compiled
def push_products(code, at, lists, values, grads, xs):
    """Each single receives g; w.T receives x.T @ g, and x receives g @ w."""
    S, N, K, y = code[at + 1], code[at + 2], code[at + 3], code[at + 4]
    g = grads[y : y + S * N]
    if code[at + 15]:
        single = code[at + 14]
        for _ in range(code[at + 13]):
            for i in range(S * N):
                grads[lists[single + i]] += g[i]
            single += S * N
    if code[at + 12]:
        read(code, at + 5, lists, values, xs, 0)
        xs[3, : K * N] = 0.0
        add_product(xs[3], xs[0], 1, K, g, K, S, N)
        add(code, at + 10, lists, xs, grads)
    if code[at + 7]:
        read(code, at + 8, lists, values, xs, 0)
        xs[3, : S * K] = 0.0
        add_product(xs[3], g, N, 1, xs[0], S, N, K)
        add(code, at + 5, lists, xs, grads)


@reordered
def add_product(y, a, down, along, b, P, Q, R):
    """y += a @ b: (P, Q) @ (Q, R). From a number of `a` to the one below it: `down`; to the next: `along`."""
    for p in range(P):
        target = y[p * R : (p + 1) * R]
        i = p * down
        q = 0
        while q + 4 <= Q:  # four rows of b at once: the target is read and written a quarter as often
            a0, a1, a2, a3 = a[i], a[i + along], a[i + 2 * along], a[i + 3 * along]
            b0, b1 = b[q * R : (q + 1) * R], b[(q + 1) * R : (q + 2) * R]
            b2, b3 = b[(q + 2) * R : (q + 3) * R], b[(q + 3) * R : (q + 4) * R]
            for r in range(R):
                target[r] += a0 * b0[r] + a1 * b1[r] + a2 * b2[r] + a3 * b3[r]
            i += 4 * along
            q += 4
        while q < Q:
            factor, row = a[i], b[q * R : (q + 1) * R]
            for r in range(R):
                target[r] += factor * row[r]
            i += along
            q += 1
