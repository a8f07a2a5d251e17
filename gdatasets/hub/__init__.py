"""The Hugging Face Hub: a client, publishing, loading."""
