"""The client side of cloudchat.v1, sans-I/O: what each frame means, what to send next, and when to connect again.

Only the client imports from here. Start with `chat_protocol`: frames go in, commands and updates come out.
"""
