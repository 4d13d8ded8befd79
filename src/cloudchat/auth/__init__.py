"""Who someone is and what they may do: accounts, sessions, tokens, passwords."""
