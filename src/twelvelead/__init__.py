"""Twelvelead: 12-lead ECG archives to a judged multimodal LLM that reads ECG pictures.

Research software, not a medical device.
"""

__version__ = "0.1.0"
