"""Helpers of several tests: the real server as a process, accounts by HTTP, a small socket client."""
