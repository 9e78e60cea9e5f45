"""The gated training pipeline: compile it, run it on this machine, show what came out."""
