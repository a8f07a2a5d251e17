"""The track of symmetry discovery: tasks whose symmetries are known exactly, answers to them, and their scores."""
