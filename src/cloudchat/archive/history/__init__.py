"""Read the archive: `repository.py` reads pages of it, and `reader.py` joins them with the hot log to one history."""
