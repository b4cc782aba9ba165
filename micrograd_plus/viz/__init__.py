"""Seeing it: graphs drawn, backpropagation step by step, the pictures of training."""
