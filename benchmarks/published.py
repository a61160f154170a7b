"""What arXiv 2410.06211 reports, as restated in `../shared/design/model.md`, section 6: the best of three seeds.

Its simulations follow the same rules with other settings, and its ChIP-seq sets are other sequences of the same factor:
anchors to look at, not what a method here must be measured against.
"""

# data set -> method -> auROC, auPRC, accuracy on the test part
PUBLISHED: dict[str, dict[str, tuple[float, float, float]]] = {
    "SPI1": {"ours": (0.955, 0.958, 0.898), "cnn": (0.949, 0.957, 0.887), "explainn": (0.951, 0.954, 0.895)},
    "TAL/GATA": {"ours": (0.954, 0.959, 0.884), "cnn": (0.910, 0.918, 0.838), "explainn": (0.939, 0.941, 0.856)},
    "E2F6": {"ours": (0.971, 0.975, 0.908), "cnn": (0.948, 0.952, 0.895), "explainn": (0.944, 0.944, 0.871)},
    "JUND/TEAD": {"ours": (0.999, 0.999, 0.988), "cnn": (0.997, 0.997, 0.981), "explainn": (0.999, 0.999, 0.984)},
    "REST": {"ours": (0.947, 0.940, 0.883), "cnn": (0.835, 0.824, 0.771), "explainn": (0.929, 0.927, 0.856)},
    "SPI1/CTCF": {"ours": (0.968, 0.965, 0.909), "cnn": (0.931, 0.928, 0.860), "explainn": (0.955, 0.953, 0.900)},
    "CTCF_HepG2/neg_gc": {
        "ours": (0.848, 0.854, 0.769), "cnn": (0.850, 0.852, 0.775), "explainn": (0.859, 0.860, 0.782),
    },
    "FOXA1_HepG2/neg_gc": {
        "ours": (0.805, 0.798, 0.728), "cnn": (0.809, 0.806, 0.734), "explainn": (0.810, 0.804, 0.730),
    },
}  # fmt: skip
