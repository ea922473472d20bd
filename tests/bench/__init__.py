"""Measurements, not tests: how fast the panel is beside the same thing written with nothing around it."""
