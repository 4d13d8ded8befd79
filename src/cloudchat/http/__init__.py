"""What every HTTP route shares: errors, limits, credentials, headers."""
