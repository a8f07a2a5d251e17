"""From a folder of images to an answer: which symmetries they have, and whether a network that knows them is better."""
