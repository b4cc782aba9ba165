"""The demo's page: one HTML file, nothing loaded from anywhere."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..viz import plots
from . import inside, pictures
from .runs import STEPS, DigitsRun, MoonsRun

MARK = "<!doctype html><!-- made by micrograd-plus demo -->\n"

STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --soft: #eef1f4; --link: #0060a0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #16181d; --soft: #23262d; --link: #7cc4ff; } }
body { color: var(--ink); background: var(--paper); font: 17px/1.55 system-ui, sans-serif; max-width: 60rem;
       margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
img { max-width: 100%; height: auto; }
.pair { display: flex; flex-wrap: wrap; gap: 1rem; } .pair figure { flex: 1 1 20rem; }
figure { margin: 1rem 0; } .wide { overflow-x: auto; } .wide svg { max-width: 100%; height: auto; } figcaption { font-size: .9em; opacity: .85; }
code, pre { background: var(--soft); border-radius: 4px; padding: .1em .3em; } pre { padding: .8em 1em; overflow-x: auto; }
.note { background: var(--soft); border-radius: 8px; padding: .6rem 1rem; }
a { color: var(--link); }
"""


def page(moons: MoonsRun, digits: DigitsRun, seed: int) -> str:
    """The whole page as text."""
    shown = np.arange(min(30, len(digits.labels)))
    first, last = moons.scalar_losses[0], moons.scalar_losses[-1]
    missed = digits.mistakes
    confident = [f"{digits.probabilities[i, digits.predictions[i]]:.0%}" for i in missed[:1]]
    return f"""{MARK}<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>micrograd_plus: what happened when two networks were trained</title><style>{STYLE}</style></head><body>
<h1>What happened when two networks were trained</h1>
<p>Everything on this page was computed on your machine a moment ago (seed {seed}), from the plain Python that you can
read in <code>micrograd_plus/engine/</code>.</p>

<h2>1. Two moons: 100 points, 337 weights</h2>
<p>The network gets the two coordinates of a point and gives one number. Above 0 it says “class 1”, below 0 “class −1”.
Its weights start at random, so at first it is wrong about many points. Then, {STEPS} times over: compute the loss (how
wrong it is), go backwards through the computation to find how the loss answers to each of the 337 weights, and move
each weight a little against its slope.</p>
<div class="pair">
{
        _figure(
            partial(plots.decision_boundary, moons.model, moons.X, moons.y, resolution=120),
            "Scatter plot of two interleaved half-moons, with the line where the network changes its mind running between them.",
            f"Solid line: where the network changes its mind. Dashed: where the margin loss stops caring. {moons.accuracy:.0%} of the points are on the right side.",
            (5.2, 4.2),
        )
    }
{
        _figure(
            partial(
                plots.compare_histories,
                {"as Tensors": moons.tensor_history, "as scalar Values": moons.scalar_history},
            ),
            f"Line plot: the loss falls from {first:.2f} to {last:.3f}; the two runs lie on top of each other.",
            f"The loss fell from {first:.2f} to {last:.3f}. (An epoch, once through all points, is one step here.)",
            (5.2, 4.2),
        )
    }
</div>
<p class="note">It was trained twice from the same weights: once with scalar <code>Value</code> objects, where every single
multiplication is a node you can look at, and once with <code>Tensor</code> objects, arrays of numbers. The losses of the two
runs differ by at most {moons.difference:.1e}: it is the same computation. The arrays took {moons.tensor_seconds:.2f} s,
the single numbers {moons.scalar_seconds:.1f} s.</p>

<h2>2. Inside that network</h2>
<p>This is how the loss was computed from {
        len(moons.y)
    } points: every number is a node that remembers how it was made. They
are too many to draw one by one, so each layer is one box. Going back along the arrows is how the gradients are found.</p>
<figure class="wide">{
        inside.folded_graph(moons.scalar, moons.X, moons.y)
    }<figcaption>The loss of the trained network, folded
layer by layer; rms is the typical size of many numbers.</figcaption></figure>
<p>And this is one of its neurons, opened, at the first point: two products, a sum, and a bend. The number on an arrow is
the local slope: how many times a small change of the box on its left is felt in the box on its right.</p>
<figure class="wide">{
        inside.one_neuron(moons.scalar, moons.X[0])
    }<figcaption>The neuron of the first layer that answers loudest to this point.
Its gradients are those of its own answer.</figcaption></figure>
<p>The same in small, to step through: press play, or use the arrow keys; change a number and watch all others follow.</p>
<figure class="wide">{inside.stepper()}</figure>

<h2>3. Handwritten digits: real images</h2>
<p>1,797 digits written by 13 people, 8 by 8 pixels each. The network learned from {digits.n_train:,} of them (each also
moved by one pixel up, down, left and right: it is still the same digit) and never saw the other {len(digits.labels)}:
those tell whether it has understood something or only remembers. It reads <strong>{
        digits.accuracy:.1%}</strong> of them
right. Guessing would give 10&nbsp;%.</p>
{
        _figure(
            partial(plots.history, digits.history, log=True),
            f"Line plot over {len(digits.history)} epochs: training and held-out loss fall; held-out accuracy rises to {100 * digits.accuracy:.1f} percent; the learning rate falls to 0.",
            "Solid: the digits it learned from; dashed (“validation”): those held out. While it learns, dropout switches neurons off at random: that is why the training loss starts above the held-out one. Where the dashed loss stops falling while the solid one still does, the network has begun to learn its examples by heart.",
            (7.5, 4.6),
        )
    }
{
        _figure(
            partial(plots.image_grid, digits.images[shown], digits.labels[shown], digits.predictions[shown]),
            f"Thirty held-out digits with the network's reading above each: {', '.join(str(p) for p in digits.predictions[shown])}.",
            "Some held-out digits, and how the network reads them.",
            _grid_size(shown),
        )
    }
<h3>Its {len(missed)} mistakes</h3>
{
        _figure(
            partial(plots.image_grid, digits.images[missed], digits.labels[missed], digits.predictions[missed]),
            "The misread digits, each with what the network said and what is right: "
            + "; ".join(f"said {digits.predictions[i]}, is {digits.labels[i]}" for i in missed)
            + ".",
            "Would you have read them all?"
            + (
                f" It was {confident[0]} sure of the first one: a network’s confidence is not a promise."
                if confident
                else ""
            ),
            _grid_size(missed),
        )
        if len(missed)
        else "<p>None this time.</p>"
    }

<h2>What you have just seen</h2>
<ol>
<li><strong>Forward:</strong> the numbers go in, the network computes, the loss says how wrong it is.</li>
<li><strong>Backward:</strong> each weight learns how the loss would change if it changed a little: its gradient.</li>
<li><strong>Step:</strong> each weight moves a little against its gradient.</li>
<li>Again, from 1. That is all: there is no other secret in training.</li>
</ol>
<p>Try it on your own expression:</p>
<pre>from micrograd_plus import Value
a, b = Value(2.0), Value(-3.0)
c = (a * b + 6.9).tanh()
c.backward()
print(a.grad, b.grad)

from micrograd_plus import draw, step_through
draw(c, locals()).save("graph.svg")
step_through(c, locals()).save("step.html")</pre>
<p>Digits: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998,
CC BY 4.0.</p>
</body></html>
"""


def _figure(draw: partial, alt: str, caption: str, inches: tuple[float, float]) -> str:
    return f"<figure>{pictures.as_html(draw, alt, *inches)}<figcaption>{caption}</figcaption></figure>"


def _grid_size(which: np.ndarray) -> tuple[float, float]:
    """Inches for ten square images a row."""
    return 0.8 * min(10, len(which)), 0.2 + 1.02 * -(-len(which) // 10)
