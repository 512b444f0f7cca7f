"""How landed files are read: formats, columns, dates, amounts and ids."""
