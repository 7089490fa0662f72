from convcore import connections as connections
from convcore import dask as dask
from convcore import geometry as geometry
from convcore import jax as jax
from convcore import matrix as matrix
from convcore import nn as nn
from convcore import onnx as onnx
from convcore import reference as reference
from convcore import sklearn as sklearn
from convcore import torch as torch
from convcore import xarray as xarray
from convcore.api.conv import *
from convcore.api.error_bound import *
from convcore.api.local import *
from convcore.api.pool_adaptive_avg import *
from convcore.api.pool_adaptive_max import *
from convcore.api.pool_avg import *
from convcore.api.pool_l2 import *
from convcore.api.pool_lp import *
from convcore.api.pool_max import *
from convcore.api.pool_weighted import *
from convcore.api.signal import *
from convcore.api.tiled import *
from convcore.api.transpose import *
from convcore.api.windows import *
from convcore.engine.algorithm import set_algorithm as set_algorithm
from convcore.engine.array_api import set_array_api as set_array_api
from convcore.engine.build import build_info as build_info
from convcore.engine.explain import Explanation as Explanation
from convcore.engine.explain import explain as explain
from convcore.engine.prepared import PreparedLayer as PreparedLayer
from convcore.engine.prepared import prepare as prepare
from convcore.engine.threads import get_num_threads as get_num_threads
from convcore.engine.threads import set_num_threads as set_num_threads
from convcore.engine.threads import threads as threads

__version__: str
__all__ = [
    "Explanation",
    "PreparedLayer",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool1d_backward",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_avg_pool3d",
    "adaptive_avg_pool3d_backward",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_backward",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_backward",
    "avg_pool1d",
    "avg_pool1d_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "avg_pool3d",
    "avg_pool3d_backward",
    "build_info",
    "conv1d",
    "conv1d_backward",
    "conv2d",
    "conv2d_backward",
    "conv3d",
    "conv3d_backward",
    "conv_transpose1d",
    "conv_transpose1d_backward",
    "conv_transpose2d",
    "conv_transpose2d_backward",
    "conv_transpose3d",
    "conv_transpose3d_backward",
    "convolve",
    "correlate",
    "distance_window",
    "error_bound",
    "explain",
    "get_num_threads",
    "l2_pool1d",
    "l2_pool1d_backward",
    "l2_pool2d",
    "l2_pool2d_backward",
    "l2_pool3d",
    "l2_pool3d_backward",
    "local_conv1d",
    "local_conv1d_backward",
    "local_conv2d",
    "local_conv2d_backward",
    "local_conv3d",
    "local_conv3d_backward",
    "lp_pool1d",
    "lp_pool1d_backward",
    "lp_pool2d",
    "lp_pool2d_backward",
    "lp_pool3d",
    "lp_pool3d_backward",
    "max_pool1d",
    "max_pool1d_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "max_pool3d",
    "max_pool3d_backward",
    "prepare",
    "set_algorithm",
    "set_array_api",
    "set_num_threads",
    "threads",
    "tiled_conv1d",
    "tiled_conv1d_backward",
    "tiled_conv2d",
    "tiled_conv2d_backward",
    "tiled_conv3d",
    "tiled_conv3d_backward",
    "weighted_pool1d",
    "weighted_pool1d_backward",
    "weighted_pool2d",
    "weighted_pool2d_backward",
    "weighted_pool3d",
    "weighted_pool3d_backward",
]

def __dir__() -> list[str]: ...
