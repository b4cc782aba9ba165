"""The public surface, pinned: a name that appears or disappears here is a decision, not an accident."""

import importlib
import inspect
import subprocess
import sys
import types

import pytest

import micrograd_plus

# fmt: off
PUBLIC = {
    "micrograd_plus": """
        Binary Many Structural Tensor Ternary Unary Value abs arctan bridges capstones clip compile
        concatenate cos cosh data detect_anomaly diagnose draw einsum elu erfc exercises exp explain expm1
        formula gelu grad gradcheck gradgradcheck hessian hvp leaky_relu load log log1p maximum minimum nn
        no_grad optim paths plots relu save seed sigmoid sign silu sin sinh softplus sqrt stack step_through
        sum tan tanh tape to_python trace_backward training value_and_grad viz vmap where wrong_orders
    """,
    "micrograd_plus.explain": """
        AnomalyError detect_anomaly diagnose error_over_h formula gradcheck gradgradcheck paths to_python
        trace_backward walkthrough wrong_orders
    """,
    "micrograd_plus.viz": """
        LayoutError LayoutTimeout LayoutUnavailable draw engines plots step_through zoom
    """,
    "micrograd_plus.exercises": """
        Case Exercise Grade Report Wrong check check_engine grade hint list predict quiz solution task
    """,
    "micrograd_plus.tape": """
        CompileError FrozenNumberError compile vmap
    """,
    "micrograd_plus.nn": """
        AdaptiveAvgPool1d AdaptiveAvgPool2d AvgPool1d AvgPool2d BCELoss BCEWithLogitsLoss BatchNorm1d BatchNorm2d Conv1d
        Conv2d CrossEntropyLoss Dropout Dropout1d Dropout2d ELU Embedding Flatten GELU GRU GroupNorm HingeLoss HuberLoss
        Identity KLDivLoss L1Loss LSTM Layer LayerNorm LeakyReLU LearnedPositions Linear LogSoftmax MLP MSELoss
        MaxPool1d MaxPool2d Module MultiheadAttention NLLLoss Neuron RMSNorm RNN ReLU Sequential SiLU Sigmoid
        SinusoidalPositions Softmax Softplus Tanh TransformerDecoderLayer TransformerEncoderLayer binary_cross_entropy
        binary_cross_entropy_with_logits causal_mask cross_entropy functional functional_call hinge_loss huber_loss init
        kl_div l1_loss
        l1_penalty l2_penalty masked_mean mse_loss nll_loss
    """,
    "micrograd_plus.optim": """
        Adagrad Adam AdamW CosineAnnealingLR ExponentialLR LRScheduler LambdaLR LinearLR OneCycleLR Optimizer RMSprop
        ReduceLROnPlateau SGD SequentialLR StepLR clip_grad_norm_ clip_grad_value_ decay_matrices_only
    """,
    "micrograd_plus.data": """
        DataLoader Vocabulary batches linear load_digits load_faces load_japanese_vowels load_mnist_5000 load_names
        load_spoken_digits make_blobs make_circles make_moons make_spirals number_pairs number_words polynomial
        split_each_class standardize train_test_split xor
    """,
    "micrograd_plus.capstones": """
        Run Target fast share_of
    """,
    "micrograd_plus.training": """
        Callback Checkpoint CheckpointError EarlyStopping History Recorder Saved Schedule State accuracy fit load save
    """,
}
# fmt: on
INTERNAL = {"annotations", "Any", "TYPE_CHECKING", "import_module", "engine", "cli", "demo", "classroom"}


@pytest.mark.parametrize("module", PUBLIC)
def test_names_are_pinned(module):
    room = importlib.import_module(module)
    found = {
        name
        for name in dir(room)
        if not name.startswith("_") and name not in INTERNAL
        and not (isinstance(getattr(room, name), types.ModuleType) and not _is_public_module(module, name))
    }  # fmt: skip
    assert sorted(found) == sorted(PUBLIC[module].split())


def _is_public_module(module, name):
    return name in PUBLIC[module].split()


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_has_a_docstring(module):
    room = importlib.import_module(module)
    missing = []
    for name in PUBLIC[module].split():
        thing = getattr(room, name)
        if (inspect.isclass(thing) or inspect.isfunction(thing) or inspect.ismodule(thing)) and not thing.__doc__:
            missing.append(name)
    assert not missing


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Tensr'"):
        micrograd_plus.Tensr  # noqa: B018


BLOCK_NUMPY = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "numpy":
            raise ImportError("numpy is blocked")
sys.meta_path.insert(0, Blocker())
"""


def run(code):
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120)


def test_the_scalar_half_works_where_numpy_cannot_be_had():
    done = run(
        BLOCK_NUMPY
        + """
import micrograd_plus as mg
from micrograd_plus.engine import Value
from micrograd_plus.nn import Neuron, Layer, MLP
mg.seed(3)
X, y = mg.data.xor()
model = mg.nn.MLP(2, [4, 1], activation="tanh")
optimizer = mg.optim.SGD(model.parameters(), lr=0.2)
for step in range(300):
    loss = mg.nn.mse_loss([model(x) for x in X], y)
    optimizer.zero_grad(); loss.backward(); optimizer.step()
assert loss.data < 0.01, loss
assert mg.grad(lambda x: x ** 3)(2.0) == 12.0
assert "numpy" not in sys.modules
try:
    mg.Tensor
except ImportError:
    print("only Tensor needs NumPy")
"""
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "only Tensor needs NumPy\n"


def test_importing_is_light():
    done = run("import sys, micrograd_plus; print(*sorted({m.partition('.')[0] for m in sys.modules}))")
    loaded = set(done.stdout.split())
    assert "micrograd_plus" in loaded
    assert not loaded & {"numpy", "matplotlib", "graphviz", "sympy", "tqdm", "IPython", "numba", "torch", "pandas"}


def test_seed_makes_everything_repeatable():
    def run_once():
        micrograd_plus.seed(0)
        model = micrograd_plus.nn.Sequential(
            micrograd_plus.nn.Linear(4, 8), micrograd_plus.nn.Dropout(0.5), micrograd_plus.nn.Linear(8, 2)
        )
        x = next(iter(micrograd_plus.data.DataLoader([[float(i)] * 4 for i in range(8)], batch_size=4)))
        return model(x).numpy()

    assert (run_once() == run_once()).all()
