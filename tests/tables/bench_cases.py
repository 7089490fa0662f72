"""Layers for tests of the benchmark: those of its table, and small ones of each kind."""

from convcore.benchmarks import layers, networks, passes

from convcore import connections, nn

LAYERS = layers.read_layers()


def pool(op, n, c, h, w, kernel, stride, padding):
    return layers.Pool(f"a-{op}", "a-group", op, n, c, h, w, kernel, stride, padding)


WINDOWS = [
    pool(op, 1, 3, 9, 8, (3, 2), 2, padding)
    for op in ("max", "avg", "box", "l2")
    for padding in (0, 1)
]
GLOBAL = [pool(op, 1, 3, 4, 5, (4, 5), 1, 0) for op in ("max", "avg")]
IMAGES = [pool(op, 1, 1, 9, 8, (5, 5), 1, 2) for op in ("max", "box")]
BATCH = [pool("max", 2, 3, 9, 8, (2, 2), 2, 0)]
CONVS = [
    layers.Conv("a-conv", "a-group", "conv", 2, 4, 9, 8, (3, 2), 2, 1, 6, 2),
    layers.Conv("an-image", "a-group", "conv", 1, 1, 9, 8, (3, 3), 1, 1, 1, 1),
    layers.Conv("a-signal", "a-group", "conv", 1, 1, 1, 50, (1, 6), 1, 0, 1, 1),
    layers.Gauss("an-image", "a-group", "gauss", 1, 1, 30, 28, (17, 17), 1, 8, 1, 1),
]


def variant(op, n, c, h, w, kernel, stride, padding, k, *more):
    return layers.KINDS[op](f"a-{op}", "a-group", op, n, c, h, w, kernel, stride, padding, k, *more)


VARIANTS = [
    variant("local", 1, 3, 7, 6, (3, 2), 1, 0, 4),
    variant("local", 2, 3, 7, 6, (3, 2), 2, 1, 4),
    variant("local", 1, 1, 5, 5, (3, 3), 1, 1, 1),
    variant("tiled", 1, 3, 7, 6, (3, 3), 1, 1, 4, 2),
    variant("tiled", 2, 3, 9, 12, (2, 3), 2, 0, 4, 3),
    variant("tiled", 1, 2, 4, 5, (3, 2), 1, 0, 3, 3),  # more weights than rows of outputs
    variant("table", 2, 5, 7, 6, (3, 2), 1, 1, 4, "2"),
    variant("table", 1, 6, 8, 8, (5, 5), 2, 2, 16, "lenet5-c3"),
    variant("transposed", 2, 4, 5, 6, (3, 3), 1, 1, 3, 0),
    variant("transposed", 1, 4, 5, 6, (4, 4), 2, 1, 3, 0),
    variant("transposed", 1, 4, 5, 6, (3, 2), 2, 0, 3, 1),
]
TRAINED = [layer for layer in (CONVS[0], *VARIANTS) if layer.op in layers.TRAINED]
TRAINING = [one_pass(layer) for layer in TRAINED for one_pass in passes.PASSES.values()]


def small(rng):
    """A network with every option that LeNet-5 and AlexNet have."""
    return nn.Sequential(
        {
            "a": nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 2), groups=2, rng=rng),
            "b": nn.ReLU(),
            "c": nn.MaxPool2d(3, 2, 1),
            "d": nn.Subsample2d(6, (2, 1)),
            "e": nn.Tanh(scaled=True),
            "f": nn.Conv2d(6, 5, 2, connections=connections.random(5, 6, 3, rng=0), rng=rng),
            "g": nn.Tanh(),
            "h": nn.Flatten(),
            "i": nn.Dropout(0.5, rng),
            "j": nn.Linear(90, 7, rng=rng),
        },
        input_shape=(4, 21, 16),
    )


networks.NETWORKS["small"] = small, (4, 21, 16)
NETWORKS = [
    networks.Network("a-network", "a-group", "network", n, net)
    for n, net in ((1, "small"), (3, "small"), (2, "lenet5"))
]
STEPS = [networks.Step("a-step", "a-group", "step", n, "lenet5") for n in (1, 4)]
CASES = [*WINDOWS, *GLOBAL, *IMAGES, *BATCH, *CONVS, *VARIANTS, *TRAINING, *NETWORKS, *STEPS]


def shape_of(layer):
    return f"{layer.shape_text} {layer.op}"
