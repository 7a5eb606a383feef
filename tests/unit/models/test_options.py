"""Options are checked by the signature in a net's source, without importing the net."""

import importlib
import inspect
import subprocess
import sys

import pytest

from egokd.errors import UserError
from egokd.models.nets import NETS
from egokd.models.options import FIXED, TYPES, _signature, check_net, check_options


@pytest.mark.parametrize("net", NETS)
def test_the_source_says_what_the_class_says(net):
    row = NETS[net]
    real = inspect.signature(getattr(importlib.import_module(row.module), row.cls).__init__).parameters
    found = _signature(row.module, row.cls)
    assert {name: default for name, (_, default) in found.items()} == {
        name: parameter.default for name, parameter in real.items() if name not in FIXED
    }
    assert {kind for kind, _ in found.values()} <= set(TYPES)


@pytest.mark.parametrize(
    ("net", "options", "words"),
    [
        ("small", {"widht": 4}, "here: net 'small' has no option 'widht'; did you mean 'width'?"),
        ("small", {"width": "4"}, "here.width: expected one of the whole numbers of 1 to 65536, got '4'"),
        ("small", {"width": True}, "here.width"),
        ("small", {"dropout": float("nan")}, "here.dropout: expected a share"),
        ("small_boxes", {"width": 6}, "width 6 is no multiple of 4"),
        ("video_swin_t", {"window_size": [8, 7]}, "here.window_size: expected three whole numbers"),
        ("video_swin_t", {"num_heads": [5, 6, 12, 24]}, "no multiple of 5 heads"),
        ("video_swin_t", {"checkpointing": 1}, "here.checkpointing: expected true or false"),
        ("video_swin_t", {"pretrained": "KINETICS"}, "here.pretrained: 'KINETICS' is not on offer"),
        ("small", {"pretrained": "KINETICS400_V1"}, "it has no public weights"),
        ("stlt", {"width": 10, "num_heads": 4}, "width 10 is no multiple of num_heads 4"),
        ("timesformer_b", {"patch_size": 15}, "size 32 is no multiple of patch_size 15"),
        ("small", {"init": "/gone.safetensors"}, "here.init: '/gone.safetensors' is no file"),
    ],
)
def test_what_no_net_can_be_built_with_is_one_sentence(net, options, words):
    with pytest.raises(UserError) as caught:
        check_options("here", net, options, 8, 32)
    assert words in str(caught.value)


def test_real_options_pass():
    check_options(
        "here", "video_swin_b", {"pretrained": "KINETICS400_IMAGENET22K_V1", "window_size": [16, 7, 7]}, 8, 224
    )
    check_options("here", "timesformer_b", {"pretrained": "vit_base_patch16_224.augreg_in21k"}, 8, 224)


def test_a_net_that_reads_something_else_is_named():
    with pytest.raises(UserError, match=r"teachers\.rgb\.net: 'stlt' cannot read 'rgb'; it reads obj"):
        check_net("teachers.rgb", "stlt", "rgb", {}, 8, 32)


def test_planning_imports_no_torch():
    code = "import sys; import egokd.planning.reading; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
