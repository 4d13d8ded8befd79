"""What several tests need: the real server as a process, accounts by HTTP, a small socket client."""
