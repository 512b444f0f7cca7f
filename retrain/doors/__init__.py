"""How people and triggers come in: command line, HTTP, terminal, page."""
