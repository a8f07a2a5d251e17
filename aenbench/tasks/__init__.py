"""The image datasets that tasks are made of: generated, published, or a user's own."""
