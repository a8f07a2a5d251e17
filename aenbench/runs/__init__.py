"""From a task to an entry: plan, seeds, baselines, reruns."""
