"""What is written down: requests, runs, the champion pointer, model versions, build contexts."""
