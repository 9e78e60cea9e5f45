"""The models: the signal CNN, the multimodal Llama and its adapters, and the one packed forward."""
