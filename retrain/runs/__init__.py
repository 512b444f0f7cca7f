"""One run from its request to its end, and the loop that works requests off."""
