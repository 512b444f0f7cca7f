"""The days of the history, and what they are made of: landings, findings, closed days, the gapless series."""
