"""What `cloudchat doctor` looks at. Each check changes nothing, takes seconds at most, and says the mend."""
