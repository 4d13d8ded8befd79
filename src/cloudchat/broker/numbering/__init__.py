"""No number of a room is assigned twice: the highest known seqs of the rooms, saved in SQL, and the names of epochs.

`redis_broker` sends the marks with each call, `app` saves and loads them. Start with `high_water_marks`.
"""
