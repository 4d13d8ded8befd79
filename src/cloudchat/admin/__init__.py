"""What administrators do: users, API tokens, invites."""
